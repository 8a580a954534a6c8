// Lists of videos on a connection that cannot write: straight from an index of the table where everything is asked,
// from the index of words and facets else. A list that takes long is made in pieces with the main thread free between
// them; each piece sees one moment, and the places between pieces are as good as those between pages.
import type { DatabaseSync } from 'node:sqlite';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { AppError } from '../../errors.ts';
import type { VideoSort } from '../catalogue.ts';
import type { Place } from '../page-cursor.ts';
import type { Direction } from './facet-scan.ts';
import { facet, isEverything, type Wanted } from './facets.ts';
import { bucketSize, eachMemberDown, eachMemberUp } from './members.ts';
import { SortedList } from './sorted-list.ts';
import type { AtOneMoment, Statements } from './statements.ts';
import type { VideoRow } from './video-rows.ts';
import { WordSearch } from './word-search.ts';

/** Which rows: the library, the bin, or all of them. */
export type Shelf = 'library' | 'bin' | 'both';

/** The order is the primary key's; the partial indexes keep one shelf's rows together. */
const pageFrom: Record<Shelf, string> = {
  library: 'videos INDEXED BY videos_in_library WHERE binned_at_ms IS NULL AND',
  bin: 'videos INDEXED BY videos_in_bin WHERE binned_at_ms IS NOT NULL AND',
  both: 'videos WHERE',
};

export class Lists {
  readonly #statements: Statements;
  readonly #search: WordSearch;
  readonly #sorted: SortedList;
  readonly #atOneMoment: AtOneMoment;

  constructor(database: DatabaseSync, statements: Statements, atOneMoment: AtOneMoment) {
    this.#statements = statements;
    this.#search = new WordSearch(database);
    this.#sorted = new SortedList(statements, this.#search, atOneMoment);
    this.#atOneMoment = atOneMoment;
  }

  /**
   * The rows after a place (null: the first ones), at most `limit`.
   * @param shelf `both` only where everything is asked
   */
  async page(
    wanted: Wanted,
    shelf: Shelf,
    sort: VideoSort,
    after: Place | null,
    limit: number,
  ): Promise<VideoRow[]> {
    if (wanted.anyOf.some((any) => any.length === 0)) return [];
    const direction = sort === 'newest' ? 'down' : sort === 'oldest' ? 'up' : null;
    if (direction && isEverything(wanted)) return this.#all(shelf, direction, after, limit);
    if (direction) return this.#found(this.#positive(wanted), shelf === 'bin', direction, after, limit);
    const asked = isEverything(wanted) ? null : this.#positive(wanted);
    return this.#sorted.page(
      asked,
      shelf === 'bin',
      sort as Exclude<VideoSort, 'newest' | 'oldest'>,
      after,
      limit,
    );
  }

  #all(shelf: Shelf, direction: Direction, after: Place | null, limit: number): VideoRow[] {
    const [comparison, order, first] =
      direction === 'down' ? ['<', 'DESC', Number.MAX_SAFE_INTEGER] : ['>', 'ASC', -1];
    return this.#atOneMoment(() =>
      this.#statements.all<VideoRow>(
        `SELECT * FROM ${pageFrom[shelf]} sequence ${comparison} ? ORDER BY sequence ${order} LIMIT ?`,
        after?.sequence ?? first!,
        limit,
      ),
    );
  }

  async #found(
    wanted: Wanted,
    inBin: boolean,
    direction: Direction,
    after: Place | null,
    limit: number,
  ): Promise<VideoRow[]> {
    const rows: VideoRow[] = [];
    // The sequences to begin with and, going down, to stay below.
    const start =
      direction === 'up' ? (after?.sequence ?? -1) + 1 : (after?.sequence ?? Number.MAX_SAFE_INTEGER);
    const startBucket = Math.floor(start / bucketSize);
    let next: number | null = startBucket;
    for (;;) {
      const from: number = next;
      next = this.#atOneMoment(() =>
        this.#search.scan(wanted, inBin, from, direction, (bucket, members) => {
          const edge = bucket === startBucket ? start % bucketSize : null;
          const take = (member: number) => {
            rows.push(this.#row(bucket * bucketSize + member));
            return rows.length < limit;
          };
          if (direction === 'down') eachMemberDown(members, edge ?? bucketSize, take);
          else eachMemberUp(members, edge ?? 0, take);
          return rows.length < limit;
        }),
      );
      if (next === null) return rows;
      await nextTurn();
    }
  }

  #row(sequence: number): VideoRow {
    const row = this.#statements.get<VideoRow>('SELECT * FROM videos WHERE sequence = ?', sequence);
    if (!row) throw new AppError('corrupt', 'The catalogue finds a video that it does not have.');
    return row;
  }

  /** With something that a video must have: where only something is asked that it must not, any owner. */
  #positive(wanted: Wanted): Wanted {
    if (wanted.words.length > 0 || wanted.anyOf.length > 0) return wanted;
    const owners = this.#statements.all<{ owner_id: string }>('SELECT owner_id FROM usage');
    return { ...wanted, anyOf: [owners.map(({ owner_id }) => facet.owner(owner_id))] };
  }
}
