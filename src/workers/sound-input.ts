// A microphone as AAC: through FFmpeg's own ALSA where it can open the device, else through the program `arecord`,
// which also knows devices that are put together in ALSA's configuration. Runs in the camera's process only. Times are
// microseconds since the epoch, of the moment the sound was taken. Memory: a fraction of a second of sound.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { AV_CODEC_ID_PCM_S16LE, AVERROR_EAGAIN, AVMEDIA_TYPE_AUDIO } from 'node-av/constants';
import {
  avChannelLayoutDefault,
  CodecParameters,
  Dictionary,
  FormatContext,
  InputFormat,
  Packet,
} from 'node-av/lib';
import { systemClock } from '../clock.ts';
import type { SoundSource } from './camera-messages.ts';
import type { CameraReader, SendSample } from './camera-output.ts';
import { check, ReadError } from './engine.ts';
import type { WireSample } from './sample-wire.ts';
import { createSoundReader } from './sound-reader.ts';

const sampleRate = 48_000;
/** What `arecord` is asked for: one channel of 16 bits. */
const bytesPerSample = 2;
/** Sound handed over at once by `arecord`: short, for it is that much late. */
const periodMicros = 20_000;
const bufferMicros = 200_000;
/** The clock of the sound is set anew where it is further than this from the time of day. */
const maxDriftMicros = 500_000;

export function createSoundInput(source: SoundSource, onOpened: () => void): CameraReader {
  // Kept for good: node-av 6.1.1 frees a Dictionary that opening has taken a second time when it is collected.
  const options: Dictionary[] = [];
  let input: FormatContext | null = null;
  let recorder: ChildProcess | null = null;
  let isStopping = false;

  /** The device with so many channels; null where FFmpeg cannot open it. */
  const openAlsa = async (channels: number): Promise<FormatContext | null> => {
    const format = InputFormat.findInputFormat('alsa');
    if (!format) return null;
    const opening = new FormatContext();
    opening.allocContext();
    const given = Dictionary.fromObject({ sample_rate: String(sampleRate), channels: String(channels) });
    options.push(given);
    input = opening;
    return (await opening.openInput(source.device, format, given)) < 0 ? null : opening;
  };

  return {
    async run(send) {
      const opened = (await openAlsa(1)) ?? (await openAlsa(2));
      if (isStopping) return;
      if (opened) {
        onOpened();
        await readAlsa(opened, send, () => isStopping);
        return;
      }
      if (source.recorder === null) throw new ReadError('open', 'ENODEV', 'the device cannot be opened');
      recorder = startRecorder(source.recorder, source.device);
      onOpened();
      await readRecorder(recorder, send);
      if (!isStopping) throw new ReadError('read', 'EOF', 'arecord ended');
    },
    stop() {
      isStopping = true;
      input?.interrupt();
      recorder?.kill('SIGKILL');
    },
  };
}

async function readAlsa(input: FormatContext, send: SendSample, isStopping: () => boolean): Promise<void> {
  const [stream] = input.streams;
  if (!stream) throw new ReadError('open', 'NO_PICTURE', 'no stream of sound');
  const sound = createSoundReader(stream.codecpar);
  const microsPerTick = (stream.timeBase.num * 1e6) / stream.timeBase.den;
  const packet = new Packet();
  packet.alloc();
  const made: WireSample[] = [];
  while (!isStopping()) {
    const got = await input.readFrame(packet);
    if (got === AVERROR_EAGAIN) {
      await systemClock.sleep(5);
      continue;
    }
    check(got, 'reading the sound');
    sound.push(packet, Number(packet.pts) * microsPerTick, (sample) => made.push(sample));
    packet.unref();
    for (const sample of made.splice(0)) await send(sample);
  }
}

function startRecorder(program: string, device: string): ChildProcess {
  const format = ['-f', 'S16_LE', '-r', String(sampleRate), '-c', '1', '-t', 'raw'];
  const times = ['-F', String(periodMicros), '-B', String(bufferMicros)];
  // An argument each, no shell: a device's name is a name. It ends when nobody reads what it writes.
  return spawn(program, ['-q', '-D', device, ...format, ...times], { stdio: ['ignore', 'pipe', 'ignore'] });
}

/** To the end of what it records. */
async function readRecorder(recorder: ChildProcess, send: SendSample): Promise<void> {
  const failed = once(recorder, 'error').then(([error]) => {
    throw new ReadError('open', 'ENOENT', String(error));
  });
  await Promise.race([sendRecorded(recorder, send), failed]);
}

async function sendRecorded(recorder: ChildProcess, send: SendSample): Promise<void> {
  const parameters = new CodecParameters();
  parameters.alloc();
  parameters.codecType = AVMEDIA_TYPE_AUDIO;
  parameters.codecId = AV_CODEC_ID_PCM_S16LE;
  parameters.sampleRate = sampleRate;
  parameters.channelLayout = avChannelLayoutDefault(1);
  const sound = createSoundReader(parameters);
  const packet = new Packet();
  packet.alloc();
  const made: WireSample[] = [];
  const micros = (bytes: number) => (bytes * 1e6) / (bytesPerSample * sampleRate);
  /** The time of day at which its first byte was taken, as well as is known: pieces come late, never early. */
  let startMicros: number | null = null;
  let readBytes = 0;
  let odd: Buffer = Buffer.alloc(0);
  for await (const chunk of recorder.stdout!) {
    const bytes = Buffer.concat([odd, chunk as Buffer]);
    const whole = bytes.length - (bytes.length % bytesPerSample);
    odd = bytes.subarray(whole);
    if (whole === 0) continue;
    const startSeen = systemClock.nowMs() * 1000 - micros(readBytes + whole);
    if (startMicros === null || Math.abs(startSeen - startMicros) > maxDriftMicros) startMicros = startSeen;
    startMicros = Math.min(startMicros, startSeen);
    packet.data = bytes.subarray(0, whole);
    sound.push(packet, startMicros + micros(readBytes), (sample) => made.push(sample));
    packet.unref();
    readBytes += whole;
    for (const sample of made.splice(0)) await send(sample);
  }
}
