// The cameras of the house as the rest of the program sees them; `create-cameras.ts` puts them together.
import type { LiveSample } from './live-sample.ts';

/** `off`: nobody watches. `starting`: the driver runs, no picture yet. `no-signal`: it failed or has gone silent. */
export type CameraState = 'off' | 'starting' | 'live' | 'no-signal';

export type CameraInfo = {
  readonly id: string;
  readonly name: string;
  /** A built-in driver's name; `module` stands for any file of the user's, whose path is nobody else's business. */
  readonly driver: string;
  readonly state: CameraState;
  readonly viewers: number;
  /** Why there is no signal, a sentence; else null. */
  readonly message: string | null;
  /** When the newest picture was taken, milliseconds since the epoch; null where none was since the start. */
  readonly lastPictureAtMs: number | null;
  /** Cameras of the settings file cannot be removed in the page. */
  readonly isFromSettings: boolean;
};

/** Counters since the start of the program, for metrics. */
export type CameraFigures = {
  readonly id: string;
  /** Samples taken from the driver, and their bytes. */
  readonly samplesIn: number;
  readonly bytesIn: number;
  /** What the driver gave and the hub refused (no JPEG, too large). */
  readonly refused: number;
  /** Samples some viewer was not given because it was still busy with an earlier one, all viewers together. */
  readonly dropped: number;
  /** How often the driver was started again after a failure. */
  readonly restarts: number;
};

export type NewCamera = {
  readonly id: string;
  readonly name: string;
  readonly driver: string;
  readonly options: Readonly<Record<string, unknown>>;
};

/** A JPEG picture. */
export type Picture = {
  readonly jpeg: Uint8Array;
  readonly takenAtMs: number;
  /** Counts samples since the program's start; never repeats within a run of the program. */
  readonly sequence: number;
};

/**
 * Whoever takes a camera's samples: a Motion-JPEG socket, a fragmented MP4, the recorder, a scaler. The hub hands
 * over everything at once and holds nothing back; what to do while busy (skip to the newest picture, to the next
 * key frame) is the viewer's own policy, its losses told with `Viewing.countDropped`.
 */
export type Viewer = {
  /** Every sample, in order, as soon as it is there. Must return at once. One that throws is put out. */
  onSample(sample: LiveSample): void;
  /** The camera's state or message changed. */
  onState?(camera: CameraInfo): void;
  /** The camera was removed or the program ends: nothing more will come. Called once, never after `close`. */
  onEnd(): void;
};

export type Viewing = {
  /** The newest picture of the running driver; null where there is none yet or the camera has lost its signal. */
  newest(): LiveSample | null;
  countDropped(samples: number): void;
  /** Leaves. Idempotent. */
  close(): void;
};

export type Cameras = {
  list(): readonly CameraInfo[];
  /** null where there is none. */
  get(id: string): CameraInfo | null;
  figures(): readonly CameraFigures[];
  /** Throws `conflict` (id taken), `bad-request` (id, driver or options are wrong, said in one sentence). */
  add(camera: NewCamera): Promise<CameraInfo>;
  /** Ends its viewers. Throws `not-found`, `conflict` for one of the settings file. */
  remove(id: string): Promise<void>;
  /** Starts the camera where it is off. Throws `not-found`. */
  watch(id: string, viewer: Viewer): Viewing;
  /**
   * The newest picture if at most `maxAgeMs` old, else starts the camera and waits for one.
   * Throws `not-found`, `unavailable` (no signal, with the reason; or none within 10 s), or the signal's reason.
   */
  snapshot(id: string, maxAgeMs: number, signal: AbortSignal): Promise<Picture>;
  /** Tells of every change of state or number of viewers. Returns the way to stop. */
  onChange(listener: (camera: CameraInfo) => void): () => void;
  /** Ends all viewers and drivers. Idempotent. */
  close(): Promise<void>;
};
