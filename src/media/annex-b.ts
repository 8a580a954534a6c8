// Cuts a stream of H.264 in byte stream format (ISO/IEC 14496-10 Annex B) into access units (§7.4.1.2.3), as programs
// write it that have no container. Memory: one access unit and what arrived after it; each byte is searched once.
import { AppError } from '../errors.ts';
import { PendingBytes } from './pending-bytes.ts';

/** nal_unit_type (Table 7-1): what can begin an access unit beside its first slice. */
const [slice, partitionA, idr, sei, sps, pps, delimiter] = [1, 2, 5, 6, 7, 8, 9];

const startCode = Buffer.of(0, 0, 1);

/** More units than this in one picture are an attack. */
const maxUnits = 4096;

export type AnnexBStream = {
  /** Takes the next bytes and yields the access units complete by now, start codes included; copies. Throws `unavailable`. */
  push(chunk: Uint8Array): Generator<Buffer, void, void>;
  /** The last access unit, when the stream has ended; null where there is none. */
  end(): Buffer | null;
};

/** `maxBytes`: of one access unit. */
export function createAnnexBStream(maxBytes: number): AnnexBStream {
  const pending = new PendingBytes(256 * 1024);
  /** Where the present access unit's units begin (at their start codes), and how far has been searched. */
  let unitCount = 0;
  let hasPicture = false;
  let searched = 0;
  let hasBegun = false;

  /** Everything before `at` is used; the search goes on behind the start code there. */
  const cut = (at: number) => {
    pending.drop(at);
    searched = startCode.length;
    unitCount = 1;
    hasPicture = false;
  };

  return {
    *push(chunk) {
      pending.append(chunk);
      for (;;) {
        const { bytes } = pending;
        const at = bytes.indexOf(startCode, searched);
        // The two bytes behind the start code tell of the unit: type, and first_mb_in_slice.
        if (at < 0 || at + 5 > bytes.length) {
          searched = at < 0 ? Math.max(searched, bytes.length - 2) : at;
          if (bytes.length > maxBytes) {
            const message = hasBegun
              ? `The camera sends a picture of more than ${Math.round(maxBytes / 1024 / 1024)} MB.`
              : 'The camera sends something that is no H.264.';
            throw new AppError('unavailable', message);
          }
          return;
        }
        const type = bytes[at + 3]! & 31;
        const isPicture = type >= slice && type <= idr;
        // first_mb_in_slice is ue(v): its value is 0 where its first bit is 1 (§7.4.3, §9.1).
        const isFirstSlice =
          (type === slice || type === partitionA || type === idr) && (bytes[at + 4]! & 0x80) !== 0;
        const isBeginning =
          type === delimiter || type === sps || type === pps || type === sei || (type >= 14 && type <= 18);
        if (!hasBegun) {
          hasBegun = true;
          cut(at);
          hasPicture = isPicture;
          continue;
        }
        if (hasPicture && (isFirstSlice || isBeginning)) {
          const unit = Buffer.from(bytes.subarray(0, withoutZeros(bytes, at)));
          cut(at);
          hasPicture = isPicture;
          yield unit;
          continue;
        }
        hasPicture ||= isPicture;
        searched = at + startCode.length;
        unitCount += 1;
        if (unitCount > maxUnits)
          throw new AppError('unavailable', 'The camera sends something that is no H.264.');
      }
    },
    end() {
      if (!hasBegun || !hasPicture) return null;
      const unit = Buffer.from(pending.bytes);
      pending.drop(pending.length);
      hasPicture = false;
      return unit;
    },
  };
}

/** The end of what stands before the start code at `at`, without the zero byte of a long start code. */
function withoutZeros(bytes: Buffer, at: number): number {
  let end = at;
  while (end > 0 && bytes[end - 1] === 0) end -= 1;
  return end;
}

/**
 * The decoder configuration record (ISO/IEC 14496-15 §5.3.3.1) of parameter sets, each after a start code; null
 * where there is no whole SPS and PPS. Length prefixes of four bytes.
 */
export function makeAvcRecord(annexB: Buffer): Buffer | null {
  const units = splitUnits(annexB);
  const spsUnits = units.filter(
    (unit) => (unit[0]! & 31) === sps && unit.length >= 4 && unit.length < 65_536,
  );
  const ppsUnits = units.filter((unit) => (unit[0]! & 31) === pps && unit.length < 65_536);
  const [first] = spsUnits;
  if (!first || ppsUnits.length === 0 || spsUnits.length > 31 || ppsUnits.length > 255) return null;
  const withLength = (unit: Buffer) => [Buffer.of(unit.length >> 8, unit.length & 255), unit];
  const profile = first[1]!;
  return Buffer.concat([
    Buffer.of(1, profile, first[2]!, first[3]!), //              version, profile, compatibility, level
    Buffer.of(0xff), //                                          reserved, lengthSizeMinusOne 3
    Buffer.of(0xe0 | spsUnits.length),
    ...spsUnits.flatMap(withLength),
    Buffer.of(ppsUnits.length),
    ...ppsUnits.flatMap(withLength),
    // §5.3.3.1.2: chroma_format 4:2:0, 8 bits, no SPS extensions; all that cameras write in these profiles.
    ...([100, 110, 122, 144].includes(profile) ? [Buffer.of(0xfd, 0xf8, 0xf8, 0)] : []),
  ]);
}

function splitUnits(bytes: Buffer): Buffer[] {
  const units: Buffer[] = [];
  let at = bytes.indexOf(startCode);
  while (at >= 0 && units.length < maxUnits) {
    const start = at + startCode.length;
    at = bytes.indexOf(startCode, start);
    const end = at < 0 ? bytes.length : withoutZeros(bytes, at);
    if (end > start) units.push(bytes.subarray(start, end));
  }
  return units;
}
