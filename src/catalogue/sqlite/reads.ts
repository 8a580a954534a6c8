// The catalogue's reads on a connection that cannot write. Each is short (at most a page of 1000 rows, or pieces of a
// list) and sees one moment of the catalogue, which includes every write that was acknowledged before.
import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { AppError } from '../../errors.ts';
import type {
  AuditNote,
  GuestLink,
  ListRequest,
  Marks,
  Progress,
  Shared,
  Sight,
  StoredCamera,
  Task,
  Video,
} from '../catalogue.ts';
import { checkLimit, readCursor, writeCursor } from '../page-cursor.ts';
import type { CameraRow } from './camera-writes.ts';
import type { Wanted } from './facets.ts';
import { sqliteFailure } from './failure.ts';
import { type LinkRow, toLink } from './link-writes.ts';
import { wantedOf } from './list-query.ts';
import { Lists, type Shelf } from './lists.ts';
import { SharingReads } from './sharing-reads.ts';
import { placeOf } from './sorted-list.ts';
import { Statements } from './statements.ts';
import type { TaskRow } from './task-writes.ts';
import { fromJson, toVideo, type VideoRow, wellFormed } from './video-rows.ts';

/** Rows of what was begun that are looked at in one piece. */
const begunPiece = 100;

type MarksRow = { video_id: string; is_favourite: number; is_watched: number };
type BegunRow = VideoRow & { updated_at_ms: number };

export class Reads {
  readonly #database: DatabaseSync;
  readonly #file: string;
  readonly #statements: Statements;
  readonly #lists: Lists;
  readonly #sharing: SharingReads;

  constructor(database: DatabaseSync, file: string) {
    this.#database = database;
    this.#file = file;
    this.#statements = new Statements(database);
    this.#sharing = new SharingReads(this.#statements);
    this.#lists = new Lists(database, this.#statements, (read) => this.atOneMoment(read));
  }

  /** What is asked of folders and sharing; failures made AppErrors. */
  sharing<Result>(read: (sharing: SharingReads) => Result): Result {
    return this.atOneMoment(() => read(this.#sharing));
  }

  getVideo(id: string): Video | null {
    const row = this.#all<VideoRow>('SELECT * FROM videos WHERE id = ?', id)[0];
    return row ? toVideo(row) : null;
  }

  /** Throws `bad-request` for a limit or place that is none. */
  async listVideos(request: ListRequest): Promise<{ items: Video[]; next: string | null }> {
    const { limit, after, inBin = false, sort = 'newest' } = request;
    checkLimit(limit);
    const place = after === null ? null : readCursor(sort, after);
    const wanted = wantedOf(request);
    const rows = await this.#lists.page(wanted, inBin ? 'bin' : 'library', sort, place, limit + 1);
    const items = rows.slice(0, limit).map(toVideo);
    return { items, next: rows.length > limit ? writeCursor(sort, placeOf(rows[limit - 1]!, sort)) : null };
  }

  /** The next rows below a sequence, newest first. */
  async page(wanted: Wanted, shelf: Shelf, before: number, limit: number): Promise<VideoRow[]> {
    return this.#lists.page(wanted, shelf, 'newest', { sequence: before, key: null }, limit);
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

  listTasks(limit: number): Task[] {
    const sql = 'SELECT * FROM tasks WHERE is_ended = 0 ORDER BY added_at_ms, id LIMIT ?';
    return this.#all<TaskRow>(sql, limit).map((row) => ({
      id: row.id,
      kind: row.kind,
      videoId: row.video_id,
      addedAtMs: row.added_at_ms,
    }));
  }

  countVideos(): number {
    return this.#all<{ videos: number }>("SELECT videos FROM tallies WHERE name = 'library'")[0]?.videos ?? 0;
  }

  getProgress(personId: string, videoIds: readonly string[]): Map<string, Progress> {
    if (videoIds.length === 0) return new Map();
    const rows = this.#all<{ video_id: string; position_ms: number; updated_at_ms: number }>(
      `SELECT video_id, position_ms, updated_at_ms FROM progress
       WHERE person_id = ? AND video_id IN (SELECT value FROM json_each(?)) AND position_ms IS NOT NULL`,
      wellFormed(personId),
      JSON.stringify(videoIds),
    );
    return new Map(
      rows.map((row) => [row.video_id, { positionMs: row.position_ms, updatedAtMs: row.updated_at_ms }]),
    );
  }

  getMarks(personId: string, videoIds: readonly string[]): Map<string, Marks> {
    if (videoIds.length === 0) return new Map();
    const rows = this.#all<MarksRow>(
      `SELECT video_id, is_favourite, is_watched FROM progress
       WHERE person_id = ? AND video_id IN (SELECT value FROM json_each(?)) AND is_favourite + is_watched > 0`,
      wellFormed(personId),
      JSON.stringify(videoIds),
    );
    return new Map(
      rows.map((row) => [
        row.video_id,
        { isFavourite: row.is_favourite === 1, isWatched: row.is_watched === 1 },
      ]),
    );
  }

  /** Throws `bad-request` for a limit that is none. */
  async listBegun(personId: string, sight: Sight, limit: number): Promise<Video[]> {
    checkLimit(limit);
    const found: Video[] = [];
    for (let last: BegunRow | null = null; ; await nextTurn()) {
      const rows: BegunRow[] = this.atOneMoment(() => this.#begun(wellFormed(personId), last));
      for (const row of rows) {
        if (row.binned_at_ms !== null || !this.sharing((sharing) => sharing.isSeen(row, sight))) continue;
        found.push(toVideo(row));
        if (found.length === limit) return found;
      }
      if (rows.length < begunPiece) return found;
      last = rows.at(-1)!;
    }
  }

  getLink(column: 'id' | 'secret_hash', value: string): GuestLink | null {
    const row = this.#all<LinkRow>(`SELECT * FROM links WHERE ${column} = ?`, value)[0];
    return row ? toLink(row) : null;
  }

  listLinks(request: { createdBy?: string; subject?: Shared; subjectId?: string }): GuestLink[] {
    const asked = [
      ['created_by', request.createdBy],
      ['subject', request.subject],
      ['subject_id', request.subjectId],
    ].filter((part): part is [string, string] => part[1] !== undefined);
    const where = asked.length > 0 ? `WHERE ${asked.map(([column]) => `${column} = ?`).join(' AND ')}` : '';
    return this.#all<LinkRow>(
      `SELECT * FROM links ${where} ORDER BY created_at_ms DESC, sequence DESC`,
      ...asked.map(([, value]) => wellFormed(value)),
    ).map(toLink);
  }

  listAudit(beforeMs: number, limit: number): AuditNote[] {
    const sql = 'SELECT * FROM audit WHERE at_ms < ? ORDER BY at_ms DESC, sequence DESC LIMIT ?';
    return this.#all<AuditRow>(sql, beforeMs, limit).map((row) => ({
      id: row.id,
      atMs: row.at_ms,
      personId: row.person_id,
      personName: row.person_name,
      action: row.action,
      subject: row.subject,
      address: row.address,
    }));
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

  /** Not inside one another. */
  atOneMoment<Result>(read: () => Result): Result {
    return this.#guarded(() => {
      this.#database.exec('BEGIN');
      try {
        return read();
      } finally {
        this.#database.exec('COMMIT');
      }
    });
  }

  #begun(personId: string, last: BegunRow | null): BegunRow[] {
    const from = `SELECT videos.*, progress.updated_at_ms FROM progress INDEXED BY progress_begun
                  JOIN videos ON videos.id = progress.video_id
                  WHERE person_id = ?1 AND position_ms > 0 AND is_watched = 0`;
    const order = 'ORDER BY progress.updated_at_ms DESC, progress.video_id DESC LIMIT ?2';
    if (!last) return this.#statements.all<BegunRow>(`${from} ${order}`, personId, begunPiece);
    return this.#statements.all<BegunRow>(
      `${from} AND (progress.updated_at_ms, progress.video_id) < (?3, ?4) ${order}`,
      ...[personId, begunPiece, last.updated_at_ms, last.id],
    );
  }

  #all<Row>(sql: string, ...values: SQLInputValue[]): Row[] {
    return this.#guarded(() => this.#statements.all<Row>(sql, ...values));
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

type AuditRow = {
  id: string;
  at_ms: number;
  person_id: string | null;
  person_name: string;
  action: string;
  subject: string;
  address: string;
};
