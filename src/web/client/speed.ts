// How fast bytes move, smoothed so that the time left does not jump.

/** Weight of the past: about ten seconds at one sample a second. */
const memory = 0.85;
const leastIntervalMs = 400;

export class Speed {
  #bytesPerMs: number | null = null;
  #lastBytes: number;
  #lastMs: number;

  constructor(bytes: number) {
    this.#lastBytes = bytes;
    this.#lastMs = performance.now();
  }

  /** Takes how far it is now. */
  note(bytes: number): void {
    const now = performance.now();
    const passedMs = now - this.#lastMs;
    if (passedMs < leastIntervalMs) return;
    const current = Math.max(0, bytes - this.#lastBytes) / passedMs;
    this.#bytesPerMs =
      this.#bytesPerMs === null ? current : this.#bytesPerMs * memory + current * (1 - memory);
    this.#lastBytes = bytes;
    this.#lastMs = now;
  }

  /** Milliseconds for that many bytes; null while nothing is known. */
  remainingMs(bytes: number): number | null {
    return this.#bytesPerMs ? bytes / this.#bytesPerMs : null;
  }
}
