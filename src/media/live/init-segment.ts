// The initialization segment of a live stream: ftyp and a moov without samples (ISO/IEC 14496-12 §8.8.1, §8.16.2).
import { BoxWriter } from '../mp4/box-writer.ts';
import type { LiveTrack } from './live-track.ts';

/** The matrix that changes nothing: 16.16 and, in the last column, 2.30 fixed point. */
const unity = [0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000];

/** Of mvhd; nothing is measured in it. */
const movieTimescale = 1000;

/** The segment for `tracks`, which get the track numbers 1, 2, ... in their order. */
export function writeInitSegment(tracks: readonly LiveTrack[]): Buffer {
  const writer = new BoxWriter(2048);
  const fileType = writer.open('ftyp'); //                       §4.3
  writer.latin('iso5').u32(0x200); //                            major_brand, minor_version
  writer.latin('iso5').latin('iso6').latin('mp41').close(fileType);
  const movie = writer.open('moov');
  const header = writer.openFull('mvhd', 0, 0); //               §8.2.2
  writer.u32(0).u32(0).u32(movieTimescale); //                   creation_time, modification_time, timescale
  // No duration, here and in tkhd, and no mehd: this is how browsers know that it is live and play without a buffer.
  writer.u32(0); //                                              duration
  writer.u32(0x10000).u16(0x100).u16(0).u32(0).u32(0); //        rate, volume, reserved
  writeUnity(writer);
  writer.reserve(24); //                                         pre_defined
  writer.u32(tracks.length + 1).close(header); //                next_track_ID
  for (const [i, track] of tracks.entries()) writeTrack(writer, track, i + 1);
  const extends_ = writer.open('mvex'); //                       §8.8.1
  for (let i = 1; i <= tracks.length; i++) {
    const box = writer.openFull('trex', 0, 0); //                §8.8.3
    writer.u32(i).u32(1); //                                     track_ID, default_sample_description_index
    writer.u32(0).u32(0).u32(0); //                              default duration, size, flags: told in each run
    writer.close(box);
  }
  writer.close(extends_).close(movie);
  return Buffer.from(writer.bytes.buffer, 0, writer.length);
}

function writeUnity(writer: BoxWriter): void {
  for (const value of unity) writer.u32(value);
}

function writeTrack(writer: BoxWriter, track: LiveTrack, number: number): void {
  const isVideo = track.kind === 'video';
  const box = writer.open('trak');
  const header = writer.openFull('tkhd', 0, 7); //               §8.3.2: enabled, in movie, in preview
  writer.u32(0).u32(0).u32(number).u32(0).u32(0); //             times, track_ID, reserved, duration
  writer.u32(0).u32(0).u16(0).u16(0); //                         reserved, layer, alternate_group
  writer.u16(isVideo ? 0 : 0x100).u16(0); //                     volume, reserved
  writeUnity(writer);
  writer
    .u32(track.displayWidth * 0x10000)
    .u32(track.height * 0x10000)
    .close(header); // 16.16

  const media = writer.open('mdia');
  const mediaHeader = writer.openFull('mdhd', 0, 0); //          §8.4.2
  writer.u32(0).u32(0).u32(track.timescale).u32(0); //           times, timescale, duration
  writer.u16(0x55c4).u16(0).close(mediaHeader); //               language `und`, pre_defined
  const handler = writer.openFull('hdlr', 0, 0); //              §8.4.3
  writer
    .u32(0)
    .latin(isVideo ? 'vide' : 'soun')
    .reserve(12); // pre_defined, handler_type, reserved
  writer.u8(0).close(handler); //                                name

  const information = writer.open('minf');
  const kind = writer.openFull(isVideo ? 'vmhd' : 'smhd', 0, isVideo ? 1 : 0); // §12.1.2, §12.2.2
  writer.reserve(isVideo ? 8 : 4); //                            graphicsmode and opcolor, or balance
  writer.close(kind);
  const data = writer.open('dinf'); //                           §8.7.1, §8.7.2: the samples are in this file
  const references = writer.openFull('dref', 0, 0);
  writer.u32(1); //                                              entry_count
  const here = writer.openFull('url ', 0, 1);
  writer.close(here).close(references).close(data);

  const table = writer.open('stbl');
  const descriptions = writer.openFull('stsd', 0, 0); //         §8.5.2
  writer.u32(1).raw(track.sampleEntry).close(descriptions);
  for (const type of ['stts', 'stsc', 'stco']) {
    const empty = writer.openFull(type, 0, 0);
    writer.u32(0).close(empty); //                               entry_count
  }
  const sizes = writer.openFull('stsz', 0, 0);
  writer.u32(0).u32(0).close(sizes); //                          sample_size, sample_count
  writer.close(table).close(information).close(media).close(box);
}
