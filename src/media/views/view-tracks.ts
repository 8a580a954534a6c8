// Which tracks a view carries, in which order, and which of them a browser plays by itself.
import type { MediaIndex, Track } from '../track.ts';

/** A track as it stands in a view. */
export type ViewTrack = {
  readonly track: Track;
  /** Set in tkhd: the one of its kind that plays by default. */
  readonly isEnabled: boolean;
  /** tkhd alternate_group: the tracks of one kind share one; 0 where the track is the only one of its kind. */
  readonly alternateGroup: number;
};

/** Whether a view can carry a track at all. */
export function isViewable(track: Track): boolean {
  return (
    (track.kind === 'video' || track.kind === 'audio') &&
    track.obstacle === null &&
    track.sampleEntries.length > 0 &&
    track.samples.count > 0
  );
}

/**
 * The tracks of the view, pictures first, the default of each kind (by the file's own flag, else its first) in
 * front: browsers that take the first of a kind and those that go by tkhd's flag then play the same.
 */
export function viewTracks(index: MediaIndex): readonly ViewTrack[] {
  return (['video', 'audio'] as const).flatMap((kind, group) => {
    const tracks = index.tracks.filter((track) => track.kind === kind && isViewable(track));
    const first = tracks.find((track) => track.isDefault) ?? tracks[0];
    const ordered = [
      ...tracks.filter((track) => track === first),
      ...tracks.filter((track) => track !== first),
    ];
    const alternateGroup = tracks.length > 1 ? group + 1 : 0;
    return ordered.map((track) => ({ track, isEnabled: track === first, alternateGroup }));
  });
}

/** Codecs whose names browsers refuse in MP4 although they play them: a type that names them would hide the view. */
const unnamed = new Set(['vp8', 'vorbis', 'pcm']);

/** Media type of a view of these tracks (RFC 6381 §3.3): the codecs of those that play by default. */
export function viewContentType(tracks: readonly ViewTrack[]): string {
  const played = tracks.filter((entry) => entry.isEnabled).map((entry) => entry.track);
  const type = played.some((track) => track.kind === 'video') ? 'video/mp4' : 'audio/mp4';
  if (played.some((track) => track.codecString === null || unnamed.has(track.codec))) return type;
  return `${type}; codecs="${played.map((track) => track.codecString).join(', ')}"`;
}
