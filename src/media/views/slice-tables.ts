// Sample tables of any part of a track, from the columns of its index: gone through once when they are prepared.
// Scratch memory is 4 bytes a sample and 8 a run.
import type { SampleTable } from '../track.ts';
import { RunList } from './run-list.ts';
import type { SampleTables } from './table-source.ts';
import { durationOf, presentationEnd } from './timeline.ts';
import type { TrackSlice } from './track-slice.ts';

const largest = 0xffffffff;

export function sliceTables(slice: TrackSlice): SampleTables {
  const { track, first, end } = slice;
  const { samples } = track;
  const times = prepareTimes(slice);
  const [offsets, hasNegativeOffset] = prepareOffsets(slice);
  const { chunks, chunkRuns, low, high } = prepareChunks(slice);
  return {
    baseTicks: samples.dts[first]!,
    overTicks: end < samples.count ? samples.dts[end]! : samples.dts[end - 1]! + samples.lastDuration,
    endTicks: presentationEnd(samples, first, end),
    lengths: {
      times: times.length,
      offsets: offsets?.length ?? 0,
      chunkRuns: chunkRuns.length,
      chunks: chunks.length,
    },
    ...{ hasNegativeOffset, low, high, keys: prepareKeys(slice) },
    times: (emit) => emit(times),
    offsets: (emit) => emit(offsets ?? new Uint32Array(0)),
    sizes: (emit) => emit(samples.sizes.subarray(first, end)),
    chunkRuns: (emit) => emit(chunkRuns),
    places: (shift, isLarge, emit) =>
      emit(isLarge ? largePlaces(samples.offsets, chunks, shift) : places(samples.offsets, chunks, shift)),
  };
}

function places(offsets: Float64Array, chunks: Uint32Array, shift: number): Uint32Array {
  const found = new Uint32Array(chunks.length);
  for (let i = 0; i < found.length; i++) found[i] = offsets[chunks[i]!]! + shift;
  return found;
}

/** High and low halves. */
function largePlaces(offsets: Float64Array, chunks: Uint32Array, shift: number): Uint32Array {
  const found = new Uint32Array(chunks.length * 2);
  for (let i = 0; i < chunks.length; i++) {
    const place = offsets[chunks[i]!]! + shift;
    found[i * 2] = place / 2 ** 32;
    found[i * 2 + 1] = place;
  }
  return found;
}

/** How long samples last, as runs. */
function prepareTimes({ track: { samples }, first, end }: TrackSlice): Uint32Array {
  const { dts } = samples;
  const runs = new RunList();
  let since = first;
  let last = Number.NaN; // like no duration
  let previous = dts[first]!;
  for (let i = first; i < end - 1; i++) {
    const next = dts[i + 1]!;
    const duration = next - previous;
    previous = next;
    if (duration !== last) {
      if (i > since) runs.push(i - since, Math.min(last, largest));
      since = i;
      last = duration;
    }
  }
  const final = durationOf(samples, end - 1);
  if (final !== last && end - 1 > since) {
    runs.push(end - 1 - since, Math.min(last, largest));
    since = end - 1;
  }
  runs.push(end - since, Math.min(final, largest));
  return runs.values();
}

/** Presentation less decode time, as runs, and whether any is negative. */
function prepareOffsets({ track, first, end }: TrackSlice): [Uint32Array | null, boolean] {
  const { cts } = track.samples;
  if (!cts) return [null, false];
  const runs = new RunList();
  let since = first;
  let last = cts[first]!;
  let least = last;
  for (let i = first + 1; i < end; i++) {
    const offset = cts[i]!;
    if (offset !== last) {
      runs.push(i - since, last);
      since = i;
      last = offset;
      if (offset < least) least = offset;
    }
  }
  if (since === first && last === 0) return [null, false];
  runs.push(end - since, last);
  return [runs.values(), least < 0];
}

type Chunks = {
  /** The first sample of each. */
  readonly chunks: Uint32Array;
  readonly chunkRuns: Uint32Array;
  readonly low: number;
  readonly high: number;
};

/**
 * Chunks are runs of samples that lie next to each other and use one sample entry. A run of chunks (first_chunk from 1,
 * samples_per_chunk, sample_description_index from 1) ends where either number changes.
 */
function prepareChunks({ track, first, end }: TrackSlice): Chunks {
  const { offsets, sizes } = track.samples;
  const descriptions = track.samples.descriptions ?? new Uint32Array(0);
  const lastEntry = track.sampleEntries.length - 1;
  const chunks = new Uint32Array(end - first);
  const runs = new RunList();
  let count = 0;
  let isAscending = true;
  let change = 0; // place in `descriptions` of the next change
  let nextChange = descriptions.length > 0 ? descriptions[0]! : end;
  let entry = 0;
  let from = first; // of the chunk that is open
  let runLength = 0;
  let runEntry = -1;
  let over = -1;
  for (let i = first; i < end; i++) {
    const offset = offsets[i]!;
    if (offset !== over || i >= nextChange) {
      if (count > 0 && (i - from !== runLength || entry !== runEntry)) {
        runLength = i - from;
        runEntry = entry;
        runs.push(count, runLength);
        runs.pushOne(entry + 1);
      }
      if (offset < over) isAscending = false;
      for (; nextChange <= i; change += 2) {
        entry = Math.min(descriptions[change + 1] ?? 0, lastEntry);
        nextChange = descriptions[change + 2] ?? end;
      }
      from = i;
      chunks[count++] = i;
    }
    over = offset + sizes[i]!;
  }
  if (end - from !== runLength || entry !== runEntry) {
    runs.push(count, end - from);
    runs.pushOne(entry + 1);
  }
  const [low, high] = isAscending ? [offsets[first]!, over] : rangeOf(track.samples, first, end);
  return { chunks: chunks.subarray(0, count), chunkRuns: runs.values(), low, high };
}

/** Where the samples begin and end in the blob, in whatever order they lie. */
function rangeOf({ offsets, sizes }: SampleTable, first: number, end: number): [low: number, high: number] {
  let low = offsets[first]!;
  let high = 0;
  for (let i = first; i < end; i++) {
    low = Math.min(low, offsets[i]!);
    high = Math.max(high, offsets[i]! + sizes[i]!);
  }
  return [low, high];
}

/** Numbers of the key frames, from 1. */
function prepareKeys({ track, first, end }: TrackSlice): Uint32Array | null {
  const { keys } = track.samples;
  if (!keys) return null;
  const from = keyPlace(keys, first);
  const until = keyPlace(keys, end);
  return keys.slice(from, until).map((key) => key - first + 1);
}

/** The first place in ascending `keys` whose sample is `sample` or later. */
function keyPlace(keys: Uint32Array, sample: number): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (keys[middle]! < sample) low = middle + 1;
    else high = middle;
  }
  return low;
}
