// From what a Matroska TrackEntry says of its codec (RFC 9559 §5.1.4, the codec mappings of the Matroska codec
// specification) to a complete ISO BMFF sample entry, or to the reason why there can be none.
import type { Codec, TrackKind } from '../track.ts';
import { makeAacConfig } from './aac.ts';
import { av1CodecString, av1RecordFrom, isAv1Record } from './av1.ts';
import { avcCodecString, hasAvcParameterSets, isAvcRecord } from './avc.ts';
import { describeAac, describeMp3, describeVorbis } from './describe.ts';
import type { CodecDescription, MatroskaCodec } from './description.ts';
import { readHevcRecord } from './hevc.ts';
import { damagedHeader, obstacle, quoteName, undecodable } from './obstacle.ts';
import { describePcm } from './pcm.ts';
import { audioSampleEntry, box, visualSampleEntry } from './sample-entry.ts';
import { type VpxConfig, vp8Config, vp9Config, vpxCodecString, vpxConfigBox } from './vpx.ts';
import { fromAudioFormat, fromFourCc } from './windows-format.ts';
import { flacBox, opusBox, readFlacInfo, readOpusHead, readVorbisSetup } from './xiph.ts';

/** Codecs of which something is told only by the first frame. */
export function needsFirstFrame(codecId: string): boolean {
  return codecId === 'V_VP9' || codecId === 'V_AV1' || codecId === 'V_MS/VFW/FOURCC';
}

/** Codec IDs (or their beginnings, longest first) of what browsers cannot decode. */
const foreign: readonly (readonly [prefix: string, codec: Codec, format: string])[] = [
  ['V_MPEG4/ISO/', 'mpeg4', 'MPEG-4 Part 2 (as in DivX and Xvid)'],
  ['V_MPEG4/MS/V3', 'mpeg4', 'Microsoft MPEG-4 version 3'],
  ['V_MPEG2', 'mpeg2', 'MPEG-2'],
  ['V_MPEG1', 'other', 'MPEG-1'],
  ['V_MPEGI/ISO/VVC', 'other', 'H.266 (VVC)'],
  ['V_MJPEG', 'mjpeg', 'Motion JPEG'],
  ['V_THEORA', 'other', 'Theora'],
  ['V_PRORES', 'other', 'ProRes'],
  ['V_FFV1', 'other', 'FFV1'],
  ['V_REAL/', 'other', 'RealVideo'],
  ['V_DIRAC', 'other', 'Dirac'],
  ['V_UNCOMPRESSED', 'other', 'uncompressed'],
  ['A_AC3', 'ac3', 'Dolby Digital (AC-3)'],
  ['A_EAC3', 'eac3', 'Dolby Digital Plus (E-AC-3)'],
  ['A_AC4', 'other', 'Dolby AC-4'],
  ['A_DTS', 'dts', 'DTS'],
  ['A_TRUEHD', 'truehd', 'Dolby TrueHD'],
  ['A_MLP', 'truehd', 'MLP'],
  ['A_MPEG/L2', 'other', 'MPEG Audio Layer II'],
  ['A_MPEG/L1', 'other', 'MPEG Audio Layer I'],
  ['A_ALAC', 'other', 'Apple Lossless (ALAC)'],
  ['A_REAL/', 'other', 'RealAudio'],
  ['A_TTA1', 'other', 'True Audio (TTA)'],
  ['A_WAVPACK4', 'other', 'WavPack'],
  ['A_ATRAC', 'other', 'ATRAC'],
  ['A_QUICKTIME', 'other', 'an old QuickTime format'],
  ['V_QUICKTIME', 'other', 'an old QuickTime format'],
  ['S_HDMV/PGS', 'pgs', 'pictures (PGS, from a Blu-ray disc)'],
  ['S_VOBSUB', 'vobsub', 'pictures (VobSub, from a DVD)'],
  ['S_DVBSUB', 'other', 'pictures (DVB)'],
  ['S_IMAGE/', 'other', 'pictures'],
];

/** Text subtitles: browsers could show them, the view does not carry them. */
const textSubtitles: readonly (readonly [prefix: string, codec: Codec, format: string])[] = [
  ['S_TEXT/UTF8', 'subrip', 'SubRip'],
  ['S_TEXT/ASCII', 'subrip', 'SubRip'],
  ['S_TEXT/ASS', 'ass', 'ASS'],
  ['S_TEXT/SSA', 'ass', 'SSA'],
  ['S_ASS', 'ass', 'ASS'],
  ['S_SSA', 'ass', 'SSA'],
  ['S_TEXT/WEBVTT', 'webvtt', 'WebVTT'],
  ['D_WEBVTT/', 'webvtt', 'WebVTT'],
  ['S_TEXT/USF', 'other', 'USF'],
  ['S_HDMV/TEXTST', 'other', 'Blu-ray text'],
  ['S_KATE', 'other', 'Kate'],
];

/** Describes a track's codec. Never throws: what is wrong with it becomes its obstacle. */
export function describeMatroskaCodec(source: MatroskaCodec): CodecDescription {
  const { codecId, codecPrivate } = source;
  const config = codecPrivate ?? new Uint8Array(0);
  switch (codecId) {
    case 'V_MPEG4/ISO/AVC':
      return describeAvc(source, config);
    case 'V_MPEGH/ISO/HEVC':
      return describeHevc(source, config);
    case 'V_VP8':
      return describeVpx('vp8', source, vp8Config(source));
    case 'V_VP9':
      return describeVpx('vp9', source, vp9Config(source, codecPrivate, source.firstFrame));
    case 'V_AV1':
      return describeAv1(source, config);
    case 'A_OPUS':
    case 'A_OPUS/EXPERIMENTAL':
      return describeOpus(source, config);
    case 'A_VORBIS': {
      const setup = readVorbisSetup(config);
      return setup
        ? describeVorbis(config, setup)
        : obstacle('vorbis', damagedHeader('audio', 'Vorbis'), source);
    }
    case 'A_FLAC':
      return describeFlac(source, config);
    case 'A_MPEG/L3':
      return describeMp3(source);
    case 'A_PCM/INT/LIT':
    case 'A_PCM/INT/BIG':
    case 'A_PCM/FLOAT/IEEE': {
      const isFloat = codecId === 'A_PCM/FLOAT/IEEE';
      const isLittleEndian = codecId !== 'A_PCM/INT/BIG';
      return describePcm({ ...source, isFloat, isLittleEndian, bits: source.bitDepth });
    }
    case 'V_MS/VFW/FOURCC':
      return describeAgain(source, fromFourCc(config), 'video');
    case 'A_MS/ACM':
      return describeAgain(source, fromAudioFormat(config), 'audio');
  }
  if (codecId === 'A_AAC' || codecId.startsWith('A_AAC/')) return describeMatroskaAac(source, config);
  return describeForeign(source);
}

/** A track whose codec is told the Windows way, as the Matroska codec it is. */
function describeAgain(
  source: MatroskaCodec,
  found: { change: Partial<MatroskaCodec> } | { codec: Codec; sentence: string } | null,
  kind: 'video' | 'audio',
): CodecDescription {
  if (!found) return obstacle('other', damagedHeader(kind, 'format'), source);
  if ('sentence' in found) return obstacle(found.codec, found.sentence, source);
  return describeMatroskaCodec({ ...source, ...found.change });
}

function describeForeign(source: MatroskaCodec): CodecDescription {
  const { codecId } = source;
  const found = foreign.find(([prefix]) => codecId.startsWith(prefix));
  const kind: TrackKind = codecId.startsWith('A') ? 'audio' : codecId.startsWith('V') ? 'video' : 'subtitle';
  if (found) return obstacle(found[1], undecodable(kind, found[2]), source);
  const text = textSubtitles.find(([prefix]) => codecId.startsWith(prefix));
  if (text)
    return obstacle(text[1], `The subtitles (${text[2]}) are kept in the file but are not shown yet.`);
  return obstacle('other', undecodable(kind, quoteName(codecId)), source);
}

function picture(codec: Codec, codecString: string, entry: Uint8Array): CodecDescription {
  return {
    codec,
    codecString,
    sampleEntries: [entry],
    sampleRate: 0,
    channels: 0,
    frameLength: 0,
    obstacle: null,
  };
}

function describeAvc(source: MatroskaCodec, record: Uint8Array): CodecDescription {
  if (!isAvcRecord(record)) return obstacle('avc', damagedHeader('video', 'H.264'));
  const type = hasAvcParameterSets(record) ? 'avc1' : 'avc3';
  return picture('avc', avcCodecString(type, record), visualSampleEntry(type, source, box('avcC', record)));
}

function describeHevc(source: MatroskaCodec, record: Uint8Array): CodecDescription {
  const hevc = readHevcRecord(record);
  if (!hevc) return obstacle('hevc', damagedHeader('video', 'H.265'));
  const type = hevc.hasParameterSets ? 'hvc1' : 'hev1';
  return picture('hevc', `${type}.${hevc.profile}`, visualSampleEntry(type, source, box('hvcC', record)));
}

function describeVpx(codec: 'vp8' | 'vp9', source: MatroskaCodec, config: VpxConfig): CodecDescription {
  const type = codec === 'vp8' ? 'vp08' : 'vp09';
  const name = vpxCodecString(type, config.profile, config.level, config.bitDepth);
  const entry = visualSampleEntry(type, { ...source, colour: config.colour }, vpxConfigBox(config));
  return picture(codec, name, entry);
}

function describeAv1(source: MatroskaCodec, config: Uint8Array): CodecDescription {
  const record = isAv1Record(config) ? config : source.firstFrame && av1RecordFrom(source.firstFrame);
  if (!record) return obstacle('av1', damagedHeader('video', 'AV1'));
  return picture('av1', av1CodecString(record), visualSampleEntry('av01', source, box('av1C', record)));
}

function describeMatroskaAac(source: MatroskaCodec, config: Uint8Array): CodecDescription {
  const outputRate = source.outputSampleRate || source.sampleRate;
  if (config.length > 0) return describeAac(config, source.channels, outputRate);
  // The old names carry what the config would: A_AAC/MPEG2/LC, A_AAC/MPEG4/LC/SBR, ...
  const profile = source.codecId.split('/')[2];
  const objectType = { MAIN: 1, LC: 2, SSR: 3, LTP: 4 }[profile ?? 'LC'] ?? 2;
  const isSbr = source.codecId.endsWith('/SBR');
  const made = makeAacConfig(
    objectType,
    source.sampleRate,
    isSbr ? source.sampleRate * 2 : outputRate,
    source.channels,
  );
  if (!made) return obstacle('aac', damagedHeader('audio', 'AAC'), source);
  return describeAac(made, source.channels, outputRate);
}

function describeOpus(source: MatroskaCodec, config: Uint8Array): CodecDescription {
  let head = readOpusHead(config);
  if (!head && config.length > 0) return obstacle('opus', damagedHeader('audio', 'Opus'), source);
  if (!head && (source.channels < 1 || source.channels > 2))
    return obstacle('opus', damagedHeader('audio', 'Opus'), source);
  // Without a header one or two channels have only one meaning (RFC 7845 §5.1.1.1); the delay is in CodecDelay.
  head ??= {
    channels: source.channels,
    preSkip: Math.min(Math.max(0, Math.round((source.codecDelayNs * 48) / 1e6)), 0xffff),
    inputSampleRate: 48000,
    outputGain: 0,
    mappingFamily: 0,
    mapping: new Uint8Array(0),
  };
  const format = { channels: head.channels, sampleRate: 48000 };
  return {
    codec: 'opus',
    codecString: 'opus',
    sampleEntries: [audioSampleEntry('Opus', { ...format, sampleBits: 16 }, opusBox(head))],
    ...format,
    frameLength: 0,
    obstacle: null,
  };
}

function describeFlac(source: MatroskaCodec, config: Uint8Array): CodecDescription {
  const info = readFlacInfo(config);
  if (!info) return obstacle('flac', damagedHeader('audio', 'FLAC'), source);
  const { sampleRate, channels } = info;
  return {
    codec: 'flac',
    codecString: 'flac',
    sampleEntries: [audioSampleEntry('fLaC', info, flacBox(info))],
    sampleRate,
    channels,
    frameLength: info.blockLength,
    obstacle: null,
  };
}
