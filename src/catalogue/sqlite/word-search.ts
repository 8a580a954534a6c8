// Finds the videos that have all words of a query and the facets of a list, in the order they were added, from any place
// on. At most one lookup for each word and facet and each bucket of 4096 videos (245 for a million), so neither common
// words, nor rare ones, nor words that never meet, nor a deep page make it slow. Memory: a few bitmaps for each.
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { type Direction, FacetScan } from './facet-scan.ts';
import type { Wanted } from './facets.ts';
import { bucketSize, intersectMembers, readMembers, subtractMembers, uniteMembers } from './members.ts';

/** Lookups after which a search pauses: some milliseconds of the main thread. */
const mostLookups = 1000;

/** Takes what was found in a bucket, never empty; false where that is enough. */
export type TakeBucket = (bucket: number, members: Uint8Array) => boolean;

export class WordSearch {
  readonly #ends: StatementSync;
  readonly #find: StatementSync;
  readonly #facets: Record<Direction, StatementSync>;
  #lookups = 0;

  constructor(database: DatabaseSync) {
    this.#ends = database.prepare(
      'SELECT (SELECT min(sequence) FROM videos) AS oldest, (SELECT max(sequence) FROM videos) AS newest',
    );
    this.#find = database.prepare(
      'SELECT members FROM title_words WHERE in_bin = ? AND bucket = ? AND beginning = ?',
    );
    const rows = 'SELECT bucket, members FROM facets WHERE in_bin = ? AND facet = ? AND bucket';
    this.#facets = {
      down: database.prepare(`${rows} <= ? ORDER BY bucket DESC LIMIT ?`),
      up: database.prepare(`${rows} >= ? ORDER BY bucket LIMIT ?`),
    };
  }

  /**
   * Gives `take` bucket after bucket, from the one of the place on. What is asked is at least one word or list of
   * facets (`anyOf`). After some milliseconds it pauses.
   * @param from a bucket
   * @returns the bucket to go on from after a pause; null where it came to an end
   */
  scan(
    wanted: Wanted,
    inBin: boolean,
    from: number,
    direction: Direction,
    take: TakeBucket,
    lookups = mostLookups,
  ): number | null {
    const shelf = inBin ? 1 : 0;
    const ends = this.#ends.get() as { oldest: number | null; newest: number | null };
    if (ends.oldest === null || ends.newest === null) return null;
    const [oldest, newest] = [Math.floor(ends.oldest / bucketSize), Math.floor(ends.newest / bucketSize)];
    const scanOf = (facet: string) =>
      new FacetScan(direction, (bucket, limit) => {
        this.#lookups += 1 + limit / 8; // neighbours cost less
        return this.#facets[direction].all(shelf, facet, bucket, limit) as {
          bucket: number;
          members: Uint8Array;
        }[];
      });
    const groups = wanted.anyOf.map((facets) => facets.map(scanOf));
    const without = wanted.noneOf.map(scanOf);
    const step = direction === 'down' ? -1 : 1;
    this.#lookups = 0;

    let bucket = direction === 'down' ? Math.min(from, newest) : Math.max(from, oldest);
    // Who sees nothing, or only what is far from here, need not be searched for words.
    bucket = nextOfAll(groups, bucket, direction) ?? -1;
    for (let isFirst = true; bucket >= oldest && bucket <= newest; isFirst = false) {
      // Each piece gets on by one bucket at least.
      if (!isFirst && this.#lookups > lookups) return bucket;
      const words = wanted.words.length > 0 ? this.#withWords(wanted.words, shelf, bucket) : undefined;
      if (words === null) {
        bucket += step;
        continue;
      }
      const next = nextOfAll(groups, bucket, direction);
      if (next === null) return null;
      if (next !== bucket) {
        bucket = next;
        continue;
      }
      const members = narrow(words, groups, without, bucket);
      if (members && !take(bucket, members)) return null;
      bucket += step;
    }
    return null;
  }

  /** The members of a bucket that have all words; null where there are none. */
  #withWords(words: readonly string[], shelf: number, bucket: number): Uint8Array | null {
    let common: Uint8Array | null = null;
    for (const word of words) {
      this.#lookups++;
      const stored = this.#find.get(shelf, bucket, word) as { members: Uint8Array } | undefined;
      if (!stored) return null;
      const members = readMembers(stored.members);
      if (!common) common = members;
      else if (!intersectMembers(common, members)) return null;
    }
    return common;
  }
}

/** The nearest bucket where each group has a facet with members; null where there is none. */
function nextOfAll(
  groups: readonly (readonly FacetScan[])[],
  bucket: number,
  direction: Direction,
): number | null {
  let next = bucket;
  for (const scans of groups) {
    let nearest: number | null = null;
    for (const scan of scans) {
      const found = scan.seek(next);
      if (found === next) {
        nearest = found;
        break;
      }
      if (found === null) continue;
      if (nearest === null || (direction === 'down' ? found > nearest : found < nearest)) nearest = found;
    }
    if (nearest === null) return null;
    next = nearest;
  }
  return next;
}

/** What is left of the members in a bucket; null where nothing is. */
function narrow(
  words: Uint8Array | undefined,
  groups: readonly (readonly FacetScan[])[],
  without: readonly FacetScan[],
  bucket: number,
): Uint8Array | null {
  let members = words;
  for (const scans of groups) {
    const any = new Uint8Array(bucketSize / 8);
    for (const scan of scans) {
      const some = scan.at(bucket);
      if (some) uniteMembers(any, some);
    }
    if (!members) members = any;
    else if (!intersectMembers(members, any)) return null;
  }
  if (!members?.some((byte) => byte !== 0)) return null;
  for (const scan of without) {
    const some = scan.at(bucket);
    if (some && !subtractMembers(members, some)) return null;
  }
  return members;
}
