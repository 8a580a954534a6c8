// Waits for a condition by asking for it often, with a deadline: what a test uses instead of sleeping.
import { setTimeout as pause } from 'node:timers/promises';

export type UntilOptions = {
  /** Give up after this long (default 5 s). */
  timeoutMs?: number;
  /** Said in the error when time is up. */
  what?: string;
};

/**
 * Resolves to the condition's first truthy value. The pauses between questions grow from 1 to 50 ms, so a quick
 * condition costs nothing. A condition that throws counts as not yet met; its last error is the failure's cause.
 */
export async function until<Value>(
  condition: () => Value | Promise<Value>,
  { timeoutMs = 5000, what = 'the condition' }: UntilOptions = {},
): Promise<NonNullable<Value>> {
  const deadline = performance.now() + timeoutMs;
  let lastError: unknown;
  for (let pauseMs = 1; ; pauseMs = Math.min(50, pauseMs * 2)) {
    try {
      const value = await condition();
      if (value) return value;
      lastError = undefined;
    } catch (error) {
      lastError = error;
    }
    if (performance.now() > deadline)
      throw new Error(`${what} was not met within ${timeoutMs} ms`, { cause: lastError });
    await pause(pauseMs);
  }
}
