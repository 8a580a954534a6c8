// The camera `test`: draws its picture, encodes it with nothing held back, and sends it. Runs in the camera's process
// only. Memory: one picture and the encoder's references.
import { AV_PIX_FMT_YUV420P, AV_SAMPLE_FMT_FLT, AVERROR_EAGAIN, AVERROR_EOF } from 'node-av/constants';
import { avChannelLayoutDefault, Codec, CodecContext, Frame, Packet, Rational } from 'node-av/lib';
import { systemClock } from '../clock.ts';
import { type AacEncoder, createAacEncoder } from './aac-maker.ts';
import { createAccessUnits } from './access-units.ts';
import type { TestSource } from './camera-messages.ts';
import type { CameraReader } from './camera-output.ts';
import { check, ReadError, recordMaker } from './engine.ts';
import { createJpegEncoder } from './jpeg-maker.ts';
import type { WireSample } from './sample-wire.ts';
import { createTestPicture } from './test-picture.ts';

const soundRate = 48_000;
const soundFrame = 1024;
/** A tick of so long at each full second of the wall clock, so that sound and picture can be held against each other. */
const tickMs = 100;

type PictureEncoder = {
  encode(frame: Frame, ptsMicros: number): WireSample | null;
  close(): void;
};

export function createTestReader(source: TestSource, onOpened: () => void): CameraReader {
  const stop = new AbortController();
  return {
    async run(send) {
      const { width, height, fps } = source;
      const picture = createTestPicture(width, height);
      const encoder = source.codec === 'h264' ? openH264(source) : openJpeg();
      const sound = source.hasSound ? openSound() : null;
      onOpened();
      const startMs = systemClock.monotonicMs();
      try {
        for (let number = 0; !stop.signal.aborted; ) {
          const ptsMicros = Math.round((number * 1e6) / fps);
          const nowMs = systemClock.nowMs();
          using frame = Frame.fromVideoBuffer(picture.draw(number, nowMs), {
            width,
            height,
            format: AV_PIX_FMT_YUV420P,
            pts: BigInt(ptsMicros),
            timeBase: { num: 1, den: 1_000_000 },
          });
          const sample = encoder.encode(frame, ptsMicros);
          if (sample) await send(sample);
          for (const heard of sound?.upTo(ptsMicros, nowMs) ?? []) await send(heard);
          // Numbers that a slow machine has no time for are left out, so that the clock stays true.
          const elapsed = ((systemClock.monotonicMs() - startMs) * fps) / 1000;
          number = Math.max(number + 1, Math.floor(elapsed));
          const waitMs = startMs + (number * 1000) / fps - systemClock.monotonicMs();
          if (waitMs > 0) await systemClock.sleep(waitMs, stop.signal).catch(() => undefined);
        }
      } finally {
        encoder.close();
        sound?.close();
      }
    },
    stop: () => stop.abort(),
  };
}

function openJpeg(): PictureEncoder {
  const encoder = createJpegEncoder();
  return {
    encode(frame, ptsMicros) {
      const data = encoder.encode(frame);
      return data && { codec: 'jpeg', data, ptsMicros, isKey: true };
    },
    close: () => encoder.close(),
  };
}

/** x264 with no picture held back and a key frame each second. */
function openH264({ width, height, fps }: TestSource): PictureEncoder {
  const codec = Codec.findEncoderByName('libx264' as never);
  if (!codec) throw new ReadError('open', 'ENCODER_NOT_FOUND', 'no H.264 encoder');
  const encoder = new CodecContext();
  encoder.allocContext3(codec);
  encoder.width = width;
  encoder.height = height;
  encoder.pixelFormat = AV_PIX_FMT_YUV420P;
  encoder.timeBase = new Rational(1, 1_000_000);
  encoder.framerate = new Rational(Math.round(fps * 1000), 1000);
  encoder.gopSize = Math.max(1, Math.round(fps));
  encoder.maxBFrames = 0;
  encoder.threadCount = 1;
  const options = { preset: 'ultrafast', tune: 'zerolatency', crf: '26', profile: 'main' };
  for (const [name, value] of Object.entries(options)) check(encoder.setOption(name, value), `set ${name}`);
  check(encoder.open2Sync(codec, null), 'open the H.264 encoder', 'open');
  const packet = new Packet();
  packet.alloc();
  const units = createAccessUnits('avc', null, recordMaker(codec.id));
  return {
    encode(frame, ptsMicros) {
      check(encoder.sendFrameSync(frame), 'encode a picture');
      const got = encoder.receivePacketSync(packet);
      if (got === AVERROR_EAGAIN || got === AVERROR_EOF) return null;
      check(got, 'encode a picture');
      const unit = packet.data && units.convert(packet.data, packet.isKeyframe);
      packet.unref();
      return unit && { codec: 'avc', ptsMicros, ...unit };
    },
    close() {
      packet.free();
      encoder.freeContext();
    },
  };
}

/** A quiet tone with a loud tick at each full second. */
function openSound() {
  const channelLayout = avChannelLayoutDefault(1);
  const buffer = Buffer.alloc(soundFrame * 4);
  let encoder: AacEncoder | null = null;
  let isConfigTold = false;
  let made = 0;
  return {
    /** The sound up to a time of the pictures, which is now on the wall clock. */
    upTo(ptsMicros: number, nowMs: number): WireSample[] {
      const samples: WireSample[] = [];
      while ((made * 1e6) / soundRate <= ptsMicros) {
        const atMicros = (made * 1e6) / soundRate;
        const wallMs = nowMs + (atMicros - ptsMicros) / 1000;
        for (let at = 0; at < soundFrame; at += 1) {
          const isTick = (wallMs + (at * 1000) / soundRate) % 1000 < tickMs;
          const phase = (2 * Math.PI * (isTick ? 880 : 440) * (made + at)) / soundRate;
          buffer.writeFloatLE((isTick ? 0.4 : 0.02) * Math.sin(phase), at * 4);
        }
        made += soundFrame;
        using frame = Frame.fromAudioBuffer(buffer, {
          nbSamples: soundFrame,
          format: AV_SAMPLE_FMT_FLT,
          sampleRate: soundRate,
          channelLayout,
          pts: BigInt(made),
          timeBase: { num: 1, den: soundRate },
        });
        encoder ??= createAacEncoder(frame);
        encoder.push(frame, atMicros, ({ data, ptsMicros: pts, config }) => {
          samples.push({
            codec: 'aac',
            data,
            ptsMicros: Math.round(pts),
            isKey: true,
            ...(!isConfigTold && { config }),
          });
          isConfigTold = true;
        });
      }
      return samples;
    },
    close: () => encoder?.close(),
  };
}
