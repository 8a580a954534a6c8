// The text of HLS playlists: a multivariant one, and a media playlist with parts (RFC 8216, and
// draft-pantos-hls-rfc8216bis for the parts and blocking reloads). Names are relative to the playlist.
import type { LiveInit } from './live-muxer.ts';

export type PlaylistPart = { readonly seconds: number; readonly isIndependent: boolean };

export type PlaylistSegment = {
  /** Media sequence number. */
  readonly number: number;
  /** Number of the init segment that it needs. */
  readonly init: number;
  /** Its times or its tracks do not follow those before. */
  readonly isDiscontinuity: boolean;
  /** When it was taken, milliseconds since the epoch. */
  readonly takenAtMs: number;
  /** null while it is being made. */
  readonly seconds: number | null;
  /** Those that are whole. */
  readonly parts: readonly PlaylistPart[];
};

export type MediaPlaylist = {
  readonly targetSeconds: number;
  readonly partTargetSeconds: number;
  /** Discontinuities that have left the playlist. */
  readonly discontinuities: number;
  /** The last one may be unfinished. Not empty. */
  readonly segments: readonly PlaylistSegment[];
};

const initName = (number: number) => `init-${number}.mp4`;
const segmentName = (number: number) => `${number}.m4s`;
const partName = (number: number, part: number) => `${number}.${part}.m4s`;

/** Players begin so many parts before the end (rfc8216bis §4.4.3.8: at least two, three advised). */
const partsHeldBack = 3;

/** Parts are listed for so many target durations before the end (rfc8216bis §4.4.4.9 asks for no more than three). */
const partsListed = 3;

/** The media playlist of a live stream; it has no end. */
export function writeMediaPlaylist({
  targetSeconds,
  partTargetSeconds,
  discontinuities,
  segments,
}: MediaPlaylist): string {
  const lines = [
    '#EXTM3U',
    '#EXT-X-VERSION:9',
    `#EXT-X-TARGETDURATION:${targetSeconds}`,
    `#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=${decimal(partsHeldBack * partTargetSeconds)}`,
    `#EXT-X-PART-INF:PART-TARGET=${decimal(partTargetSeconds)}`,
    `#EXT-X-MEDIA-SEQUENCE:${segments[0]!.number}`,
    `#EXT-X-DISCONTINUITY-SEQUENCE:${discontinuities}`,
  ];
  let secondsAfter = segments.reduce((sum, { seconds }) => sum + (seconds ?? 0), 0);
  let init = -1;
  for (const [i, segment] of segments.entries()) {
    if (segment.isDiscontinuity && i > 0) lines.push('#EXT-X-DISCONTINUITY');
    if (segment.init !== init) lines.push(`#EXT-X-MAP:URI="${initName(segment.init)}"`);
    if (i === 0 || segment.isDiscontinuity)
      lines.push(`#EXT-X-PROGRAM-DATE-TIME:${new Date(segment.takenAtMs).toISOString()}`);
    init = segment.init;
    secondsAfter -= segment.seconds ?? 0;
    if (secondsAfter <= (partsListed - 1) * targetSeconds) {
      for (const [number, part] of segment.parts.entries()) {
        const independent = part.isIndependent ? ',INDEPENDENT=YES' : '';
        lines.push(
          `#EXT-X-PART:DURATION=${decimal(part.seconds)},URI="${partName(segment.number, number)}"${independent}`,
        );
      }
    }
    if (segment.seconds !== null)
      lines.push(`#EXTINF:${decimal(segment.seconds)},`, segmentName(segment.number));
  }
  const last = segments.at(-1)!;
  const hint =
    last.seconds === null ? partName(last.number, last.parts.length) : partName(last.number + 1, 0);
  lines.push(`#EXT-X-PRELOAD-HINT:TYPE=PART,URI="${hint}"`);
  return `${lines.join('\n')}\n`;
}

/** The multivariant playlist of one stream, whose media playlist is at `address`. */
export function writeMultivariantPlaylist(init: LiveInit, bitsPerSecond: number, address: string): string {
  const [video] = init.tracks;
  const codecs = init.tracks.map((track) => track.codecString).join(',');
  return [
    '#EXTM3U',
    '#EXT-X-VERSION:9',
    `#EXT-X-STREAM-INF:BANDWIDTH=${Math.ceil(bitsPerSecond)},CODECS="${codecs}",RESOLUTION=${video!.width}x${video!.height}`,
    address,
    '',
  ].join('\n');
}

/** Seconds as a decimal-floating-point of microseconds (RFC 8216 §4.2). */
function decimal(seconds: number): string {
  return seconds.toFixed(6).replace(/0{1,5}$/, '');
}
