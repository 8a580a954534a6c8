// AAC: reads and makes an AudioSpecificConfig (ISO/IEC 14496-3 §1.6.2.1), with SBR and PS told in any of the ways
// they can be (§1.6.5.2): explicitly in front, by an extension behind, or not at all.
import { BitReader } from './bit-reader.ts';

const sampleRates = [
  ...[96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350],
];
/** Channels of channelConfiguration 0..14 (ISO/IEC 23001-8); 0: told elsewhere. */
const channelCounts = [0, 1, 2, 3, 4, 5, 6, 8, 0, 0, 0, 7, 8, 24, 8];

export type AacConfig = {
  /** 2 LC, 5 LC with SBR, 29 with PS as well; others as §1.5.1.1 has them. */
  readonly objectType: number;
  /** As decoded, Hz. */
  readonly sampleRate: number;
  /** As decoded; 0 where the config leaves it to the stream. */
  readonly channels: number;
  /** Samples of a frame at `sampleRate`. */
  readonly frameLength: number;
};

function readObjectType(bits: BitReader): number {
  const type = bits.read(5);
  return type === 31 ? 32 + bits.read(6) : type;
}

function readRate(bits: BitReader): number {
  const index = bits.read(4); //                                 samplingFrequencyIndex
  return index === 15 ? bits.read(24) : (sampleRates[index] ?? 0);
}

/** Reads a config; null where it is none. `outputRate` is the container's word on the decoded rate, 0 where none. */
export function readAacConfig(bytes: Uint8Array, outputRate = 0): AacConfig | null {
  if (bytes.length < 2) return null;
  const bits = new BitReader(bytes.subarray(0, 64));
  const outer = readObjectType(bits);
  let core = outer;
  const coreRate = readRate(bits);
  const channelsField = bits.read(4); //                         channelConfiguration
  let rate = coreRate;
  let objectType = outer;
  const isExplicit = outer === 5 || outer === 29;
  if (isExplicit) {
    rate = readRate(bits); //                                    extensionSamplingFrequencyIndex
    core = readObjectType(bits);
  }
  // GASpecificConfig (§4.4.1): frameLengthFlag is its first bit.
  const isShort = [1, 2, 3, 4, 6, 7, 17, 19, 20, 21, 22, 23].includes(core) && bits.flag();
  if (bits.isPastEnd || coreRate < 1 || rate < 1 || objectType < 1) return null;
  if (!isExplicit && core === 2) {
    // Without a channel configuration a program_config_element stands in between.
    const extension = channelsField > 0 ? readSyncExtension(bits) : null;
    if (extension) [objectType, rate] = [extension.hasPs ? 29 : 5, extension.rate];
    // Implicit: twice the rate at the decoder's output is all that tells.
    else if (outputRate === coreRate * 2) [objectType, rate] = [5, outputRate];
  }
  const length = isShort ? 960 : 1024;
  const channels = channelCounts[channelsField] ?? 0;
  return {
    objectType,
    sampleRate: rate,
    channels: objectType === 29 && channels === 1 ? 2 : channels,
    frameLength: core === 23 ? length / 2 : length * (rate === coreRate * 2 ? 2 : 1),
  };
}

/** The backward compatible extension behind the config of AAC LC (§1.6.2.1, syncExtensionType). */
function readSyncExtension(bits: BitReader): { hasPs: boolean; rate: number } | null {
  if (bits.flag()) bits.skip(14); //                             dependsOnCoreCoder, coreCoderDelay
  bits.skip(1); //                                               extensionFlag
  if (bits.remaining < 16 || bits.read(11) !== 0x2b7) return null;
  if (readObjectType(bits) !== 5 || !bits.flag()) return null; // extensionAudioObjectType, sbrPresentFlag
  const rate = readRate(bits);
  if (rate < 1 || bits.isPastEnd) return null;
  const hasPs = bits.remaining >= 12 && bits.read(11) === 0x548 && bits.flag();
  return { hasPs, rate };
}

/** Makes a config where the container has none: `objectType` 1..4 of the core, SBR where `outputRate` is doubled. */
export function makeAacConfig(
  objectType: number,
  coreRate: number,
  outputRate: number,
  channels: number,
): Uint8Array | null {
  const rateIndex = sampleRates.indexOf(coreRate);
  const channelsField = channels === 8 ? 7 : channels;
  if (rateIndex < 0 || channels < 1 || channels > 8 || channels === 7) return null;
  if (outputRate !== coreRate * 2) {
    const value = (objectType << 11) | (rateIndex << 7) | (channelsField << 3);
    return Uint8Array.of(value >>> 8, value & 0xff);
  }
  const outputIndex = sampleRates.indexOf(outputRate);
  if (outputIndex < 0) return null;
  // 5 | rate | channels | output rate | core type | GASpecificConfig of three zero bits
  const value =
    5 * 2 ** 27 +
    rateIndex * 2 ** 23 +
    channelsField * 2 ** 19 +
    outputIndex * 2 ** 15 +
    objectType * 2 ** 10;
  return Uint8Array.of(value / 2 ** 24, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff);
}
