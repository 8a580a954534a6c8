// The accounts' cookies: reading a Cookie header, the session cookie as better-auth signs it, and the mark of a browser
// that was logged in before. Over HTTPS every name has the prefix `__Host-` (RFC 6265bis §4.1.3.2): the cookie is
// Secure, for this host alone and all of it.
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { sessionCookie } from '../accounts.ts';

/** How long a log-in holds without being used, seconds. */
export const sessionSeconds = 30 * 86_400;
/** A browser is remembered for a year: no longer than it takes to forget a password. */
const deviceSeconds = 365 * 86_400;
/** People who share a browser; the last of them are remembered. */
const mostDevices = 4;
const deviceCookie = 'kinora.device';

/** What better-auth puts before the names of its other cookies. */
export function cookiePrefix(isSecure: boolean): string {
  return isSecure ? '__Host-kinora' : 'kinora';
}

function nameOf(name: string, origin: string): string {
  return origin.startsWith('https:') ? `__Host-${name}` : name;
}

export type CookieJar = {
  /** The session's token of a cookie's value; null where it is not one of ours. Takes the value as it stands in the header. */
  readSession(value: string): string | null;
  /** The token of the session cookie in a Cookie header; null where there is none that is ours. */
  sessionToken(asker: { readonly origin: string; readonly cookieHeader: string | null }): string | null;
  /** The token that one of these Set-Cookie values sets; null where none does. */
  newSessionToken(cookies: readonly string[]): string | null;
  /** What another of better-auth's signed cookies carries, by its name without a prefix; null where it is not ours. */
  readSigned(
    asker: { readonly origin: string; readonly cookieHeader: string | null },
    name: string,
  ): string | null;
  /** Set-Cookie of a session. */
  session(origin: string, token: string): string;
  /** Set-Cookie that ends it. */
  endSession(origin: string): string;
  /** The mark's id where this browser was logged in as that person before; else null. */
  deviceOf(
    asker: { readonly origin: string; readonly cookieHeader: string | null },
    personId: string,
  ): string | null;
  /** Set-Cookie that marks it; null where it is marked already. */
  markDevice(
    asker: { readonly origin: string; readonly cookieHeader: string | null },
    personId: string,
  ): string | null;
};

/** `sessionKey` is better-auth's secret, `deviceKey` another. */
export function createCookieJar(sessionKey: string, deviceKey: string): CookieJar {
  function readSession(value: string): string | null {
    if (value.length > 300) return null;
    let text = value;
    if (text.includes('%')) {
      try {
        text = decodeURIComponent(text);
      } catch {
        return null;
      }
    }
    const end = text.lastIndexOf('.');
    if (end < 1) return null;
    const token = text.slice(0, end);
    return isSame(text.slice(end + 1), sign(sessionKey, token, 'base64')) ? token : null;
  }
  const devices = (asker: { readonly origin: string; readonly cookieHeader: string | null }) =>
    (cookieOf(asker.cookieHeader, nameOf(deviceCookie, asker.origin)) ?? '')
      .split('.')
      .slice(0, mostDevices)
      .flatMap((entry) => {
        const [personId, id, signature] = entry.split('~');
        if (!personId || !id || !signature) return [];
        const isOurs = isSame(signature, sign(deviceKey, `${personId}~${id}`, 'base64url'));
        return isOurs ? [{ personId, id, entry }] : [];
      });
  const deviceOf: CookieJar['deviceOf'] = (asker, personId) =>
    devices(asker).find((device) => device.personId === personId)?.id ?? null;

  return {
    readSession,
    sessionToken({ origin, cookieHeader }) {
      const value = cookieOf(cookieHeader, nameOf(sessionCookie, origin));
      return value === null ? null : readSession(value);
    },
    newSessionToken(cookies) {
      for (const cookie of cookies) {
        const [pair = ''] = cookie.split(';');
        const [name, value] = [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)];
        if (name !== sessionCookie && name !== `__Host-${sessionCookie}`) continue;
        const token = readSession(value);
        if (token) return token;
      }
      return null;
    },
    readSigned({ origin, cookieHeader }, name) {
      const value = cookieOf(cookieHeader, `${cookiePrefix(origin.startsWith('https:'))}.${name}`);
      return value === null ? null : readSession(value);
    },
    session: (origin, token) =>
      setCookie(
        nameOf(sessionCookie, origin),
        encodeURIComponent(`${token}.${sign(sessionKey, token, 'base64')}`),
        { origin, maxAge: sessionSeconds },
      ),
    endSession: (origin) => setCookie(nameOf(sessionCookie, origin), '', { origin, maxAge: 0 }),
    deviceOf,
    markDevice(asker, personId) {
      if (deviceOf(asker, personId)) return null;
      const id = randomBytes(12).toString('base64url');
      const entry = `${personId}~${id}~${sign(deviceKey, `${personId}~${id}`, 'base64url')}`;
      const kept = devices(asker)
        .map((device) => device.entry)
        .slice(0, mostDevices - 1);
      return setCookie(nameOf(deviceCookie, asker.origin), [entry, ...kept].join('.'), {
        ...{ origin: asker.origin, maxAge: deviceSeconds },
      });
    },
  };
}

function setCookie(
  name: string,
  value: string,
  { origin, maxAge }: { origin: string; maxAge: number },
): string {
  const secure = origin.startsWith('https:') ? '; Secure' : '';
  return `${name}=${value}; Max-Age=${maxAge}; Path=/; HttpOnly${secure}; SameSite=Lax`;
}

/** The first cookie of that name (RFC 6265 §5.4 puts it first that was set for the longest path). */
function cookieOf(header: string | null, name: string): string | null {
  if (!header) return null;
  for (const pair of header.split(';')) {
    const at = pair.indexOf('=');
    if (at > 0 && pair.slice(0, at).trim() === name) return pair.slice(at + 1).trim();
  }
  return null;
}

function sign(key: string, text: string, encoding: 'base64' | 'base64url'): string {
  return createHmac('sha256', key).update(text).digest(encoding);
}

function isSame(given: string, right: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(right)];
  return a.length === b.length && timingSafeEqual(a, b);
}
