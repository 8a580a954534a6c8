// Finds the videos whose titles have all words of a query, newest first from any place on. At most one lookup for each
// word and each bucket of 4096 videos (245 for a million), so neither common words, nor rare ones, nor words that
// never meet, nor a deep page make it slow. Memory: one batch of 32 bitmaps.
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { bucketSize, eachMemberDown, readMembers } from './members.ts';

const batchBuckets = 32;

export class WordSearch {
  readonly #walk: StatementSync;
  readonly #find: StatementSync;

  constructor(database: DatabaseSync) {
    this.#walk = database.prepare(
      `SELECT bucket, members FROM title_words
       WHERE in_bin = ? AND beginning = ? AND bucket <= ? ORDER BY bucket DESC LIMIT ${batchBuckets}`,
    );
    this.#find = database.prepare(
      'SELECT members FROM title_words WHERE in_bin = ? AND beginning = ? AND bucket = ?',
    );
  }

  /**
   * Sequences below `before`, the highest first, at most `limit`.
   * @param words as `queryWords` gives them, at least one; the first is walked, so it should be the rarest
   */
  find(words: readonly string[], inBin: boolean, before: number, limit: number): number[] {
    const shelf = inBin ? 1 : 0;
    const [lead = '', ...others] = words;
    const found: number[] = [];
    const end = before % bucketSize;
    const endBucket = Math.floor(before / bucketSize);
    for (let bucket = endBucket; bucket >= 0; ) {
      const batch = this.#walk.all(shelf, lead, bucket) as { bucket: number; members: Uint8Array }[];
      for (const row of batch) {
        const members = this.#common(row, shelf, others);
        if (!members) continue;
        const wantsMore = eachMemberDown(members, row.bucket === endBucket ? end : bucketSize, (member) => {
          found.push(row.bucket * bucketSize + member);
          return found.length < limit;
        });
        if (!wantsMore) return found;
      }
      const last = batch.at(-1);
      if (batch.length < batchBuckets || !last) break;
      bucket = last.bucket - 1;
    }
    return found;
  }

  /** The members of a bucket that have the other words too; null where there are none. */
  #common(
    row: { bucket: number; members: Uint8Array },
    shelf: number,
    others: readonly string[],
  ): Uint8Array | null {
    let common = readMembers(row.members);
    for (const word of others) {
      const stored = this.#find.get(shelf, word, row.bucket) as { members: Uint8Array } | undefined;
      if (!stored) return null;
      const members = readMembers(stored.members);
      common = common.map((byte, i) => byte & members[i]!);
    }
    return common;
  }
}
