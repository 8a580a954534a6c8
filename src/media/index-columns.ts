// The sample table in an index file: the packed table as it is, each column after the width of its numbers.
import { AppError } from '../errors.ts';
import type { LittleEndianReader, LittleEndianWriter } from './little-endian.ts';
import { packSamples } from './pack-samples.ts';
import type { PackedColumn, PackedTotals } from './packed-columns.ts';
import { checkPacked, unpackSamples } from './packed-samples.ts';
import type { SampleTable } from './track.ts';

/** How the numbers of a column are stored: one for all, or the place of its type here. */
const constant = 0;
const types = [
  null,
  Uint8Array,
  Uint16Array,
  Uint32Array,
  Float64Array,
  Int8Array,
  Int16Array,
  Int32Array,
] as const;

/** Which parts a table has. */
const hasCts = 1;
const hasKeys = 2;
const hasDescriptions = 4;

/** In the order of the file. */
const places = ['lastDts', 'endTicks', 'low', 'high', 'leastCts', 'largestStep'] as const;
const counts = ['durationRuns', 'ctsRuns', 'chunks', 'chunkRuns'] as const;

export function writeSamples(writer: LittleEndianWriter, samples: SampleTable): void {
  const packed = packSamples(samples);
  const { count, sizes, gaps, durations, cts, keys, descriptions } = packed;
  writer.u32(count);
  writer.u8((cts === null ? 0 : hasCts) | (keys ? hasKeys : 0) | (descriptions ? hasDescriptions : 0));
  for (const value of [packed.lastDuration, packed.firstOffset, packed.firstDts]) writer.f64(value);
  for (const name of places) writer.f64(packed[name]);
  for (const name of counts) writer.u32(packed[name]);
  writeColumn(writer, sizes);
  writeColumn(writer, gaps);
  writeColumn(writer, durations);
  if (cts !== null) writeColumn(writer, cts);
  if (keys) writeList(writer, keys);
  if (descriptions) writeList(writer, descriptions);
}

function writeColumn(writer: LittleEndianWriter, column: PackedColumn): void {
  if (typeof column === 'number') {
    writer.u8(constant);
    writer.f64(column);
    return;
  }
  writer.u8(types.findIndex((type) => type !== null && column instanceof type));
  writer.column(column);
}

function writeList(writer: LittleEndianWriter, values: Uint32Array): void {
  writer.u32(values.length);
  writer.column(values);
}

/**
 * Reads a table of at most `mostSamples`. Its columns stay in the file's bytes until somebody looks at them.
 * Throws AppError `corrupt`.
 */
export function readSamples(
  reader: LittleEndianReader,
  entryCount: number,
  mostSamples: number,
): SampleTable {
  const count = reader.u32();
  if (count > mostSamples) throw new AppError('corrupt', 'the index of this video counts too many samples');
  const parts = reader.u8();
  const [lastDuration, firstOffset, firstDts] = [reader.f64(), reader.f64(), reader.f64()];
  const totals = Object.fromEntries([
    ...places.map((name) => [name, reader.f64()]),
    ...counts.map((name) => [name, reader.u32()]),
  ]) as PackedTotals;
  const between = Math.max(0, count - 1);
  const packed = {
    ...{ count, lastDuration, firstOffset, firstDts, ...totals },
    sizes: readColumn(reader, count),
    gaps: readColumn(reader, between),
    durations: readColumn(reader, between),
    cts: parts & hasCts ? readColumn(reader, count) : null,
    keys: parts & hasKeys ? readList(reader) : null,
    descriptions: parts & hasDescriptions ? readList(reader) : null,
  };
  checkPacked(packed, entryCount);
  return unpackSamples(packed);
}

function readColumn(reader: LittleEndianReader, count: number): PackedColumn {
  const width = reader.u8();
  if (width === constant) return reader.f64();
  const type = types[width];
  if (!type) throw new AppError('corrupt', 'the index of this video has a column of unknown width');
  return reader.column<Exclude<PackedColumn, number>>(type, count);
}

function readList(reader: LittleEndianReader): Uint32Array {
  const count = reader.count(4);
  return reader.column(Uint32Array, count);
}
