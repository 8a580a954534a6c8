// A stream's pictures as they go to the server: H.264, H.265 and JPEG as they come, all else made JPEG. Runs in
// processes with FFmpeg only.
import { AV_CODEC_ID_H264, AV_CODEC_ID_HEVC, AV_CODEC_ID_MJPEG, AV_NOPTS_VALUE } from 'node-av/constants';
import { type CodecParameters, Packet } from 'node-av/lib';
import { createAccessUnits } from './access-units.ts';
import { recordMaker } from './engine.ts';
import { withHuffmanTables } from './huffman-tables.ts';
import { createJpegMaker } from './jpeg-maker.ts';
import type { WireSample } from './sample-wire.ts';

export type PacketTimes = { readonly ptsMicros: number; readonly dtsMicros: number };

/** What is read of a packet; a packet itself, or one put together of several. Times in the stream's own ticks. */
export type CodedPicture = Pick<Packet, 'data' | 'isKeyframe' | 'pts' | 'dts' | 'duration'>;

export type VideoReader = {
  /** Takes a packet (null at the end of the input; it may begin again) and hands over what comes of it. */
  push(packet: CodedPicture | null, times: PacketTimes, take: (sample: WireSample) => void): void;
};

/** `microsOf` turns the stream's own times into the server's. Throws a `ReadError` where FFmpeg has no decoder. */
export function createVideoReader(
  parameters: CodecParameters,
  microsOf: (ticks: bigint) => number,
): VideoReader {
  switch (parameters.codecId) {
    case AV_CODEC_ID_H264:
      return passUnits('avc', parameters);
    case AV_CODEC_ID_HEVC:
      return passUnits('hevc', parameters);
    case AV_CODEC_ID_MJPEG:
      return passJpeg();
    default:
      return makeJpeg(parameters, microsOf);
  }
}

function passUnits(codec: 'avc' | 'hevc', parameters: CodecParameters): VideoReader {
  const { codecId, extradata } = parameters;
  const units = createAccessUnits(codec, extradata && Buffer.from(extradata), recordMaker(codecId));
  return {
    push(packet, { ptsMicros, dtsMicros }, take) {
      if (!packet?.data) return;
      const unit = units.convert(packet.data, packet.isKeyframe);
      if (unit) take({ codec, ptsMicros, ...(dtsMicros !== ptsMicros && { dtsMicros }), ...unit });
    },
  };
}

function passJpeg(): VideoReader {
  return {
    push(packet, { ptsMicros }, take) {
      if (packet?.data) take({ codec: 'jpeg', data: withHuffmanTables(packet.data), ptsMicros, isKey: true });
    },
  };
}

function makeJpeg(parameters: CodecParameters, microsOf: (ticks: bigint) => number): VideoReader {
  let maker = createJpegMaker(parameters);
  return {
    push(packet, { ptsMicros }, take) {
      maker.push(packet && asPacket(packet), (data, pts) => {
        const atMicros = pts === AV_NOPTS_VALUE ? ptsMicros : microsOf(pts);
        take({ codec: 'jpeg', data, ptsMicros: atMicros, isKey: true });
      });
      if (packet) return;
      // A decoder that was told of the end takes nothing more.
      maker.close();
      maker = createJpegMaker(parameters);
    },
  };
}

function asPacket(picture: CodedPicture): Packet {
  if (picture instanceof Packet) return picture;
  const packet = new Packet();
  packet.alloc();
  packet.data = picture.data;
  packet.pts = picture.pts;
  packet.dts = picture.dts;
  return packet;
}
