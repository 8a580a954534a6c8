// Finds the videos whose titles have all words of a query, newest first from any place on. At most one lookup for each
// word and each bucket of 4096 videos (245 for a million), so neither common words, nor rare ones, nor words that
// never meet, nor a deep page make it slow. Memory: two bitmaps and the page.
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { bucketSize, eachMemberDown, readMembers } from './members.ts';

export class WordSearch {
  readonly #newestBucket: StatementSync;
  readonly #find: StatementSync;

  constructor(database: DatabaseSync) {
    this.#newestBucket = database.prepare(
      'SELECT bucket FROM title_words WHERE in_bin = ? AND bucket <= ? ORDER BY bucket DESC LIMIT 1',
    );
    this.#find = database.prepare(
      'SELECT members FROM title_words WHERE in_bin = ? AND bucket = ? AND beginning = ?',
    );
  }

  /**
   * Sequences below `before`, the highest first, at most `limit`.
   * @param words as `queryWords` gives them, at least one; the longest first, as it is missing most often
   */
  find(words: readonly string[], inBin: boolean, before: number, limit: number): number[] {
    const shelf = inBin ? 1 : 0;
    const found: number[] = [];
    const endBucket = Math.floor(before / bucketSize);
    const newest = this.#newestBucket.get(shelf, endBucket) as { bucket: number } | undefined;
    for (let bucket = newest?.bucket ?? -1; bucket >= 0 && found.length < limit; bucket--) {
      const members = this.#common(words, shelf, bucket);
      if (!members) continue;
      eachMemberDown(members, bucket === endBucket ? before % bucketSize : bucketSize, (member) => {
        found.push(bucket * bucketSize + member);
        return found.length < limit;
      });
    }
    return found;
  }

  /** The members of a bucket that have all words; null where there are none. */
  #common(words: readonly string[], shelf: number, bucket: number): Uint8Array | null {
    let common: Uint8Array | null = null;
    for (const word of words) {
      const stored = this.#find.get(shelf, bucket, word) as { members: Uint8Array } | undefined;
      if (!stored) return null;
      const members = readMembers(stored.members);
      if (!common) {
        common = members;
        continue;
      }
      let left = 0;
      for (let i = 0; i < common.length; i++) left |= common[i]! &= members[i]!;
      if (left === 0) return null;
    }
    return common;
  }
}
