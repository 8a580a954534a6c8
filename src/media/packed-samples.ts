// Turns a packed sample table back into columns, each only where somebody looks at it, and checks that one can be.
import { AppError } from '../errors.ts';
import type { PackedColumn, PackedSamples } from './packed-columns.ts';
import type { SampleTable } from './track.ts';

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
