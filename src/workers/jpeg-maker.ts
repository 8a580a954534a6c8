// Pictures of any codec or pixel format as JPEG: decoded, scaled where asked, encoded, each once. Runs in processes
// with FFmpeg only. Memory: the decoder's reference pictures and one more.
import {
  AV_CODEC_FLAG_LOW_DELAY,
  AV_CODEC_FLAG_QSCALE,
  AV_PIX_FMT_YUVJ420P,
  AVERROR_EAGAIN,
  AVERROR_EOF,
  FF_QP2LAMBDA,
  SWS_BILINEAR,
} from 'node-av/constants';
import {
  Codec,
  CodecContext,
  type CodecParameters,
  Frame,
  Packet,
  Rational,
  SoftwareScaleContext,
} from 'node-av/lib';
import { check, ReadError } from './engine.ts';

export type JpegMaker = {
  /** Takes a packet (null at the end) and hands over the pictures that come of it. Damaged ones are left out. */
  push(packet: Packet | null, take: (jpeg: Buffer, pts: bigint) => void): void;
  close(): void;
};

/** FFmpeg's scale from 2 (best) to 31: 4 shows nothing of the compression at a camera's sizes. */
const defaultQuality = 4;
/** Larger pictures than this side by side would take more memory than the process may. */
const maxPixels = 64 * 1024 * 1024;

/** Makes JPEG of a stream's packets. Throws where FFmpeg has no decoder for it. */
export function createJpegMaker(parameters: CodecParameters, quality = defaultQuality): JpegMaker {
  const codec = Codec.findDecoder(parameters.codecId);
  if (!codec) throw new ReadError('open', 'DECODER_NOT_FOUND', 'no decoder');
  const decoder = new CodecContext();
  decoder.allocContext3(codec);
  check(parameters.toContext(decoder), 'describe the decoder');
  decoder.threadCount = 1;
  decoder.setFlags(AV_CODEC_FLAG_LOW_DELAY);
  check(decoder.open2Sync(codec, null), 'open the decoder', 'open');
  const encoder = createJpegEncoder(quality);
  const frame = new Frame();
  frame.alloc();

  return {
    push(packet, take) {
      const sent = decoder.sendPacketSync(packet);
      // A damaged packet is the camera's bad moment; the next is another.
      if (sent < 0 && sent !== AVERROR_EAGAIN) return;
      for (;;) {
        const got = decoder.receiveFrameSync(frame);
        if (got === AVERROR_EAGAIN || got === AVERROR_EOF) return;
        if (got < 0) return;
        const jpeg = encoder.encode(frame);
        if (jpeg) take(jpeg, frame.bestEffortTimestamp);
        frame.unref();
      }
    },
    close() {
      frame.free();
      encoder.close();
      decoder.freeContext();
    },
  };
}

export type JpegEncoder = {
  /** The frame as a JPEG of its size; null where it cannot be encoded. */
  encode(frame: Frame): Buffer | null;
  close(): void;
};

/** Encodes frames of any pixel format and size; what depends on these is made anew when they change. */
export function createJpegEncoder(quality = defaultQuality): JpegEncoder {
  let encoder: CodecContext | null = null;
  let scaler: SoftwareScaleContext | null = null;
  let shape = '';
  const packet = new Packet();
  packet.alloc();

  const free = () => {
    encoder?.freeContext();
    scaler?.freeContext();
    encoder = null;
    scaler = null;
  };
  const open = ({ width, height, format }: Frame) => {
    free();
    const codec = Codec.findEncoderByName('mjpeg' as never);
    if (!codec) throw new ReadError('open', 'ENCODER_NOT_FOUND', 'no JPEG encoder');
    encoder = new CodecContext();
    encoder.allocContext3(codec);
    encoder.width = width;
    encoder.height = height;
    encoder.pixelFormat = AV_PIX_FMT_YUVJ420P;
    encoder.timeBase = new Rational(1, 1000);
    encoder.setFlags(AV_CODEC_FLAG_QSCALE);
    encoder.globalQuality = FF_QP2LAMBDA * quality;
    // One: its threads hold pictures back.
    encoder.threadCount = 1;
    check(encoder.open2Sync(codec, null), 'open the JPEG encoder');
    if ((format as number) === AV_PIX_FMT_YUVJ420P) return;
    scaler = new SoftwareScaleContext();
    scaler.getContext(width, height, format as never, width, height, AV_PIX_FMT_YUVJ420P, SWS_BILINEAR);
  };

  return {
    encode(frame) {
      const { width, height, format } = frame;
      if (!(width > 0 && height > 0 && width * height <= maxPixels)) return null;
      const wanted = `${width} ${height} ${format}`;
      if (wanted !== shape) {
        open(frame);
        shape = wanted;
      }
      if (!encoder) return null;
      using scaled = new Frame();
      scaled.alloc();
      if (scaler) {
        scaled.width = width;
        scaled.height = height;
        scaled.format = AV_PIX_FMT_YUVJ420P;
        if (scaler.scaleFrameSync(scaled, frame) < 0) return null;
      } else check(scaled.ref(frame), 'hold a picture');
      scaled.quality = FF_QP2LAMBDA * quality;
      if (encoder.sendFrameSync(scaled) < 0 || encoder.receivePacketSync(packet) < 0) return null;
      const jpeg = packet.data ? Buffer.from(packet.data) : null;
      packet.unref();
      return jpeg;
    },
    close() {
      free();
      packet.free();
    },
  };
}
