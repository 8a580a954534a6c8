// The index of a Matroska or WebM file (RFC 9559) from its bytes in order, whether they arrive or are read: the walk
// over its elements, then what is made of what it found. Memory: the columns (about 30 bytes a sample).
import type { ByteFeed, Parser } from '../feed.ts';
import type { MediaIndex } from '../track.ts';
import { finishTracks } from './finish-tracks.ts';
import { type MatroskaProgress, SegmentWalk, walkIsOver } from './segment.ts';

export type { MatroskaProgress } from './segment.ts';

/** A progress to hand to `parseMatroska` and look at while it runs. */
export function newMatroskaProgress(): MatroskaProgress {
  return { container: null, trackCount: null };
}

/**
 * Parses a file into its index. Throws AppError `unsupported-media` where it is no Matroska, or has no track that
 * could be played; whatever else is wrong with it becomes a remark, and what is whole is kept.
 */
export function* parseMatroska(
  feed: ByteFeed,
  progress: MatroskaProgress = newMatroskaProgress(),
): Parser<MediaIndex> {
  const walk = new SegmentWalk(feed, progress);
  let isCutOff = false;
  for (;;) {
    const need = walk.step();
    if (need === 0) continue;
    if (need === walkIsOver) break;
    if (feed.ended) {
      isCutOff = true;
      break;
    }
    yield need;
  }
  walk.blocks.endGroup();
  const stoppedAt = feed.position;
  // The file's size is known once its end has come.
  if (!feed.ended) {
    feed.skip(Number.MAX_SAFE_INTEGER - feed.position);
    yield 1;
  }
  const { sizeBytes } = feed;
  return finishTracks(walk, { sizeBytes, isCutOff, stoppedAt });
}
