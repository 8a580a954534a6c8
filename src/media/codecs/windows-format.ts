// Codecs told the Windows way inside Matroska: BITMAPINFOHEADER (V_MS/VFW/FOURCC) and WAVEFORMATEX (A_MS/ACM),
// little-endian as Windows has them.
import type { Codec } from '../track.ts';
import type { MatroskaCodec } from './description.ts';
import { quoteName, undecodable } from './obstacle.ts';

type Found =
  /** The fields of the Matroska codec that says the same. */
  { readonly change: Partial<MatroskaCodec> } | { readonly codec: Codec; readonly sentence: string };

const avcCodes = new Set(['H264', 'AVC1', 'X264', 'DAVC', 'VSSH']);
const mpeg4Codes = new Set(['XVID', 'DIVX', 'DX50', 'FMP4', 'MP4V', 'M4S2', '3IV2']);
const pictureCodes: Readonly<Record<string, readonly [Codec, string]>> = {
  DIV3: ['mpeg4', 'DivX 3'],
  MP43: ['mpeg4', 'Microsoft MPEG-4 version 3'],
  MP42: ['mpeg4', 'Microsoft MPEG-4 version 2'],
  MJPG: ['mjpeg', 'Motion JPEG'],
  MPG2: ['mpeg2', 'MPEG-2'],
  MPG1: ['other', 'MPEG-1'],
  WMV1: ['other', 'Windows Media Video 7'],
  WMV2: ['other', 'Windows Media Video 8'],
  WMV3: ['other', 'Windows Media Video 9'],
  WVC1: ['other', 'VC-1'],
};

/** Reads BITMAPINFOHEADER; null where it is too short to be one. */
export function fromFourCc(header: Uint8Array): Found | null {
  if (header.length < 40) return null;
  const code = new TextDecoder('latin1').decode(header.subarray(16, 20)).toUpperCase(); // biCompression
  const extra = header.subarray(40);
  if (code === 'VP80') return { change: { codecId: 'V_VP8', codecPrivate: null } };
  if (code === 'VP90') return { change: { codecId: 'V_VP9', codecPrivate: null } };
  if (code === 'AV01') return { change: { codecId: 'V_AV1', codecPrivate: extra } };
  if (avcCodes.has(code)) {
    // Only with an avcC behind the header are the pictures framed by lengths, as MP4 wants them.
    if (extra[0] === 1) return { change: { codecId: 'V_MPEG4/ISO/AVC', codecPrivate: extra } };
    return {
      codec: 'avc',
      sentence: 'The picture is H.264 stored the way AVI files do it, which a browser cannot read here.',
    };
  }
  if (mpeg4Codes.has(code))
    return { codec: 'mpeg4', sentence: undecodable('video', 'MPEG-4 Part 2 (as in DivX and Xvid)') };
  const [codec, format] = pictureCodes[code] ?? ['other', quoteName(code)];
  return { codec, sentence: undecodable('video', format) };
}

const soundTags: Readonly<Record<number, readonly [Codec, string]>> = {
  2: ['other', 'Microsoft ADPCM'],
  6: ['other', 'A-law'],
  7: ['other', 'μ-law'],
  17: ['other', 'IMA ADPCM'],
  80: ['other', 'MPEG Audio Layer II'],
  352: ['other', 'Windows Media Audio 1'],
  353: ['other', 'Windows Media Audio 2'],
  354: ['other', 'Windows Media Audio Professional'],
  355: ['other', 'Windows Media Audio Lossless'],
  8192: ['ac3', 'Dolby Digital (AC-3)'],
  8193: ['dts', 'DTS'],
};

/** Reads WAVEFORMATEX; null where it is too short to be one. */
export function fromAudioFormat(header: Uint8Array): Found | null {
  if (header.length < 16) return null;
  const view = new DataView(header.buffer, header.byteOffset, header.length);
  let tag = view.getUint16(0, true); //                          wFormatTag
  const bitDepth = view.getUint16(14, true); //                  wBitsPerSample
  // WAVE_FORMAT_EXTENSIBLE: the tag is the first field of the SubFormat GUID.
  if (tag === 0xfffe && header.length >= 40) tag = view.getUint16(24, true);
  const format = { channels: view.getUint16(2, true), sampleRate: view.getUint32(4, true), bitDepth };
  const extra = header.subarray(18);
  if (tag === 1) return { change: { codecId: 'A_PCM/INT/LIT', codecPrivate: null, ...format } };
  if (tag === 3) return { change: { codecId: 'A_PCM/FLOAT/IEEE', codecPrivate: null, ...format } };
  if (tag === 0x55) return { change: { codecId: 'A_MPEG/L3', codecPrivate: null, ...format } };
  if (tag === 0xff) return { change: { codecId: 'A_AAC', codecPrivate: extra, ...format } };
  const [codec, name] = soundTags[tag] ?? ['other', `of a format with the number ${tag}`];
  return { codec, sentence: undecodable('audio', name) };
}
