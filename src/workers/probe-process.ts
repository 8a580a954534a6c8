// The process behind `probe.ts`: opens one file with FFmpeg (node-av) through bytes that the server hands out, says
// what is in it, and ends. Nothing it does can be trusted by the server, and nothing is.
import { flushCompileCache } from 'node:module';
import type { FormatContext } from 'node-av/lib';
import type { Codec } from '../media/track.ts';
import { selfContainedFormats } from './file-formats.ts';
import type { ProbeAnswer, Probed, ProbedTrack, ProbeRequest } from './probe-messages.ts';

/** AVMediaType and AVSeekWhence by value, so that this file loads where the engine is missing. */
const mediaTypes = ['video', 'audio', null, 'subtitle'] as const;
const whence = { set: 0, current: 1, end: 2, size: 0x10000, force: 0x20000 } as const;

/** More tracks than this are a bug of the file. */
const maxTracks = 100;

const codecNames = new Map<string, Codec>([
  ['h264', 'avc'],
  ['mpeg2video', 'mpeg2'],
  ['mov_text', 'tx3g'],
  ['hdmv_pgs_subtitle', 'pgs'],
  ['dvd_subtitle', 'vobsub'],
  ...(['hevc', 'vp8', 'vp9', 'av1', 'mpeg4', 'mjpeg', 'aac', 'mp3', 'opus', 'vorbis', 'flac'] as const).map(
    (name) => [name, name] as const,
  ),
  ...(['ac3', 'eac3', 'dts', 'truehd', 'subrip', 'ass', 'webvtt'] as const).map(
    (name) => [name, name] as const,
  ),
]);

const waiting = new Map<number, (bytes: Uint8Array) => void>();
let nextId = 1;

function say(answer: ProbeAnswer): void {
  process.send?.(answer);
}

process.on('message', (request: ProbeRequest) => {
  if (request.kind === 'bytes') {
    waiting.get(request.id)?.(request.bytes);
    waiting.delete(request.id);
  } else {
    describe(request.sizeBytes).catch((error: unknown) => {
      const message = error instanceof Error ? error.message : String(error);
      say({ kind: 'failed', message: message.slice(0, 300) });
    });
  }
});
process.on('disconnect', () => process.exit());

function read(position: number, length: number): Promise<Uint8Array> {
  const id = nextId++;
  return new Promise((resolve) => {
    waiting.set(id, resolve);
    say({ kind: 'read', id, position, length });
  });
}

async function describe(sizeBytes: number): Promise<void> {
  const engine = await loadEngine();
  if (!engine) return say({ kind: 'no-engine' });
  const { FormatContext, Dictionary, IOStream, FFmpegError } = engine;
  let position = 0;
  const source = IOStream.create({
    async read(size) {
      const bytes = await read(position, size);
      position += bytes.length;
      return bytes.length === 0 ? null : Buffer.from(bytes);
    },
    seek(offset, mode) {
      const to = Number(offset);
      const from = mode & ~whence.force;
      if (from === whence.size) return BigInt(sizeBytes);
      position = from === whence.current ? position + to : from === whence.end ? sizeBytes + to : to;
      return BigInt(position);
    },
  });
  const input = new FormatContext();
  input.allocContext();
  input.pb = source;
  const options = Dictionary.fromObject({
    format_whitelist: selfContainedFormats,
    protocol_whitelist: 'none',
  });
  FFmpegError.throwIfError(await input.openInput('', null, options), 'opening it');
  FFmpegError.throwIfError(await input.findStreamInfo(), 'finding its tracks');
  const found = describeInput(input, engine.codecName);
  // Kept for the next such process. This one is killed as soon as it has answered.
  flushCompileCache();
  say({ kind: 'found', found });
}

function describeInput(input: FormatContext, codecName: (id: number) => string): Probed {
  const tracks = input.streams.slice(0, maxTracks).flatMap((stream): ProbedTrack[] => {
    const { codecpar } = stream;
    const kind = mediaTypes[codecpar.codecType as number];
    if (!kind) return [];
    const name = codecName(codecpar.codecId as number);
    return [
      {
        number: stream.index,
        kind,
        codec: codecNames.get(name) ?? (name.startsWith('pcm_') ? 'pcm' : 'other'),
        codecName: name,
        language: 'und',
        width: kind === 'video' ? codecpar.width : 0,
        height: kind === 'video' ? codecpar.height : 0,
        channels: kind === 'audio' ? codecpar.channels : 0,
        sampleRate: kind === 'audio' ? codecpar.sampleRate : 0,
      },
    ];
  });
  // AV_TIME_BASE: microseconds; AV_NOPTS_VALUE, the lowest number there is, where the file does not tell.
  const durationMs = Math.round(Number(input.duration) / 1000);
  return { durationMs: durationMs > 0 ? durationMs : null, tracks };
}

async function loadEngine() {
  try {
    const [{ IOStream }, { FormatContext, Dictionary, FFmpegError, avGetCodecName }] = await Promise.all([
      import('node-av/api'),
      import('node-av/lib'),
    ]);
    const codecName = (id: number) => avGetCodecName(id as never) ?? 'unknown';
    return { FormatContext, Dictionary, FFmpegError, IOStream, codecName };
  } catch {
    return null;
  }
}
