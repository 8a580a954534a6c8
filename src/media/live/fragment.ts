// One movie fragment: moof and mdat (ISO/IEC 14496-12 §8.8.4 to §8.8.12) in one buffer of exactly its size. Each
// sample's bytes are copied once, into that buffer, and from there on it is shared.

export type FragmentSample = {
  readonly data: Uint8Array;
  /** Decode time in ticks of the track, not below zero. */
  readonly decodeTicks: number;
  /** Presentation time minus decode time, ticks. */
  readonly offsetTicks: number;
  readonly durationTicks: number;
  readonly isKey: boolean;
};

export type FragmentRun = {
  /** track_ID */
  readonly track: number;
  /** In decode order; not empty. */
  readonly samples: readonly FragmentSample[];
};

const moofHeadBytes = 8 + 16; //                                 moof, mfhd
const trafHeadBytes = 8 + 16 + 20 + 20; //                       traf, tfhd, tfdt, trun up to its samples
const runSampleBytes = 16;

// sample_flags (§8.8.3.1): depends on no other; depends on others and is no sync sample.
const keyFlags = 0x0200_0000;
const otherFlags = 0x0101_0000;

/** Writes the fragment `sequence` (from 1) of these runs. Hot path: once for each picture of each camera watched. */
export function writeFragment(sequence: number, runs: readonly FragmentRun[]): Buffer {
  let moofBytes = moofHeadBytes;
  let dataBytes = 0;
  for (const { samples } of runs) {
    moofBytes += trafHeadBytes + runSampleBytes * samples.length;
    for (const { data } of samples) dataBytes += data.length;
  }
  // Not from the pool: a slice of it would keep the whole of it in memory.
  const bytes = Buffer.allocUnsafeSlow(moofBytes + 8 + dataBytes);
  let at = box(bytes, 0, moofBytes, 'moof');
  at = box(bytes, at, 16, 'mfhd');
  at = u32(bytes, at, 0);
  at = u32(bytes, at, sequence >>> 0); //                        sequence_number
  let dataAt = moofBytes + 8;
  for (const { track, samples } of runs) {
    const trunBytes = 20 + runSampleBytes * samples.length;
    at = box(bytes, at, trafHeadBytes + runSampleBytes * samples.length, 'traf');
    at = box(bytes, at, 16, 'tfhd');
    at = u32(bytes, at, 0x02_0000); //                           default-base-is-moof
    at = u32(bytes, at, track); //                               track_ID
    at = box(bytes, at, 20, 'tfdt');
    at = u32(bytes, at, 0x0100_0000); //                         version 1
    const start = samples[0]!.decodeTicks;
    at = u32(bytes, at, Math.floor(start / 2 ** 32)); //         baseMediaDecodeTime
    at = u32(bytes, at, start % 2 ** 32);
    at = box(bytes, at, trunBytes, 'trun');
    // Version 1 (signed offsets); data-offset, duration, size, flags and composition offset of each sample.
    at = u32(bytes, at, 0x0100_0f01);
    at = u32(bytes, at, samples.length); //                      sample_count
    at = u32(bytes, at, dataAt); //                              data_offset, from the start of moof
    for (const sample of samples) {
      at = u32(bytes, at, sample.durationTicks);
      at = u32(bytes, at, sample.data.length);
      at = u32(bytes, at, sample.isKey ? keyFlags : otherFlags);
      at = bytes.writeInt32BE(sample.offsetTicks, at);
      dataAt += sample.data.length;
    }
  }
  at = box(bytes, at, 8 + dataBytes, 'mdat');
  for (const { samples } of runs) {
    for (const { data } of samples) {
      bytes.set(data, at);
      at += data.length;
    }
  }
  return bytes;
}

function u32(bytes: Buffer, at: number, value: number): number {
  return bytes.writeUInt32BE(value, at);
}

function box(bytes: Buffer, at: number, sizeBytes: number, type: string): number {
  return bytes.writeUInt32BE(sizeBytes, at) + bytes.write(type, at + 4, 'latin1');
}
