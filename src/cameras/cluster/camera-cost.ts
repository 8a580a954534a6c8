// What a camera costs the process that owns it: one for being there, and one more for each 250 kB/s it sends (a video
// of 2 Mbit/s): bytes are what owners read, copy and send on, whatever the driver. Smoothed, so that nothing moves for
// a scene that is busy for a moment.
import type { Clock } from '../../clock.ts';

/** Bytes a second that cost as much as the camera itself. */
const unitBytesPerSecond = 250_000;

/** After so long, two thirds of what the rate was are forgotten. */
const memoryMs = 30_000;

export class CameraCost {
  readonly #clock: Clock;
  #rate = 0;
  #bytes: number;
  #atMs: number;

  /** `bytes`: how many it has sent until now. */
  constructor(clock: Clock, bytes = 0) {
    this.#clock = clock;
    this.#bytes = bytes;
    this.#atMs = clock.monotonicMs();
  }

  /** With what it has sent until now, all in all. In tenths. */
  note(bytes: number): number {
    const nowMs = this.#clock.monotonicMs();
    const elapsedMs = nowMs - this.#atMs;
    if (elapsedMs > 0) {
      const rate = ((bytes - this.#bytes) * 1000) / elapsedMs;
      this.#rate += (rate - this.#rate) * (1 - Math.exp(-elapsedMs / memoryMs));
      this.#bytes = bytes;
      this.#atMs = nowMs;
    }
    return Math.round((1 + this.#rate / unitBytesPerSecond) * 10) / 10;
  }
}

/** Of a camera that nobody owns, as far as nobody knows better. */
export const plainCost = 1;
