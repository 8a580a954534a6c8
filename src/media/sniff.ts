// What a file is, decided by its first bytes alone: whether it is video or sound at all, and of which kind. Names and
// declared types are never looked at.
import { looksLikeAdts, looksLikeMpegAudio, startsWithId3 } from './sniff-audio.ts';

/** The most bytes that `sniff` looks at; given so many it never asks for more. */
export const maxSniffBytes = 4096;

export type SniffKind =
  | ('matroska' | 'webm' | 'mp4' | 'mov')
  | ('avi' | 'mpegts' | 'mpegps' | 'mpegvideo' | 'flv' | 'asf' | 'mxf' | 'realmedia' | 'ogv')
  | ('mp3' | 'wav' | 'flac' | 'ogg' | 'aac')
  | ('mp2' | 'aiff' | 'caf' | 'amr' | 'ac3' | 'dts' | 'wavpack' | 'ape');

export type Sniffed = {
  readonly kind: SniffKind;
  /** What a person calls it. */
  readonly label: string;
  readonly contentType: string;
  /** Sound that browsers play as the file is, without an index. */
  readonly isServedAsIs: boolean;
};

const sound = (kind: SniffKind, label: string, contentType: string): Sniffed => {
  return { kind, label, contentType, isServedAsIs: true };
};
const other = (kind: SniffKind, label: string, contentType: string): Sniffed => {
  return { kind, label, contentType, isServedAsIs: false };
};

const matroska = other('matroska', 'Matroska', 'video/x-matroska');
const webm = other('webm', 'WebM', 'video/webm');
const mp4 = other('mp4', 'MP4', 'video/mp4');
const mov = other('mov', 'QuickTime', 'video/quicktime');
const mp3 = sound('mp3', 'MP3', 'audio/mpeg');
const flac = sound('flac', 'FLAC', 'audio/flac');
const aac = sound('aac', 'AAC', 'audio/aac');

/** Kinds that begin with fixed bytes (latin1) at a fixed place. */
const signatures: readonly (readonly [at: number, text: string, found: Sniffed])[] = [
  [0, 'fLaC', flac],
  [0, 'FLV\x01', other('flv', 'Flash video', 'video/x-flv')],
  [
    0, // ASF header object (ASF specification §10.1)
    '\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9\x00\xaa\x00\x62\xce\x6c',
    other('asf', 'Windows Media', 'video/x-ms-asf'),
  ],
  [0, '\x00\x00\x01\xba', other('mpegps', 'MPEG program stream', 'video/mpeg')],
  [0, '\x00\x00\x01\xb3', other('mpegvideo', 'MPEG video', 'video/mpeg')],
  [0, '\x06\x0e\x2b\x34\x02\x05\x01\x01', other('mxf', 'MXF', 'application/mxf')],
  [0, '.RMF\x00\x00\x00', other('realmedia', 'RealMedia', 'application/vnd.rn-realmedia')],
  [0, 'caff\x00\x01', other('caf', 'Core Audio', 'audio/x-caf')],
  [0, '#!AMR', other('amr', 'AMR', 'audio/amr')],
  [0, 'wvpk', other('wavpack', 'WavPack', 'audio/x-wavpack')],
  [0, 'MAC \x96\x0f', other('ape', "Monkey's Audio", 'audio/x-ape')],
  [0, '\x7f\xfe\x80\x01', other('dts', 'DTS', 'audio/vnd.dts')],
];

/** Forms of RIFF and IFF by the four characters at byte 8. */
const forms: Readonly<Record<string, Sniffed>> = {
  'RIFF/AVI ': other('avi', 'AVI', 'video/x-msvideo'),
  'RIFF/WAVE': sound('wav', 'WAV', 'audio/wav'),
  'RF64/WAVE': other('wav', 'WAV of 64 bits', 'audio/wav'),
  'FORM/AIFF': other('aiff', 'AIFF', 'audio/aiff'),
  'FORM/AIFC': other('aiff', 'AIFF', 'audio/aiff'),
};

function textAt(head: Uint8Array, at: number, length: number): string {
  return String.fromCharCode(...head.subarray(at, at + length));
}

/**
 * Tells what a file is. `head` is its beginning, `isWhole` says that there is no more of it. `need-more` is answered
 * only for fewer than `maxSniffBytes` of a file that goes on; `unknown` is no video and no sound that is known.
 */
export function sniff(head: Uint8Array, isWhole: boolean): Sniffed | 'unknown' | 'need-more' {
  const bytes = head.subarray(0, maxSniffBytes);
  const isAll = isWhole || head.length >= maxSniffBytes;
  if (bytes.length < 12) return isAll ? 'unknown' : 'need-more';
  for (const [at, text, found] of signatures) if (textAt(bytes, at, text.length) === text) return found;
  const form = forms[`${textAt(bytes, 0, 4)}/${textAt(bytes, 8, 4)}`];
  if (form) return form;
  if (textAt(bytes, 0, 4) === '\x1a\x45\xdf\xa3') return sniffMatroska(bytes, isAll);
  if (textAt(bytes, 0, 4) === 'OggS') return sniffOgg(bytes, isAll);
  const boxes = sniffBoxes(bytes, isAll);
  if (boxes) return boxes;
  if (startsWithId3(bytes)) return sniffTagged(bytes);
  // What is left has no signature but a rhythm, and takes a few packets to tell.
  if (isTransportStream(bytes, 188, 0)) return other('mpegts', 'MPEG transport stream', 'video/mp2t');
  if (isTransportStream(bytes, 192, 4)) return other('mpegts', 'MPEG transport stream (M2TS)', 'video/mp2t');
  if (bytes[0] === 0x0b && bytes[1] === 0x77) return other('ac3', 'Dolby Digital', 'audio/ac3');
  const layer = looksLikeMpegAudio(bytes, isWhole);
  if (layer === 3) return mp3;
  if (layer === 2) return other('mp2', 'MPEG Audio Layer II', 'audio/mpeg');
  if (looksLikeAdts(bytes, isWhole)) return aac;
  return isAll ? 'unknown' : 'need-more';
}

/** DocType inside the EBML header (RFC 8794 §11.2.4): Matroska and WebM alike begin with it. */
function sniffMatroska(bytes: Uint8Array, isAll: boolean): Sniffed | 'unknown' | 'need-more' {
  for (let at = 5; at + 3 < bytes.length; at++) {
    if (bytes[at] !== 0x42 || bytes[at + 1] !== 0x82) continue;
    const length = bytes[at + 2]! & 0x7f; // sizes of one byte; the name is short
    if (!(bytes[at + 2]! & 0x80) || at + 3 + length > bytes.length) continue;
    const name = textAt(bytes, at + 3, length).replace(/\0+$/, '');
    if (name === 'webm') return webm;
    if (name === 'matroska') return matroska;
    return 'unknown';
  }
  // Without a DocType the parser has the last word; the header is done when the Segment has begun.
  const hasSegment = textAt(bytes, 0, Math.min(bytes.length, 256)).includes('\x18\x53\x80\x67');
  return isAll || hasSegment ? matroska : 'need-more';
}

/** Ogg (RFC 3533): the codecs name themselves in the first pages. */
function sniffOgg(bytes: Uint8Array, isAll: boolean): Sniffed | 'unknown' | 'need-more' {
  const text = textAt(bytes, 0, bytes.length); // TextDecoder's latin1 is windows-1252
  if (text.includes('\x80theora')) return other('ogv', 'Ogg video (Theora)', 'video/ogg');
  for (const [mark, codec] of [
    ['OpusHead', 'opus'],
    ['\x01vorbis', 'vorbis'],
    ['\x7fFLAC', 'flac'],
  ] as const) {
    if (text.includes(mark)) return sound('ogg', 'Ogg', `audio/ogg; codecs="${codec}"`);
  }
  return isAll ? other('ogg', 'Ogg of an unknown codec', 'application/ogg') : 'need-more';
}

/** Brands of pictures and documents that use the same boxes. */
const stillBrands =
  /^(heic|heix|heim|heis|hevc|hevx|mif1|mif2|msf1|avif|avis|miaf|crx |jp2 |jpx |jpm |jxl |cr3 )$/;
const videoBrands = /^(iso[m2-9]|mp4[12]|avc1|M4V |qt {2}|3g[p2].)$/;
/** Boxes with which QuickTime files of before `ftyp` begin. */
const oldFirstBoxes = new Set(['moov', 'mdat', 'wide', 'free', 'skip', 'pnot']);

/** ISO/IEC 14496-12 §4.3; null where the first bytes are no box of it. */
function sniffBoxes(bytes: Uint8Array, isAll: boolean): Sniffed | 'unknown' | 'need-more' | null {
  const size = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
  const type = textAt(bytes, 4, 4);
  // 0: to the end of the file, 1: 64 bits follow; both only for media data.
  const isSized = size >= 8 || (size <= 1 && type === 'mdat');
  if (oldFirstBoxes.has(type)) {
    if (!isSized) return 'unknown';
    // Padding in front tells nothing: look at what follows it, where that can be seen.
    if (type !== 'moov' && type !== 'mdat' && size >= 8 && size + 12 <= bytes.length)
      return sniffBoxes(bytes.subarray(size), isAll) ?? 'unknown';
    return mov;
  }
  if (type !== 'ftyp') return null;
  if (size < 16 || size > 0xffff) return 'unknown';
  const end = Math.min(size, 1024);
  if (bytes.length < end && !isAll) return 'need-more';
  const brands = [textAt(bytes, 8, 4)];
  for (let at = 16; at + 4 <= Math.min(end, bytes.length); at += 4) brands.push(textAt(bytes, at, 4));
  if (brands[0] === 'qt  ') return mov;
  if (stillBrands.test(brands[0]!) && !brands.some((brand) => videoBrands.test(brand))) return 'unknown';
  return mp4;
}

/** An ID3v2 tag stands in front of MP3 nearly always, of FLAC or AAC sometimes. */
function sniffTagged(bytes: Uint8Array): Sniffed {
  const [a, b, c, d] = bytes.subarray(6, 10);
  const at = 10 + (a! << 21) + (b! << 14) + (c! << 7) + d!;
  const sounds = bytes.subarray(at);
  if (textAt(sounds, 0, 4) === 'fLaC') return flac;
  return sounds.length > 7 && looksLikeAdts(sounds, false) ? aac : mp3;
}

/** Sync bytes of at least four packets (ISO/IEC 13818-1 §2.4.3.2). */
function isTransportStream(bytes: Uint8Array, packetBytes: number, at: number): boolean {
  const packets = Math.min(5, Math.floor((bytes.length - at + packetBytes - 1) / packetBytes));
  if (packets < 4) return false;
  for (let i = 0; i < packets; i++) if (bytes[at + i * packetBytes] !== 0x47) return false;
  return true;
}
