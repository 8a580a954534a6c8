// Opens a camera's HTTP address with the care an address from outside needs: http and https only, at each redirect
// again, and never a cloud's metadata service, whatever name leads there.
import { lookup } from 'node:dns';
import http, { type IncomingMessage } from 'node:http';
import https from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import { AppError } from '../../errors.ts';

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
 * Sends a GET and resolves to the final answer, its body unread. The log-in goes to the first origin only.
 * Throws `unavailable` with one sentence, or the signal's reason.
 */
export async function openUrl(
  start: URL,
  authorization: string | null,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  let url = start;
  for (let redirects = 0; ; redirects++) {
    const response = await get(url, url.origin === start.origin ? authorization : null, signal);
    const location = response.headers.location;
    if (![301, 302, 303, 307, 308].includes(response.statusCode ?? 0) || !location) return response;
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

function get(url: URL, authorization: string | null, signal: AbortSignal): Promise<IncomingMessage> {
  const literal = url.hostname.replace(/^\[|\]$/g, '');
  if (isIP(literal) && isMetadata(literal)) return Promise.reject(refused());
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
      lookup: guardedLookup,
    });
    sent.on('response', resolve);
    sent.on('error', (cause) => reject(cause instanceof AppError ? cause : failed(cause)));
    sent.end();
  });
}

/** Looks a name up and refuses it where any of its addresses is a metadata service. */
const guardedLookup: LookupFunction = (hostname, options, callback) => {
  lookup(hostname, options, (error, address, family) => {
    const addresses = Array.isArray(address) ? address.map((entry) => entry.address) : [address];
    if (!error && addresses.some(isMetadata)) callback(refused(), '', 0);
    else callback(error, address, family);
  });
};

function isMetadata(address: string): boolean {
  return metadataAddresses.has(unmapped(address.toLowerCase()));
}

/** An IPv4 address written as IPv6 (RFC 4291 §2.5.5.2) in its own form, in both spellings. */
function unmapped(address: string): string {
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
