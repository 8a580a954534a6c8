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
import { describeOther } from './other-media.ts';

export type VideoMaker = {
  /** Makes a video of one that has arrived; its blob is sealed. */
  keep(video: Pick<Video, 'id'>, sizeBytes: number, outcome: ScanOutcome): Promise<Video>;
  /** Does it again for one that is there: a new index, a new description, the old index removed. */
  renew(video: Video, sizeBytes: number, outcome: ScanOutcome): Promise<Video>;
};

export type MakerTools = {
  readonly blobs: BlobStore;
  readonly catalogue: Catalogue;
  readonly log: Logger;
  /** A file of another kind is kept: its length and codecs may be found by the probe. */
  onOther(video: Video): void;
};

export function createVideoMaker(tools: MakerTools): VideoMaker {
  const { blobs, catalogue, log } = tools;

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
    async keep({ id }, sizeBytes, outcome) {
      const video = await catalogue.finishUpload(id, await describe(outcome, sizeBytes));
      if (outcome.kind === 'other') tools.onOther(video);
      return video;
    },
    async renew(old, sizeBytes, outcome) {
      const video = await catalogue.replaceIndex(old.id, await describe(outcome, sizeBytes));
      if (old.indexId !== null && old.indexId !== video.indexId) await blobs.remove(old.indexId);
      if (outcome.kind === 'other') tools.onOther(video);
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
