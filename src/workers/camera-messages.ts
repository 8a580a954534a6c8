// What the server and a camera's process say to each other besides samples.

/** Something FFmpeg opens. */
export type DemuxSource = {
  readonly kind: 'demux';
  /** What FFmpeg is told to open, its log-in included. Never shown or logged. */
  readonly url: string;
  /** The demuxer by FFmpeg's name, or null where it may tell by the bytes. */
  readonly format: string | null;
  /** Demuxers and protocols that may be used, comma-separated, whatever a redirect or a playlist says. */
  readonly formats: string | null;
  readonly protocols: string;
  /** Options of FFmpeg's demuxer and protocol. */
  readonly options: Readonly<Record<string, string>>;
  /** The input says in its description (SDP) what it sends: nothing is read ahead, and pieces come as they are. */
  readonly isDescribed?: boolean;
  /** `live`: samples as they come. `loop`: a file, at its own pace, from the start again when it ends. */
  readonly pace: 'live' | 'loop';
};

/** The picture this project draws itself, see `test-picture.ts`. */
export type TestSource = {
  readonly kind: 'test';
  readonly width: number;
  readonly height: number;
  readonly fps: number;
  readonly codec: 'h264' | 'jpeg';
  /** A tone as AAC. */
  readonly hasSound: boolean;
};

/** A webcam. */
export type V4l2Source = {
  readonly kind: 'v4l2';
  readonly device: string;
  /** `any`: JPEG where it has that, else raw. */
  readonly format: 'any' | 'mjpeg' | 'h264' | 'yuyv422';
  /** 0: as the device is set. */
  readonly width: number;
  readonly height: number;
  readonly fps: number;
};

/** A microphone at this machine. */
export type SoundSource = {
  readonly kind: 'sound';
  /** An ALSA device's name. */
  readonly device: string;
  /** Path of `arecord`; null where it is not installed. */
  readonly recorder: string | null;
};

export type CameraSource = DemuxSource | TestSource | V4l2Source | SoundSource;

/** What a device can send. */
export type DeviceMode = {
  /** As FFmpeg calls it: `mjpeg`, `h264`, or a pixel format such as `yuyv422`. */
  readonly format: string;
  readonly width: number;
  readonly height: number;
  /** Highest rate at this size, pictures a second; 0 where the device does not tell. */
  readonly maxFps: number;
};

/** To the process. */
export type CameraRequest =
  | { readonly kind: 'open'; readonly source: CameraSource }
  /** Tell what a V4L2 device offers, as its path says. */
  | { readonly kind: 'list-modes'; readonly device: string }
  /** Release the device and end. */
  | { readonly kind: 'stop' };

/** Where and how it went wrong, in FFmpeg's or the system's words. */
export type InputFailure = {
  readonly stage: 'open' | 'read';
  /** `ECONNREFUSED`, `HTTP_UNAUTHORIZED`, `INVALIDDATA`, `EOF`, ...; `NO_PICTURE` where nothing in it can be shown. */
  readonly code: string;
  /** For the log only: it may quote addresses. */
  readonly detail: string;
};

/** From the process. */
export type CameraAnswer =
  /** Said every second. */
  | { readonly kind: 'alive' }
  /** The input is open: samples follow. */
  | { readonly kind: 'opened' }
  | { readonly kind: 'failed'; readonly failure: InputFailure }
  | { readonly kind: 'modes'; readonly modes: readonly DeviceMode[] }
  | { readonly kind: 'no-engine' };
