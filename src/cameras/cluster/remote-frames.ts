// A camera's frames from its owner in another process: one GET that goes on, given up where nothing comes.
import type { Clock } from '../../clock.ts';
import { AppError } from '../../errors.ts';
import type { ClusterTimings } from './cluster-setup.ts';
import { createRelayParser, type RelayFrame, relayType } from './relay-wire.ts';
import type { ServiceCalls } from './service-calls.ts';

export type RemoteFramesSetup = {
  readonly calls: Pick<ServiceCalls, 'open'>;
  readonly url: string;
  readonly path: string;
  readonly timings: Pick<ClusterTimings, 'silentMs'>;
  readonly clock: Clock;
};

/** Ends when the owner ends it. Throws `unavailable` where it breaks, falls silent or sends nonsense; the signal's reason. */
export async function* remoteFrames(
  { calls, url, path, timings: { silentMs }, clock }: RemoteFramesSetup,
  signal: AbortSignal,
): AsyncGenerator<RelayFrame, void, void> {
  const over = new AbortController();
  const ended = AbortSignal.any([signal, over.signal]);
  const response = await calls.open(url, path, relayType, { timeoutMs: silentMs, signal: ended });
  let heardAtMs = clock.monotonicMs();
  const watch = async () => {
    for (;;) {
      const leftMs = heardAtMs + silentMs - clock.monotonicMs();
      if (leftMs <= 0)
        return over.abort(new AppError('unavailable', 'The process of this camera says nothing.'));
      await clock.sleep(leftMs, ended);
    }
  };
  watch().catch(() => undefined);
  const parser = createRelayParser();
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      heardAtMs = clock.monotonicMs();
      yield* parser.push(chunk);
    }
  } catch (cause) {
    if (ended.aborted) throw ended.reason;
    throw cause instanceof AppError
      ? cause
      : new AppError('unavailable', 'The connection to the process of this camera broke.', { cause });
  } finally {
    over.abort();
    response.destroy();
  }
}
