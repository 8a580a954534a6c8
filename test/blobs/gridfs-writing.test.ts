// Writers of one blob that meet, die, are paused or heard twice: whoever came last has the say, and nothing that was
// acknowledged is lost.
import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { after, describe, it, test } from 'node:test';
import { type Db, GridFSBucket } from 'mongodb';
import { createGridFsBlobs } from '../../src/blobs/gridfs.ts';
import { systemClock } from '../../src/clock.ts';
import { isAppError } from '../../src/errors.ts';
import { createId } from '../../src/ids.ts';
import { blobStoreContract, pattern, readAll } from '../contracts/blob-store.ts';
import { openTestDatabase } from '../helpers/mongo/test-database.ts';
import { until } from '../helpers/until.ts';
import { wholeBytes } from './gridfs-writing-process.ts';
import { type DatabaseCall, doublingDatabase, oddDatabase } from './odd-database.ts';

const chunk = 1024 * 1024;
const skip = (reason?: string) => void test('writers of blobs in GridFS', { skip: reason ?? true });
const hooks = { after: (fn: unknown) => after(fn as () => void), skip };
const opened = await openTestDatabase(hooks);
const doubled = opened && (await openTestDatabase(hooks));

const storeOn = (db: Db) =>
  createGridFsBlobs({ db, clock: systemClock, log: { warn: () => {} }, cache: null });
const digest = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const isConflict = (error: unknown) => isAppError(error, 'conflict');

if (opened) {
  const { db, url } = opened;
  const rowsOf = (id: string) => db.collection('blobs.chunks').countDocuments({ files_id: id });
  const digestOf = async (id: string) => {
    const store = await storeOn(db);
    const reader = await store.open(id);
    const found = digest(await readAll(reader));
    await reader.close();
    await store.close();
    return found;
  };
  /** As any other program reads it: complains of chunks that are missing, too many or of another size. */
  const digestByDriver = async (id: string) => {
    const hash = createHash('sha256');
    const bucket = new GridFSBucket(db, { bucketName: 'blobs' });
    for await (const piece of bucket.openDownloadStream(id as never)) hash.update(piece as Buffer);
    return hash.digest('hex');
  };

  blobStoreContract('GridFS where every write is seen twice', async () => {
    const open = () => storeOn(doublingDatabase(doubled!.db));
    let store = await open();
    return {
      store,
      async reopen() {
        await store.close();
        store = await open();
        return store;
      },
      dispose: async () => {},
    };
  });

  describe('Of two writers of one blob in GridFS', () => {
    it('the later one has the say: the earlier one changes nothing and is told', async () => {
      const [early, late] = [await storeOn(db), await storeOn(db)];
      const id = createId();
      const [mine, theirs] = [pattern(3 * chunk, 1), pattern(3 * chunk, 2)];
      const first = await early.append(id);
      await first.write(mine.subarray(0, chunk + 1000));
      await first.sync();
      await first.write(mine.subarray(chunk + 1000, chunk + 5000));
      const second = await late.append(id);
      assert.equal(second.sizeBytes, chunk + 1000);
      await second.write(theirs.subarray(chunk + 1000, 2 * chunk + 7));
      await second.sync();
      // Wakes, and writes on as if nothing had happened: a part of the same chunk, and chunks behind it.
      await assert.rejects(async () => {
        await first.write(mine.subarray(chunk + 5000));
        await first.sync();
      }, isConflict);
      await assert.rejects(first.seal(), isConflict);
      await first.close();
      await second.write(theirs.subarray(2 * chunk + 7, 2 * chunk + 100));
      await second.seal();
      const whole = Buffer.concat([
        mine.subarray(0, chunk + 1000),
        theirs.subarray(chunk + 1000, 2 * chunk + 100),
      ]);
      assert.equal(await digestOf(id), digest(whole));
      assert.equal(await digestByDriver(id), digest(whole));
      await Promise.all([early.close(), late.close()]);
    });

    it('one that was paused in the middle of its writes changes nothing of what is sealed, and clears its own away', async () => {
      const held: (() => void)[] = [];
      let isHolding = false;
      const pausing = oddDatabase(db, async ({ collection, method, run }) => {
        if (isHolding && collection === 'blobs.chunks' && method === 'updateOne')
          await new Promise<void>((resolve) => held.push(resolve));
        return run();
      });
      const [early, late] = [await storeOn(pausing), await storeOn(db)];
      const id = createId();
      const [mine, theirs] = [pattern(6 * chunk, 1), pattern(6 * chunk, 2)];
      const first = await early.append(id);
      await first.write(mine.subarray(0, 1.5 * chunk));
      await first.sync();
      isHolding = true;
      // Chunks 1 to 4 are on their way, and stay there.
      await first.write(mine.subarray(1.5 * chunk, 5 * chunk));
      await until(() => held.length === 4);
      const second = await late.append(id);
      await second.write(theirs.subarray(1.5 * chunk, 2.25 * chunk));
      await second.seal();
      const whole = Buffer.concat([
        mine.subarray(0, 1.5 * chunk),
        theirs.subarray(1.5 * chunk, 2.25 * chunk),
      ]);
      isHolding = false;
      for (const resume of held) resume();
      await assert.rejects(first.sync(), isConflict);
      assert.equal(await digestOf(id), digest(whole));
      await first.close();
      assert.equal(await rowsOf(id), 3, 'what it wrote beyond the end is gone');
      assert.equal(await digestByDriver(id), digest(whole));
      await Promise.all([early.close(), late.close()]);
    });

    it('the earlier one that only wrote where the later had not been yet notes nothing, and none of it stays', async () => {
      const [early, late] = [await storeOn(db), await storeOn(db)];
      const id = createId();
      const bytes = pattern(4 * chunk);
      const first = await early.append(id);
      await first.write(bytes.subarray(0, chunk));
      await first.sync();
      const second = await late.append(id);
      await first.write(bytes.subarray(chunk, 3.5 * chunk));
      await assert.rejects(first.sync(), isConflict);
      assert.equal(first.sizeBytes, chunk);
      assert.ok((await rowsOf(id)) > 2, 'its chunks are there, and it is killed now');
      await second.write(bytes.subarray(chunk, chunk + 10));
      await second.seal();
      assert.equal(await rowsOf(id), 2);
      assert.equal(await digestByDriver(id), digest(bytes.subarray(0, chunk + 10)));
      await Promise.all([early.close(), late.close()]);
    });

    it('one whose blob was removed meanwhile is told, and leaves no chunk', async () => {
      const [early, late] = [await storeOn(db), await storeOn(db)];
      const id = createId();
      const writer = await early.append(id);
      await writer.write(pattern(2 * chunk));
      await writer.sync();
      await late.remove(id);
      await writer.write(pattern(2 * chunk));
      await assert.rejects(writer.sync(), (error) => isAppError(error, 'gone'));
      await writer.close();
      assert.equal(await rowsOf(id), 0);
      await Promise.all([early.close(), late.close()]);
    });

    it('begun in the same moment, both get a turn or are told, and one of them seals', async () => {
      for (let round = 0; round < 5; round += 1) {
        const stores = await Promise.all([storeOn(db), storeOn(db), storeOn(db)]);
        const id = createId();
        const sealed: number[] = [];
        await Promise.all(
          stores.map(async (store, seed) => {
            try {
              const writer = await store.append(id);
              await writer.write(pattern(chunk + 100, seed + 1).subarray(writer.sizeBytes));
              await writer.seal();
              sealed.push(seed);
            } catch (error) {
              assert.ok(isConflict(error), String(error));
            }
          }),
        );
        assert.equal(sealed.length, 1);
        assert.equal(await digestOf(id), digest(pattern(chunk + 100, sealed[0]! + 1)));
        await Promise.all(stores.map((store) => store.close()));
      }
    });
  });

  describe('A blob in GridFS', () => {
    it('is not changed by writes that come again late, in any order', async () => {
      const writes: DatabaseCall[] = [];
      const store = await storeOn(
        oddDatabase(db, (call) => {
          if (call.method !== 'findOne' && !call.method.startsWith('delete')) {
            // Its buffer is used again.
            const [filter, update, ...rest] = structuredCloneOfBinary(call.args);
            const collection = db.collection(call.collection) as never as Record<
              string,
              (...a: unknown[]) => Promise<unknown>
            >;
            writes.push({ ...call, run: () => collection[call.method]!(filter, update, ...rest) });
          }
          return call.run();
        }),
      );
      const id = createId();
      const bytes = pattern(3 * chunk + 500);
      let writer = await store.append(id);
      for (let at = 0; at < bytes.length; at += 400_000) {
        await writer.write(bytes.subarray(at, at + 400_000));
        await writer.sync();
        if (at === 1_600_000) {
          await writer.close();
          writer = await store.append(id);
        }
      }
      await writer.seal();
      const chunkWrites = writes.filter(({ collection }) => collection === 'blobs.chunks');
      assert.ok(chunkWrites.length > 8);
      for (const write of chunkWrites.reverse())
        await write.run().catch((error) => assert.equal(error.code, 11000));
      const others = writes.filter(
        ({ collection, method }) => collection === 'blobs.arriving' && method === 'updateOne',
      );
      for (const write of others) await write.run();
      assert.equal(await digestOf(id), digest(bytes));
      assert.equal(await digestByDriver(id), digest(bytes));
      await assert.rejects(store.append(id), isConflict);
      await store.close();
    });

    it('whose sealing stopped half way is a sealed one to everybody', async () => {
      const failing = oddDatabase(db, ({ collection, method, run }) =>
        collection === 'blobs.files' && method === 'insertOne'
          ? Promise.reject(Object.assign(new Error('gone'), { name: 'MongoNetworkError' }))
          : run(),
      );
      const ways: ((store: Awaited<ReturnType<typeof storeOn>>, id: string) => Promise<unknown>)[] = [
        async (store, id) => (await store.open(id)).close(),
        (store, id) => assert.rejects(store.append(id), isConflict),
        (store, id) => assert.rejects(store.openUnfinished(id), (error) => isAppError(error, 'not-found')),
        (store, id) => store.put(id, pattern(1000)),
        async (store, id) => {
          for await (const entry of store.list()) if (entry.id === id) assert.ok(entry.isSealed);
        },
      ];
      for (const way of ways) {
        const [broken, sound] = [await storeOn(failing), await storeOn(db)];
        const id = createId();
        const writer = await broken.append(id);
        await writer.write(pattern(1000));
        await assert.rejects(writer.seal(), (error) => isAppError(error, 'unavailable'));
        await broken.close();
        await way(sound, id);
        assert.equal(await digestOf(id), digest(pattern(1000)));
        await sound.close();
      }
    });

    it('keeps what was acknowledged when the database fails its writer, which goes on from there', async () => {
      let isFailing = false;
      const away = Object.assign(new Error('away'), { name: 'MongoNetworkError' });
      const store = await storeOn(
        oddDatabase(db, (call) =>
          isFailing && call.method !== 'findOne' ? Promise.reject(away) : call.run(),
        ),
      );
      const id = createId();
      const bytes = pattern(4 * chunk);
      const writer = await store.append(id);
      await writer.write(bytes.subarray(0, 1.5 * chunk));
      await writer.sync();
      isFailing = true;
      await assert.rejects(
        async () => {
          await writer.write(bytes.subarray(1.5 * chunk));
          await writer.sync();
        },
        (error) => isAppError(error, 'unavailable'),
      );
      assert.equal(writer.sizeBytes, 1.5 * chunk);
      await assert.rejects(writer.seal(), (error) => isAppError(error, 'unavailable'));
      isFailing = false;
      await writer.close();
      const next = await store.append(id);
      assert.equal(next.sizeBytes, 1.5 * chunk);
      await next.write(bytes.subarray(1.5 * chunk));
      await next.seal();
      assert.equal(await digestOf(id), digest(bytes));
      await store.close();
    });

    it('that a crash left without its document is listed and can be removed; one that has a document is never taken for that', async () => {
      const store = await storeOn(db);
      const kept = createId();
      const keptUnfinished = createId();
      await store.put(kept, pattern(chunk + 5));
      const writer = await store.append(keptUnfinished);
      await writer.write(pattern(chunk + 5));
      await writer.sync();
      const strays = [createId(), createId(), createId()];
      for (const id of strays) {
        await store.put(id, pattern(2 * chunk));
        await db.collection('blobs.files').deleteOne({ _id: id as never });
      }
      const seen = new Map<string, boolean>();
      for await (const entry of store.list()) {
        assert.ok(!seen.has(entry.id));
        seen.set(entry.id, entry.isSealed);
        if (strays.includes(entry.id)) {
          assert.equal(entry.modifiedAtMs, 0);
          await store.remove(entry.id);
        }
      }
      assert.deepEqual(
        strays.map((id) => seen.get(id)),
        [false, false, false],
      );
      assert.equal(seen.get(kept), true);
      assert.equal(seen.get(keptUnfinished), false);
      for (const id of strays) assert.equal(await rowsOf(id), 0);
      assert.equal(await rowsOf(kept), 2);
      await store.close();
    });

    it('is put by many at once', async () => {
      const stores = await Promise.all([storeOn(db), storeOn(db)]);
      const id = createId();
      const bytes = pattern(5000);
      await Promise.all(stores.map((store) => store.put(id, bytes)));
      await assert.rejects(stores[0]!.put(id, pattern(5000, 2)), isConflict);
      assert.equal(await digestOf(id), digest(bytes));
      await Promise.all(stores.map((store) => store.close()));
    });
  });

  it('An upload into GridFS survives the death of its process at any moment, and is whole at the end', async (t) => {
    const id = createId();
    let acknowledged = 0;
    let isSealed = false;
    const children = new Set<ChildProcess>();
    t.after(() => {
      for (const child of children) child.kill('SIGKILL');
    });
    for (let life = 0; !isSealed; life += 1) {
      const child = fork(new URL('gridfs-writing-process.ts', import.meta.url), [url, id]);
      children.add(child);
      const ended = once(child, 'exit');
      child.on('message', ({ what, sizeBytes }: { what: string; sizeBytes: number }) => {
        if (what === 'taken up') assert.ok(sizeBytes >= acknowledged, `${sizeBytes} of ${acknowledged}`);
        acknowledged = Math.max(acknowledged, sizeBytes);
        if (what === 'sealed') isSealed = true;
        // Some moment after a sync: in the middle of chunks, notes, or the sealing.
        else if (life < 6 && sizeBytes > life * 1_400_000)
          setTimeout(() => child.kill('SIGKILL'), (life * 7) % 20);
      });
      await ended;
      children.delete(child);
    }
    assert.equal(await digestOf(id), digest(pattern(wholeBytes, 7)));
    assert.equal(await digestByDriver(id), digest(pattern(wholeBytes, 7)));
  });
}

/** The arguments of a call with its bytes copied. */
function structuredCloneOfBinary(args: readonly unknown[]): unknown[] {
  return args.map((arg) => {
    const data = (arg as { $set?: { data?: { buffer: Uint8Array } } } | undefined)?.$set?.data;
    if (!data) return arg;
    const { $set } = arg as { $set: Record<string, unknown> };
    return { ...(arg as object), $set: { ...$set, data: Buffer.from(data.buffer) } };
  });
}
