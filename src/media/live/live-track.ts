// What is known of one track of a live stream from its decoder's configuration: enough for an init segment, a media
// type, and the times of its samples.
import type { MatroskaCodec } from '../codecs/description.ts';
import { describeMatroskaCodec } from '../codecs/from-matroska.ts';
import { avcPictureFormat, hevcPictureFormat } from '../codecs/parameter-sets.ts';

/** Codecs of live samples that fragmented MP4 carries to a browser. */
export type LiveCodec = 'avc' | 'hevc' | 'aac' | 'opus';

export type LiveTrack = {
  readonly kind: 'video' | 'audio';
  readonly codec: LiveCodec;
  /** avcC, hvcC, AudioSpecificConfig or OpusHead, as the camera gave it. */
  readonly config: Uint8Array;
  /** RFC 6381. */
  readonly codecString: string;
  /** A complete sample entry box. */
  readonly sampleEntry: Uint8Array;
  /** Ticks per second: 90,000 for pictures, the sample rate for sound. */
  readonly timescale: number;
  /** Pixels; 0 for sound. */
  readonly width: number;
  readonly height: number;
  readonly displayWidth: number;
  /** See `PictureFormat`. */
  readonly reorderDepth: number | null;
  /** Sound: ticks of one sample where the codec fixes them, else 0. */
  readonly frameTicks: number;
};

const codecIds: Readonly<Record<LiveCodec, string>> = {
  avc: 'V_MPEG4/ISO/AVC',
  hevc: 'V_MPEGH/ISO/HEVC',
  aac: 'A_AAC',
  opus: 'A_OPUS',
};

const videoTimescale = 90_000;

/** Longest configuration looked at: parameter sets are some hundred bytes. */
const maxConfigBytes = 64 * 1024;

/** Describes a track; null where the codec is not one of `LiveCodec` or its configuration cannot be read. */
export function describeLiveTrack(codec: string, config: Uint8Array): LiveTrack | null {
  if (!Object.hasOwn(codecIds, codec) || config.length > maxConfigBytes) return null;
  const known = codec as LiveCodec;
  const isVideo = known === 'avc' || known === 'hevc';
  const format =
    known === 'avc' ? avcPictureFormat(config) : known === 'hevc' ? hevcPictureFormat(config) : null;
  if (isVideo && !format) return null;
  const source: MatroskaCodec = {
    ...{ codecId: codecIds[known], codecPrivate: config, firstFrame: null, colour: null },
    ...{ width: format?.width ?? 0, height: format?.height ?? 0 },
    ...{ displayWidth: format?.displayWidth ?? 0, displayHeight: format?.height ?? 0 },
    ...{ channels: 0, sampleRate: 0, outputSampleRate: 0, bitDepth: 0, codecDelayNs: 0 },
  };
  const description = describeMatroskaCodec(source);
  const [sampleEntry] = description.sampleEntries;
  if (description.obstacle !== null || !sampleEntry || description.codecString === null) return null;
  const timescale = isVideo ? videoTimescale : description.sampleRate;
  if (!(timescale > 0)) return null;
  return {
    ...{ kind: isVideo ? 'video' : 'audio', codec: known, config },
    ...{ codecString: description.codecString, sampleEntry, timescale },
    ...{ width: format?.width ?? 0, height: format?.height ?? 0, displayWidth: format?.displayWidth ?? 0 },
    ...{ reorderDepth: format ? format.reorderDepth : 0, frameTicks: description.frameLength },
  };
}

/** Media type of a live stream of these tracks, for `<source type>` and MediaSource (RFC 6381 §3.3). */
export function liveContentType(tracks: readonly LiveTrack[]): string {
  const kind = tracks.some((track) => track.kind === 'video') ? 'video' : 'audio';
  return `${kind}/mp4; codecs="${tracks.map((track) => track.codecString).join(', ')}"`;
}
