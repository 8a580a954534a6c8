// Runs one camera's driver until told to stop: starts it again with growing, jittered pauses when it fails, ends it
// when it falls silent, and leaves it behind when it ignores its signal. Memory: one sample at a time.
import type { Clock } from '../clock.ts';
import { AppError } from '../errors.ts';
import type { CameraSample, DriverContext, DriverModule, DriverOptions } from './driver.ts';

/** First pause after a failure, and the longest: soon back after a bump, and no hammering of a camera that is gone. */
const firstPauseMs = 500;
const longestPauseMs = 30_000;

/** A driver that ran this long before it failed starts again from the first pause. */
const steadyMs = 10_000;

/** How long a driver may take to end after its signal; then it is left behind. */
const stopMs = 1000;

/** No picture for so long is no signal, where the driver says nothing else. */
const defaultMaxPauseMs = 10_000;

/** Samples closer together than this without end are a driver that never waits: it must not hold up the program. */
const turnMs = 1;

export type DriverRunSetup = {
  readonly load: () => Promise<DriverModule>;
  readonly options: DriverOptions;
  readonly clock: Clock;
  /** From 0 to 1, for the jitter. */
  readonly random: () => number;
  /** What else the driver is given. */
  readonly extras?: Pick<DriverContext, 'report' | 'senders'>;
  /** Takes what the driver yields, unchecked. True where it was a sample worth the name. */
  readonly onSample: (sample: Uint8Array | CameraSample) => boolean;
  /** The driver failed with this error and will be started again after a pause. */
  readonly onFailure: (error: unknown) => void;
  /** It is started again. */
  readonly onRestart: () => void;
  /** It did not end within 1 s of its signal and goes on unheeded. */
  readonly onAbandoned: () => void;
};

export type DriverRun = {
  /** Aborts the driver's signal; resolves when it has ended or was left behind. Idempotent. */
  stop(): Promise<void>;
};

/** Starts the driver once `after` has settled (an earlier run that still releases the device). */
export function startDriverRun(setup: DriverRunSetup, after: Promise<void>): DriverRun {
  const controller = new AbortController();
  const done = after.then(() => runUntilStopped(setup, controller.signal));
  return {
    stop() {
      controller.abort(new AppError('unavailable', 'The camera was switched off.'));
      return done;
    },
  };
}

async function runUntilStopped(setup: DriverRunSetup, signal: AbortSignal): Promise<void> {
  const { clock } = setup;
  let failures = 0;
  while (!signal.aborted) {
    const startedAtMs = clock.monotonicMs();
    const outcome = await runOnce(setup, signal);
    if (signal.aborted) return;
    if (outcome.samples > 0 && clock.monotonicMs() - startedAtMs >= steadyMs) failures = 0;
    setup.onFailure(outcome.error);
    const pauseMs = Math.min(longestPauseMs, firstPauseMs * 2 ** Math.min(failures, 16));
    failures += 1;
    await sleepUnlessAborted(clock, pauseMs * (0.5 + setup.random() / 2), signal);
    if (!signal.aborted) setup.onRestart();
  }
}

type Outcome = { readonly samples: number; readonly error: unknown };

/** One life of the driver, to its end, its failure or one second after the signal. Never rejects. */
async function runOnce(setup: DriverRunSetup, stopSignal: AbortSignal): Promise<Outcome> {
  const { clock } = setup;
  // Aborts for the driver: when the run stops, and when it has been silent for too long.
  const driverEnd = new AbortController();
  const outcome = Promise.withResolvers<void>();
  const life = { samples: 0, lastAtMs: clock.monotonicMs(), isOver: false };
  let error: unknown = new AppError('unavailable', 'The camera stopped sending.');

  const forwardStop = () => driverEnd.abort(stopSignal.reason);
  stopSignal.addEventListener('abort', forwardStop, { once: true });
  // Ends the watching of silence and of the driver's last second together with this life.
  const lifeEnd = new AbortController();
  driverEnd.signal.addEventListener('abort', () => {
    void clock.sleep(stopMs, lifeEnd.signal).then(
      () => {
        setup.onAbandoned();
        outcome.resolve();
      },
      () => {},
    );
  });

  void pump(setup, driverEnd.signal, lifeEnd.signal, life).then(
    () => outcome.resolve(),
    (cause) => {
      // What a driver throws because it was told to end is not its own failure.
      if (!driverEnd.signal.aborted) error = cause;
      outcome.resolve();
    },
  );
  void watchSilence(setup, life, lifeEnd.signal).then((silence) => {
    if (!silence || life.isOver) return;
    error = silence;
    driverEnd.abort(silence);
  });
  // Stopped before it began (then `abort` has fired already and no listener hears it).
  if (stopSignal.aborted) forwardStop();

  await outcome.promise;
  life.isOver = true;
  stopSignal.removeEventListener('abort', forwardStop);
  driverEnd.abort();
  lifeEnd.abort();
  return { samples: life.samples, error };
}

type Life = { samples: number; lastAtMs: number; isOver: boolean };

/** Hands over what the driver yields until it ends or is left behind. */
async function pump(
  { load, options, clock, extras, onSample }: DriverRunSetup,
  driverSignal: AbortSignal,
  lifeSignal: AbortSignal,
  life: Life,
): Promise<void> {
  const driver = await load();
  if (driverSignal.aborted) return;
  const samples = driver.samples(options, { ...extras, signal: driverSignal, clock });
  try {
    for (;;) {
      const step = await samples.next();
      if (lifeSignal.aborted || driverSignal.aborted || step.done) return;
      const nowMs = clock.monotonicMs();
      const isRushing = nowMs - life.lastAtMs < turnMs;
      if (onSample(step.value)) {
        life.lastAtMs = nowMs;
        life.samples += 1;
      }
      if (isRushing) await new Promise(setImmediate);
    }
  } finally {
    // Lets a generator that waits at a `yield` release its device; one that hangs would never answer this.
    await Promise.race([samples.return?.(), new Promise((resolve) => onceAborted(lifeSignal, resolve))]);
  }
}

function onceAborted(signal: AbortSignal, then: (value: unknown) => void): void {
  if (signal.aborted) then(null);
  else signal.addEventListener('abort', then, { once: true });
}

/** Resolves to an error when no sample has come for too long, to null when this life ends first. */
async function watchSilence(
  { load, options, clock }: DriverRunSetup,
  life: Life,
  signal: AbortSignal,
): Promise<AppError | null> {
  try {
    const driver = await load();
    const maxPauseMs = driver.maxPauseMs?.(options) ?? defaultMaxPauseMs;
    if (maxPauseMs === Number.POSITIVE_INFINITY) return null;
    for (;;) {
      const leftMs = life.lastAtMs + maxPauseMs - clock.monotonicMs();
      if (leftMs <= 0) {
        return new AppError('unavailable', `No picture came for ${Math.round(maxPauseMs / 1000)} seconds.`);
      }
      await clock.sleep(leftMs, signal);
    }
  } catch {
    // Loading failed (the pump tells of that) or this life is over.
    return null;
  }
}

async function sleepUnlessAborted(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  try {
    await clock.sleep(ms, signal);
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
