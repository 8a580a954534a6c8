// Sound that browsers do not take (G.711, MP2, raw samples, ...) as AAC. Runs in processes with FFmpeg only. Memory:
// a few frames of sound.
import {
  AV_CODEC_FLAG_GLOBAL_HEADER,
  AV_SAMPLE_FMT_FLTP,
  AVERROR_EAGAIN,
  AVERROR_EOF,
} from 'node-av/constants';
import {
  AudioFifo,
  avChannelLayoutDefault,
  Codec,
  CodecContext,
  CodecParameters,
  Frame,
  Packet,
  Rational,
  SoftwareResampleContext,
} from 'node-av/lib';
import { check, ReadError } from './engine.ts';

export type AacMaker = {
  /** Takes a packet of sound that begins at `ptsMicros` and hands over the AAC frames that come of it. */
  push(packet: Packet, ptsMicros: number, take: (sample: AacSample) => void): void;
  close(): void;
};

export type AacSample = { readonly data: Buffer; readonly ptsMicros: number; readonly config: Buffer };

/**
 * The rates that sound is made at, the next one up. AAC knows lower ones, but its frames of 1024 samples would then
 * last so long (128 ms at the telephone's 8000 Hz) that the sound comes three of them late.
 */
const rates = [32_000, 44_100, 48_000];
/** A gap in the sound longer than this is one; shorter is jitter, which players would hear. */
const maxDriftMicros = 100_000;
/** AV_CHANNEL_ORDER_UNSPEC */
const unspecifiedOrder = 0;
const bitsPerSecondPerChannel = 64_000;

/** Makes AAC of a stream's packets. Throws where FFmpeg has no decoder for it. */
export function createAacMaker(parameters: CodecParameters): AacMaker {
  const codec = Codec.findDecoder(parameters.codecId);
  if (!codec) throw new ReadError('open', 'DECODER_NOT_FOUND', 'no decoder for the sound');
  const decoder = new CodecContext();
  decoder.allocContext3(codec);
  check(parameters.toContext(decoder), 'describe the decoder of the sound');
  decoder.threadCount = 1;
  check(decoder.open2Sync(codec, null), 'open the decoder of the sound', 'open');
  const frame = new Frame();
  frame.alloc();
  let encoder: AacEncoder | null = null;

  return {
    push(packet, ptsMicros, take) {
      if (decoder.sendPacketSync(packet) < 0) return;
      for (let atMicros = ptsMicros; ; ) {
        const got = decoder.receiveFrameSync(frame);
        if (got < 0) return;
        // Plain samples (WAV, AVI) come with a number of channels and no order of them, which no resampler takes.
        if (frame.channelLayout.order === unspecifiedOrder)
          frame.channelLayout = avChannelLayoutDefault(Math.max(1, frame.channels));
        encoder ??= createAacEncoder(frame);
        encoder.push(frame, atMicros, take);
        atMicros += (frame.nbSamples * 1e6) / frame.sampleRate;
        frame.unref();
      }
    },
    close() {
      frame.free();
      encoder?.close();
      decoder.freeContext();
    },
  };
}

export type AacEncoder = {
  push(frame: Frame, ptsMicros: number, take: (sample: AacSample) => void): void;
  close(): void;
};

/** Encodes sound of the shape of `first`, at the nearest rate AAC knows, in at most two channels. */
export function createAacEncoder(first: Frame): AacEncoder {
  const codec = Codec.findEncoderByName('aac' as never);
  if (!codec) throw new ReadError('open', 'ENCODER_NOT_FOUND', 'no AAC encoder');
  const sampleRate = rates.find((rate) => rate >= first.sampleRate) ?? 48_000;
  const channels = Math.min(2, Math.max(1, first.channels));
  const layout = avChannelLayoutDefault(channels);
  const encoder = new CodecContext();
  encoder.allocContext3(codec);
  encoder.sampleRate = sampleRate;
  encoder.channelLayout = layout;
  encoder.sampleFormat = AV_SAMPLE_FMT_FLTP;
  encoder.timeBase = new Rational(1, sampleRate);
  encoder.bitRate = BigInt(bitsPerSecondPerChannel * channels);
  encoder.setFlags(AV_CODEC_FLAG_GLOBAL_HEADER);
  check(encoder.open2Sync(codec, null), 'open the AAC encoder', 'open');
  using described = new CodecParameters();
  described.alloc();
  check(described.fromContext(encoder), 'describe the AAC');
  const config = Buffer.from(described.extradata ?? []);
  const frameSamples = encoder.frameSize;

  const resampler = new SoftwareResampleContext();
  check(
    resampler.allocSetOpts2(
      layout,
      AV_SAMPLE_FMT_FLTP,
      sampleRate,
      first.channelLayout,
      first.format as never,
      first.sampleRate,
    ),
    'set up the resampler',
  );
  check(resampler.init(), 'start the resampler');
  const fifo = new AudioFifo();
  fifo.alloc(AV_SAMPLE_FMT_FLTP, channels, frameSamples * 4);
  const packet = new Packet();
  packet.alloc();
  /** Time of the first sample in the fifo. */
  let fifoMicros: number | null = null;
  /** Samples sent to the encoder: its packets tell their place by it, its priming as a negative one. */
  let sent = 0;
  /** What to add to a packet's place for its time. */
  let originMicros = 0;
  const micros = (samples: number) => (samples * 1e6) / sampleRate;

  return {
    push(frame, ptsMicros, take) {
      const expected: number | null = fifoMicros === null ? null : fifoMicros + micros(fifo.size);
      if (expected === null || Math.abs(ptsMicros - expected) > maxDriftMicros) {
        fifoMicros = ptsMicros - micros(fifo.size);
        originMicros = fifoMicros - micros(sent);
      }
      using converted = new Frame();
      converted.alloc();
      converted.format = AV_SAMPLE_FMT_FLTP;
      converted.sampleRate = sampleRate;
      converted.channelLayout = layout;
      if (resampler.convertFrame(converted, frame) < 0 || !converted.extendedData) return;
      fifo.writeSync(converted.extendedData, converted.nbSamples);
      while (fifo.size >= frameSamples) {
        const planes = Array.from({ length: channels }, () => Buffer.alloc(frameSamples * 4));
        fifo.readSync(planes, frameSamples);
        using whole = Frame.fromAudioBuffer(Buffer.concat(planes), {
          nbSamples: frameSamples,
          format: AV_SAMPLE_FMT_FLTP,
          sampleRate,
          channelLayout: layout,
          pts: BigInt(sent),
          timeBase: { num: 1, den: sampleRate },
        });
        sent += frameSamples;
        fifoMicros = (fifoMicros ?? ptsMicros) + micros(frameSamples);
        if (encoder.sendFrameSync(whole) < 0) return;
        for (;;) {
          const got = encoder.receivePacketSync(packet);
          if (got === AVERROR_EAGAIN || got === AVERROR_EOF || got < 0) break;
          if (packet.data)
            take({
              data: Buffer.from(packet.data),
              ptsMicros: originMicros + micros(Number(packet.pts)),
              config,
            });
          packet.unref();
        }
      }
    },
    close() {
      packet.free();
      fifo.free();
      resampler.free();
      encoder.freeContext();
    },
  };
}
