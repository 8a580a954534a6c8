// Forked by the crash test: appends forever to the blobs it is given and tells after each sync what must survive. It is
// killed at some moment. argv: folder, id to go on with.
import { createDiskBlobs } from '../../src/blobs/disk.ts';
import { systemClock } from '../../src/clock.ts';
import { createId } from '../../src/ids.ts';
import { pattern } from '../contracts/blob-store.ts';

const [folder = '', firstId = ''] = process.argv.slice(2);
const store = await createDiskBlobs({ folder, reserveBytes: 0, clock: systemClock });
/** A blob is this long, in pieces of odd lengths; every blob holds the same pattern. */
const wholeBytes = 900_000;
const bytes = pattern(wholeBytes, 7);

for (let id = firstId; ; id = createId()) {
  process.send?.({ id, what: 'begun', sizeBytes: 0 });
  const writer = await store.append(id);
  process.send?.({ id, what: 'taken up', sizeBytes: writer.sizeBytes });
  for (let round = 0; writer.sizeBytes < wholeBytes; round++) {
    const length = 1 + ((round * 40_009) % 130_000);
    await writer.write(bytes.subarray(writer.sizeBytes, writer.sizeBytes + length));
    if (round % 3 === 0) {
      await writer.sync();
      process.send?.({ id, what: 'synced', sizeBytes: writer.sizeBytes });
    }
  }
  await writer.seal();
  process.send?.({ id, what: 'sealed', sizeBytes: wholeBytes });
  const small = createId();
  await store.put(small, bytes.subarray(0, 5000));
  process.send?.({ id: small, what: 'put', sizeBytes: 5000 });
}
