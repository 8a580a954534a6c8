// The next picture of whatever can be watched, waited for as long as a camera may take to start.
import type { Clock } from '../clock.ts';
import { AppError } from '../errors.ts';
import type { CameraInfo, Picture, Viewer, Viewing } from './cameras.ts';
import type { LiveSample } from './live-sample.ts';

/** How long a snapshot waits for a camera that starts. */
const snapshotWaitMs = 10_000;

export type PictureSource = {
  readonly watch: (viewer: Viewer) => Viewing;
  readonly info: Pick<CameraInfo, 'state' | 'message'>;
  readonly clock: Clock;
};

/** Throws `unavailable` (no signal, with the reason; or no picture within 10 s), or the signal's reason. */
export async function waitForPicture(
  { watch, info, clock }: PictureSource,
  signal: AbortSignal,
): Promise<Picture> {
  signal.throwIfAborted();
  if (info.state === 'no-signal') throw noSignal(info.message);
  const found = Promise.withResolvers<Picture>();
  const viewing = watch({
    onSample: (sample) => {
      if (sample.codec === 'jpeg') found.resolve(pictureOf(sample));
    },
    onState: ({ state, message }) => {
      if (state === 'no-signal') found.reject(noSignal(message));
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

export function pictureOf(sample: LiveSample): Picture {
  return { jpeg: sample.data, takenAtMs: sample.takenAtMs, sequence: sample.sequence };
}

function noSignal(message: string | null): AppError {
  return new AppError('unavailable', message ?? 'The camera has no signal.');
}
