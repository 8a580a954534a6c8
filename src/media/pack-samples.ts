// Packs a sample table for an index file: one pass over each column finds how narrow its numbers can be and what a
// header's size depends on. Scratch memory is 4 bytes a sample.
import type { PackedColumn, PackedSamples } from './packed-columns.ts';
import type { SampleTable } from './track.ts';

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

/** Loops go through so many samples at a call: functions called often are compiled early, and stay compiled. */
const blockSamples = 2048;

function packPlaces(offsets: Float64Array, sizes: Uint32Array, count: number): Places {
  if (count === 0) return { sizes: 0, gaps: 0, low: 0, high: 0, largestStep: 0, chunks: 0, chunkRuns: 0 };
  const gaps = new Int32Array(count - 1);
  const seen = new PlaceTotals(offsets[0]!, sizes[0]!);
  for (let first = 1; first < count; first += blockSamples)
    seen.add(offsets, sizes, gaps, first, Math.min(first + blockSamples, count));
  const { leastSize, mostSize, leastGap, mostGap, low, high, isSmall } = seen;
  const { chunks, chunkRuns } = seen.end(count);
  return {
    sizes: narrow(sizes, leastSize, mostSize),
    gaps: isSmall ? narrow(gaps, leastGap, mostGap) : wideGaps(offsets, sizes, count),
    ...{ low, high, chunks, chunkRuns },
    largestStep: Math.max(mostSize, mostGap, -leastGap),
  };
}

/** What is found while the gaps are computed. */
class PlaceTotals {
  leastSize: number;
  mostSize: number;
  leastGap = 0x7fffffff;
  mostGap = -0x80000000;
  /** Whether all gaps are whole numbers of 32 bits. */
  isSmall = true;
  low: number;
  high: number;
  /** Where the sample before is over. */
  #over: number;
  #chunks = 1;
  #chunkRuns = 0;
  /** The first sample of the chunk that is open, and the length of the last run's chunks. */
  #from = 0;
  #runLength = 0;

  constructor(firstOffset: number, firstSize: number) {
    this.leastSize = firstSize;
    this.mostSize = firstSize;
    this.low = firstOffset;
    this.#over = firstOffset + firstSize;
    this.high = this.#over;
  }

  add(offsets: Float64Array, sizes: Uint32Array, gaps: Int32Array, first: number, end: number): void {
    let { leastSize, mostSize, leastGap, mostGap, high } = this;
    let over = this.#over;
    let chunks = this.#chunks;
    let from = this.#from;
    for (let i = first; i < end; i++) {
      const offset = offsets[i]!;
      const size = sizes[i]!;
      const gap = offset - over;
      const whole = gap | 0;
      over = offset + size;
      gaps[i - 1] = whole;
      if (over > high) high = over;
      if (size < leastSize) leastSize = size;
      if (size > mostSize) mostSize = size;
      if (whole < leastGap) leastGap = whole;
      if (whole > mostGap) mostGap = whole;
      if (whole !== gap) this.isSmall = false;
      if (gap === 0) continue;
      if (gap < 0 && offset < this.low) this.low = offset;
      if (i - from !== this.#runLength) {
        this.#runLength = i - from;
        this.#chunkRuns++;
      }
      chunks = (chunks + 1) | 0;
      from = i;
    }
    this.leastSize = leastSize;
    this.mostSize = mostSize;
    this.leastGap = leastGap;
    this.mostGap = mostGap;
    this.high = high;
    this.#over = over;
    this.#chunks = chunks;
    this.#from = from;
  }

  end(count: number): { chunks: number; chunkRuns: number } {
    const isAnother = count - this.#from !== this.#runLength;
    return { chunks: this.#chunks, chunkRuns: this.#chunkRuns + (isAnother ? 1 : 0) };
  }
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
  const seen = new DurationTotals(dts[0]!);
  for (let first = 1; first < count; first += blockSamples)
    seen.add(dts, durations, first, Math.min(first + blockSamples, count));
  const { least, most, isSmall, runs, before } = seen;
  return {
    durations: isSmall ? narrow(durations, least, most) : wideTimes(dts, count),
    runs: lastDuration === before ? runs : runs + 1,
  };
}

/** What is found while the durations are computed. */
class DurationTotals {
  least = 0x7fffffff;
  most = -0x80000000;
  isSmall = true;
  runs = 0;
  /** The duration before: at first like none. */
  before = Number.NaN;
  #last: number;

  constructor(first: number) {
    this.#last = first;
  }

  add(dts: Float64Array, durations: Int32Array, first: number, end: number): void {
    let { least, most, runs, before } = this;
    let last = this.#last;
    for (let i = first; i < end; i++) {
      const time = dts[i]!;
      const duration = time - last;
      const whole = duration | 0;
      last = time;
      durations[i - 1] = whole;
      if (duration === before) continue;
      before = duration;
      runs = (runs + 1) | 0;
      if (whole !== duration) this.isSmall = false;
      if (whole < least) least = whole;
      if (whole > most) most = whole;
    }
    this.least = least;
    this.most = most;
    this.runs = runs;
    this.before = before;
    this.#last = last;
  }
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
