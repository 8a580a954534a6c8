// H.265 (HEVC): the decoder configuration record of ISO/IEC 14496-15 §8.3.3.1 and its name (Annex E.3).

/** What an HEVCDecoderConfigurationRecord says; null where it is none. */
export type HevcRecord = {
  /** All of VPS, SPS and PPS are in the record (`hvc1`); else they are in the stream (`hev1`). */
  readonly hasParameterSets: boolean;
  /** All but the sample entry's type: `1.6.L93.B0`. */
  readonly profile: string;
};

/** Reads the record; null where its arrays do not fit in it. */
export function readHevcRecord(record: Uint8Array): HevcRecord | null {
  // Some muxers of old wrote configurationVersion 0 while the standard was being made.
  if (record.length < 23 || record[0]! > 1) return null;
  let at = 23;
  const found = new Set<number>();
  for (let arrays = record[22]!; arrays > 0; arrays--) {
    //      numOfArrays
    if (at + 3 > record.length) return null;
    const type = record[at]! & 63; //                            NAL_unit_type
    let units = record[at + 1]! * 256 + record[at + 2]!; //      numNalus
    at += 3;
    if (units > 0) found.add(type);
    for (; units > 0; units--) {
      if (at + 2 > record.length) return null;
      at += 2 + record[at]! * 256 + record[at + 1]!; //          nalUnitLength
    }
  }
  if (at > record.length) return null;
  const hasParameterSets = found.has(32) && found.has(33) && found.has(34);
  return { hasParameterSets, profile: profileOf(record) };
}

/** general_profile_space and idc, compatibility flags with their bits reversed, tier and level, constraint bytes. */
function profileOf(record: Uint8Array): string {
  const space = ['', 'A', 'B', 'C'][record[1]! >>> 6]!;
  const tier = record[1]! & 0x20 ? 'H' : 'L';
  let compatibility = 0;
  for (let bit = 0; bit < 32; bit++) {
    if (record[2 + (bit >>> 3)]! & (0x80 >>> (bit & 7))) compatibility += 2 ** bit;
  }
  const constraints = [...record.subarray(6, 12)];
  while (constraints.at(-1) === 0) constraints.pop(); //         trailing zero bytes are left out
  const parts = [`${space}${record[1]! & 31}`, compatibility.toString(16), `${tier}${record[12]!}`];
  return [...parts, ...constraints.map((byte) => byte.toString(16))].join('.').toUpperCase();
}
