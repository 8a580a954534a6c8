// Chunks kept on the disk: never more than allowed, never bytes that are not theirs, whatever becomes of the disk.
import assert from 'node:assert/strict';
import { fstatSync, ftruncateSync, readSync } from 'node:fs';
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { FileRange } from '../../src/blobs/blob-store.ts';
import { createChunkCache } from '../../src/blobs/chunk-cache.ts';
import { type DiskFiles, realFiles } from '../../src/blobs/disk-files.ts';
import { systemClock } from '../../src/clock.ts';
import { createId } from '../../src/ids.ts';
import { pattern } from '../contracts/blob-store.ts';
import { createFakeClock } from '../helpers/fake-clock.ts';
import { temporaryFolder } from '../helpers/temporary-folder.ts';
import { until } from '../helpers/until.ts';

const chunkBytes = 1024 * 1024;
const log = { warn: () => {} };
const open = async (maxBytes: number, more: { files?: DiskFiles; clock?: typeof systemClock } = {}) => {
  const folder = join(await temporaryFolder(), 'cache');
  return createChunkCache({ folder, maxBytes, clock: systemClock, log, ...more });
};
/** What a chunk holds: different for each blob and number. */
const contentOf = (blobId: string, n: number, sizeBytes = chunkBytes) =>
  pattern(sizeBytes, [...blobId].reduce((sum, letter) => sum * 31 + letter.charCodeAt(0), n + 1) % 2 ** 31);
const placeOf = (blobId: string, n: number) => ({ blobId, n, chunkBytes });
const bytesOf = ({ fd, offset, length }: FileRange) => {
  const bytes = Buffer.alloc(length);
  assert.equal(readSync(fd, bytes, 0, length, offset), length);
  return bytes;
};

describe('The cache of chunks', () => {
  it('gives back what it was given, neighbours in one range, and nothing else', async () => {
    const cache = await open(1024 * chunkBytes);
    const id = createId();
    for (const n of [0, 1, 2, 5]) assert.ok(await cache.put(placeOf(id, n), contentOf(id, n)));
    assert.ok(await cache.put(placeOf(id, 3), contentOf(id, 3, 700)), 'the last of a blob is short');
    const whole = Buffer.concat([0, 1, 2].map((n) => contentOf(id, n)).concat(contentOf(id, 3, 700)));
    const range = cache.range(placeOf(id, 0), 10, 100 * chunkBytes)!;
    assert.equal(range.length, 3 * chunkBytes + 690);
    assert.equal(Buffer.compare(bytesOf(range), whole.subarray(10)), 0);
    assert.equal(cache.range(placeOf(id, 1), 5, 1000)?.length, 1000);
    const into = new Uint8Array(3000);
    assert.equal(await cache.read(placeOf(id, 1), chunkBytes - 100, into), 3000);
    assert.equal(Buffer.compare(into, whole.subarray(2 * chunkBytes - 100, 2 * chunkBytes + 2900)), 0);
    for (const absent of [placeOf(id, 4), placeOf(id, 6), placeOf(id, 1000), placeOf(createId(), 0)]) {
      assert.equal(cache.has(absent), false);
      assert.equal(cache.range(absent, 0, 10), null);
      assert.equal(await cache.read(absent, 0, into), 0);
    }
    assert.equal(cache.range(placeOf(id, 3), 700, 10), null);
    await cache.close();
    assert.equal(cache.usedBytes, 0);
  });

  it('stays within its bound, keeps what is read, and forgets what was not for the longest', async () => {
    const maxBytes = 16 * chunkBytes;
    const cache = await open(maxBytes);
    const [hot, cold] = [createId(), createId()];
    await cache.put(placeOf(hot, 0), contentOf(hot, 0));
    let disk = 0;
    for (let n = 0; n < 100; n += 1) {
      assert.ok(await cache.put(placeOf(cold, n), contentOf(cold, n)));
      assert.ok(cache.usedBytes <= maxBytes);
      disk = Math.max(disk, openBytes());
      assert.ok(cache.range(placeOf(hot, 0), 0, 10), 'somebody reads it all the time');
    }
    assert.ok(disk > 8 * chunkBytes && disk <= maxBytes + chunkBytes, `${disk} bytes on the disk`);
    assert.ok(cache.has(placeOf(cold, 99)) && !cache.has(placeOf(cold, 0)));
    assert.equal(Buffer.compare(bytesOf(cache.range(placeOf(hot, 0), 0, chunkBytes)!), contentOf(hot, 0)), 0);
    await Promise.all(
      Array.from({ length: 60 }, async (_, n) => {
        const id = createId();
        await cache.put(placeOf(id, n), contentOf(id, n));
        assert.ok(cache.usedBytes <= maxBytes);
      }),
    );
    await cache.close();
    assert.equal(openBytes(), 0);
  });

  it('lets a read under way end that was begun before its chunk was forgotten', async () => {
    const cache = await open(4 * chunkBytes);
    const id = createId();
    await cache.put(placeOf(id, 0), contentOf(id, 0));
    const into = new Uint8Array(chunkBytes);
    const reading = cache.read(placeOf(id, 0), 0, into);
    cache.drop(id);
    assert.equal(cache.has(placeOf(id, 0)), false);
    assert.equal(await reading, chunkBytes);
    assert.equal(Buffer.compare(into, contentOf(id, 0)), 0);
    await until(() => cache.usedBytes === 0);
    await cache.close();
  });

  it('begins empty, whatever a killed process left there, and touches nothing that is not its own', async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, `${createId()}.chunks`), pattern(1000));
    await writeFile(join(folder, 'somebody-elses.txt'), 'kept');
    const cache = await createChunkCache({ folder, maxBytes: 64 * chunkBytes, clock: systemClock, log });
    assert.deepEqual(await readdir(folder), ['somebody-elses.txt']);
    const id = createId();
    await cache.put(placeOf(id, 0), contentOf(id, 0));
    assert.deepEqual(
      await readdir(folder),
      ['somebody-elses.txt'],
      'what it keeps has no name that others could use',
    );
    await cache.close();
  });

  it('goes on when its folder is cleared away, and when its files are cut short', async () => {
    const folder = join(await temporaryFolder(), 'cache');
    const cache = await createChunkCache({ folder, maxBytes: 512 * chunkBytes, clock: systemClock, log });
    const [id, other] = [createId(), createId()];
    await cache.put(placeOf(id, 0), contentOf(id, 0));
    await rm(folder, { recursive: true });
    assert.equal(Buffer.compare(bytesOf(cache.range(placeOf(id, 0), 0, chunkBytes)!), contentOf(id, 0)), 0);
    assert.ok(await cache.put(placeOf(other, 0), contentOf(other, 0)));
    ftruncateSync(cache.range(placeOf(id, 0), 0, 1)!.fd, 5000);
    const into = new Uint8Array(chunkBytes);
    assert.equal(await cache.read(placeOf(id, 0), 0, into), 0, 'half a chunk is none');
    assert.equal(cache.has(placeOf(id, 0)), false);
    assert.ok(await cache.put(placeOf(id, 0), contentOf(id, 0)));
    assert.equal(await cache.read(placeOf(id, 0), 0, into), chunkBytes);
    assert.equal(Buffer.compare(into, contentOf(id, 0)), 0);
    await cache.close();
  });

  it('on a disk that is full keeps nothing half written, makes room, and tries again later', async () => {
    const clock = createFakeClock();
    let freeBytes = 5.5 * chunkBytes;
    const taken = new Map<number, number>();
    const files: DiskFiles = {
      ...realFiles,
      async write(fd, bytes, offset, length, position) {
        const fitting = Math.min(length, Math.floor(freeBytes), 400_000);
        if (fitting <= 0) throw Object.assign(new Error('full'), { code: 'ENOSPC' });
        freeBytes -= fitting;
        taken.set(fd, (taken.get(fd) ?? 0) + fitting);
        return realFiles.write(fd, bytes, offset, fitting, position);
      },
      async close(fd) {
        freeBytes += taken.get(fd) ?? 0;
        taken.delete(fd);
        await realFiles.close(fd);
      },
    };
    const cache = await open(64 * chunkBytes, { files, clock });
    const ids = Array.from({ length: 8 }, () => createId());
    const kept = [];
    for (const id of ids) kept.push(await cache.put(placeOf(id, 0), contentOf(id, 0)));
    assert.deepEqual(kept, [true, true, true, true, true, false, false, false]);
    assert.ok(!cache.has(placeOf(ids[5]!, 0)) && !cache.has(placeOf(ids[0]!, 0)), 'the oldest made room');
    assert.ok(cache.has(placeOf(ids[4]!, 0)));
    await clock.advance(6000);
    assert.ok(await cache.put(placeOf(ids[6]!, 0), contentOf(ids[6]!, 0)));
    const range = cache.range(placeOf(ids[6]!, 0), 0, chunkBytes)!;
    assert.equal(Buffer.compare(bytesOf(range), contentOf(ids[6]!, 0)), 0);
    await cache.close();
  });

  it('where nothing can be written keeps nothing', async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'file'), '');
    await mkdir(join(folder, 'other'));
    const cache = await createChunkCache({
      folder: join(folder, 'file'),
      maxBytes: 64 * chunkBytes,
      clock: systemClock,
      log,
    });
    const id = createId();
    assert.equal(await cache.put(placeOf(id, 0), contentOf(id, 0)), false);
    assert.equal(cache.usedBytes, 0);
    await cache.close();
    const tiny = await open(1000);
    assert.equal(await tiny.put(placeOf(id, 0), contentOf(id, 0)), false);
    await tiny.close();
  });
});

/** What the nameless files of this process take of the disk. */
function openBytes(): number {
  let sum = 0;
  for (let fd = 3; fd < 300; fd += 1) {
    try {
      const stat = fstatSync(fd);
      if (stat.isFile() && stat.nlink === 0 && stat.size >= chunkBytes) sum += stat.size; // each has one chunk
    } catch {
      // not open
    }
  }
  return sum;
}
