// A camera's frames where the process that shows it owns it as well: no HTTP, and nothing is copied.
import type { Clock } from '../../clock.ts';
import { AppError } from '../../errors.ts';
import type { LiveSample } from '../live-sample.ts';
import type { OwnedCamera } from './owned-camera.ts';
import type { RelayFrame } from './relay-wire.ts';

/** Far more than comes while the one who takes them has its turn; where it is passed the relay begins anew. */
const maxWaiting = 2000;

export type LocalFramesSetup = {
  readonly audience: () => number;
  /** Is given what to call when the audience has changed. */
  readonly onAudience: (tell: () => void) => void;
  readonly clock: Clock;
};

/** Throws `unavailable` when the camera is not this process' any more, or the signal's reason. */
export async function* localFrames(
  owned: OwnedCamera,
  { audience, onAudience, clock }: LocalFramesSetup,
  signal: AbortSignal,
): AsyncGenerator<RelayFrame, void, void> {
  let waiting: RelayFrame[] = [];
  let wake: (() => void) | null = null;
  let isOver = false;
  const add = (frame: RelayFrame) => {
    waiting.push(frame);
    wake?.();
  };
  const addSample = (sample: LiveSample) => {
    if (waiting.length > maxWaiting) {
      waiting = [];
      isOver = true;
    }
    const ageMs = Math.max(0, clock.monotonicMs() - sample.takenAtMonotonicMs);
    add({ kind: 'sample', sample, sequence: sample.sequence, ageMs });
  };
  const addWord = () => add({ kind: 'word', word: owned.word(audience()) });
  const onAbort = () => wake?.();
  signal.addEventListener('abort', onAbort, { once: true });
  const viewing = owned.watch({
    onSample: addSample,
    onEnd: () => {
      isOver = true;
      wake?.();
    },
    audience,
  });
  const stopListening = owned.onWord(addWord);
  try {
    addWord();
    const newest = viewing.newest();
    const past = [...viewing.backlog(), ...(newest ? [newest] : [])];
    for (const sample of past.sort((a, b) => a.sequence - b.sequence)) addSample(sample);
    onAudience(() => viewing.audienceChanged());
    for (;;) {
      signal.throwIfAborted();
      const frames = waiting;
      waiting = [];
      for (const frame of frames) {
        signal.throwIfAborted();
        yield frame;
      }
      if (isOver) throw new AppError('unavailable', 'This process does not run this camera any more.');
      if (waiting.length > 0) continue;
      await new Promise<void>((resolve) => {
        wake = resolve;
        if (signal.aborted || isOver || waiting.length > 0) resolve();
      });
      wake = null;
    }
  } finally {
    signal.removeEventListener('abort', onAbort);
    stopListening();
    viewing.close();
  }
}
