// The sample table box (ISO/IEC 14496-12 §8.5 to §8.7), written from tables that come in pieces when their
// turn is. Writing is copying and swapping bytes; nothing is made per sample.
import type { BoxWriter } from '../mp4/box-writer.ts';
import { sliceTables } from './slice-tables.ts';
import { storedTables } from './stored-tables.ts';
import type { Emit, SampleTables } from './table-source.ts';
import type { TrackSlice } from './track-slice.ts';

/** From the packed table of an index file where there is one and all of it is taken, else from the columns. */
export function prepareTables(slice: TrackSlice): SampleTables {
  const { samples } = slice.track;
  const isWhole = slice.first === 0 && slice.end === samples.count;
  return (isWhole && samples.packed ? storedTables(samples.packed) : null) ?? sliceTables(slice);
}

/** Bytes of stbl with chunk offsets of 4 bytes; 4 more a chunk with those of 8. `roll` is of the whole slice. */
export function tableBytes(slice: TrackSlice, { lengths, keys }: SampleTables): number {
  const entries = slice.track.sampleEntries.reduce((sum, entry) => sum + entry.length, 0);
  return (
    8 + //                                                       stbl
    (16 + entries) + //                                          stsd
    (16 + 4 * lengths.times) + //                                stts
    (lengths.offsets > 0 ? 16 + 4 * lengths.offsets : 0) + //    ctts
    (keys ? 16 + 4 * keys.length : 0) + //                       stss
    (20 + 4 * (slice.end - slice.first)) + //                    stsz
    (16 + 4 * lengths.chunkRuns) + //                            stsc
    (16 + 4 * lengths.chunks) + //                               stco
    (rollOf(slice) > 0 ? 26 + 28 : 0) //                         sgpd, sbgp
  );
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
  const { lengths, keys } = tables;
  const emit: Emit = (piece) => {
    writer.u32s(piece);
  };
  const full = (type: string, version: number, count: number, write: () => void) => {
    const box = writer.openFull(type, version, 0);
    writer.u32(count);
    write();
    writer.close(box);
  };
  full('stts', 0, lengths.times / 2, () => tables.times(emit)); // §8.6.1.2
  const { offsets } = lengths;
  if (offsets > 0) full('ctts', tables.hasNegativeOffset ? 1 : 0, offsets / 2, () => tables.offsets(emit)); // §8.6.1.3
  if (keys) full('stss', 0, keys.length, () => emit(keys)); //   §8.6.2
  full('stsz', 0, 0, () => {
    writer.u32(end - first); //                                  §8.7.3.2: sample_size 0, then sample_count
    tables.sizes(emit);
  });
  full('stsc', 0, lengths.chunkRuns / 3, () => tables.chunkRuns(emit)); // §8.7.4
  full(isLarge ? 'co64' : 'stco', 0, lengths.chunks, () => tables.places(shift, isLarge, emit)); // §8.7.5
  const roll = rollOf(slice);
  if (roll > 0) writeRoll(writer, slice, roll);
  writer.close(table);
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
  const { packed, count } = track.samples;
  const isStored = packed !== undefined && first === 0 && end === count;
  const ticks = isStored
    ? packed.lastDts - packed.firstDts
    : track.samples.dts[end - 1]! - track.samples.dts[first]!;
  const average = ticks / Math.max(1, end - 1 - first);
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
