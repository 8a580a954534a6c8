// The driver `pi`: the Raspberry Pi's own camera through libcamera's program (`rpicam-vid`, or `libcamera-vid` as it
// was called before), as H.264 from the Pi's encoder or as JPEG pictures. No shell; the program is killed with the
// driver. Memory: two pictures.
import { type ChildProcess, spawn } from 'node:child_process';
import { AppError } from '../../errors.ts';
import { createAnnexBStream, makeAvcRecord } from '../../media/annex-b.ts';
import { createAccessUnits } from '../../workers/access-units.ts';
import { type CameraSample, type DriverContext, type DriverOptions, maxSampleBytes } from '../driver.ts';
import { checkNames, numberOption, textOption } from '../options.ts';
import { createJpegSplitter } from './jpeg-splitter.ts';

/** The newer name first. No option takes their place: whoever adds a camera must not choose what runs here. */
const programs = ['rpicam-vid', 'libcamera-vid'];

/** After SIGTERM libcamera lets the sensor go; if it does not within this it is killed. */
const killMs = 500;

/** Of what the program says on its error output, the end is kept. */
const maxSaidChars = 2000;

type Settings = {
  readonly codec: 'h264' | 'mjpeg';
  readonly flags: readonly string[];
};

function settingsOf(options: DriverOptions): Settings {
  checkNames('pi', options, ['codec', 'width', 'height', 'fps', 'rotation', 'camera']);
  const codec = textOption(options, 'codec') ?? 'h264';
  if (codec !== 'h264' && codec !== 'mjpeg') {
    throw new AppError('bad-request', `The option codec is “${codec.slice(0, 60)}”; it takes h264 or mjpeg.`);
  }
  const whole = (name: string, min: number, max: number, otherwise: number) => {
    const value = numberOption(options, name, { min, max, otherwise });
    if (!Number.isInteger(value))
      throw new AppError('bad-request', `The option ${name} takes a whole number.`);
    return String(value);
  };
  const rotation = numberOption(options, 'rotation', { min: 0, max: 180, otherwise: 0 });
  if (rotation !== 0 && rotation !== 180) {
    throw new AppError('bad-request', `The option rotation is ${rotation}; libcamera can turn by 0 or 180.`);
  }
  const fps = numberOption(options, 'fps', { min: 0.1, max: 240, otherwise: 25 });
  const keyFrames = codec === 'h264' ? ['--inline', '--intra', String(Math.max(1, Math.round(fps)))] : [];
  return {
    codec,
    flags: [
      ...['--nopreview', '--timeout', '0', '--flush'],
      ...['--camera', whole('camera', 0, 15, 0)],
      ...['--width', whole('width', 64, 4608, 1280), '--height', whole('height', 64, 3456, 720)],
      ...['--framerate', String(fps), '--rotation', String(rotation)],
      ...['--codec', codec, ...keyFrames],
      ...['--output', '-'],
    ],
  };
}

/** Throws `bad-request`. */
export function checkOptions(options: DriverOptions): void {
  settingsOf(options);
}

/** A slow rate is no silence. */
export function maxPauseMs(options: DriverOptions): number {
  const fps = numberOption(options, 'fps', { min: 0.1, max: 240, otherwise: 25 });
  return 10_000 + 2000 / fps;
}

/** Yields the camera's pictures. Throws `unavailable` with what the program said last where it ends. */
export async function* samples(
  options: DriverOptions,
  { signal, clock }: DriverContext,
): AsyncGenerator<Uint8Array | CameraSample, void, void> {
  const settings = settingsOf(options);
  if (signal.aborted) return;
  const child = await start(settings.flags);
  let said = '';
  child.stderr!.setEncoding('utf8');
  child.stderr!.on('data', (text: string) => {
    said = (said + text).slice(-maxSaidChars);
  });
  const ended = new Promise<string>((resolve) => {
    child.once('close', (code, killedBy) => resolve(killedBy ?? `code ${code}`));
  });
  const kill = new AbortController();
  const stop = () => {
    child.kill('SIGTERM');
    void clock.sleep(killMs, kill.signal).then(
      () => child.kill('SIGKILL'),
      () => {},
    );
  };
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  try {
    const split = settings.codec === 'h264' ? splitH264(() => clock.monotonicMs()) : createJpegSplitter();
    for await (const chunk of child.stdout!) {
      if (signal.aborted) return;
      for (const sample of split.push(chunk as Buffer)) {
        yield sample;
        if (signal.aborted) return;
      }
    }
    const how = await ended;
    if (signal.aborted) return;
    throw new AppError('unavailable', sentenceOf(said, how));
  } catch (error) {
    if (signal.aborted) return;
    throw error;
  } finally {
    signal.removeEventListener('abort', stop);
    if (child.exitCode === null && child.signalCode === null) {
      if (!signal.aborted) stop();
      child.stdout!.destroy();
      await ended;
    }
    kill.abort();
  }
}

/** Starts the first program there is. Throws `unavailable` where there is none. */
async function start(flags: readonly string[]): Promise<ChildProcess> {
  for (const program of programs) {
    const child = spawn(program, flags, { stdio: ['ignore', 'pipe', 'pipe'] });
    const isThere = await new Promise<boolean>((resolve, reject) => {
      child.once('spawn', () => resolve(true));
      child.once('error', (cause: NodeJS.ErrnoException) => {
        if (cause.code === 'ENOENT') resolve(false);
        else reject(new AppError('unavailable', `The program ${program} cannot be started.`, { cause }));
      });
    });
    if (isThere) return child;
  }
  throw new AppError(
    'unavailable',
    `Neither ${programs.join(' nor ')} is installed on this machine (package rpicam-apps).`,
  );
}

/** H.264 as it comes, each access unit with its time of arrival: live pictures, and the program tells no other. */
function splitH264(nowMs: () => number): { push(chunk: Buffer): Generator<CameraSample, void, void> } {
  const stream = createAnnexBStream(maxSampleBytes);
  const units = createAccessUnits('avc', null, makeAvcRecord);
  return {
    *push(chunk) {
      for (const bytes of stream.push(chunk)) {
        const unit = units.convert(bytes, false);
        if (unit) yield { codec: 'avc', ptsMicros: Math.round(nowMs() * 1000), ...unit };
      }
    },
  };
}

/** What the program said last, as a sentence. Its own lines begin with a time and the file they come from. */
function sentenceOf(said: string, how: string): string {
  const lines = said
    .split('\n')
    .map((line) => line.replaceAll(/\x1b\[[\d;]*m/g, '').trim())
    .filter((line) => line !== '');
  const last = (lines.findLast((line) => /ERROR|fail|no cameras/i.test(line)) ?? lines.at(-1) ?? '')
    .replace(/^(?:\[[\d:.]+\]\s*)?(?:\[\d+\]\s*)?(?:ERROR:?\s*)?(?:\*+\s*)?/i, '')
    .replace(/[\s*.]+$/, '')
    .slice(0, 160);
  return last === '' ? `The camera program ended (${how}).` : `The camera program says: ${last}.`;
}
