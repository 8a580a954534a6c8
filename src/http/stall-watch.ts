// Tells when a socket has made no progress for too long. One sleeper however often it is busy; none while it is free.
import type { Clock } from '../clock.ts';

/** A viewer that takes nothing for so long is gone without having said so. */
const stallMs = 30_000;

export class StallWatch {
  readonly #clock: Clock;
  readonly #onStall: () => void;
  #busySinceMs: number | null = null;
  #sleeper: AbortController | null = null;

  constructor(clock: Clock, onStall: () => void) {
    this.#clock = clock;
    this.#onStall = onStall;
  }

  /** The socket holds something it has not taken; from the first such call on it has 30 s. */
  busy(): void {
    this.#busySinceMs ??= this.#clock.monotonicMs();
    if (this.#sleeper) return;
    const sleeper = new AbortController();
    this.#sleeper = sleeper;
    void this.#watch(sleeper.signal).catch((error: unknown) => {
      if (!sleeper.signal.aborted) throw error;
    });
  }

  /** It has taken something. */
  free(): void {
    this.#busySinceMs = null;
  }

  close(): void {
    this.#sleeper?.abort();
  }

  async #watch(signal: AbortSignal): Promise<void> {
    while (this.#busySinceMs !== null) {
      const leftMs = this.#busySinceMs + stallMs - this.#clock.monotonicMs();
      if (leftMs <= 0) {
        this.#onStall();
        return;
      }
      await this.#clock.sleep(leftMs, signal);
    }
    this.#sleeper = null;
  }
}
