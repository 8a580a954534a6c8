// From a sample entry of MP4 or QuickTime (ISO/IEC 14496-12 §8.5.2, QuickTime File Format "Sample Description
// Atoms") to its description: names, coded size, and an entry that browsers take, mostly the same bytes.
import type { Codec, TrackKind } from '../track.ts';
import { av1CodecString, isAv1Record } from './av1.ts';
import { avcCodecString, isAvcRecord } from './avc.ts';
import { type Children, childrenOf, readFourCc } from './box-children.ts';
import type { CodecDescription } from './description.ts';
import { foreignEntries } from './foreign-entries.ts';
import { readHevcRecord } from './hevc.ts';
import { damagedHeader, obstacle, quoteName } from './obstacle.ts';
import { describeSoundEntry } from './sound-entry.ts';
import { vpxCodecString } from './vpx.ts';

export type SampleEntryDescription = CodecDescription & {
  /** null for what is neither picture nor sound nor subtitles (timecode, metadata) as far as the entry tells. */
  readonly kind: TrackKind | null;
  /** The entry's four-character code, the original one where it is encrypted; not made printable. */
  readonly codecName: string;
  /** Coded size in pixels; 0 for others than video. */
  readonly width: number;
  readonly height: number;
  /** PixelAspectRatioBox; null where there is none that makes sense. */
  readonly pixelAspect: { readonly horizontal: number; readonly vertical: number } | null;
};

/** Boxes follow the fixed fields of a VisualSampleEntry (§12.1.3), and of QuickTime's alike. */
const visualFieldsBytes = 86;

/**
 * Describes one complete sample entry, size and type included. Never throws and keeps no reference to `entry`.
 * Sound of QuickTime's description versions 1 and 2 comes back as a plain ISO entry (version 0).
 */
export function describeSampleEntry(entry: Uint8Array): SampleEntryDescription {
  const type = entry.length >= 16 ? readFourCc(entry, 4) : '';
  if (type === 'encv' || type === 'enca' || type === 'enct' || type === 'encs')
    return describeEncrypted(entry, type);
  const visual = visualEntries[type];
  if (visual) return describeVisual(entry, type, visual);
  const sound = describeSoundEntry(entry, type);
  if (sound) return { ...sound, ...blank, kind: 'audio', codecName: type };
  const found = foreignEntries.get(type);
  if (found) {
    const [kind, codec, sentence] = found;
    const size = kind === 'video' ? sizeOf(entry) : blank;
    return { ...obstacle(codec, sentence), ...blank, ...size, kind, codecName: type };
  }
  const name = type === '' ? 'a format without a name' : quoteName(type);
  return {
    ...obstacle('other', `This track is in ${name}, which is not known.`),
    ...blank,
    kind: null,
    codecName: type,
  };
}

const blank = { width: 0, height: 0, pixelAspect: null } as const;

function sizeOf(entry: Uint8Array): { width: number; height: number } {
  if (entry.length < visualFieldsBytes) return { width: 0, height: 0 };
  return { width: entry[32]! * 256 + entry[33]!, height: entry[34]! * 256 + entry[35]! };
}

/** Protected entries (ISO/IEC 14496-12 §8.12): what they were stands in sinf/frma. */
function describeEncrypted(entry: Uint8Array, type: string): SampleEntryDescription {
  const kind: TrackKind = type === 'encv' ? 'video' : type === 'enca' ? 'audio' : 'subtitle';
  const fields = kind === 'video' ? visualFieldsBytes : kind === 'audio' ? 36 : 16;
  const protection = childrenOf(entry, fields).get('sinf');
  const original = protection && childrenOf(protection, 8).get('frma');
  const codecName = original && original.length >= 12 ? readFourCc(original, 8) : type;
  const subject =
    kind === 'video' ? 'The picture is' : kind === 'audio' ? 'The sound is' : 'The subtitles are';
  const codec =
    visualEntries[codecName]?.codec ?? foreignEntries.get(codecName)?.[1] ?? soundCodec(codecName);
  return {
    ...obstacle(codec, `${subject} encrypted (copy-protected), and the key is not in the file.`),
    ...blank,
    ...(kind === 'video' ? sizeOf(entry) : {}),
    kind,
    codecName,
  };
}

function soundCodec(type: string): Codec {
  return ({ mp4a: 'aac', Opus: 'opus', fLaC: 'flac' } as const)[type] ?? 'other';
}

type Visual = {
  readonly codec: Codec;
  /** As a person knows it. */
  readonly format: string;
  /** The box that holds the configuration, and its codec string; null where it is damaged. */
  readonly config: string;
  name(type: string, config: Uint8Array, children: Children): string | null;
};

const avc: Visual = {
  codec: 'avc',
  format: 'H.264',
  config: 'avcC',
  name: (type, config) => (isAvcRecord(config) ? avcCodecString(type, config) : null),
};
const hevc: Visual = {
  codec: 'hevc',
  format: 'H.265',
  config: 'hvcC',
  name(type, config, children) {
    const record = readHevcRecord(config);
    if (!record) return null;
    const vision = children.get('dvcC') ?? children.get('dvvC');
    const isVision = type === 'dvh1' || type === 'dvhe';
    // Dolby Vision (its ISO binding §3.2): profile in 7 bits, level in 6, after the version of two bytes.
    if (isVision && vision && vision.length >= 12) {
      const [profile, level] = [vision[10]! >>> 1, ((vision[10]! & 1) << 5) | (vision[11]! >>> 3)];
      return vpxCodecString(type, profile, level, 0).slice(0, -3);
    }
    return `${isVision ? type.replace('dvhe', 'hev1').replace('dvh1', 'hvc1') : type}.${record.profile}`;
  },
};
const vpx = (codec: 'vp8' | 'vp9'): Visual => ({
  codec,
  format: codec.toUpperCase(),
  config: 'vpcC',
  // Version 1: profile and level after the FullBox header; version 0 (2016) held the same two first.
  name: (type, config) =>
    config.length < 7 ? null : vpxCodecString(type, config[4]!, config[5]!, config[6]! >>> 4),
});

/** Pictures that a view carries as they are, by their sample entry. */
const visualEntries: Readonly<Record<string, Visual>> = Object.assign(Object.create(null), {
  avc1: avc,
  avc3: avc,
  hvc1: hevc,
  hev1: hevc,
  dvh1: hevc,
  dvhe: hevc,
  vp08: vpx('vp8'),
  vp09: vpx('vp9'),
  av01: {
    codec: 'av1',
    format: 'AV1',
    config: 'av1C',
    name: (_type, config) => (isAv1Record(config) ? av1CodecString(config) : null),
  } satisfies Visual,
});

function describeVisual(entry: Uint8Array, type: string, visual: Visual): SampleEntryDescription {
  const children = childrenOf(entry, visualFieldsBytes);
  const config = children.get(visual.config);
  const codecString = config ? visual.name(type, config.subarray(8), children) : null;
  const head = {
    kind: 'video',
    codecName: type,
    ...sizeOf(entry),
    pixelAspect: readPixelAspect(children),
  } as const;
  if (codecString === null)
    return { ...obstacle(visual.codec, damagedHeader('video', visual.format)), ...head };
  return {
    codec: visual.codec,
    codecString,
    sampleEntries: [withOwnSize(entry)],
    sampleRate: 0,
    channels: 0,
    frameLength: 0,
    obstacle: null,
    ...head,
  };
}

/** A copy whose size field and data reference (the only one a view has) are right whatever the file said. */
function withOwnSize(entry: Uint8Array): Uint8Array {
  const copy = entry.slice();
  const view = new DataView(copy.buffer);
  view.setUint32(0, copy.length);
  view.setUint16(14, 1); //                                      data_reference_index
  return copy;
}

/** PixelAspectRatioBox (§12.1.4.1). */
function readPixelAspect(children: Children): SampleEntryDescription['pixelAspect'] {
  const pasp = children.get('pasp');
  if (!pasp || pasp.length < 16) return null;
  const view = new DataView(pasp.buffer, pasp.byteOffset, 16);
  const [horizontal, vertical] = [view.getUint32(8), view.getUint32(12)];
  const ratio = horizontal / vertical;
  // Wilder shapes than these are damage, and would make a page of one line of pixels.
  return ratio >= 1 / 16 && ratio <= 16 ? { horizontal, vertical } : null;
}
