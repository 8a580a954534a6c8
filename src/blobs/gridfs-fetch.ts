// Brings chunks near, each once however many ask for it: from the database into the cache on the disk, or where that
// cannot keep it, into a little memory. Bound: `mostAtOnce` chunks on their way, and `keptBytes` of memory.
import type { Clock } from '../clock.ts';
import { AppError, isAppError } from '../errors.ts';
import type { ChunkCache, ChunkPlace } from './chunk-cache.ts';
import { Gate } from './gate.ts';

/** Each takes twice its size while it comes: more would not make a network of a gigabit any faster. */
const mostAtOnce = 8;
/** What is fetched ahead leaves these to those who wait. */
const leftToWaiting = 3;
/** Of chunks the disk does not keep: as many as there may be of two for each of some readers. */
const keptBytes = 32 * 1024 * 1024;
/** How long a stream waits for a database that is away: about as long as players and proxies wait for the stream. */
const patienceMs = 60_000;
/** After a failure the database is not asked again for so long, however many want something: who queued fails with it. */
const afterFailureMs = 500;
const firstPauseMs = 100;
const longestPauseMs = 2000;

/** A chunk to be brought. `sizeBytes`: what of it is there for good; a whole one, or the last. */
export type WantedChunk = ChunkPlace & {
  readonly sizeBytes: number;
  /** False for what may still be written again under the same number. */
  readonly isFinal: boolean;
};

export type ChunkFetcher = {
  /** Chunks that were asked of the database since the start. */
  readonly fetched: number;
  /** True once it is in the cache's file, false where it is only in memory. Waits for a database that is away. */
  bring(chunk: WantedChunk): Promise<boolean>;
  /** Begins to bring it, unless there is more urgent work. */
  ahead(chunk: WantedChunk): void;
  /** Its bytes, from memory or by one try at the database. They are not to be changed. Throws `unavailable`, `gone`, `corrupt`. */
  bytes(chunk: WantedChunk): Promise<Uint8Array>;
  drop(blobId: string): void;
  /** Ends those who wait. */
  close(): void;
};

export type FetchTools = {
  /** null: it is not there. */
  readonly read: (blobId: string, n: number) => Promise<Uint8Array | null>;
  /** Whether the blob is known still: says why a chunk is missing. */
  readonly isThere: (blobId: string) => Promise<boolean>;
  readonly cache: ChunkCache | null;
  readonly clock: Clock;
};

type Brought = { readonly bytes: Uint8Array; readonly isInFile: boolean };

export function createChunkFetcher({ read, isThere, cache, clock }: FetchTools): ChunkFetcher {
  const gate = new Gate(mostAtOnce);
  const closing = new AbortController();
  /** By blob, number and size: what is on its way... */
  const flights = new Map<string, Promise<Brought>>();
  /** ...and what came and is in no file, the longest unused first (a Map keeps the order of insertion). */
  const kept = new Map<string, { readonly blobId: string; readonly bytes: Uint8Array }>();
  let sumBytes = 0;
  let fetched = 0;
  let failure: { readonly error: unknown; readonly untilMs: number } | null = null;

  const keep = (key: string, blobId: string, bytes: Uint8Array) => {
    forgetKept(key);
    kept.set(key, { blobId, bytes });
    sumBytes += bytes.length;
    for (const oldest of kept.keys()) {
      if (sumBytes <= keptBytes) break;
      forgetKept(oldest);
    }
  };
  const forgetKept = (key: string) => {
    const entry = kept.get(key);
    if (!entry) return;
    kept.delete(key);
    sumBytes -= entry.bytes.length;
  };

  async function fetchOne(key: string, chunk: WantedChunk): Promise<Brought> {
    const { blobId, n, sizeBytes } = chunk;
    const found = await gate.run(async () => {
      if (failure && clock.monotonicMs() < failure.untilMs) throw failure.error;
      fetched += 1;
      try {
        return await read(blobId, n);
      } catch (error) {
        if (isAppError(error, 'unavailable')) {
          failure = { error, untilMs: clock.monotonicMs() + afterFailureMs };
        }
        throw error;
      }
    });
    if (!found || found.length < sizeBytes) {
      if (!found && !(await isThere(blobId))) throw new AppError('gone', 'This video was removed.');
      throw new AppError('corrupt', 'A stored file ends before its last byte.');
    }
    const bytes = found.subarray(0, sizeBytes);
    const isInFile = chunk.isFinal && cache !== null && (await cache.put(chunk, bytes));
    if (!isInFile) keep(key, blobId, bytes);
    return { bytes, isInFile };
  }

  const fly = (chunk: WantedChunk): Promise<Brought> => {
    const key = keyOf(chunk);
    let flight = flights.get(key);
    if (!flight) {
      flight = fetchOne(key, chunk).finally(() => flights.delete(key));
      flights.set(key, flight);
    }
    return flight;
  };

  const isNear = (chunk: WantedChunk) => cache?.has(chunk) || kept.has(keyOf(chunk));

  return {
    get fetched() {
      return fetched;
    },
    async bring(chunk) {
      const untilMs = clock.monotonicMs() + patienceMs;
      for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(pauseMs * 2, longestPauseMs)) {
        if (cache?.has(chunk)) return true;
        if (kept.has(keyOf(chunk))) return false;
        try {
          return (await fly(chunk)).isInFile;
        } catch (error) {
          const mayPass = isAppError(error, 'unavailable') && !closing.signal.aborted;
          if (!mayPass || clock.monotonicMs() + pauseMs > untilMs) throw error;
          await clock.sleep(pauseMs, closing.signal).catch(() => {
            throw error;
          });
        }
      }
    },
    ahead(chunk) {
      if (flights.size >= mostAtOnce - leftToWaiting || isNear(chunk)) return;
      // Whoever needs it asks again and is told.
      fly(chunk).catch(() => {});
    },
    async bytes(chunk) {
      const key = keyOf(chunk);
      const near = kept.get(key);
      if (near) {
        keep(key, near.blobId, near.bytes);
        return near.bytes;
      }
      return (await fly(chunk)).bytes;
    },
    drop(blobId) {
      for (const [key, entry] of kept) if (entry.blobId === blobId) forgetKept(key);
      cache?.drop(blobId);
    },
    close() {
      closing.abort();
      kept.clear();
      sumBytes = 0;
    },
  };
}

function keyOf({ blobId, n, sizeBytes }: WantedChunk): string {
  return `${blobId}:${n}:${sizeBytes}`;
}
