// What a camera driver is: one async generator of samples. The simplest yields JPEG buffers and nothing else.
import type { Clock } from '../clock.ts';

/** A sample with all that can be known of it. A bare Uint8Array yielded by a driver is a JPEG picture of now. */
export type CameraSample = {
  /** `jpeg`: whole pictures; `avc`, `hevc`: access units with length prefixes; sound codecs likewise. */
  readonly codec: 'jpeg' | 'avc' | 'hevc' | 'aac' | 'opus' | 'pcma' | 'pcmu';
  readonly data: Uint8Array;
  /** Presentation time in microseconds on the driver's own monotonic clock. */
  readonly ptsMicros: number;
  /** Decode time on the same clock, where it is known and another: only pictures in another order have one. */
  readonly dtsMicros?: number;
  /** Whether decoding can begin here; always true for JPEG and sound. */
  readonly isKey: boolean;
  /** Decoder configuration (avcC, hvcC, AudioSpecificConfig), on the first sample and whenever it changes. */
  readonly config?: Uint8Array;
  /** When it was taken, by the program's clock, where that is not now: in pictures made of another sample. */
  readonly takenAtMs?: number;
  readonly takenAtMonotonicMs?: number;
};

/** Most bytes of one sample: far beyond any camera's picture, and small enough to hold a few. */
export const maxSampleBytes = 16 * 1024 * 1024;

/** The driver's own options, from the settings file or the API: hostile until the driver has checked them. */
export type DriverOptions = Readonly<Record<string, unknown>>;

/** What the driver is told when it waits: a sample, or why there is none. */
export type SenderEvent = CameraSample | 'silent' | 'ended' | 'stopped';

/** Where the samples of a camera that sends to us arrive; one driver at a time takes them. */
export type Arrivals = {
  readonly isSending: boolean;
  /**
   * What happens next: a sample, `silent` after `silentMs` without one, `ended` when the sender went, `stopped` when
   * the signal aborted.
   */
  next(silentMs: number, signal: AbortSignal): Promise<SenderEvent>;
};

export type DriverContext = {
  /** Aborts when nobody watches any more: the generator must return and release the device within 1 s. */
  readonly signal: AbortSignal;
  /** The program's time; a driver of the user's may ignore it. */
  readonly clock: Clock;
  /**
   * Says in a sentence why there is no picture now, while the driver itself goes on; the next sample ends that.
   * `starting`: pictures will come soon, and whoever waits for one should.
   */
  readonly report?: (sentence: string, state?: 'no-signal' | 'starting') => void;
  /** Where cameras that send to us arrive (driver `push`). */
  readonly senders?: Arrivals;
};

/**
 * Starts the camera and yields its samples until the signal aborts or the camera is gone (then it throws an Error
 * whose message is one sentence a person can read, without passwords). What it yielded it must not write to again.
 */
export type Driver = (
  options: DriverOptions,
  context: DriverContext,
) => AsyncGenerator<Uint8Array | CameraSample, void, void>;

/** What a driver's file exports. Only `samples` is needed. */
export type DriverModule = {
  readonly samples: Driver;
  /** Throws `bad-request` with one sentence about the option that is wrong. Opens nothing. */
  readonly checkOptions?: (options: DriverOptions) => void;
  /** The longest pause between two pictures that is not yet silence, milliseconds; 10 s where it is not given. Infinity: it sees to that itself. */
  readonly maxPauseMs?: (options: DriverOptions) => number;
};
