// Sample tables of a whole track straight from the packed table of an index file. They are made a block at a time in
// scratch memory that stays in the processor's cache: touching new memory costs more than the work. What can be left to
// the engine (widening numbers, copying, swapping bytes) is, and the few loops see one type of array each.
import { AppError } from '../../errors.ts';
import type { PackedColumn, PackedSamples } from '../packed-columns.ts';
import {
  blockSamples,
  ChunkPlaces,
  ChunkRuns,
  EqualRuns,
  largestStep,
  type Maker,
  SinglePlaces,
} from './table-makers.ts';
import type { SampleTables } from './table-source.ts';

/** Tables of a packed table; null where its numbers are too large for the loops, or it has several sample entries. */
export function storedTables(packed: PackedSamples): SampleTables | null {
  const { count, sizes, gaps, durations, cts, descriptions, lastDuration, keys } = packed;
  const fits = isSmall(gaps) && isSmall(durations) && (cts === null || isSmall(cts)) && isSmall(lastDuration);
  if (!fits || packed.largestStep > largestStep || descriptions !== null || count === 0) return null;
  const offsets = cts === null || (packed.ctsRuns === 1 && packed.leastCts === 0) ? null : cts;
  const lengths = {
    times: packed.durationRuns * 2,
    offsets: offsets === null ? 0 : packed.ctsRuns * 2,
    chunkRuns: packed.chunkRuns * 3,
    chunks: packed.chunks,
  };
  return {
    baseTicks: packed.firstDts,
    overTicks: packed.lastDts + lastDuration,
    endTicks: packed.endTicks,
    lengths,
    hasNegativeOffset: packed.leastCts < 0,
    ...{ low: packed.low, high: packed.high },
    keys: keys === null ? null : keys.map((key) => key + 1),
    times(emit) {
      // Sound: all last equally long, or all but the last one.
      const isConstant = typeof durations === 'number' || count === 1;
      if (isConstant && lengths.times === 2) emit(Uint32Array.of(count, lastDuration));
      else if (isConstant) emit(Uint32Array.of(count - 1, durations as number, 1, lastDuration));
      else make(new EqualRuns(), count, null, durations, lastDuration, lengths.times, emit);
    },
    offsets(emit) {
      if (typeof offsets === 'number') emit(Uint32Array.of(count, offsets));
      else if (offsets !== null) make(new EqualRuns(), count, null, offsets, 0, lengths.offsets, emit);
    },
    sizes(emit) {
      if (sizes instanceof Uint32Array) return emit(sizes);
      const block = new Uint32Array(Math.min(blockSamples, count));
      for (let first = 0; first < count; first += blockSamples) {
        const length = Math.min(blockSamples, count - first);
        widen(block, sizes, first, length);
        emit(block.subarray(0, length));
      }
    },
    chunkRuns(emit) {
      if (packed.chunks === count) emit(Uint32Array.of(1, 1, 1));
      else make(new ChunkRuns(), count, null, gaps, 1, lengths.chunkRuns, emit);
    },
    places(shift, isLarge, emit) {
      const first = packed.firstOffset + shift;
      const maker =
        packed.chunks === count ? new SinglePlaces(first, isLarge) : new ChunkPlaces(first, isLarge);
      make(maker, count, sizes, gaps, 0, lengths.chunks * (isLarge ? 2 : 1), emit);
    },
  };
}

/**
 * Takes two columns through `maker`, a block at a time; `last` is what stands in `column` for the last sample where it
 * has one number fewer. Throws `corrupt` where not as many numbers come out as were counted when the index was made.
 */
function make(
  maker: Maker,
  count: number,
  sizeColumn: PackedColumn | null,
  column: PackedColumn,
  last: number,
  expected: number,
  emit: (table: Uint32Array) => void,
): void {
  const room = Math.min(blockSamples, count);
  const sizes = new Int32Array(sizeColumn === null ? 0 : room);
  const values = new Int32Array(room);
  const made = new Uint32Array(3 * room + 3);
  const held = typeof column === 'number' ? count - 1 : column.length;
  let total = 0;
  for (let first = 0; first < count; first += blockSamples) {
    const length = Math.min(blockSamples, count - first);
    if (sizeColumn !== null) widen(sizes, sizeColumn, first, length);
    widen(values, column, first, Math.min(length, held - first));
    if (first + length > held) values[length - 1] = last;
    let numbers = maker.make(sizes, values, length, made);
    if (first + length === count) numbers += maker.end(made, numbers);
    total += numbers;
    if (total > expected) break;
    emit(made.subarray(0, numbers));
  }
  if (total !== expected) throw new AppError('corrupt', 'the index of this video counts its runs wrong');
}

/** `length` numbers of a column from `first` on. */
function widen(into: Uint32Array | Int32Array, column: PackedColumn, first: number, length: number): void {
  if (typeof column === 'number') into.fill(column, 0, length);
  else into.set(column.subarray(first, first + length));
}

/** Whether all of a column are whole numbers of 32 bits with a sign. */
function isSmall(column: PackedColumn): boolean {
  if (typeof column === 'number') return column === (column | 0);
  return !(column instanceof Float64Array || column instanceof Uint32Array);
}
