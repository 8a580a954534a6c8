// Who sends a request: by its cookie or token, by the name a trusted proxy gives, or everybody. What was found is
// remembered for a moment, so that the ranges of a film or the pictures of a page ask once. Bounded.
import type { FastifyRequest } from 'fastify';
import { type Accounts, type Identity, sessionCookie } from '../accounts/accounts.ts';
import { household } from '../accounts/permissions.ts';
import type { Clock } from '../clock.ts';
import type { Config } from '../config.ts';
import { AppError } from '../errors.ts';
import { createProxyCheck } from './trusted-proxies.ts';

/** How old an answer may be; `Accounts.revision` makes it shorter. */
const rememberedMs = 3000;
const maxRemembered = 2000;
/** Longest cookie, token or name that is looked at. */
const maxLength = 1000;

export type Identities = {
  /**
   * null where nobody; at once where it was asked a moment ago. `mayBeOld` as in `IdentifyOptions`. Throws `unavailable`,
   * `forbidden` (not by the proxy).
   */
  find(request: FastifyRequest, mayBeOld?: boolean): Identity | null | Promise<Identity | null>;
  /** It is to be asked for anew: its cookie was renewed. */
  forget(request: FastifyRequest): void;
};

type Remembered = { readonly identity: Identity; readonly atMs: number; readonly revision: number };

const everybody: Identity = {
  viewer: household,
  expiresAtMs: Number.POSITIVE_INFINITY,
  isRenewable: false,
};

export function createIdentities({
  config,
  accounts,
  clock,
}: {
  readonly config: Pick<Config, 'auth' | 'server'>;
  readonly accounts: Pick<Accounts, 'identify' | 'identifyNamed' | 'revision'>;
  readonly clock: Clock;
}): Identities {
  const { mode, header } = config.auth;
  if (mode === 'none') return { find: () => everybody, forget: () => {} };
  const { publicUrl, trustedProxies } = config.server;
  const isProxy = createProxyCheck(trustedProxies);
  /** null: as each request says. */
  const isSecure = publicUrl === null ? null : publicUrl.startsWith('https:');
  const remembered = new Map<string, Remembered>();

  /** What proves who it is, with a letter for its kind; null where there is nothing. */
  const proofOf = (request: FastifyRequest): string | null => {
    const { headers, raw } = request;
    if (mode === 'header' && !isProxy(raw.socket.remoteAddress))
      throw new AppError(
        'forbidden',
        'This Kinora is reached by its own log-in in front of it, and not directly.',
      );
    const bearer = bearerOf(headers.authorization);
    if (bearer !== null) return `b${bearer}`;
    if (mode === 'header') {
      const name = headers[header];
      return typeof name === 'string' && name !== '' && name.length <= maxLength ? `n${name}` : null;
    }
    const cookie = sessionIn(headers.cookie, isSecure ?? request.protocol === 'https');
    return cookie === null ? null : `c${cookie}`;
  };

  const ask = async (proof: string, mayBeOld: boolean): Promise<Identity | null> => {
    const revision = accounts.revision();
    const value = proof.slice(1);
    const identity =
      proof[0] === 'n'
        ? await accounts.identifyNamed(value, null, { mayBeOld })
        : await accounts.identify(
            proof[0] === 'b' ? { bearer: value, cookie: null } : { bearer: null, cookie: value },
            { mayBeOld },
          );
    // Who is nobody is not remembered: anybody can send any number of such.
    if (!identity) return null;
    if (remembered.size >= maxRemembered) remembered.delete(remembered.keys().next().value!);
    remembered.set(keyOf(proof, mayBeOld), { identity, atMs: clock.monotonicMs(), revision });
    return identity;
  };

  return {
    find(request, mayBeOld = false) {
      const proof = proofOf(request);
      if (proof === null) return null;
      const key = keyOf(proof, mayBeOld);
      const known = remembered.get(key);
      if (known) {
        const isFresh =
          known.revision === accounts.revision() &&
          clock.monotonicMs() - known.atMs < rememberedMs &&
          known.identity.expiresAtMs > clock.nowMs();
        if (isFresh) return known.identity;
        remembered.delete(key);
      }
      return ask(proof, mayBeOld);
    },
    forget(request) {
      const proof = proofOf(request);
      if (proof !== null) remembered.delete(proof);
    },
  };
}

/** An answer that may be an old one is good for nothing else. */
function keyOf(proof: string, mayBeOld: boolean): string {
  return mayBeOld ? `~${proof}` : proof;
}

/** `Authorization: Bearer` (RFC 6750 §2.1); null where it is another scheme or none. */
export function bearerOf(header: string | undefined): string | null {
  if (header === undefined || header.length > maxLength) return null;
  return /^bearer +([\w\-.~+/]+=*)$/i.exec(header)?.[1] ?? null;
}

/**
 * The session's cookie as it was sent. Over HTTPS it is the one with the prefix, which no sibling's page and nobody on
 * the way can have set (RFC 6265bis §4.1.3.2).
 */
function sessionIn(header: string | undefined, isSecure: boolean): string | null {
  if (header === undefined || !header.includes(sessionCookie)) return null;
  const wanted = isSecure ? `__Host-${sessionCookie}` : sessionCookie;
  for (const pair of header.split(';')) {
    const at = pair.indexOf('=');
    if (at < 1 || pair.slice(0, at).trim() !== wanted) continue;
    const value = pair.slice(at + 1).trim();
    return value && value.length <= maxLength ? value : null;
  }
  return null;
}
