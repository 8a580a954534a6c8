// What the readers of a camera's process share: each sends its samples one by one, and can be told to stop.
import type { WireSample } from './sample-wire.ts';

/** What reads one source. */
export type CameraReader = {
  /** Sends samples until `stop`. Throws a `ReadError`, or anything else for what nobody thought of. */
  run(send: SendSample): Promise<void>;
  /** Makes `run` return soon, also while it waits for the camera. */
  stop(): void;
};

/** Resolves when the next may come: at once, or when the server has taken some. */
export type SendSample = (sample: WireSample) => Promise<void> | void;
