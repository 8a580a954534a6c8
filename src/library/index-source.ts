// Where indexes come from: the cache, else the stored blob; and where that is of an older format, damaged or gone,
// the video itself, scanned again and its index replaced.
import type { Logger } from 'pino';
import type { BlobReader, BlobStore } from '../blobs/blob-store.ts';
import type { Catalogue, Video } from '../catalogue/catalogue.ts';
import { AppError, isAppError } from '../errors.ts';
import { decodeIndex } from '../media/index-file.ts';
import type { MediaIndex } from '../media/track.ts';
import { scanBlob } from './careful-scan.ts';
import type { Lock, Locks } from './locks.ts';
import type { VideoMaker } from './video-maker.ts';
import type { ViewCache } from './view-cache.ts';

/** The largest index that is read: 12 bytes for each of twenty million samples. */
const maxIndexBytes = 256 * 1024 * 1024;

export type IndexSource = {
  /** Reads an index for one use. Throws `corrupt` (of an older format, damaged), `not-found`. */
  read(indexId: string): Promise<MediaIndex>;
  /** As `read`, for what will be asked for again: kept in the cache. */
  readKept(indexId: string): Promise<MediaIndex>;
  /**
   * A row whose index could not be used, with a new one; whoever comes second finds it done. Throws `unplayable`
   * where the new scan says so, `corrupt` where the original is gone, `unsupported-media`.
   */
  renew(stale: Video, cause: unknown): Promise<Video>;
};

export type IndexTools = {
  readonly blobs: BlobStore;
  readonly catalogue: Catalogue;
  readonly cache: ViewCache;
  readonly locks: Locks;
  readonly log: Logger;
  readonly maker: VideoMaker;
};

export function createIndexSource({ blobs, catalogue, cache, locks, log, maker }: IndexTools): IndexSource {
  const read = async (indexId: string) => decodeIndex(await readWhole(blobs, indexId));
  return {
    read,
    readKept: (indexId) =>
      cache.get(`${indexId}:index`, async () => {
        const bytes = await readWhole(blobs, indexId);
        const index = decodeIndex(bytes);
        return { value: index, sizeBytes: weighIndex(index, bytes.length) };
      }),
    renew: (stale, cause) =>
      locks.run(`video:${stale.id}`, async (lock) => {
        const video = await catalogue.getVideo(stale.id);
        if (video === null) throw new AppError('not-found', 'There is no such video here.');
        if (video.indexId !== stale.indexId) return video;
        log.warn(
          { video: video.id, err: cause },
          'the index cannot be used and is made again from the video',
        );
        return rescan(video, { blobs, maker, log, lock });
      }),
  };
}

/** Makes the index of a video again from its blob. Throws `corrupt` where the blob is gone. */
export async function rescan(
  video: Video,
  tools: {
    readonly blobs: BlobStore;
    readonly maker: VideoMaker;
    readonly log: Logger;
    /** Nobody else makes it meanwhile. */
    readonly lock: Pick<Lock, 'assertHeld'>;
  },
): Promise<Video> {
  const { blobs, maker, log, lock } = tools;
  let reader: BlobReader;
  try {
    reader = await blobs.open(video.blobId);
  } catch (error) {
    if (!isAppError(error, 'not-found')) throw error;
    throw new AppError('corrupt', 'The stored file of this video is gone.', { cause: error });
  }
  try {
    return await maker.renew(video, reader.sizeBytes, await scanBlob(reader, log), lock);
  } finally {
    await reader.close();
  }
}

/** The bytes of a small blob. Throws `corrupt` when it is larger than any index. */
export async function readWhole(blobs: BlobStore, id: string): Promise<Uint8Array> {
  const reader = await blobs.open(id);
  try {
    if (reader.sizeBytes > maxIndexBytes)
      throw new AppError('corrupt', 'The stored index is too large to be one.');
    const bytes = new Uint8Array(reader.sizeBytes);
    for (let at = 0; at < bytes.length; ) {
      const read = await reader.read(bytes.subarray(at), at);
      if (read === 0) throw new AppError('corrupt', 'The stored index ends before its end.');
      at += read;
    }
    return bytes;
  } finally {
    await reader.close();
  }
}

/** What a decoded index weighs in memory once all its columns were looked at; `storedBytes` stay as long as it does. */
function weighIndex(index: MediaIndex, storedBytes: number): number {
  // Sizes and composition offsets in 4 bytes each, places and decode times in 8.
  const samples = index.tracks.reduce((sum, track) => sum + track.samples.count, 0);
  return 2000 + storedBytes + 24 * samples;
}
