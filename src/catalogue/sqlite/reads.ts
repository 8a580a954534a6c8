// The catalogue's reads on a connection that cannot write. Each is short (at most a page of 1000 rows) and sees one
// moment of the catalogue, which includes every write that was acknowledged before.
import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';
import { AppError } from '../../errors.ts';
import type { ListRequest, Progress, StoredCamera, Video } from '../catalogue.ts';
import { queryWords } from '../search-words.ts';
import { sqliteFailure } from './failure.ts';
import { readCursor, writeCursor } from './page-cursor.ts';
import { fromJson, toVideo, type VideoRow, wellFormed } from './video-rows.ts';
import { WordSearch } from './word-search.ts';
import type { CameraRow } from './writes.ts';

/** Which rows: the library, the bin, or all of them. */
export type Shelf = 'library' | 'bin' | 'both';

const mostInPage = 1000;

/** The order is the primary key's; the partial indexes keep one shelf's rows together. */
const pageFrom: Record<Shelf, string> = {
  library: 'videos INDEXED BY videos_in_library WHERE binned_at_ms IS NULL AND',
  bin: 'videos INDEXED BY videos_in_bin WHERE binned_at_ms IS NOT NULL AND',
  both: 'videos WHERE',
};

export class Reads {
  readonly #database: DatabaseSync;
  readonly #file: string;
  readonly #search: WordSearch;
  readonly #statements = new Map<string, StatementSync>();

  constructor(database: DatabaseSync, file: string) {
    this.#database = database;
    this.#file = file;
    this.#search = new WordSearch(database);
  }

  getVideo(id: string): Video | null {
    const row = this.#all<VideoRow>('SELECT * FROM videos WHERE id = ?', id)[0];
    return row ? toVideo(row) : null;
  }

  /** Throws `bad-request` for a limit or place that is none. */
  listVideos({ limit, after, query, inBin = false }: ListRequest): { items: Video[]; next: string | null } {
    if (!Number.isInteger(limit) || limit < 1 || limit > mostInPage) {
      throw new AppError('bad-request', `A page has 1 to ${mostInPage} videos.`);
    }
    const before = after === null ? Number.MAX_SAFE_INTEGER : readCursor(after);
    const rows = this.page(queryWords(query), inBin ? 'bin' : 'library', before, limit + 1);
    const items = rows.slice(0, limit).map(toVideo);
    return { items, next: rows.length > limit ? writeCursor(rows[limit - 1]!.sequence) : null };
  }

  /** The next rows below a sequence; `words` as `queryWords` gives them, with `both` none. */
  page(words: readonly string[], shelf: Shelf, before: number, limit: number): VideoRow[] {
    if (words.length === 0) {
      return this.#all<VideoRow>(
        `SELECT * FROM ${pageFrom[shelf]} sequence < ? ORDER BY sequence DESC LIMIT ?`,
        before,
        limit,
      );
    }
    return this.#atOneMoment(() => {
      const found = this.#search.find(words, shelf === 'bin', before, limit);
      const get = this.#prepare('SELECT * FROM videos WHERE sequence = ?');
      return found.map((sequence) => {
        const row = get.get(sequence) as VideoRow | undefined;
        if (!row) throw new AppError('corrupt', 'The catalogue finds a video that it does not have.');
        return row;
      });
    });
  }

  listArriving(): Video[] {
    return this.#all<VideoRow>("SELECT * FROM videos WHERE status = 'arriving'").map(toVideo);
  }

  listBinnedBefore(beforeMs: number, limit: number): Video[] {
    return this.#all<VideoRow>(
      'SELECT * FROM videos WHERE binned_at_ms < ? ORDER BY binned_at_ms, sequence LIMIT ?',
      beforeMs,
      limit,
    ).map(toVideo);
  }

  countVideos(): number {
    return this.#all<{ videos: number }>("SELECT videos FROM tallies WHERE name = 'library'")[0]?.videos ?? 0;
  }

  getProgress(personId: string, videoIds: readonly string[]): Map<string, Progress> {
    if (videoIds.length === 0) return new Map();
    const rows = this.#all<{ video_id: string; position_ms: number; updated_at_ms: number }>(
      `SELECT video_id, position_ms, updated_at_ms FROM progress
       WHERE person_id = ? AND video_id IN (SELECT value FROM json_each(?))`,
      wellFormed(personId),
      JSON.stringify(videoIds),
    );
    return new Map(
      rows.map((row) => [row.video_id, { positionMs: row.position_ms, updatedAtMs: row.updated_at_ms }]),
    );
  }

  listCameras(): StoredCamera[] {
    return this.#all<CameraRow>('SELECT * FROM cameras ORDER BY added_at_ms, id').map((row) => ({
      id: row.id,
      name: row.name,
      driver: row.driver,
      options: fromJson<Record<string, unknown>>(row.options),
      addedAtMs: row.added_at_ms,
    }));
  }

  close(): void {
    if (this.#database.isOpen) this.#database.close();
  }

  #prepare(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (!statement) {
      statement = this.#database.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }

  #all<Row>(sql: string, ...values: SQLInputValue[]): Row[] {
    return this.#guarded(() => this.#prepare(sql).all(...values) as Row[]);
  }

  #atOneMoment<Result>(read: () => Result): Result {
    return this.#guarded(() => {
      this.#database.exec('BEGIN');
      try {
        return read();
      } finally {
        this.#database.exec('COMMIT');
      }
    });
  }

  #guarded<Result>(read: () => Result): Result {
    if (!this.#database.isOpen) throw new AppError('unavailable', 'The catalogue is closed.');
    try {
      return read();
    } catch (error) {
      throw sqliteFailure(error, this.#file);
    }
  }
}
