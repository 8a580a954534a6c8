// Expands the sample tables of a track (stbl, ISO/IEC 14496-12 §8.5 to §8.7) into columns, one pass per table. The
// tables are hostile: counts are held against the bytes that are there, and what disagrees is said in a remark.
import type { Box, BoxBytes } from './box-reader.ts';
import type { SampleColumns } from './sample-columns.ts';

/** A table within a FullBox: `count` entries of `entryBytes` from `at`. */
type Table = { readonly at: number; readonly count: number };

export type TableRemark = (sentence: string) => void;

const badTable = 'a table of the file is shorter than it says';

/** The table of a FullBox whose entry count stands at `countAt` of its content (4 after version and flags). */
function table(file: BoxBytes, box: Box | null, entryBytes: number, remark: TableRemark, countAt = 4): Table {
  if (!box || box.end - box.start < countAt + 4) return { at: 0, count: 0 };
  const claimed = file.view.getUint32(box.start + countAt);
  const at = box.start + countAt + 4;
  const room = Math.floor((box.end - at) / entryBytes);
  if (claimed > room) remark(badTable);
  return { at, count: Math.min(claimed, room) };
}

type Sizes = { readonly count: number; readonly constant: number; sizeOf(sample: number): number };

/** stsz (§8.7.3.2) or stz2 (§8.7.3.3). */
function readSizes(file: BoxBytes, stbl: Box, remark: TableRemark): Sizes {
  const { view, bytes } = file;
  const stsz = file.child(stbl, 'stsz', 12);
  if (stsz) {
    const constant = view.getUint32(stsz.start + 4);
    if (constant > 0) return { count: view.getUint32(stsz.start + 8), constant, sizeOf: () => constant };
    const { at, count } = table(file, stsz, 4, remark, 8);
    return { count, constant: 0, sizeOf: (sample) => view.getUint32(at + 4 * sample) };
  }
  const stz2 = file.child(stbl, 'stz2', 12);
  if (!stz2) return { count: 0, constant: 0, sizeOf: () => 0 };
  const fieldBits = bytes[stz2.start + 7]!;
  const at = stz2.start + 12;
  if (fieldBits === 4) {
    const { count } = table(file, stz2, 0.5, remark, 8);
    const sizeOf = (sample: number) => (bytes[at + (sample >> 1)]! >> (sample & 1 ? 0 : 4)) & 15;
    return { count, constant: 0, sizeOf };
  }
  const isWide = fieldBits === 16;
  const { count } = table(file, stz2, isWide ? 2 : 1, remark, 8);
  return {
    count,
    constant: 0,
    sizeOf: isWide ? (sample) => view.getUint16(at + 2 * sample) : (sample) => bytes[at + sample]!,
  };
}

export type ExpandOptions = {
  /** Size of the file: no more samples are made than bytes could hold. */
  sizeBytes: number;
  /** How many sample entries there are; others are not named by a chunk. */
  entryCount: number;
  /** Uncompressed sound: each chunk becomes one sample, for its own samples are only a few bytes each. */
  joinsChunks: boolean;
  remark: TableRemark;
};

/** Appends the samples that `stbl` tells of. Throws AppError where there are more than we keep. */
export function expandSampleTable(file: BoxBytes, stbl: Box, columns: SampleColumns, options: ExpandOptions) {
  const { view } = file;
  const { remark } = options;
  const sizes = readSizes(file, stbl, remark);
  const timeRuns = table(file, file.child(stbl, 'stts', 8), 8, remark);
  if (sizes.count === 0 || timeRuns.count === 0) {
    if (sizes.count !== timeRuns.count) remark('a track has no times or no sizes for its samples');
    return;
  }
  if (sizes.constant > 0 && options.joinsChunks) {
    const ticks = Math.max(1, view.getUint32(timeRuns.at + 4));
    placeChunks(file, stbl, columns, options, (count) => ({
      bytes: count * sizes.constant,
      ticks: count * ticks,
    }));
    return;
  }
  // Every sample has a byte of its own, all but a few empty ones: a claim of more is not believed.
  const believable = Math.min(sizes.count, options.sizeBytes + 1024);
  const first = columns.count;
  columns.reserve(
    sizes.constant > 0 ? Math.min(believable, options.sizeBytes / sizes.constant + 1024) : believable,
  );
  const count = placeSamples(file, stbl, columns, sizes, options, Math.floor(believable));
  if (count < sizes.count) remark('samples without a place in the file were left out');
  readTimes(file, timeRuns, columns, first, count, remark);
  readOffsets(file, stbl, columns, first, count, remark);
  readKeys(file, stbl, columns, first, count, remark);
}

type Chunk = { offset: number; sampleCount: number; entryNumber: number };

/** The chunks in order: stco or co64 (§8.7.5) with stsc (§8.7.4). One object is used for all of them. */
function* chunksOf(file: BoxBytes, stbl: Box, entryCount: number, remark: TableRemark): Generator<Chunk> {
  const { view } = file;
  const stco = file.child(stbl, 'stco', 8);
  const offsets = stco ? table(file, stco, 4, remark) : table(file, file.child(stbl, 'co64', 8), 8, remark);
  const runs = table(file, file.child(stbl, 'stsc', 8), 12, remark);
  const chunk: Chunk = { offset: 0, sampleCount: 0, entryNumber: 0 };
  let run = -1;
  let nextRunAt = runs.count > 0 ? 1 : Number.POSITIVE_INFINITY; // first_chunk of the run to come, 1-based
  for (let i = 0; i < offsets.count; i += 1) {
    while (i + 1 >= nextRunAt) {
      run += 1;
      const at = runs.at + 12 * run;
      chunk.sampleCount = view.getUint32(at + 4); // samples_per_chunk
      chunk.entryNumber = Math.min(Math.max(0, view.getUint32(at + 8) - 1), Math.max(0, entryCount - 1));
      nextRunAt = run + 1 < runs.count ? view.getUint32(at + 12) : Number.POSITIVE_INFINITY;
    }
    chunk.offset = stco ? view.getUint32(offsets.at + 4 * i) : file.u64(offsets.at + 8 * i);
    if (chunk.sampleCount > 0) yield chunk;
  }
}

/** Sizes, offsets and descriptions; returns how many samples have a place. */
function placeSamples(
  file: BoxBytes,
  stbl: Box,
  columns: SampleColumns,
  sizes: Sizes,
  options: ExpandOptions,
  limit: number,
): number {
  let sample = 0;
  for (const chunk of chunksOf(file, stbl, options.entryCount, options.remark)) {
    const inChunk = Math.min(chunk.sampleCount, limit - sample);
    // A chunk that begins beyond the file would only be dropped later, sample by sample: end it here when the
    // sizes are constant, for their claimed count may be anything.
    if (sizes.constant > 0 && chunk.offset + inChunk * sizes.constant > 2 * options.sizeBytes) break;
    columns.reserve(inChunk);
    columns.useDescription(chunk.entryNumber);
    let offset = chunk.offset;
    let at = columns.count;
    for (let i = 0; i < inChunk; i += 1) {
      const size = sizes.sizeOf(sample);
      columns.sizes[at] = size;
      columns.offsets[at] = offset;
      columns.keys[at] = 1;
      offset += size;
      at += 1;
      sample += 1;
    }
    columns.count = at;
    if (sample >= limit) break;
  }
  return sample;
}

/** One sample per chunk, for uncompressed sound. */
function placeChunks(
  file: BoxBytes,
  stbl: Box,
  columns: SampleColumns,
  options: ExpandOptions,
  measure: (count: number) => { bytes: number; ticks: number },
) {
  for (const chunk of chunksOf(file, stbl, options.entryCount, options.remark)) {
    const { bytes, ticks } = measure(chunk.sampleCount);
    if (chunk.offset + bytes > options.sizeBytes) continue;
    columns.reserve(1);
    columns.useDescription(chunk.entryNumber);
    const at = columns.count;
    columns.sizes[at] = bytes;
    columns.offsets[at] = chunk.offset;
    columns.dts[at] = columns.endDts;
    columns.keys[at] = 1;
    columns.count = at + 1;
    columns.endDts += ticks;
  }
}

/** stts (§8.6.1.2). */
function readTimes(
  file: BoxBytes,
  runs: Table,
  columns: SampleColumns,
  first: number,
  count: number,
  remark: TableRemark,
) {
  const { view } = file;
  const { dts } = columns;
  let time = columns.endDts;
  let delta = 0;
  let i = 0;
  for (let run = 0; run < runs.count && i < count; run += 1) {
    const length = Math.min(view.getUint32(runs.at + 8 * run), count - i);
    delta = view.getUint32(runs.at + 8 * run + 4);
    // Some writers put negative steps here; time goes on instead by the least there is.
    if (delta > 0x7fffffff) delta = 1;
    for (let end = i + length; i < end; i += 1) {
      dts[first + i] = time;
      time += delta;
    }
  }
  if (i < count) remark('times of the last samples are missing; they go on as before');
  for (; i < count; i += 1) {
    dts[first + i] = time;
    time += delta;
  }
  columns.endDts = time;
}

/** ctts (§8.6.1.3). Version 0 is said to be unsigned, but writers put negative offsets there as well. */
function readOffsets(
  file: BoxBytes,
  stbl: Box,
  columns: SampleColumns,
  first: number,
  count: number,
  remark: TableRemark,
) {
  const { view } = file;
  const runs = table(file, file.child(stbl, 'ctts', 8), 8, remark);
  let i = 0;
  for (let run = 0; run < runs.count && i < count; run += 1) {
    const length = Math.min(view.getUint32(runs.at + 8 * run), count - i);
    const offset = view.getInt32(runs.at + 8 * run + 4);
    columns.cts.fill(offset, first + i, first + i + length);
    i += length;
  }
}

/** stss (§8.6.2): absent, every sample is a key frame, as the columns have it already. */
function readKeys(
  file: BoxBytes,
  stbl: Box,
  columns: SampleColumns,
  first: number,
  count: number,
  remark: TableRemark,
) {
  const stss = file.child(stbl, 'stss', 8);
  if (!stss || count === 0) return;
  const numbers = table(file, stss, 4, remark);
  columns.keys.fill(0, first, first + count);
  let found = 0;
  for (let i = 0; i < numbers.count; i += 1) {
    const number = file.view.getUint32(numbers.at + 4 * i);
    if (number < 1 || number > count) continue;
    columns.keys[first + number - 1] = 1;
    found += 1;
  }
  if (found === 0) {
    remark('no picture is marked as one to start from; the first is taken for one');
    columns.keys[first] = 1;
  }
}
