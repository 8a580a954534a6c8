// Uncompressed sound in MP4: ISO/IEC 23003-5 (`ipcm`, `fpcm` with pcmC). It knows whole numbers of 16, 24 and 32
// bits and floats of 32 and 64; anything else stays an obstacle.
import { BoxWriter } from '../mp4/box-writer.ts';
import type { CodecDescription } from './description.ts';
import { obstacle } from './obstacle.ts';
import { audioSampleEntry } from './sample-entry.ts';

export type PcmFormat = {
  readonly isFloat: boolean;
  readonly isLittleEndian: boolean;
  readonly bits: number;
  readonly channels: number;
  readonly sampleRate: number;
};

/** The description of uncompressed sound. */
export function describePcm(format: PcmFormat): CodecDescription {
  const { isFloat, bits, channels, sampleRate } = format;
  const isKnown = isFloat ? bits === 32 || bits === 64 : bits === 16 || bits === 24 || bits === 32;
  if (!isKnown || channels < 1 || channels > 255 || sampleRate < 1)
    return obstacle(
      'pcm',
      `The sound is uncompressed in ${bits} bits, which browsers cannot decode here.`,
      format,
    );
  const type = isFloat ? 'fpcm' : 'ipcm';
  const writer = new BoxWriter(16);
  const config = writer.openFull('pcmC', 0, 0);
  writer
    .u8(format.isLittleEndian ? 1 : 0)
    .u8(bits)
    .close(config); // format_flags, PCM_sample_size
  const entry = audioSampleEntry(type, { channels, sampleRate, sampleBits: bits }, writer.written());
  return {
    codec: 'pcm',
    codecString: type,
    sampleEntries: [entry],
    sampleRate,
    channels,
    frameLength: 0,
    obstacle: null,
  };
}
