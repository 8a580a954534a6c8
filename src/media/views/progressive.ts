// The whole of a video as a progressive MP4: its samples stay where they are in the blob, only a header is made.
import { AppError } from '../../errors.ts';
import type { MediaIndex } from '../track.ts';
import { writeView } from './movie-header.ts';
import type { Mp4View } from './mp4-view.ts';
import { stretchesOf } from './timeline.ts';
import { viewTracks } from './view-tracks.ts';

export type { Mp4View } from './mp4-view.ts';

/**
 * The view of all tracks that have no obstacle. Where `index.isProgressive` the blob itself is one already, and the
 * caller serves that. Throws AppError `unplayable` where no track can be carried, `corrupt`.
 */
export function buildMp4View(index: MediaIndex): Mp4View {
  const slices = viewTracks(index).map((entry) => ({
    ...entry,
    first: 0,
    end: entry.track.samples.count,
    stretches: stretchesOf(entry.track),
  }));
  if (slices.length === 0)
    throw new AppError('unplayable', 'Nothing in this video can be shown by a browser.');
  return writeView(index, slices);
}
