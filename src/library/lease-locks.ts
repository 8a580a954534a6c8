// The library's locks over many processes: leases. A lock costs three small operations of the database, and one write
// a second for as long as it is held.
import type { LeaseKeeper } from '../leases/keeper.ts';
import type { Locks } from './locks.ts';

/**
 * A process that was killed is waited for so long. Longer than a fail-over of the database, during which no holder can
 * beat.
 */
const lengthMs = 10_000;
/** Who wants an upload that another process is at waits about so long. */
const beatMs = 1000;

const options = { lengthMs, beatMs };

/** `closing` ends the waiting for locks. */
export function createLeaseLocks(leases: LeaseKeeper, closing: AbortSignal): Locks {
  return {
    isShared: true,
    async run(name, work) {
      const lock = await leases.wait(name, options, closing);
      try {
        return await work(lock);
      } finally {
        // There are as many videos as there are; of a video that has arrived nobody asks for tokens.
        await lock.release(name.startsWith('video:'));
      }
    },
    take: (name, { isNew = false } = {}) => leases.take(name, { ...options, isNew }),
    takeOver: (name, signal) =>
      leases.wait(name, { ...options, asks: true }, AbortSignal.any([signal, closing])),
    untilLeft: (name, signal) => leases.untilLeft(name, { asks: true }, AbortSignal.any([signal, closing])),
    async notes(prefix) {
      return new Map((await leases.seen(prefix)).map(({ name, note }) => [name, note]));
    },
  };
}
