// The contract, for accounts in a database that other processes share.
import { after, describe, it } from 'node:test';
import { type AccountsUnderTest, testAccounts } from '../contracts/accounts.ts';
import { openLocalAccounts } from '../helpers/local-accounts.ts';
import { openTestDatabase } from '../helpers/mongo/test-database.ts';

const skipped: string[] = [];
const found = await openTestDatabase({
  skip: (why) => void skipped.push(why ?? ''),
  after: (close) => after(close as () => Promise<void>),
});

if (found) {
  await found.db.dropDatabase();
  const { client, name } = found;
  let made = 0;
  testAccounts('accounts in MongoDB', async (config): Promise<AccountsUnderTest> => {
    made += 1;
    const db = client.db(`${name}_${made}`);
    const accounts = await openLocalAccounts({ db, config: config ?? {} });
    return {
      accounts,
      async dispose() {
        await accounts.close();
        await db.dropDatabase();
      },
    };
  });
} else {
  describe('accounts in MongoDB', () => {
    it('are as in accounts.sqlite', (t) => t.skip(skipped[0]));
  });
}
