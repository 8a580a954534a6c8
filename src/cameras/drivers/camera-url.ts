// Opens a camera's HTTP address with the care an address from outside needs: http and https only, at each redirect
// again, and never a cloud's metadata service, whatever name leads there.
import { lookup } from 'node:dns';
import http, { type IncomingMessage } from 'node:http';
import https from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import { AppError } from '../../errors.ts';
import { answerChallenge, isStale, type LogIn } from './http-log-in.ts';

/** Redirects a camera may need: to its https address, to its stream's path. */
const maxRedirects = 3;

/** Response headers larger than this are an attack: Node ends the connection. */
const maxHeaderBytes = 16 * 1024;

/**
 * Where clouds hand out credentials to whoever asks from inside (AWS, Azure, GCP; AWS over IPv6; Alibaba; Oracle).
 * Other private addresses are what cameras live at.
 */
const metadataAddresses = new Set([
  '169.254.169.254',
  'fd00:ec2::254',
  '100.100.100.200',
  '192.0.0.192',
  '169.254.170.2',
]);

export type CameraUrl = { readonly url: URL; readonly user: string; readonly password: string };

/** Checks a camera's address and takes the log-in out of it. Throws `bad-request`; the address is not in the message. */
export function parseCameraUrl(text: string): CameraUrl {
  if (!URL.canParse(text)) throw new AppError('bad-request', 'The url of the camera is none.');
  const url = new URL(text);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw new AppError(
      'bad-request',
      `The url of the camera begins with ${url.protocol}; it takes http: or https:.`,
    );
  }
  const user = decode(url.username);
  const password = decode(url.password);
  url.username = '';
  url.password = '';
  return { url, user, password };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/**
 * Sends a GET and resolves to the final answer, its body unread. The log-in goes to the first origin only, once it
 * has asked for it. Throws `unavailable` with one sentence, or the signal's reason.
 */
export async function openUrl(
  start: URL,
  logIn: LogIn | null,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  let url = start;
  /** Where the last answer came from: a redirect may stay on this machine or this link, but not lead to it. */
  let from: string | null = null;
  for (let redirects = 0; ; redirects++) {
    const response = await openWithLogIn(url, url.origin === start.origin ? logIn : null, from, signal);
    const location = response.headers.location;
    if (![301, 302, 303, 307, 308].includes(response.statusCode ?? 0) || !location) return response;
    from = response.socket.remoteAddress ?? '';
    response.destroy();
    if (redirects === maxRedirects)
      throw new AppError('unavailable', 'The camera redirects again and again.');
    if (!URL.canParse(location, url))
      throw new AppError('unavailable', 'The camera redirects to no address.');
    url = new URL(location, url);
    if (url.protocol !== 'http:' && url.protocol !== 'https:') {
      throw new AppError(
        'unavailable',
        `The camera redirects to a ${url.protocol} address, which is not followed.`,
      );
    }
    url.username = '';
    url.password = '';
  }
}

/** Answers the camera's challenge once, and once more where its nonce was only too old. */
async function openWithLogIn(
  url: URL,
  logIn: LogIn | null,
  from: string | null,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  let authorization: string | null = null;
  for (let tries = 0; ; tries++) {
    const response = await get(url, authorization, from, signal);
    if (response.statusCode !== 401) return response;
    const challenge = response.headers['www-authenticate'];
    response.destroy();
    if (!logIn) throw new AppError('unavailable', 'The camera asks for a user name and a password.');
    if (tries > 0 && (tries > 1 || !isStale(challenge)))
      throw new AppError('unavailable', 'The camera refuses the user name or password.');
    authorization = answerChallenge(challenge, logIn, `${url.pathname}${url.search}`);
    if (authorization === null)
      throw new AppError('unavailable', 'The camera asks for a kind of log-in that is not known here.');
  }
}

function get(
  url: URL,
  authorization: string | null,
  from: string | null,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const literal = url.hostname.replace(/^\[|\]$/g, '');
  const obstacle = isIP(literal) ? refusalOf(literal, from) : null;
  if (obstacle) return Promise.reject(obstacle);
  return new Promise((resolve, reject) => {
    const { request } = url.protocol === 'https:' ? https : http;
    const headers = {
      Accept: 'multipart/x-mixed-replace, image/jpeg, */*',
      ...(authorization && { authorization }),
    };
    const sent = request(url, {
      signal,
      headers,
      agent: false,
      maxHeaderSize: maxHeaderBytes,
      lookup: guardedLookup(from),
    });
    sent.on('response', resolve);
    sent.on('error', (cause) => reject(cause instanceof AppError ? cause : failed(cause)));
    sent.end();
  });
}

/** Looks a name up and refuses it where any of its addresses is not to be opened. */
function guardedLookup(from: string | null): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, options, (error, address, family) => {
      const addresses = Array.isArray(address) ? address.map((entry) => entry.address) : [address];
      const obstacle = error ? null : addresses.map((each) => refusalOf(each, from)).find((each) => each);
      if (obstacle) callback(obstacle, '', 0);
      else callback(error, address, family);
    });
  };
}

/** Why an address is not opened; null where it may be. `from`: who redirects there, null where people wrote it. */
function refusalOf(address: string, from: string | null): AppError | null {
  if (isMetadata(address)) return refused();
  const reach = reachOf(address);
  if (from === null || reach === 'network' || reach === reachOf(from)) return null;
  const where = reach === 'loopback' ? 'this machine itself' : 'a link-local address';
  return new AppError('unavailable', `The camera redirects to ${where}, which is not followed.`);
}

/** Whether an address is a cloud's metadata service, in whatever way it is written. */
export function isMetadata(address: string): boolean {
  return metadataAddresses.has(unmapped(address));
}

/** Loopback (RFC 1122 §3.2.1.3, RFC 4291 §2.5.3), link-local (RFC 3927, RFC 4291 §2.5.6), or anything else. */
function reachOf(address: string): 'loopback' | 'link' | 'network' {
  const plain = unmapped(address);
  if (/^127\.|^0\./.test(plain) || plain === '::1' || plain === '::') return 'loopback';
  if (/^169\.254\.|^fe[89ab][0-9a-f]:/.test(plain)) return 'link';
  return 'network';
}

/** An IPv4 address written as IPv6 (RFC 4291 §2.5.5.2) in its own form, in both spellings. */
function unmapped(text: string): string {
  const address = text.toLowerCase();
  const dotted = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/.exec(address);
  if (dotted) return dotted[1]!;
  const hex = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(address);
  if (!hex) return address;
  const [high, low] = [Number.parseInt(hex[1]!, 16), Number.parseInt(hex[2]!, 16)];
  return [high >> 8, high & 255, low >> 8, low & 255].join('.');
}

function refused(): AppError {
  return new AppError(
    'unavailable',
    'The camera’s address is a metadata service of a cloud, which is not opened.',
  );
}

const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'Nothing answers at the camera’s address.',
  ECONNRESET: 'The camera closed the connection.',
  EHOSTUNREACH: 'The camera cannot be reached.',
  ENETUNREACH: 'The camera cannot be reached.',
  ETIMEDOUT: 'The camera does not answer.',
  ENOTFOUND: 'The camera’s name is not known.',
  EAI_AGAIN: 'The camera’s name cannot be looked up now.',
  HPE_HEADER_OVERFLOW: 'The camera’s answer has headers without end.',
};

function failed(cause: Error & { code?: string }): AppError {
  const code = cause.code ?? '';
  let message = reasons[code];
  if (!message && code.startsWith('HPE_')) message = 'The camera’s answer is not HTTP.';
  if (!message && /CERT|SSL|TLS|SELF_SIGNED/.test(code))
    message = `The camera’s certificate is not trusted (${code}).`;
  return new AppError('unavailable', message ?? 'The camera cannot be reached.', { cause });
}
