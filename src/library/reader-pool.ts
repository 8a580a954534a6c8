// Open blobs, shared: however many responses send the same video, it is open once. A player asks for one range after
// another, so a blob stays open for some seconds after the last: opening one takes three trips through a thread.
// Bound: `mostIdle` blobs that nobody reads.
import type { BlobReader, BlobStore } from '../blobs/blob-store.ts';
import type { Clock } from '../clock.ts';

/** Far below the usual limit of 1,024 open files. */
const mostIdle = 64;

/** A share in an open blob. */
export type ReaderLease = {
  readonly reader: BlobReader;
  /** Idempotent. */
  release(): void;
};

export type ReaderPool = {
  /** Throws what `BlobStore.open` throws. */
  open(blobId: string): Promise<ReaderLease>;
  /** Closes a blob that was removed as soon as nobody reads it, for an open file keeps its space. */
  forget(blobId: string): void;
  /** Blobs that are open now. */
  readonly openCount: number;
  /** Closes what is still open, whoever holds it. Idempotent. */
  close(): Promise<void>;
};

/** How long a blob that nobody reads stays open, by which clock. */
export type Linger = { readonly clock: Clock; readonly idleMs: number };

/**
 * `onCloseError` hears of a reader that would not close; nothing else depends on it. Without `linger` a blob is
 * closed after its last reader.
 */
export function createReaderPool(
  blobs: BlobStore,
  onCloseError: (error: unknown) => void,
  linger: Linger | null = null,
): ReaderPool {
  type Entry = { readonly opening: Promise<BlobReader>; users: number; idleSinceMs: number };
  const entries = new Map<string, Entry>();
  /** Those that nobody reads, the longest idle first (a Map keeps the order of insertion). */
  const idle = new Map<string, Entry>();
  const closing = new AbortController();
  let isSweeping = false;

  const shut = (blobId: string, entry: Entry) => {
    idle.delete(blobId);
    if (entries.get(blobId) === entry) entries.delete(blobId);
    entry.opening.then((reader) => reader.close()).catch(onCloseError);
  };

  /** One sleep for all; it ends by itself once nothing is idle. */
  const sweep = async ({ clock, idleMs }: Linger) => {
    while (idle.size > 0) {
      await clock.sleep(idleMs / 2, closing.signal);
      const nowMs = clock.monotonicMs();
      for (const [blobId, entry] of idle) if (nowMs - entry.idleSinceMs >= idleMs) shut(blobId, entry);
    }
    isSweeping = false;
  };

  const leave = (blobId: string, entry: Entry) => {
    entry.users -= 1;
    if (entry.users > 0) return;
    if (!linger || closing.signal.aborted || entries.get(blobId) !== entry) return shut(blobId, entry);
    entry.idleSinceMs = linger.clock.monotonicMs();
    idle.set(blobId, entry);
    for (const [oldestId, oldest] of idle) {
      if (idle.size <= mostIdle) break;
      shut(oldestId, oldest);
    }
    if (isSweeping) return;
    isSweeping = true;
    sweep(linger).catch((error: unknown) => {
      if (!closing.signal.aborted) throw error;
    });
  };

  return {
    async open(blobId) {
      let entry = entries.get(blobId);
      if (!entry) {
        entry = { opening: blobs.open(blobId), users: 0, idleSinceMs: 0 };
        entries.set(blobId, entry);
      }
      idle.delete(blobId);
      entry.users += 1;
      const held = entry;
      let reader: BlobReader;
      try {
        reader = await held.opening;
      } catch (error) {
        held.users -= 1;
        if (entries.get(blobId) === held) entries.delete(blobId);
        throw error;
      }
      let isReleased = false;
      return {
        reader,
        release() {
          if (isReleased) return;
          isReleased = true;
          leave(blobId, held);
        },
      };
    },
    forget(blobId) {
      const unread = idle.get(blobId);
      if (unread) shut(blobId, unread);
      // Who still reads it closes it when done.
      else entries.delete(blobId);
    },
    get openCount() {
      return entries.size;
    },
    async close() {
      closing.abort();
      const open = [...entries.values()];
      entries.clear();
      idle.clear();
      await Promise.allSettled(open.map(async (entry) => (await entry.opening).close()));
    },
  };
}
