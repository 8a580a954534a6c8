// One Motion-JPEG viewer: a socket that gets the newest picture whenever it has taken the one before. Memory: at
// most one picture in flight, and that is the buffer all viewers share. Skipped pictures are counted.
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Viewer, Viewing } from '../cameras/cameras.ts';
import { boundary, type LiveSample, streamStart } from '../cameras/live-sample.ts';
import type { Clock } from '../clock.ts';
import { idleDescriptor } from './kernel-send.ts';
import type { PictureCarrier } from './picture-carrier.ts';

/** A viewer that has not taken one picture in this time is gone without having said so. */
const stallMs = 30_000;

/** A picture older than this is not shown to a viewer who just came. */
const newestMaxAgeMs = 1000;

export type MjpegStreamSetup = {
  readonly response: ServerResponse;
  readonly clock: Clock;
  readonly carrier: PictureCarrier;
  /** Joins the camera's viewers. Throws what `Cameras.watch` throws, before anything is sent. */
  readonly watch: (viewer: Viewer) => Viewing;
};

/** The headers of a Motion-JPEG stream (also the answer to HEAD). */
export const mjpegHeaders = {
  'Content-Type': `multipart/x-mixed-replace; boundary=${boundary}`,
  'Cache-Control': 'no-store, no-transform',
  // nginx would collect pictures in its buffers.
  'X-Accel-Buffering': 'no',
  Connection: 'close',
} as const;

/** Sends the head and then pictures until the socket closes, stalls, or the camera is no more. */
export function startMjpegStream(setup: MjpegStreamSetup): void {
  const { response } = setup;
  const { socket } = response;
  // Not the answer whose turn it is: a pipelined request, which nobody sends for a stream without end.
  if (!socket) {
    response.req.socket.destroy();
    return;
  }
  new MjpegStream(setup, socket);
}

class MjpegStream implements Viewer {
  readonly #socket: Socket;
  readonly #clock: Clock;
  readonly #carrier: PictureCarrier;
  readonly #viewing: Viewing;
  #descriptor: number | null = null;
  #lastSequence = 0;
  /** Pictures that came while the socket was busy. */
  #waiting = 0;
  /** Since when the socket holds a picture that it has not taken; null while it is free. */
  #busySinceMs: number | null = null;
  #watchdog: AbortController | null = null;
  #isOver = false;

  constructor({ response, clock, carrier, watch }: MjpegStreamSetup, socket: Socket) {
    this.#socket = socket;
    this.#clock = clock;
    this.#carrier = carrier;
    this.#viewing = watch(this);
    // No chunks: they would cost every viewer a copy or two more writes a picture, and the end of this answer is the
    // end of the connection (RFC 9112 §6.3, rule 8).
    response.removeHeader('Transfer-Encoding');
    response.writeHead(200, mjpegHeaders);
    // The head goes out now; from here on the pictures go straight to the socket, past the response's own queue.
    response.flushHeaders();
    socket.write(streamStart);
    socket.on('drain', () => this.#onDrain());
    socket.once('close', () => this.#end());
    const newest = this.#viewing.newest();
    if (newest && clock.monotonicMs() - newest.takenAtMonotonicMs <= newestMaxAgeMs) this.onSample(newest);
    if (socket.destroyed) this.#end();
  }

  onSample(sample: LiveSample): void {
    if (sample.codec !== 'jpeg' || sample.sequence <= this.#lastSequence || this.#socket.destroyed) return;
    // Hot path: with 200 viewers at 25 pictures a second this runs 5,000 times a second. `writableLength` is zero
    // where the kernel has taken the whole picture before, so that no callback is needed.
    if (this.#socket.writableLength > 0) {
      this.#waiting += 1;
      this.#noteBusy();
      return;
    }
    this.#send(sample);
  }

  onEnd(): void {
    // One that does not take its picture would hold its connection for as long as it likes.
    if (this.#socket.writableLength > 0) this.#socket.destroy();
    else this.#socket.destroySoon();
    this.#end();
  }

  #send(sample: LiveSample): void {
    this.#lastSequence = sample.sequence;
    // Good for as long as the socket is open, which both callers have seen to.
    this.#descriptor ??= idleDescriptor(this.#socket);
    this.#carrier.send(this.#socket, this.#descriptor, sample);
  }

  #onDrain(): void {
    if (this.#busySinceMs === null && this.#waiting === 0) return;
    this.#busySinceMs = null;
    const missed = this.#waiting;
    this.#waiting = 0;
    if (missed === 0 || this.#isOver || this.#socket.destroyed) return;
    const newest = this.#viewing.newest();
    const isNew = newest !== null && newest.sequence > this.#lastSequence;
    this.#viewing.countDropped(isNew ? missed - 1 : missed);
    if (isNew) this.#send(newest);
  }

  /** Called when a picture finds the socket busy: from then on it has `stallMs` to take the one in flight. */
  #noteBusy(): void {
    this.#busySinceMs ??= this.#clock.monotonicMs();
    if (this.#watchdog) return;
    const watchdog = new AbortController();
    this.#watchdog = watchdog;
    void this.#closeWhenStalled(watchdog).catch((error: unknown) => {
      if (!watchdog.signal.aborted) throw error;
    });
  }

  /** One sleeper a viewer, however often it is busy: it looks when the current busy spell could be too long. */
  async #closeWhenStalled({ signal }: AbortController): Promise<void> {
    while (this.#busySinceMs !== null) {
      const leftMs = this.#busySinceMs + stallMs - this.#clock.monotonicMs();
      if (leftMs <= 0) {
        this.#socket.destroy();
        this.#end();
        return;
      }
      await this.#clock.sleep(leftMs, signal);
    }
    this.#watchdog = null;
  }

  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#watchdog?.abort();
    if (this.#waiting > 0) this.#viewing.countDropped(this.#waiting);
    this.#waiting = 0;
    this.#viewing.close();
  }
}
