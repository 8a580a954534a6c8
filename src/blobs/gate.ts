// Lets only so many slow disk operations run at once. libuv has four threads by default for all file work; without
// this, ten uploads waiting for a slow card would leave none for the viewers' reads.

export class Gate {
  readonly #slots: number;
  #running = 0;
  readonly #waiting: (() => void)[] = [];

  /** @param slots how many may run at once, at least 1 */
  constructor(slots: number) {
    this.#slots = slots;
  }

  /** Runs `work` as soon as a slot is free, in the order of the calls; settles as it does. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#running >= this.#slots) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#running++;
    try {
      return await work();
    } finally {
      // The slot goes from hand to hand, so a newcomer cannot overtake one that waits.
      const next = this.#waiting.shift();
      if (next) next();
      else this.#running--;
    }
  }
}
