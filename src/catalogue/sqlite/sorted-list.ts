// Lists in another order than that of arrival. The index tells which videos belong to the list; where they are few, their
// keys are read and sorted, where many, the table's index of that order is walked and those that do not belong are
// passed over (16,384 rows a piece, some milliseconds). Memory: 512 bytes for each 4096 videos of the list.
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { VideoSort } from '../catalogue.ts';
import type { Place } from '../page-cursor.ts';
import type { Wanted } from './facets.ts';
import { bucketSize, countMembers, eachMemberUp, hasMember } from './members.ts';
import type { AtOneMoment, Statements } from './statements.ts';
import type { VideoRow } from './video-rows.ts';
import type { WordSearch } from './word-search.ts';

type Sorting = {
  readonly index: string;
  /** SQL of the key, as the index has it. */
  readonly key: string;
  readonly order: 'ASC' | 'DESC';
};

/** Ties are in the order of arrival, or against it: as the index is walked. */
const sortings: Record<Exclude<VideoSort, 'newest' | 'oldest'>, Sorting> = {
  title: { index: 'videos_by_title', key: 'title_key', order: 'ASC' },
  longest: { index: 'videos_by_duration', key: 'ifnull(duration_ms, -1)', order: 'DESC' },
  largest: { index: 'videos_by_size', key: 'ifnull(size_bytes, -1)', order: 'DESC' },
};

/** So many keys are read one by one in the time that a walk passes over a hundred times as many. */
const mostSorted = 3000;
/** The first piece of a walk is mostly enough; the largest takes some milliseconds. */
const [firstPiece, largestPiece] = [256, 16_384];

type Keyed = { sequence: number; key: string | number };

export class SortedList {
  readonly #statements: Statements;
  readonly #search: WordSearch;
  readonly #atOneMoment: AtOneMoment;

  constructor(statements: Statements, search: WordSearch, atOneMoment: AtOneMoment) {
    this.#statements = statements;
    this.#search = search;
    this.#atOneMoment = atOneMoment;
  }

  /** @param wanted null where every video of the shelf belongs to the list */
  async page(
    wanted: Wanted | null,
    inBin: boolean,
    sort: keyof typeof sortings,
    after: Place | null,
    limit: number,
  ): Promise<VideoRow[]> {
    const sorting = sortings[sort];
    const members = wanted ? await this.#members(wanted, inBin) : null;
    if (members) {
      let count = 0;
      for (const bitmap of members.values()) count += countMembers(bitmap);
      if (count <= mostSorted) return this.#sorted(members, inBin, sorting, after, limit);
    }
    return this.#walked(members, inBin, sorting, after, limit);
  }

  async #members(wanted: Wanted, inBin: boolean): Promise<Map<number, Uint8Array>> {
    const members = new Map<number, Uint8Array>();
    for (let next: number | null = 0; next !== null; ) {
      const from: number = next;
      next = this.#atOneMoment(() =>
        this.#search.scan(
          wanted,
          inBin,
          from,
          'up',
          (bucket, bitmap) => members.set(bucket, bitmap).size > 0,
        ),
      );
      if (next !== null) await nextTurn();
    }
    return members;
  }

  #sorted(
    members: ReadonlyMap<number, Uint8Array>,
    inBin: boolean,
    { key, order }: Sorting,
    after: Place | null,
    limit: number,
  ): VideoRow[] {
    const sequences: number[] = [];
    for (const [bucket, bitmap] of members) {
      eachMemberUp(bitmap, 0, (member) => sequences.push(bucket * bucketSize + member) > 0);
    }
    const comparison = order === 'ASC' ? '>' : '<';
    return this.#atOneMoment(() => {
      const rows = this.#statements.all<Keyed>(
        `SELECT sequence FROM videos
         WHERE sequence IN (SELECT value FROM json_each(?1)) AND (binned_at_ms IS NOT NULL) = ?2
           ${after ? `AND (${key}, sequence) ${comparison} (?4, ?5)` : ''}
         ORDER BY ${key} ${order}, sequence ${order} LIMIT ?3`,
        JSON.stringify(sequences),
        inBin ? 1 : 0,
        limit,
        ...(after ? [after.key, after.sequence] : []),
      );
      return this.#rows(
        rows.map(({ sequence }) => sequence),
        inBin,
      );
    });
  }

  async #walked(
    members: ReadonlyMap<number, Uint8Array> | null,
    inBin: boolean,
    sorting: Sorting,
    after: Place | null,
    limit: number,
  ): Promise<VideoRow[]> {
    const rows: VideoRow[] = [];
    let place = after;
    for (let piece = firstPiece; ; piece = Math.min(largestPiece, piece * 4)) {
      const last = this.#atOneMoment(() => {
        const sequences = this.#piece(sorting, inBin, place, members ? piece : Math.min(piece, limit));
        const belonging = sequences.filter((sequence) => {
          const bitmap = members?.get(Math.floor(sequence / bucketSize));
          return members === null || (bitmap !== undefined && hasMember(bitmap, sequence % bucketSize));
        });
        rows.push(...this.#rows(belonging.slice(0, limit - rows.length), inBin));
        return sequences.length === 0 ? null : this.#placeOf(sequences.at(-1)!, sorting);
      });
      if (last === null || rows.length === limit) return rows;
      place = last;
      await nextTurn();
    }
  }

  /** The next sequences of an order: first those with the key of the place, then those with the keys after it. */
  #piece({ index, key, order }: Sorting, inBin: boolean, place: Place | null, limit: number): number[] {
    const comparison = order === 'ASC' ? '>' : '<';
    const from = `FROM videos INDEXED BY ${index} WHERE (binned_at_ms IS NOT NULL) = ?1`;
    // As one text: a row for each would take five times as long.
    const list = (where: string, by: string, most: number, ...values: (string | number | null)[]) => {
      const sql = `SELECT json_group_array(sequence) AS list
                   FROM (SELECT sequence ${from} ${where} ORDER BY ${by} LIMIT ?2)`;
      return JSON.parse(
        this.#statements.get<{ list: string }>(sql, inBin ? 1 : 0, most, ...values)!.list,
      ) as number[];
    };
    const whole = `${key} ${order}, sequence ${order}`;
    if (!place) return list('', whole, limit);
    const same = list(
      `AND ${key} = ?3 AND sequence ${comparison} ?4`,
      `sequence ${order}`,
      limit,
      ...[place.key, place.sequence],
    );
    if (same.length === limit) return same;
    return [...same, ...list(`AND ${key} ${comparison} ?3`, whole, limit - same.length, place.key)];
  }

  #placeOf(sequence: number, { key }: Sorting): Place {
    return this.#statements.get<Keyed>(
      `SELECT sequence, ${key} AS key FROM videos WHERE sequence = ?`,
      sequence,
    )!;
  }

  /** Without those that went to another shelf, or away, since the index was asked. */
  #rows(sequences: readonly number[], inBin: boolean): VideoRow[] {
    return sequences.flatMap((sequence) => {
      const row = this.#statements.get<VideoRow>('SELECT * FROM videos WHERE sequence = ?', sequence);
      return row && (row.binned_at_ms !== null) === inBin ? [row] : [];
    });
  }
}

/** The place of a row in an order. */
export function placeOf(row: VideoRow, sort: VideoSort): Place {
  const { sequence } = row;
  if (sort === 'title') return { sequence, key: row.title_key };
  if (sort === 'longest') return { sequence, key: row.duration_ms ?? -1 };
  if (sort === 'largest') return { sequence, key: row.size_bytes ?? -1 };
  return { sequence, key: null };
}
