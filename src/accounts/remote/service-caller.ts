// Questions to the processes that keep the accounts: one of them is asked, and where it is away the next. What may be
// done twice is asked again also where an answer did not come; what may not, only where it did not get there.
import { AppError } from '../../errors.ts';
import type { Tracing } from '../../tracing/tracing.ts';
import { createServicePlace, ServiceAway } from './service-place.ts';

/** Questions that wait at once; beyond it the answer is `unavailable` at once. */
const mostWaiting = 512;
/** For a connection: within a house or a cluster it takes milliseconds, or nobody is there. */
const connectMs = 1000;
/** Silence after which a kept connection is taken for dead, and another process for the better one to ask. better-auth takes a second to load. */
const silentMs = 1500;

/** `read`: changes nothing. `again`: may be done twice without harm. `once`: anything else. */
export type QuestionKind = 'read' | 'again' | 'once';

export type ServiceCaller = {
  /**
   * Asks and resolves to the answer's `result`. Throws the AppError that was thrown there; `ServiceAway` where no
   * process can be reached, it takes longer than `timeoutMs`, or answers with what is none of its answers.
   */
  ask(
    name: string,
    args: readonly unknown[],
    options: { readonly timeoutMs: number; readonly kind: QuestionKind },
  ): Promise<unknown>;
  /** Questions that are under way end with `unavailable`. Idempotent. */
  close(): void;
};

/** @param urls origins of the processes, which keep the same accounts  @param tracing where traces are on, each question is a part of one */
export function createServiceCaller({
  urls,
  secret,
  tracing = null,
}: {
  urls: readonly string[];
  secret: string;
  tracing?: Tracing | null;
}): ServiceCaller {
  const places = urls.map((url) => createServicePlace(url, secret));
  // Not all processes ask the same one.
  let current = Math.floor(Math.random() * places.length);
  const closing = new AbortController();
  let waiting = 0;

  async function askAround(
    name: string,
    body: Buffer,
    { timeoutMs, kind }: { readonly timeoutMs: number; readonly kind: QuestionKind },
  ): Promise<unknown> {
    const endMs = performance.now() + timeoutMs;
    const first = current;
    const failures: ServiceAway[] = [];
    // The last one is asked with all the time that is left, and it may be the first, over a new connection.
    for (let turn = 0; turn <= places.length; turn += 1) {
      const leftMs = Math.ceil(endMs - performance.now());
      if (leftMs <= 0 || closing.signal.aborted) break;
      const index = (first + turn) % places.length;
      const place = places[index]!;
      const isRead = kind === 'read';
      const isLast = turn === places.length;
      const keptMs = isRead && !isLast ? silentMs : null;
      try {
        const result = await place.ask(
          {
            ...{ name, body, isRead, timeoutMs: leftMs, headers: tracing?.inject() ?? {} },
            ...{ keptMs, freshMs: places.length > 1 ? keptMs : null, connectMs: isLast ? null : connectMs },
          },
          closing.signal,
        );
        if (turn > 0) current = index;
        return result;
      } catch (error) {
        if (!(error instanceof ServiceAway)) throw error;
        place.distrust();
        failures.push(error);
        if (!error.isUnsent && kind === 'once') break;
      }
    }
    // That one was slow says more than that another is gone: somebody is there.
    throw failures.find(({ isSlow }) => isSlow) ?? failures.at(-1) ?? new ServiceAway();
  }

  return {
    async ask(name, args, options) {
      if (closing.signal.aborted || waiting >= mostWaiting) throw new ServiceAway();
      const body = Buffer.from(JSON.stringify(args));
      waiting++;
      try {
        const send = () => askAround(name, body, options);
        if (!tracing) return await send();
        const told = { 'http.request.method': 'POST', 'server.address': new URL(urls[current]!).host };
        return await tracing.operation(`accounts.${name}`, 'client', told, send);
      } catch (error) {
        throw error instanceof AppError ? error : new ServiceAway(error);
      } finally {
        waiting--;
      }
    },
    close() {
      closing.abort();
      for (const place of places) place.close();
    },
  };
}
