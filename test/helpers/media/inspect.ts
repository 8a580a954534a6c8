// Reads a media file with FFmpeg's libraries: its packets, or digests of its decoded pictures and sound. It is the
// oracle that our own parsers and views are held against. Runs in the media process only.
import { hash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import {
  AV_NOPTS_VALUE,
  AV_PIX_FMT_YUV420P,
  AV_PIX_FMT_YUVJ420P,
  AV_SAMPLE_FMT_FLT,
  AV_SAMPLE_FMT_FLTP,
  AV_SAMPLE_FMT_S16,
  AV_SAMPLE_FMT_S16P,
  AV_SAMPLE_FMT_S32,
  AV_SAMPLE_FMT_S32P,
  AVERROR_EAGAIN,
  AVERROR_EOF,
  AVMEDIA_TYPE_AUDIO,
  AVMEDIA_TYPE_VIDEO,
  AVSEEK_FLAG_BACKWARD,
} from 'node-av/constants';
import {
  avGetCodecName,
  Codec,
  CodecContext,
  FFmpegError,
  FormatContext,
  Frame,
  Packet,
  type Stream,
} from 'node-av/lib';
import type { DecodedStream, DecodeOptions, StreamPackets } from './media-spec.ts';
import { readFrameNumberFromLuma } from './picture.ts';

const digest = (bytes: Uint8Array) => hash('sha1', bytes, 'hex').slice(0, 16);
/** Pictures are some hundred kilobytes each: a SHA-1 takes as long as decoding them, a CRC a third of that. */
const frameDigest = (bytes: Uint8Array) => crc32(bytes).toString(16).padStart(8, '0');

async function openInput(source: string): Promise<FormatContext> {
  const input = new FormatContext();
  FFmpegError.throwIfError(await input.openInput(source), 'open the input');
  FFmpegError.throwIfError(await input.findStreamInfo(), 'find the streams');
  return input;
}

const kindOf = (stream: Stream) =>
  stream.codecpar.codecType === AVMEDIA_TYPE_VIDEO
    ? 'video'
    : stream.codecpar.codecType === AVMEDIA_TYPE_AUDIO
      ? 'audio'
      : 'other';

/** Every packet of every stream as FFmpeg's demuxer sees them. */
export async function readPackets(source: string): Promise<StreamPackets[]> {
  await using input = await openInput(source);
  const streams: StreamPackets[] = input.streams.map((stream) => ({
    kind: kindOf(stream),
    codec: avGetCodecName(stream.codecpar.codecId) ?? '',
    timeBase: [stream.timeBase.num, stream.timeBase.den],
    packets: [],
  }));
  using packet = new Packet();
  packet.alloc();
  const ticks = (value: bigint) => (value === AV_NOPTS_VALUE ? null : Number(value));
  while (input.readFrameSync(packet) >= 0) {
    streams[packet.streamIndex]?.packets.push({
      pts: ticks(packet.pts),
      dts: ticks(packet.dts),
      duration: Number(packet.duration),
      size: packet.size,
      pos: Number(packet.pos),
      isKey: packet.isKeyframe,
      digest: digest(packet.data ?? Buffer.alloc(0)),
    });
    packet.unref();
  }
  return streams;
}

/** Decoded sound as interleaved floats, whatever the decoder's own format; null for the rarer ones. */
function toFloats(frame: Frame, bytes: Buffer): Float32Array | null {
  const { nbSamples, channels } = frame;
  const floats = new Float32Array(nbSamples * channels);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const planar = [AV_SAMPLE_FMT_FLTP, AV_SAMPLE_FMT_S16P, AV_SAMPLE_FMT_S32P].includes(frame.format as never);
  let read: (at: number) => number;
  switch (frame.format) {
    case AV_SAMPLE_FMT_FLT:
    case AV_SAMPLE_FMT_FLTP:
      read = (at) => view.getFloat32(at * 4, true);
      break;
    case AV_SAMPLE_FMT_S16:
    case AV_SAMPLE_FMT_S16P:
      read = (at) => view.getInt16(at * 2, true) / 32_768;
      break;
    case AV_SAMPLE_FMT_S32:
    case AV_SAMPLE_FMT_S32P:
      read = (at) => view.getInt32(at * 4, true) / 2 ** 31;
      break;
    default:
      return null;
  }
  for (let i = 0; i < nbSamples; i += 1)
    for (let channel = 0; channel < channels; channel += 1)
      floats[i * channels + channel] = read(planar ? channel * nbSamples + i : i * channels + channel);
  return floats;
}

function joinFloats(pieces: Float32Array[]): Float32Array {
  const joined = new Float32Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    joined.set(piece, at);
    at += piece.length;
  }
  return joined;
}

/** Decodes every video and audio stream that there is a decoder for. */
export async function decodeMedia(source: string, options: DecodeOptions): Promise<DecodedStream[]> {
  await using input = await openInput(source);
  const decoders = new Map<number, { context: CodecContext; facts: DecodedStream; pieces: Float32Array[] }>();
  for (const stream of input.streams) {
    const kind = kindOf(stream);
    const codec = kind === 'other' ? null : Codec.findDecoder(stream.codecpar.codecId);
    if (!codec || kind === 'other') continue;
    const context = new CodecContext();
    context.allocContext3(codec);
    context.parametersToContext(stream.codecpar);
    context.pktTimebase = stream.timeBase;
    FFmpegError.throwIfError(context.open2Sync(codec, null), 'open a decoder');
    const facts: DecodedStream = {
      kind,
      codec: avGetCodecName(stream.codecpar.codecId) ?? '',
      width: stream.codecpar.width,
      height: stream.codecpar.height,
      sampleRate: stream.codecpar.sampleRate,
      channels: stream.codecpar.channels,
      frames: [],
      pcm: null,
      errors: 0,
      firstError: null,
    };
    decoders.set(stream.index, { context, facts, pieces: [] });
  }
  if (options.fromSeconds !== undefined)
    await input.seekFrame(-1, BigInt(Math.round(options.fromSeconds * 1e6)), AVSEEK_FLAG_BACKWARD);

  using packet = new Packet();
  packet.alloc();
  using frame = new Frame();
  frame.alloc();

  const receive = (index: number) => {
    const decoder = decoders.get(index)!;
    const { timeBase } = input.streams[index]!;
    for (;;) {
      const code = decoder.context.receiveFrameSync(frame);
      if (code === AVERROR_EAGAIN || code === AVERROR_EOF) return;
      if (code < 0) {
        fail(decoder.facts, code);
        return;
      }
      const bytes = frame.toBuffer();
      const isSound = decoder.facts.kind === 'audio';
      const pts = frame.bestEffortTimestamp === AV_NOPTS_VALUE ? frame.pts : frame.bestEffortTimestamp;
      const isPlain = frame.format === AV_PIX_FMT_YUV420P || frame.format === AV_PIX_FMT_YUVJ420P;
      decoder.facts.frames.push({
        timeUs: Math.round((Number(pts) * timeBase.num * 1e6) / timeBase.den),
        digest: frameDigest(bytes),
        number: !isSound && isPlain ? readFrameNumberFromLuma(bytes, frame.width, frame.height) : null,
        samples: isSound ? frame.nbSamples : 0,
      });
      if (isSound && options.pcm) {
        const floats = toFloats(frame, bytes);
        if (floats) decoder.pieces.push(floats);
      }
      frame.unref();
    }
  };
  const fail = (facts: DecodedStream, code: number) => {
    facts.errors += 1;
    facts.firstError ??= FFmpegError.strerror(code);
  };

  while (input.readFrameSync(packet) >= 0) {
    const decoder = decoders.get(packet.streamIndex);
    if (decoder) {
      const code = decoder.context.sendPacketSync(packet);
      if (code < 0 && code !== AVERROR_EAGAIN) fail(decoder.facts, code);
      receive(packet.streamIndex);
    }
    packet.unref();
  }
  for (const [index, { context, facts, pieces }] of decoders) {
    context.sendPacketSync(null);
    receive(index);
    if (facts.kind === 'audio' && options.pcm) facts.pcm = joinFloats(pieces);
    context.freeContext();
  }
  return [...decoders.values()].map(({ facts }) => facts);
}
