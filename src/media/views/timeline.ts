// When a track's samples are presented: its edit list (ISO/IEC 14496-12 §8.6.6) as stretches of the movie's time, and
// those written again for samples that begin at another decode time.
import type { SampleTable, Track } from '../track.ts';

/** A part of the movie in which one part of a track plays; times in the movie in seconds, in the track in ticks. */
export type Stretch = {
  readonly fromSeconds: number;
  readonly toSeconds: number;
  /** Presentation time in the track that is shown at `fromSeconds`. */
  readonly mediaTime: number;
  readonly rate: number;
};

/** One entry of the edit list that is written; `mediaTime` -1 is an empty one. */
export type WrittenEdit = {
  readonly durationTicks: number;
  readonly mediaTime: number;
  readonly rate: number;
};

/** Ticks that sample `i` lasts in decode order. */
export function durationOf(samples: SampleTable, i: number): number {
  return i + 1 < samples.count ? samples.dts[i + 1]! - samples.dts[i]! : samples.lastDuration;
}

/** When the last of samples `first` to `end` is over, in presentation ticks. */
export function presentationEnd(samples: SampleTable, first: number, end: number): number {
  const { dts, cts } = samples;
  if (end <= first) return 0;
  if (cts === null) return dts[end - 1]! + durationOf(samples, end - 1);
  let latest = 0;
  for (let i = first; i < end; i++) {
    const over = (i + 1 < samples.count ? dts[i + 1]! : dts[i]! + samples.lastDuration) + cts[i]!;
    if (over > latest) latest = over;
  }
  return latest;
}

/** The stretches of a track, ascending; empty edits are the gaps between them. */
export function stretchesOf(track: Track): Stretch[] {
  const { samples, timescale, edits } = track;
  const mediaEnd = samples.packed?.endTicks ?? presentationEnd(samples, 0, samples.count);
  if (edits.length === 0) return [{ fromSeconds: 0, toSeconds: mediaEnd / timescale, mediaTime: 0, rate: 1 }];
  const stretches: Stretch[] = [];
  let at = 0;
  for (const edit of edits) {
    let seconds = edit.durationSeconds;
    if (edit.mediaTime >= 0 && seconds === 0) seconds = Math.max(0, mediaEnd - edit.mediaTime) / timescale;
    if (!(seconds > 0)) continue;
    const rate = Math.min(Math.max(edit.rate, 0), 100);
    if (edit.mediaTime >= 0)
      stretches.push({ fromSeconds: at, toSeconds: at + seconds, mediaTime: edit.mediaTime, rate });
    at += seconds;
  }
  return stretches;
}

/**
 * The edit list for stretches of a track whose first written sample has decode time `baseTicks`, which becomes 0.
 * Empty where the samples simply play from their beginning to `endTicks`, the end of the last.
 */
export function writeEdits(
  stretches: readonly Stretch[],
  track: { readonly timescale: number },
  baseTicks: number,
  endTicks: number,
  movieTimescale: number,
): WrittenEdit[] {
  const edits: WrittenEdit[] = [];
  // Boundaries are rounded, never lengths: errors of many edits do not add up.
  const tick = (seconds: number) => Math.round(seconds * movieTimescale);
  let at = 0;
  for (const stretch of stretches) {
    const mediaTime = stretch.mediaTime - baseTicks;
    // What lies before the first sample is a gap in the movie.
    const gapSeconds = mediaTime < 0 ? -mediaTime / track.timescale : 0;
    const from = tick(stretch.fromSeconds + gapSeconds);
    const to = tick(stretch.toSeconds);
    if (to <= from) continue;
    if (from > at) edits.push({ durationTicks: from - at, mediaTime: -1, rate: 1 });
    edits.push({
      durationTicks: to - from,
      mediaTime: Math.max(0, Math.round(mediaTime)),
      rate: stretch.rate,
    });
    at = to;
  }
  const only = edits.length === 1 ? edits[0]! : null;
  const whole = tick((endTicks - baseTicks) / track.timescale);
  const isPlain = only !== null && only.mediaTime === 0 && only.rate === 1 && only.durationTicks >= whole;
  return isPlain ? [] : edits;
}

/** A number of ticks a second in which every track's times are whole, or the finest of theirs where that is too many. */
export function movieTimescaleOf(timescales: readonly number[]): number {
  // FFmpeg holds it in a signed int.
  const most = 2 ** 31 - 1;
  // Clips are cut at milliseconds, which tracks that count whole pictures know nothing of.
  let common = 1000;
  for (const timescale of timescales) {
    let [a, b] = [common, timescale];
    while (b > 0) [a, b] = [b, a % b];
    common *= timescale / a;
    if (common > most) return Math.min(Math.max(...timescales), most);
  }
  return common;
}
