// Sample entries of sound: ISO's own (ISO/IEC 14496-12 §12.2.3) and QuickTime's sound descriptions of versions 0 to 2,
// whose codec configuration may stand in a `wave` atom. What comes out is an ISO entry of version 0.
import type { Codec } from '../track.ts';
import { type Children, childrenOf } from './box-children.ts';
import { describeAac, describeMp3, describeVorbis, type Sound } from './describe.ts';
import type { CodecDescription } from './description.ts';
import { damagedHeader, obstacle, undecodable } from './obstacle.ts';
import { describePcm, type PcmFormat } from './pcm.ts';
import { audioSampleEntry } from './sample-entry.ts';
import { readFlacInfo, readVorbisSetup } from './xiph.ts';

type Fields = Sound & {
  readonly sampleBits: number;
  /** formatSpecificFlags of version 2, else null. */
  readonly linearFlags: number | null;
  readonly children: Children;
};

/** Reads the fixed fields and finds the boxes behind them; null where the entry is too short. */
function readFields(entry: Uint8Array): Fields | null {
  if (entry.length < 36) return null;
  const view = new DataView(entry.buffer, entry.byteOffset, entry.length);
  const version = view.getUint16(16);
  let channels = view.getUint16(24);
  let sampleBits = view.getUint16(26);
  let sampleRate = view.getUint32(32) / 0x10000;
  let linearFlags: number | null = null;
  let at = 36;
  if (version === 2 && entry.length >= 72) {
    // QuickTime "Sound Sample Description (Version 2)": sizeOfStructOnly at 36, then the real values.
    sampleRate = view.getFloat64(40);
    channels = view.getUint32(48);
    sampleBits = view.getUint32(56);
    linearFlags = view.getUint32(60);
    at = Math.max(72, Math.min(view.getUint32(36), entry.length));
  } else if (version === 1) {
    // QuickTime's version 1 has four more numbers; ISO's AudioSampleEntryV1 (§12.2.3) has none: see which fits.
    const isQuickTime = ![...childrenOf(entry, 36).keys()].some((found) => /^[ -~]{4}$/.test(found));
    if (isQuickTime) at = 52;
  }
  const children = new Map(childrenOf(entry, at));
  const wave = children.get('wave');
  if (wave)
    for (const [type, found] of childrenOf(wave, 8)) if (!children.has(type)) children.set(type, found);
  if (!(channels >= 1 && channels <= 255)) channels = 0;
  if (!(sampleRate >= 1 && sampleRate <= 1e6)) sampleRate = 0;
  return { channels, sampleBits, sampleRate: Math.round(sampleRate), linearFlags, children };
}

/** Describes a sound entry of a type that browsers know, or knows to be uncompressed; null for any other type. */
export function describeSoundEntry(entry: Uint8Array, type: string): CodecDescription | null {
  const kind = kinds[type];
  if (!kind) return null;
  const fields = readFields(entry);
  if (!fields) return obstacle('other', damagedHeader('audio', 'format'));
  return kind(fields);
}

const kinds: Readonly<Record<string, (fields: Fields) => CodecDescription>> = Object.assign(
  Object.create(null),
  {
    mp4a: describeMp4a,
    Opus: describeOpus,
    fLaC: describeFlac,
    '.mp3': describeMp3,
    'ms\0U': describeMp3,
    ipcm: (fields: Fields) => describeIso(fields, false),
    fpcm: (fields: Fields) => describeIso(fields, true),
    lpcm: describeLinear,
    sowt: (fields: Fields) => describeQuickTime(fields, { isLittleEndian: true, bits: 16 }),
    twos: (fields: Fields) => describeQuickTime(fields, { isLittleEndian: false, bits: fields.sampleBits }),
    'raw ': (fields: Fields) => describeQuickTime(fields, { isLittleEndian: false, bits: 8 }),
    in24: (fields: Fields) => describeQuickTime(fields, { bits: 24 }),
    in32: (fields: Fields) => describeQuickTime(fields, { bits: 32 }),
    fl32: (fields: Fields) => describeQuickTime(fields, { bits: 32, isFloat: true }),
    fl64: (fields: Fields) => describeQuickTime(fields, { bits: 64, isFloat: true }),
  },
);

/** QuickTime's uncompressed types: big-endian unless an `enda` atom says otherwise. */
function describeQuickTime(fields: Fields, format: Partial<PcmFormat> & { bits: number }): CodecDescription {
  const order = fields.children.get('enda');
  const isLittleEndian = order !== undefined && order.length >= 10 && order[9] === 1;
  const { channels, sampleRate } = fields;
  return describePcm({ isFloat: false, isLittleEndian, channels, sampleRate, ...format });
}

/** `lpcm` of version 2: formatSpecificFlags of CoreAudio (1 float, 2 big-endian, 4 signed). */
function describeLinear(fields: Fields): CodecDescription {
  const flags = fields.linearFlags ?? 6;
  const { channels, sampleRate, sampleBits } = fields;
  const bits = flags & 5 ? sampleBits : 8; //                    unsigned ones are not carried, as 8 bits are not
  return describePcm({
    isFloat: (flags & 1) !== 0,
    isLittleEndian: (flags & 2) === 0,
    bits,
    channels,
    sampleRate,
  });
}

/** ISO/IEC 23003-5: pcmC holds format_flags and PCM_sample_size. */
function describeIso(fields: Fields, isFloat: boolean): CodecDescription {
  const config = fields.children.get('pcmC');
  if (!config || config.length < 14) return obstacle('pcm', damagedHeader('audio', 'PCM'), fields);
  const { channels, sampleRate } = fields;
  return describePcm({
    isFloat,
    isLittleEndian: (config[12]! & 1) !== 0,
    bits: config[13]!,
    channels,
    sampleRate,
  });
}

function describeOpus(fields: Fields): CodecDescription {
  const config = fields.children.get('dOps');
  const channels = config?.[9] ?? 0;
  if (!config || config.length < 19 || config[8] !== 0 || channels < 1)
    return obstacle('opus', damagedHeader('audio', 'Opus'), fields);
  const format = { channels, sampleRate: 48000 };
  const entry = audioSampleEntry('Opus', { ...format, sampleBits: 16 }, config);
  return {
    codec: 'opus',
    codecString: 'opus',
    sampleEntries: [entry],
    ...format,
    frameLength: 0,
    obstacle: null,
  };
}

function describeFlac(fields: Fields): CodecDescription {
  const config = fields.children.get('dfLa');
  const info = config && readFlacInfo(config.subarray(12));
  if (!info) return obstacle('flac', damagedHeader('audio', 'FLAC'), fields);
  const { sampleRate, channels, blockLength } = info;
  const entry = audioSampleEntry('fLaC', info, config);
  const format = { sampleRate, channels, frameLength: blockLength };
  return { codec: 'flac', codecString: 'flac', sampleEntries: [entry], ...format, obstacle: null };
}

/** Object types of MPEG-4 that are no AAC and no MP3. */
const foreignObjects: Readonly<Record<number, readonly [Codec, string]>> = {
  165: ['ac3', 'Dolby Digital (AC-3)'],
  166: ['eac3', 'Dolby Digital Plus (E-AC-3)'],
  169: ['dts', 'DTS'],
  170: ['dts', 'DTS'],
  171: ['dts', 'DTS'],
  172: ['dts', 'DTS'],
  225: ['other', 'QCELP'],
};

function describeMp4a(fields: Fields): CodecDescription {
  const box = fields.children.get('esds');
  const stream = box && readElementaryStream(box.subarray(12));
  if (!stream) return obstacle('aac', damagedHeader('audio', 'MPEG-4'), fields);
  const { objectType, config } = stream;
  // 0x66 to 0x68 are MPEG-2's AAC profiles; with a config they are no different.
  if (objectType === 0x40 || (objectType >= 0x66 && objectType <= 0x68)) {
    if (!config) return obstacle('aac', damagedHeader('audio', 'AAC'), fields);
    return describeAac(config, fields.channels, fields.sampleRate);
  }
  if (objectType === 0x69 || objectType === 0x6b) return describeMp3(fields);
  const setup = objectType === 0xdd && config ? readVorbisSetup(config) : null;
  if (setup) return describeVorbis(config!, setup);
  const [codec, format] = foreignObjects[objectType] ?? ['other', `of MPEG-4 object type ${objectType}`];
  return obstacle(codec, undecodable('audio', format), fields);
}

/** Tag and content at `at` (ISO/IEC 14496-1 §8.3.3); a length beyond the end is cut there, as FFmpeg does. */
function readDescriptor(
  bytes: Uint8Array,
  at: number,
): { tag: number; content: Uint8Array; next: number } | null {
  if (at + 2 > bytes.length) return null;
  const tag = bytes[at]!;
  let length = 0;
  let next = at + 1;
  for (let i = 0; i < 4 && next < bytes.length; i++) {
    const byte = bytes[next++]!;
    length = length * 128 + (byte & 0x7f);
    if (!(byte & 0x80)) break;
  }
  const end = Math.min(next + length, bytes.length);
  return { tag, content: bytes.subarray(next, end), next: end };
}

/** The DecoderSpecificInfo (for AAC the AudioSpecificConfig) of an `esds` box, size and type included; null where none. */
export function readDecoderSpecificInfo(esds: Uint8Array | undefined): Uint8Array | null {
  return esds ? (readElementaryStream(esds.subarray(12))?.config ?? null) : null;
}

/** ES_Descriptor (§7.2.6.5): the object type and the DecoderSpecificInfo. */
function readElementaryStream(bytes: Uint8Array): { objectType: number; config: Uint8Array | null } | null {
  const stream = readDescriptor(bytes, 0);
  if (stream?.tag !== 3 || stream.content.length < 3) return null;
  const flags = stream.content[2]!;
  let at = 3;
  if (flags & 0x80) at += 2; //                                  dependsOn_ES_ID
  if (flags & 0x40) at += 1 + (stream.content[at] ?? 0); //      URLstring
  if (flags & 0x20) at += 2; //                                  OCR_ES_Id
  const decoder = readDescriptor(stream.content, at);
  if (decoder?.tag !== 4 || decoder.content.length < 13) return null;
  const info = readDescriptor(decoder.content, 13);
  const hasConfig = info?.tag === 5 && info.content.length > 0;
  return { objectType: decoder.content[0]!, config: hasConfig ? info.content.slice() : null };
}
