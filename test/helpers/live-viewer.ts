// A viewer of live.mp4 on a plain socket that a test can stall, and pushing of a made camera's samples in their time.
import { once } from 'node:events';
import { connect } from 'node:net';
import type { CameraSample } from '../../src/cameras/driver.ts';
import type { CameraServer } from './camera-server.ts';
import { until } from './until.ts';

export type LiveViewer = {
  /** The head of the answer; empty until it is there. */
  head(): string;
  /** What came after the head. */
  body(): Buffer;
  readonly isClosed: boolean;
  pause(): void;
  resume(): void;
  close(): void;
};

export async function viewLive(port: number, path: string, { isStalled = false } = {}): Promise<LiveViewer> {
  const socket = connect({ port, host: '127.0.0.1' });
  if (isStalled) socket.pause();
  let pieces: Buffer[] = [];
  let isClosed = false;
  socket.on('data', (piece: Buffer) => void pieces.push(piece));
  socket.on('close', () => {
    isClosed = true;
  });
  socket.on('error', () => {});
  await once(socket, 'connect');
  socket.write(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`);
  const all = () => {
    if (pieces.length > 1) pieces = [Buffer.concat(pieces)];
    return pieces[0] ?? Buffer.alloc(0);
  };
  return {
    head: () =>
      all()
        .subarray(0, Math.max(0, all().indexOf('\r\n\r\n')))
        .toString('latin1'),
    body: () =>
      all().includes('\r\n\r\n') ? all().subarray(all().indexOf('\r\n\r\n') + 4) : Buffer.alloc(0),
    get isClosed() {
      return isClosed;
    },
    pause: () => void socket.pause(),
    resume: () => void socket.resume(),
    close: () => void socket.destroy(),
  };
}

/** Gives samples to the camera `door` as they would come: the clock moves with their times. */
export async function pushInTime(
  { cameras, clock, driver }: CameraServer,
  samples: readonly CameraSample[],
): Promise<void> {
  const samplesIn = () => cameras.figures().find(({ id }) => id === 'door')!.samplesIn;
  let lastMicros = samples[0]?.ptsMicros ?? 0;
  for (const sample of samples) {
    const stepMs = (sample.ptsMicros - lastMicros) / 1000;
    if (stepMs > 0) {
      await clock.advance(stepMs);
      lastMicros = sample.ptsMicros;
    }
    const before = samplesIn();
    driver.push(sample);
    await until(() => samplesIn() > before, { what: 'the hub took a sample' });
  }
}

/** Top-level boxes of fragmented MP4 as far as they are whole: type and bytes. */
export function boxesOf(bytes: Buffer): { type: string; bytes: Buffer }[] {
  const boxes: { type: string; bytes: Buffer }[] = [];
  for (let at = 0; at + 8 <= bytes.length; ) {
    const size = bytes.readUInt32BE(at);
    if (size < 8 || at + size > bytes.length) break;
    boxes.push({ type: bytes.toString('latin1', at + 4, at + 8), bytes: bytes.subarray(at, at + size) });
    at += size;
  }
  return boxes;
}
