// AV1: the configuration record av1C ("AV1 Codec ISO Media File Format Binding" §2.3), which Matroska's CodecPrivate
// holds as well, or made from the sequence header of the first frame (AV1 bitstream specification §5.5).
import { BitReader } from './bit-reader.ts';

/** marker 1, version 1. */
const markerAndVersion = 0x81;

/** Whether `record` is an AV1CodecConfigurationRecord. */
export function isAv1Record(record: Uint8Array): boolean {
  return record.length >= 4 && record[0] === markerAndVersion;
}

/** `av01.0.08M.08`: profile, level and tier, bit depth (AV1 binding §5). */
export function av1CodecString(record: Uint8Array): string {
  const profile = record[1]! >>> 5; //                           seq_profile
  const level = String(record[1]! & 31).padStart(2, '0'); //     seq_level_idx_0
  const tier = record[2]! & 0x80 ? 'H' : 'M'; //                 seq_tier_0
  const isHigh = (record[2]! & 0x40) !== 0; //                   high_bitdepth
  const isTwelve = (record[2]! & 0x20) !== 0; //                 twelve_bit
  const depth = isHigh ? (profile === 2 && isTwelve ? '12' : '10') : '08';
  return `av01.${profile}.${level}${tier}.${depth}`;
}

/** The record made from the sequence header in a temporal unit (low-overhead format, §5.2); null where there is none. */
export function av1RecordFrom(firstFrame: Uint8Array): Uint8Array | null {
  const unit = findSequenceHeader(firstFrame);
  if (!unit) return null;
  const fields = readSequenceHeader(unit.payload);
  if (!fields) return null;
  // The OBU is kept with its size field, as §2.3.4 of the binding asks: made anew where it had none.
  const length: number[] = [];
  for (let left = unit.payload.length; ; left >>>= 7) {
    length.push((left & 0x7f) | (left > 0x7f ? 0x80 : 0));
    if (left <= 0x7f) break;
  }
  const header = 0x0a; //                                        obu_type 1, obu_has_size_field
  return Uint8Array.of(markerAndVersion, ...fields, header, ...length, ...unit.payload);
}

/** Walks the OBUs (§5.3) to the first sequence header. */
function findSequenceHeader(bytes: Uint8Array): { payload: Uint8Array } | null {
  let at = 0;
  while (at < bytes.length) {
    const header = bytes[at++]!;
    if (header & 0x80) return null; //                           obu_forbidden_bit
    if (header & 4) at++; //                                     obu_extension_flag
    let size = bytes.length - at;
    if (header & 2) {
      //                                         obu_has_size_field: leb128 (§4.10.5)
      size = 0;
      for (let i = 0; i < 8; i++) {
        const byte = bytes[at++] ?? 0;
        size += (byte & 0x7f) * 2 ** (7 * i);
        if (!(byte & 0x80)) break;
      }
    }
    if (((header >>> 3) & 15) === 1) {
      //                        OBU_SEQUENCE_HEADER
      // A real one has some ten bytes; anything much longer is not worth carrying in a header.
      if (size > 1024 || at + size > bytes.length) return null;
      return { payload: bytes.slice(at, at + size) };
    }
    at += size;
  }
  return null;
}

/** The three bytes after the version in av1C, from sequence_header_obu() (§5.5.1). */
function readSequenceHeader(payload: Uint8Array): [number, number, number] | null {
  const bits = new BitReader(payload);
  const profile = bits.read(3); //                               seq_profile
  bits.skip(1); //                                               still_picture
  let level = 0;
  let tier = 0;
  if (bits.flag())
    level = bits.read(5); //                      reduced_still_picture_header, seq_level_idx
  else {
    let hasDecoderModel = false;
    let delayBits = 0;
    if (bits.flag()) {
      //                                        timing_info_present_flag
      bits.skip(64); //                                          num_units_in_display_tick, time_scale
      if (bits.flag()) bits.readUvlc(); //                       equal_picture_interval, num_ticks_per_picture_minus_1
      hasDecoderModel = bits.flag(); //                          decoder_model_info_present_flag
      if (hasDecoderModel) {
        delayBits = bits.read(5) + 1; //                         buffer_delay_length_minus_1
        bits.skip(32 + 5 + 5);
      }
    }
    const hasInitialDelay = bits.flag(); //                      initial_display_delay_present_flag
    const points = bits.read(5) + 1; //                          operating_points_cnt_minus_1
    for (let i = 0; i < points; i++) {
      bits.skip(12); //                                          operating_point_idc
      const pointLevel = bits.read(5); //                        seq_level_idx
      const pointTier = pointLevel > 7 ? bits.read(1) : 0; //    seq_tier
      if (i === 0) [level, tier] = [pointLevel, pointTier];
      if (hasDecoderModel && bits.flag()) bits.skip(delayBits * 2 + 1);
      if (hasInitialDelay && bits.flag()) bits.skip(4);
    }
  }
  const widthBits = bits.read(4) + 1; //                         frame_width_bits_minus_1
  const heightBits = bits.read(4) + 1;
  bits.skip(widthBits + heightBits);
  const isReduced = (payload[0]! & 0x08) !== 0;
  if (!isReduced && bits.flag()) bits.skip(4 + 3); //            frame_id_numbers_present_flag
  bits.skip(3); //                                               128x128 superblocks, filter intra, intra edge filter
  if (!isReduced) {
    bits.skip(4); //                                             interintra, masked, warped, dual filter
    const hasOrderHint = bits.flag(); //                         enable_order_hint
    if (hasOrderHint) bits.skip(2); //                           enable_jnt_comp, enable_ref_frame_mvs
    const screen = bits.flag() ? 2 : bits.read(1); //            seq_(choose|force)_screen_content_tools
    if (screen > 0 && !bits.flag()) bits.skip(1); //             seq_(choose|force)_integer_mv
    if (hasOrderHint) bits.skip(3); //                           order_hint_bits_minus_1
  }
  bits.skip(3); //                                               superres, cdef, restoration
  const chroma = readColour(bits, profile);
  if (bits.isPastEnd) return null;
  return [(profile << 5) | level, (tier << 7) | chroma, 0];
}

/** color_config() (§5.5.2) as the low seven bits of av1C's third byte. */
function readColour(bits: BitReader, profile: number): number {
  const isHigh = bits.flag(); //                                 high_bitdepth
  const isTwelve = profile === 2 && isHigh && bits.flag(); //    twelve_bit
  const isMonochrome = profile !== 1 && bits.flag(); //          mono_chrome
  let isSrgb = false;
  if (bits.flag()) {
    //                                          color_description_present_flag
    const [primaries, transfer, matrix] = [bits.read(8), bits.read(8), bits.read(8)];
    isSrgb = primaries === 1 && transfer === 13 && matrix === 0;
  }
  let [x, y, position] = [1, 1, 0];
  if (isMonochrome)
    bits.skip(1); //                             color_range
  else if (isSrgb) [x, y] = [0, 0];
  else {
    bits.skip(1); //                                             color_range
    if (profile === 1) [x, y] = [0, 0];
    else if (profile === 2) {
      x = isTwelve ? bits.read(1) : 1; //                        subsampling_x
      y = isTwelve && x ? bits.read(1) : 0; //                   subsampling_y
    }
    if (x && y) position = bits.read(2); //                      chroma_sample_position
  }
  const depth = (isHigh ? 0x40 : 0) | (isTwelve ? 0x20 : 0) | (isMonochrome ? 0x10 : 0);
  return depth | (x << 3) | (y << 2) | position;
}
