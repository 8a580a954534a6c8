// What can be played of a video and how that is told: its state, the media types of its sources, a line for each track
// and a sentence where something is missing. The shapes fit the catalogue's `Arrival`.
import type { Codec, MediaIndex, Track, TrackKind } from './track.ts';
import { isViewable, viewContentType, viewTracks } from './views/view-tracks.ts';

/** Fits the catalogue's TrackSummary. */
export type TrackLine = Pick<
  Track,
  | ('number' | 'kind' | 'codec' | 'codecName' | 'codecString' | 'language' | 'name')
  | ('width' | 'height' | 'channels' | 'sampleRate' | 'obstacle')
>;

export type Playable = {
  /** `unplayable`: there is no view, `reason` says why. */
  readonly status: 'ready' | 'unplayable';
  /** Why it is unplayable, or what is missing or may not work everywhere; null where there is nothing to say. */
  readonly reason: string | null;
  /** Media type with codecs of the view; null where there is none. */
  readonly viewType: string | null;
  /** Of the file as it came, where some browser takes its container; else null. */
  readonly originalType: string | null;
  readonly tracks: readonly TrackLine[];
};

/** Describes how a video can be played. */
export function describePlayable(index: MediaIndex): Playable {
  const tracks = index.tracks.map(summarizeTrack);
  const viewed = viewTracks(index);
  if (viewed.length === 0)
    return {
      status: 'unplayable',
      reason: whyUnplayable(index),
      viewType: null,
      originalType: null,
      tracks,
    };
  const viewType = viewContentType(viewed);
  const reasons = [whatIsMissing(index, 'video'), whatIsMissing(index, 'audio'), rarelyShown(index)];
  const said = reasons.filter((sentence) => sentence !== null);
  return {
    status: 'ready',
    reason: said.length > 0 ? said.join(' ') : null,
    viewType,
    originalType: originalType(index, viewType),
    tracks,
  };
}

/** The line of one track. */
function summarizeTrack(track: Track): TrackLine {
  const { number, kind, codec, codecName, codecString, language, name } = track;
  const { width, height, channels, sampleRate, obstacle } = track;
  return {
    ...{ number, kind, codec, codecName, codecString, language, name },
    ...{ width, height, channels, sampleRate, obstacle },
  };
}

/** The track of a kind that would play by default, whether or not a browser can. */
function defaultTrack(index: MediaIndex, kind: TrackKind): Track | undefined {
  const tracks = index.tracks.filter((track) => track.kind === kind);
  return tracks.find((track) => track.isDefault) ?? tracks[0];
}

function whyUnplayable(index: MediaIndex): string {
  const shown = index.tracks.filter((track) => track.kind !== 'subtitle');
  const sentences = [defaultTrack(index, 'video')?.obstacle, defaultTrack(index, 'audio')?.obstacle];
  const obstacles = [...sentences, ...shown.map((track) => track.obstacle)].filter((text) => text != null);
  if (obstacles.length > 0) return [...new Set(obstacles)].slice(0, 2).join(' ');
  if (shown.length > 0)
    return 'The file has a beginning but no pictures and no sound in it: it may be cut off.';
  return 'There is neither picture nor sound in this file.';
}

/** What is said of a kind whose default track is not in the view. */
function whatIsMissing(index: MediaIndex, kind: 'video' | 'audio'): string | null {
  const wanted = defaultTrack(index, kind);
  if (!wanted || isViewable(wanted) || wanted.obstacle === null) return null;
  const why = wanted.obstacle.replace(/\.$/, '');
  const isOtherThere = index.tracks.some((track) => track.kind === kind && isViewable(track));
  if (isOtherThere) return `${why}; another track plays instead. The download has all of them.`;
  return `${why}; it is left out here, but the download has it.`;
}

/** H.265 plays only where the system has a decoder for it. */
function rarelyShown(index: MediaIndex): string | null {
  const picture = viewTracks(index).find((entry) => entry.isEnabled && entry.track.kind === 'video');
  if (picture?.track.codec !== 'hevc') return null;
  return 'The picture is H.265 (HEVC), which only some browsers and devices can show.';
}

/** What WebM may hold (webmproject.org, "WebM Container Guidelines"). */
const webmCodecs: ReadonlySet<Codec> = new Set<Codec>(['vp8', 'vp9', 'av1', 'opus', 'vorbis']);
/** What Chromium plays out of Matroska. */
const matroskaCodecs: ReadonlySet<Codec> = new Set<Codec>([
  ...webmCodecs,
  ...(['avc', 'hevc', 'aac', 'mp3', 'flac'] as const),
]);

function originalType(index: MediaIndex, viewType: string): string | null {
  // Browsers that take MP4 take QuickTime's under its name, which they would refuse under its own.
  if (index.container === 'mp4' || index.container === 'mov') return viewType;
  const isWebm = index.container === 'webm';
  const allowed = isWebm ? webmCodecs : matroskaCodecs;
  const played = [defaultTrack(index, 'video'), defaultTrack(index, 'audio')].filter(
    (track) => track !== undefined,
  );
  if (played.some((track) => !isViewable(track) || !allowed.has(track.codec) || track.codecString === null))
    return null;
  const names = played.map((track) => (track.codec === 'vp8' ? 'vp8' : track.codecString));
  const kind = played.some((track) => track.kind === 'video') ? 'video' : 'audio';
  return `${kind}/${isWebm ? 'webm' : 'x-matroska'}; codecs="${names.join(', ')}"`;
}
