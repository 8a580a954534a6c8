// One request at a time per upload, where the newest wins: a client that lost its connection comes back while the
// old request still waits for bytes, so the old one is asked to end (tus 1.0, "Locks" of @tus/server).
import { ERRORS, type Lock, type Locker, type RequestRelease } from '@tus/server';
import type { Clock } from '../clock.ts';

/** Longest wait for a lock: longer than the old request takes to make its bytes safe on a slow disk. */
const waitMs = 20_000;

/** A locker for one process (the library has its own lock for what this does not cover). */
export function createTusLocker(clock: Clock): Locker {
  type Held = {
    readonly requestRelease: RequestRelease;
    readonly released: Promise<void>;
    readonly release: () => void;
  };
  const held = new Map<string, Held>();

  const createLock = (id: string): Lock => {
    let mine: Held | null = null;
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
      },
      async unlock() {
        if (!mine) return;
        if (held.get(id) === mine) held.delete(id);
        mine.release();
        mine = null;
      },
    };
  };
  return { newLock: createLock };
}
