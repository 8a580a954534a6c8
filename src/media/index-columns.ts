// The sample table in an index file: each column in the narrowest numbers that hold it. Decode times are kept as
// differences and places as the gap to the end of the sample before, so that most columns are one number or small ones.
import { AppError } from '../errors.ts';
import type { Column, LittleEndianReader, LittleEndianWriter } from './little-endian.ts';
import type { SampleTable } from './track.ts';

/** How the numbers of a column are stored. */
const width = { constant: 0, u8: 1, u16: 2, u32: 3, f64: 4, i8: 5, i16: 6, i32: 7 } as const;

const types = {
  [width.u8]: Uint8Array,
  [width.u16]: Uint16Array,
  [width.u32]: Uint32Array,
  [width.f64]: Float64Array,
  [width.i8]: Int8Array,
  [width.i16]: Int16Array,
  [width.i32]: Int32Array,
} as const;

/** Which parts a table has. */
const hasCts = 1;
const hasKeys = 2;
const hasDescriptions = 4;

/** The narrowest width that holds whole numbers from `least` to `most`. */
function widthFor(least: number, most: number): number {
  if (least === most) return width.constant;
  if (least >= 0) {
    if (most <= 0xff) return width.u8;
    if (most <= 0xffff) return width.u16;
    if (most <= 0xffffffff) return width.u32;
    return width.f64;
  }
  if (least >= -0x80 && most <= 0x7f) return width.i8;
  if (least >= -0x8000 && most <= 0x7fff) return width.i16;
  if (least >= -0x80000000 && most <= 0x7fffffff) return width.i32;
  return width.f64;
}

function writeColumn(writer: LittleEndianWriter, values: Float64Array | Uint32Array | Int32Array): void {
  let least = Number.POSITIVE_INFINITY;
  let most = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (value < least) least = value;
    if (value > most) most = value;
  }
  const chosen = values.length === 0 ? width.constant : widthFor(least, most);
  writer.u8(chosen);
  if (chosen === width.constant) writer.f64(values.length === 0 ? 0 : least);
  else {
    const type = types[chosen as keyof typeof types];
    writer.column(values instanceof type ? values : new type(values));
  }
}

/** A column of `count` numbers; one number stands for all where they are alike. */
function readColumn(reader: LittleEndianReader, count: number): Column | number {
  const chosen = reader.u8();
  if (chosen === width.constant) return reader.f64();
  const type = types[chosen as keyof typeof types];
  if (!type) throw new AppError('corrupt', 'the index of this video has a column of unknown width');
  return reader.column<Column>(type, count);
}

export function writeSamples(writer: LittleEndianWriter, samples: SampleTable): void {
  const { count, sizes, offsets, dts, cts, keys, descriptions } = samples;
  writer.u32(count);
  writer.u8((cts ? hasCts : 0) | (keys ? hasKeys : 0) | (descriptions ? hasDescriptions : 0));
  writer.f64(samples.lastDuration);
  writer.f64(offsets[0] ?? 0);
  writer.f64(dts[0] ?? 0);
  writeColumn(writer, sizes);
  const differences = new Float64Array(Math.max(0, count - 1));
  for (let i = 1; i < count; i++) differences[i - 1] = offsets[i]! - offsets[i - 1]! - sizes[i - 1]!;
  writeColumn(writer, differences);
  for (let i = 1; i < count; i++) differences[i - 1] = dts[i]! - dts[i - 1]!;
  writeColumn(writer, differences);
  if (cts) writeColumn(writer, cts);
  if (keys) writeList(writer, keys);
  if (descriptions) writeList(writer, descriptions);
}

function writeList(writer: LittleEndianWriter, values: Uint32Array): void {
  writer.u32(values.length);
  writer.column(values);
}

/** Reads a table of at most `mostSamples`. Where a column is stored as it is used, it stays in the file's bytes. */
export function readSamples(
  reader: LittleEndianReader,
  entryCount: number,
  mostSamples: number,
): SampleTable {
  const count = reader.u32();
  if (count > mostSamples) throw new AppError('corrupt', 'the index of this video counts too many samples');
  const parts = reader.u8();
  const lastDuration = reader.f64();
  const firstOffset = reader.f64();
  const firstDts = reader.f64();
  const storedSizes = readColumn(reader, count);
  // What is read before is all there is in memory so far; these three are the allocations.
  const gaps = readColumn(reader, Math.max(0, count - 1));
  const durations = readColumn(reader, Math.max(0, count - 1));
  const storedCts = parts & hasCts ? readColumn(reader, count) : null;
  const keys = parts & hasKeys ? readList(reader) : null;
  const descriptions = parts & hasDescriptions ? readList(reader) : null;
  checkLists(count, keys, descriptions, entryCount);

  const sizes =
    storedSizes instanceof Uint32Array ? storedSizes : expand(new Uint32Array(count), storedSizes);
  const offsets = new Float64Array(count);
  if (typeof gaps === 'number') placeEvenly(offsets, sizes, firstOffset, gaps);
  else placeBy(gaps, offsets, sizes, firstOffset);
  const dts = new Float64Array(count);
  if (typeof durations === 'number') for (let i = 0; i < count; i++) dts[i] = firstDts + i * durations;
  else sumUp(durations, dts, firstDts);
  let cts: Int32Array | null = null;
  if (storedCts !== null)
    cts = storedCts instanceof Int32Array ? storedCts : expand(new Int32Array(count), storedCts);
  const wrong = (value: number | undefined) => value !== undefined && !Number.isFinite(value);
  if (wrong(offsets[count - 1]) || wrong(dts[count - 1]) || !Number.isFinite(lastDuration))
    throw new AppError('corrupt', 'the index of this video holds impossible numbers');
  return { count, sizes, offsets, dts, cts, keys, descriptions, lastDuration };
}

/** A column in the width it is used in; converting typed arrays is done by the engine, not in a loop here. */
function expand<Kind extends Uint32Array | Int32Array>(into: Kind, stored: Column | number): Kind {
  if (typeof stored === 'number') into.fill(stored);
  else into.set(stored);
  return into;
}

function placeEvenly(offsets: Float64Array, sizes: Uint32Array, first: number, gap: number): void {
  let place = first;
  for (let i = 0; i < offsets.length; i++) {
    offsets[i] = place;
    place += sizes[i]! + gap;
  }
}

// The loops below see one type of column at a time: a function of its own for each keeps them monomorphic.

function placeBy(gaps: Column, offsets: Float64Array, sizes: Uint32Array, first: number): void {
  // Widths other than these two are rare in files of more than a few samples: they take one conversion.
  if (gaps instanceof Uint16Array) placeBy16(gaps, offsets, sizes, first);
  else if (gaps instanceof Uint32Array) placeBy32(gaps, offsets, sizes, first);
  else placeBy64(gaps instanceof Float64Array ? gaps : new Float64Array(gaps), offsets, sizes, first);
}

function placeBy16(gaps: Uint16Array, offsets: Float64Array, sizes: Uint32Array, first: number): void {
  let place = first;
  if (offsets.length > 0) offsets[0] = place;
  for (let i = 1; i < offsets.length; i++) {
    place += sizes[i - 1]! + gaps[i - 1]!;
    offsets[i] = place;
  }
}

function placeBy32(gaps: Uint32Array, offsets: Float64Array, sizes: Uint32Array, first: number): void {
  let place = first;
  if (offsets.length > 0) offsets[0] = place;
  for (let i = 1; i < offsets.length; i++) {
    place += sizes[i - 1]! + gaps[i - 1]!;
    offsets[i] = place;
  }
}

function placeBy64(gaps: Float64Array, offsets: Float64Array, sizes: Uint32Array, first: number): void {
  let place = first;
  if (offsets.length > 0) offsets[0] = place;
  for (let i = 1; i < offsets.length; i++) {
    place += sizes[i - 1]! + gaps[i - 1]!;
    offsets[i] = place;
  }
}

function sumUp(durations: Column, dts: Float64Array, first: number): void {
  const steps = durations instanceof Float64Array ? durations : new Float64Array(durations);
  let time = first;
  if (dts.length > 0) dts[0] = time;
  for (let i = 1; i < dts.length; i++) {
    time += steps[i - 1]!;
    dts[i] = time;
  }
}

function readList(reader: LittleEndianReader): Uint32Array {
  const count = reader.count(4);
  return reader.column(Uint32Array, count);
}

/** What reads a table relies on ascending numbers that are samples. */
function checkLists(
  count: number,
  keys: Uint32Array | null,
  descriptions: Uint32Array | null,
  entryCount: number,
): void {
  let last = -1;
  for (const key of keys ?? []) {
    if (key <= last || key >= count)
      throw new AppError('corrupt', 'the index of this video has wrong key frames');
    last = key;
  }
  last = -1;
  for (let i = 0; descriptions && i < descriptions.length; i += 2) {
    const [sample, entry] = [descriptions[i]!, descriptions[i + 1]];
    if (sample <= last || sample >= count || entry === undefined || entry >= Math.max(1, entryCount))
      throw new AppError('corrupt', 'the index of this video has wrong descriptions');
    last = sample;
  }
}
