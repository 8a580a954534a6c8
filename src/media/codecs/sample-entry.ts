// The parts that sample entries share: the fixed fields of pictures and sound, colour, pixel shape, and the
// MPEG-4 elementary stream descriptor.
import { BoxWriter } from '../mp4/box-writer.ts';
import type { Colour } from './description.ts';

/** Greatest common divisor of two whole numbers >= 0. */
function divisor(a: number, b: number): number {
  while (b > 0) [a, b] = [b, a % b];
  return a;
}

export type VisualFields = {
  readonly width: number;
  readonly height: number;
  readonly displayWidth: number;
  readonly displayHeight: number;
  readonly colour: Colour | null;
};

/** A complete VisualSampleEntry (ISO/IEC 14496-12 §12.1.3) around `config`, whose boxes follow the fixed fields. */
export function visualSampleEntry(type: string, fields: VisualFields, config: Uint8Array): Uint8Array {
  const writer = new BoxWriter(160 + config.length);
  const entry = writer.open(type);
  writer.u32(0).u16(0); //                                      reserved
  writer.u16(1); //                                             data_reference_index
  writer.u32(0).u32(0).u32(0).u32(0); //                        pre_defined, reserved
  writer.u16(Math.min(fields.width, 0xffff)); //                width
  writer.u16(Math.min(fields.height, 0xffff)); //               height
  writer.u32(0x00480000).u32(0x00480000); //                    72 dpi
  writer.u32(0).u16(1); //                                      reserved, frame_count
  writer.reserve(32); //                                        compressorname
  writer.u16(0x0018).u16(0xffff); //                            depth, pre_defined
  writer.raw(config);
  writeColour(writer, fields.colour);
  writePixelShape(writer, fields);
  return writer.close(entry).written();
}

/** ColourInformationBox, `nclx` (§12.1.5). */
function writeColour(writer: BoxWriter, colour: Colour | null): void {
  if (!colour || (colour.primaries === 2 && colour.transfer === 2 && colour.matrix === 2)) return;
  const box = writer.open('colr');
  writer.latin('nclx');
  writer.u16(colour.primaries); //                              colour_primaries
  writer.u16(colour.transfer); //                               transfer_characteristics
  writer.u16(colour.matrix); //                                 matrix_coefficients
  writer.u8(colour.isFullRange ? 0x80 : 0); //                  full_range_flag, reserved
  writer.close(box);
}

/** PixelAspectRatioBox (§12.1.4.1), where pixels are not square. */
function writePixelShape(writer: BoxWriter, fields: VisualFields): void {
  const horizontal = fields.displayWidth * fields.height;
  const vertical = fields.displayHeight * fields.width;
  if (!(horizontal > 0 && vertical > 0) || horizontal === vertical) return;
  const common = divisor(horizontal, vertical);
  const [h, v] = [horizontal / common, vertical / common];
  if (h > 0xffffffff || v > 0xffffffff) return;
  const box = writer.open('pasp');
  writer.u32(h).u32(v).close(box); //                           hSpacing, vSpacing
}

export type AudioFields = {
  readonly channels: number;
  /** Hz */
  readonly sampleRate: number;
  /** Bits of a decoded sample; 16 for compressed sound. */
  readonly sampleBits: number;
};

/** A complete AudioSampleEntry (ISO/IEC 14496-12 §12.2.3) around `config`. */
export function audioSampleEntry(type: string, fields: AudioFields, config: Uint8Array): Uint8Array {
  const writer = new BoxWriter(64 + config.length);
  const entry = writer.open(type);
  writer.u32(0).u16(0); //                                      reserved
  writer.u16(1); //                                             data_reference_index
  writer.u32(0).u32(0); //                                      reserved
  writer.u16(fields.channels); //                               channelcount
  writer.u16(fields.sampleBits); //                             samplesize
  writer.u16(0).u16(0); //                                      pre_defined, reserved
  // 16.16: a rate that does not fit is told by the codec's own configuration instead.
  writer.u16(fields.sampleRate > 0xffff ? 0 : fields.sampleRate).u16(0);
  writer.raw(config);
  return writer.close(entry).written();
}

/** A box of one piece of content. */
export function box(type: string, content: Uint8Array): Uint8Array {
  const writer = new BoxWriter(8 + content.length);
  const mark = writer.open(type);
  return writer.raw(content).close(mark).written();
}

/** The length of a descriptor in as few bytes as hold it (ISO/IEC 14496-1 §8.3.3). */
function writeDescriptor(writer: BoxWriter, tag: number, content: Uint8Array): void {
  writer.u8(tag);
  for (let shift = 21; shift > 0; shift -= 7) {
    if (content.length >= 2 ** shift) writer.u8(0x80 | ((content.length >>> shift) & 0x7f));
  }
  writer.u8(content.length & 0x7f).raw(content);
}

/** ESDBox (ISO/IEC 14496-14 §6.7.2) of an audio stream; `config` becomes the DecoderSpecificInfo, null leaves it out. */
export function elementaryStreamBox(objectType: number, config: Uint8Array | null): Uint8Array {
  const decoder = new BoxWriter(32 + (config?.length ?? 0));
  decoder.u8(objectType); //                                    objectTypeIndication
  decoder.u8(0x15); //                                          streamType 5 (audio), upStream 0, reserved 1
  decoder.u24(0).u32(0).u32(0); //                              bufferSizeDB, maxBitrate, avgBitrate
  if (config) writeDescriptor(decoder, 0x05, config); //        DecSpecificInfoTag
  const stream = new BoxWriter(48 + (config?.length ?? 0));
  stream.u16(0).u8(0); //                                       ES_ID, flags and priority
  writeDescriptor(stream, 0x04, decoder.written()); //          DecoderConfigDescrTag
  writeDescriptor(stream, 0x06, Uint8Array.of(2)); //           SLConfigDescrTag: predefined for MP4
  const writer = new BoxWriter(64 + stream.length);
  const mark = writer.openFull('esds', 0, 0);
  writeDescriptor(writer, 0x03, stream.written()); //           ES_DescrTag
  return writer.close(mark).written();
}
