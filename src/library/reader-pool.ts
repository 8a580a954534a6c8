// Open blobs, shared: however many responses send the same video, it is open once, and closed after the last.
import type { BlobReader, BlobStore } from '../blobs/blob-store.ts';

/** A share in an open blob. */
export type ReaderLease = {
  readonly reader: BlobReader;
  /** Idempotent. */
  release(): void;
};

export type ReaderPool = {
  /** Throws what `BlobStore.open` throws. */
  open(blobId: string): Promise<ReaderLease>;
  /** Blobs that are open now. */
  readonly openCount: number;
  /** Closes what is still open, whoever holds it. Idempotent. */
  close(): Promise<void>;
};

/** `onCloseError` hears of a reader that would not close; nothing else depends on it. */
export function createReaderPool(blobs: BlobStore, onCloseError: (error: unknown) => void): ReaderPool {
  type Entry = { readonly opening: Promise<BlobReader>; users: number };
  const entries = new Map<string, Entry>();

  const leave = (blobId: string, entry: Entry) => {
    entry.users -= 1;
    if (entry.users > 0) return;
    if (entries.get(blobId) === entry) entries.delete(blobId);
    entry.opening.then((reader) => reader.close()).catch(onCloseError);
  };

  return {
    async open(blobId) {
      let entry = entries.get(blobId);
      if (!entry) {
        entry = { opening: blobs.open(blobId), users: 0 };
        entries.set(blobId, entry);
      }
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
    get openCount() {
      return entries.size;
    },
    async close() {
      const open = [...entries.values()];
      entries.clear();
      await Promise.allSettled(open.map(async (entry) => (await entry.opening).close()));
    },
  };
}
