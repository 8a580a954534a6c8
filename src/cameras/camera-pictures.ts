// One camera as pictures for anybody: at its own size where it sends JPEG, else, and smaller, from streams that are
// made of it. Widths are few and streams fewer, so that no visitor can make the machine encode a hundred sizes.
import { totalmem } from 'node:os';
import type { Logger } from 'pino';
import type { Clock } from '../clock.ts';
import { AppError } from '../errors.ts';
import type { CameraKinds } from './camera-kinds.ts';
import type { CameraInfo, Picture, PictureChoice, Viewer, Viewing } from './cameras.ts';
import { type DerivedSetup, DerivedStream } from './derived-stream.ts';
import type { Hub } from './hub.ts';
import type { LiveSample } from './live-sample.ts';
import { Pace } from './pace.ts';
import { pictureOf, waitForPicture } from './snapshot.ts';

/** The widths there are: from a thumbnail to full HD. One that is asked for becomes the next one up. */
const widths = [160, 320, 640, 960, 1280, 1920];

/** Most sizes of one camera at the same time, each a process that encodes. */
const maxStreams = 4;

/** What a snapshot asks of a stream until it has its picture. */
const snapshotFps = 2;

/**
 * Most streams of all cameras together: each is a process of 40 to 70 MB of its own, and half of the machine's memory
 * is for other things.
 */
const maxStreamsOfAll = Math.max(4, Math.floor(totalmem() / (128 * 1024 * 1024)));

export type CameraPicturesSetup = Pick<DerivedSetup, 'lingerMs' | 'clock' | 'log' | 'random' | 'make'> & {
  readonly source: Hub;
  /** How many streams of all cameras are on, the own ones included. */
  readonly countAll: () => number;
};

/** Where pictures of a choice come from: the camera itself, a stream of a width, or it will be seen when one comes. */
type Origin =
  | { readonly from: 'camera' | 'unknown' }
  | { readonly from: 'stream'; readonly width: number | null };

export class CameraPictures {
  readonly #setup: CameraPicturesSetup;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #streams = new Map<number | null, DerivedStream>();

  constructor(setup: CameraPicturesSetup) {
    this.#setup = setup;
    this.#clock = setup.clock;
    this.#log = setup.log;
  }

  /** Of all streams made of this camera since the program's start, and how many are on now. */
  get figures() {
    const sum = { streams: 0, picturesMade: 0, dropped: 0 };
    for (const stream of this.#streams.values()) {
      const { made, dropped } = stream.figures;
      sum.streams += stream.isOff ? 0 : 1;
      sum.picturesMade += made;
      sum.dropped += dropped;
    }
    return sum;
  }

  /** The viewer gets JPEG samples only. Throws `too-many` where no further size can be made, `unavailable` once closed. */
  watch(viewer: Viewer, { width, fps, ownUpToWidth = 0 }: PictureChoice): Viewing {
    return new PictureViewing(viewer, fps, {
      source: this.#setup.source,
      originOf: (sample) => this.#originOf(snap(width), sample, ownUpToWidth),
      stream: (streamWidth) => this.#streamOf(streamWidth),
    });
  }

  /** See `Cameras.snapshot`. */
  async snapshot(maxAgeMs: number, signal: AbortSignal, width: number | null): Promise<Picture> {
    const { source } = this.#setup;
    signal.throwIfAborted();
    const origin = this.#originOf(snap(width), null);
    if (origin.from === 'camera') return source.snapshot(maxAgeMs, signal);
    const stream = origin.from === 'stream' ? this.#streams.get(origin.width) : undefined;
    const newest = stream?.newest(maxAgeMs);
    if (newest) return pictureOf(newest);
    const watch = (viewer: Viewer) => this.watch(viewer, { width, fps: snapshotFps });
    return waitForPicture({ watch, info: stream?.info ?? source.info, clock: this.#clock }, signal);
  }

  /** Ends the streams; to be called before the camera's own hub is closed. Idempotent. */
  async close(): Promise<void> {
    await Promise.all(Array.from(this.#streams.values(), (stream) => stream.close()));
  }

  /** `sample`: a picture of the camera; null where none is at hand and what is known must do. */
  #originOf(width: number | null, sample: LiveSample | null, ownUpToWidth = 0): Origin {
    const { kinds } = this.#setup.source;
    const isNarrower = width !== null && (kinds.width === null || width < kinds.width);
    const stream = { from: 'stream', width: isNarrower ? width : null } as const;
    const isJpeg = sample ? sample.codec === 'jpeg' : kinds.pictures;
    const isVideo = sample ? sample.codec !== 'jpeg' : kinds.video !== null;
    if (isVideo && !isJpeg) return stream;
    // One whose size cannot be read could not be decoded either.
    const isOwnGood = !isNarrower || (kinds.width ?? 1) <= ownUpToWidth;
    if (isJpeg && !isVideo) return isOwnGood ? { from: 'camera' } : stream;
    // Never seen, or it has sent the one and the other. Refused now rather than when the answer has begun.
    if (width !== null) this.#streamOf(width);
    return { from: 'unknown' };
  }

  /** Throws `too-many`. */
  #streamOf(width: number | null): DerivedStream {
    const { source, lingerMs, random, make } = this.#setup;
    const known = this.#streams.get(width);
    if (known && !known.isOff) return known;
    if (width !== null) this.#makeRoom();
    if (this.#setup.countAll() >= maxStreamsOfAll) {
      throw new AppError(
        'too-many',
        `Pictures are being made of ${maxStreamsOfAll} streams already, which is the most for the memory of this machine.`,
      );
    }
    const stream =
      known ??
      new DerivedStream({
        ...{ source, width, lingerMs, clock: this.#clock, log: this.#log, random },
        ...(make && { make }),
      });
    this.#streams.set(width, stream);
    return stream;
  }

  /** One that only lingers gives way. */
  #makeRoom(): void {
    const sizes = [...this.#streams].filter(([width, stream]) => width !== null && !stream.isOff);
    if (sizes.length < maxStreams) return;
    const idle = sizes.find(([, stream]) => stream.audience === 0);
    if (!idle) {
      const taken = sizes.map(([width]) => width).sort((a, b) => Number(a) - Number(b));
      throw new AppError(
        'too-many',
        `This camera is being watched in ${maxStreams} other sizes, which is the most: take one of the widths ${taken.join(', ')}.`,
      );
    }
    idle[1].rest();
  }
}

/** The next width there is; null for the camera's own, also where more is asked for than there is. */
function snap(width: number | null): number | null {
  return width === null ? null : (widths.find((each) => each >= width) ?? null);
}

type Places = {
  readonly source: Hub;
  readonly originOf: (sample: LiveSample | null) => Origin;
  readonly stream: (width: number | null) => DerivedStream;
};

/** One viewer, moved to where its pictures come from as soon as that is known. */
class PictureViewing implements Viewing {
  readonly #viewer: Viewer;
  readonly #fps: number | null;
  readonly #places: Places;
  readonly #pace: Pace;
  #current: Viewing;
  #isOnCamera = false;
  /** What was known of the camera when its own pictures were last found to be the right ones. */
  #kinds: CameraKinds | null = null;
  #isOver = false;

  constructor(viewer: Viewer, fps: number | null, places: Places) {
    this.#viewer = viewer;
    this.#fps = fps;
    this.#places = places;
    this.#pace = new Pace(fps);
    const origin = places.originOf(null);
    this.#current = origin.from === 'stream' ? this.#joinStream(origin.width) : this.#joinCamera();
  }

  newest(): LiveSample | null {
    const newest = this.#current.newest();
    if (!this.#isOnCamera || !newest) return newest;
    if (this.#places.originOf(newest).from !== 'camera') return null;
    this.#pace.isDue(newest.takenAtMonotonicMs);
    return newest;
  }

  /** Pictures have none: each is whole. */
  backlog(): readonly LiveSample[] {
    return [];
  }

  countDropped(samples: number): void {
    this.#current.countDropped(samples);
  }

  audienceChanged(): void {
    this.#current.audienceChanged();
  }

  close(): void {
    this.#isOver = true;
    this.#current.close();
  }

  #joinCamera(): Viewing {
    this.#isOnCamera = true;
    return this.#places.source.watch({
      ...this.#relay(),
      onSample: (sample) => this.#onCameraSample(sample),
    });
  }

  #joinStream(width: number | null): Viewing {
    const stream = this.#places.stream(width);
    return stream.watch({ ...this.#relay(), onSample: (sample) => this.#viewer.onSample(sample) }, this.#fps);
  }

  #relay() {
    return {
      onState: (camera: CameraInfo) => this.#viewer.onState?.(camera),
      onEnd: () => {
        if (this.#isOver) return;
        this.#isOver = true;
        this.#viewer.onEnd();
      },
      audience: () => this.#viewer.audience?.() ?? 1,
    };
  }

  #onCameraSample(sample: LiveSample): void {
    if (this.#isOver || !this.#isOnCamera) return;
    const { codec } = sample;
    if (codec !== 'jpeg' && codec !== 'avc' && codec !== 'hevc') return;
    const { kinds } = this.#places.source;
    // Hot path: 200 viewers ask this at every picture.
    const isKnown = codec === 'jpeg' && kinds === this.#kinds;
    const origin = isKnown ? null : this.#places.originOf(sample);
    if (origin?.from !== 'stream') {
      this.#kinds = kinds;
      if (this.#pace.isDue(sample.takenAtMonotonicMs)) this.#viewer.onSample(sample);
      return;
    }
    // The stream is joined before the camera is left: nothing goes off in between.
    const left = this.#current;
    this.#isOnCamera = false;
    this.#current = this.#joinStream(origin.width);
    left.close();
  }
}
