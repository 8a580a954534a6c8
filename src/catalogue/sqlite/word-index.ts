// Keeps the index, `title_words` and `facets`, in step with the videos. Changes are gathered in memory and written by
// `flush`; what is done to a facet as a whole (a folder that moves) is bitmaps united or subtracted, a row for each
// 4096 videos, whatever their number.
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { beginningsOf, titleWords } from '../search-words.ts';
import { MemberTable } from './member-table.ts';
import {
  bucketSize,
  countMembers,
  eachMemberUp,
  intersectMembers,
  readMembers,
  subtractMembers,
  uniteMembers,
} from './members.ts';

type FacetRow = { in_bin: 0 | 1; bucket: number; members: Uint8Array };

export class WordIndex {
  readonly #words: MemberTable;
  readonly #facets: MemberTable;
  readonly #rows: StatementSync;
  readonly #remove: StatementSync;

  constructor(database: DatabaseSync) {
    this.#words = new MemberTable(database, 'title_words', 'bucket', 'beginning');
    this.#facets = new MemberTable(database, 'facets', 'facet', 'bucket');
    this.#rows = database.prepare(
      'SELECT in_bin, bucket, members FROM facets WHERE in_bin IN (0, 1) AND facet = ?',
    );
    this.#remove = database.prepare('DELETE FROM facets WHERE in_bin IN (0, 1) AND facet = ?');
  }

  addTitle(sequence: number, title: string, inBin: boolean): void {
    const bucket = Math.floor(sequence / bucketSize);
    for (const beginning of beginningsOf(titleWords(title))) {
      this.#words.add(inBin ? 1 : 0, bucket, beginning, sequence % bucketSize);
    }
  }

  dropTitle(sequence: number, title: string, inBin: boolean): void {
    const bucket = Math.floor(sequence / bucketSize);
    for (const beginning of beginningsOf(titleWords(title))) {
      this.#words.drop(inBin ? 1 : 0, bucket, beginning, sequence % bucketSize);
    }
  }

  addFacets(sequence: number, facets: Iterable<string>, inBin: boolean): void {
    const bucket = Math.floor(sequence / bucketSize);
    for (const facet of facets) this.#facets.add(inBin ? 1 : 0, facet, bucket, sequence % bucketSize);
  }

  dropFacets(sequence: number, facets: Iterable<string>, inBin: boolean): void {
    const bucket = Math.floor(sequence / bucketSize);
    for (const facet of facets) this.#facets.drop(inBin ? 1 : 0, facet, bucket, sequence % bucketSize);
  }

  /** Videos of a facet, library and bin, the oldest of each first, at most `limit`. */
  sequencesOf(facet: string, limit: number): number[] {
    const found: number[] = [];
    for (const { bucket, members } of this.#rowsOf(facet)) {
      if (found.length >= limit) break;
      eachMemberUp(readMembers(members), 0, (member) => {
        found.push(bucket * bucketSize + member);
        return found.length < limit;
      });
    }
    return found;
  }

  /** Gives all videos of `facet` this other facet too; `within`: only those that have that one as well. */
  unite(other: string, facet: string, within?: string): void {
    for (const { in_bin: shelf, bucket, members } of this.#rowsOf(facet)) {
      const some = readMembers(members);
      if (within !== undefined && !intersectMembers(some, this.#facets.read(shelf, within, bucket))) continue;
      const bitmap = this.#facets.read(shelf, other, bucket);
      uniteMembers(bitmap, some);
      this.#facets.write(shelf, other, bucket, bitmap);
    }
  }

  /** Takes this other facet from all videos of `facet`. */
  subtract(other: string, facet: string): void {
    for (const { in_bin: shelf, bucket, members } of this.#rowsOf(facet)) {
      const bitmap = this.#facets.read(shelf, other, bucket);
      subtractMembers(bitmap, readMembers(members));
      this.#facets.write(shelf, other, bucket, bitmap);
    }
  }

  /** Takes the facet from all its videos. */
  remove(facet: string): void {
    this.flush();
    this.#remove.run(facet);
  }

  /** A repair: what a set is to be. */
  writeWord(shelf: 0 | 1, bucket: number, beginning: string, bitmap: Uint8Array): void {
    this.#words.write(shelf, bucket, beginning, bitmap);
  }

  /** A repair: what a set is to be. */
  writeFacet(shelf: 0 | 1, bucket: number, facet: string, bitmap: Uint8Array): void {
    this.#facets.write(shelf, facet, bucket, bitmap);
  }

  /** Writes what was changed; to be called before the commit. */
  flush(): void {
    this.#words.flush();
    this.#facets.flush();
  }

  /** Forgets what was changed; to be called after a rollback. */
  forget(): void {
    this.#words.forget();
    this.#facets.forget();
  }

  #rowsOf(facet: string): FacetRow[] {
    this.flush();
    return this.#rows.all(facet) as FacetRow[];
  }
}

/** How many videos a stored set has. */
export function countStored(members: Uint8Array): number {
  return members.length === bucketSize / 8 ? countMembers(members) : members.length / 2;
}
