// Files of containers that no parser of ours reads: kept and named, sound that browsers play by itself played as it
// is, and the rest looked into by the probe for its length and codecs (a task, see `tasks.ts`).
import type { Logger } from 'pino';
import type { BlobStore } from '../blobs/blob-store.ts';
import type { Arrival, TrackSummary, Video } from '../catalogue/catalogue.ts';
import type { Sniffed } from '../media/sniff.ts';
import type { Probe, Probed } from '../workers/probe.ts';

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

/**
 * Looks into a file with the probe: what its row is to be then, null where nothing is to be changed. Throws
 * `unavailable` where there is no engine here, and what reading the blob throws.
 */
export async function describeByProbe(
  video: Video,
  { blobs, log, probe }: { readonly blobs: BlobStore; readonly log: Logger; readonly probe: Probe },
): Promise<Arrival | null> {
  const { id, blobId, indexId } = video;
  if (indexId !== null) return null;
  const reader = await blobs.open(blobId);
  try {
    const read = (into: Uint8Array, position: number) => reader.read(into, position);
    return withFound(video, await probe.describe(read, reader.sizeBytes));
  } finally {
    await reader
      .close()
      .catch((error) => log.warn({ err: error, video: id }, 'a stored file would not close'));
  }
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
