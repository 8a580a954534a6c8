// VP8 and VP9: the configuration box of the "VP Codec ISO Media File Format Binding", and what of it only the first
// frame's uncompressed header tells (VP9 bitstream specification §6.2).
import { BoxWriter } from '../mp4/box-writer.ts';
import { BitReader } from './bit-reader.ts';
import type { Colour } from './description.ts';

export type VpxConfig = {
  readonly profile: number;
  /** Ten times the level: 31 for 3.1. */
  readonly level: number;
  readonly bitDepth: number;
  /** 1: 4:2:0, 2: 4:2:2, 3: 4:4:4. */
  readonly chromaSubsampling: number;
  readonly colour: Colour;
};

const unknownColour: Colour = { primaries: 2, transfer: 2, matrix: 2, isFullRange: false };

/** Level, the most luma samples a second, the most luma samples of a picture (VP9 levels, Annex A). */
const levels = [
  [10, 829_440, 36_864],
  [11, 2_764_800, 73_728],
  [20, 4_608_000, 122_880],
  [21, 9_216_000, 245_760],
  [30, 20_736_000, 552_960],
  [31, 36_864_000, 983_040],
  [40, 83_558_400, 2_228_224],
  [41, 160_432_128, 2_228_224],
  [50, 311_951_360, 8_912_896],
  [51, 588_251_136, 8_912_896],
  [60, 1_176_502_272, 35_651_584],
] as const;

/** The lowest level that holds such pictures at 30 a second (the rate is not known when this is asked). */
function vpxLevel(width: number, height: number): number {
  const picture = width * height;
  return levels.find(([, rate, size]) => picture <= size && picture * 30 <= rate)?.[0] ?? 62;
}

/** What a VP9 key frame's header says of the format; null where `frame` does not begin with one. */
function readVp9Frame(frame: Uint8Array): Omit<VpxConfig, 'level'> | null {
  const bits = new BitReader(frame.subarray(0, 16));
  if (bits.read(2) !== 2) return null; //                        frame_marker
  const profile = bits.read(1) + bits.read(1) * 2; //            profile_low_bit, profile_high_bit
  if (profile === 3 && bits.flag()) return null; //              reserved_zero
  if (bits.flag()) return null; //                               show_existing_frame
  if (bits.flag()) return null; //                               frame_type: 0 is a key frame
  bits.skip(2); //                                               show_frame, error_resilient_mode
  if (bits.read(24) !== 0x498342) return null; //                frame_sync_code
  let bitDepth = 8;
  if (profile >= 2) bitDepth = bits.flag() ? 12 : 10; //         ten_or_twelve_bit
  const space = bits.read(3); //                                 color_space
  let chromaSubsampling = 1;
  let isFullRange = true;
  if (space === 7)
    chromaSubsampling = 3; //                     CS_RGB
  else {
    isFullRange = bits.flag(); //                                color_range
    if (profile & 1) {
      const [isHalfWidth, isHalfHeight] = [bits.flag(), bits.flag()]; // subsampling_x, subsampling_y
      chromaSubsampling = isHalfWidth ? (isHalfHeight ? 1 : 2) : 3;
    }
  }
  if (bits.isPastEnd) return null;
  return { profile, bitDepth, chromaSubsampling, colour: { ...colourOf(space, bitDepth), isFullRange } };
}

/** color_space in the code points of ISO/IEC 23091-2. */
function colourOf(space: number, bitDepth: number): Omit<Colour, 'isFullRange'> {
  if (space === 1 || space === 3) return { primaries: 6, transfer: 6, matrix: 6 }; // BT.601, SMPTE 170
  if (space === 2) return { primaries: 1, transfer: 1, matrix: 1 }; //               BT.709
  if (space === 4) return { primaries: 7, transfer: 7, matrix: 7 }; //               SMPTE 240
  if (space === 5) return { primaries: 9, transfer: bitDepth === 12 ? 15 : 14, matrix: 9 }; // BT.2020
  if (space === 7) return { primaries: 1, transfer: 13, matrix: 0 }; //              sRGB
  return unknownColour;
}

/** WebM's CodecPrivate for VP9: a list of id, length, value (webmproject.org, "VP9 Codec Feature Metadata"). */
function readVp9Private(bytes: Uint8Array | null): Map<number, number> {
  const features = new Map<number, number>();
  for (let at = 0; bytes && at + 2 < bytes.length && bytes[at + 1] === 1; at += 3) {
    features.set(bytes[at]!, bytes[at + 2]!);
  }
  return features;
}

/** The configuration of a VP9 track from what its container and its first frame say. */
export function vp9Config(
  source: { width: number; height: number; colour: Colour | null },
  codecPrivate: Uint8Array | null,
  firstFrame: Uint8Array | null,
): VpxConfig {
  const features = readVp9Private(codecPrivate);
  const frame = firstFrame && readVp9Frame(firstFrame);
  const profile = frame?.profile ?? Math.min(features.get(1) ?? 0, 3);
  const level = features.get(2) ?? 0;
  return {
    profile,
    level: level >= 10 && level <= 62 ? level : vpxLevel(source.width, source.height),
    bitDepth: frame?.bitDepth ?? (profile >= 2 ? Math.min(Math.max(features.get(3) ?? 10, 10), 12) : 8),
    chromaSubsampling: frame?.chromaSubsampling ?? Math.min(Math.max(features.get(4) ?? 1, 0), 3),
    colour: source.colour ?? frame?.colour ?? unknownColour,
  };
}

/** The configuration of a VP8 track: it has one format only. */
export function vp8Config(source: { width: number; height: number; colour: Colour | null }): VpxConfig {
  return {
    profile: 0,
    level: vpxLevel(source.width, source.height),
    bitDepth: 8,
    chromaSubsampling: 1,
    colour: source.colour ?? unknownColour,
  };
}

/** VPCodecConfigurationBox (VP Codec ISO binding, "VP Codec Configuration Box"). */
export function vpxConfigBox(config: VpxConfig): Uint8Array {
  const writer = new BoxWriter(20);
  const box = writer.openFull('vpcC', 1, 0);
  writer.u8(config.profile).u8(config.level);
  const range = config.colour.isFullRange ? 1 : 0;
  writer.u8((config.bitDepth << 4) | (config.chromaSubsampling << 1) | range);
  writer.u8(config.colour.primaries).u8(config.colour.transfer).u8(config.colour.matrix);
  writer.u16(0); //                                              codecInitializationDataSize
  return writer.close(box).written();
}

/** `vp09.00.31.08`: profile, level, bit depth. */
export function vpxCodecString(type: string, profile: number, level: number, bitDepth: number): string {
  return [type, ...[profile, level, bitDepth].map((part) => String(part).padStart(2, '0'))].join('.');
}
