// Logging in with an OpenID provider (Authelia, Keycloak and such; OpenID Connect Core 1.0). better-auth goes the way
// there and back (state, PKCE, nonce, signed ID token); who may come in by it is decided here. An address is no proof of
// whose account it is: an account that is here already is connected by its person, who is logged in.
import { AppError, isAppError } from '../../errors.ts';
import type { Accounts, Asker, OpenIdOptions, RawAnswer } from '../accounts.ts';
import type { Role } from '../permissions.ts';
import type { Core } from './core.ts';
import type { Engine, EngineAnswer } from './engine.ts';
import { completeLogIn } from './log-in.ts';
import { openIdProvider } from './open-id-user.ts';
import { provePassword } from './passwords.ts';
import type { RawRoutes } from './raw-requests.ts';
import { hashSecret } from './secrets.ts';

type OpenId = Pick<Accounts, 'startOpenId'> & { readonly routes: RawRoutes };

/** A provider that does not answer is not waited for longer. */
const waitMs = 15_000;

/** What `/login?after=` explains. */
type Outcome = 'openid-failed' | 'openid-closed' | 'openid-connect' | 'openid-taken';

/** better-auth's words for what went wrong. */
const outcomes: Readonly<Record<string, Outcome>> = {
  account_not_linked: 'openid-connect',
  account_already_linked_to_different_user: 'openid-taken',
  NOT_ADMITTED: 'openid-closed',
};

type Admission = {
  readonly role: Role;
  readonly quotaBytes: number | null;
  readonly inviteId: string | null;
};

export function createOpenId(core: Core): OpenId {
  const { config, data, sessions, attempts, audit, clock } = core;
  const provider = config.openId;
  let engine: Engine | null = null;
  const known = new Set<string>();

  async function admission(invite: string | null): Promise<Admission | null> {
    // The first account is made where the code is known.
    if (config.signUp === 'closed' || !(await data.people.hasOwner())) return null;
    if (invite) {
      const found = await data.invites.find(hashSecret(invite.slice(0, 200)), clock.nowMs());
      if (found) return { role: found.role, quotaBytes: found.quotaBytes, inviteId: found.id };
    }
    return config.signUp === 'open'
      ? { role: 'member', quotaBytes: config.quotaBytes, inviteId: null }
      : null;
  }

  /** Called by better-auth on the way back; the state of the way there holds the invite. */
  async function admit(user: { readonly name: string }) {
    const { APIError, getOAuthState } = await import('better-auth/api');
    const { invite } = ((await getOAuthState()) ?? {}) as { invite?: unknown };
    const admitted = await admission(typeof invite === 'string' ? invite : null);
    // Of two with one invite, one uses it up.
    if (!admitted || (admitted.inviteId && !(await data.invites.use(admitted.inviteId, clock.nowMs()))))
      throw new APIError('FORBIDDEN', { code: 'NOT_ADMITTED' });
    const { role, quotaBytes } = admitted;
    return { ...user, role, quotaBytes, isDisabled: false, twoFactorEnabled: false, image: null };
  }

  /** Throws `not-found` where there is no provider, `unavailable` where it does not answer. */
  async function engineFor(origin: string): Promise<Engine> {
    if (!provider) throw new AppError('not-found', 'There is no other log-in here.');
    engine ??= core.engine.withOpenId({
      provider,
      admit,
      admitted: async (personId) =>
        audit.note({ address: '' }, await data.people.get(personId), 'signed-up', provider.name),
    });
    if (known.has(origin)) return engine;
    // better-auth asks there once, when it is set up, and does without where nobody answers.
    engine.forget(origin);
    const url = `${provider.issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
    const answer = await fetch(url, { signal: AbortSignal.timeout(waitMs), redirect: 'error' }).catch(
      () => null,
    );
    await answer?.body?.cancel();
    if (!answer?.ok) throw away();
    if (known.size > 100) known.clear();
    known.add(origin);
    return engine;
  }
  const away = () =>
    new AppError(
      'unavailable',
      `${provider?.name} cannot be reached right now. Try again, or log in with your password.`,
    );
  /** An answer in time; the provider is asked on the way. */
  async function ask(asker: Asker, path: string, body: object | null): Promise<EngineAnswer> {
    const ours = await engineFor(asker.origin);
    const timer = new AbortController();
    const late = clock.sleep(waitMs, timer.signal).then(
      () => Promise.reject(away()),
      () => Promise.reject(away()),
    );
    late.catch(() => {});
    try {
      return await Promise.race([ours.call(asker, { method: body ? 'POST' : 'GET', path, body }), late]);
    } finally {
      timer.abort();
    }
  }

  return {
    async startOpenId(asker, next, { invite = null, connect = null }: OpenIdOptions = {}) {
      if (!provider) throw new AppError('not-found', 'There is no other log-in here.');
      await attempts.begin('waiting', { address: asker.address });
      if (connect) await proveOwner(core, asker, connect);
      const callbackURL = new URL(next, asker.origin).href;
      if (new URL(callbackURL).origin !== asker.origin)
        throw new AppError('bad-request', 'This leads away from here.');
      const path = connect ? '/link-social' : '/sign-in/social';
      const { status, json, cookies } = await ask(connect ? asker : withoutSession(asker), path, {
        ...{ provider: openIdProvider, callbackURL, errorCallbackURL: `${asker.origin}/login` },
        ...{ disableRedirect: true, ...(invite && !connect ? { additionalData: { invite } } : {}) },
      });
      if (status !== 200 || typeof json?.url !== 'string') {
        known.delete(asker.origin);
        throw away();
      }
      return { location: json.url, cookies };
    },

    routes: {
      async [`GET /callback/${openIdProvider}`](asker, call) {
        await attempts.begin('waiting', { address: asker.address });
        let answer: EngineAnswer;
        try {
          answer = await ask(asker, call.path + call.query, null);
        } catch (error) {
          if (!isAppError(error, 'unavailable')) throw error;
          return leadTo('/login?after=openid-failed', []);
        }
        const location = answer.headers.find(([name]) => name === 'location')?.[1] ?? '';
        const there = URL.parse(location, asker.origin);
        const error = there?.searchParams.get('error');
        if (!there || there.origin !== asker.origin || error) {
          const outcome = outcomes[error ?? ''] ?? 'openid-failed';
          await audit.note(asker, null, 'sign-in-failed', provider?.name ?? '');
          return leadTo(`/login?after=${outcome}`, answer.cookies);
        }
        const path = there.pathname + there.search;
        if (core.cookies.newSessionToken(answer.cookies)) {
          const { cookies } = await completeLogIn(core, asker, answer.cookies, provider?.name);
          return leadTo(path, cookies);
        }
        // Nobody came in: it was connected.
        const token = core.cookies.sessionToken(asker);
        const session = token ? await sessions.find(token) : null;
        const person = session ? await data.people.get(session.personId) : null;
        await audit.note(
          asker,
          person,
          'person-changed',
          `${person?.name ?? ''}: ${provider?.name} connected`,
        );
        return leadTo(path, answer.cookies);
      },
    },
  };
}

/** Who connects a log-in is logged in here, and gives the password where there is one. */
async function proveOwner(
  core: Core,
  asker: Asker,
  { personId, password }: NonNullable<OpenIdOptions['connect']>,
): Promise<void> {
  const token = core.cookies.sessionToken(asker);
  const session = token ? await core.sessions.find(token) : null;
  if (session?.personId !== personId) throw new AppError('forbidden', 'Log in here first.');
  if ((await core.data.passwords.hash(personId)) !== null)
    await provePassword(core, asker, personId, password);
}

/** A log-in is nobody's yet: what the browser has is not connected by the way. */
function withoutSession(asker: Asker): Asker {
  return { ...asker, cookieHeader: null };
}

function leadTo(path: string, cookies: readonly string[]): RawAnswer {
  const headers = [
    ['location', path],
    ['cache-control', 'no-store'],
    ...cookies.map((cookie) => ['set-cookie', cookie] as const),
  ] as const;
  return { status: 303, headers, body: '' };
}
