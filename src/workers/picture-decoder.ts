// Coded pictures (JPEG, H.264, H.265) into frames of a wanted width. Runs in processes with FFmpeg only. Memory: the
// decoder's reference pictures and one more.
import {
  AV_CODEC_ID_H264,
  AV_CODEC_ID_HEVC,
  AV_CODEC_ID_MJPEG,
  AV_PIX_FMT_YUVJ420P,
  SWS_AREA,
} from 'node-av/constants';
import { Codec, CodecContext, Frame, Packet, SoftwareScaleContext } from 'node-av/lib';
import { check, ReadError } from './engine.ts';
import type { WireSample } from './sample-wire.ts';

/** Larger pictures than this take more memory than the process may. */
const maxPixels = 64 * 1024 * 1024;

/** A JPEG decoder leaves out up to three halvings' worth of detail (libavcodec's `lowres`). */
const maxHalvings = 3;

const decoderIds = { jpeg: AV_CODEC_ID_MJPEG, avc: AV_CODEC_ID_H264, hevc: AV_CODEC_ID_HEVC } as const;

export type PictureDecoder = {
  /**
   * Takes a sample and hands over the frames that come of it, in order; a frame is good until `take` returns.
   * Damaged ones are left out. `size`: that of the picture where it is known beforehand (JPEG).
   */
  push(sample: WireSample, size: Size | null, take: (frame: Frame) => void): void;
  close(): void;
};

export type Size = { readonly width: number; readonly height: number };

/** Decodes what comes; a decoder is opened anew for another codec or configuration. `width`: the one wanted in the end. */
export function createPictureDecoder(width: number | null): PictureDecoder {
  let decoder: CodecContext | null = null;
  let opened: { codec: string; halvings: number; config: Uint8Array | null } | null = null;
  const packet = new Packet();
  packet.alloc();
  const frame = new Frame();
  frame.alloc();

  const open = (codecName: keyof typeof decoderIds, halvings: number, config: Uint8Array | null) => {
    decoder?.freeContext();
    decoder = null;
    const codec = Codec.findDecoder(decoderIds[codecName]);
    if (!codec) throw new ReadError('open', 'DECODER_NOT_FOUND', 'no decoder');
    const made = new CodecContext();
    made.allocContext3(codec);
    if (config) made.extraData = Buffer.from(config);
    // One: more would each hold a picture back.
    made.threadCount = 1;
    check(made.setOption('max_pixels', String(maxPixels)), 'bound the size');
    if (halvings > 0) check(made.setOption('lowres', String(halvings)), 'leave out detail');
    check(made.open2Sync(codec, null), 'open the decoder', 'open');
    decoder = made;
    opened = { codec: codecName, halvings, config };
  };

  /** Whether a decoder is open that takes the sample. */
  const prepare = (sample: WireSample, size: Size | null): boolean => {
    const { codec } = sample;
    if (codec === 'jpeg') {
      const halvings = size && width ? halvingsOf(size.width, width) : 0;
      if (opened?.codec !== 'jpeg' || opened.halvings !== halvings) open('jpeg', halvings, null);
      return true;
    }
    if (codec !== 'avc' && codec !== 'hevc') return false;
    const config = sample.config ?? (opened?.codec === codec ? opened.config : null);
    if (!config) return false;
    const isSame = opened?.codec === codec && opened.config && Buffer.compare(opened.config, config) === 0;
    if (!isSame) open(codec, 0, config);
    return true;
  };

  return {
    push(sample, size, take) {
      if (!prepare(sample, size) || !decoder) return;
      const { data } = sample;
      packet.data = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
      packet.pts = BigInt(sample.ptsMicros);
      packet.isKeyframe = sample.isKey;
      const sent = decoder.sendPacketSync(packet);
      packet.unref();
      // A damaged sample is the camera's bad moment; the next is another.
      if (sent < 0) return;
      while (decoder.receiveFrameSync(frame) >= 0) {
        take(frame);
        frame.unref();
      }
    },
    close() {
      frame.free();
      packet.free();
      decoder?.freeContext();
      decoder = null;
    },
  };
}

/** How often the width can be halved while decoding without falling below the one wanted. */
function halvingsOf(sourceWidth: number, width: number): number {
  let halvings = 0;
  while (halvings < maxHalvings && sourceWidth >> (halvings + 1) >= width) halvings += 1;
  return halvings;
}

export type PictureScaler = {
  /** The frame at the wanted width, in a frame that is good until the next call; null where it cannot be. */
  scale(frame: Frame, source: Size): Frame | null;
  close(): void;
};

/** Scales frames to `width`, aspect kept, both sides even; never up. */
export function createPictureScaler(width: number): PictureScaler {
  let context: SoftwareScaleContext | null = null;
  let shape = '';
  const scaled = new Frame();
  scaled.alloc();

  return {
    scale(frame, source) {
      const target = scaledSize(source, width);
      const wanted = `${frame.width} ${frame.height} ${frame.format} ${target.width} ${target.height}`;
      if (wanted !== shape) {
        context?.freeContext();
        context = new SoftwareScaleContext();
        const { width: toWidth, height: toHeight } = target;
        // Areas: every pixel of the source counts, so that fine lines do not flicker.
        context.getContext(
          ...([frame.width, frame.height, frame.format as never, toWidth, toHeight] as const),
          AV_PIX_FMT_YUVJ420P,
          SWS_AREA,
        );
        shape = wanted;
      }
      scaled.unref();
      scaled.width = target.width;
      scaled.height = target.height;
      scaled.format = AV_PIX_FMT_YUVJ420P;
      if (!context || context.scaleFrameSync(scaled, frame) < 0) return null;
      return scaled;
    },
    close() {
      scaled.free();
      context?.freeContext();
      context = null;
    },
  };
}

function scaledSize(source: Size, width: number): Size {
  const height = Math.max(2, 2 * Math.round((source.height * width) / source.width / 2));
  return { width, height };
}
