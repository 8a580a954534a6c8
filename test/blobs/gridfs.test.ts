// Blobs in GridFS keep the contract, read through the cache on the disk.
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

const opened = await openTestDatabase({ after: (fn) => after(fn as () => void), skip });
if (opened) {
  // Without a cache: `gridfs-writing.test.ts`.
  blobStoreContract('GridFS', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'kinora-cache-'));
    const cache = { folder, maxBytes: 64 * 1024 * 1024 };
    const open = () => createGridFsBlobs({ db: opened.db, clock: systemClock, log, cache });
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
