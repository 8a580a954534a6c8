// One at a time for each name: `video:ID`, `quota:OWNER`, `folders:OWNER`, `tidy`, `task:ID`. For one process here; over
// many processes by leases (`lease-locks.ts`). Those who wait in one process are served in order.

/** What one holds under a name. Of one process it is never lost; a lease can be (`leases/keeper.ts`). */
export type Lock = {
  /** Grows with every taking of the name, in the whole cluster. */
  readonly token: number;
  /** Aborts when it is lost or given back. */
  readonly signal: AbortSignal;
  /** Throws `conflict` where it is lost: asked before every step that cannot be taken back. */
  assertHeld(): void;
  /** Called once when somebody in another process wants it. */
  onAsked(listener: () => void): void;
  /** What other processes are told of the work, with the next beat. */
  setNote(note: Readonly<Record<string, unknown>>): void;
  /** Idempotent, never throws. `isOver`: there will be nothing of that name any more. */
  release(isOver?: boolean): Promise<void>;
};

export type Locks = {
  /** Whether other processes heed them too. */
  readonly isShared: boolean;
  /** Runs `work` once nobody else holds the name. */
  run<Result>(name: string, work: (lock: Lock) => Promise<Result>): Promise<Result>;
  /** Takes it if it is free, else null. `isNew`: nobody can have had it before. */
  take(name: string, options?: { readonly isNew?: boolean }): Promise<Lock | null>;
  /** As `take`; where there are other processes, whoever holds it is asked to give it back, and waited for. Throws the signal's reason. */
  takeOver(name: string, signal: AbortSignal): Promise<Lock | null>;
  /** Asks another process that holds it to give it back and waits until it has; takes nothing. Throws the signal's reason. */
  untilLeft(name: string, signal: AbortSignal): Promise<void>;
  /** Names that begin so and that other processes, or this one, hold, with their notes. At most a second old. */
  notes(prefix: string): Promise<ReadonlyMap<string, Readonly<Record<string, unknown>>>>;
};

/** For one process. `firstToken`: above those of the process' earlier runs. */
export function createLocks(firstToken = 1): Locks {
  /** The end of the queue per name; a name that nobody holds is not in the map. */
  const tails = new Map<string, Promise<void>>();
  let token = firstToken;

  const enqueue = (name: string): (() => void) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    tails.set(name, promise);
    return () => {
      if (tails.get(name) === promise) tails.delete(name);
      resolve();
    };
  };

  const lockOf = (leave: () => void): Lock => {
    const ended = new AbortController();
    token += 1;
    return {
      ...{ token, signal: ended.signal },
      assertHeld() {},
      // Whoever wants it is in this process, and knows how to reach the work itself.
      onAsked() {},
      setNote() {},
      async release() {
        leave();
        ended.abort();
      },
    };
  };

  const take = async (name: string): Promise<Lock | null> => (tails.has(name) ? null : lockOf(enqueue(name)));

  return {
    isShared: false,
    async run(name, work) {
      const before = tails.get(name);
      const lock = lockOf(enqueue(name));
      await before;
      try {
        return await work(lock);
      } finally {
        await lock.release();
      }
    },
    take,
    takeOver: take,
    async untilLeft() {},
    notes: async () => new Map(),
  };
}
