// Numbers that only grow, whoever takes them, so that things have an order that no clock decides. Those that are asked
// for at once share one write. A number that was taken twice over (a write seen twice) leaves a gap, no more.
import type { Collection } from 'mongodb';
import { isDuplicate } from '../../mongo/failure.ts';

/** Collection `counters`. */
export type CounterDoc = {
  /** What is numbered: `videos`, `links`, `audit`. */
  readonly _id: string;
  /** The last number given. */
  readonly value: number;
};

type Waiting = { resolve(number: number): void; reject(error: unknown): void };

const attempts = 5;

export class Sequence {
  readonly #counters: Collection<CounterDoc>;
  readonly #name: string;
  #waiting: Waiting[] = [];
  #isTaking = false;

  constructor(counters: Collection<CounterDoc>, name: string) {
    this.#counters = counters;
    this.#name = name;
  }

  /** Numbers grow in the order of the calls. */
  next(): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      if (!this.#isTaking) void this.#take();
    });
  }

  async #take(): Promise<void> {
    this.#isTaking = true;
    // Those of this turn come along.
    await null;
    while (this.#waiting.length > 0) {
      const waiting = this.#waiting;
      this.#waiting = [];
      try {
        const first = (await this.#count(waiting.length)) - waiting.length + 1;
        for (const [at, { resolve }] of waiting.entries()) resolve(first + at);
      } catch (error) {
        for (const { reject } of waiting) reject(error);
      }
    }
    this.#isTaking = false;
  }

  async #count(by: number): Promise<number> {
    for (let attempt = 1; ; attempt++) {
      try {
        const counted = await this.#counters.findOneAndUpdate(
          { _id: this.#name },
          { $inc: { value: by } },
          { upsert: true, returnDocument: 'after' },
        );
        if (counted) return counted.value;
      } catch (error) {
        // Two made the counter at once.
        if (!isDuplicate(error) || attempt === attempts) throw error;
      }
    }
  }
}
