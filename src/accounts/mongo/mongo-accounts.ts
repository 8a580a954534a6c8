// Accounts in MongoDB: the adapter for any number of processes that share them. There are no transactions: what has to
// be whole is one row's compare-and-set, or numbered steps that somebody ends (`people.ts`, `owner-log.ts`).
import type { Db } from 'mongodb';
import type { Logger } from 'pino';
import type { Clock } from '../../clock.ts';
import { AppError } from '../../errors.ts';
import { mongoFailure, withFailures } from '../../mongo/failure.ts';
import { ensureIndexes } from '../../mongo/indexes.ts';
import type { AccountData } from '../local/account-data.ts';
import { createDatabaseClock, mongoAttempts } from './attempts.ts';
import { accountCollectionsOf, accountIndexes } from './collections.ts';
import { engineDatabase } from './engine-database.ts';
import { createOwnerLog, type OwnerLog } from './owner-log.ts';
import { mongoPeople } from './people.ts';
import { putRows, readRows } from './rows.ts';
import {
  mongoAudit,
  mongoDevices,
  mongoInvites,
  mongoPasswords,
  mongoSecondFactors,
  mongoTokens,
} from './secrets.ts';
import { mongoSessions } from './sessions.ts';
import { openState, type State } from './state.ts';
import { createTidy } from './tidy.ts';

/** What an answer that nobody was told about is good for at most: two finds for each browser every ten seconds. */
const keepMs = 10_000;

/** Makes what is missing, and ends what a crash left. Throws `unavailable`. */
export async function openMongoAccounts(
  db: Db,
  { clock, log }: { readonly clock: Clock; readonly log: Logger },
): Promise<AccountData> {
  await ensureIndexes(db, accountIndexes);
  const collections = accountCollectionsOf(db);
  let state: State | null = null;
  const changed = async () => state?.changed();
  const sessions = mongoSessions(collections, changed);
  const endSessions = (personId: string) => sessions.end(personId, null, null);
  const people = mongoPeople(collections, {
    ...{ clock, endSessions, changed },
    ownerLog: () => ownerLog,
  });
  const { removeRows, ...peopleData } = people;
  const ownerLog: OwnerLog = createOwnerLog(collections, { endSessions, removeRows, changed });
  const databaseNowMs = createDatabaseClock(db, clock);
  const tidy = createTidy(collections, { clock, databaseNowMs });
  const opened = await openState(collections, { clock, log, finish: (change) => ownerLog.finish(change) });
  state = opened;
  try {
    await ownerLog.recover();
  } catch (error) {
    await opened.close();
    throw mongoFailure(error);
  }
  /** Where it is known to be away nobody waits for it: the look of every second tells when it is back. */
  const reached = async <Result>(work: () => Promise<Result>): Promise<Result> => {
    if (opened.awayMs() > 0)
      throw new AppError('unavailable', 'The database cannot be reached right now.', {
        retryAfterSeconds: 5,
      });
    return withFailures(work);
  };
  const guarded = <Part extends object>(part: Part): Part =>
    Object.fromEntries(
      Object.entries(part).map(([name, operation]) => [
        name,
        (...given: readonly unknown[]) => reached(() => operation(...given)),
      ]),
    ) as Part;
  return {
    people: guarded(peopleData),
    sessions: guarded(sessions),
    passwords: guarded(mongoPasswords(collections, endSessions)),
    factors: guarded(mongoSecondFactors(collections)),
    tokens: guarded(mongoTokens(collections, changed)),
    invites: guarded(mongoInvites(collections)),
    devices: guarded(mongoDevices(collections)),
    audit: guarded(mongoAudit(collections)),
    attempts: guarded(mongoAttempts(collections, databaseNowMs, clock)),
    ...{ isShared: true, keepMs },
    async engineDatabase() {
      const { mongodbAdapter } = await import('better-auth/adapters/mongodb');
      return mongodbAdapter(engineDatabase(db, changed), { transaction: false });
    },
    revision: opened.revision,
    sharedRevision: () => reached(opened.shared),
    awayMs: opened.awayMs,
    tidy: (nowMs) =>
      withFailures(async () => {
        await ownerLog.recover();
        await tidy(nowMs);
      }),
    rows: () => readRows(collections),
    put: (rows) =>
      withFailures(async () => {
        await putRows(collections, rows);
        await changed();
      }),
    ping: () => reached(async () => void (await db.command({ ping: 1 }))),
    close: opened.close,
  };
}
