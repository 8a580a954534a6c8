// The cameras of the house as the rest of the program sees them; `create-cameras.ts` puts them together.
import type { DeviceMode } from '../workers/camera-messages.ts';
import type { CameraKinds } from './camera-kinds.ts';
import type { ClusterFigures } from './cluster/cluster-setup.ts';
import type { FoundCamera } from './discovery/found-camera.ts';
import type { LiveSample } from './live-sample.ts';

export type { DeviceMode } from '../workers/camera-messages.ts';
export type { CameraKinds } from './camera-kinds.ts';
export type { FoundCamera } from './discovery/found-camera.ts';

/** `off`: nobody watches. `starting`: the driver runs, no picture yet. `no-signal`: it failed or has gone silent. */
export type CameraState = 'off' | 'starting' | 'live' | 'no-signal';

export type CameraInfo = {
  readonly id: string;
  readonly name: string;
  /** A built-in driver's name; `module` stands for any file of the user's, whose path is nobody else's business. */
  readonly driver: string;
  readonly state: CameraState;
  /** Since when it is in this state, milliseconds since the epoch. */
  readonly stateSinceMs: number;
  /** What it sends, known once it ran. */
  readonly kinds: CameraKinds;
  readonly viewers: number;
  /** Why there is no signal, or why it starts again while it is watched, a sentence; else null. */
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
  /** Of the samples, those that are pictures. */
  readonly picturesIn: number;
  /** What the driver gave and the hub refused (no JPEG, too large). */
  readonly refused: number;
  /** Samples some viewer was not given because it was still busy with an earlier one, all viewers together. */
  readonly dropped: number;
  /** How often the driver was started again after a failure. */
  readonly restarts: number;
  /** Streams of pictures in other sizes, or of H.264 and H.265, that are being made now. */
  readonly derivedStreams: number;
  /** Pictures made for such streams. */
  readonly picturesMade: number;
};

export type NewCamera = {
  readonly id: string;
  readonly name: string;
  readonly driver: string;
  readonly options: Readonly<Record<string, unknown>>;
};

/** What is to be different; what is left out stays as it is. */
export type CameraChanges = {
  readonly name?: string | undefined;
  /** Another driver: of the options only those given here hold. */
  readonly driver?: string | undefined;
  /** null takes an option away. A password that is not given stays, unless the camera's address becomes another's. */
  readonly options?: Readonly<Record<string, unknown>> | undefined;
};

/** How a camera is set up, as far as people may see it. */
export type CameraSetup = {
  readonly id: string;
  readonly name: string;
  readonly driver: string;
  /** Without passwords, and addresses without the log-in in them. */
  readonly options: Readonly<Record<string, unknown>>;
  /** Names of the options that are set and not shown. */
  readonly secrets: readonly string[];
};

/** A camera to try out. */
export type CameraCandidate = {
  readonly driver: string;
  readonly options: Readonly<Record<string, unknown>>;
  /** The camera whose passwords hold where none are given: the one being edited. */
  readonly likeId?: string | undefined;
};

export type CameraTest = {
  /** Whether a sample came. */
  readonly ok: boolean;
  /** What happened, a sentence. */
  readonly message: string;
  /** A picture; of video one is decoded, and null where that could not be done in time. */
  readonly picture: Picture | null;
  readonly kinds: CameraKinds;
};

/** What a camera sends to us of itself. */
export type PushedStream = {
  /** `manager` needs no key. `household`: anybody, where there are no accounts. A `stranger` needs one, so that there is one. */
  readonly sender: 'manager' | 'household' | 'stranger';
  /** The Content-Type of the body. */
  readonly type: string;
  /** What the sender gave as its key; null where it gave none. */
  readonly key: string | null;
  readonly body: AsyncIterable<Uint8Array>;
};

/** A JPEG picture. */
export type Picture = {
  readonly jpeg: Uint8Array;
  readonly takenAtMs: number;
  /** Counts samples since the program's start; never repeats within a run of the program. */
  readonly sequence: number;
};

/** Which pictures of a camera are wanted. */
export type PictureChoice = {
  /** In pixels; null for the camera's own. Becomes one of few widths, the next one up, and never more than the own. */
  readonly width: number | null;
  /** Most pictures a second; null for all. Others are left out; nothing is encoded for it. */
  readonly fps: number | null;
  /** A camera whose own JPEG pictures are at most so wide is taken as it is: a little more to send, no process. */
  readonly ownUpToWidth?: number;
};

/** A camera in another shape than it sends. */
export type Variant = {
  /** As JPEG pictures, whatever the camera sends. */
  readonly pictures: PictureChoice;
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
  /** How many people it stands for; 1 where it does not say. See `Viewing.audienceChanged`. */
  audience?(): number;
};

export type Viewing = {
  /** The newest picture of the running driver; null where there is none yet or the camera has lost its signal. */
  newest(): LiveSample | null;
  /**
   * H.264 and H.265: the samples from the newest key frame on, oldest first, the sound between them included; empty
   * where there are none. Every key frame and every sample of sound carries its decoder's `config`.
   */
  backlog(): readonly LiveSample[];
  countDropped(samples: number): void;
  /** The viewer's `audience` is another one. */
  audienceChanged(): void;
  /** Leaves. Idempotent. */
  close(): void;
};

export type Cameras = {
  list(): readonly CameraInfo[];
  /** null where there is none. */
  get(id: string): CameraInfo | null;
  /** As far as this process itself is concerned: its own viewers, or the cameras it runs where it shows none. */
  here(): readonly CameraInfo[];
  figures(): readonly CameraFigures[];
  /** null where this process is alone. */
  clusterFigures(): ClusterFigures | null;
  /** Throws `conflict` (id taken), `bad-request` (id, driver or options are wrong, said in one sentence). */
  add(camera: NewCamera): Promise<CameraInfo>;
  /** How a camera is set up, without its secrets; null where there is none or it stands in the settings. */
  setup(id: string): CameraSetup | null;
  /**
   * Changes a camera; where it is watched it starts again with what is new. Throws `not-found`, `conflict` for one
   * of the settings, `bad-request`.
   */
  edit(id: string, changes: CameraChanges): Promise<CameraInfo>;
  /**
   * Runs a driver apart from all cameras until its first sample, at most 10 s. Throws `bad-request` where the driver
   * or its options are wrong, `too-many` where others are being tested, or the signal's reason.
   */
  test(candidate: CameraCandidate, signal: AbortSignal): Promise<CameraTest>;
  /**
   * The sizes and rates that a V4L2 device of this machine offers, largest first. Throws `bad-request`, `unavailable`
   * (with the reason), or the signal's reason.
   */
  deviceModes(device: string, signal: AbortSignal): Promise<readonly DeviceMode[]>;
  /** Looks for cameras in the network and at this machine, 3 s. */
  discover(signal: AbortSignal): Promise<readonly FoundCamera[]>;
  /**
   * Takes what a camera sends (driver `push`) until its body ends; resolves to the number of samples. Throws
   * `not-found`, `conflict` (it is no such camera, or another one sends), `unauthorized`, `unsupported-media`,
   * `bad-request`, or the signal's reason.
   */
  receive(id: string, stream: PushedStream, signal: AbortSignal): Promise<number>;
  /** Ends its viewers. Throws `not-found`, `conflict` for one of the settings file. */
  remove(id: string): Promise<void>;
  /**
   * Starts the camera where it is off. Without a variant the viewer gets every sample as the camera sends it. Throws
   * `not-found`; `too-many` where the camera is being watched in too many sizes already.
   */
  watch(id: string, viewer: Viewer, variant?: Variant): Viewing;
  /**
   * The newest picture if at most `maxAgeMs` old, else starts the camera and waits for one. `width`: as in
   * `PictureChoice`. Throws `not-found`, `unavailable` (no signal, with the reason; or none within 10 s), `too-many`
   * as `watch` does, or the signal's reason.
   */
  snapshot(id: string, maxAgeMs: number, signal: AbortSignal, width?: number | null): Promise<Picture>;
  /** Tells of every change of state or number of viewers. Returns the way to stop. */
  onChange(listener: (camera: CameraInfo) => void): () => void;
  /** Ends all viewers and drivers. Idempotent. */
  close(): Promise<void>;
};
