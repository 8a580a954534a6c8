// The contract, for the accounts of the process itself.
import { testAccounts } from '../contracts/accounts.ts';
import { openLocalAccounts } from '../helpers/local-accounts.ts';

testAccounts('accounts in accounts.sqlite', async (config) => {
  const accounts = await openLocalAccounts({ config: config ?? {} });
  return { accounts, dispose: () => accounts.close() };
});
