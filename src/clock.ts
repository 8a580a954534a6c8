// The only source of time in the program, so that a test can hold it. Wall time is for people and stored
// dates; monotonic time is for durations.

export type Clock = {
  /** Milliseconds since the Unix epoch, UTC. */
  nowMs(): number;
  /** Monotonic milliseconds from an arbitrary start, with fractions. */
  monotonicMs(): number;
  /** Resolves after `ms`, or rejects with the signal's reason as soon as it aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
};

/** The machine's own clock. Its sleeps do not keep the process alive once everything else has ended. */
export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  sleep(ms, signal) {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const onAbort = () => {
        clearTimeout(timer);
        reject(signal?.reason);
      };
      const timer = setTimeout(() => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      }, ms);
      signal?.addEventListener('abort', onAbort, { once: true });
    });
  },
};
