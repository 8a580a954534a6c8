// The catalogue's writes, each a whole operation inside the transaction that the writer thread has begun. Rule: an
// AppError is thrown before anything is changed, so one refused write does not undo the others of its transaction.
import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';
import { isDeepStrictEqual } from 'node:util';
import { AppError } from '../../errors.ts';
import type { Arrival, NewVideo, Progress, StoredCamera, Video } from '../catalogue.ts';
import { fromJson, toVideo, type VideoRow, wellFormed } from './video-rows.ts';
import type { WordIndex } from './word-index.ts';

/** What can be asked of the writer thread, by name. Arguments and results are plain values. */
export type WriteOperations = {
  beginUpload(video: NewVideo): void;
  noteReceived(receivedBytes: ReadonlyMap<string, number>): void;
  setUploadSize(id: string, sizeBytes: number): void;
  storeArrival(id: string, arrival: Arrival): Video;
  forgetVideo(id: string): void;
  renameVideo(id: string, title: string): Video | null;
  setBinned(id: string, binnedAtMs: number | null): Video | null;
  setProgress(personId: string, videoId: string, progress: Progress): void;
  addCamera(camera: StoredCamera): void;
  updateCamera(camera: Omit<StoredCamera, 'addedAtMs'>): boolean;
  removeCamera(id: string): boolean;
  ping(): void;
};

export function createWrites(database: DatabaseSync, words: WordIndex): WriteOperations {
  const statements = new Map<string, StatementSync>();
  function prepared(sql: string): StatementSync {
    let statement = statements.get(sql);
    if (!statement) {
      statement = database.prepare(sql);
      statements.set(sql, statement);
    }
    return statement;
  }
  const run = (sql: string, ...values: SQLInputValue[]) => prepared(sql).run(...values);
  const row = (sql: string, ...values: SQLInputValue[]) =>
    prepared(sql).get(...values) as VideoRow | undefined;
  const findVideo = (id: string) => row('SELECT * FROM videos WHERE id = ?', id);

  return {
    beginUpload(video) {
      const title = wellFormed(video.title);
      const inserted = prepared(
        `INSERT INTO videos (id, title, file_name, status, size_bytes, received_bytes, tracks, playback,
                             blob_id, upload_metadata, added_at_ms)
         VALUES (?, ?, ?, 'arriving', ?, 0, '[]', '{"viewType":null,"originalType":null}', ?, ?, ?)
         ON CONFLICT (id) DO NOTHING RETURNING sequence`,
      ).get(
        video.id,
        title,
        wellFormed(video.fileName),
        video.sizeBytes,
        video.blobId,
        wellFormed(video.uploadMetadata),
        Math.round(video.addedAtMs),
      ) as { sequence: number } | undefined;
      if (inserted) words.add(inserted.sequence, title, false);
    },

    noteReceived(receivedBytes) {
      for (const [id, bytes] of receivedBytes) {
        run("UPDATE videos SET received_bytes = ? WHERE id = ? AND status = 'arriving'", bytes, id);
      }
    },

    setUploadSize(id, sizeBytes) {
      run("UPDATE videos SET size_bytes = ? WHERE id = ? AND status = 'arriving'", sizeBytes, id);
    },

    storeArrival(id, arrival) {
      const stored = row(
        `UPDATE videos SET status = ?, reason = ?, size_bytes = ?, received_bytes = ?, duration_ms = ?,
                           container = ?, tracks = ?, playback = ?, index_id = ?
         WHERE id = ? RETURNING *`,
        arrival.status,
        wellFormed(arrival.reason),
        arrival.sizeBytes,
        arrival.sizeBytes,
        arrival.durationMs,
        wellFormed(arrival.container),
        JSON.stringify(arrival.tracks),
        JSON.stringify(arrival.playback),
        arrival.indexId,
        id,
      );
      if (!stored) throw new AppError('not-found', 'There is no such video.');
      return toVideo(stored);
    },

    forgetVideo(id) {
      const removed = row('DELETE FROM videos WHERE id = ? RETURNING *', id);
      if (removed) words.drop(removed.sequence, removed.title, removed.binned_at_ms !== null);
    },

    renameVideo(id, title) {
      const before = findVideo(id);
      if (!before) return null;
      const after = row('UPDATE videos SET title = ? WHERE id = ? RETURNING *', wellFormed(title), id)!;
      const inBin = after.binned_at_ms !== null;
      words.drop(before.sequence, before.title, inBin);
      words.add(after.sequence, after.title, inBin);
      return toVideo(after);
    },

    setBinned(id, binnedAtMs) {
      const before = findVideo(id);
      if (!before) return null;
      const at = binnedAtMs === null ? null : Math.round(binnedAtMs);
      const after = row('UPDATE videos SET binned_at_ms = ? WHERE id = ? RETURNING *', at, id)!;
      words.drop(before.sequence, before.title, before.binned_at_ms !== null);
      words.add(after.sequence, after.title, after.binned_at_ms !== null);
      return toVideo(after);
    },

    setProgress(personId, videoId, { positionMs, updatedAtMs }) {
      // Of a video that was removed meanwhile there is nothing to remember.
      run(
        `INSERT INTO progress (person_id, video_id, position_ms, updated_at_ms)
         SELECT ?, id, ?, ? FROM videos WHERE id = ?
         ON CONFLICT (person_id, video_id) DO UPDATE
         SET position_ms = excluded.position_ms, updated_at_ms = excluded.updated_at_ms
         WHERE excluded.updated_at_ms >= updated_at_ms`,
        wellFormed(personId),
        positionMs,
        Math.round(updatedAtMs),
        videoId,
      );
    },

    addCamera(camera) {
      const wanted = [
        wellFormed(camera.name),
        wellFormed(camera.driver),
        JSON.stringify(camera.options),
        Math.round(camera.addedAtMs),
      ] as const;
      const id = wellFormed(camera.id);
      const found = prepared('SELECT * FROM cameras WHERE id = ?').get(id) as CameraRow | undefined;
      if (!found) {
        run(
          'INSERT INTO cameras (id, name, driver, options, added_at_ms) VALUES (?, ?, ?, ?, ?)',
          id,
          ...wanted,
        );
      } else if (
        found.name !== wanted[0] ||
        found.driver !== wanted[1] ||
        found.added_at_ms !== wanted[3] ||
        !isDeepStrictEqual(fromJson(found.options), fromJson(wanted[2]))
      ) {
        throw new AppError('conflict', 'Another camera has this id.');
      }
    },

    updateCamera(camera) {
      const { changes } = run(
        'UPDATE cameras SET name = ?, driver = ?, options = ? WHERE id = ?',
        wellFormed(camera.name),
        wellFormed(camera.driver),
        JSON.stringify(camera.options),
        wellFormed(camera.id),
      );
      return Number(changes) > 0;
    },

    removeCamera(id) {
      return Number(run('DELETE FROM cameras WHERE id = ?', wellFormed(id)).changes) > 0;
    },

    ping() {},
  };
}

export type CameraRow = { id: string; name: string; driver: string; options: string; added_at_ms: number };
