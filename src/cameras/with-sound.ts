// A camera's pictures with the sound of a microphone at this machine (ALSA), on one clock: any driver, given the
// option `sound`. Where the microphone cannot be heard the pictures go on, and it is tried again.
import { accessSync, constants } from 'node:fs';
import { delimiter, isAbsolute, join } from 'node:path';
import { AppError } from '../errors.ts';
import { openCameraInput } from '../workers/camera-input.ts';
import type { CameraSample, DriverContext, DriverModule, DriverOptions } from './driver.ts';

/** Between two tries to hear a microphone that is not there. */
const retryMs = 15_000;

/** As the hub's own: sound alone is no sign of life of a camera. */
const defaultMaxPauseMs = 10_000;

/** A camera's clock that is further than this from where it was is another one. */
const maxDriftMicros = 1_000_000;

/**
 * Devices of ALSA by name. Nothing else of what ALSA takes in this place: its plug-in `file` writes files and starts
 * programs.
 */
const deviceName =
  /^(default|pulse|pipewire|(plughw|hw|sysdefault|dsnoop):(CARD=)?[A-Za-z0-9_-]{1,32}(,(DEV=)?\d{1,2}){0,2})$/;

/** The driver, where the options name a microphone with its sound. A `sound` that is no text is the driver's own. */
export function withSound(driver: DriverModule, open: typeof microphone = microphone): DriverModule {
  return {
    samples(options, context) {
      const { device, rest } = split(options);
      if (device === null) return driver.samples(options, context);
      return merge(driver, rest, (signal) => open(device, { ...context, signal }), context);
    },
    checkOptions(options) {
      driver.checkOptions?.(split(options).rest);
    },
    maxPauseMs: (options) => driver.maxPauseMs?.(split(options).rest) ?? defaultMaxPauseMs,
  };
}

/** Throws `bad-request` where the device is none. */
function split(options: DriverOptions): { device: string | null; rest: DriverOptions } {
  const { sound, ...rest } = options;
  if (typeof sound !== 'string') return { device: null, rest: options };
  if (sound === '') return { device: null, rest };
  if (!deviceName.test(sound)) {
    throw new AppError(
      'bad-request',
      `The option sound is “${sound.slice(0, 60)}”; it takes an ALSA device such as hw:1, plughw:1,0 or default.`,
    );
  }
  return { device: sound, rest };
}

/** Both as they come, the pictures' times on the program's monotonic clock. Ends and fails as the pictures do. */
async function* merge(
  driver: DriverModule,
  options: DriverOptions,
  openSound: (signal: AbortSignal) => AsyncGenerator<CameraSample, void, void>,
  context: DriverContext,
): AsyncGenerator<CameraSample, void, void> {
  const { clock } = context;
  const maxPauseMs = driver.maxPauseMs?.(options) ?? defaultMaxPauseMs;
  // Ends both, also where only one of them fails.
  const over = new AbortController();
  const signal = AbortSignal.any([context.signal, over.signal]);
  const pictures = driver.samples(options, { ...context, signal });
  const sound = openSound(signal);
  const onClock = createClockMap();
  const nextPicture = async () => ({ picture: await pictures.next() });
  const nextSound = async () => ({ sound: await sound.next() });
  let picture = nextPicture();
  let heard: ReturnType<typeof nextSound> | null = nextSound();
  let pictureAtMs = clock.monotonicMs();
  try {
    for (;;) {
      const step = await Promise.race(heard ? [picture, heard] : [picture]);
      if ('picture' in step) {
        if (step.picture.done) return;
        const given = step.picture.value;
        const nowMicros = clock.monotonicMs() * 1000;
        pictureAtMs = nowMicros / 1000;
        if (given instanceof Uint8Array)
          yield { codec: 'jpeg', data: given, ptsMicros: Math.round(nowMicros), isKey: true };
        // The microphone instead of the camera's own sound: who names one means it.
        else if (isPicture(given)) yield { ...given, ptsMicros: onClock(given.ptsMicros, nowMicros) };
        picture = nextPicture();
      } else if (step.sound.done) heard = null;
      else {
        if (clock.monotonicMs() - pictureAtMs > maxPauseMs) {
          const seconds = Math.round(maxPauseMs / 1000);
          throw new AppError('unavailable', `No picture came for ${seconds} seconds.`);
        }
        yield step.sound.value;
        heard = nextSound();
      }
    }
  } finally {
    over.abort();
    for (const pending of [picture, heard]) pending?.catch(() => undefined);
    await Promise.allSettled([pictures.return(), sound.return()]);
  }
}

function isPicture({ codec }: CameraSample): boolean {
  return codec === 'jpeg' || codec === 'avc' || codec === 'hevc';
}

/** Maps times of another clock, of things that come late but never early, to the one they are seen on. */
function createClockMap(): (micros: number, nowMicros: number) => number {
  let offset: number | null = null;
  return (micros, nowMicros) => {
    const seen = nowMicros - micros;
    if (offset === null || Math.abs(seen - offset) > maxDriftMicros) offset = seen;
    offset = Math.min(offset, seen);
    return Math.round(micros + offset);
  };
}

/** What is heard, as AAC, its times on the program's monotonic clock; for ever, until the signal aborts. */
async function* microphone(
  device: string,
  { signal, clock }: DriverContext,
): AsyncGenerator<CameraSample, void, void> {
  while (!signal.aborted) {
    const source = { kind: 'sound', device, recorder: findRecorder() } as const;
    try {
      let offset: number | null = null;
      for await (const sample of openCameraInput(source, { signal, clock, describe: ({ code }) => code })) {
        // Since the epoch: taken to the other clock once, so that setting the time of day tears nothing.
        offset ??= (clock.monotonicMs() - clock.nowMs()) * 1000;
        const onClock = Math.round(sample.ptsMicros + offset);
        if (Math.abs(clock.monotonicMs() * 1000 - onClock) > maxDriftMicros) offset = null;
        else yield { ...sample, ptsMicros: onClock };
      }
    } catch {
      // No microphone: the camera is watched without.
    }
    await clock.sleep(retryMs, signal).catch(() => undefined);
  }
}

/** Where `arecord` (alsa-utils) is; null where it is not installed. */
function findRecorder(): string | null {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    if (!isAbsolute(folder)) continue;
    const path = join(folder, 'arecord');
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // Not there.
    }
  }
  return null;
}
