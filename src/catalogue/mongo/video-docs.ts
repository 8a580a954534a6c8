// Documents of the collection `videos` and the catalogue's `Video`, one into the other.
import { AppError } from '../../errors.ts';
import type { Arrival, NewVideo, Playback, TrackSummary, Video, VideoStatus } from '../catalogue.ts';
import { beginningsOf, titleKey, titleWords } from '../search-words.ts';
import type { VideoDoc } from './documents.ts';
import { audiencesOf, text, textOrNull } from './text.ts';

/** What a `Video` is made of: never the beginnings of words, nor who marked it. */
export const videoFields = { beginnings: 0, favouriteOf: 0, watchedBy: 0, tasks: 0 } as const;

/** A document without what `videoFields` leaves out. */
export type ListedDoc = Omit<VideoDoc, keyof typeof videoFields>;

const noPlayback: Playback = { viewType: null, originalType: null };

export function toVideo(doc: ListedDoc): Video {
  return {
    id: doc._id,
    ownerId: doc.ownerId,
    folderId: doc.folderId,
    title: doc.title,
    fileName: doc.fileName,
    status: doc.status as VideoStatus,
    reason: doc.reason,
    sizeBytes: doc.sizeBytes,
    receivedBytes: doc.receivedBytes,
    durationMs: doc.durationMs,
    container: doc.container,
    tracks: fromJson<TrackSummary[]>(doc.tracks),
    playback: fromJson<Playback>(doc.playback),
    blobId: doc.blobId,
    indexId: doc.indexId,
    uploadMetadata: doc.uploadMetadata,
    addedAtMs: doc.addedAtMs,
    binnedAtMs: doc.binnedAtMs,
  };
}

export function fromJson<Value>(stored: string): Value {
  try {
    return JSON.parse(stored);
  } catch (error) {
    throw new AppError('corrupt', 'The catalogue holds a document that cannot be read.', { cause: error });
  }
}

/** What follows from a title. */
export function titled(title: string): Pick<VideoDoc, 'title' | 'titleKey' | 'beginnings'> {
  return { title, titleKey: titleKey(title), beginnings: [...beginningsOf(titleWords(title))] };
}

export function sized(sizeBytes: number | null): Pick<VideoDoc, 'sizeBytes' | 'sizeKey'> {
  return { sizeBytes, sizeKey: sizeBytes ?? -1 };
}

export function binned(binnedAtMs: number | null): Pick<VideoDoc, 'binnedAtMs' | 'inBin'> {
  return { binnedAtMs, inBin: binnedAtMs !== null };
}

export function newDoc(video: NewVideo, sequence: number): VideoDoc {
  return {
    _id: text(video.id),
    v: 1,
    revision: 1,
    sequence,
    ownerId: text(video.ownerId),
    folderId: textOrNull(video.folderId),
    isUnsettled: video.folderId !== null,
    audiences: audiencesOf(video.audiences),
    ...titled(text(video.title)),
    fileName: text(video.fileName),
    status: 'arriving',
    reason: null,
    ...sized(video.sizeBytes),
    receivedBytes: 0,
    storedBytes: video.sizeBytes ?? 0,
    durationMs: null,
    lengthKey: -1,
    container: null,
    tracks: '[]',
    playback: JSON.stringify(noPlayback),
    blobId: text(video.blobId),
    indexId: null,
    uploadMetadata: textOrNull(video.uploadMetadata),
    addedAtMs: Math.round(video.addedAtMs),
    ...binned(null),
    removal: null,
    favouriteOf: [],
    watchedBy: [],
    tasks: [],
    openTaskAtMs: null,
  };
}

/** What an arrival makes of a video. */
export function arrived(arrival: Arrival): Partial<VideoDoc> {
  return {
    status: arrival.status,
    reason: textOrNull(arrival.reason),
    ...sized(arrival.sizeBytes),
    receivedBytes: arrival.sizeBytes,
    storedBytes: arrival.sizeBytes ?? 0,
    durationMs: arrival.durationMs,
    lengthKey: arrival.durationMs ?? -1,
    container: textOrNull(arrival.container),
    tracks: JSON.stringify(arrival.tracks),
    playback: JSON.stringify(arrival.playback),
    indexId: arrival.indexId,
  };
}
