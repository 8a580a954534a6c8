// One camera, one driver run, any number of viewers: on with the first, off some time after the last. What is kept of
// its stream stands in `intake.ts`; what a busy viewer misses is the viewer's own policy.
import type { Logger } from 'pino';
import type { Clock } from '../clock.ts';
import { AppError } from '../errors.ts';
import type { CameraKinds } from './camera-kinds.ts';
import type { CameraFigures, CameraInfo, CameraState, Picture, Viewer, Viewing } from './cameras.ts';
import type { CameraSample, DriverModule, DriverOptions } from './driver.ts';
import { type DriverRun, startDriverRun } from './driver-run.ts';
import { Intake } from './intake.ts';
import type { LiveSample } from './live-sample.ts';
import { withoutSecrets } from './secrets.ts';
import { Senders } from './senders.ts';
import { SilenceAlarm } from './silence-alarm.ts';
import { pictureOf, waitForPicture } from './snapshot.ts';

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

export type HubFigures = Omit<CameraFigures, 'derivedStreams' | 'picturesMade'>;

export class Hub {
  #setup: HubSetup;
  readonly #viewers = new Set<Viewer>();
  #run: DriverRun | null = null;
  /** Settles when every run so far has released its device. */
  #released: Promise<void> = Promise.resolve();
  #linger: AbortController | null = null;
  /** When there was somebody, on the monotonic clock: viewers who stand for nobody keep it on, and no longer. */
  #lastPersonAtMs = -Infinity;
  #hadPeople = false;
  #state: CameraState = 'off';
  #message: string | null = null;
  #stateSinceMs: number;
  readonly #intake: Intake;
  #isClosed = false;
  /** Where a camera that sends to us arrives; senders come and go whether it is watched or not. */
  readonly senders: Senders;
  readonly #alarm: SilenceAlarm;
  readonly #figures = { dropped: 0, restarts: 0 };

  constructor(setup: HubSetup) {
    this.#setup = setup;
    this.#stateSinceMs = setup.clock.nowMs();
    this.#intake = new Intake(setup.clock);
    this.senders = new Senders(setup.clock);
    this.#alarm = new SilenceAlarm(setup);
  }

  get info(): CameraInfo {
    const { id, name, driver, isFromSettings } = this.#setup;
    return {
      id,
      name,
      driver,
      state: this.#state,
      stateSinceMs: this.#stateSinceMs,
      kinds: this.#intake.kinds,
      viewers: this.#audience(),
      message: this.#message,
      lastPictureAtMs: this.#intake.lastPictureAtMs,
      isFromSettings,
    };
  }

  /** The same object as long as nothing new is known. */
  get kinds(): CameraKinds {
    return this.#intake.kinds;
  }

  /** What is known of the camera from elsewhere, for as long as nothing of it was seen here. */
  seedKinds(kinds: CameraKinds): void {
    this.#intake.seedKinds(kinds);
  }

  /** It may send something else from now on. */
  forgetKinds(): void {
    this.#intake.forgetKinds();
  }

  get figures(): HubFigures {
    return { id: this.#setup.id, ...this.#intake.figures, ...this.#figures };
  }

  /** Goes on under another name, or with another driver or other options: then it starts again where it runs. */
  change(part: Partial<Pick<HubSetup, 'name' | 'driver' | 'load' | 'options'>>): void {
    this.#setup = { ...this.#setup, ...part };
    if (part.load) {
      this.#intake.forgetKinds();
      const isRunning = this.#run !== null;
      this.senders.close();
      this.#switchOff();
      if (isRunning && this.#viewers.size > 0) this.#start();
    }
    this.#tellChange();
  }

  /** Adds a viewer and starts the driver where it is off. Throws `unavailable` once closed. */
  watch(viewer: Viewer): Viewing {
    if (this.#isClosed) throw new AppError('unavailable', 'This camera was removed or the program ends.');
    // Each call is a viewing of its own, also where the same object watches twice.
    const own: Viewer = {
      onSample: (sample) => viewer.onSample(sample),
      onState: (camera) => viewer.onState?.(camera),
      onEnd: () => viewer.onEnd(),
      audience: () => viewer.audience?.() ?? 1,
    };
    this.#viewers.add(own);
    this.#linger?.abort();
    this.#linger = null;
    if (!this.#run) this.#start();
    this.#onAudience();
    return {
      newest: () => (this.#state === 'live' ? this.#intake.newest : null),
      backlog: () => this.#intake.backlog,
      audienceChanged: () => this.#onAudience(),
      countDropped: (samples) => {
        this.#figures.dropped += samples;
      },
      close: () => {
        if (this.#viewers.delete(own)) this.#onLeft();
      },
    };
  }

  /** The newest picture where it is at most `maxAgeMs` old; whoever asks counts as a viewer who has just left. */
  fresh(maxAgeMs: number): LiveSample | null {
    const nowMs = this.#setup.clock.monotonicMs();
    const newest = this.#state === 'live' ? this.#intake.newest : null;
    if (!newest || nowMs - newest.takenAtMonotonicMs > maxAgeMs) return null;
    this.#lastPersonAtMs = nowMs;
    if (this.#viewers.size === 0) this.#startLinger();
    return newest;
  }

  /** Goes off at once where nobody watches. */
  rest(): void {
    if (this.#viewers.size === 0) this.#switchOff();
  }

  /** See `Cameras.snapshot`. */
  async snapshot(maxAgeMs: number, signal: AbortSignal): Promise<Picture> {
    signal.throwIfAborted();
    const newest = this.fresh(maxAgeMs);
    if (newest) return pictureOf(newest);
    const watch = (viewer: Viewer) => this.watch(viewer);
    return waitForPicture({ watch, info: this.info, clock: this.#setup.clock }, signal);
  }

  /** Ends all viewers and the driver. Idempotent. */
  async close(): Promise<void> {
    if (!this.#isClosed) {
      this.#isClosed = true;
      const viewers = [...this.#viewers];
      this.#viewers.clear();
      this.senders.close();
      this.#switchOff();
      for (const viewer of viewers) viewer.onEnd();
    }
    await this.#released;
  }

  #start(): void {
    const { clock, random, load, options, log, id } = this.#setup;
    this.#setState('starting', null);
    const extras = {
      senders: this.senders,
      report: (sentence: string, state: 'no-signal' | 'starting' = 'no-signal') => {
        if (this.#run === run) this.#setState(state, this.#shown(sentence));
      },
    };
    const run = startDriverRun(
      {
        load,
        options,
        clock,
        random,
        extras,
        onSample: (sample) => this.#run === run && this.#onSample(sample),
        onFailure: (error) => {
          if (this.#run === run) this.#setState('no-signal', this.#messageOf(error));
        },
        onRestart: () => {
          this.#figures.restarts += 1;
          this.#intake.forgetStream();
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
    this.#intake.loseSignal();
    this.#intake.forgetStream();
    this.#released = run.stop();
    this.#setState('off', null);
  }

  #onLeft(): void {
    this.#onAudience();
    if (this.#viewers.size === 0 && this.#run) this.#startLinger();
  }

  /** Off so long after the last person left, though what stood for them (a stream made of this one) lingered itself. */
  #startLinger(): void {
    const { clock, lingerMs } = this.#setup;
    this.#linger?.abort();
    const linger = new AbortController();
    this.#linger = linger;
    const leftMs = this.#lastPersonAtMs + lingerMs - clock.monotonicMs();
    void clock.sleep(Math.max(0, leftMs), linger.signal).then(
      () => {
        if (!linger.signal.aborted) this.#switchOff();
      },
      () => {},
    );
  }

  #onAudience(): void {
    const hasPeople = this.#audience() > 0;
    if (hasPeople || this.#hadPeople) this.#lastPersonAtMs = this.#setup.clock.monotonicMs();
    this.#hadPeople = hasPeople;
    this.#tellChange();
  }

  /** Takes what the driver yielded; false where it is nothing that can be shown. */
  #onSample(given: Uint8Array | CameraSample): boolean {
    const sample = this.#intake.take(given);
    if (typeof sample === 'string') {
      // A single bad picture among good ones is dropped; where none was good, that is why there is no picture.
      if (this.#state !== 'live') this.#setState('no-signal', sample);
      return false;
    }
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

  /** A viewer may stand for several people who share what it makes. */
  #audience(): number {
    let people = 0;
    for (const viewer of this.#viewers) people += viewer.audience?.() ?? 1;
    return people;
  }

  #putOut(viewer: Viewer, error: unknown): void {
    this.#setup.log.error({ camera: this.#setup.id, err: error }, 'a viewer failed and was put out');
    if (!this.#viewers.delete(viewer)) return;
    viewer.onEnd();
    this.#onLeft();
  }

  #messageOf(error: unknown): string {
    return this.#shown(error instanceof Error ? error.message : String(error));
  }

  #shown(sentence: string): string {
    return withoutSecrets(sentence, this.#setup.options) || 'The camera driver failed without saying why.';
  }

  #setState(state: CameraState, message: string | null): void {
    if (this.#state === state && this.#message === message) return;
    if (this.#state !== state) this.#stateSinceMs = this.#setup.clock.nowMs();
    this.#alarm.note(state, message);
    this.#state = state;
    this.#message = message;
    if (state !== 'live') this.#intake.loseSignal();
    const info = this.info;
    for (const viewer of this.#viewers) viewer.onState?.(info);
    this.#setup.onChange(info);
  }

  #tellChange(): void {
    this.#setup.onChange(this.info);
  }
}
