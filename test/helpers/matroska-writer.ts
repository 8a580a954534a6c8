// Writes Matroska byte by byte for tests: elements of any width, unknown sizes, all lacings, and whatever is wrong on
// purpose. It shares nothing but ids with the reader that it tests.
import { createPushScan, scanByReading } from '../../src/media/feed.ts';
import { ids } from '../../src/media/matroska/elements.ts';
import { parseMatroska } from '../../src/media/matroska/scan.ts';
import type { MediaIndex } from '../../src/media/track.ts';

export type Content = Uint8Array | string | readonly Content[];

export function join(content: Content): Uint8Array {
  if (typeof content === 'string') return new TextEncoder().encode(content);
  if (content instanceof Uint8Array) return content;
  return new Uint8Array(Buffer.concat(content.map(join)));
}

/** A variable-size integer, `width` bytes wide (the fewest that hold it unless told). */
export function vint(value: number, width = 0): Uint8Array {
  let bytes = width;
  if (bytes === 0) for (bytes = 1; value >= 2 ** (7 * bytes) - 1; ) bytes += 1;
  const number = BigInt(value) + (1n << BigInt(7 * bytes));
  return Uint8Array.from({ length: bytes }, (_, index) =>
    Number((number >> BigInt(8 * (bytes - 1 - index))) & 255n),
  );
}

export function idBytes(id: number): Uint8Array {
  const hex = id.toString(16);
  return new Uint8Array(Buffer.from(hex.length % 2 ? `0${hex}` : hex, 'hex'));
}

/** `sizeWidth`: bytes of the size field. `size`: what it says instead of the truth; `unknown` for all ones. */
export function element(
  id: number,
  content: Content,
  options: { sizeWidth?: number; size?: number | 'unknown' } = {},
): Uint8Array {
  const body = join(content);
  const { sizeWidth = 0, size = body.length } = options;
  return join([idBytes(id), size === 'unknown' ? unknownSize(sizeWidth || 8) : vint(size, sizeWidth), body]);
}

/** All bits one behind the marker. */
function unknownSize(width: number): Uint8Array {
  return Uint8Array.from({ length: width }, (_, index) => (index === 0 ? 0xff >> (width - 1) : 0xff));
}

export function uint(id: number, value: number | bigint): Uint8Array {
  let hex = BigInt(value).toString(16);
  if (hex.length % 2) hex = `0${hex}`;
  return element(id, new Uint8Array(Buffer.from(hex, 'hex')));
}

export function int(id: number, value: number): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigInt64(0, BigInt(value));
  return element(id, bytes);
}

export function float(id: number, value: number): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setFloat64(0, value);
  return element(id, bytes);
}

/** EBML Header. */
export function ebmlHeader(docType = 'matroska', more: Content = []): Uint8Array {
  return element(ids.ebml, [element(ids.docType, docType), more]);
}

export const voidElement = (size: number) => element(ids.void, new Uint8Array(size).fill(0xaa));
/** A CRC-32 of the wrong value: readers may ignore it, and this one does. */
export const crc32 = element(ids.crc32, Uint8Array.of(1, 2, 3, 4));

export function info(more: Content = [], scaleNs: number | bigint = 1_000_000): Uint8Array {
  return element(ids.info, [uint(ids.timestampScale, scaleNs), more]);
}

export const tracks = (...entries: Uint8Array[]) => element(ids.tracks, entries);

export function trackEntry(number: number, type: number, codecId: string, more: Content = []): Uint8Array {
  return element(ids.trackEntry, [
    uint(ids.trackNumber, number),
    uint(ids.trackType, type),
    element(ids.codecId, codecId),
    more,
  ]);
}

/** A VP8 picture: needs no configuration. */
export function videoTrack(number = 1, more: Content = [], videoMore: Content = []): Uint8Array {
  const video = element(ids.video, [uint(ids.pixelWidth, 320), uint(ids.pixelHeight, 240), videoMore]);
  return trackEntry(number, 1, 'V_VP8', [video, more]);
}

export const audioSettings = (sampleRate: number, channels: number, bitDepth = 16) =>
  element(ids.audio, [
    float(ids.samplingFrequency, sampleRate),
    uint(ids.channels, channels),
    uint(ids.bitDepth, bitDepth),
  ]);

/** AAC-LC, 48 kHz, stereo. */
export function aacTrack(number = 2, more: Content = []): Uint8Array {
  const config = element(ids.codecPrivate, Uint8Array.of(0x11, 0x90));
  return trackEntry(number, 2, 'A_AAC', [config, audioSettings(48_000, 2), more]);
}

/** Opus, stereo, with a pre-skip of 312 samples. */
export function opusTrack(number = 2, more: Content = uint(ids.codecDelay, 6_500_000)): Uint8Array {
  const head = ['OpusHead', Uint8Array.of(1, 2, 0x38, 0x01, 0x80, 0xbb, 0, 0, 0, 0, 0)];
  return trackEntry(number, 2, 'A_OPUS', [element(ids.codecPrivate, head), audioSettings(48_000, 2), more]);
}

export const textTrack = (number: number, more: Content = []) => trackEntry(number, 17, 'S_TEXT/UTF8', more);

export type BlockOptions = {
  track?: number;
  /** Ticks after the Cluster. */
  time: number;
  frames: readonly Content[];
  lacing?: 'none' | 'xiph' | 'fixed' | 'ebml';
  key?: boolean;
  /** Bytes of the track number. */
  numberWidth?: number;
};

const lacingBits = { none: 0, xiph: 1, fixed: 2, ebml: 3 } as const;

/** The content of a SimpleBlock or Block. */
function blockContent(block: BlockOptions): Uint8Array {
  const { track = 1, time, frames, lacing = 'none', key = false, numberWidth = 1 } = block;
  const bodies = frames.map(join);
  const flags = (key ? 0x80 : 0) | (lacingBits[lacing] << 1);
  const head = [vint(track, numberWidth), Uint8Array.of((time >> 8) & 255, time & 255, flags)];
  return join([head, lacing === 'none' ? [] : laceHead(lacing, bodies), bodies]);
}

function laceHead(lacing: 'xiph' | 'fixed' | 'ebml', bodies: readonly Uint8Array[]): Content {
  const sizes = bodies.slice(0, -1).map(({ length }) => length);
  const count = Uint8Array.of(bodies.length - 1);
  if (lacing === 'fixed') return count;
  if (lacing === 'xiph') {
    return [
      count,
      sizes.map((size) => [new Uint8Array(Math.floor(size / 255)).fill(255), Uint8Array.of(size % 255)]),
    ];
  }
  return [
    count,
    sizes.map((size, index) => (index === 0 ? vint(size) : difference(size - sizes[index - 1]!))),
  ];
}

/** A signed difference of EBML lacing: biased by half the range of its width. */
function difference(value: number): Uint8Array {
  let width = 1;
  while (Math.abs(value) >= 2 ** (7 * width - 1) - 1) width += 1;
  return vint(value + 2 ** (7 * width - 1) - 1, width);
}

export const simpleBlock = (block: BlockOptions) => element(ids.simpleBlock, blockContent(block));

export function blockGroup(block: BlockOptions, more: Content = []): Uint8Array {
  const reference = block.key === false ? int(ids.referenceBlock, -40) : [];
  return element(ids.blockGroup, [
    element(ids.block, blockContent({ ...block, key: false })),
    reference,
    more,
  ]);
}

export function cluster(
  time: number | bigint,
  content: Content,
  options: { sizeWidth?: number; size?: number | 'unknown' } = {},
): Uint8Array {
  return element(ids.cluster, [uint(ids.timestamp, time), content], options);
}

export function segment(
  content: Content,
  options: { sizeWidth?: number; size?: number | 'unknown' } = {},
): Uint8Array {
  return element(ids.segment, content, { size: 'unknown', ...options });
}

/** A whole file of one Segment. */
export const matroska = (...content: Content[]) => join([ebmlHeader(), segment(content)]);

/** Bytes that tell which frame they are. */
export function frame(number: number, size = 20): Uint8Array {
  return Uint8Array.from({ length: size }, (_, index) => (number * 37 + index * 11) & 255);
}

/** Parses by push in chunks of `chunkBytes` (one buffer for all, spoilt after each). */
export function parsePushed(file: Uint8Array, chunkBytes = file.length): MediaIndex {
  const scan = createPushScan((feed) => parseMatroska(feed));
  const shared = new Uint8Array(chunkBytes);
  for (let at = 0; at < file.length; at += chunkBytes) {
    const part = file.subarray(at, at + chunkBytes);
    shared.set(part);
    scan.push(shared.subarray(0, part.length));
    shared.fill(0xee);
  }
  return scan.finish();
}

/** Parses by reading at least `windowBytes` at once. */
export function parseRead(file: Uint8Array, windowBytes = 256): Promise<MediaIndex> {
  const readAt = (into: Uint8Array, position: number) => {
    const part = file.subarray(position, position + into.length);
    into.set(part);
    return part.length;
  };
  return scanByReading((feed) => parseMatroska(feed), readAt, file.length, windowBytes);
}

/** The bytes of each sample of a track. */
export function sampleBytes(file: Uint8Array, index: MediaIndex, track = 0): Uint8Array[] {
  const { offsets, sizes } = index.tracks[track]!.samples;
  return Array.from(offsets, (offset, sample) => file.slice(offset, offset + sizes[sample]!));
}

/** Presentation times of a track in seconds, after its edit. */
export function presentedSeconds(index: MediaIndex, track = 0): number[] {
  const { samples, edits, timescale } = index.tracks[track]!;
  const begin = edits[0]?.mediaTime ?? 0;
  return Array.from(samples.dts, (dts, sample) => (dts + (samples.cts?.[sample] ?? 0) - begin) / timescale);
}

/** Which samples of a track are key frames. */
export function keyFlags(index: MediaIndex, track = 0): boolean[] {
  const { count, keys } = index.tracks[track]!.samples;
  return Array.from({ length: count }, (_, sample) => keys === null || keys.includes(sample));
}
