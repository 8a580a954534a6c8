// Which blobs no row names (see `design/writes.md`, Leftovers). Memory: eight bytes for every blob that is named.
import type { BlobEntry, BlobStore } from '../blobs/blob-store.ts';
import type { Catalogue } from '../catalogue/catalogue.ts';

/** A blob without a row is left alone for this long: an index is stored a moment before its row names it. */
export const leftoverAgeMs = 60 * 60 * 1000;

/** The first ten characters of an id (50 bits) as a number; ids of another form map to some number as well. */
function idNumber(id: string): number {
  let number = 0;
  for (let at = 0; at < 10; at += 1) {
    const digit = Number.parseInt(id[at] ?? '0', 36);
    number = number * 36 + (Number.isNaN(digit) ? 0 : digit);
  }
  return number;
}

/** A set of ids in eight bytes each. May say yes to one that was never added (once in 2^50), never no to one that was. */
export type IdSet = { add(id: string): void; has(id: string): boolean; readonly count: number };

export function createIdSet(): IdSet {
  let numbers = new Float64Array(1024);
  let count = 0;
  let isSorted = true;
  return {
    add(id) {
      if (count === numbers.length) {
        const grown = new Float64Array(count * 2);
        grown.set(numbers);
        numbers = grown;
      }
      numbers[count] = idNumber(id);
      count += 1;
      isSorted = false;
    },
    has(id) {
      if (!isSorted) numbers.subarray(0, count).sort();
      isSorted = true;
      const wanted = idNumber(id);
      let low = 0;
      let high = count;
      while (low < high) {
        const middle = (low + high) >>> 1;
        if (numbers[middle]! < wanted) low = middle + 1;
        else high = middle;
      }
      return low < count && numbers[low] === wanted;
    },
    get count() {
      return count;
    },
  };
}

/**
 * Every blob that no row names, the young ones included (`isOld` tells). The rows are read before the blobs, so
 * a video that begins to arrive meanwhile has only young blobs.
 */
export async function* findLeftovers(
  blobs: BlobStore,
  catalogue: Catalogue,
  nowMs: number,
): AsyncGenerator<BlobEntry & { readonly isOld: boolean }> {
  const named = createIdSet();
  for await (const video of catalogue.streamVideos({ query: '', inBin: 'both' })) {
    named.add(video.blobId);
    if (video.indexId !== null) named.add(video.indexId);
  }
  for (const video of await catalogue.listArriving()) named.add(video.blobId);
  for await (const entry of blobs.list()) {
    if (named.has(entry.id)) continue;
    yield { ...entry, isOld: nowMs - entry.modifiedAtMs > leftoverAgeMs };
  }
}
