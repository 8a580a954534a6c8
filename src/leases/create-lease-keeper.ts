// The keeper of a process' leases over a store. Nobody asks what time it is elsewhere: a holder counts its lease from
// the moment it sent its last beat, a taker from the moment it first saw that beat, each by its own monotonic clock.
import type { Logger } from 'pino';
import type { Clock } from '../clock.ts';
import { AppError, isAppError } from '../errors.ts';
import { createId } from '../ids.ts';
import { type Hold, holdLease, ownShare } from './held-lease.ts';
import type { LeaseKeeper, TakeOptions } from './keeper.ts';
import { createLeaseSightings } from './lease-sightings.ts';
import type { LeaseRow, LeaseStore } from './lease-store.ts';

/** The first and the longest pause between two looks at a lease that is waited for, milliseconds. */
const firstPauseMs = 20;
const longestPauseMs = 1000;
/** What was seen of a prefix is shown for so long without another look. */
const freshMs = 1000;

export type LeaseKeeperSetup = {
  readonly store: LeaseStore;
  readonly clock: Clock;
  readonly log: Logger;
  /** Spreads those who wait; from 0 to below 1. */
  readonly random?: () => number;
  /** Told of a lease that was lost, not given back. */
  readonly onLost?: (name: string) => void;
  /** This run of this process; made up where left out. */
  readonly holder?: string;
};

/**
 * At no moment do two keepers hold a lease (`assertHeld` does not throw), however late, lost or doubled what goes to
 * the store is, and however long a process pauses. Assumed is only that two monotonic clocks run at the same rate, give
 * or take a tenth, and that they go on while the process is stopped (a machine put to sleep stops them).
 *
 * What a holder does right after it has asked takes time to arrive, and the process may pause in between: whoever writes
 * under a lease sends its token along, and the store refuses those with an older one. Where it cannot, the assumption is
 * that a write arrives within a tenth of the lease's length, or never.
 */
export function createLeaseKeeper(setup: LeaseKeeperSetup): LeaseKeeper {
  const { store, clock, log, random = Math.random, holder = createId(), onLost } = setup;
  const sightings = createLeaseSightings();
  const held = new Map<string, Hold>();
  /** Names that are being taken: a store's calls for one name come one after the other. */
  const taking = new Map<string, Promise<unknown>>();
  const lists = new Map<string, { rows: readonly LeaseRow[]; atMs: number }>();
  const listing = new Map<string, Promise<readonly LeaseRow[]>>();
  let isClosed = false;

  const isFree = (row: LeaseRow): boolean => {
    const isStill = sightings.note(row, clock.monotonicMs());
    // Ours, but nothing here holds it: left by a release or a taking whose answer was lost.
    return row.holder === null || row.holder === holder || isStill;
  };

  const takeAs = async (
    name: string,
    { lengthMs, note = {}, beatMs = lengthMs / 3 }: TakeOptions,
    seen: LeaseRow | null,
  ): Promise<Hold | null> => {
    const sentAtMs = clock.monotonicMs();
    const row = await store.take({ name, holder, lengthMs, note }, seen);
    if (row === null) return null;
    sightings.forget(name);
    if (clock.monotonicMs() - sentAtMs >= lengthMs * ownShare) {
      // The answer came so late that others may have it by now.
      await store.release(row);
      return null;
    }
    const hold: Hold = holdLease({
      ...{ store, clock, log, row, sentAtMs, beatMs },
      onEnd() {
        if (held.get(name) === hold) held.delete(name);
      },
      onLost: () => onLost?.(name),
    });
    held.set(name, hold);
    if (isClosed) {
      await hold.release();
      throw closed();
    }
    return hold;
  };

  const tryTake = async (name: string, options: TakeOptions): Promise<Hold | LeaseRow | null> => {
    if (options.isNew) return takeAs(name, options, null);
    const row = await store.read(name);
    return row === null || isFree(row) ? takeAs(name, options, row) : row;
  };

  /** A lease of ours, the row where another holds it, null where somebody was quicker. */
  const take = async (name: string, options: TakeOptions): Promise<Hold | LeaseRow | null> => {
    if (isClosed) throw closed();
    if (held.has(name) || taking.has(name)) return null;
    const trying = tryTake(name, options);
    taking.set(name, trying);
    try {
      return await trying;
    } finally {
      taking.delete(name);
    }
  };

  /** Waits until whoever of this process has the name lets it go. */
  const untilLeftHere = async (name: string, asks: boolean, signal: AbortSignal): Promise<void> => {
    const other = held.get(name);
    if (other && asks) other.ask();
    const left = other
      ? new Promise<void>((resolve) =>
          other.signal.addEventListener('abort', () => resolve(), { once: true }),
        )
      : taking.get(name)?.then(
          () => undefined,
          () => undefined,
        );
    await unlessAborted(left ?? Promise.resolve(), signal);
  };

  /** Between two looks at what another has: asks each holder once, and lets more and more time pass. */
  const createRest = (name: string, asks: boolean, signal: AbortSignal) => {
    let pauseMs = firstPauseMs;
    let askedToken = 0;
    return async (row: LeaseRow | null): Promise<void> => {
      if (row && asks && row.token !== askedToken) {
        await store.ask({ name, token: row.token });
        askedToken = row.token;
      }
      await clock.sleep(pauseMs * (0.5 + random() / 2), signal);
      pauseMs = Math.min(pauseMs * 1.5, longestPauseMs);
    };
  };

  const look = (prefix: string): Promise<readonly LeaseRow[]> => {
    const underWay = listing.get(prefix);
    if (underWay) return underWay;
    const looking = (async () => {
      const found = await store.list(prefix);
      const atMs = clock.monotonicMs();
      const rows = found.filter((row) => !sightings.note(row, atMs));
      lists.set(prefix, { rows, atMs });
      return rows;
    })().finally(() => listing.delete(prefix));
    listing.set(prefix, looking);
    return looking;
  };

  return {
    holder,
    async take(name, options) {
      const taken = await take(name, options);
      return taken && 'release' in taken ? taken : null;
    },
    async wait(name, options, signal) {
      const rest = createRest(name, options.asks === true, signal);
      for (;;) {
        signal.throwIfAborted();
        if (held.has(name) || taking.has(name)) {
          await untilLeftHere(name, options.asks === true, signal);
          continue;
        }
        const taken = await take(name, options);
        if (taken && 'release' in taken) {
          if (!signal.aborted) return taken;
          await taken.release();
          throw signal.reason;
        }
        await rest(taken);
      }
    },
    async untilLeft(name, { asks = false }, signal) {
      const rest = createRest(name, asks, signal);
      for (;;) {
        signal.throwIfAborted();
        if (held.has(name) || taking.has(name)) return;
        const row = await store.read(name);
        if (row === null || isFree(row)) return;
        await rest(row);
      }
    },
    heldNames: () => [...held.keys()],
    isHeldHere: (name) => held.has(name) || taking.has(name),
    async seen(prefix) {
      const before = lists.get(prefix);
      if (before && clock.monotonicMs() - before.atMs < freshMs) return before.rows;
      try {
        return await look(prefix);
      } catch (error) {
        if (before && isAppError(error, 'unavailable')) return before.rows;
        throw error;
      }
    },
    async close() {
      isClosed = true;
      await Promise.allSettled(taking.values());
      await Promise.all([...held.values()].map((hold) => hold.release()));
      // What could not be given back at once ends by its time.
    },
  };
}

function closed(): AppError {
  return new AppError('unavailable', 'The program is ending.');
}

/** Resolves with the promise, which goes on; rejects with the signal's reason as soon as it aborts. */
function unlessAborted(waited: Promise<void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    waited.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
