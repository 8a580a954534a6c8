// H.264 and H.265 from any source as players take them: access units with 4-byte length prefixes, parameter sets
// apart in a decoder configuration record that comes with the key frame they begin to hold at. Bytes only, no codec.

export type AccessUnit = {
  readonly data: Buffer;
  readonly isKey: boolean;
  /** The avcC or hvcC record, where it is new. */
  readonly config?: Buffer;
};

export type AccessUnits = {
  /**
   * The access unit in `bytes` (they may be written over afterwards), or null where it is of no use: damaged, empty,
   * or before the first key frame with its parameter sets.
   */
  convert(bytes: Buffer, isMarkedKey: boolean): AccessUnit | null;
};

/** Makes the record from the parameter sets, each after a start code; null where they make none. */
export type MakeRecord = (annexB: Buffer) => Buffer | null;

/** Kinds of units by nal_unit_type: ITU-T H.264 table 7-1, H.265 table 7-1. */
type UnitKinds = {
  readonly typeOf: (firstByte: number) => number;
  readonly parameterSets: readonly number[];
  /** A unit that decoding can begin at. */
  readonly isKey: (unit: Buffer, type: number) => boolean;
  /** Access unit delimiter, end of sequence, end of stream, filler: nothing a player needs. */
  readonly dropped: readonly number[];
};

const kinds: Readonly<Record<'avc' | 'hevc', UnitKinds>> = {
  avc: {
    typeOf: (byte) => byte & 31,
    parameterSets: [7, 8], // SPS, PPS
    // IDR; a recovery point first in its SEI (H.264 §D.1.8) for cameras that refresh without any IDR.
    isKey: (unit, type) => type === 5 || (type === 6 && unit[1] === 6),
    dropped: [9, 10, 11, 12],
  },
  hevc: {
    typeOf: (byte) => (byte >> 1) & 63,
    parameterSets: [32, 33, 34], // VPS, SPS, PPS
    isKey: (_unit, type) => type >= 16 && type <= 21, // IRAP
    dropped: [35, 36, 37, 38],
  },
};

/** More units than this in one picture (a slice each) are an attack on whoever walks them. */
const maxUnits = 4096;
/** Most bytes of all parameter sets together: the standard allows more, no encoder needs it. */
const maxSetBytes = 16 * 1024;

/** Sets of one kind: cameras have one of each. */
const maxSets = 16;

const startCode = Buffer.of(0, 0, 0, 1);
const shortStartCode = Buffer.of(0, 0, 1);

/** `extradata` as FFmpeg has it: a record, or parameter sets after start codes, or nothing. */
export function createAccessUnits(
  codec: 'avc' | 'hevc',
  extradata: Buffer | null,
  makeRecord: MakeRecord,
): AccessUnits {
  const { typeOf, parameterSets, isKey, dropped } = kinds[codec];
  const isRecord = extradata !== null && extradata.length > 6 && extradata[0] === 1;
  /** Bytes of a length prefix (ISO/IEC 14496-15 §5.3.3.1.2, §8.3.3.1.2), 0 for start codes. */
  const prefixBytes = isRecord ? (extradata[codec === 'avc' ? 4 : 21]! & 3) + 1 : 0;
  const sets = new Map<number, readonly Buffer[]>();
  let config: Buffer | null = isRecord ? Buffer.from(extradata) : null;
  let isConfigNew = true;
  let hasStarted = false;

  /** Takes parameter sets; true where they differ from those so far. */
  const takeSets = (units: readonly Buffer[]): boolean => {
    let isChanged = false;
    for (const type of parameterSets) {
      const found = withoutCopies(units.filter((unit) => typeOf(unit[0]!) === type));
      const before = sets.get(type) ?? [];
      if (found.length === 0 || isSame(found, before)) continue;
      // Copies: the units are slices of a packet that is about to go.
      sets.set(
        type,
        found.map((unit) => Buffer.from(unit)),
      );
      isChanged = true;
    }
    return isChanged;
  };
  const renewConfig = () => {
    const all = parameterSets.flatMap((type) => sets.get(type) ?? []);
    const sizeBytes = all.reduce((sum, unit) => sum + unit.length + startCode.length, 0);
    if (parameterSets.some((type) => !sets.has(type)) || sizeBytes > maxSetBytes) return;
    const made = makeRecord(Buffer.concat(all.flatMap((unit) => [startCode, unit])));
    if (!made || (config && made.equals(config))) return;
    config = made;
    isConfigNew = true;
  };

  if (extradata && !isRecord) {
    const units = unitsOf(extradata, 0);
    if (units && takeSets(units)) renewConfig();
  }
  let isStale = false;

  return {
    convert(bytes, isMarkedKey) {
      const units = unitsOf(bytes, prefixBytes);
      if (!units) return null;
      const startsHere = isMarkedKey || units.some((unit) => isKey(unit, typeOf(unit[0]!)));
      const inBand = units.filter((unit) => parameterSets.includes(typeOf(unit[0]!)));
      if (inBand.length > 0 && takeSets(inBand)) isStale = true;
      if (startsHere && isStale) {
        renewConfig();
        isStale = false;
      }
      if (!config || (!hasStarted && !startsHere)) return null;
      // Sets that change between two key frames hold at once: they stay in the stream until the next record.
      const isLeftOut = (type: number) =>
        dropped.includes(type) || (!isStale && parameterSets.includes(type));
      const data = join(units.filter((unit) => !isLeftOut(typeOf(unit[0]!))));
      if (data.length === 0) return null;
      const isFirstWithConfig = startsHere && isConfigNew;
      if (startsHere) hasStarted = true;
      if (isFirstWithConfig) isConfigNew = false;
      return { data, isKey: startsHere, ...(isFirstWithConfig && { config }) };
    },
  };
}

/** The units as slices; null where there is none, or a length does not fit. */
function unitsOf(bytes: Buffer, prefixBytes: number): Buffer[] | null {
  const units = prefixBytes > 0 ? byLengths(bytes, prefixBytes) : byStartCodes(bytes);
  return units && units.length > 0 ? units : null;
}

function byLengths(bytes: Buffer, prefixBytes: number): Buffer[] | null {
  const units: Buffer[] = [];
  let at = 0;
  while (at + prefixBytes < bytes.length && units.length < maxUnits) {
    const length = bytes.readUIntBE(at, prefixBytes);
    at += prefixBytes;
    if (length > bytes.length - at) return null;
    if (length > 0) units.push(bytes.subarray(at, at + length));
    at += length;
  }
  return units;
}

/** ITU-T H.264 and H.265, annex B. */
function byStartCodes(bytes: Buffer): Buffer[] {
  const units: Buffer[] = [];
  let at = bytes.indexOf(shortStartCode);
  while (at >= 0 && units.length < maxUnits) {
    const start = at + shortStartCode.length;
    at = bytes.indexOf(shortStartCode, start);
    let end = at < 0 ? bytes.length : at;
    while (end > start && bytes[end - 1] === 0) end--; // trailing_zero_8bits, and the next start code's first byte
    if (end > start) units.push(bytes.subarray(start, end));
  }
  return units;
}

function join(units: readonly Buffer[]): Buffer {
  const joined = Buffer.allocUnsafe(units.reduce((sum, unit) => sum + 4 + unit.length, 0));
  let at = 0;
  for (const unit of units) {
    at = joined.writeUInt32BE(unit.length, at);
    at += unit.copy(joined, at);
  }
  return joined;
}

/** Cameras say their parameter sets in the description and again in the stream, which FFmpeg adds up. */
function withoutCopies(units: readonly Buffer[]): Buffer[] {
  return units
    .slice(0, maxSets)
    .filter((unit, at, all) => all.findIndex((other) => other.equals(unit)) === at);
}

function isSame(some: readonly Buffer[], others: readonly Buffer[]): boolean {
  return some.length === others.length && some.every((unit, at) => unit.equals(others[at]!));
}
