// A track of a view with the samples it takes and how they are presented: what the header is written from.
import type { Stretch } from './timeline.ts';
import type { ViewTrack } from './view-tracks.ts';

export type TrackSlice = ViewTrack & {
  /** The samples it takes: `first` to `end`, end-exclusive, not empty. */
  readonly first: number;
  readonly end: number;
  readonly stretches: readonly Stretch[];
};
