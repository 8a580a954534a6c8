// One request at a time per upload, where the newest wins: a client that lost its connection comes back while the
// old request still waits for bytes, here or in another replica, so the old one is asked to end (tus 1.0, "Locks" of
// @tus/server). Here it is asked directly, elsewhere by the library's lease of the video.
import { ERRORS, type Lock, type Locker, type RequestRelease } from '@tus/server';
import type { Clock } from '../clock.ts';
import { isAppError } from '../errors.ts';
import type { Library } from '../library/library.ts';

/** Longest wait for a request of this process: longer than it takes to make its bytes safe on a slow disk. */
const waitMs = 20_000;

export function createTusLocker(clock: Clock, library: Pick<Library, 'untilArrivalLeft'>): Locker {
  type Held = {
    readonly requestRelease: RequestRelease;
    readonly released: Promise<void>;
    readonly release: () => void;
  };
  const held = new Map<string, Held>();

  const createLock = (id: string): Lock => {
    let mine: Held | null = null;
    const unlock = () => {
      if (!mine) return;
      if (held.get(id) === mine) held.delete(id);
      mine.release();
      mine = null;
    };
    return {
      async lock(signal, requestRelease) {
        const timeUp = new AbortController();
        const late = clock.sleep(waitMs, timeUp.signal).then(
          () => 'late' as const,
          () => 'late' as const,
        );
        const given = new Promise<'late'>((resolve) =>
          signal.addEventListener('abort', () => resolve('late'), { once: true }),
        );
        try {
          for (let other = held.get(id); other; other = held.get(id)) {
            await other.requestRelease();
            const outcome = await Promise.race([other.released, late, given]);
            if (outcome === 'late' || signal.aborted) throw ERRORS.ERR_LOCK_TIMEOUT;
          }
        } finally {
          timeUp.abort();
        }
        const { promise, resolve } = Promise.withResolvers<void>();
        mine = { requestRelease, released: promise, release: resolve };
        held.set(id, mine);
        try {
          await library.untilArrivalLeft(id);
          signal.throwIfAborted();
        } catch (error) {
          unlock();
          throw isAppError(error, 'unavailable') ? error : ERRORS.ERR_LOCK_TIMEOUT;
        }
      },
      async unlock() {
        unlock();
      },
    };
  };
  return { newLock: createLock };
}
