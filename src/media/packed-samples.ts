// A sample table in little room: each column in the narrowest numbers that hold it, decode times as differences, places
// as the gap to the end of the sample before; and what a header's size depends on, counted beforehand. This is what an
// index file holds. Made in one pass over each column; turned back only where somebody looks at a column.
import { AppError } from '../errors.ts';
import type { Column } from './little-endian.ts';
import type { SampleTable } from './track.ts';

/** One number stands for a column of equal ones. */
export type PackedColumn = Column | number;

export type PackedSamples = {
  readonly count: number;
  readonly sizes: PackedColumn;
  readonly firstOffset: number;
  /** Bytes from the end of sample `i` to the beginning of `i + 1`: one fewer than there are samples. */
  readonly gaps: PackedColumn;
  readonly firstDts: number;
  /** Ticks from sample `i` to `i + 1`: one fewer than there are samples. */
  readonly durations: PackedColumn;
  readonly lastDuration: number;
  readonly cts: PackedColumn | null;
  readonly keys: Uint32Array | null;
  readonly descriptions: Uint32Array | null;
} & PackedTotals;

/** What is known of a whole table without going through it. All 0 where there are no samples. */
export type PackedTotals = {
  readonly lastDts: number;
  /** When the last sample is over as presented, in ticks; at least 0. */
  readonly endTicks: number;
  /** The range of the blob in which the samples lie, end-exclusive. */
  readonly low: number;
  readonly high: number;
  /** Runs of equal durations (the last sample's included), and of equal `cts` (0 where it is null). */
  readonly durationRuns: number;
  readonly ctsRuns: number;
  readonly leastCts: number;
  /** No sample is larger, nor any gap (before or behind), than this. */
  readonly largestStep: number;
  /** Runs of samples that lie next to each other, and runs of such runs that are equally long. */
  readonly chunks: number;
  readonly chunkRuns: number;
};

/** Packs a table. Its columns may be kept where they are as narrow as can be. */
export function packSamples(samples: SampleTable): PackedSamples {
  const { count, sizes, offsets, dts, cts, keys, descriptions, lastDuration } = samples;
  const places = packPlaces(offsets, sizes, count);
  const times = packTimes(dts, count, lastDuration);
  const shifts = cts === null ? null : packShifts(cts, dts, count, lastDuration);
  const lastDts = count > 0 ? dts[count - 1]! : 0;
  return {
    count,
    firstOffset: count > 0 ? offsets[0]! : 0,
    firstDts: count > 0 ? dts[0]! : 0,
    lastDts,
    ...{ lastDuration, keys, descriptions, ...places },
    durations: times.durations,
    durationRuns: times.runs,
    cts: shifts?.cts ?? null,
    ctsRuns: shifts?.runs ?? 0,
    leastCts: shifts?.least ?? 0,
    endTicks: shifts?.endTicks ?? (count > 0 ? lastDts + lastDuration : 0),
  };
}

type Places = Pick<PackedSamples, 'sizes' | 'gaps' | 'low' | 'high' | 'largestStep' | 'chunks' | 'chunkRuns'>;

function packPlaces(offsets: Float64Array, sizes: Uint32Array, count: number): Places {
  if (count === 0) return { sizes: 0, gaps: 0, low: 0, high: 0, largestStep: 0, chunks: 0, chunkRuns: 0 };
  const gaps = new Int32Array(count - 1);
  let isSmall = true;
  let [leastGap, mostGap] = [0x7fffffff, -0x80000000];
  let [leastSize, mostSize] = [0xffffffff, 0];
  let low = offsets[0]!;
  let high = 0;
  let chunks = 0;
  let chunkRuns = 0;
  let from = 0;
  let runLength = 0;
  let over = low;
  for (let i = 0; i < count; i++) {
    const offset = offsets[i]!;
    const size = sizes[i]!;
    const gap = offset - over;
    over = offset + size;
    if (over > high) high = over;
    if (size < leastSize) leastSize = size;
    if (size > mostSize) mostSize = size;
    if (i === 0) continue;
    const whole = gap | 0;
    gaps[i - 1] = whole;
    if (whole !== gap) isSmall = false;
    if (whole < leastGap) leastGap = whole;
    if (whole > mostGap) mostGap = whole;
    if (gap === 0) continue;
    if (offset < low) low = offset;
    chunks++;
    if (i - from !== runLength) {
      runLength = i - from;
      chunkRuns++;
    }
    from = i;
  }
  chunks++;
  if (count - from !== runLength) chunkRuns++;
  return {
    sizes: narrow(sizes, leastSize, mostSize),
    gaps: isSmall ? narrow(gaps, leastGap, mostGap) : wideGaps(offsets, sizes, count),
    ...{ low, high, chunks, chunkRuns },
    largestStep: Math.max(mostSize, mostGap, -leastGap),
  };
}

function wideGaps(offsets: Float64Array, sizes: Uint32Array, count: number): Float64Array {
  const gaps = new Float64Array(count - 1);
  for (let i = 1; i < count; i++) gaps[i - 1] = offsets[i]! - offsets[i - 1]! - sizes[i - 1]!;
  return gaps;
}

function packTimes(
  dts: Float64Array,
  count: number,
  lastDuration: number,
): { durations: PackedColumn; runs: number } {
  if (count === 0) return { durations: 0, runs: 0 };
  const durations = new Int32Array(count - 1);
  let isSmall = true;
  let [least, most] = [0x7fffffff, -0x80000000];
  let runs = 0;
  let before = -1;
  let last = dts[0]!;
  for (let i = 1; i < count; i++) {
    const time = dts[i]!;
    const duration = time - last;
    last = time;
    const whole = duration | 0;
    durations[i - 1] = whole;
    if (whole !== duration) isSmall = false;
    if (whole < least) least = whole;
    if (whole > most) most = whole;
    if (duration !== before) {
      runs++;
      before = duration;
    }
  }
  if (lastDuration !== before) runs++;
  return { durations: isSmall ? narrow(durations, least, most) : wideTimes(dts, count), runs };
}

function wideTimes(dts: Float64Array, count: number): Float64Array {
  const durations = new Float64Array(count - 1);
  for (let i = 1; i < count; i++) durations[i - 1] = dts[i]! - dts[i - 1]!;
  return durations;
}

type Shifts = { cts: PackedColumn; runs: number; least: number; endTicks: number };

function packShifts(cts: Int32Array, dts: Float64Array, count: number, lastDuration: number): Shifts {
  let [least, most] = [0x7fffffff, -0x80000000];
  let runs = 0;
  let before = 0;
  let endTicks = 0;
  for (let i = 0; i < count; i++) {
    const shift = cts[i]!;
    const over = (i + 1 < count ? dts[i + 1]! : dts[i]! + lastDuration) + shift;
    if (over > endTicks) endTicks = over;
    if (shift < least) least = shift;
    if (shift > most) most = shift;
    if (runs === 0 || shift !== before) {
      runs++;
      before = shift;
    }
  }
  return { cts: count === 0 ? 0 : narrow(cts, least, most), runs, least: count === 0 ? 0 : least, endTicks };
}

/** Whole numbers from `least` to `most` in the narrowest way; converting typed arrays is done by the engine. */
function narrow(values: Uint32Array | Int32Array, least: number, most: number): PackedColumn {
  if (values.length === 0) return 0;
  if (least === most) return least;
  if (least >= 0) {
    if (most <= 0xff) return new Uint8Array(values);
    if (most <= 0xffff) return new Uint16Array(values);
    return values;
  }
  if (least >= -0x80 && most <= 0x7f) return new Int8Array(values);
  if (least >= -0x8000 && most <= 0x7fff) return new Int16Array(values);
  return values;
}

/** The table of packed samples: each column is made when it is first looked at, and kept. */
export function unpackSamples(packed: PackedSamples): SampleTable {
  const { count, keys, descriptions, lastDuration } = packed;
  let sizes: Uint32Array | null = null;
  let offsets: Float64Array | null = null;
  let dts: Float64Array | null = null;
  let cts: Int32Array | null = null;
  const table = {
    count,
    get sizes() {
      sizes ??=
        packed.sizes instanceof Uint32Array ? packed.sizes : spread(new Uint32Array(count), packed.sizes);
      return sizes;
    },
    get offsets() {
      offsets ??= place(table.sizes, packed);
      return offsets;
    },
    get dts() {
      dts ??= sumUp(packed);
      return dts;
    },
    get cts() {
      if (packed.cts === null) return null;
      cts ??= packed.cts instanceof Int32Array ? packed.cts : spread(new Int32Array(count), packed.cts);
      return cts;
    },
    ...{ keys, descriptions, lastDuration },
  };
  // Not enumerable: a copy of the table with another column must not take the old ones along.
  return Object.defineProperty(table, 'packed', { value: packed }) as SampleTable;
}

/** A column in wider numbers. */
export function spread<Kind extends Uint32Array | Int32Array | Float64Array>(
  into: Kind,
  column: PackedColumn,
): Kind {
  if (typeof column === 'number') into.fill(column);
  else into.set(column);
  return into;
}

function place(sizes: Uint32Array, { count, gaps, firstOffset }: PackedSamples): Float64Array {
  // The gaps are put where the places will be, one further: widening is the engine's work, and one loop serves all.
  const offsets = new Float64Array(count);
  if (count === 0) return offsets;
  spread(offsets.subarray(1), gaps);
  let at = firstOffset;
  offsets[0] = at;
  for (let i = 1; i < count; i++) {
    at += sizes[i - 1]! + offsets[i]!;
    offsets[i] = at;
  }
  return offsets;
}

function sumUp({ count, durations, firstDts }: PackedSamples): Float64Array {
  const dts = new Float64Array(count);
  if (count === 0) return dts;
  spread(dts.subarray(1), durations);
  let at = firstDts;
  dts[0] = at;
  for (let i = 1; i < count; i++) {
    at += dts[i]!;
    dts[i] = at;
  }
  return dts;
}

/** Throws AppError `corrupt` where a table cannot be. What is not checked here cannot do harm. */
export function checkPacked(packed: PackedSamples, entryCount: number): void {
  const { count, keys, descriptions, durationRuns, ctsRuns, chunks, chunkRuns } = packed;
  const wrong = (column: PackedColumn | null) =>
    typeof column === 'number'
      ? !Number.isFinite(column)
      : column instanceof Float64Array && !column.every(Number.isFinite);
  const { firstOffset, firstDts, lastDts, lastDuration, endTicks, low, high, leastCts, largestStep } = packed;
  const numbers = [firstOffset, firstDts, lastDts, lastDuration, endTicks, low, high, leastCts, largestStep];
  if (
    [packed.sizes, packed.gaps, packed.durations, packed.cts].some(wrong) ||
    !numbers.every(Number.isFinite) ||
    Math.max(durationRuns, ctsRuns, chunks, chunkRuns) > count
  )
    throw new AppError('corrupt', 'the index of this video holds impossible numbers');
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
