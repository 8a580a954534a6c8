// Whether this process has slept: stopped, or held up for so long that others may have taken its part.
import type { Clock } from '../../clock.ts';

/** How often it looks; and how late it may be before that is called sleep. */
const lookMs = 250;
const sleptMs = 1500;
/** For so long after waking it is not to be relied on that nothing has happened meanwhile. */
const memoryMs = 10_000;

export function createWakefulness(clock: Clock, signal: AbortSignal): { hasSlept(): boolean } {
  let awakeAtMs = clock.monotonicMs();
  let wokeAtMs = Number.NEGATIVE_INFINITY;
  const look = () => {
    const nowMs = clock.monotonicMs();
    // The timer that notices may be the first or the last that runs after waking: so it is kept.
    if (nowMs - awakeAtMs > sleptMs) wokeAtMs = nowMs;
    awakeAtMs = nowMs;
  };
  const watch = async () => {
    while (!signal.aborted) {
      await clock.sleep(lookMs, signal);
      look();
    }
  };
  watch().catch(() => undefined);
  return {
    hasSlept() {
      look();
      return clock.monotonicMs() - wokeAtMs < memoryMs;
    },
  };
}
