// Pictures of one width made of a camera's samples: a hub of their own, there while someone wants them, whose driver
// watches the camera's hub. Made once however many watch, at the highest rate any of them asks for.
import type { Logger } from 'pino';
import type { Clock } from '../clock.ts';
import {
  type MadePicture,
  makePictures,
  type PictureMakerSetup,
  type PushSample,
} from '../workers/picture-maker.ts';
import type { CameraInfo, Viewer, Viewing } from './cameras.ts';
import type { CameraSample, DriverContext } from './driver.ts';
import { Hub } from './hub.ts';
import type { LiveSample } from './live-sample.ts';
import { Pace } from './pace.ts';

/** While nobody watches it stays warm at this rate, so that who comes finds a picture not older than a second. */
const warmFps = 2;

/** A camera's picture older than this is not the beginning of a stream. */
const freshMs = 1000;

export type DerivedSetup = {
  /** The camera's own hub. */
  readonly source: Hub;
  /** In pixels; null for that of the camera, which sends no JPEG. */
  readonly width: number | null;
  readonly lingerMs: number;
  readonly clock: Clock;
  readonly log: Logger;
  readonly random: () => number;
  /** What makes the pictures; a test puts its own here. */
  readonly make?: (setup: PictureMakerSetup) => AsyncGenerator<MadePicture, void, void>;
};

type Watcher = { readonly fps: number | null; readonly viewer: Viewer; pace: Pace };

export class DerivedStream {
  readonly #setup: DerivedSetup;
  readonly #hub: Hub;
  readonly #watchers = new Set<Watcher>();
  /** Of the camera's hub; there while this stream is on. */
  #sourceViewing: Viewing | null = null;
  #push: PushSample | null = null;
  #fps: number | null = warmFps;
  #pace = new Pace(warmFps);
  #toldAudience = 0;

  constructor(setup: DerivedSetup) {
    this.#setup = setup;
    const { source, lingerMs, clock, log, random } = setup;
    const { id, name, isFromSettings } = source.info;
    this.#hub = new Hub({
      ...{ id, name, driver: 'pictures', options: {}, isFromSettings, lingerMs, clock, log, random },
      load: async () => ({
        samples: (_options, context) => this.#samples(context),
        // The camera's silence is the camera's own affair, and the process's is watched where it is kept.
        maxPauseMs: () => Number.POSITIVE_INFINITY,
      }),
      onChange: () => this.#onHubChange(),
    });
  }

  get isOff(): boolean {
    return this.#hub.info.state === 'off';
  }

  get audience(): number {
    return this.#hub.info.viewers;
  }

  /** Pictures made, and those not taken by viewers who were busy. */
  get figures(): { readonly made: number; readonly dropped: number; readonly restarts: number } {
    const { samplesIn, dropped, restarts } = this.#hub.figures;
    return { made: samplesIn, dropped, restarts };
  }

  /** The camera as these viewers see it: what its own hub says, and where that is live, whether pictures are made. */
  get info(): CameraInfo {
    const source = this.#setup.source.info;
    const { state, stateSinceMs, message, lastPictureAtMs } = this.#hub.info;
    return source.state === 'live' && state !== 'off'
      ? { ...source, state, stateSinceMs, message, lastPictureAtMs }
      : source;
  }

  /** Throws `unavailable` once closed. `fps`: most pictures a second it takes; null for all. */
  watch(viewer: Viewer, fps: number | null): Viewing {
    const watcher: Watcher = { fps, viewer, pace: new Pace(null) };
    this.#watchers.add(watcher);
    this.#setPace();
    const leave = () => {
      if (this.#watchers.delete(watcher)) this.#setPace();
    };
    try {
      const viewing = this.#hub.watch({
        onSample: (sample) => {
          if (watcher.pace.isDue(sample.takenAtMonotonicMs)) viewer.onSample(sample);
        },
        onState: () => viewer.onState?.(this.info),
        onEnd: () => {
          leave();
          viewer.onEnd();
        },
        audience: () => viewer.audience?.() ?? 1,
      });
      return {
        ...viewing,
        close: () => {
          leave();
          viewing.close();
        },
      };
    } catch (error) {
      // The camera was removed in between.
      leave();
      void this.#hub.close();
      throw error;
    }
  }

  /** The newest picture where it is at most `maxAgeMs` old, and keeps the stream on for another while. */
  newest(maxAgeMs: number): LiveSample | null {
    if (this.#setup.source.info.state !== 'live') return null;
    return this.#hub.fresh(maxAgeMs);
  }

  /** Goes off at once where nobody watches. */
  rest(): void {
    this.#hub.rest();
  }

  /** Idempotent. */
  close(): Promise<void> {
    return this.#hub.close();
  }

  /** Every watcher leaves out what it does not want; the stream makes what the quickest of them wants. */
  #setPace(): void {
    const rates = Array.from(this.#watchers, (watcher) => watcher.fps);
    const all = rates.filter((rate) => rate !== null);
    const fps = rates.length === 0 ? warmFps : all.length < rates.length ? null : Math.max(...all);
    if (fps !== this.#fps) {
      this.#fps = fps;
      this.#pace = new Pace(fps);
    }
    for (const watcher of this.#watchers) {
      const isAll = watcher.fps === null || (fps !== null && watcher.fps >= fps);
      watcher.pace = new Pace(isAll ? null : watcher.fps, fps);
    }
  }

  #onHubChange(): void {
    const { source } = this.#setup;
    if (this.isOff) {
      this.#sourceViewing?.close();
      this.#sourceViewing = null;
    } else {
      this.#sourceViewing ??= source.watch({
        onSample: (sample) => this.#onSourceSample(sample),
        onState: () => {
          for (const { viewer } of this.#watchers) viewer.onState?.(this.info);
        },
        onEnd: () => {
          this.#sourceViewing = null;
          void this.#hub.close();
        },
        audience: () => this.audience,
      });
      if (this.#toldAudience !== this.audience) this.#sourceViewing?.audienceChanged();
    }
    this.#toldAudience = this.audience;
  }

  #onSourceSample(sample: LiveSample): void {
    if (!this.#push || !isPicture(sample)) return;
    this.#push(sample, this.#pace.isDue(sample.takenAtMonotonicMs));
  }

  async *#samples({ signal, clock }: DriverContext): AsyncGenerator<CameraSample, void, void> {
    const { make = makePictures, width } = this.#setup;
    const pictures = make({
      width,
      signal,
      clock,
      attach: (push) => {
        this.#push = push;
        this.#pace = new Pace(this.#fps);
        this.#beginWith(push);
        return () => {
          this.#push = null;
        };
      },
    });
    for await (const { jpeg, ...times } of pictures)
      yield { codec: 'jpeg', data: jpeg, isKey: true, ...times };
  }

  /** What the camera has sent already, so that the first picture need not wait for the next key frame. */
  #beginWith(push: PushSample): void {
    const newest = this.#sourceViewing?.newest();
    const nowMs = this.#setup.clock.monotonicMs();
    if (newest && nowMs - newest.takenAtMonotonicMs <= freshMs) this.#onSourceSample(newest);
    const backlog = this.#sourceViewing?.backlog().filter(isPicture) ?? [];
    for (const [index, sample] of backlog.entries()) push(sample, index === backlog.length - 1);
  }
}

function isPicture({ codec }: CameraSample): boolean {
  return codec === 'jpeg' || codec === 'avc' || codec === 'hevc';
}
