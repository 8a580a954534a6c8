// The sample table box (ISO/IEC 14496-12 §8.5 to §8.7). The columns of an index are gone through once, which leaves
// tables in the machine's own byte order and their sizes; writing them is copying and swapping bytes. Nothing is made
// per sample; scratch memory is 4 bytes a sample and 8 a run.
import type { BoxWriter } from '../mp4/box-writer.ts';
import type { SampleTable } from '../track.ts';
import { RunList } from './run-list.ts';
import { durationOf } from './timeline.ts';
import type { TrackSlice } from './track-slice.ts';

export type SampleTables = {
  /** Pairs of stts: how many samples, how long each. */
  readonly times: Uint32Array;
  /** Pairs of ctts: how many samples, presentation less decode time; null where all are 0. */
  readonly offsets: Uint32Array | null;
  readonly hasNegativeOffset: boolean;
  /** The first sample of each chunk. */
  readonly chunks: Uint32Array;
  /** Triples of stsc. */
  readonly chunkRuns: Uint32Array;
  /** Numbers of stss; null where every sample is a key frame. */
  readonly keys: Uint32Array | null;
  /** Samples by which decoding must start earlier to be right (roll group); 0: no such group. */
  readonly roll: number;
  /** Bytes of stbl with chunk offsets of 4 bytes; 4 more a chunk with those of 8. */
  readonly sizeBytes: number;
  /** The range of the blob in which the samples lie, end-exclusive. */
  readonly low: number;
  readonly high: number;
};

const largest = 0xffffffff;

/** Goes through the columns. */
export function prepareTables(slice: TrackSlice): SampleTables {
  const times = prepareTimes(slice);
  const [offsets, hasNegativeOffset] = prepareOffsets(slice);
  const { chunks, chunkRuns, low, high } = prepareChunks(slice);
  const keys = prepareKeys(slice);
  const roll = rollOf(slice);
  const entries = slice.track.sampleEntries.reduce((sum, entry) => sum + entry.length, 0);
  const sizeBytes =
    8 + //                                                       stbl
    (16 + entries) + //                                          stsd
    (16 + 4 * times.length) + //                                 stts
    (offsets ? 16 + 4 * offsets.length : 0) + //                 ctts
    (keys ? 16 + 4 * keys.length : 0) + //                       stss
    (20 + 4 * (slice.end - slice.first)) + //                    stsz
    (16 + 4 * chunkRuns.length) + //                             stsc
    (16 + 4 * chunks.length) + //                                stco
    (roll > 0 ? 26 + 28 : 0); //                                 sgpd, sbgp
  return { times, offsets, hasNegativeOffset, chunks, chunkRuns, keys, roll, sizeBytes, low, high };
}

/** Writes stbl. `shift` is what is added to a sample's place in the blob to have its place in the view. */
export function writeTables(
  writer: BoxWriter,
  slice: TrackSlice,
  tables: SampleTables,
  shift: number,
  isLarge: boolean,
): void {
  const { track, first, end } = slice;
  const table = writer.open('stbl');
  const descriptions = writer.openFull('stsd', 0, 0); //         §8.5.2
  writer.u32(track.sampleEntries.length);
  for (const entry of track.sampleEntries) writer.raw(entry);
  writer.close(descriptions);
  writeTable(writer, 'stts', 0, tables.times, 2); //             §8.6.1.2
  if (tables.offsets) writeTable(writer, 'ctts', tables.hasNegativeOffset ? 1 : 0, tables.offsets, 2); // §8.6.1.3
  if (tables.keys) writeTable(writer, 'stss', 0, tables.keys, 1); // §8.6.2
  const sizes = writer.openFull('stsz', 0, 0); //                §8.7.3.2
  writer
    .u32(0)
    .u32(end - first)
    .u32s(track.samples.sizes.subarray(first, end))
    .close(sizes);
  writeTable(writer, 'stsc', 0, tables.chunkRuns, 3); //         §8.7.4
  const { offsets } = track.samples;
  if (isLarge)
    writeTable(writer, 'co64', 0, largePlaces(offsets, tables.chunks, shift), 2); // §8.7.5
  else writeTable(writer, 'stco', 0, places(offsets, tables.chunks, shift), 1);
  if (tables.roll > 0) writeRoll(writer, slice, tables.roll);
  writer.close(table);
}

/** A FullBox of a count of entries and the entries, of so many numbers each. */
function writeTable(
  writer: BoxWriter,
  type: string,
  version: number,
  table: Uint32Array,
  width: number,
): void {
  const box = writer.openFull(type, version, 0);
  writer
    .u32(table.length / width)
    .u32s(table)
    .close(box);
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

type Chunks = Pick<SampleTables, 'chunks' | 'chunkRuns' | 'low' | 'high'>;

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

/** How many frames before a cut a decoder needs: one for AAC, 80 ms for Opus (its ISO encapsulation §4.3.6.2). */
export function rollOf({
  track,
  first,
  end,
}: {
  track: TrackSlice['track'];
  first: number;
  end: number;
}): number {
  if (track.codec === 'aac') return 1;
  if (track.codec !== 'opus') return 0;
  const { dts } = track.samples;
  const average = (dts[end - 1]! - dts[first]!) / Math.max(1, end - 1 - first);
  return average > 0 ? Math.min(Math.max(1, Math.ceil((track.timescale * 0.08) / average)), 32) : 4;
}

/** sgpd and sbgp (§8.9) of type `roll` (§10.1): every sample alike. */
function writeRoll(writer: BoxWriter, { first, end }: TrackSlice, roll: number): void {
  const group = writer.openFull('sgpd', 1, 0);
  writer.latin('roll').u32(2).u32(1); //                         grouping_type, default_length, entry_count
  writer.u16(-roll & 0xffff).close(group); //                    roll_distance
  const samples = writer.openFull('sbgp', 0, 0);
  writer.latin('roll').u32(1); //                                grouping_type, entry_count
  writer
    .u32(end - first)
    .u32(1)
    .close(samples); //                                          sample_count, group_description_index
}
