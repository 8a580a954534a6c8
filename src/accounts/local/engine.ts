// better-auth, loaded at the first call (it takes some tenths of a second) and set up once for each address people use:
// cookies' names, passkeys and OpenID's way back depend on it. Calls go through its own handler, so that its checks of
// origins and its hooks hold for every one.
import { setImmediate as turn } from 'node:timers/promises';
import type { Auth } from 'better-auth';
import { AppError } from '../../errors.ts';
import type { Asker } from '../accounts.ts';
import { addressHeader, basePath, type EngineOpenId, type EngineParts } from './engine-parts.ts';

/** A house has a name or two and some addresses; more come from names of a home network that anybody can make up. */
const mostOrigins = 16;

/**
 * What better-auth stands on. Loaded all at once it stops the main thread, and every camera's stream
 * with it, for 0.9 s of CPU; one by one for 0.3 s at most. One that is not there (any more) is loaded with the rest.
 */
const pieces = ['zod', 'kysely', 'jose', '@peculiar/x509', '@simplewebauthn/server', 'better-auth/api'];

export type EngineRequest = {
  readonly method: string;
  /** Below `/api/auth`, with the query: `/sign-in/email`. */
  readonly path: string;
  /** Sent as JSON; a string as it is. */
  readonly body?: object | string | null;
  /** Besides those of the asker; lower case. */
  readonly headers?: Readonly<Record<string, string>>;
};

export type EngineAnswer = {
  readonly status: number;
  /** Without Set-Cookie. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** Set-Cookie values. */
  readonly cookies: readonly string[];
  readonly body: string;
  /** The body read as JSON; null where it is none. */
  readonly json: Readonly<Record<string, unknown>> | null;
};

export type Engine = {
  /** Loads it piece by piece, so that the first log-in does not wait. */
  load(): Promise<void>;
  /** Throws `unavailable` where it fails, `too-many` where too many passwords are being worked out. Any other refusal is an answer. */
  call(asker: Asker, request: EngineRequest): Promise<EngineAnswer>;
  /** What is set up for an address, for what has no request. */
  at(origin: string): Promise<Auth>;
  /** Sets it up anew for this address with the next call. */
  forget(origin: string): void;
  /** One of its own that knows an OpenID provider: setting it up asks there, which no other log-in should wait for. */
  withOpenId(openId: EngineOpenId): Engine;
};

export function createEngine(parts: EngineParts): Engine {
  // As promises, so that two first calls set up one.
  const byOrigin = new Map<string, Promise<Auth>>();
  function at(origin: string): Promise<Auth> {
    let auth = byOrigin.get(origin);
    byOrigin.delete(origin); // last used is last
    auth ??= import('./engine-options.ts').then(({ createAuth }) => createAuth(parts, origin));
    byOrigin.set(origin, auth);
    auth.catch(() => byOrigin.delete(origin));
    for (const oldest of byOrigin.keys()) {
      if (byOrigin.size <= mostOrigins) break;
      byOrigin.delete(oldest);
    }
    return auth;
  }
  return {
    at,
    forget: (origin) => void byOrigin.delete(origin),
    withOpenId: (openId) => createEngine({ ...parts, openId }),
    async load() {
      for (const piece of pieces) {
        await import(piece).catch(() => {});
        await turn();
      }
      await at('http://localhost');
    },
    async call(asker, request) {
      const auth = await at(asker.origin);
      let response: Response;
      try {
        response = await auth.handler(toRequest(asker, request));
      } catch (cause) {
        throw new AppError('unavailable', 'The accounts cannot be reached right now.', { cause });
      }
      const answer = await toAnswer(response);
      if (answer.status === 429 && answer.json?.code === 'BUSY')
        throw new AppError('too-many', 'Too many log-ins at this moment. Please try again.', {
          retryAfterSeconds: 5,
        });
      if (answer.status >= 500) {
        parts.log.error({ path: request.path.split('?')[0], status: answer.status }, 'better-auth failed');
        throw new AppError('unavailable', 'The accounts cannot be reached right now.');
      }
      return answer;
    },
  };
}

function toRequest(asker: Asker, { method, path, body, headers: more }: EngineRequest): Request {
  const headers = new Headers({ origin: asker.origin, ...more });
  if (asker.cookieHeader) headers.set('cookie', asker.cookieHeader);
  if (asker.userAgent) headers.set('user-agent', asker.userAgent.slice(0, 300));
  headers.set(addressHeader, asker.address);
  if (body && typeof body === 'object') headers.set('content-type', 'application/json');
  const text = typeof body === 'object' && body !== null ? JSON.stringify(body) : body;
  return new Request(asker.origin + basePath + path, { method, headers, body: text ?? null });
}

async function toAnswer(response: Response): Promise<EngineAnswer> {
  const body = await response.text();
  const headers = [...response.headers].filter(([name]) => name !== 'set-cookie');
  let json: EngineAnswer['json'] = null;
  try {
    const value: unknown = JSON.parse(body);
    if (typeof value === 'object') json = value as EngineAnswer['json'];
  } catch {
    // Not JSON: a redirect, or nothing.
  }
  return { status: response.status, headers, cookies: response.headers.getSetCookie(), body, json };
}
