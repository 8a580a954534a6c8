// Removes what ran out, and what a crash left of people who were never made (`people.ts`). What looks left may be under
// way in another process: it goes when this one has seen it for an hour by its own clock.
import type { Clock } from '../../clock.ts';
import { mostAttemptRows } from './attempts.ts';
import type { Collections } from './collections.ts';

const leftMs = 3_600_000;
/** Longer than codes are good for by any two machines' clocks. */
const codesMs = 7_200_000;

export function createTidy(
  { user, account, session, verification, deviceCode, reset, invite, usedCode, attempt }: Collections,
  tools: { readonly clock: Pick<Clock, 'monotonicMs'>; databaseNowMs(): Promise<number> },
): (nowMs: number) => Promise<void> {
  let seen = new Map<string, number>();

  /** Those of the keys that were seen an hour ago as well. */
  function left(keys: readonly string[]): string[] {
    const atMs = tools.clock.monotonicMs();
    seen = new Map(keys.map((key) => [key, seen.get(key) ?? atMs]));
    return keys.filter((key) => atMs - seen.get(key)! >= leftMs);
  }
  async function removeLeft(): Promise<void> {
    const people = new Set(await user.distinct('_id', {}));
    const accounts = await account.find({}, { projection: { userId: 1 } }).toArray();
    const invites = await invite.find({ usedBy: { $exists: true } }).toArray();
    const orphans = accounts.filter(({ userId }) => !people.has(userId));
    const gone = new Set(left([...orphans.map(({ _id }) => _id), ...invites.map(({ _id }) => _id)]));
    for (const { _id } of orphans) if (gone.has(_id)) await account.deleteOne({ _id });
    for (const { _id, usedBy } of invites) {
      if (!gone.has(_id) || usedBy === undefined) continue;
      if (people.has(usedBy)) await invite.deleteOne({ _id });
      else await invite.updateOne({ _id, usedBy }, { $unset: { usedBy: '' } });
    }
  }
  async function boundAttempts(): Promise<void> {
    await attempt.deleteMany({ goneAt: { $lt: new Date(await tools.databaseNowMs()) } });
    const surplus = (await attempt.countDocuments({})) - mostAttemptRows;
    if (surplus <= 0) return;
    const soonest = await attempt
      .find({}, { projection: { _id: 1 } })
      .sort({ goneAt: 1 })
      .limit(surplus)
      .toArray();
    await attempt.deleteMany({ _id: { $in: soonest.map(({ _id }) => _id) } });
  }
  return async (nowMs) => {
    const now = new Date(nowMs);
    // Of sessions that ran out nobody is told: their time is in every answer.
    await session.deleteMany({ expiresAt: { $lt: now } });
    await verification.deleteMany({ expiresAt: { $lt: now } });
    await deviceCode.deleteMany({ expiresAt: { $lt: now } });
    await reset.deleteMany({ expiresAtMs: { $lt: nowMs } });
    await invite.deleteMany({ expiresAtMs: { $lt: nowMs } });
    await usedCode.deleteMany({ atMs: { $lt: nowMs - codesMs } });
    await boundAttempts();
    await removeLeft();
  };
}
