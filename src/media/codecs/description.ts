// What a container parser knows of a track's codec, and what is made of it: the sample entry and the names.
import type { Codec } from '../track.ts';

/** Matroska Colour element (RFC 9559 §5.1.4.1.28.16) in the code points of ISO/IEC 23091-2; null where absent. */
export type Colour = {
  readonly primaries: number;
  readonly transfer: number;
  readonly matrix: number;
  readonly isFullRange: boolean;
};

/** A Matroska TrackEntry as far as codecs go (RFC 9559 §5.1.4). Hostile: nothing in it has been checked. */
export type MatroskaCodec = {
  readonly codecId: string;
  readonly codecPrivate: Uint8Array | null;
  readonly width: number;
  readonly height: number;
  /** Display size in pixels (DisplayUnit resolved to an aspect); equals width/height where absent. */
  readonly displayWidth: number;
  readonly displayHeight: number;
  readonly channels: number;
  readonly sampleRate: number;
  /** OutputSamplingFrequency (SBR); 0 where absent. */
  readonly outputSampleRate: number;
  readonly bitDepth: number;
  readonly codecDelayNs: number;
  readonly colour: Colour | null;
  /** The first frame of the track (its first 64 KiB at most); null until it has arrived or where not needed. */
  readonly firstFrame: Uint8Array | null;
};

export type CodecDescription = {
  readonly codec: Codec;
  /** RFC 6381; null where it cannot be told. */
  readonly codecString: string | null;
  /** Complete sample entry boxes; empty where there is an obstacle. */
  readonly sampleEntries: readonly Uint8Array[];
  /** Sound: rate and channels as decoded (SBR doubled); else 0. */
  readonly sampleRate: number;
  readonly channels: number;
  /** Samples per frame at `sampleRate` where the codec fixes it (AAC 1024, MP3 1152, ...), else 0. */
  readonly frameLength: number;
  /** Why no view can carry it, a sentence; null where one can. */
  readonly obstacle: string | null;
};
