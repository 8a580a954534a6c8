// What the processes that share the accounts tell each other: one row with a number that grows with every change that
// makes an answer about who somebody is wrong, looked at once a second. A process that is killed between a change and
// telling of it is why answers are kept some seconds at most (`AccountData.keepMs`), and why a start tells as well.
import type { Logger } from 'pino';
import type { Clock } from '../../clock.ts';
import { AppError } from '../../errors.ts';
import { createId } from '../../ids.ts';
import { isDuplicate, mongoFailure } from '../../mongo/failure.ts';
import type { Collections, OwnerChange, StateDocument } from './collections.ts';

const lookEveryMs = 1000;
/** No answer for so long is none; one may be lost to a busy moment. Longer than the driver looks for a server. */
const impatientMs = 4000;
const mostLate = 1;
/** From then on nothing that was known goes on (`local/identity.ts`). */
const awayMs = 300_000;
/** What another process left half done is ended by who has seen it stand for so long, by its own clock. */
const abandonedMs = 5000;

export const stateId = 'accounts';

export type State = {
  revision(): number;
  shared(): Promise<string>;
  awayMs(): number;
  /** After a change; never fails: what cannot be told now is told as soon as it can be. */
  changed(): Promise<void>;
  read(): Promise<StateDocument>;
  close(): Promise<void>;
};

/** Makes the row, tells of the start, and looks from then on. `finish`: ends a change that another process has left. */
export async function openState(
  { state }: Pick<Collections, 'state'>,
  tools: {
    readonly clock: Clock;
    readonly log: Logger;
    readonly finish: (change: OwnerChange) => Promise<unknown>;
  },
): Promise<State> {
  const { clock, log, finish } = tools;
  const closing = new AbortController();
  let changes = 0;
  let known = 0;
  let isUntold = false;
  let goodAtMs = clock.monotonicMs();
  let away: { isOver: boolean } | null = null;
  let late = 0;
  let left: { readonly changeId: string; readonly sinceMs: number } | null = null;

  async function read(): Promise<StateDocument> {
    const row = await state.findOne({ _id: stateId });
    if (!row) throw new AppError('unavailable', 'The accounts cannot be found in the database.');
    return row;
  }
  function see(n: number): void {
    if (n !== known) changes += 1;
    known = n;
  }
  async function tell(): Promise<void> {
    const row = await state.findOneAndUpdate(
      { _id: stateId },
      { $inc: { n: 1 } },
      { returnDocument: 'after' },
    );
    // Others may have changed something since the last look.
    if (row && row.n !== known + 1) changes += 1;
    if (row) known = row.n;
    isUntold = false;
  }
  async function look(): Promise<void> {
    const startedMs = clock.monotonicMs();
    const row = await read();
    if (isUntold) await tell();
    else see(row.n);
    goodAtMs = startedMs;
    late = 0;
    if (away) log.info('the accounts can be reached again');
    away = null;
    if (!row.pending) left = null;
    else if (left?.changeId !== row.pending.changeId)
      left = { changeId: row.pending.changeId, sinceMs: startedMs };
    else if (startedMs - left.sinceMs >= abandonedMs) await finish(row.pending);
  }
  function failed(error: unknown): void {
    if (closing.signal.aborted) return;
    if (!away && error === tooLate && ++late <= mostLate) return;
    const reason = error instanceof Error ? error.message : String(error);
    if (!away)
      log.warn(
        { reason },
        'the accounts cannot be reached: nobody can log in; what runs goes on for 5 minutes',
      );
    away ??= { isOver: false };
    if (away.isOver || clock.monotonicMs() - goodAtMs <= awayMs) return;
    away.isOver = true;
    changes += 1;
  }
  const tooLate = new AppError('unavailable', 'The database does not answer.');
  async function inTime(work: Promise<void>): Promise<void> {
    const timer = new AbortController();
    const late = clock.sleep(impatientMs, timer.signal).then(
      () => Promise.reject(tooLate),
      () => undefined,
    );
    work.catch(() => {}); // where it comes too late
    await Promise.race([work, late]).finally(() => timer.abort());
  }
  async function keepLooking(): Promise<void> {
    for (;;) {
      await clock.sleep(lookEveryMs, closing.signal);
      await inTime(look()).catch(failed);
    }
  }

  try {
    await state
      .updateOne(
        { _id: stateId },
        { $setOnInsert: { store: createId(), n: 0, v: 0, pending: null } },
        { upsert: true },
      )
      .catch((error: unknown) => {
        if (!isDuplicate(error)) throw error; // another process was quicker
      });
    known = (await read()).n;
    await tell();
  } catch (error) {
    throw mongoFailure(error);
  }
  const looking = keepLooking().catch(() => {}); // closed

  return {
    revision: () => changes,
    awayMs: () => (away ? Math.max(1, clock.monotonicMs() - goodAtMs) : 0),
    async shared() {
      const { store, n } = await read();
      see(n);
      return `${store} ${n}`;
    },
    async changed() {
      changes += 1;
      isUntold = true;
      await tell().catch(() => {}); // the next look does
    },
    read,
    async close() {
      closing.abort();
      await looking;
      if (isUntold) await inTime(tell()).catch(() => {});
    },
  };
}
