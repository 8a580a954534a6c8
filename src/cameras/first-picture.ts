// One JPEG picture of a camera that sends video, for who tries it out: decoded in a process of its own, which ends with
// it. Memory: the samples since a key frame until that process takes them, bounded.
import type { Clock } from '../clock.ts';
import { makePictures, type PushSample, type SampleTimes } from '../workers/picture-maker.ts';
import type { CameraSample } from './driver.ts';

const width = 640;

/** Held until the process is there; a camera that sends more in that second is shown without a picture. */
const maxKeptBytes = 32 * 1024 * 1024;

export type FirstPicture = {
  /** Gives it a sample of video; the first one is a key frame. */
  offer(sample: CameraSample): void;
  /** null where none could be made. Never rejects. */
  readonly picture: Promise<Uint8Array | null>;
};

/** Begins to make a picture; ends with the first, or when the signal aborts. `make` is for tests. */
export function makeFirstPicture(clock: Clock, signal: AbortSignal, make = makePictures): FirstPicture {
  let push: PushSample | null = null;
  let kept: (CameraSample & SampleTimes)[] = [];
  let keptBytes = 0;
  const attach = (take: PushSample) => {
    push = take;
    for (const sample of kept) take(sample, true);
    kept = [];
    return () => {
      push = null;
    };
  };
  const first = async () => {
    for await (const { jpeg } of make({ width, attach, signal, clock })) return jpeg;
    return null;
  };
  return {
    offer(sample) {
      const timed = { ...sample, takenAtMs: clock.nowMs(), takenAtMonotonicMs: clock.monotonicMs() };
      if (push) push(timed, true);
      else if (keptBytes <= maxKeptBytes) {
        kept.push(timed);
        keptBytes += sample.data.length;
      }
    },
    picture: first().catch(() => null),
  };
}
