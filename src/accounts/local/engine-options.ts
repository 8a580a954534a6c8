// How better-auth is set up. Heavy: only `engine.ts` imports it, when it is first needed. What it may not do by itself
// (make accounts, limit attempts, decide who may come in) is left to the parts beside this file.

import { passkey } from '@better-auth/passkey';
import { type Auth, type BetterAuthOptions, betterAuth } from 'better-auth';
import { APIError } from 'better-auth/api';
import { deviceAuthorization } from 'better-auth/plugins/device-authorization';
import { genericOAuth } from 'better-auth/plugins/generic-oauth';
import { twoFactor } from 'better-auth/plugins/two-factor';
import { username } from 'better-auth/plugins/username';
import { isAppError } from '../../errors.ts';
import { createId } from '../../ids.ts';
import { cookiePrefix, sessionSeconds } from './cookies.ts';
import { addressHeader, basePath, type EngineOpenId, type EngineParts } from './engine-parts.ts';
import { openIdProvider, openIdUser } from './open-id-user.ts';
import { createRecoveryCodes } from './secrets.ts';

const noTokens = {
  ...{ accessToken: null, refreshToken: null, idToken: null, scope: null },
  ...{ accessTokenExpiresAt: null, refreshTokenExpiresAt: null },
};

/** better-auth for one address people use. */
export async function createAuth(parts: EngineParts, origin: string): Promise<Auth> {
  return betterAuth(await engineOptions(parts, origin)) as unknown as Auth;
}

/** Everything it is told; also what its migrations are asked with (`test/accounts/schema.test.ts`). */
export async function engineOptions(parts: EngineParts, origin: string): Promise<BetterAuthOptions> {
  const { data, hasher, log, secret, openId } = parts;
  const isSecure = origin.startsWith('https:');
  const prefix = cookiePrefix(isSecure);
  return {
    appName: 'Kinora',
    baseURL: origin,
    basePath,
    secret,
    // Without its own transactions: what has to be atomic is ours (`account-data.ts`).
    database: await data.engineDatabase(),
    emailAndPassword: {
      enabled: true,
      // `sign-up.ts` makes accounts.
      disableSignUp: true,
      minPasswordLength: 1,
      maxPasswordLength: 1000,
      password: {
        hash: (password) => hasher.hash(password).catch(busy),
        verify: ({ hash, password }) => hasher.isPassword(password, hash).catch(busy),
      },
    },
    user: {
      additionalFields: {
        // The defaults are put right before anybody is made (`open-id.ts`); better-auth asks for them.
        role: { type: 'string', required: true, input: false, defaultValue: 'guest' },
        quotaBytes: { type: 'number', bigint: true, required: false, input: false, returned: false },
        isDisabled: {
          ...{ type: 'boolean', required: true, input: false, returned: false },
          defaultValue: true,
        },
        lastSeenAtMs: { type: 'number', bigint: true, required: false, input: false, returned: false },
      },
    },
    // Prolonged by `renew` alone, which knows when a session's year is over.
    session: { expiresIn: sessionSeconds, disableSessionRefresh: true },
    databaseHooks: {
      // Nobody comes to be by a way that did not ask `sign-up.ts` or `open-id.ts`.
      user: {
        create: {
          before: async (user) => (openId ? { data: await openId.admit(user) } : false),
          after: async ({ id }) => openId?.admitted(id),
        },
      },
      // What could be done at the provider in somebody's name is not kept.
      account: { create: { before: async () => ({ data: noTokens }) } },
      // Whatever way somebody comes in, a disabled account gets no session.
      session: {
        create: { before: async ({ userId }) => (await data.people.get(userId))?.isDisabled === false },
      },
    },
    account: {
      // An address is no proof: a log-in of elsewhere is connected by who is logged in here, and by nobody else.
      accountLinking: {
        ...{ enabled: true, disableImplicitLinking: true, allowDifferentEmails: true },
        trustedProviders: [openIdProvider],
      },
      updateAccountOnSignIn: false,
    },
    plugins: [
      ...(openId ? [openIdPlugin(openId.provider)] : []),
      username({ displayUsername: false, minUsernameLength: 3, maxUsernameLength: 30 }),
      twoFactor({
        issuer: 'Kinora',
        backupCodeOptions: { customBackupCodesGenerate: createRecoveryCodes },
      }),
      deviceAuthorization({ expiresIn: '10m', interval: '5s', userCodeLength: 8 }),
      passkey({
        ...{ rpName: 'Kinora', rpID: new URL(origin).hostname, origin },
        authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
        advanced: { webAuthnChallengeCookie: 'passkey' },
        authentication: {
          // Else whoever finds a security key has both factors at once.
          async afterVerification({ verification }) {
            if (verification.authenticationInfo.userVerified) return;
            throw new APIError('UNAUTHORIZED', {
              code: 'USER_NOT_VERIFIED',
              message: 'The passkey did not check that it is you. Turn on its PIN, fingerprint or face.',
            });
          },
        },
      }),
    ],
    advanced: {
      // The prefix stands in the names themselves: better-auth's own would be `__Secure-`.
      useSecureCookies: false,
      cookiePrefix: prefix,
      cookies: { session_token: { name: `${prefix}.session` } },
      defaultCookieAttributes: { secure: isSecure, httpOnly: true, sameSite: 'lax', path: '/' },
      ipAddress: { ipAddressHeaders: [addressHeader] },
      disableCSRFCheck: false,
      disableOriginCheck: false,
      database: { generateId: () => createId(), validateSchema: false },
    },
    // `attempts.ts` limits.
    rateLimit: { enabled: false },
    telemetry: { enabled: false },
    onAPIError: { errorURL: `${origin}/login` },
    // What it says may hold what people typed: only that it said something is kept, unless it is being looked into.
    logger: { level: 'error', log: (level, message) => log.debug({ level }, `better-auth: ${message}`) },
  };
}

function openIdPlugin({ issuer, clientId, clientSecret }: EngineOpenId['provider']) {
  return genericOAuth({
    config: [
      {
        providerId: openIdProvider,
        // OpenID Connect Discovery 1.0 §4
        discoveryUrl: `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`,
        ...{ clientId, clientSecret, scopes: ['openid', 'profile', 'email'], pkce: true },
        // The one that is taken where nothing was said (OpenID Connect Core 1.0 §9).
        tokenEndpointAuth: { method: 'client_secret_basic' },
        requireIdTokenVerification: true,
        mapProfileToUser: (profile) => openIdUser(profile),
      },
    ],
  });
}

/** Too many passwords at once is an answer of its own, not a failure. */
function busy(error: unknown): never {
  if (isAppError(error, 'too-many')) throw new APIError('TOO_MANY_REQUESTS', { code: 'BUSY' });
  throw error;
}
