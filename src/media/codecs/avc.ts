// H.264 (AVC): the decoder configuration record of ISO/IEC 14496-15 §5.3.3.1, which Matroska's CodecPrivate and
// MP4's avcC hold alike, and its RFC 6381 name.

const hex = (value: number) => value.toString(16).padStart(2, '0');

/** Whether `record` is an AVCDecoderConfigurationRecord whose parameter sets lie inside it. */
export function isAvcRecord(record: Uint8Array): boolean {
  if (record.length < 7 || record[0] !== 1) return false; //     configurationVersion
  if ((record[4]! & 3) === 2) return false; //                   lengthSizeMinusOne is 0, 1 or 3
  let at = 6;
  for (let left = record[5]! & 31; left > 0; left--) {
    if (at + 2 > record.length) return false;
    at += 2 + record[at]! * 256 + record[at + 1]!; //            sequenceParameterSetLength
  }
  if (at >= record.length) return false;
  let pictures = record[at++]!;
  for (; pictures > 0; pictures--) {
    if (at + 2 > record.length) return false;
    at += 2 + record[at]! * 256 + record[at + 1]!; //            pictureParameterSetLength
  }
  return at <= record.length;
}

/** Whether the record itself holds a sequence parameter set (`avc1`); without one they are in the stream (`avc3`). */
export function hasAvcParameterSets(record: Uint8Array): boolean {
  return (record[5]! & 31) > 0;
}

/** `avc1.64001f`: AVCProfileIndication, profile_compatibility, AVCLevelIndication (RFC 6381 §3.3). */
export function avcCodecString(type: string, record: Uint8Array): string {
  return `${type}.${hex(record[1]!)}${hex(record[2]!)}${hex(record[3]!)}`;
}
