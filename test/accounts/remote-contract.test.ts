// The contract, for accounts that are asked over HTTP: the same as in one process.
import { systemClock } from '../../src/clock.ts';
import { testAccounts } from '../contracts/accounts.ts';
import { startAccountsService, startOtherProcess } from '../helpers/accounts-service.ts';
import { openLocalAccounts } from '../helpers/local-accounts.ts';

testAccounts('accounts of another process', async (config) => {
  const local = await openLocalAccounts({ config: config ?? {} });
  const service = await startAccountsService(local);
  const { accounts } = startOtherProcess(service.url, systemClock);
  return {
    accounts,
    async dispose() {
      await accounts.close();
      await service.close();
      await local.close();
    },
  };
});
