// One writer per video: a lock per id, for this process. Those who wait are served in order.

export type Locks = {
  /** Runs `work` once nobody else holds the id. */
  run<Result>(id: string, work: () => Promise<Result>): Promise<Result>;
  /** Takes the lock if it is free: a function that gives it back (idempotent), else null. */
  take(id: string): (() => void) | null;
  isHeld(id: string): boolean;
};

export function createLocks(): Locks {
  /** The end of the queue per id; an id that nobody holds is not in the map. */
  const tails = new Map<string, Promise<void>>();

  const enqueue = (id: string): (() => void) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    tails.set(id, promise);
    return () => {
      if (tails.get(id) === promise) tails.delete(id);
      resolve();
    };
  };

  return {
    async run(id, work) {
      const before = tails.get(id);
      const release = enqueue(id);
      await before;
      try {
        return await work();
      } finally {
        release();
      }
    },
    take(id) {
      return tails.has(id) ? null : enqueue(id);
    },
    isHeld: (id) => tails.has(id),
  };
}
