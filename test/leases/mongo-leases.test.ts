// Leases in MongoDB keep the contract.
import { createMongoLeases } from '../../src/leases/mongo-leases.ts';
import { leasesContract } from '../contracts/leases.ts';
import { openTestDatabase } from '../helpers/mongo/test-database.ts';

leasesContract('leases in MongoDB', async (t) => {
  const opened = await openTestDatabase(t);
  return opened && createMongoLeases(opened.db);
});
