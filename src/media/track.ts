// The index of one video in memory: what tracks it has and where each sample lies in the blob. Everything that
// serves a video (views, clips, segments) is computed from this and nothing else; no container is known here.

import type { PackedSamples } from './packed-columns.ts';

export type TrackKind = 'video' | 'audio' | 'subtitle';

/** Codecs by their short canonical names; anything else is `other` and its raw name stands in `codecName`. */
export const codecs = [
  ...['avc', 'hevc', 'vp8', 'vp9', 'av1', 'mpeg4', 'mpeg2', 'mjpeg'],
  ...['aac', 'mp3', 'opus', 'vorbis', 'flac', 'pcm', 'ac3', 'eac3', 'dts', 'truehd'],
  ...['subrip', 'ass', 'webvtt', 'tx3g', 'pgs', 'vobsub'],
  'other',
] as const;
export type Codec =
  | ('avc' | 'hevc' | 'vp8' | 'vp9' | 'av1' | 'mpeg4' | 'mpeg2' | 'mjpeg')
  | ('aac' | 'mp3' | 'opus' | 'vorbis' | 'flac' | 'pcm' | 'ac3' | 'eac3' | 'dts' | 'truehd')
  | ('subrip' | 'ass' | 'webvtt' | 'tx3g' | 'pgs' | 'vobsub')
  | 'other';

/**
 * The samples of one track in decode order, as parallel columns of length `count`.
 * `offsets[i]` .. `offsets[i] + sizes[i]` is the sample's byte range in the blob (end-exclusive).
 */
export type SampleTable = {
  readonly count: number;
  /** Bytes of each sample. */
  readonly sizes: Uint32Array;
  /** Absolute byte offset of each sample in the blob (doubles: exact to 2^53). */
  readonly offsets: Float64Array;
  /** Decode time of each sample in the track's timescale, non-decreasing, first one may be any value >= 0. */
  readonly dts: Float64Array;
  /** Presentation time minus decode time per sample, in ticks (may be negative); null where all are zero. */
  readonly cts: Int32Array | null;
  /** Ascending 0-based numbers of the key frames; null where every sample is one. */
  readonly keys: Uint32Array | null;
  /**
   * Which of `sampleEntries` a sample uses, as runs `[firstSample, entryNumber]` (0-based, flattened,
   * ascending by firstSample); null where all use entry 0.
   */
  readonly descriptions: Uint32Array | null;
  /** Duration of the last sample in ticks (the others' are the differences of `dts`). */
  readonly lastDuration: number;
  /** The same as an index file holds it, from which whole views are written; absent where it came from none. */
  readonly packed?: PackedSamples;
};

/** One entry of an edit list (ISO/IEC 14496-12 §8.6.6), in the units given, independent of any movie timescale. */
export type Edit = {
  /** Length of this stretch in seconds; 0 on the last edit means "to the end" (as in fragmented files). */
  readonly durationSeconds: number;
  /** Where it starts in the track's own presentation times, in ticks of the track; -1 for an empty edit. */
  readonly mediaTime: number;
  /** 1 for normal speed. */
  readonly rate: number;
};

export type Track = {
  /** The track's number in its own file (Matroska TrackNumber, MP4 track_ID). */
  readonly number: number;
  readonly kind: TrackKind;
  readonly codec: Codec;
  /** The codec as the file names it (`V_MPEG4/ISO/AVC`, `avc1`), for people and for `other`. */
  readonly codecName: string;
  /** RFC 6381 `codecs` parameter, e.g. `avc1.64001f`; null where it cannot be told. */
  readonly codecString: string | null;
  /** BCP 47, `und` where unknown. */
  readonly language: string;
  readonly name: string;
  /** Whether the file marks it as one to play by default. */
  readonly isDefault: boolean;
  /** Coded width and height in pixels; 0 for others than video. */
  readonly width: number;
  readonly height: number;
  /** Display width over display height after pixel aspect ratio, before rotation; 0 for others than video. */
  readonly displayWidth: number;
  readonly displayHeight: number;
  /** The nine values of the tkhd matrix as stored (16.16 and 2.30 fixed point); null for the unity matrix. */
  readonly matrix: readonly number[] | null;
  /** Audio only, else 0. */
  readonly channels: number;
  readonly sampleRate: number;
  /** Ticks per second of `dts`, `cts` and edits. */
  readonly timescale: number;
  /** Complete ISO BMFF sample entry boxes (the children of stsd), size and type included; empty where there is none. */
  readonly sampleEntries: readonly Uint8Array[];
  readonly samples: SampleTable;
  /** Empty: play from presentation time 0 to the end. */
  readonly edits: readonly Edit[];
  /** Why no view can carry this track (encrypted, header-stripped, unknown codec), a sentence; null where one can. */
  readonly obstacle: string | null;
};

export type Chapter = { readonly startMs: number; readonly endMs: number | null; readonly title: string };

export type Container = 'matroska' | 'webm' | 'mp4' | 'mov';

export type MediaIndex = {
  readonly container: Container;
  /** Size of the blob that was indexed. */
  readonly sizeBytes: number;
  /** Presented length: the end of the longest playable track after edits. */
  readonly durationMs: number;
  /** In the order of the file; every kind, the ones no view carries included. */
  readonly tracks: readonly Track[];
  readonly chapters: readonly Chapter[];
  /** True where the blob itself is a progressive MP4 (moov before mdat, no fragments): it is served as it is. */
  readonly isProgressive: boolean;
  /** What was wrong with the file but could be worked around, a sentence each ("ends in the middle of a picture"). */
  readonly remarks: readonly string[];
};
