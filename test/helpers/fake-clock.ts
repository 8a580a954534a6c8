// A clock that stands still until a test moves it. Sleepers wake in the order of their times, and what they do is
// let happen before the next one wakes.
import type { Clock } from '../../src/clock.ts';

export type FakeClock = Clock & {
  /** Moves time on by `ms`, waking every sleeper that falls due on the way, and lets follow-up work settle. */
  advance(ms: number): Promise<void>;
  /** Lets work that is under way (promises, sockets on loopback) run for a few turns of the event loop. */
  settle(): Promise<void>;
  /** How many sleep now. */
  readonly sleepers: number;
};

type Sleeper = { readonly dueMs: number; wake(): void };

/**
 * Starts at a fixed moment of wall time. Sleepers who are due within `grainMs` of each other wake together, late rather
 * than early: for tests of hours.
 */
export function createFakeClock(startMs = Date.UTC(2026, 0, 1, 12), grainMs = 0): FakeClock {
  let elapsedMs = 0;
  const sleepers = new Set<Sleeper>();
  const settle = async () => {
    for (let turn = 0; turn < 10; turn += 1) await new Promise(setImmediate);
  };
  return {
    nowMs: () => startMs + elapsedMs,
    monotonicMs: () => elapsedMs,
    sleep(ms, signal) {
      return new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason);
        const sleeper = {
          dueMs: elapsedMs + Math.max(0, ms),
          wake() {
            sleepers.delete(sleeper);
            signal?.removeEventListener('abort', onAbort);
            resolve();
          },
        };
        const onAbort = () => {
          sleepers.delete(sleeper);
          reject(signal?.reason);
        };
        signal?.addEventListener('abort', onAbort, { once: true });
        sleepers.add(sleeper);
      });
    },
    async advance(ms) {
      const endMs = elapsedMs + ms;
      await settle();
      for (;;) {
        const waiting = [...sleepers].sort((a, b) => a.dueMs - b.dueMs);
        const next = waiting[0];
        if (!next || next.dueMs > endMs) break;
        elapsedMs = Math.max(elapsedMs, Math.min(endMs, next.dueMs + grainMs));
        if (grainMs === 0) next.wake();
        else for (const sleeper of waiting) if (sleeper.dueMs <= elapsedMs) sleeper.wake();
        await settle();
      }
      elapsedMs = endMs;
      await settle();
    },
    settle,
    get sleepers() {
      return sleepers.size;
    },
  };
}
