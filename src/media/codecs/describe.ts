// From a codec's own configuration to its description; what Matroska and MP4 have in common once each has found it.
import { readAacConfig } from './aac.ts';
import type { CodecDescription } from './description.ts';
import { damagedHeader, obstacle, undecodable } from './obstacle.ts';
import { audioSampleEntry, elementaryStreamBox } from './sample-entry.ts';

/** MPEG-4 objectTypeIndication (mp4ra.org/registered-types/object-types) of what browsers decode. */
const objectTypes = { aac: 0x40, mp3: 0x6b, mp3LowRate: 0x69, vorbis: 0xdd } as const;

export type Sound = { readonly sampleRate: number; readonly channels: number };

/** A description of sound without an obstacle. */
function sound(
  fields: Pick<CodecDescription, 'codec' | 'codecString' | 'frameLength'> & Sound,
  entry: Uint8Array,
): CodecDescription {
  return { ...fields, sampleEntries: [entry], obstacle: null };
}

function mp4aEntry(format: Sound, objectType: number, config: Uint8Array | null): Uint8Array {
  return audioSampleEntry('mp4a', { ...format, sampleBits: 16 }, elementaryStreamBox(objectType, config));
}

/**
 * AAC from its AudioSpecificConfig. `outputRate` is the container's word on the decoded rate (0: none), `channels`
 * its word on channels, used where the config leaves them to the stream.
 */
export function describeAac(config: Uint8Array, channels: number, outputRate: number): CodecDescription {
  const aac = readAacConfig(config, outputRate);
  if (!aac) return obstacle('aac', damagedHeader('audio', 'AAC'), { sampleRate: outputRate, channels });
  // What decoders in browsers know: Main, LC, LTP aside from SBR and PS, ELD and xHE-AAC.
  if (![1, 2, 4, 5, 29, 39, 42].includes(aac.objectType))
    return obstacle('aac', undecodable('audio', `AAC of type ${aac.objectType}`), aac);
  const format = { sampleRate: aac.sampleRate, channels: aac.channels || channels };
  return sound(
    {
      codec: 'aac',
      codecString: `mp4a.40.${aac.objectType}`,
      frameLength: aac.objectType === 39 ? aac.frameLength / 2 : aac.objectType === 42 ? 0 : aac.frameLength,
      ...format,
    },
    mp4aEntry(format, objectTypes.aac, config),
  );
}

/** MP3: below 32 kHz it is MPEG-2's (ISO/IEC 13818-3), with half as many samples in a frame. */
export function describeMp3(format: Sound): CodecDescription {
  const isLow = format.sampleRate < 32000;
  const objectType = isLow ? objectTypes.mp3LowRate : objectTypes.mp3;
  const codecString = isLow ? 'mp4a.69' : 'mp4a.6B';
  return sound(
    { codec: 'mp3', codecString, frameLength: isLow ? 576 : 1152, ...format },
    mp4aEntry(format, objectType, null),
  );
}

/** Vorbis, as FFmpeg and GPAC put it in MP4: object type 0xDD, the three headers in Xiph lacing. */
export function describeVorbis(setup: Uint8Array, format: Sound): CodecDescription {
  return sound(
    { codec: 'vorbis', codecString: 'vorbis', frameLength: 0, ...format },
    mp4aEntry(format, objectTypes.vorbis, setup),
  );
}
