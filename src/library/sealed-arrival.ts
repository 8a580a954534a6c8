// An arriving video of which all bytes are stored and only the end is missing, as whoever sends it meets it.
import type { Video } from '../catalogue/catalogue.ts';
import { AppError } from '../errors.ts';
import { discard } from './arrival.ts';
import type { ArrivingVideo } from './library.ts';
import { finishStored, type RecoveryTools } from './recovery.ts';

/** One whose blob was sealed before its index could be stored: it takes no bytes, only the end is missing. */
export function sealedArrival(
  video: Video,
  receivedBytes: number,
  tools: RecoveryTools,
  release: () => void,
): ArrivingVideo {
  return {
    id: video.id,
    receivedBytes,
    write: async () => {
      throw new AppError('conflict', 'All of this upload has arrived.');
    },
    sync: async () => {},
    async finish() {
      try {
        return await finishStored(video, tools);
      } finally {
        release();
      }
    },
    suspend: async () => release(),
    async cancel() {
      try {
        await discard(tools, video);
      } finally {
        release();
      }
    },
  };
}
