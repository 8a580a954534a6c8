// Blobs in GridFS keep the contract, with the cache on the disk and without.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { createGridFsBlobs } from '../../src/blobs/gridfs.ts';
import { systemClock } from '../../src/clock.ts';
import { blobStoreContract } from '../contracts/blob-store.ts';
import { openTestDatabase } from '../helpers/mongo/test-database.ts';

const log = { warn: () => {} };
const skip = (reason?: string) => void test('blobs in GridFS', { skip: reason ?? true });

for (const maxBytes of [0, 64 * 1024 * 1024]) {
  const opened = await openTestDatabase({ after: (fn) => after(fn as () => void), skip });
  if (!opened) break;
  blobStoreContract(maxBytes > 0 ? 'GridFS' : 'GridFS without a cache', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'kinora-cache-'));
    const open = () =>
      createGridFsBlobs({ db: opened.db, clock: systemClock, log, cache: { folder, maxBytes } });
    let store = await open();
    return {
      store,
      async reopen() {
        await store.close();
        store = await open();
        return store;
      },
      dispose: () => rm(folder, { recursive: true }),
    };
  });
}
