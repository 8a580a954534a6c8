// How often secrets were tried, in MongoDB, counted by all processes together: one row for each thing that is limited,
// the moment at which it is whole again, by the database's clock, which each process reads once a minute: nobody's own
// clock is compared with another's. Written by compare-and-set, so that tries at once count one by one; within a process
// those for one thing wait for each other, so that they do not meet there. What was refused a moment ago is refused
// without a question. Bounded: a row goes when it is whole again (the server does that, or `tidy.ts`), and past 80,000
// those that would be whole soonest.
import type { Db } from 'mongodb';
import type { Clock } from '../../clock.ts';
import { createId } from '../../ids.ts';
import { isDuplicate } from '../../mongo/failure.ts';
import type { Allowance, AttemptData } from '../local/account-data.ts';
import type { AttemptDocument, Collections } from './collections.ts';
import { updateOnce } from './once.ts';

const clockEveryMs = 60_000;
/** How long a refusal is remembered: whoever else was right meanwhile made it whole again. */
const refusedMs = 1000;
const mostRefusals = 10_000;
/** Processes that change the same row at the same moment. */
const mostRounds = 10;

export const mostAttemptRows = 80_000;

/** Milliseconds by the database's clock. */
export function createDatabaseClock(db: Db, clock: Pick<Clock, 'monotonicMs' | 'nowMs'>) {
  let offsetMs: number | null = null;
  let readAtMs = Number.NEGATIVE_INFINITY;
  async function read(): Promise<void> {
    const startedMs = clock.monotonicMs();
    const { localTime } = await db.command({ hello: 1 }).catch((error: { code?: number }) => {
      // Servers from before 2021.
      if (error.code === 59) return db.command({ isMaster: 1 });
      throw error;
    });
    const nowMs = localTime instanceof Date ? localTime.getTime() : clock.nowMs();
    readAtMs = clock.monotonicMs();
    offsetMs = nowMs - (startedMs + readAtMs) / 2;
  }
  return async (): Promise<number> => {
    if (offsetMs === null || clock.monotonicMs() - readAtMs > clockEveryMs) await read();
    return Math.round(clock.monotonicMs() + offsetMs!);
  };
}

export function mongoAttempts(
  { attempt }: Pick<Collections, 'attempt'>,
  databaseNowMs: () => Promise<number>,
  clock: Pick<Clock, 'monotonicMs'>,
): AttemptData {
  const lines = new Map<string, Promise<unknown>>();
  const refusals = new Map<string, { readonly untilMs: number; readonly atMs: number }>();

  /** After all that is under way here for one of the keys. */
  async function inLine<Result>(
    allowances: readonly { readonly key: string }[],
    work: () => Promise<Result>,
  ): Promise<Result> {
    const before = Promise.all(allowances.map(({ key }) => lines.get(key)));
    const result = before.then(work);
    const done = result.catch(() => {});
    for (const { key } of allowances) lines.set(key, done);
    try {
      return await result;
    } finally {
      for (const { key } of allowances) if (lines.get(key) === done) lines.delete(key);
    }
  }
  async function rowsOf(allowances: readonly Allowance[]): Promise<Map<string, AttemptDocument>> {
    const rows = await attempt.find({ _id: { $in: allowances.map(({ key }) => key) } }).toArray();
    return new Map(rows.map((row) => [row._id, row]));
  }
  /** Never further away than of an empty one, wherever the database's clock was meanwhile. */
  const fullAt = (row: AttemptDocument | undefined, { burst, everyMs }: Allowance, nowMs: number) =>
    Math.min(Math.max(row?.fullAtMs ?? nowMs, nowMs), nowMs + burst * everyMs);

  /** Moves one by `byMs`; false where another process was quicker. */
  async function move(
    row: AttemptDocument | undefined,
    allowance: Allowance,
    nowMs: number,
    byMs: number,
  ): Promise<boolean> {
    const _id = allowance.key;
    const fullAtMs = fullAt(row, allowance, nowMs) + byMs;
    const changeId = createId();
    const fields = { fullAtMs, goneAt: new Date(fullAtMs), changeId };
    if (row) return updateOnce(attempt, { _id, changeId: row.changeId }, { $set: fields }, { _id, changeId });
    if (byMs < 0) return true;
    try {
      await attempt.insertOne({ _id, ...fields });
      return true;
    } catch (error) {
      if (!isDuplicate(error)) throw error;
      return (await attempt.findOne({ _id, changeId })) !== null;
    }
  }
  async function giveBack(to: readonly Allowance[]): Promise<void> {
    let left = to;
    for (let round = 1; round <= mostRounds && left.length > 0; round += 1) {
      const [nowMs, rows] = await Promise.all([databaseNowMs(), rowsOf(left)]);
      const moved = await Promise.all(
        left.map((allowance) => move(rows.get(allowance.key), allowance, nowMs, -allowance.everyMs)),
      );
      left = left.filter((_, index) => !moved[index]);
    }
  }
  async function take(from: readonly Allowance[]): Promise<number> {
    for (let round = 1; round <= mostRounds; round += 1) {
      const [nowMs, rows] = await Promise.all([databaseNowMs(), rowsOf(from)]);
      let waitMs = 0;
      for (const allowance of from) {
        const { key, burst, everyMs } = allowance;
        const wait = fullAt(rows.get(key), allowance, nowMs) - nowMs - (burst - 1) * everyMs;
        if (wait > 0) refuse(key, wait);
        // Another database's clock, or one that was set back: from now on it comes nearer.
        const row = rows.get(key);
        if (row && row.fullAtMs > nowMs + burst * everyMs) await move(row, allowance, nowMs, 0);
        waitMs = Math.max(waitMs, wait);
      }
      if (waitMs > 0) return waitMs;
      const moved = await Promise.all(
        from.map((allowance) => move(rows.get(allowance.key), allowance, nowMs, allowance.everyMs)),
      );
      if (moved.every(Boolean)) return 0;
      await giveBack(from.filter((_, index) => moved[index]));
    }
    return refusedMs;
  }
  function refuse(key: string, waitMs: number): void {
    if (refusals.size >= mostRefusals) refusals.clear();
    const atMs = clock.monotonicMs();
    refusals.set(key, { atMs, untilMs: atMs + waitMs });
  }
  function refusedFor(keys: readonly { readonly key: string }[]): number {
    const nowMs = clock.monotonicMs();
    let waitMs = 0;
    for (const { key } of keys) {
      const refusal = refusals.get(key);
      if (!refusal) continue;
      if (nowMs - refusal.atMs < refusedMs) waitMs = Math.max(waitMs, refusal.untilMs - nowMs);
      else refusals.delete(key);
    }
    return waitMs;
  }

  return {
    async take(from) {
      const waitMs = refusedFor(from);
      if (waitMs > 0) return waitMs;
      // Asked again when it is its turn: those before may have used it up.
      return inLine(from, async () => refusedFor(from) || take(from));
    },
    giveBack: (to) => {
      for (const { key } of to) refusals.delete(key);
      return inLine(to, () => giveBack(to));
    },
    async clear(keys) {
      for (const key of keys) refusals.delete(key);
      await attempt.deleteMany({ _id: { $in: [...keys] } });
    },
  };
}
