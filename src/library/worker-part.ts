// The worker's part of the library: what has to be done once, whoever asks for what. Arrivals whose process died are
// taken up, tasks done, the bin emptied, and what nobody needs any more cleared away. Over many processes each of it is
// done by one at a time: arrivals and tasks by a lock each, the rest by whoever has the lock `tidy`.
import type { Arrivals } from './arrivals.ts';
import { type ExpiryTools, emptyBin, expireUnfinished, sweepLeftovers, type Unnamed } from './expiry.ts';
import type { Lock } from './locks.ts';
import type { Tasks } from './tasks.ts';

/** How often the bin and unfinished uploads are looked at, and how often the leftovers of crashes. */
const tidyEveryMs = 60 * 60 * 1000;
const sweepEveryMs = 24 * tidyEveryMs;
/** How soon another worker sees that nobody tidies any more. */
const tidyAgainMs = 60_000;
/** How often other processes' arrivals are looked at: twice within the time after which a dead one's lock is free. */
const recoverEveryMs = 5000;

export type WorkerTools = ExpiryTools & { readonly arrivals: Arrivals; readonly tasks: Tasks };

export type WorkerPart = {
  /** Resolves when what is left of earlier runs is safe to use. */
  start(): Promise<void>;
  /** Idempotent. */
  close(): Promise<void>;
};

export function createWorkerPart(tools: WorkerTools): WorkerPart {
  const { arrivals, tasks, clock, locks, log } = tools;
  const closing = new AbortController();
  const going: Promise<void>[] = [];
  const unnamed: Unnamed = new Map();

  const rest = (ms: number) => clock.sleep(ms, closing.signal).catch(() => undefined);
  /** A failure is logged, and the next round tries again. */
  const attempt = async (what: string, work: () => Promise<void>): Promise<void> => {
    try {
      await work();
    } catch (error) {
      if (!closing.signal.aborted) log.error({ err: error }, `${what} failed and is tried again later`);
    }
  };

  /** For as long as the lock is held. */
  const tidyUnder = async (lock: Lock): Promise<void> => {
    const signal = AbortSignal.any([closing.signal, lock.signal]);
    let sweptAtMs = Number.NEGATIVE_INFINITY;
    while (!signal.aborted) {
      await attempt('emptying the bin', () => emptyBin(tools, lock, signal));
      await attempt('removing unfinished uploads', () => expireUnfinished(tools, lock, signal));
      if (!signal.aborted && clock.monotonicMs() - sweptAtMs >= sweepEveryMs) {
        sweptAtMs = clock.monotonicMs();
        await attempt('looking for leftovers', () => sweepLeftovers(tools, unnamed, lock, signal));
      }
      await clock.sleep(tidyEveryMs, signal).catch(() => undefined);
    }
  };

  const tidyForever = async (): Promise<void> => {
    while (!closing.signal.aborted) {
      await attempt('tidying', async () => {
        const lock = await locks.take('tidy');
        if (!lock) return;
        try {
          await tidyUnder(lock);
        } finally {
          await lock.release();
        }
      });
      await rest(tidyAgainMs);
    }
  };

  /** A process may die at any time; where there is but one, it was before the start. */
  const recoverForever = async (): Promise<void> => {
    let thoroughAtMs = clock.monotonicMs();
    while (locks.isShared && !closing.signal.aborted) {
      await rest(recoverEveryMs);
      const isThorough = clock.monotonicMs() - thoroughAtMs >= tidyEveryMs;
      if (isThorough) thoroughAtMs = clock.monotonicMs();
      if (!closing.signal.aborted) {
        await attempt('looking for stopped uploads', () => arrivals.recover({ isThorough }));
      }
    }
  };

  return {
    async start() {
      await arrivals.recover({ isThorough: true });
      tasks.start();
      going.push(tidyForever(), recoverForever());
    },
    async close() {
      closing.abort();
      await Promise.all([tasks.close(), ...going]);
    },
  };
}
