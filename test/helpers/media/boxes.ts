// Builds ISO BMFF files byte by byte for tests: any box, also ones that no muxer would write. Multi-byte numbers are
// made with `u16`, `u32`, ... and put together with `box`.

export type Bytes = Uint8Array;

export const u8 = (...values: number[]): Bytes => Uint8Array.from(values);
export const u16 = (...values: number[]): Bytes =>
  Uint8Array.from(values.flatMap((v) => [(v >> 8) & 255, v & 255]));
export const u32 = (...values: number[]): Bytes =>
  Uint8Array.from(values.flatMap((v) => [(v >>> 24) & 255, (v >>> 16) & 255, (v >>> 8) & 255, v & 255]));
export const u64 = (...values: number[]): Bytes =>
  u32(...values.flatMap((v) => [Math.floor(v / 2 ** 32), v % 2 ** 32]));
export const text = (value: string): Bytes => new TextEncoder().encode(value);
export const latin = (value: string): Bytes => Uint8Array.from(value, (c) => c.charCodeAt(0));
export const zeros = (count: number): Bytes => new Uint8Array(count);

export function join(...parts: Bytes[]): Bytes {
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

export function box(type: string, ...parts: Bytes[]): Bytes {
  const content = join(...parts);
  return join(u32(content.length + 8), latin(type), content);
}

/** A box with version and flags. */
export function full(type: string, version: number, flags: number, ...parts: Bytes[]): Bytes {
  return box(type, u32(version * 2 ** 24 + flags), ...parts);
}

export const ftyp = (brand = 'isom') => box('ftyp', latin(brand), u32(512), latin('isom'));

/** An H.264 sample entry with a small, valid avcC. */
export function avc1(width = 64, height = 48): Bytes {
  const sps = u8(
    0x67,
    0x42,
    0xc0,
    0x1e,
    0xd9,
    0x01,
    0x06,
    0x84,
    0x00,
    0x00,
    0x03,
    0x00,
    0x04,
    0x00,
    0x00,
    0x03,
  );
  const pps = u8(0x68, 0xce, 0x3c, 0x80);
  const avcC = box(
    'avcC',
    u8(1, 0x42, 0xc0, 0x1e, 0xff, 0xe1),
    u16(sps.length),
    sps,
    u8(1),
    u16(pps.length),
    pps,
  );
  return box(
    'avc1',
    zeros(6),
    u16(1), // data_reference_index
    zeros(16),
    u16(width, height),
    u32(0x48_0000, 0x48_0000, 0),
    u16(1),
    zeros(32),
    u16(24, 0xffff),
    avcC,
  );
}

/** A sample entry of sound without a configuration (QuickTime's uncompressed 16 bit). */
export function sowt(channels = 2, sampleRate = 48_000): Bytes {
  return box('sowt', zeros(6), u16(1), zeros(8), u16(channels, 16), u32(0), u16(sampleRate, 0));
}

export type TrakParts = {
  number?: number;
  handler?: string;
  timescale?: number;
  /** What is in stbl. */
  stbl: Bytes[];
  /** Boxes of trak after tkhd: edts, udta, tref. */
  extra?: Bytes[];
  /** tkhd's matrix. */
  matrix?: number[];
  language?: string;
  mdhdVersion?: 0 | 1;
};

const unity = [0x1_0000, 0, 0, 0, 0x1_0000, 0, 0, 0, 0x4000_0000];

export function trak(parts: TrakParts): Bytes {
  const { number = 1, handler = 'vide', timescale = 1000, stbl, extra = [], matrix = unity } = parts;
  const packed = [...(parts.language ?? 'und')].reduce((sum, c) => sum * 32 + c.charCodeAt(0) - 0x60, 0);
  const mdhd =
    parts.mdhdVersion === 1
      ? full('mdhd', 1, 0, u64(0, 0), u32(timescale), u64(0), u16(packed, 0))
      : full('mdhd', 0, 0, u32(0, 0, timescale, 0), u16(packed, 0));
  return box(
    'trak',
    full(
      'tkhd',
      0,
      3,
      u32(0, 0, number, 0, 0, 0, 0),
      u16(0, 0, 0, 0),
      u32(...matrix),
      u32(64 * 65_536, 48 * 65_536),
    ),
    ...extra,
    box(
      'mdia',
      mdhd,
      full('hdlr', 0, 0, u32(0), latin(handler), zeros(13)),
      box('minf', box('dinf', full('dref', 0, 0, u32(1), full('url ', 0, 1))), box('stbl', ...stbl)),
    ),
  );
}

export function moov(...parts: Bytes[]): Bytes {
  return box('moov', full('mvhd', 0, 0, u32(0, 0, 1000, 0), zeros(80)), ...parts);
}

export const stsd = (...entries: Bytes[]) => full('stsd', 0, 0, u32(entries.length), ...entries);
export const stts = (...runs: [count: number, delta: number][]) =>
  full('stts', 0, 0, u32(runs.length, ...runs.flat()));
export const ctts = (version: number, ...runs: [count: number, offset: number][]) =>
  full('ctts', version, 0, u32(runs.length, ...runs.flat()));
export const stsc = (...runs: [firstChunk: number, samples: number, entry: number][]) =>
  full('stsc', 0, 0, u32(runs.length, ...runs.flat()));
export const stsz = (...sizes: number[]) => full('stsz', 0, 0, u32(0, sizes.length, ...sizes));
export const stco = (...offsets: number[]) => full('stco', 0, 0, u32(offsets.length, ...offsets));
export const co64 = (...offsets: number[]) => full('co64', 0, 0, u32(offsets.length), u64(...offsets));
export const stss = (...numbers: number[]) => full('stss', 0, 0, u32(numbers.length, ...numbers));

/** stz2 with fields of 4, 8 or 16 bits. */
export function stz2(fieldBits: 4 | 8 | 16, ...sizes: number[]): Bytes {
  let fields: Bytes;
  if (fieldBits === 16) fields = u16(...sizes);
  else if (fieldBits === 8) fields = u8(...sizes);
  else fields = u8(...sizes.flatMap((size, i) => (i % 2 === 0 ? [size * 16 + (sizes[i + 1] ?? 0)] : [])));
  return full('stz2', 0, 0, u32(fieldBits, sizes.length), fields);
}
