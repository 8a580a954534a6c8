// The driver `mjpeg`: a camera that sends Motion-JPEG over HTTP (multipart/x-mixed-replace), any boundary, with or
// without lengths, digest and basic log-in. Memory: at most two pictures of the largest size taken.
import type { IncomingMessage } from 'node:http';
import { AppError } from '../../errors.ts';
import type { DriverContext, DriverOptions } from '../driver.ts';
import { checkNames, textOption } from '../options.ts';
import { openUrl, parseCameraUrl } from './camera-url.ts';
import type { LogIn } from './http-log-in.ts';
import { createPictureParser } from './picture-parser.ts';

function settingsOf(options: DriverOptions): { url: URL; logIn: LogIn | null } {
  checkNames('mjpeg', options, ['url', 'user', 'username', 'password']);
  const address = textOption(options, 'url', true);
  if (address === null) throw new AppError('bad-request', 'The camera driver mjpeg needs the option url.');
  const { url, user, password } = parseCameraUrl(address);
  const name = textOption(options, 'user') ?? textOption(options, 'username') ?? user;
  const secret = textOption(options, 'password', true) ?? password;
  return { url, logIn: name || secret ? { user: name, password: secret } : null };
}

/** Throws `bad-request`. */
export function checkOptions(options: DriverOptions): void {
  settingsOf(options);
}

/** Yields the camera's pictures as it sends them. Throws `unavailable` with what the camera did wrong. */
export async function* samples(
  options: DriverOptions,
  { signal }: DriverContext,
): AsyncGenerator<Uint8Array, void, void> {
  const { url, logIn } = settingsOf(options);
  let response: IncomingMessage;
  try {
    response = await openUrl(url, logIn, signal);
  } catch (error) {
    if (signal.aborted) return;
    throw error;
  }
  try {
    const parser = createPictureParser(boundaryOf(response));
    for await (const chunk of response) {
      for (const picture of parser.push(chunk as Buffer)) yield picture;
    }
    throw new AppError('unavailable', 'The camera ended the stream.');
  } catch (error) {
    if (signal.aborted) return;
    if (error instanceof AppError) throw error;
    throw new AppError('unavailable', 'The connection to the camera broke.', { cause: error });
  } finally {
    response.destroy();
  }
}

/** The delimiter of a Motion-JPEG answer as declared; null where it is not. Throws `unavailable` for other answers. */
function boundaryOf(response: IncomingMessage): string | null {
  const status = response.statusCode ?? 0;
  if (status === 403) throw new AppError('unavailable', 'The camera refuses the user name or password.');
  if (status !== 200) throw new AppError('unavailable', `The camera answers with status ${status}.`);
  const type = (response.headers['content-type'] ?? '').slice(0, 1000);
  if (/^multipart\//i.test(type)) {
    const declared = /;\s*boundary=(?:"([^"]{1,200})"|([^\s;"]{1,200}))/i.exec(type);
    const boundary = declared?.[1] ?? declared?.[2] ?? null;
    return boundary === null ? null : boundary.trim();
  }
  if (/^text\/html/i.test(type)) {
    throw new AppError('unavailable', 'The camera answers with a web page, not with a stream of pictures.');
  }
  const shown = type.split(';')[0]!.trim().slice(0, 60) || 'nothing declared';
  throw new AppError('unavailable', `The camera answers with ${shown}, not with a stream of pictures.`);
}
