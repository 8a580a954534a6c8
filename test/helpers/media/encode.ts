// Makes a media file: test pictures with their number burnt in, a tone whose pitch changes each second, encoded and
// muxed by FFmpeg's libraries. Runs in the media process only.
import {
  AV_CODEC_FLAG_GLOBAL_HEADER,
  AV_PIX_FMT_YUV420P,
  AV_PIX_FMT_YUVJ420P,
  AV_SAMPLE_FMT_FLT,
  AV_SAMPLE_FMT_FLTP,
  AV_SAMPLE_FMT_S16,
  AV_SAMPLE_FMT_S16P,
  AVERROR_EAGAIN,
  AVERROR_EOF,
  AVFMT_GLOBALHEADER,
} from 'node-av/constants';
import {
  Codec,
  CodecContext,
  FFmpegError,
  FormatContext,
  Frame,
  Packet,
  Rational,
  type Stream,
} from 'node-av/lib';
import type { AudioSpec, MediaSpec, VideoSpec } from './media-spec.ts';
import { createPictureDrawer } from './picture.ts';

const encoders = {
  h264: 'libx264',
  hevc: 'libx265',
  vp8: 'libvpx',
  vp9: 'libvpx-vp9',
  av1: 'libsvtav1',
  mpeg4: 'mpeg4',
  mpeg2: 'mpeg2video',
  mjpeg: 'mjpeg',
  aac: 'aac',
  opus: 'libopus',
  vorbis: 'libvorbis',
  flac: 'flac',
  mp3: 'libmp3lame',
  ac3: 'ac3',
  eac3: 'eac3',
  pcm: 'pcm_s16le',
} as const;

/** Fast settings; the pictures are simple enough to look right with them. */
const encoderOptions: { [codec: string]: Record<string, string> } = {
  h264: { preset: 'ultrafast', 'x264-params': 'scenecut=0:open-gop=0' },
  hevc: { preset: 'ultrafast', 'x265-params': 'log-level=none:scenecut=0:open-gop=0' },
  vp8: { deadline: 'realtime', 'cpu-used': '8' },
  vp9: { deadline: 'realtime', 'cpu-used': '8', 'row-mt': '1' },
  av1: { preset: '12', 'svtav1-params': 'lookahead=0' },
};

function check(code: number, doing: string): number {
  FFmpegError.throwIfError(code, doing);
  return code;
}

/** The name of the first encoder that this spec needs and this FFmpeg lacks; null where all are there. */
export function missingEncoder(spec: MediaSpec): string | null {
  for (const codec of [spec.video?.codec, spec.audio?.codec])
    if (codec && !Codec.findEncoderByName(encoders[codec] as never)) return encoders[codec];
  return null;
}

/** Options go in one by one: node-av 6.1.1 frees a Dictionary twice when open or writeHeader has taken it. */
function setOptions(target: CodecContext | FormatContext, options: Record<string, string>) {
  for (const [name, value] of Object.entries(options))
    check(target.setOption(name, value), `set ${name} to ${value}`);
}

type Lane = {
  readonly context: CodecContext;
  readonly stream: Stream;
  /** Seconds that have been sent to the encoder. */
  sentSeconds: number;
  /** Sends the next frame; false after the last one. */
  sendNext(): boolean;
};

function openEncoder(
  output: FormatContext,
  codecName: string,
  options: Record<string, string>,
  set: (c: CodecContext) => void,
) {
  const codec = Codec.findEncoderByName(encoders[codecName as keyof typeof encoders] as never);
  if (!codec) throw new Error(`this FFmpeg has no encoder for ${codecName}`);
  const context = new CodecContext();
  context.allocContext3(codec);
  set(context);
  if (output.oformat?.hasFlags(AVFMT_GLOBALHEADER)) context.setFlags(AV_CODEC_FLAG_GLOBAL_HEADER);
  setOptions(context, { ...encoderOptions[codecName], ...options });
  check(context.open2Sync(codec, null), `open the ${codecName} encoder`);
  const stream = output.newStream(null);
  check(stream.codecpar.fromContext(context), 'describe the stream');
  stream.timeBase = context.timeBase;
  return { codec, context, stream };
}

function videoLane(output: FormatContext, spec: VideoSpec): Lane {
  const { width = 640, height = 360, fps = 25, seconds = 4, bFrames = 2, keyInterval = 25 } = spec;
  const [rateNumerator, rateDenominator] = typeof fps === 'number' ? [fps, 1] : fps;
  const hasBFrames = ['h264', 'hevc', 'mpeg4', 'mpeg2'].includes(spec.codec);
  const format = spec.codec === 'mjpeg' ? AV_PIX_FMT_YUVJ420P : AV_PIX_FMT_YUV420P;
  const { context, stream } = openEncoder(output, spec.codec, spec.options ?? {}, (made) => {
    made.width = width;
    made.height = height;
    made.pixelFormat = format;
    made.timeBase = new Rational(rateDenominator, rateNumerator);
    made.framerate = new Rational(rateNumerator, rateDenominator);
    made.gopSize = keyInterval;
    made.sampleAspectRatio = new Rational(1, 1);
    // SVT-AV1 and libvpx have their own idea of these.
    if (hasBFrames) made.maxBFrames = bFrames;
    // The others choose by quality.
    if (spec.codec === 'mjpeg') made.bitRate = 20_000_000n;
    else if (!['h264', 'hevc', 'av1'].includes(spec.codec)) made.bitRate = 1_000_000n;
    // The mjpeg encoder's threads read the picture after the call, when the drawer has gone on.
    made.threadCount = spec.codec === 'mjpeg' ? 1 : 2;
  });
  stream.avgFrameRate = new Rational(rateNumerator, rateDenominator);
  const drawer = createPictureDrawer(width, height);
  const count = Math.round((seconds * rateNumerator) / rateDenominator);
  let number = 0;
  const lane: Lane = {
    context,
    stream,
    sentSeconds: 0,
    sendNext() {
      if (number >= count) return false;
      using frame = Frame.fromVideoBuffer(drawer.draw(number), {
        width,
        height,
        format,
        pts: BigInt(number),
        timeBase: { num: rateDenominator, den: rateNumerator },
      });
      check(context.sendFrameSync(frame), 'send a picture');
      number += 1;
      lane.sentSeconds = (number * rateDenominator) / rateNumerator;
      return true;
    },
  };
  return lane;
}

/** The tone of each second: two octaves up in half tones from 220 Hz, then again. */
function toneHz(second: number): number {
  return 220 * 2 ** ((second % 24) / 12);
}

function audioLane(output: FormatContext, spec: AudioSpec, seconds: number): Lane {
  const { sampleRate = 48_000, channels = 2 } = spec;
  const wanted = Codec.findEncoderByName(encoders[spec.codec] as never)?.sampleFormats ?? [AV_SAMPLE_FMT_S16];
  const format = [AV_SAMPLE_FMT_FLTP, AV_SAMPLE_FMT_FLT, AV_SAMPLE_FMT_S16, AV_SAMPLE_FMT_S16P].find((each) =>
    wanted.includes(each),
  );
  if (format === undefined) throw new Error(`no sample format that we can make for ${spec.codec}`);
  const isFloat = format === AV_SAMPLE_FMT_FLTP || format === AV_SAMPLE_FMT_FLT;
  const isPlanar = format === AV_SAMPLE_FMT_FLTP || format === AV_SAMPLE_FMT_S16P;
  const channelLayout = {
    nbChannels: channels,
    order: 1 as never,
    mask: channels === 1 ? 4n : channels === 6 ? 0x3fn : 3n,
  };
  const { context, stream } = openEncoder(output, spec.codec, spec.options ?? {}, (made) => {
    made.sampleRate = sampleRate;
    made.channelLayout = channelLayout;
    made.sampleFormat = format;
    made.timeBase = new Rational(1, sampleRate);
    if (spec.codec !== 'flac' && spec.codec !== 'pcm') made.bitRate = BigInt(64_000 * channels);
  });
  const frameSamples = context.frameSize || 1024;
  const total = Math.round(seconds * sampleRate);
  let sent = 0;
  let phase = 0;
  const lane: Lane = {
    context,
    stream,
    sentSeconds: 0,
    sendNext() {
      const count = Math.min(frameSamples, total - sent);
      if (count <= 0) return false;
      const buffer = Buffer.alloc(count * channels * (isFloat ? 4 : 2));
      for (let i = 0; i < count; i += 1) {
        phase += (2 * Math.PI * toneHz(Math.floor((sent + i) / sampleRate))) / sampleRate;
        for (let channel = 0; channel < channels; channel += 1) {
          const value = (0.3 / (channel + 1)) * Math.sin(phase);
          const at = isPlanar ? channel * count + i : i * channels + channel;
          if (isFloat) buffer.writeFloatLE(value, at * 4);
          else buffer.writeInt16LE(Math.round(value * 32_767), at * 2);
        }
      }
      using frame = Frame.fromAudioBuffer(buffer, {
        nbSamples: count,
        format,
        sampleRate,
        channelLayout,
        pts: BigInt(sent),
        timeBase: { num: 1, den: sampleRate },
      });
      check(context.sendFrameSync(frame), 'send sound');
      sent += count;
      lane.sentSeconds = sent / sampleRate;
      return true;
    },
  };
  return lane;
}

/** Writes the file. Throws where an encoder is missing or FFmpeg refuses. */
export async function encodeMedia(spec: MediaSpec, path: string): Promise<void> {
  await using output = new FormatContext();
  check(output.allocOutputContext2(null, spec.container, path), `make a ${spec.container} file`);
  const lanes: Lane[] = [];
  if (spec.video) lanes.push(videoLane(output, spec.video));
  if (spec.audio) lanes.push(audioLane(output, spec.audio, spec.audio.seconds ?? spec.video?.seconds ?? 4));
  check(await output.openOutput(), 'open the output');
  setOptions(output, spec.formatOptions ?? {});
  check(output.writeHeaderSync(), 'write the header');
  using packet = new Packet();
  packet.alloc();

  const drain = (lane: Lane) => {
    for (;;) {
      const code = lane.context.receivePacketSync(packet);
      if (code === AVERROR_EAGAIN || code === AVERROR_EOF) return;
      check(code, 'encode');
      packet.streamIndex = lane.stream.index;
      // A packet without a length would give the last sample of a track none.
      if (packet.duration === 0n && lane.context.width > 0) packet.duration = 1n;
      packet.rescaleTs(lane.context.timeBase, lane.stream.timeBase);
      check(output.interleavedWriteFrameSync(packet), 'write a packet');
    }
  };

  const open = new Set(lanes);
  while (open.size > 0) {
    const lane = [...open].reduce((a, b) => (a.sentSeconds <= b.sentSeconds ? a : b));
    if (!lane.sendNext()) {
      check(lane.context.sendFrameSync(null), 'end a stream');
      open.delete(lane);
    }
    drain(lane);
  }
  check(output.writeTrailerSync(), 'write the trailer');
  await output.closeOutput();
  for (const lane of lanes) lane.context.freeContext();
}
