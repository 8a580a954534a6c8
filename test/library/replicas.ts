// Several processes' libraries over one database, in one process: each with its own stores, leases and clock, which can
// be stopped as SIGSTOP does (and woken), or as a kill does. Their time runs five times as fast as the machine's.
import type { TestContext } from 'node:test';
import { pino } from 'pino';
import { createGridFsBlobs } from '../../src/blobs/gridfs.ts';
import { openMongoCatalogue } from '../../src/catalogue/mongo/mongo-catalogue.ts';
import { type Clock, systemClock } from '../../src/clock.ts';
import { createLeaseKeeper } from '../../src/leases/create-lease-keeper.ts';
import { createMongoLeases } from '../../src/leases/mongo-leases.ts';
import { createLibrary, type LibraryOptions } from '../../src/library/create-library.ts';
import { openTestDatabase } from '../helpers/mongo/test-database.ts';

const log = pino({ level: 'silent' });
const speed = 5;
const dayMs = 86_400_000;

/** What one process does waits here while it is stopped. */
function createGate() {
  let waiting: PromiseWithResolvers<void> | null = null;
  return {
    pass: async () => {
      while (waiting) await waiting.promise;
    },
    stop() {
      waiting ??= Promise.withResolvers();
    },
    wake() {
      waiting?.resolve();
      waiting = null;
    },
  };
}
type Gate = ReturnType<typeof createGate>;

/** Neither asks for anything nor hears an answer while its process is stopped. */
function gated<Target extends object>(target: Target, gate: Gate): Target {
  return new Proxy(target, {
    get(of, name) {
      const value = Reflect.get(of, name, of);
      if (typeof value !== 'function') return value;
      return (...values: unknown[]) => {
        if (name === 'list' || name === 'streamVideos') {
          const answer = value.apply(of, values);
          if (Symbol.asyncIterator in answer) return answer;
        }
        if (name === 'accessRevision') return value.apply(of, values);
        return (async () => {
          await gate.pass();
          try {
            const answer = await value.apply(of, values);
            const isHandle = ['append', 'open', 'openUnfinished'].includes(String(name));
            return isHandle ? gated(answer, gate) : answer;
          } finally {
            await gate.pass();
          }
        })();
      };
    },
  });
}

function createFastClock(gate: Gate): Clock {
  return {
    nowMs: () => systemClock.nowMs(),
    monotonicMs: () => systemClock.monotonicMs() * speed,
    async sleep(ms, signal) {
      await systemClock.sleep(ms / speed, signal);
      await gate.pass();
    },
  };
}

export type Replica = Awaited<ReturnType<Awaited<ReturnType<typeof openReplicas>>['open']>>;

/** null where no database can be had: the test is skipped. */
export async function openReplicas(t: TestContext) {
  const opened = await openTestDatabase(t);
  if (!opened) return null as never;
  const { db } = opened;
  /** `isWorker` left out: it answers requests only. */
  const open = async ({
    isWorker = false,
    ...more
  }: Partial<Pick<LibraryOptions, 'isWorker' | 'probe'> & LibraryOptions['config']> = {}) => {
    const gate = createGate();
    const clock = createFastClock(gate);
    const catalogue = await openMongoCatalogue({ db, clock, log });
    const blobs = await createGridFsBlobs({ db, clock, log, cache: null });
    const leases = createLeaseKeeper({ store: gated(createMongoLeases(db), gate), clock, log });
    const { probe, ...settings } = more;
    const config = { maxUploadBytes: Infinity, binMs: 30 * dayMs, unfinishedMs: 7 * dayMs, ...settings };
    const library = createLibrary({
      ...{ blobs: gated(blobs, gate), catalogue: gated(catalogue, gate) },
      ...{ clock, log, config, leases, isWorker, ...(probe && { probe }) },
    });
    await library.start();
    t.after(async () => {
      gate.wake();
      await library.close();
      await leases.close();
      await catalogue.close();
      await blobs.close();
    });
    return { library, catalogue, blobs, leases, clock, stop: gate.stop, wake: gate.wake };
  };
  return { db, open };
}
