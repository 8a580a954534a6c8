// A stream's sound as players take it: AAC and Opus as they come, all else made AAC. Runs in processes with FFmpeg
// only.
import { AV_CODEC_ID_AAC, AV_CODEC_ID_OPUS } from 'node-av/constants';
import type { CodecParameters, Packet } from 'node-av/lib';
import { createAacMaker } from './aac-maker.ts';
import type { WireSample } from './sample-wire.ts';

export type SoundReader = {
  /** Takes a packet that begins at `ptsMicros` and hands over what comes of it. */
  push(packet: Packet, ptsMicros: number, take: (sample: WireSample) => void): void;
};

/** Throws a `ReadError` where FFmpeg cannot decode what has to be. */
export function createSoundReader(parameters: CodecParameters): SoundReader {
  if (parameters.codecId === AV_CODEC_ID_AAC) return passAac(parameters.extradata);
  if (parameters.codecId === AV_CODEC_ID_OPUS) {
    const config = parameters.extradata ?? opusHead(parameters.channels || 2);
    return pass('opus', Buffer.from(config));
  }
  const maker = createAacMaker(parameters);
  const told = createConfigTeller();
  return {
    push(packet, ptsMicros, take) {
      maker.push(packet, ptsMicros, (made) => {
        take({
          codec: 'aac',
          data: made.data,
          ptsMicros: Math.round(made.ptsMicros),
          isKey: true,
          ...told(made.config),
        });
      });
    },
  };
}

/** The configuration with the first sample and whenever it changes. */
function createConfigTeller(): (config: Buffer) => { config?: Buffer } {
  let last: Buffer | null = null;
  return (config) => {
    if (last?.equals(config)) return {};
    last = config;
    return { config };
  };
}

function pass(codec: 'aac' | 'opus', config: Buffer): SoundReader {
  const told = createConfigTeller();
  return {
    push(packet, ptsMicros, take) {
      const { data } = packet;
      if (data && data.length > 0)
        take({ codec, data: Buffer.from(data), ptsMicros, isKey: true, ...told(config) });
    },
  };
}

/** AAC with its configuration in the container, or in every frame's ADTS header (ISO/IEC 13818-7 §6.2). */
function passAac(extradata: Buffer | null): SoundReader {
  if (extradata && extradata.length >= 2) return pass('aac', Buffer.from(extradata));
  const told = createConfigTeller();
  return {
    push(packet, ptsMicros, take) {
      const frame = packet.data && readAdts(packet.data);
      if (frame) take({ codec: 'aac', data: frame.data, ptsMicros, isKey: true, ...told(frame.config) });
    },
  };
}

/** The frame without its header, copied, and the header as an AudioSpecificConfig (ISO/IEC 14496-3 §1.6.2.1). */
function readAdts(bytes: Buffer): { data: Buffer; config: Buffer } | null {
  if (bytes.length < 9 || bytes[0] !== 0xff || (bytes[1]! & 0xf6) !== 0xf0) return null;
  const headerBytes = bytes[1]! & 1 ? 7 : 9; //                       protection_absent
  const objectType = (bytes[2]! >> 6) + 1; //                         profile_ObjectType
  const rateIndex = (bytes[2]! >> 2) & 15; //                         sampling_frequency_index
  const channels = ((bytes[2]! & 1) << 2) | (bytes[3]! >> 6); //      channel_configuration
  if (rateIndex > 12 || bytes.length <= headerBytes) return null;
  return {
    data: Buffer.from(bytes.subarray(headerBytes)),
    config: Buffer.of((objectType << 3) | (rateIndex >> 1), ((rateIndex & 1) << 7) | (channels << 3)),
  };
}

/** What Opus over RTP leaves out (RFC 7587): the identification header of RFC 7845 §5.1. */
function opusHead(channels: number): Buffer {
  const head = Buffer.alloc(19);
  head.write('OpusHead', 0, 'latin1');
  head[8] = 1; //                      version
  head[9] = Math.min(channels, 2); //  channel count; pre-skip 0
  head.writeUInt32LE(48_000, 12); //   input sample rate; gain 0, mapping family 0
  return head;
}
