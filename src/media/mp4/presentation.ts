// When a track is presented: its end, and the start of files whose clock does not begin at zero.
import type { Track } from '../track.ts';

/** A clock that starts later than this has not merely been delayed a little; see `startAtZero`. */
const lateStartSeconds = 1;

/** First and last presentation time of a track in ticks, the last sample's duration included; zeros without samples. */
function mediaSpan({ samples }: Track): { first: number; end: number } {
  const { count, dts, cts, lastDuration } = samples;
  let first = Number.POSITIVE_INFINITY;
  let end = 0;
  for (let i = 0; i < count; i += 1) {
    const start = dts[i]! + (cts === null ? 0 : cts[i]!);
    const duration = i + 1 < count ? dts[i + 1]! - dts[i]! : lastDuration;
    if (start < first) first = start;
    if (start + duration > end) end = start + duration;
  }
  return { first: count > 0 ? first : 0, end };
}

/** Where a track's presentation ends, after its edits, in seconds. */
export function presentedSeconds(track: Track): number {
  const { end } = mediaSpan(track);
  if (track.edits.length === 0) return end / track.timescale;
  let seconds = 0;
  for (const { durationSeconds, mediaTime, rate } of track.edits) {
    const left = Math.max(0, end - mediaTime) / track.timescale;
    if (mediaTime < 0) seconds += durationSeconds;
    else if (durationSeconds === 0) seconds += left;
    else seconds += rate === 1 ? Math.min(durationSeconds, left) : durationSeconds;
  }
  return seconds;
}

/**
 * A piece cut from a longer broadcast keeps the broadcast's clock: shown as it is, it would begin with hours of
 * nothing. Where no track begins within the first second, edits make the earliest begin at zero.
 */
export function startAtZero(tracks: readonly Track[], remark: (sentence: string) => void): readonly Track[] {
  const filled = tracks.filter(({ samples }) => samples.count > 0);
  const starts = filled.map((track) => mediaSpan(track).first / track.timescale);
  const start = Math.min(...starts);
  if (filled.length === 0 || start < lateStartSeconds || tracks.some(({ edits }) => edits.length > 0))
    return tracks;
  remark(`the file's clock starts at ${start.toFixed(1)} seconds; it is shown from zero`);
  return tracks.map((track) => ({
    ...track,
    edits: [{ durationSeconds: 0, mediaTime: Math.round(start * track.timescale), rate: 1 }],
  }));
}
