// A body that is made while it is sent: each chunk has left for the system before the next is asked for, so whoever makes
// them may use one buffer again and again, and a slow client slows the making. Memory: one chunk.
import type { ServerResponse } from 'node:http';
import type { Clock } from '../clock.ts';
import { StallWatch } from './stall-watch.ts';

/**
 * Sends all chunks and ends the answer; the head is the caller's. Resolves to whether all of it went: false where the
 * client went away, or took nothing for 30 s. Throws what making them throws, and then the answer is cut, so that nobody
 * takes it for whole.
 */
export async function sendPaced(
  response: ServerResponse,
  chunks: AsyncIterable<Uint8Array>,
  clock: Clock,
): Promise<boolean> {
  const stall = new StallWatch(clock, () => response.destroy());
  // Every error of a response is followed by its 'close'; unheard, it would end the process.
  response.on('error', () => {});
  try {
    for await (const chunk of chunks) {
      stall.busy();
      if (!(await write(response, chunk))) return false;
      stall.free();
    }
    response.end();
    return true;
  } catch (error) {
    response.destroy();
    throw error;
  } finally {
    stall.close();
  }
}

/** Resolves when the chunk has been handed to the system; to false when the client has gone. */
function write(response: ServerResponse, chunk: Uint8Array): Promise<boolean> {
  if (response.destroyed || response.closed) return Promise.resolve(false);
  return new Promise((resolve) => {
    const onClose = () => resolve(false);
    response.once('close', onClose);
    response.write(chunk, (error) => {
      response.off('close', onClose);
      resolve(!error);
    });
  });
}
