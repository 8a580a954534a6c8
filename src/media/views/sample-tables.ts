// The sample table box (ISO/IEC 14496-12 §8.5 to §8.7) in two passes over the columns of an index: one counts, so that
// the header is allocated once and chunk offsets know where mdat begins; one writes. Nothing is made per sample.
import type { BoxWriter } from '../mp4/box-writer.ts';
import { durationOf } from './timeline.ts';
import type { TrackSlice } from './track-slice.ts';

/** What the first pass finds: the number of entries of each table. */
export type TableCounts = {
  readonly timeRuns: number;
  /** 0: no ctts. */
  readonly offsetRuns: number;
  readonly hasNegativeOffset: boolean;
  readonly chunks: number;
  readonly chunkRuns: number;
  readonly keys: number;
  /** Samples by which decoding must start earlier to be right (roll group); 0: no such group. */
  readonly roll: number;
  /** stbl in bytes, with chunk offsets of 4 bytes. */
  readonly sizeBytes: number;
};

const largest = 0xffffffff;

/** The first pass. */
export function countTables(slice: TrackSlice): TableCounts {
  const { track, first, end } = slice;
  const timeRuns = countTimeRuns(slice);
  const [offsetRuns, hasNegativeOffset] = countOffsetRuns(slice);
  const [chunks, chunkRuns] = walkChunks(slice, null, null, 0, false);
  const keys = countKeys(slice);
  const roll = rollOf(slice);
  const entries = track.sampleEntries.reduce((sum, entry) => sum + entry.length, 0);
  const fixed = 8 + (16 + entries) + 16 + 16 + (20 + 4 * (end - first)) + 16; // stbl, stsd, stts, stsc, stsz, stco
  const optional = (offsetRuns > 0 ? 16 + 8 * offsetRuns : 0) + (track.samples.keys ? 16 + 4 * keys : 0);
  const sizeBytes = fixed + 8 * timeRuns + 12 * chunkRuns + 4 * chunks + optional + (roll > 0 ? 26 + 28 : 0);
  return { timeRuns, offsetRuns, hasNegativeOffset, chunks, chunkRuns, keys, roll, sizeBytes };
}

/** The second pass. `shift` is what is added to a sample's place in the blob to have its place in the view. */
export function writeTables(
  writer: BoxWriter,
  slice: TrackSlice,
  counts: TableCounts,
  shift: number,
  isLarge: boolean,
): void {
  const table = writer.open('stbl');
  const descriptions = writer.openFull('stsd', 0, 0); //         §8.5.2
  writer.u32(slice.track.sampleEntries.length);
  for (const entry of slice.track.sampleEntries) writer.raw(entry);
  writer.close(descriptions);
  writeTimes(writer, slice, counts);
  if (counts.offsetRuns > 0) writeOffsets(writer, slice, counts);
  if (slice.track.samples.keys) writeKeys(writer, slice, counts);
  writeSizes(writer, slice);
  const runs = writer.openFull('stsc', 0, 0); //                 §8.7.4
  const runsAt = writer.u32(counts.chunkRuns).reserve(12 * counts.chunkRuns);
  writer.close(runs);
  const places = writer.openFull(isLarge ? 'co64' : 'stco', 0, 0); // §8.7.5
  const placesAt = writer.u32(counts.chunks).reserve((isLarge ? 8 : 4) * counts.chunks);
  writer.close(places);
  walkChunks(slice, { view: writer.view, at: runsAt }, { view: writer.view, at: placesAt }, shift, isLarge);
  if (counts.roll > 0) writeRoll(writer, slice, counts.roll);
  writer.close(table);
}

function countTimeRuns({ track: { samples }, first, end }: TrackSlice): number {
  const { dts } = samples;
  let runs = 0;
  let last = Number.NaN; // like no duration
  for (let i = first; i < end - 1; i++) {
    const delta = dts[i + 1]! - dts[i]!;
    if (delta !== last) {
      runs++;
      last = delta;
    }
  }
  return durationOf(samples, end - 1) === last ? runs : runs + 1;
}

/** stts (§8.6.1.2): how long samples last, as runs. */
function writeTimes(writer: BoxWriter, slice: TrackSlice, counts: TableCounts): void {
  const { track, first, end } = slice;
  const { dts } = track.samples;
  const box = writer.openFull('stts', 0, 0);
  let at = writer.u32(counts.timeRuns).reserve(8 * counts.timeRuns);
  const { view } = writer;
  let since = first;
  let last = first < end - 1 ? dts[first + 1]! - dts[first]! : durationOf(track.samples, first);
  for (let i = first + 1; i < end; i++) {
    const delta = i < end - 1 ? dts[i + 1]! - dts[i]! : durationOf(track.samples, i);
    if (delta !== last) {
      view.setUint32(at, i - since);
      view.setUint32(at + 4, Math.min(last, largest));
      at += 8;
      since = i;
      last = delta;
    }
  }
  view.setUint32(at, end - since);
  view.setUint32(at + 4, Math.min(last, largest));
  writer.close(box);
}

function countOffsetRuns({ track, first, end }: TrackSlice): [runs: number, hasNegative: boolean] {
  const { cts } = track.samples;
  if (!cts) return [0, false];
  let runs = 1;
  let least = cts[first]!;
  for (let i = first + 1; i < end; i++) {
    const offset = cts[i]!;
    if (offset !== cts[i - 1]!) runs++;
    if (offset < least) least = offset;
  }
  return runs === 1 && least === 0 ? [0, false] : [runs, least < 0];
}

/** ctts (§8.6.1.3): presentation less decode time, as runs; version 1 where any is negative. */
function writeOffsets(writer: BoxWriter, { track, first, end }: TrackSlice, counts: TableCounts): void {
  const cts = track.samples.cts!;
  const box = writer.openFull('ctts', counts.hasNegativeOffset ? 1 : 0, 0);
  let at = writer.u32(counts.offsetRuns).reserve(8 * counts.offsetRuns);
  const { view } = writer;
  let since = first;
  let last = cts[first]!;
  for (let i = first + 1; i < end; i++) {
    const offset = cts[i]!;
    if (offset !== last) {
      view.setUint32(at, i - since);
      view.setInt32(at + 4, last);
      at += 8;
      since = i;
      last = offset;
    }
  }
  view.setUint32(at, end - since);
  view.setInt32(at + 4, last);
  writer.close(box);
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

function countKeys({ track, first, end }: TrackSlice): number {
  const { keys } = track.samples;
  return keys ? keyPlace(keys, end) - keyPlace(keys, first) : 0;
}

/** stss (§8.6.2): numbers of the key frames, from 1. */
function writeKeys(writer: BoxWriter, { track, first }: TrackSlice, counts: TableCounts): void {
  const keys = track.samples.keys!;
  const box = writer.openFull('stss', 0, 0);
  const at = writer.u32(counts.keys).reserve(4 * counts.keys);
  const place = keyPlace(keys, first);
  for (let i = 0; i < counts.keys; i++) writer.view.setUint32(at + 4 * i, keys[place + i]! - first + 1);
  writer.close(box);
}

/** stsz (§8.7.3.2). */
function writeSizes(writer: BoxWriter, { track, first, end }: TrackSlice): void {
  const { sizes } = track.samples;
  const box = writer.openFull('stsz', 0, 0);
  let at = writer
    .u32(0)
    .u32(end - first)
    .reserve(4 * (end - first));
  const { view } = writer;
  for (let i = first; i < end; i++) {
    view.setUint32(at, sizes[i]!);
    at += 4;
  }
  writer.close(box);
}

type Target = { readonly view: DataView; at: number };

/**
 * Walks the chunks: runs of samples that lie next to each other and use one sample entry. Writes stsc to `runs` and
 * the chunks' places to `places` where given; returns how many entries each has.
 */
function walkChunks(
  { track, first, end }: TrackSlice,
  runs: Target | null,
  places: Target | null,
  shift: number,
  isLarge: boolean,
): [chunks: number, runs: number] {
  const { offsets, sizes, descriptions } = track.samples;
  const lastEntry = track.sampleEntries.length - 1;
  let changeAt = 0; // place in `descriptions` of the next change
  let entry = 0;
  let nextChange = descriptions?.[0] ?? end;
  let chunks = 0;
  let chunkRuns = 0;
  let runLength = -1;
  let runEntry = -1;
  let i = first;
  while (i < end) {
    while (descriptions && nextChange <= i) {
      entry = Math.min(descriptions[changeAt + 1] ?? 0, lastEntry);
      changeAt += 2;
      nextChange = descriptions[changeAt] ?? end;
    }
    const from = i;
    const until = nextChange < end ? nextChange : end;
    let over = offsets[i]! + sizes[i]!;
    i++;
    while (i < until && offsets[i]! === over) over += sizes[i++]!;
    if (places) {
      const place = offsets[from]! + shift;
      if (isLarge) {
        places.view.setUint32(places.at, place / 2 ** 32);
        places.view.setUint32(places.at + 4, place);
        places.at += 8;
      } else {
        places.view.setUint32(places.at, place);
        places.at += 4;
      }
    }
    chunks++;
    if (i - from !== runLength || entry !== runEntry) {
      runLength = i - from;
      runEntry = entry;
      chunkRuns++;
      if (runs) {
        runs.view.setUint32(runs.at, chunks); //                 first_chunk, from 1
        runs.view.setUint32(runs.at + 4, runLength); //          samples_per_chunk
        runs.view.setUint32(runs.at + 8, entry + 1); //          sample_description_index
        runs.at += 12;
      }
    }
  }
  return [chunks, chunkRuns];
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
