// Which process owns which camera, and which processes there are, as this one sees it: looked at every second, and at
// once where somebody has reason to. What cannot be asked while the database is away stays as it was.
import type { Logger } from 'pino';
import type { Clock } from '../../clock.ts';
import { isAppError } from '../../errors.ts';
import type { ClusterSetup, ClusterTimings } from './cluster-setup.ts';
import {
  type CameraProcess,
  cameraLease,
  type Owner,
  processLease,
  readOwner,
  readProcess,
} from './notes.ts';

export type Directory = {
  /** null where nobody owns it, as seen last. */
  owner(cameraId: string): Owner | null;
  owners(): ReadonlyMap<string, Owner>;
  processes(): readonly CameraProcess[];
  /** Looks now. Never throws. */
  look(): Promise<void>;
  /** Asks the store itself. null where nobody owns it. Throws `unavailable`. */
  find(cameraId: string): Promise<Owner | null>;
  /** Asks the store about one, and keeps what it says until the next look. Never throws. */
  refresh(cameraId: string): Promise<void>;
  /** Whether the store could not be asked lately. */
  isStoreAway(): boolean;
  /** Called after each look. Returns the way to stop. */
  onLook(listener: () => void): () => void;
  /** Idempotent. */
  close(): void;
};

type DirectorySetup = {
  readonly cluster: Pick<ClusterSetup, 'keeper' | 'leases'>;
  readonly timings: ClusterTimings;
  readonly clock: Clock;
  readonly log: Logger;
};

/** Looks on by itself once `look` was called. */
export function createDirectory({ cluster, timings, clock, log }: DirectorySetup): Directory {
  const { keeper, leases } = cluster;
  let owners: ReadonlyMap<string, Owner> = new Map();
  let processes: readonly CameraProcess[] = [];
  const listeners = new Set<() => void>();
  const closing = new AbortController();
  let looking: Promise<void> | null = null;
  let isLoopOn = false;
  /** When the store answered last, and since when it is being asked without an answer; both monotonic. */
  let answeredAtMs = clock.monotonicMs();
  let isFailing = false;

  const ask = async <Answer>(question: () => Promise<Answer>): Promise<Answer> => {
    try {
      const answer = await question();
      answeredAtMs = clock.monotonicMs();
      isFailing = false;
      return answer;
    } catch (error) {
      isFailing = true;
      throw error;
    }
  };

  const lookOnce = async () => {
    try {
      // What was seen is shown for another second by the keeper: this asks the store, and fails where that is away.
      const probe = ask(() => leases.read(`${processLease}${keeper.holder}`));
      const [cameras, others] = await Promise.all([
        keeper.seen(cameraLease),
        keeper.seen(processLease),
        probe,
      ]);
      const found = new Map<string, Owner>();
      for (const row of cameras) {
        const owner = readOwner(row);
        if (owner) found.set(owner.cameraId, owner);
      }
      owners = found;
      processes = others.map(readProcess).filter((process) => process !== null);
    } catch (error) {
      if (!isAppError(error, 'unavailable'))
        log.error({ err: error }, 'the owners of cameras cannot be read');
    }
    if (closing.signal.aborted) return;
    for (const listener of listeners) listener();
  };
  const look = (): Promise<void> => {
    looking ??= lookOnce().finally(() => {
      looking = null;
    });
    return looking;
  };
  const loop = async () => {
    while (!closing.signal.aborted) {
      await clock.sleep(timings.lookMs, closing.signal).catch(() => undefined);
      if (!closing.signal.aborted) await look();
    }
  };

  const find = async (cameraId: string): Promise<Owner | null> => {
    const row = await ask(() => leases.read(`${cameraLease}${cameraId}`));
    return row && readOwner(row);
  };

  return {
    owner: (cameraId) => owners.get(cameraId) ?? null,
    owners: () => owners,
    processes: () => processes,
    async look() {
      if (closing.signal.aborted) return;
      await look();
      if (!isLoopOn) {
        isLoopOn = true;
        void loop();
      }
    },
    find,
    async refresh(cameraId) {
      try {
        const owner = await find(cameraId);
        const changed = new Map(owners);
        if (owner) changed.set(cameraId, owner);
        else changed.delete(cameraId);
        owners = changed;
      } catch (error) {
        if (!isAppError(error, 'unavailable')) throw error;
      }
    },
    isStoreAway: () => isFailing || clock.monotonicMs() - answeredAtMs > 2.5 * timings.lookMs,
    onLook(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    close() {
      closing.abort();
      listeners.clear();
    },
  };
}
