// A track of a view with the samples it takes and how they are presented: what the header is written from.
import type { Track } from '../track.ts';
import type { Stretch } from './timeline.ts';
import type { ViewTrack } from './view-tracks.ts';

export type TrackSlice = ViewTrack & {
  /** The samples it takes: `first` to `end`, end-exclusive, not empty. */
  readonly first: number;
  readonly end: number;
  readonly stretches: readonly Stretch[];
};

/** The range of the blob in which all samples of the slices lie, end-exclusive. */
export function blobRange(slices: readonly TrackSlice[]): { start: number; end: number } {
  let start = Number.POSITIVE_INFINITY;
  let end = 0;
  for (const slice of slices) {
    const [low, high] = trackRange(slice.track, slice.first, slice.end);
    if (low < start) start = low;
    if (high > end) end = high;
  }
  return end > start ? { start, end } : { start: 0, end: 0 };
}

function trackRange(track: Track, first: number, end: number): [low: number, high: number] {
  const { offsets, sizes } = track.samples;
  let low = Number.POSITIVE_INFINITY;
  let high = 0;
  for (let i = first; i < end; i++) {
    const offset = offsets[i]!;
    const over = offset + sizes[i]!;
    if (offset < low) low = offset;
    if (over > high) high = over;
  }
  return [low, high];
}
