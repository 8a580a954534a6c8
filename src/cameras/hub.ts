// One camera, one driver run, any number of viewers: on with the first, off some time after the last. Holds the
// newest picture and nothing else; what a busy viewer misses is the viewer's own policy.
import type { Logger } from 'pino';
import type { Clock } from '../clock.ts';
import { AppError } from '../errors.ts';
import type { CameraFigures, CameraInfo, CameraState, Picture, Viewer, Viewing } from './cameras.ts';
import { type CameraSample, type DriverModule, type DriverOptions, maxSampleBytes } from './driver.ts';
import { type DriverRun, startDriverRun } from './driver-run.ts';
import { trimJpeg } from './jpeg.ts';
import { LiveSample } from './live-sample.ts';
import { withoutSecrets } from './secrets.ts';

/** How long a snapshot waits for a camera that starts. */
const snapshotWaitMs = 10_000;

export type HubSetup = {
  readonly id: string;
  readonly name: string;
  /** As shown to people. */
  readonly driver: string;
  readonly load: () => Promise<DriverModule>;
  readonly options: DriverOptions;
  readonly isFromSettings: boolean;
  /** How long the driver goes on after the last viewer left, milliseconds. */
  readonly lingerMs: number;
  readonly clock: Clock;
  readonly log: Logger;
  readonly random: () => number;
  readonly onChange: (camera: CameraInfo) => void;
};

export class Hub {
  readonly #setup: HubSetup;
  readonly #viewers = new Set<Viewer>();
  #run: DriverRun | null = null;
  /** Settles when every run so far has released its device. */
  #released: Promise<void> = Promise.resolve();
  #linger: AbortController | null = null;
  #state: CameraState = 'off';
  #message: string | null = null;
  #newest: LiveSample | null = null;
  #lastPictureAtMs: number | null = null;
  #sequence = 0;
  #isClosed = false;
  readonly #figures = { samplesIn: 0, bytesIn: 0, refused: 0, dropped: 0, restarts: 0 };

  constructor(setup: HubSetup) {
    this.#setup = setup;
  }

  get info(): CameraInfo {
    const { id, name, driver, isFromSettings } = this.#setup;
    return {
      id,
      name,
      driver,
      state: this.#state,
      viewers: this.#viewers.size,
      message: this.#message,
      lastPictureAtMs: this.#lastPictureAtMs,
      isFromSettings,
    };
  }

  get figures(): CameraFigures {
    return { id: this.#setup.id, ...this.#figures };
  }

  /** Adds a viewer and starts the driver where it is off. Throws `unavailable` once closed. */
  watch(viewer: Viewer): Viewing {
    if (this.#isClosed) throw new AppError('unavailable', 'This camera was removed or the program ends.');
    // Each call is a viewing of its own, also where the same object watches twice.
    const own: Viewer = {
      onSample: (sample) => viewer.onSample(sample),
      onState: (camera) => viewer.onState?.(camera),
      onEnd: () => viewer.onEnd(),
    };
    this.#viewers.add(own);
    this.#linger?.abort();
    this.#linger = null;
    if (!this.#run) this.#start();
    this.#tellChange();
    return {
      newest: () => (this.#state === 'live' ? this.#newest : null),
      countDropped: (samples) => {
        this.#figures.dropped += samples;
      },
      close: () => {
        if (this.#viewers.delete(own)) this.#onLeft();
      },
    };
  }

  /** See `Cameras.snapshot`. */
  async snapshot(maxAgeMs: number, signal: AbortSignal): Promise<Picture> {
    const { clock } = this.#setup;
    signal.throwIfAborted();
    const newest = this.#state === 'live' ? this.#newest : null;
    if (newest && clock.monotonicMs() - newest.takenAtMonotonicMs <= maxAgeMs) return pictureOf(newest);
    if (this.#state === 'no-signal') throw this.#noSignal();
    const found = Promise.withResolvers<Picture>();
    const viewing = this.watch({
      onSample: (sample) => {
        if (sample.codec === 'jpeg') found.resolve(pictureOf(sample));
      },
      onState: ({ state }) => {
        if (state === 'no-signal') found.reject(this.#noSignal());
      },
      onEnd: () => found.reject(new AppError('unavailable', 'This camera was removed or the program ends.')),
    });
    const waitEnd = new AbortController();
    const onAbort = () => found.reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    void clock.sleep(snapshotWaitMs, waitEnd.signal).then(
      () => found.reject(new AppError('unavailable', 'The camera has sent no picture within 10 seconds.')),
      () => {},
    );
    try {
      return await found.promise;
    } finally {
      waitEnd.abort();
      signal.removeEventListener('abort', onAbort);
      viewing.close();
    }
  }

  /** Ends all viewers and the driver. Idempotent. */
  async close(): Promise<void> {
    if (!this.#isClosed) {
      this.#isClosed = true;
      const viewers = [...this.#viewers];
      this.#viewers.clear();
      this.#switchOff();
      for (const viewer of viewers) viewer.onEnd();
    }
    await this.#released;
  }

  #start(): void {
    const { clock, random, load, options, log, id } = this.#setup;
    this.#setState('starting', null);
    const run = startDriverRun(
      {
        load,
        options,
        clock,
        random,
        onSample: (sample) => this.#run === run && this.#onSample(sample),
        onFailure: (error) => {
          if (this.#run !== run) return;
          const message = this.#messageOf(error);
          log.warn({ camera: id, reason: message }, 'camera without signal');
          this.#setState('no-signal', message);
        },
        onRestart: () => {
          this.#figures.restarts += 1;
        },
        onAbandoned: () => {
          log.warn(
            { camera: id },
            'camera driver did not stop within a second of its signal and was left behind',
          );
        },
      },
      this.#released,
    );
    this.#run = run;
  }

  #switchOff(): void {
    this.#linger?.abort();
    this.#linger = null;
    const run = this.#run;
    if (!run) return;
    this.#run = null;
    this.#newest = null;
    this.#released = run.stop();
    this.#setState('off', null);
  }

  #onLeft(): void {
    const { clock, lingerMs } = this.#setup;
    if (this.#viewers.size === 0 && this.#run) {
      const linger = new AbortController();
      this.#linger = linger;
      void clock.sleep(lingerMs, linger.signal).then(
        () => {
          if (!linger.signal.aborted) this.#switchOff();
        },
        () => {},
      );
    }
    this.#tellChange();
  }

  /** Takes what the driver yielded; false where it is nothing that can be shown. */
  #onSample(given: Uint8Array | CameraSample): boolean {
    const { clock } = this.#setup;
    const isBare = given instanceof Uint8Array;
    const data = isBare ? given : given?.data;
    if (!(data instanceof Uint8Array)) return this.#refuse('The driver gave something that is no picture.');
    if (data.length > maxSampleBytes) {
      return this.#refuse(`The camera sent a picture of more than ${maxSampleBytes / 1024 / 1024} MB.`);
    }
    const isJpeg = isBare || given.codec === 'jpeg';
    const whole = isJpeg ? trimJpeg(data) : data;
    if (!whole) return this.#refuse('The camera sends something that is no whole JPEG picture.');
    const nowMonotonicMs = clock.monotonicMs();
    const sample = new LiveSample(
      isBare
        ? { codec: 'jpeg', data: whole, ptsMicros: Math.round(nowMonotonicMs * 1000), isKey: true }
        : { ...given, data: whole },
      clock.nowMs(),
      nowMonotonicMs,
      ++this.#sequence,
    );
    this.#figures.samplesIn += 1;
    this.#figures.bytesIn += whole.length;
    if (isJpeg) this.#newest = sample;
    this.#lastPictureAtMs = sample.takenAtMs;
    if (this.#state !== 'live') this.#setState('live', null);
    for (const viewer of this.#viewers) {
      try {
        viewer.onSample(sample);
      } catch (error) {
        this.#putOut(viewer, error);
      }
    }
    return true;
  }

  #refuse(message: string): false {
    this.#figures.refused += 1;
    // A single bad picture among good ones is dropped; where none was good, that is why there is no picture.
    if (this.#state !== 'live' && this.#message !== message) {
      this.#setup.log.warn({ camera: this.#setup.id, reason: message }, 'camera picture refused');
      this.#setState('no-signal', message);
    }
    return false;
  }

  #putOut(viewer: Viewer, error: unknown): void {
    this.#setup.log.error({ camera: this.#setup.id, err: error }, 'a viewer failed and was put out');
    if (!this.#viewers.delete(viewer)) return;
    viewer.onEnd();
    this.#onLeft();
  }

  #messageOf(error: unknown): string {
    const text = error instanceof Error ? error.message : String(error);
    return withoutSecrets(text, this.#setup.options) || 'The camera driver failed without saying why.';
  }

  #noSignal(): AppError {
    return new AppError('unavailable', this.#message ?? 'The camera has no signal.');
  }

  #setState(state: CameraState, message: string | null): void {
    if (this.#state === state && this.#message === message) return;
    this.#state = state;
    this.#message = message;
    if (state === 'no-signal') this.#newest = null;
    const info = this.info;
    for (const viewer of this.#viewers) viewer.onState?.(info);
    this.#setup.onChange(info);
  }

  #tellChange(): void {
    this.#setup.onChange(this.info);
  }
}

function pictureOf(sample: LiveSample): Picture {
  return { jpeg: sample.data, takenAtMs: sample.takenAtMs, sequence: sample.sequence };
}
