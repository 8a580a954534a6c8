// A stretch of a video as a complete MP4 of its own: from the key frame before its beginning, with edit lists that
// hide what leads up to it. Linear in the number of samples, without an object for any of them.
import { AppError } from '../../errors.ts';
import type { MediaIndex, SampleTable, Track } from '../track.ts';
import { writeView } from './movie-header.ts';
import type { Mp4View } from './mp4-view.ts';
import { rollOf } from './sample-tables.ts';
import { type Stretch, stretchesOf } from './timeline.ts';
import type { TrackSlice } from './track-slice.ts';
import { type ViewTrack, viewTracks } from './view-tracks.ts';

/**
 * The view of `startSeconds` to `endSeconds` (null, or beyond it: the end). It begins with the picture that is on
 * the screen at `startSeconds`, so at most one picture earlier, and sound is cut at the same moment.
 * Throws AppError `bad-request` where the stretch is none of this video, `unplayable`, `corrupt`.
 */
export function buildClipView(index: MediaIndex, startSeconds: number, endSeconds: number | null): Mp4View {
  const isNumber = Number.isFinite(startSeconds) && (endSeconds === null || Number.isFinite(endSeconds));
  if (!isNumber || startSeconds < 0)
    throw new AppError('bad-request', 'The start and end of a clip are seconds, 0 or more.');
  if (endSeconds !== null && endSeconds <= startSeconds)
    throw new AppError('bad-request', 'The end of a clip must lie after its start.');
  const tracks = viewTracks(index).map((entry) => ({ ...entry, stretches: stretchesOf(entry.track) }));
  if (tracks.length === 0)
    throw new AppError('unplayable', 'Nothing in this video can be shown by a browser.');
  const lengthSeconds = Math.max(...tracks.map((entry) => entry.stretches.at(-1)?.toSeconds ?? 0));
  if (startSeconds >= lengthSeconds)
    throw new AppError('bad-request', `The video is only ${lengthSeconds.toFixed(3)} seconds long.`);

  const picture = tracks.find((entry) => entry.isEnabled && entry.track.kind === 'video');
  const from = picture ? snapToPicture(picture.track, picture.stretches, startSeconds) : startSeconds;
  const to = Math.min(endSeconds ?? lengthSeconds, lengthSeconds);
  const slices = tracks.map((entry) => cutTrack(entry, from, to)).filter((slice) => slice !== null);
  if (slices.length === 0)
    throw new AppError('bad-request', 'There is neither picture nor sound in this part of the video.');
  return writeView(index, slices);
}

/** The moment when the picture that is on the screen at `seconds` came up. */
function snapToPicture(track: Track, stretches: readonly Stretch[], seconds: number): number {
  const stretch = stretches.find((found) => seconds >= found.fromSeconds && seconds < found.toSeconds);
  if (stretch?.rate !== 1) return seconds;
  // Never the picture to come; the little more is for seconds that are a tick but for a rounding.
  const time = Math.floor(stretch.mediaTime + (seconds - stretch.fromSeconds) * track.timescale + 1e-6);
  const shown = shownAt(track.samples, time);
  const shownTime = presentationTime(track.samples, shown);
  if (shownTime > time) return seconds;
  return stretch.fromSeconds + Math.max(0, shownTime - stretch.mediaTime) / track.timescale;
}

function presentationTime({ dts, cts }: SampleTable, i: number): number {
  return dts[i]! + (cts ? cts[i]! : 0);
}

/** The sample with the latest presentation time that is not after `time`; the first to be shown where there is none. */
function shownAt(samples: SampleTable, time: number): number {
  const { count, dts, cts } = samples;
  let [best, bestTime] = [-1, Number.NEGATIVE_INFINITY];
  let [earliest, earliestTime] = [0, Number.POSITIVE_INFINITY];
  for (let i = 0; i < count; i++) {
    const shown = dts[i]! + (cts ? cts[i]! : 0);
    if (shown <= time && shown > bestTime) [best, bestTime] = [i, shown];
    if (shown < earliestTime) [earliest, earliestTime] = [i, shown];
  }
  return best >= 0 ? best : earliest;
}

/**
 * The key frame from which sample `shown` can be decoded: the last one before it both in decode and in presentation
 * order. A picture that leads an open group (decoded after the key frame, shown before it) needs the group before.
 */
function keyBefore(samples: SampleTable, shown: number): number {
  const { keys } = samples;
  if (!keys) return shown;
  const time = presentationTime(samples, shown);
  let found = 0;
  for (let i = 0; i < keys.length && keys[i]! <= shown; i++) {
    if (presentationTime(samples, keys[i]!) <= time) found = keys[i]!;
  }
  return found;
}

/** The samples in decode order up to the last that is shown before `time`, as an end-exclusive number. */
function endBefore({ count, dts, cts }: SampleTable, time: number): number {
  let end = 0;
  for (let i = 0; i < count; i++) {
    if (dts[i]! + (cts ? cts[i]! : 0) < time) end = i + 1;
  }
  return end;
}

/** What a track contributes to the clip; null where nothing. */
function cutTrack(
  entry: ViewTrack & { readonly stretches: readonly Stretch[] },
  fromSeconds: number,
  toSeconds: number,
): TrackSlice | null {
  const { track } = entry;
  const stretches: Stretch[] = [];
  let firstTime = Number.POSITIVE_INFINITY;
  let endTime = Number.NEGATIVE_INFINITY;
  for (const stretch of entry.stretches) {
    let from = Math.max(stretch.fromSeconds, fromSeconds);
    const to = Math.min(stretch.toSeconds, toSeconds);
    if (to <= from) continue;
    const ticksPerSecond = track.timescale * stretch.rate;
    let mediaTime = Math.round(stretch.mediaTime + (from - stretch.fromSeconds) * ticksPerSecond);
    if (stretches.length === 0 && stretch.rate === 1 && track.samples.count > 0) {
      const shownTime = presentationTime(track.samples, shownAt(track.samples, mediaTime));
      if (shownTime > mediaTime) {
        // Nothing is there yet: said by an empty edit, for readers show the first sample of an edit at its beginning.
        from += (shownTime - mediaTime) / track.timescale;
        mediaTime = shownTime;
        if (to <= from) continue;
      }
    }
    // What begins in the last tick is still in the stretch; a sum of seconds may be off by a little. Readers count
    // edits in ticks of the track, so one that is cut ends with a whole tick.
    const ticks = Math.max(1, Math.ceil((to - from) * ticksPerSecond - 1e-6));
    const end = stretch.rate === 1 && to < stretch.toSeconds ? from + ticks / track.timescale : to;
    stretches.push({
      fromSeconds: from - fromSeconds,
      toSeconds: end - fromSeconds,
      mediaTime,
      rate: stretch.rate,
    });
    firstTime = Math.min(firstTime, mediaTime);
    // A stretch that stands still (rate 0) still shows the sample at its beginning.
    endTime = Math.max(endTime, mediaTime + ticks);
  }
  if (stretches.length === 0) return null;
  const { samples } = track;
  const key = keyBefore(samples, shownAt(samples, firstTime));
  const first = track.kind === 'audio' ? Math.max(0, key - leadIn(track)) : key;
  const end = endBefore(samples, endTime);
  return end > first ? { ...entry, first, end, stretches } : null;
}

/** Frames of sound decoded before the first that is heard, so that it sounds as it does in the whole. */
function leadIn(track: Track): number {
  if (track.codec === 'pcm' || track.codec === 'flac') return 0;
  // AAC overlaps by one frame, and SBR and MP3's bit reservoir reach a little further back.
  return Math.max(2, rollOf({ track, first: 0, end: track.samples.count }));
}
