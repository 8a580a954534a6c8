// Forked by the test of kills: takes up the blob it is told, appends what is missing of a known pattern, and tells what
// must survive it. It is killed at some moment. argv: the database's URL, the blob's id.
import { MongoClient } from 'mongodb';
import { createGridFsBlobs } from '../../src/blobs/gridfs.ts';
import { systemClock } from '../../src/clock.ts';
import { pattern } from '../contracts/blob-store.ts';

/** Of the whole blob: some chunks and a part of one. */
export const wholeBytes = 9_500_000;

if (process.send) await run();

async function run(): Promise<void> {
  const [url = '', id = ''] = process.argv.slice(2);
  const client = new MongoClient(url, { writeConcern: { w: 'majority', journal: true } });
  const log = { warn: () => {} };
  const store = await createGridFsBlobs({ db: client.db(), clock: systemClock, log, cache: null });
  const bytes = pattern(wholeBytes, 7);
  const writer = await store.append(id);
  process.send?.({ what: 'taken up', sizeBytes: writer.sizeBytes });
  for (let round = 0; writer.sizeBytes < wholeBytes; round += 1) {
    const length = 1 + ((round * 40_009) % 700_000);
    await writer.write(bytes.subarray(writer.sizeBytes, writer.sizeBytes + length));
    if (round % 3 !== 2) continue;
    await writer.sync();
    process.send?.({ what: 'synced', sizeBytes: writer.sizeBytes });
  }
  await writer.seal();
  process.send?.({ what: 'sealed', sizeBytes: wholeBytes });
  process.disconnect();
  await client.close();
}
