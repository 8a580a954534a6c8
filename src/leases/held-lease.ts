// A lease while this process holds it: its beats, its end by time, and what others are told and ask for.
import type { Logger } from 'pino';
import type { Clock } from '../clock.ts';
import { AppError, isAppError } from '../errors.ts';
import type { HeldLease } from './keeper.ts';
import type { LeaseRow, LeaseStore } from './lease-store.ts';

/** The holder gives up a tenth before anybody may take it: no two monotonic clocks differ by so much in their rate. */
export const ownShare = 0.9;
/** Beats whose answers are waited for at a time: one that hangs must not keep the next from being tried. */
const maxBeatsUnderWay = 3;

export type HoldSetup = {
  readonly store: LeaseStore;
  readonly clock: Clock;
  readonly log: Logger;
  readonly row: LeaseRow;
  /** When its taking was sent: its time counts from then. */
  readonly sentAtMs: number;
  readonly beatMs: number;
  /** Called once, before the signal aborts. */
  onEnd(): void;
  /** Called once where it was lost, not given back. */
  onLost(): void;
};

export type Hold = HeldLease & {
  /** Somebody of this process wants it. */
  ask(): void;
};

export function holdLease({ store, clock, log, row, sentAtMs, beatMs, onEnd, onLost }: HoldSetup): Hold {
  const { name, token, lengthMs } = row;
  const ended = new AbortController();
  const isOver = () => ended.signal.aborted;
  let goodUntilMs = sentAtMs + lengthMs * ownShare;
  let note: Readonly<Record<string, unknown>> | undefined;
  let isAsked = false;
  const listeners = new Set<() => void>();
  let releasing: Promise<void> | null = null;

  const end = (why: string) => {
    if (isOver()) return;
    onEnd();
    ended.abort(new AppError('conflict', `The lease ${name} ${why}.`));
  };
  const lose = (why: string) => {
    if (isOver()) return;
    log.warn({ lease: name, token }, `a lease ${why}`);
    onLost();
    end(why);
  };
  /** Whether its time is over, and then it is lost from now on. */
  const isTimeOver = () => {
    if (clock.monotonicMs() < goodUntilMs) return false;
    lose('could not be renewed in time');
    return true;
  };
  const ask = () => {
    if (isAsked || isOver()) return;
    isAsked = true;
    for (const listener of listeners) listener();
    listeners.clear();
  };

  const beat = async (): Promise<void> => {
    const sentAtMs = clock.monotonicMs();
    const told = note;
    const beaten = await store.beat({ name, token }, told);
    // A look first: an answer that comes late must not bring back what is lost.
    if (isOver() || isTimeOver()) return;
    if (beaten === null) return lose('was taken by another');
    if (note === told) note = undefined;
    goodUntilMs = Math.max(goodUntilMs, sentAtMs + lengthMs * ownShare);
    if (beaten.asked > 0) ask();
  };

  const beatOn = async (): Promise<void> => {
    let underWay = 0;
    let isSilent = false;
    const tryBeat = async (): Promise<'beaten' | 'failed'> => {
      underWay += 1;
      try {
        await beat();
        isSilent = false;
        return 'beaten';
      } catch (error) {
        if (!isSilent && !isOver()) log.warn({ err: error, lease: name }, 'a lease could not be renewed');
        isSilent = true;
        return 'failed';
      } finally {
        underWay -= 1;
      }
    };
    const pause = (ms: number) => clock.sleep(ms, ended.signal).catch(() => undefined);

    await pause(beatMs);
    while (!isOver() && !isTimeOver()) {
      const nextAtMs = clock.monotonicMs() + beatMs;
      const resting = pause(beatMs);
      const outcome = underWay < maxBeatsUnderWay ? await Promise.race([tryBeat(), resting]) : await resting;
      if (outcome === 'failed') await pause(Math.min(beatMs / 4, nextAtMs - clock.monotonicMs()));
      else await resting;
    }
  };

  /** Wakes when its time is over, also where a beat hangs. */
  const watchTime = async (): Promise<void> => {
    while (!isOver() && !isTimeOver()) {
      await clock.sleep(goodUntilMs - clock.monotonicMs(), ended.signal).catch(() => undefined);
    }
  };

  /** Once at least, and again for as long as anybody would wait for it. */
  const giveBack = async (isOver: boolean): Promise<void> => {
    const untilMs = clock.monotonicMs() + lengthMs;
    let failures = 0;
    do {
      if (failures > 0) await clock.sleep(Math.min(beatMs, lengthMs / 3));
      try {
        await store.release({ name, token });
        if (isOver) await store.forget(name);
        return;
      } catch (error) {
        failures += 1;
        if (!isAppError(error, 'unavailable'))
          log.error({ err: error, lease: name }, 'a lease was not given back');
        if (failures === 1) firstTried.resolve();
      }
    } while (clock.monotonicMs() < untilMs);
  };
  const firstTried = Promise.withResolvers<void>();

  queueMicrotask(() => {
    void beatOn();
    void watchTime();
  });
  return {
    name,
    token,
    signal: ended.signal,
    assertHeld() {
      if (isOver() || isTimeOver()) throw ended.signal.reason;
    },
    setNote(told) {
      note = told;
    },
    onAsked(listener) {
      if (isAsked) queueMicrotask(listener);
      else listeners.add(listener);
    },
    release(isOver = false) {
      if (!releasing) {
        // Also where it seems lost: it may be ours in the store still, and nobody else's token is touched.
        end('was given back');
        releasing = giveBack(isOver);
      }
      return Promise.race([releasing, firstTried.promise]);
    },
    ask,
  };
}
