// What a scanned file becomes: its index is stored, its row says what it is (steps 5 and 6 of `design/writes.md`).
import type { Logger } from 'pino';
import type { BlobStore } from '../blobs/blob-store.ts';
import type { Arrival, Catalogue, Video } from '../catalogue/catalogue.ts';
import { isAppError } from '../errors.ts';
import { createId } from '../ids.ts';
import { encodeIndex } from '../media/index-file.ts';
import { describePlayable } from '../media/playable.ts';
import type { MediaIndex } from '../media/track.ts';
import type { ScanOutcome } from './careful-scan.ts';
import type { Lock } from './locks.ts';
import { describeOther } from './other-media.ts';

export type VideoMaker = {
  /** Makes a video of one that has arrived; its blob is sealed. Throws `conflict` where the lock is lost. */
  keep(
    video: Pick<Video, 'id' | 'blobId'>,
    sizeBytes: number,
    outcome: ScanOutcome,
    lock: Pick<Lock, 'assertHeld'>,
  ): Promise<Video>;
  /** Does it again for one that is there: a new index, a new description, the old index removed. */
  renew(
    video: Video,
    sizeBytes: number,
    outcome: ScanOutcome,
    lock: Pick<Lock, 'assertHeld'>,
  ): Promise<Video>;
};

export type MakerTools = {
  readonly blobs: BlobStore;
  readonly catalogue: Catalogue;
  readonly log: Logger;
  /** Files of another kind are kept: their length and codecs are to be looked for. */
  readonly looks: Looks;
};

export type Looks = {
  /** Keeps in mind that the video is to be looked into. Again with the same id: nothing happens. */
  add(taskId: string, videoId: string): Promise<void>;
  /** The video is what it is now: it may be looked into. */
  wake(): void;
};

export function createVideoMaker(tools: MakerTools): VideoMaker {
  const { blobs, catalogue, log, looks } = tools;

  /** Stores the index where there is one and says what the row will. */
  const describe = async (outcome: ScanOutcome, sizeBytes: number): Promise<Arrival> => {
    if (outcome.kind === 'other') return describeOther(outcome.sniffed, sizeBytes);
    if (outcome.kind === 'broken') return describeBroken(outcome.reason, sizeBytes);
    const indexId = createId();
    let bytes: Uint8Array;
    let arrival: Arrival;
    try {
      bytes = encodeIndex(outcome.index);
      arrival = describeIndexed(outcome.index, indexId);
    } catch (error) {
      // Too many samples for an index, or a bug of ours: the original is kept all the same.
      log.error({ err: error }, 'a video that was read could not be described; it is kept');
      const reason = isAppError(error) ? error.message : 'This file made our reader of it fail.';
      return describeBroken(`${reason} It is kept as it came.`, sizeBytes);
    }
    await blobs.put(indexId, bytes);
    return arrival;
  };

  return {
    async keep({ id, blobId }, sizeBytes, outcome, lock) {
      const arrival = await describe(outcome, sizeBytes);
      // Before the row says so: a crash in between must not forget it.
      if (outcome.kind === 'other') await looks.add(blobId, id);
      lock.assertHeld();
      const video = await catalogue.finishUpload(id, arrival);
      if (outcome.kind === 'other') looks.wake();
      return video;
    },
    async renew(old, sizeBytes, outcome, lock) {
      const arrival = await describe(outcome, sizeBytes);
      lock.assertHeld();
      const video = await catalogue.replaceIndex(old.id, arrival);
      if (old.indexId !== null && old.indexId !== video.indexId) await blobs.remove(old.indexId);
      if (outcome.kind === 'other') {
        await looks.add(createId(), old.id);
        looks.wake();
      }
      return video;
    },
  };
}

/** The row of an indexed file. */
function describeIndexed(index: MediaIndex, indexId: string): Arrival {
  const { sizeBytes, durationMs, container } = index;
  const { status, viewType, originalType, reason, tracks } = describePlayable(index);
  return {
    status,
    reason,
    sizeBytes,
    durationMs: Math.round(durationMs),
    container,
    tracks,
    playback: { viewType, originalType },
    indexId,
  };
}

function describeBroken(reason: string, sizeBytes: number): Arrival {
  return {
    status: 'unplayable',
    reason,
    sizeBytes,
    durationMs: null,
    container: null,
    tracks: [],
    playback: { viewType: null, originalType: null },
    indexId: null,
  };
}
