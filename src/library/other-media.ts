// Files of containers that no parser of ours reads: kept and named, sound that browsers play by itself played as it
// is, and the rest looked into by the probe, in the background, for its length and codecs.
import type { Logger } from 'pino';
import type { BlobStore } from '../blobs/blob-store.ts';
import type { Arrival, Catalogue, TrackSummary, Video } from '../catalogue/catalogue.ts';
import { isAppError } from '../errors.ts';
import type { Sniffed } from '../media/sniff.ts';
import type { Probe, Probed } from '../workers/probe.ts';
import type { Locks } from './locks.ts';

/** The row of such a file, before anybody has looked into it. */
export function describeOther(
  { kind, label, contentType, isServedAsIs }: Sniffed,
  sizeBytes: number,
): Arrival {
  const article = /^[AEIOUMF]/.test(label) && !/^[MF][a-z]/.test(label) ? 'an' : 'a';
  return {
    status: isServedAsIs ? 'ready' : 'unplayable',
    reason: isServedAsIs
      ? null
      : `This is ${article} ${label} file, which browsers cannot play. It is kept as it came and can be downloaded.`,
    sizeBytes,
    durationMs: null,
    container: kind,
    tracks: [],
    // One source under two addresses: the player is told of it once.
    playback: { viewType: isServedAsIs ? contentType : null, originalType: null },
    indexId: null,
  };
}

export type OtherMedia = {
  /** Has the probe look into it some time soon; its row then has length and tracks. */
  describeLater(video: Video): void;
  /** Resolves when nothing is being looked into. */
  settled(): Promise<void>;
  /** Stops what runs. Idempotent. */
  close(): Promise<void>;
};

export type OtherMediaTools = {
  readonly blobs: BlobStore;
  readonly catalogue: Catalogue;
  readonly locks: Locks;
  readonly log: Logger;
  /** null: they stay without length and tracks. */
  readonly probe: Probe | null;
};

/** More than these are not queued: the rest stays as it is until `kinora check --repair`. */
const maxWaiting = 1000;

export function createOtherMedia({ blobs, catalogue, locks, log, probe }: OtherMediaTools): OtherMedia {
  const running = new Set<Promise<void>>();
  let isClosed = false;
  let isEngineMissing = false;

  const look = async (probe: Probe, { id, blobId }: Video): Promise<Probed> => {
    const reader = await blobs.open(blobId);
    try {
      return await probe.describe((into, position) => reader.read(into, position), reader.sizeBytes);
    } finally {
      await reader
        .close()
        .catch((error) => log.warn({ err: error, video: id }, 'a stored file would not close'));
    }
  };

  const describe = async (probe: Probe, video: Video): Promise<void> => {
    try {
      const found = await look(probe, video);
      await locks.run(video.id, async () => {
        const current = await catalogue.getVideo(video.id);
        // Renamed, binned, removed meanwhile: only what was found changes, and only while it is the same file.
        if (current === null || current.blobId !== video.blobId || current.indexId !== null) return;
        await catalogue.replaceIndex(video.id, withFound(current, found));
      });
    } catch (error) {
      if (isClosed) return;
      if (isAppError(error, 'unavailable') && !isEngineMissing) {
        isEngineMissing = true;
        log.warn(error.message);
      } else
        log.info({ video: video.id, reason: (error as Error).message }, 'a file could not be looked into');
    }
  };

  return {
    describeLater(video) {
      if (probe === null || isClosed || isEngineMissing || running.size >= maxWaiting) return;
      const work = describe(probe, video).finally(() => running.delete(work));
      running.add(work);
    },
    async settled() {
      await Promise.all(running);
    },
    async close() {
      isClosed = true;
      // The probe's owner ends it; what waits for it then ends too.
      await probe?.close();
      await Promise.all(running);
    },
  };
}

function withFound(video: Video, { durationMs, tracks }: Probed): Arrival {
  const { status, reason, container, playback, indexId, sizeBytes } = video;
  return {
    ...{ status, reason, container, playback, indexId },
    sizeBytes: sizeBytes ?? 0,
    durationMs: durationMs ?? video.durationMs,
    tracks: tracks.map(
      (track): TrackSummary => ({
        ...{ number: track.number, kind: track.kind, codec: track.codec, codecName: track.codecName },
        ...{
          codecString: null,
          language: track.language,
          name: '',
          width: track.width,
          height: track.height,
        },
        ...{ channels: track.channels, sampleRate: track.sampleRate },
        obstacle: status === 'ready' ? null : 'No view can carry this track yet.',
      }),
    ),
  };
}
