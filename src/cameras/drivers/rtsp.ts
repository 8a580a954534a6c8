// The driver `rtsp`: network cameras with H.264, H.265 or Motion-JPEG pictures and AAC, G.711 or Opus sound, over TCP or
// UDP, with a basic or digest log-in. Pictures pass through as they come; G.711 becomes AAC.
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { AppError } from '../../errors.ts';
import { openCameraInput } from '../../workers/camera-input.ts';
import type { InputFailure } from '../../workers/camera-messages.ts';
import type { CameraSample, DriverContext, DriverOptions } from '../driver.ts';
import { checkNames, choiceOption, textOption } from '../options.ts';
import { isMetadata } from './camera-url.ts';

/** Silence of the camera, at the start or later, that ends the connection, microseconds: below the hub's 10 s. */
const timeoutMicros = 6_000_000;

type Settings = {
  /** Without the log-in. */
  readonly url: URL;
  readonly user: string;
  readonly password: string;
  readonly transport: 'tcp' | 'udp';
};

function settingsOf(options: DriverOptions): Settings {
  checkNames('rtsp', options, ['url', 'user', 'username', 'password', 'transport']);
  const text = textOption(options, 'url', true);
  if (text === null) throw new AppError('bad-request', 'The camera driver rtsp needs the option url.');
  if (!URL.canParse(text)) throw new AppError('bad-request', 'The url of the camera is none.');
  const url = new URL(text);
  if (url.protocol !== 'rtsp:' && url.protocol !== 'rtsps:') {
    throw new AppError(
      'bad-request',
      `The url of the camera begins with ${url.protocol.slice(0, 20)}; it takes rtsp: or rtsps:.`,
    );
  }
  if (url.hostname === '') throw new AppError('bad-request', 'The url of the camera names no host.');
  const user = textOption(options, 'user') ?? textOption(options, 'username') ?? decode(url.username);
  const password = textOption(options, 'password', true) ?? decode(url.password);
  url.username = '';
  url.password = '';
  return { url, user, password, transport: choiceOption(options, 'transport', ['tcp', 'udp']) };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Throws `bad-request`; the address is not in the message. */
export function checkOptions(options: DriverOptions): void {
  settingsOf(options);
}

/** Yields the camera's samples. Throws `unavailable` with what went wrong. */
export async function* samples(
  options: DriverOptions,
  { signal, clock }: DriverContext,
): AsyncGenerator<CameraSample, void, void> {
  const { url, user, password, transport } = settingsOf(options);
  if (signal.aborted) return;
  await refuseMetadata(url.hostname);
  if (signal.aborted) return;
  const logIn = user || password ? `${encodeURIComponent(user)}:${encodeURIComponent(password)}@` : '';
  yield* openCameraInput(
    {
      kind: 'demux',
      url: `${url.protocol}//${logIn}${url.host}${url.pathname}${url.search}`,
      format: 'rtsp',
      formats: 'rtsp',
      // A redirect leads to another RTSP server or nowhere: never to a file, never to HTTP.
      protocols: 'rtp,tcp,udp,tls',
      options: { rtsp_transport: transport, timeout: String(timeoutMicros) },
      isDescribed: true,
      pace: 'live',
    },
    { signal, clock, describe: (failure) => sentenceOf(failure, logIn !== '') },
  );
}

/** Looks the name up before FFmpeg does, which asks nobody. */
async function refuseMetadata(hostname: string): Promise<void> {
  const literal = hostname.replace(/^\[|\]$/g, '');
  const addresses = isIP(literal)
    ? [literal]
    : (await lookup(literal, { all: true }).catch(nameUnknown)).map(({ address }) => address);
  if (addresses.some(isMetadata)) {
    throw new AppError(
      'unavailable',
      'The camera’s address is a metadata service of a cloud, which is not opened.',
    );
  }
}

function nameUnknown(cause: unknown): never {
  throw new AppError('unavailable', 'The camera’s name is not known.', { cause });
}

function sentenceOf({ stage, code }: InputFailure, hasLogIn: boolean): string {
  switch (code) {
    case 'HTTP_UNAUTHORIZED':
      return hasLogIn
        ? 'The camera refuses the user name or password.'
        : 'The camera asks for a user name and a password.';
    case 'HTTP_FORBIDDEN':
      return 'The camera does not let this user see it.';
    case 'HTTP_NOT_FOUND':
      return 'The camera has no stream at this address.';
    case 'ECONNREFUSED':
      return 'Nothing answers at the camera’s address.';
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return 'The camera cannot be reached.';
    case 'ETIMEDOUT':
      return stage === 'open' ? 'The camera does not answer.' : 'The camera fell silent.';
    case 'EOF':
    case 'ECONNRESET':
    case 'EPIPE':
      return stage === 'open' ? 'The camera closed the connection.' : 'The camera ended the stream.';
    case 'NO_PICTURE':
      return 'The camera sends no pictures that can be shown.';
    case 'INVALIDDATA':
    case 'EIO':
      return stage === 'open'
        ? 'The camera’s answer is not RTSP, or broke off.'
        : 'The connection to the camera broke.';
    default:
      return `The camera’s stream cannot be ${stage === 'open' ? 'opened' : 'read'} (${code}).`;
  }
}
