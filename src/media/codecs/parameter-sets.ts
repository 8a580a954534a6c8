// Sequence parameter sets of H.264 (ITU-T H.264 §7.3.2.1.1) and H.265 (ITU-T H.265 §7.3.2.2): the size of the picture
// and how far pictures are shown out of the order they come in. Hostile input: every loop is bounded.
import { BitReader } from './bit-reader.ts';

export type PictureFormat = {
  /** Pixels after cropping. */
  readonly width: number;
  readonly height: number;
  /** Width over height as shown, with the pixels' own shape: display width in pixels. */
  readonly displayWidth: number;
  /** Most pictures that come before one that is shown earlier; 0: shown in the order they come; null: not told. */
  readonly reorderDepth: number | null;
};

/** Sizes beyond this are no camera's; level 6.2 ends at 16,384. */
const maxSide = 16_384;
const maxReorderDepth = 16;

/** Width to height of a pixel by aspect_ratio_idc 1..16 (H.264 Table E-1, H.265 Table E.1). */
const pixelShapes = [
  ...[
    [1, 1],
    [12, 11],
    [10, 11],
    [16, 11],
    [40, 33],
    [24, 11],
    [20, 11],
    [32, 11],
  ],
  ...[
    [80, 33],
    [18, 11],
    [15, 11],
    [64, 33],
    [160, 99],
    [4, 3],
    [3, 2],
    [2, 1],
  ],
] as const;

/** The bytes of a NAL unit without emulation_prevention_three_byte (H.264 §7.4.1, H.265 §7.4.2). */
function rawPayload(unit: Uint8Array): Uint8Array {
  const raw = new Uint8Array(Math.min(unit.length, 1024));
  let length = 0;
  let zeros = 0;
  for (let at = 0; at < unit.length && length < raw.length; at++) {
    const byte = unit[at]!;
    if (zeros >= 2 && byte === 3) {
      zeros = 0;
      continue;
    }
    raw[length++] = byte;
    zeros = byte === 0 ? zeros + 1 : 0;
  }
  return raw.subarray(0, length);
}

/** ue(v) (H.264 §9.1). */
const ue = (bits: BitReader) => bits.readUvlc();

/** The format told by the first parameter set of an AVCDecoderConfigurationRecord; null where it cannot be read. */
export function avcPictureFormat(record: Uint8Array): PictureFormat | null {
  if (record.length < 9 || (record[5]! & 31) === 0) return null;
  const length = record[6]! * 256 + record[7]!;
  if (length < 4 || 8 + length > record.length) return null;
  return readAvcSet(rawPayload(record.subarray(8, 8 + length)));
}

/** Profiles whose set tells the format of colours (H.264 §7.3.2.1.1). */
const highProfiles = new Set([100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135]);

function readAvcSet(set: Uint8Array): PictureFormat | null {
  const bits = new BitReader(set);
  bits.skip(8); //                                               NAL unit header
  const profile = bits.read(8); //                               profile_idc
  bits.skip(16); //                                              constraint flags, level_idc
  ue(bits); //                                                   seq_parameter_set_id
  let chroma = 1;
  if (highProfiles.has(profile)) {
    chroma = ue(bits); //                                        chroma_format_idc
    if (chroma === 3) bits.skip(1); //                           separate_colour_plane_flag
    ue(bits); //                                                 bit_depth_luma_minus8
    ue(bits); //                                                 bit_depth_chroma_minus8
    bits.skip(1); //                                             qpprime_y_zero_transform_bypass_flag
    if (bits.flag()) skipScalingLists(bits, chroma === 3 ? 12 : 8);
  }
  ue(bits); //                                                   log2_max_frame_num_minus4
  const orderType = ue(bits); //                                 pic_order_cnt_type
  if (orderType === 0)
    ue(bits); //                              log2_max_pic_order_cnt_lsb_minus4
  else if (orderType === 1) {
    bits.skip(1); //                                             delta_pic_order_always_zero_flag
    ue(bits); //                                                 offset_for_non_ref_pic
    ue(bits); //                                                 offset_for_top_to_bottom_field
    const cycle = ue(bits); //                                   num_ref_frames_in_pic_order_cnt_cycle
    if (cycle > 255) return null;
    for (let i = 0; i < cycle; i++) ue(bits);
  }
  ue(bits); //                                                   max_num_ref_frames
  bits.skip(1); //                                               gaps_in_frame_num_value_allowed_flag
  const columns = ue(bits) + 1; //                               pic_width_in_mbs_minus1
  const rows = ue(bits) + 1; //                                  pic_height_in_map_units_minus1
  const isProgressive = bits.flag(); //                          frame_mbs_only_flag
  if (!isProgressive) bits.skip(1); //                           mb_adaptive_frame_field_flag
  bits.skip(1); //                                               direct_8x8_inference_flag
  const fields = isProgressive ? 1 : 2;
  const crop = readCropping(bits);
  const unitX = chroma === 1 || chroma === 2 ? 2 : 1;
  const unitY = (chroma === 1 ? 2 : 1) * fields;
  const width = columns * 16 - unitX * (crop.left + crop.right);
  const height = rows * 16 * fields - unitY * (crop.top + crop.bottom);
  const usage = bits.flag() ? readAvcUsage(bits) : null; //      vui_parameters_present_flag
  // Baseline and order type 2 never reorder, whether they say so or not.
  const isOrdered = profile === 66 || orderType === 2;
  const told = usage?.reorderDepth ?? null;
  const reorderDepth = isOrdered ? 0 : told === null ? null : Math.min(told, maxReorderDepth);
  return checked(width, height, usage?.pixel ?? [1, 1], reorderDepth, bits);
}

/** frame_cropping_flag or conformance_window_flag, and the four offsets. */
function readCropping(bits: BitReader) {
  const crop = { left: 0, right: 0, top: 0, bottom: 0 };
  if (!bits.flag()) return crop;
  crop.left = ue(bits);
  crop.right = ue(bits);
  crop.top = ue(bits);
  crop.bottom = ue(bits);
  return crop;
}

/** scaling_list (H.264 §7.3.2.1.1.1), skipped. */
function skipScalingLists(bits: BitReader, lists: number): void {
  for (let list = 0; list < lists; list++) {
    if (!bits.flag()) continue; //                               seq_scaling_list_present_flag
    let last = 8;
    let next = 8;
    for (let i = 0; i < (list < 6 ? 16 : 64) && next !== 0; i++) {
      next = (last + signed(ue(bits)) + 256) & 255; //           delta_scale
      if (next !== 0) last = next;
    }
  }
}

/** se(v) from ue(v) (H.264 §9.1.1). */
function signed(value: number): number {
  return value % 2 === 1 ? (value + 1) / 2 : -value / 2;
}

function readPixelShape(bits: BitReader): readonly [number, number] {
  if (!bits.flag()) return [1, 1]; //                            aspect_ratio_info_present_flag
  const shape = bits.read(8); //                                 aspect_ratio_idc
  if (shape === 255) return [bits.read(16), bits.read(16)]; //   sar_width, sar_height
  return (pixelShapes[shape - 1] as readonly [number, number] | undefined) ?? [1, 1];
}

/** overscan, video signal type and chroma location: alike in both standards. */
function skipSignal(bits: BitReader): void {
  if (bits.flag()) bits.skip(1); //                              overscan_info_present_flag
  if (bits.flag()) {
    bits.skip(4); //                                             video_format, video_full_range_flag
    if (bits.flag()) bits.skip(24); //                           colour_primaries, transfer, matrix
  }
  if (bits.flag()) {
    ue(bits); //                                                 chroma_sample_loc_type_top_field
    ue(bits); //                                                 chroma_sample_loc_type_bottom_field
  }
}

/** vui_parameters (H.264 §E.1.1) up to max_num_reorder_frames. */
function readAvcUsage(bits: BitReader) {
  const pixel = readPixelShape(bits);
  skipSignal(bits);
  if (bits.flag()) bits.skip(65); //                             num_units_in_tick, time_scale, fixed_frame_rate_flag
  const hasNal = bits.flag();
  if (hasNal) skipHypotheticalDecoder(bits);
  const hasVcl = bits.flag();
  if (hasVcl) skipHypotheticalDecoder(bits);
  if (hasNal || hasVcl) bits.skip(1); //                         low_delay_hrd_flag
  bits.skip(1); //                                               pic_struct_present_flag
  if (!bits.flag()) return { pixel, reorderDepth: null }; //     bitstream_restriction_flag
  bits.skip(1); //                                               motion_vectors_over_pic_boundaries_flag
  for (let i = 0; i < 4; i++) ue(bits); //                       bytes and bits per picture, vector lengths
  const reorderDepth = ue(bits); //                              max_num_reorder_frames
  return { pixel, reorderDepth: bits.isPastEnd ? null : reorderDepth };
}

/** hrd_parameters (H.264 §E.1.2). */
function skipHypotheticalDecoder(bits: BitReader): void {
  const count = Math.min(ue(bits), 31) + 1; //                   cpb_cnt_minus1
  bits.skip(8); //                                               bit_rate_scale, cpb_size_scale
  for (let i = 0; i < count; i++) {
    ue(bits); //                                                 bit_rate_value_minus1
    ue(bits); //                                                 cpb_size_value_minus1
    bits.skip(1); //                                             cbr_flag
  }
  bits.skip(20); //                                              delay lengths, time_offset_length
}

/** The format told by the first parameter set of an HEVCDecoderConfigurationRecord; null where it cannot be read. */
export function hevcPictureFormat(record: Uint8Array): PictureFormat | null {
  if (record.length < 23) return null;
  let at = 23;
  for (let arrays = record[22]!; arrays > 0 && at + 3 <= record.length; arrays--) {
    const type = record[at]! & 63;
    let units = record[at + 1]! * 256 + record[at + 2]!;
    at += 3;
    for (; units > 0 && at + 2 <= record.length; units--) {
      const length = record[at]! * 256 + record[at + 1]!;
      if (at + 2 + length > record.length) return null;
      if (type === 33) return readHevcSet(rawPayload(record.subarray(at + 2, at + 2 + length)));
      at += 2 + length;
    }
  }
  return null;
}

/** seq_parameter_set_rbsp (H.265 §7.3.2.2.1) up to the numbers of pictures. Pixels are taken as square. */
function readHevcSet(set: Uint8Array): PictureFormat | null {
  const bits = new BitReader(set);
  bits.skip(16 + 4); //                                          NAL unit header, sps_video_parameter_set_id
  const layers = bits.read(3); //                                sps_max_sub_layers_minus1
  bits.skip(1); //                                               sps_temporal_id_nesting_flag
  skipProfile(bits, layers);
  ue(bits); //                                                   sps_seq_parameter_set_id
  const chroma = ue(bits); //                                    chroma_format_idc
  if (chroma === 3) bits.skip(1); //                             separate_colour_plane_flag
  const codedWidth = ue(bits); //                                pic_width_in_luma_samples
  const codedHeight = ue(bits); //                               pic_height_in_luma_samples
  const crop = readCropping(bits);
  const unitX = chroma === 1 || chroma === 2 ? 2 : 1;
  const unitY = chroma === 1 ? 2 : 1;
  ue(bits); //                                                   bit_depth_luma_minus8
  ue(bits); //                                                   bit_depth_chroma_minus8
  ue(bits); //                                                   log2_max_pic_order_cnt_lsb_minus4
  const isPerLayer = bits.flag(); //                             sps_sub_layer_ordering_info_present_flag
  let depth = 0;
  for (let layer = isPerLayer ? 0 : layers; layer <= layers; layer++) {
    ue(bits); //                                                 sps_max_dec_pic_buffering_minus1
    depth = ue(bits); //                                         sps_max_num_reorder_pics
    ue(bits); //                                                 sps_max_latency_increase_plus1
  }
  const width = codedWidth - unitX * (crop.left + crop.right);
  const height = codedHeight - unitY * (crop.top + crop.bottom);
  return checked(width, height, [1, 1], Math.min(depth, maxReorderDepth), bits);
}

/** profile_tier_level (H.265 §7.3.3). */
function skipProfile(bits: BitReader, layers: number): void {
  bits.skip(88 + 8); //                                          general profile and general_level_idc
  const present: [boolean, boolean][] = [];
  for (let i = 0; i < layers; i++) present.push([bits.flag(), bits.flag()]);
  if (layers > 0) bits.skip(2 * (8 - layers)); //                reserved_zero_2bits
  for (const [hasProfile, hasLevel] of present) bits.skip((hasProfile ? 88 : 0) + (hasLevel ? 8 : 0));
}

function checked(
  width: number,
  height: number,
  pixel: readonly [number, number],
  reorderDepth: number | null,
  bits: BitReader,
): PictureFormat | null {
  if (bits.isPastEnd || !(width >= 1 && width <= maxSide && height >= 1 && height <= maxSide)) return null;
  const ratio = pixel[0] / pixel[1];
  const displayWidth = ratio > 0.1 && ratio < 10 ? Math.round(width * ratio) : width;
  return { width, height, displayWidth, reorderDepth };
}
