// The contract of where accounts are kept, for the file and for the database, also for one that sees every write twice.
import { after, describe, it } from 'node:test';
import type { Db } from 'mongodb';
import { pino } from 'pino';
import { openMongoAccounts } from '../../src/accounts/mongo/mongo-accounts.ts';
import { openSqliteAccounts } from '../../src/accounts/sqlite/sqlite-accounts.ts';
import { systemClock } from '../../src/clock.ts';
import { testAccountData } from '../contracts/account-data.ts';
import { seenTwice } from '../helpers/mongo/seen-twice.ts';
import { openTestDatabase } from '../helpers/mongo/test-database.ts';
import { temporaryFolder } from '../helpers/temporary-folder.ts';

testAccountData('the data of accounts in accounts.sqlite', async () => {
  const file = `${await temporaryFolder()}/accounts.sqlite`;
  const [data, other] = [openSqliteAccounts(file, systemClock), openSqliteAccounts(file, systemClock)];
  return {
    ...{ data, other },
    async dispose() {
      await data.close();
      await other.close();
    },
  };
});

const skipped: string[] = [];
const found = await openTestDatabase({
  skip: (why) => void skipped.push(why ?? ''),
  after: (close) => after(close as () => Promise<void>),
});
let made = 0;

function inDatabase(name: string, as: (db: Db) => Db): void {
  if (!found) {
    describe(name, () => {
      it('is as in accounts.sqlite', (t) => t.skip(skipped[0]));
    });
    return;
  }
  testAccountData(name, async () => {
    made += 1;
    const db = found.client.db(`${found.name}_${made}`);
    const tools = { clock: systemClock, log: pino({ level: 'silent' }) };
    // Both at once, as replicas start.
    const [data, other] = await Promise.all([
      openMongoAccounts(as(db), tools),
      openMongoAccounts(as(db), tools),
    ]);
    return {
      ...{ data, other },
      async dispose() {
        await data.close();
        await other.close();
        await db.dropDatabase();
      },
    };
  });
}

inDatabase('the data of accounts in MongoDB', (db) => db);
inDatabase('the data of accounts in a MongoDB that sees every write twice', seenTwice);
