// `kinora check`: walks the catalogue in itself, then its videos with their blobs and indexes, says what disagrees in one
// line each, and with `repair` puts right what can be put right without touching an original that a row names. Memory:
// eight bytes a video and one index at a time, besides what the catalogue needs for itself.
import { type Logger, pino } from 'pino';
import type { BlobStore } from '../blobs/blob-store.ts';
import type { Catalogue, Video } from '../catalogue/catalogue.ts';
import { type Clock, systemClock } from '../clock.ts';
import { isAppError } from '../errors.ts';
import { rescan } from '../library/index-source.ts';
import { findLeftovers } from '../library/leftovers.ts';
import { createVideoMaker } from '../library/video-maker.ts';
import { type Finding, inspectVideo } from './inspect-video.ts';

export type CheckOptions = {
  readonly blobs: BlobStore;
  readonly catalogue: Catalogue;
  /** Left out, the machine's. */
  readonly clock?: Clock;
  /** Hears of parsers that fail over a file; left out, nobody does. */
  readonly log?: Logger;
  /** Makes indexes anew and removes leftovers. */
  readonly repair: boolean;
  /** Takes the lines of the report. */
  out(line: string): void;
};

export type CheckResult = {
  readonly videos: number;
  /** What disagrees still: with `repair`, what could not be put right. */
  readonly problems: number;
  /** What was put right. */
  readonly repaired: number;
};

/** Runs the check. Nothing else may be using the stores. */
export async function runCheck(options: CheckOptions): Promise<CheckResult> {
  const { blobs, catalogue, clock = systemClock, log = pino({ level: 'silent' }), repair, out } = options;
  let videos = 0;
  let found = 0;
  let repaired = 0;
  const tell = (subject: string, message: string, outcome: string | null) => {
    found += 1;
    out(`${subject}: ${message}${outcome === null ? '' : ` (${outcome})`}`);
  };

  for (const { subject, message, isRepaired } of await catalogue.inspect({ repair })) {
    if (isRepaired) repaired += 1;
    tell(subject, message, isRepaired ? 'put right' : null);
  }
  for await (const video of everyVideo(catalogue)) {
    videos += 1;
    for (const finding of await inspectVideo(video, blobs)) {
      const outcome =
        repair && finding.isIndexAtFault ? await repairIndex(video, finding, blobs, catalogue, log) : null;
      if (outcome?.isRepaired) repaired += 1;
      tell(`video ${video.id}`, finding.message, outcome?.text ?? null);
    }
  }
  for await (const entry of findLeftovers(blobs, catalogue, clock.nowMs())) {
    // A young one may belong to what was being written when the program was stopped; the next check tells.
    if (!entry.isOld) continue;
    if (repair) {
      await blobs.remove(entry.id);
      repaired += 1;
    }
    const what = entry.isSealed ? 'a stored file' : 'an unfinished file';
    tell(
      `blob ${entry.id}`,
      `${what} of ${entry.sizeBytes} bytes that no video names`,
      repair ? 'removed' : null,
    );
  }
  const problems = found - repaired;
  return { videos, problems, repaired };
}

/** Arriving ones too, whichever way the catalogue lists them; each once. */
async function* everyVideo(catalogue: Catalogue): AsyncGenerator<Video> {
  const arriving = new Map((await catalogue.listArriving()).map((video) => [video.id, video]));
  for await (const video of catalogue.streamVideos({ query: '', inBin: 'both' })) {
    arriving.delete(video.id);
    yield video;
  }
  yield* arriving.values();
}

async function repairIndex(
  video: Video,
  finding: Finding,
  blobs: BlobStore,
  catalogue: Catalogue,
  log: Logger,
): Promise<{ isRepaired: boolean; text: string } | null> {
  if (!finding.isIndexAtFault) return null;
  // What is found to be of another kind is looked into when the program runs again.
  const add = (id: string, videoId: string) =>
    catalogue.addTask({ id, kind: 'describe', videoId, addedAtMs: systemClock.nowMs() });
  const maker = createVideoMaker({ blobs, catalogue, log, looks: { add, wake: () => undefined } });
  try {
    const renewed = await rescan(video, { blobs, maker, log, lock: { assertHeld: () => undefined } });
    return {
      isRepaired: true,
      text: renewed.indexId === null ? `looked at again: ${renewed.reason}` : 'made again from the video',
    };
  } catch (error) {
    if (!isAppError(error)) throw error;
    return { isRepaired: false, text: `cannot be put right: ${error.message}` };
  }
}
