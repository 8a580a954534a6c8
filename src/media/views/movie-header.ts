// Writes `ftyp`, `moov` and the header of `mdat` for chosen samples of an index (ISO/IEC 14496-12). Size is known
// before the first byte is written; one pass over the columns, some 10 bytes a sample.
import { AppError } from '../../errors.ts';
import { BoxWriter } from '../mp4/box-writer.ts';
import type { MediaIndex } from '../track.ts';
import { packLanguage } from './language-code.ts';
import type { Mp4View } from './mp4-view.ts';
import { prepareTables, tableBytes, writeTables } from './sample-tables.ts';
import type { SampleTables } from './table-source.ts';
import { movieTimescaleOf, type WrittenEdit, writeEdits } from './timeline.ts';
import type { TrackSlice } from './track-slice.ts';
import { viewContentType } from './view-tracks.ts';

/** The matrix that changes nothing: 16.16 and, in the last column, 2.30 fixed point. */
const unity = [0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000];
const largest = 0xffffffff;
/** Header of mdat with its size in 64 bits (§4.2). */
const mdatHeaderBytes = 16;

type Plan = {
  readonly slice: TrackSlice;
  readonly number: number;
  readonly tables: SampleTables;
  readonly edits: readonly WrittenEdit[];
  /** Of the samples, in the track's ticks. */
  readonly mediaTicks: number;
  /** As presented, in the movie's ticks. */
  readonly movieTicks: number;
};

/** The view of `slices` (not empty). Throws AppError `corrupt` where the index points out of its blob. */
export function writeView(index: MediaIndex, slices: readonly TrackSlice[]): Mp4View {
  const timescale = movieTimescaleOf(slices.map((slice) => slice.track.timescale));
  const plans = slices.map((slice, i) => planTrack(slice, i + 1, timescale));
  const start = Math.min(...plans.map((plan) => plan.tables.low));
  const end = Math.max(...plans.map((plan) => plan.tables.high));
  if (!(start >= 0 && end <= index.sizeBytes))
    throw new AppError('corrupt', 'the index points outside of the video');
  const fileType = fileTypeBox(plans);

  // The boxes around the tables are small: written once to know their size, then for good.
  const around = new BoxWriter(4096);
  writeMovie(around, plans, timescale, null);
  const chunks = plans.reduce((sum, plan) => sum + plan.tables.lengths.chunks, 0);
  let headerBytes = plans.reduce(
    (sum, { slice, tables }) => sum + tableBytes(slice, tables),
    mdatHeaderBytes,
  );
  headerBytes += fileType.length + around.length;
  const isLarge = headerBytes + end - start > largest;
  if (isLarge) headerBytes += 4 * chunks;
  const writer = new BoxWriter(headerBytes);
  writer.raw(fileType);
  writeMovie(writer, plans, timescale, { shift: headerBytes - start, isLarge });
  writer
    .u32(1)
    .latin('mdat')
    .i64(mdatHeaderBytes + end - start);
  if (writer.length !== headerBytes) throw new AppError('internal', 'the size of a header was counted wrong');
  return { header: writer.written(), start, end, contentType: viewContentType(slices) };
}

function planTrack(slice: TrackSlice, number: number, timescale: number): Plan {
  const { track, stretches } = slice;
  const tables = prepareTables(slice);
  const { baseTicks, overTicks, endTicks } = tables;
  const edits = writeEdits(stretches, track, baseTicks, endTicks, timescale);
  const presented = edits.reduce((sum, edit) => sum + edit.durationTicks, 0);
  const whole = Math.round(((endTicks - baseTicks) / track.timescale) * timescale);
  return {
    ...{ slice, number, tables, edits },
    mediaTicks: Math.max(0, overTicks - baseTicks),
    movieTicks: Math.max(0, edits.length > 0 ? presented : whole),
  };
}

/** ftyp (§4.3). */
function fileTypeBox(plans: readonly Plan[]): Uint8Array {
  const writer = new BoxWriter(48);
  const box = writer.open('ftyp');
  writer.latin('isom').u32(0x200); //                            major_brand, minor_version
  writer.latin('isom').latin('iso2').latin('mp41'); //           compatible_brands
  // Composition offsets below zero need iso4 (§E.6); the others name a codec's own rules.
  if (plans.some(({ tables }) => tables.hasNegativeOffset)) writer.latin('iso4');
  if (plans.some(({ slice: { track } }) => track.codec === 'avc')) writer.latin('avc1');
  if (plans.some(({ slice: { track } }) => track.codec === 'av1')) writer.latin('av01');
  return writer.close(box).written();
}

/** Where the tables point; null leaves them out (to learn the size of everything else). */
type Places = { readonly shift: number; readonly isLarge: boolean };

function writeMovie(
  writer: BoxWriter,
  plans: readonly Plan[],
  timescale: number,
  places: Places | null,
): void {
  const movie = writer.open('moov');
  const duration = Math.max(...plans.map((plan) => plan.movieTicks));
  const isLong = duration > largest;
  const header = writer.openFull('mvhd', isLong ? 1 : 0, 0); //  §8.2.2
  writer.u32or64(0, isLong).u32or64(0, isLong); //               creation_time, modification_time
  writer.u32(timescale).u32or64(duration, isLong);
  writer.u32(0x10000).u16(0x100).u16(0).u32(0).u32(0); //        rate, volume, reserved
  for (const value of unity) writer.u32(value);
  for (let i = 0; i < 6; i++) writer.u32(0); //                  pre_defined
  writer.u32(plans.length + 1).close(header); //                 next_track_ID
  for (const plan of plans) writeTrack(writer, plan, places);
  writer.close(movie);
}

function writeTrack(writer: BoxWriter, plan: Plan, places: Places | null): void {
  const { slice, tables, edits } = plan;
  const { track } = slice;
  const isVideo = track.kind === 'video';
  const box = writer.open('trak');
  writeTrackHeader(writer, plan);
  if (edits.length > 0) writeEditList(writer, edits);

  const media = writer.open('mdia');
  const isLong = plan.mediaTicks > largest;
  const header = writer.openFull('mdhd', isLong ? 1 : 0, 0); //  §8.4.2
  writer.u32or64(0, isLong).u32or64(0, isLong); //               creation_time, modification_time
  writer.u32(track.timescale).u32or64(plan.mediaTicks, isLong);
  writer.u16(packLanguage(track.language)).u16(0).close(header);
  const handler = writer.openFull('hdlr', 0, 0); //              §8.4.3
  writer
    .u32(0)
    .latin(isVideo ? 'vide' : 'soun')
    .u32(0)
    .u32(0)
    .u32(0);
  writer.raw(nameBytes(track.name)).u8(0).close(handler);

  const information = writer.open('minf');
  const kindHeader = writer.openFull(isVideo ? 'vmhd' : 'smhd', 0, isVideo ? 1 : 0); // §12.1.2, §12.2.2
  writer.u32(0); //                                              graphicsmode and opcolor, or balance
  if (isVideo) writer.u32(0);
  writer.close(kindHeader);
  const data = writer.open('dinf'); //                           §8.7.1, §8.7.2: the samples are in this file
  const references = writer.openFull('dref', 0, 0);
  writer.u32(1); //                                              entry_count
  const here = writer.openFull('url ', 0, 1);
  writer.close(here).close(references).close(data);
  if (places) writeTables(writer, slice, tables, places.shift, places.isLarge);
  writer.close(information).close(media).close(box);
}

/** tkhd (§8.3.2). */
function writeTrackHeader(writer: BoxWriter, { slice, number, movieTicks }: Plan): void {
  const { track } = slice;
  const isLong = movieTicks > largest;
  // track_enabled where it plays by default; in_movie and in_preview always.
  const header = writer.openFull('tkhd', isLong ? 1 : 0, slice.isEnabled ? 7 : 6);
  writer.u32or64(0, isLong).u32or64(0, isLong); //               creation_time, modification_time
  writer.u32(number).u32(0).u32or64(movieTicks, isLong); //      track_ID, reserved, duration
  writer.u32(0).u32(0).u16(0).u16(slice.alternateGroup); //      reserved, layer, alternate_group
  writer.u16(track.kind === 'audio' ? 0x100 : 0).u16(0); //      volume, reserved
  const matrix = track.matrix?.length === 9 ? track.matrix : unity;
  for (const value of matrix) writer.i32(value);
  for (const pixels of [track.displayWidth, track.displayHeight]) {
    writer.u32(Math.min(Math.round(Math.max(0, pixels) * 0x10000), largest)); // 16.16
  }
  writer.close(header);
}

/** edts and elst (§8.6.5, §8.6.6). */
function writeEditList(writer: BoxWriter, edits: readonly WrittenEdit[]): void {
  const isLong = edits.some((edit) => edit.durationTicks > largest || edit.mediaTime > 0x7fffffff);
  const box = writer.open('edts');
  const list = writer.openFull('elst', isLong ? 1 : 0, 0);
  writer.u32(edits.length);
  for (const edit of edits) {
    writer.u32or64(edit.durationTicks, isLong); //               segment_duration
    if (isLong) writer.i64(edit.mediaTime);
    else writer.i32(edit.mediaTime); //                          media_time
    writer.i32(Math.round(edit.rate * 0x10000)); //              media_rate, 16.16
  }
  writer.close(list).close(box);
}

/** A track's name in UTF-8 without NUL, short enough for a header. */
function nameBytes(name: string): Uint8Array {
  return new TextEncoder().encode(name.replaceAll('\0', '').slice(0, 200));
}
