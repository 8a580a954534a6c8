// Leaves pictures out so that at most so many a second are left, evenly.

/** A picture that is early by no more than this counts as in time: cameras jitter. */
const earlyMs = 10;

export class Pace {
  readonly #gapMs: number;
  readonly #earlyMs: number;
  #dueMs = -Infinity;

  /** `fps` null: all pictures. `sourceFps`: what comes is already this rate, so half its gap is no earliness. */
  constructor(fps: number | null, sourceFps: number | null = null) {
    this.#gapMs = fps === null ? 0 : 1000 / fps;
    this.#earlyMs = sourceFps === null ? earlyMs : Math.max(earlyMs, 500 / sourceFps);
  }

  /** Whether the picture taken at this moment (monotonic) is one to show; counts it as shown then. */
  isDue(takenAtMs: number): boolean {
    if (this.#gapMs === 0) return true;
    if (takenAtMs < this.#dueMs - this.#earlyMs) return false;
    // From due time to due time, so that the rate comes out right; from now on after a pause.
    this.#dueMs += this.#gapMs;
    if (!(this.#dueMs > takenAtMs)) this.#dueMs = takenAtMs + this.#gapMs;
    return true;
  }
}
