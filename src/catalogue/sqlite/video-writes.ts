// Writes about videos, and the facets and words by which each is found, kept in step.
import { AppError } from '../../errors.ts';
import type { Arrival, NewVideo, Video } from '../catalogue.ts';
import { titleKey } from '../search-words.ts';
import { facet } from './facets.ts';
import { findFolder, foldersAround } from './folder-tree.ts';
import type { Statements } from './statements.ts';
import { audiencesText, fromJson, toVideo, type VideoRow, wellFormed } from './video-rows.ts';
import type { WordIndex } from './word-index.ts';

export type VideoWrites = {
  beginUpload(video: NewVideo): void;
  noteReceived(receivedBytes: ReadonlyMap<string, number>): void;
  setUploadSize(id: string, sizeBytes: number): void;
  storeArrival(id: string, arrival: Arrival): Video;
  forgetVideo(id: string): void;
  renameVideo(id: string, title: string): Video | null;
  setBinned(id: string, binnedAtMs: number | null): Video | null;
  startRemoval(id: string, binnedAtMs: number): boolean;
  moveVideo(id: string, folderId: string | null): Video | null;
};

/** Every facet of a video, as the rows have it. */
export function facetsOf(statements: Statements, row: VideoRow): string[] {
  const marks = statements.all<{ person_id: string; is_favourite: number; is_watched: number }>(
    'SELECT person_id, is_favourite, is_watched FROM progress WHERE video_id = ?',
    row.id,
  );
  const around = foldersAround(statements, row.folder_id);
  const audiences = fromJson<string[]>(row.audiences);
  const seenBy = [audiences, ...around.map((folder) => fromJson<string[]>(folder.audiences))].flat();
  return [
    facet.owner(row.owner_id),
    facet.folder(row.folder_id),
    ...around.map(({ id }) => facet.under(id)),
    ...audiences.map(facet.audience),
    ...seenBy.map(facet.seenBy),
    ...marks.filter((mark) => mark.is_favourite).map((mark) => facet.favourite(mark.person_id)),
    ...marks.filter((mark) => mark.is_watched).map((mark) => facet.watched(mark.person_id)),
  ];
}

/** A video that lies elsewhere, or is shared with others; its folders are as they were. */
export function changeFacets(
  statements: Statements,
  index: WordIndex,
  before: VideoRow,
  after: VideoRow,
): void {
  index.dropFacets(before.sequence, facetsOf(statements, before), before.binned_at_ms !== null);
  index.addFacets(after.sequence, facetsOf(statements, after), after.binned_at_ms !== null);
}

/** Throws `not-found` where the folder is not there, or another's than this owner's. */
export function assertFolderOf(statements: Statements, ownerId: string, folderId: string | null): void {
  if (folderId !== null && findFolder(statements, folderId)?.owner_id !== ownerId) {
    throw new AppError('not-found', 'There is no such folder.');
  }
}

export function createVideoWrites(statements: Statements, index: WordIndex): VideoWrites {
  const row = (sql: string, ...values: (string | number | null)[]) =>
    statements.get<VideoRow>(sql, ...values);
  const findVideo = (id: string) => row('SELECT * FROM videos WHERE id = ?', id);

  return {
    beginUpload(video) {
      const ownerId = wellFormed(video.ownerId);
      if (statements.get('SELECT 1 FROM videos WHERE id = ?', video.id)) return;
      assertFolderOf(statements, ownerId, video.folderId);
      const title = wellFormed(video.title);
      const inserted = row(
        `INSERT INTO videos (id, title, file_name, status, size_bytes, received_bytes, tracks, playback, blob_id,
                             upload_metadata, added_at_ms, owner_id, folder_id, audiences, title_key)
         VALUES (?, ?, ?, 'arriving', ?, 0, '[]', '{"viewType":null,"originalType":null}', ?, ?, ?, ?, ?, ?, ?)
         RETURNING *`,
        video.id,
        title,
        wellFormed(video.fileName),
        video.sizeBytes,
        video.blobId,
        wellFormed(video.uploadMetadata),
        Math.round(video.addedAtMs),
        ownerId,
        video.folderId,
        audiencesText(video.audiences),
        titleKey(title),
      )!;
      index.addTitle(inserted.sequence, title, false);
      index.addFacets(inserted.sequence, facetsOf(statements, inserted), false);
    },

    noteReceived(receivedBytes) {
      for (const [id, bytes] of receivedBytes) {
        statements.run(
          "UPDATE videos SET received_bytes = ? WHERE id = ? AND status = 'arriving'",
          bytes,
          id,
        );
      }
    },

    setUploadSize(id, sizeBytes) {
      statements.run("UPDATE videos SET size_bytes = ? WHERE id = ? AND status = 'arriving'", sizeBytes, id);
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
      const found = findVideo(id);
      if (!found) return;
      const inBin = found.binned_at_ms !== null;
      index.dropTitle(found.sequence, found.title, inBin);
      index.dropFacets(found.sequence, facetsOf(statements, found), inBin);
      statements.run("DELETE FROM links WHERE subject = 'video' AND subject_id = ?", id);
      statements.run('DELETE FROM videos WHERE id = ?', id);
    },

    renameVideo(id, title) {
      const before = findVideo(id);
      if (!before) return null;
      const text = wellFormed(title);
      const sql = 'UPDATE videos SET title = ?, title_key = ? WHERE id = ? RETURNING *';
      const after = row(sql, text, titleKey(text), id)!;
      const inBin = after.binned_at_ms !== null;
      index.dropTitle(before.sequence, before.title, inBin);
      index.addTitle(after.sequence, after.title, inBin);
      return toVideo(after);
    },

    setBinned(id, binnedAtMs) {
      const before = findVideo(id);
      if (!before) return null;
      // Some of it may be gone already.
      if (before.binned_at_ms === 0) return toVideo(before);
      const at = binnedAtMs === null ? null : Math.round(binnedAtMs);
      const after = row('UPDATE videos SET binned_at_ms = ? WHERE id = ? RETURNING *', at, id)!;
      const [wasInBin, isInBin] = [before.binned_at_ms !== null, at !== null];
      if (wasInBin !== isInBin) {
        index.dropTitle(before.sequence, before.title, wasInBin);
        index.addTitle(after.sequence, after.title, isInBin);
        changeFacets(statements, index, before, after);
      }
      return toVideo(after);
    },

    startRemoval(id, binnedAtMs) {
      const sql = 'UPDATE videos SET binned_at_ms = 0 WHERE id = ? AND binned_at_ms = ?';
      return statements.run(sql, id, Math.round(binnedAtMs)) > 0;
    },

    moveVideo(id, folderId) {
      const before = findVideo(id);
      if (!before) return null;
      assertFolderOf(statements, before.owner_id, folderId);
      const after = row('UPDATE videos SET folder_id = ? WHERE id = ? RETURNING *', folderId, id)!;
      changeFacets(statements, index, before, after);
      return toVideo(after);
    },
  };
}
