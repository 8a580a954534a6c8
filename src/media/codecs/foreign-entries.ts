// Sample entries that no browser shows, by their four-character code: what they are and what is said of them.
import type { Codec, TrackKind } from '../track.ts';
import { undecodable } from './obstacle.ts';

const table: readonly (readonly [types: string, kind: TrackKind, codec: Codec, format: string])[] = [
  ['mp4v', 'video', 'mpeg4', 'MPEG-4 Part 2 (as in DivX and Xvid)'],
  ['s263|h263|H263', 'video', 'other', 'H.263'],
  ['jpeg|mjpa|mjpb|mjpg|MJPG|AVDJ', 'video', 'mjpeg', 'Motion JPEG'],
  ['mp2v|mpg2|m2v1|hdv1|hdv2|hdv3|xdvb|xdvc|xd5b', 'video', 'mpeg2', 'MPEG-2'],
  ['apch|apcn|apcs|apco|ap4h|ap4x', 'video', 'other', 'ProRes'],
  ['AVdn|AVdh', 'video', 'other', 'DNxHD'],
  ['dvc |dvcp|dvpp|dv5n|dv5p|dvh5|dvh6', 'video', 'other', 'DV'],
  ['SVQ1|SVQ3', 'video', 'other', 'Sorenson Video'],
  ['cvid', 'video', 'other', 'Cinepak'],
  ['rle ', 'video', 'other', 'QuickTime Animation'],
  ['png ', 'video', 'other', 'a row of PNG pictures'],
  ['vvc1|vvi1', 'video', 'other', 'H.266 (VVC)'],
  ['vc-1', 'video', 'other', 'VC-1'],
  ['DIV3|XVID|DIVX|DX50', 'video', 'mpeg4', 'MPEG-4 Part 2 (as in DivX and Xvid)'],
  ['CFHD', 'video', 'other', 'CineForm'],
  ['2vuy|v210|yuv2', 'video', 'other', 'uncompressed'],
  ['ac-3|sac3', 'audio', 'ac3', 'Dolby Digital (AC-3)'],
  ['ec-3', 'audio', 'eac3', 'Dolby Digital Plus (E-AC-3)'],
  ['ac-4', 'audio', 'other', 'Dolby AC-4'],
  ['dtsc|dtse|dtsh|dtsl|dtsx|dts+|dts-', 'audio', 'dts', 'DTS'],
  ['mlpa', 'audio', 'truehd', 'Dolby TrueHD'],
  ['alac', 'audio', 'other', 'Apple Lossless (ALAC)'],
  ['samr', 'audio', 'other', 'AMR'],
  ['sawb', 'audio', 'other', 'AMR wideband'],
  ['sevc', 'audio', 'other', 'EVRC'],
  ['sqcp|Qclp', 'audio', 'other', 'QCELP'],
  ['QDM2|QDMC', 'audio', 'other', 'QDesign Music'],
  ['ima4', 'audio', 'other', 'IMA ADPCM'],
  ['MAC3|MAC6', 'audio', 'other', 'MACE'],
  ['agsm', 'audio', 'other', 'GSM'],
  ['ulaw', 'audio', 'other', 'μ-law'],
  ['alaw', 'audio', 'other', 'A-law'],
  ['mha1|mha2|mhm1|mhm2', 'audio', 'other', 'MPEG-H 3D Audio'],
  ['iamf', 'audio', 'other', 'IAMF'],
  ['.mp1|.mp2', 'audio', 'other', 'MPEG Audio Layer II'],
  ['subp|mp4s', 'subtitle', 'vobsub', 'pictures (VobSub, from a DVD)'],
  ['c608|c708', 'subtitle', 'other', 'closed captions of television (CEA-608 or 708)'],
];

const texts: readonly (readonly [types: string, codec: Codec, format: string])[] = [
  ['tx3g|text', 'tx3g', 'timed text'],
  ['wvtt', 'webvtt', 'WebVTT'],
  ['stpp', 'other', 'TTML'],
  ['sbtt', 'other', 'text'],
];

/** By four-character code: kind, codec, the sentence. */
export const foreignEntries: ReadonlyMap<string, readonly [TrackKind, Codec, string]> = new Map([
  ...table.flatMap(([types, kind, codec, format]) =>
    types.split('|').map((type) => [type, [kind, codec, undecodable(kind, format)] as const] as const),
  ),
  ...texts.flatMap(([types, codec, format]) =>
    types.split('|').map((type) => {
      const sentence = `The subtitles (${format}) are kept in the file but are not shown yet.`;
      return [type, ['subtitle', codec, sentence] as const] as const;
    }),
  ),
]);
