// The cameras of the house as the rest of the program sees them; `create-cameras.ts` puts them together.
import type { CameraSample } from './driver.ts';

/** `off`: nobody watches. `starting`: the driver runs, no picture yet. `no-signal`: it failed or has gone silent. */
export type CameraState = 'off' | 'starting' | 'live' | 'no-signal';

export type CameraInfo = {
  readonly id: string;
  readonly name: string;
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
  /** Counts pictures since the driver's start; never repeats within a run of the program. */
  readonly sequence: number;
};

/** A viewer of the hub. Pictures come through `onPicture` of `watch`; leaving is `close`. */
export type Viewing = {
  /** Pictures this viewer was not given because it was still busy with an earlier one. */
  readonly dropped: number;
  /** Idempotent. */
  close(): void;
};

export type Viewer = {
  /** Called with each new picture while `isBusy` is false; `framed` is the picture as a multipart part, shared by all viewers. */
  onPicture(picture: Picture, framed: Uint8Array): void;
  /** True while this viewer cannot take another; call `Viewing`'s owner's `ready` via `onDrain` semantics of the hub. */
  isBusy(): boolean;
};

export type Cameras = {
  list(): readonly CameraInfo[];
  /** null where there is none. */
  get(id: string): CameraInfo | null;
  /** Throws `conflict` (id taken), `bad-request` (id, driver or options are wrong, said in one sentence). */
  add(camera: NewCamera): Promise<CameraInfo>;
  /** Throws `not-found`, `conflict` for one of the settings file. */
  remove(id: string): Promise<void>;
  /** The newest picture if at most `maxAgeMs` old, else starts the camera and waits for one. Throws `unavailable`. */
  snapshot(id: string, maxAgeMs: number, signal: AbortSignal): Promise<Picture>;
  /** Tells of every change of state or number of viewers. Returns the way to stop. */
  onChange(listener: (camera: CameraInfo) => void): () => void;
  close(): Promise<void>;
};

export type { CameraSample };
