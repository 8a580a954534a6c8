// An arriving video of which all bytes are stored and only the end is missing, as whoever sends it meets it.
import type { Video } from '../catalogue/catalogue.ts';
import { AppError, isAppError } from '../errors.ts';
import { discard } from './arrival.ts';
import type { ArrivingVideo } from './library.ts';
import type { Lock } from './locks.ts';
import { finishStored, type RecoveryTools } from './recovery.ts';

/** One whose blob was sealed before its index could be stored: it takes no bytes, only the end is missing. */
export function sealedArrival(
  video: Video,
  receivedBytes: number,
  tools: RecoveryTools,
  lock: Lock,
): ArrivingVideo {
  lock.onAsked(() => void lock.release());
  return {
    id: video.id,
    receivedBytes,
    write: async () => {
      throw new AppError('conflict', 'All of this upload has arrived.');
    },
    sync: async () => {},
    async finish() {
      let isOver = false;
      try {
        const finished = await finishStored(video, tools, lock);
        isOver = true;
        return finished;
      } catch (error) {
        isOver = isAppError(error, 'unsupported-media');
        throw error;
      } finally {
        await lock.release(isOver);
      }
    },
    suspend: () => lock.release(),
    async cancel() {
      try {
        lock.assertHeld();
        await discard(tools, video);
      } finally {
        await lock.release();
      }
    },
  };
}
