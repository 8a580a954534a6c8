// Answers that go on for long (a stream, a film): each is asked again, within 5 s of any change, whether it may still.
// Where nothing changed, a look costs two comparisons and a walk past the expiries; memory: one small record an answer.
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import { isPermission, permits, type RoutePermission, type Viewer } from '../accounts/permissions.ts';
import type { Clock } from '../clock.ts';
import { isAppError } from '../errors.ts';

export type Running = {
  /**
   * Asks `mayGoOn` now and then for as long as the answer runs: it throws or resolves to false where the viewer (as it
   * is by then; null where logged out, on routes that take such) may no longer. Then `end` is called, once. What the
   * route itself needs is asked before. Forgets itself when the response closes.
   */
  watch(reply: FastifyReply, mayGoOn: (viewer: Viewer | null) => unknown, end: () => void): void;
  close(): void;
};

/** Changes made elsewhere show within 2 s (`Accounts.revision`); with this and the asking itself it stays below 5 s. */
const lookMs = 1000;

/**
 * Half a minute, for a store that is busy. Accounts in a process that is away are not waited for here: they answer with
 * what they last knew for 5 minutes (`mayBeOld`).
 */
const mostLooksInVain = 30;

/** So many are asked at once, and then others get their turn. */
const sliceLength = 50;

type Answer = {
  readonly request: FastifyRequest;
  readonly needed: RoutePermission | undefined;
  readonly mayGoOn: (viewer: Viewer | null) => unknown;
  readonly end: () => void;
  /** When the session or token ends. */
  endsAtMs: number;
  /** Is to be asked with the next look: it is new, or could not be asked. */
  isDue: boolean;
  /** How often in a row it could not be asked. */
  looksInVain: number;
};

export type RunningSetup = {
  readonly clock: Clock;
  readonly log: Pick<Logger, 'warn'>;
  /** Another text whenever an answer given before may hold no longer. */
  readonly revision: () => string;
  /** Who sends such a request by now; null where nobody. Throws `unavailable` where that cannot be told: then it goes on, half a minute. */
  readonly identify: (
    request: FastifyRequest,
  ) => Promise<{ readonly viewer: Viewer; readonly expiresAtMs: number } | null>;
};

export function createRunning({ clock, log, revision, identify }: RunningSetup): Running {
  const answers = new Set<Answer>();
  const closing = new AbortController();
  let isLooking = false;
  let seen = revision();

  const ask = async (answer: Answer): Promise<void> => {
    answer.isDue = false;
    let isAllowed = false;
    try {
      const identity = await identify(answer.request);
      answer.endsAtMs = identity?.expiresAtMs ?? Number.POSITIVE_INFINITY;
      answer.looksInVain = 0;
      const viewer = identity?.viewer ?? null;
      const { needed } = answer;
      isAllowed =
        !(needed && isPermission(needed) && !(viewer && permits(viewer, needed))) &&
        (await answer.mayGoOn(viewer)) !== false;
    } catch (error) {
      if (isAppError(error, 'unavailable') && ++answer.looksInVain <= mostLooksInVain) {
        answer.isDue = true;
        return;
      }
      if (!isAppError(error)) log.warn({ err: error }, 'a running answer could not be checked, so it ends');
    }
    if (!isAllowed && answers.delete(answer)) answer.end();
  };

  const look = async (): Promise<void> => {
    const now = revision();
    const isAnyChange = now !== seen;
    seen = now;
    const nowMs = clock.nowMs();
    const due = [...answers].filter(({ isDue, endsAtMs }) => isAnyChange || isDue || endsAtMs <= nowMs);
    for (let first = 0; first < due.length; first += sliceLength) {
      await Promise.all(due.slice(first, first + sliceLength).map(ask));
      await new Promise((resolve) => setImmediate(resolve));
    }
  };

  const lookOn = async (): Promise<void> => {
    try {
      while (answers.size > 0) {
        await clock.sleep(lookMs, closing.signal);
        await look();
      }
    } catch (error) {
      if (!closing.signal.aborted) throw error;
    } finally {
      isLooking = false;
    }
  };

  return {
    watch(reply, mayGoOn, end) {
      const { request, raw } = reply;
      if (raw.closed || closing.signal.aborted) return;
      const answer: Answer = {
        ...{ request, needed: request.routeOptions.config.permission, mayGoOn, end },
        ...{ endsAtMs: request.viewerEndsAtMs, isDue: true, looksInVain: 0 },
      };
      answers.add(answer);
      raw.once('close', () => answers.delete(answer));
      if (isLooking) return;
      isLooking = true;
      void lookOn();
    },
    close: () => closing.abort(),
  };
}
