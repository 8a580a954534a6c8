// Rows of the table `videos` and the catalogue's `Video`, one into the other.
import { AppError } from '../../errors.ts';
import type { Playback, TrackSummary, Video, VideoStatus } from '../catalogue.ts';

/** A row as SQLite gives it; the columns are explained in schema.ts. */
export type VideoRow = {
  sequence: number;
  id: string;
  title: string;
  file_name: string;
  status: string;
  reason: string | null;
  size_bytes: number | null;
  received_bytes: number;
  duration_ms: number | null;
  container: string | null;
  tracks: string;
  playback: string;
  blob_id: string;
  index_id: string | null;
  upload_metadata: string | null;
  added_at_ms: number;
  binned_at_ms: number | null;
  owner_id: string;
  folder_id: string | null;
  audiences: string;
  title_key: string;
};

export function toVideo(row: VideoRow): Video {
  return {
    id: row.id,
    ownerId: row.owner_id,
    folderId: row.folder_id,
    title: row.title,
    fileName: row.file_name,
    status: row.status as VideoStatus,
    reason: row.reason,
    sizeBytes: row.size_bytes,
    receivedBytes: row.received_bytes,
    durationMs: row.duration_ms,
    container: row.container,
    tracks: fromJson<TrackSummary[]>(row.tracks),
    playback: fromJson<Playback>(row.playback),
    blobId: row.blob_id,
    indexId: row.index_id,
    uploadMetadata: row.upload_metadata,
    addedAtMs: row.added_at_ms,
    binnedAtMs: row.binned_at_ms,
  };
}

/** Text that UTF-8 can hold: a lone half of a surrogate pair becomes U+FFFD, so that what is given back at once is
 * what is given back later. */
export function wellFormed<Text extends string | null>(text: Text): Text {
  return (text === null ? null : text.toWellFormed()) as Text;
}

/** Audiences as they are stored: in order, each once. */
export function audiencesText(audiences: readonly string[]): string {
  return JSON.stringify([...new Set(audiences.map(wellFormed))].sort());
}

export function fromJson<Value>(text: string): Value {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new AppError('corrupt', 'The catalogue holds a row that cannot be read.', { cause: error });
  }
}
