// Opus, FLAC and Vorbis: their own headers, as Matroska's CodecPrivate holds them, made into what MP4 wants.
import { BoxWriter } from '../mp4/box-writer.ts';

export type OpusHead = {
  readonly channels: number;
  /** Samples at 48 kHz that the decoder makes before the sound begins. */
  readonly preSkip: number;
  readonly inputSampleRate: number;
  readonly outputGain: number;
  readonly mappingFamily: number;
  /** StreamCount, CoupledCount and ChannelMapping; empty for family 0. */
  readonly mapping: Uint8Array;
};

/** Reads an identification header, little-endian (RFC 7845 §5.1); null where it is none. */
export function readOpusHead(bytes: Uint8Array): OpusHead | null {
  if (bytes.length < 19 || new TextDecoder('latin1').decode(bytes.subarray(0, 8)) !== 'OpusHead') return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const channels = bytes[9]!;
  const mappingFamily = bytes[18]!;
  const mappingLength = mappingFamily === 0 ? 0 : 2 + channels;
  if (channels < 1 || (mappingFamily === 0 && channels > 2) || bytes.length < 19 + mappingLength) return null;
  return {
    channels,
    preSkip: view.getUint16(10, true),
    inputSampleRate: view.getUint32(12, true),
    outputGain: view.getInt16(16, true),
    mappingFamily,
    mapping: bytes.slice(19, 19 + mappingLength),
  };
}

/** OpusSpecificBox, big-endian ("Encapsulation of Opus in ISO Base Media File Format" §4.3.2). */
export function opusBox(head: OpusHead): Uint8Array {
  const writer = new BoxWriter(32 + head.mapping.length);
  const box = writer.open('dOps');
  writer.u8(0); //                                               Version
  writer.u8(head.channels); //                                   OutputChannelCount
  writer.u16(head.preSkip); //                                   PreSkip
  writer.u32(head.inputSampleRate); //                           InputSampleRate
  writer.u16(head.outputGain & 0xffff); //                       OutputGain
  writer.u8(head.mappingFamily); //                              ChannelMappingFamily
  writer.raw(head.mapping);
  return writer.close(box).written();
}

export type FlacInfo = {
  readonly sampleRate: number;
  readonly channels: number;
  readonly sampleBits: number;
  /** Samples of a block where all are alike, else 0. */
  readonly blockLength: number;
  /** The 34 bytes of STREAMINFO. */
  readonly streamInfo: Uint8Array;
};

/** Reads STREAMINFO (RFC 9639 §8.2) out of `fLaC` and metadata blocks, or of metadata blocks alone; null where none. */
export function readFlacInfo(bytes: Uint8Array): FlacInfo | null {
  const hasMarker = bytes[0] === 0x66 && bytes[1] === 0x4c && bytes[2] === 0x61 && bytes[3] === 0x43;
  const at = hasMarker ? 4 : 0;
  if (bytes.length < at + 38 || (bytes[at]! & 0x7f) !== 0) return null; // block type 0: STREAMINFO
  const streamInfo = bytes.slice(at + 4, at + 38);
  const view = new DataView(streamInfo.buffer);
  const packed = view.getUint32(10);
  const sampleRate = packed >>> 12;
  if (sampleRate === 0) return null;
  return {
    sampleRate,
    channels: ((packed >>> 9) & 7) + 1,
    sampleBits: ((packed >>> 4) & 31) + 1,
    blockLength: view.getUint16(0) === view.getUint16(2) ? view.getUint16(0) : 0,
    streamInfo,
  };
}

/** FLACSpecificBox ("Encapsulation of FLAC in ISO Base Media File Format" §3.3.2) with STREAMINFO alone. */
export function flacBox(info: FlacInfo): Uint8Array {
  const writer = new BoxWriter(64);
  const box = writer.openFull('dfLa', 0, 0);
  writer.u8(0x80).u24(34).raw(info.streamInfo); //               last block, type 0, its length
  return writer.close(box).written();
}

/** Rate and channels of a Vorbis setup, three headers in Xiph lacing (RFC 9559 §6.2 style); null where it is none. */
export function readVorbisSetup(bytes: Uint8Array): { sampleRate: number; channels: number } | null {
  if (bytes[0] !== 2) return null; //                            three packets
  let at = 1;
  for (let packet = 0; packet < 2; packet++) {
    while (at < bytes.length && bytes[at] === 255) at++;
    at++;
  }
  // Vorbis I specification §4.2.2: packet type 1, "vorbis", version, channels, rate
  if (at + 16 > bytes.length || bytes[at] !== 1) return null;
  if (new TextDecoder('latin1').decode(bytes.subarray(at + 1, at + 7)) !== 'vorbis') return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, 16);
  const channels = view.getUint8(11);
  const sampleRate = view.getUint32(12, true);
  return channels > 0 && sampleRate > 0 ? { sampleRate, channels } : null;
}
