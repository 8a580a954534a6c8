// Sound formats whose frames tell how long they are: how many samples one Opus packet or FLAC frame holds.

/** Reads the length in samples from the first bytes of a frame; 0 where it cannot be told. */
export type FrameLengthReader = (bytes: Uint8Array, at: number, end: number) => number;

/** The most a reader looks at. */
export const frameLengthPeekBytes = 16;

/** The reader for a Matroska codec id; null where frames have one length or do not tell. */
export function frameLengthReader(codecId: string): FrameLengthReader | null {
  if (codecId === 'A_OPUS') return opusFrameLength;
  return codecId === 'A_FLAC' ? flacFrameLength : null;
}

/** Samples at 48 kHz of the four frame sizes of SILK and CELT (RFC 6716 §3.1, table 2). */
const silkLengths = [480, 960, 1920, 2880] as const;
const celtLengths = [120, 240, 480, 960] as const;

/** Samples at 48 kHz in an Opus packet (RFC 6716 §3.1, §3.2); 0 where the packet is not valid. */
function opusFrameLength(bytes: Uint8Array, at: number, end: number): number {
  if (at >= end) return 0;
  const toc = bytes[at]!;
  const config = toc >> 3;
  const length =
    config < 12 ? silkLengths[config & 3]! : config < 16 ? 480 << (config & 1) : celtLengths[config & 3]!;
  const code = toc & 3;
  const frames = code === 0 ? 1 : code < 3 ? 2 : at + 1 < end ? bytes[at + 1]! & 63 : 0;
  const total = length * frames;
  return total <= 5760 ? total : 0; // 120 ms at most (RFC 6716 §3.2.5)
}

/** Samples in a FLAC frame (RFC 9639 §9.1); 0 where the frame is not valid. */
function flacFrameLength(bytes: Uint8Array, at: number, end: number): number {
  if (end - at < 6 || bytes[at] !== 0xff || (bytes[at + 1]! & 0xfe) !== 0xf8) return 0;
  const code = bytes[at + 2]! >> 4;
  if (code === 1) return 192;
  if (code >= 2 && code <= 5) return 144 << code;
  if (code >= 8) return 1 << code;
  if (code === 0) return 0;
  // The uncommon sizes stand after the frame or sample number, which is coded as UTF-8 codes characters.
  const ones = Math.clz32(~(bytes[at + 4]! << 24));
  const after = at + 4 + (ones === 0 ? 1 : ones);
  if (code === 6) return after < end ? bytes[after]! + 1 : 0;
  return after + 1 < end ? Math.min(bytes[after]! * 256 + bytes[after + 1]! + 1, 65_535) : 0;
}
