// Answers of Motion-JPEG cameras written by hand, and what the driver makes of one.
import type { Socket } from 'node:net';
import { samples } from '../../src/cameras/drivers/mjpeg.ts';
import { createFakeClock } from './fake-clock.ts';
import { startMjpegCamera } from './mjpeg-camera.ts';
import { numberedJpeg, numberIn } from './push-driver.ts';

export const ok = (type: string) => `HTTP/1.1 200 OK\r\nContent-Type: ${type}\r\nConnection: close\r\n\r\n`;
export const multipart = (boundary: string) => ok(`multipart/x-mixed-replace; boundary=${boundary}`);

/** The numbers of the pictures the driver makes of an answer, and the sentence it ended with. */
export async function watchMjpeg(
  answer: (socket: Socket, head: string) => void,
  options: Record<string, unknown> = {},
): Promise<{ numbers: number[]; message: string; requests: readonly string[] }> {
  const camera = await startMjpegCamera(answer);
  const numbers: number[] = [];
  try {
    const context = { signal: new AbortController().signal, clock: createFakeClock() };
    for await (const jpeg of samples({ url: camera.url, ...options }, context)) numbers.push(numberIn(jpeg));
    return { numbers, message: '', requests: camera.requests };
  } catch (error) {
    return { numbers, message: (error as Error).message, requests: camera.requests };
  } finally {
    await camera.close();
  }
}

export type PartStyle = {
  readonly delimiter: string;
  readonly length?: (bytes: number) => string;
  readonly lineEnd?: string;
};

export function part(number: number, { delimiter, length, lineEnd = '\r\n' }: PartStyle): Buffer {
  const jpeg = numberedJpeg(number, 3000);
  const headers = ['Content-Type: image/jpeg', ...(length ? [`Content-Length: ${length(jpeg.length)}`] : [])];
  const head = `${delimiter}${lineEnd}${headers.join(lineEnd)}${lineEnd}${lineEnd}`;
  return Buffer.concat([Buffer.from(head), jpeg, Buffer.from(lineEnd)]);
}
