// The small parts the library rests on: shared readers, locks, and the set of ids that leftovers are told by.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BlobReader, BlobStore } from '../../src/blobs/blob-store.ts';
import { AppError } from '../../src/errors.ts';
import { createId } from '../../src/ids.ts';
import { createIdSet } from '../../src/library/leftovers.ts';
import { createLocks } from '../../src/library/locks.ts';
import { createReaderPool } from '../../src/library/reader-pool.ts';
import { createFakeClock } from '../helpers/fake-clock.ts';

/** A store that counts what is open. */
function countingStore() {
  const counts = { opened: 0, closed: 0 };
  const open = async (id: string): Promise<BlobReader> => {
    if (id === 'missing') throw new AppError('not-found', 'There is no such stored file.');
    counts.opened += 1;
    const reader = { sizeBytes: 1, modifiedAtMs: 0, read: async () => 0 };
    const close = async () => {
      counts.closed += 1;
    };
    return { ...reader, close };
  };
  return { counts, store: { open } as Partial<BlobStore> as BlobStore };
}

test('a blob is open once however many read it, and closed after the last', async () => {
  const { counts, store } = countingStore();
  const pool = createReaderPool(store, () => assert.fail());
  const leases = await Promise.all([pool.open('a'), pool.open('a'), pool.open('b')]);
  assert.equal(counts.opened, 2);
  leases[0]!.release();
  leases[0]!.release();
  await new Promise(setImmediate);
  assert.equal(counts.closed, 0, 'the second reader of it goes on');
  leases[1]!.release();
  leases[2]!.release();
  await new Promise(setImmediate);
  assert.deepEqual(counts, { opened: 2, closed: 2 });
  assert.equal(pool.openCount, 0);
});

test('a blob stays open a while for the next range, and no longer', async () => {
  const { counts, store } = countingStore();
  const clock = createFakeClock();
  const pool = createReaderPool(store, () => assert.fail(), { clock, idleMs: 10_000 });
  for (let range = 0; range < 3; range += 1) {
    (await pool.open('a')).release();
    await clock.advance(6000);
  }
  assert.deepEqual(counts, { opened: 1, closed: 0 });
  await clock.advance(15_000);
  assert.deepEqual(counts, { opened: 1, closed: 1 });
  assert.equal(clock.sleepers, 0, 'nothing sleeps while nothing is open');

  const reading = await pool.open('a');
  await clock.advance(60_000);
  assert.equal(counts.closed, 1, 'what is read stays open however long');
  reading.release();
  await pool.close();
  await clock.settle();
  assert.deepEqual(counts, { opened: 2, closed: 2 });
  assert.equal(clock.sleepers, 0);
});

test('a blob that was removed is closed at once, or after the last who reads it', async () => {
  const { counts, store } = countingStore();
  const clock = createFakeClock();
  const pool = createReaderPool(store, () => assert.fail(), { clock, idleMs: 10_000 });
  (await pool.open('a')).release();
  const reading = await pool.open('b');
  pool.forget('a');
  pool.forget('b');
  await clock.settle();
  assert.deepEqual(counts, { opened: 2, closed: 1 });
  reading.release();
  await clock.settle();
  assert.deepEqual(counts, { opened: 2, closed: 2 });
});

test('of many blobs that nobody reads, 64 stay open', async () => {
  const { counts, store } = countingStore();
  const pool = createReaderPool(store, () => assert.fail(), { clock: createFakeClock(), idleMs: 10_000 });
  for (let blob = 0; blob < 100; blob += 1) (await pool.open(`blob-${blob}`)).release();
  await new Promise(setImmediate);
  assert.deepEqual(counts, { opened: 100, closed: 36 });
  await pool.close();
});

test('a blob that cannot be opened leaves nothing behind in the pool', async () => {
  const pool = createReaderPool(countingStore().store, () => assert.fail());
  const answers = await Promise.allSettled([pool.open('missing'), pool.open('missing')]);
  assert.deepEqual(
    answers.map(({ status }) => status),
    ['rejected', 'rejected'],
  );
  assert.equal(pool.openCount, 0);
});

test('work under one id runs one after the other, under two ids at once', async () => {
  const locks = createLocks();
  const events: string[] = [];
  const gate = Promise.withResolvers<void>();
  const first = locks.run('a', async () => {
    events.push('a1 begins');
    await gate.promise;
    events.push('a1 ends');
  });
  const second = locks.run('a', async () => void events.push('a2'));
  await locks.run('b', async () => void events.push('b'));
  assert.equal(await locks.take('a'), null);
  gate.resolve();
  await Promise.all([first, second]);
  assert.deepEqual(events, ['a1 begins', 'b', 'a1 ends', 'a2']);
  const lock = await locks.take('a');
  assert.ok(lock);
  assert.equal(await locks.takeOver('a', lock.signal), null);
  await lock.release();
  await lock.release();
  const next = await locks.take('a');
  assert.ok(next && next.token > lock.token);
});

test('the set of ids knows every one that was added and none of the others', () => {
  const set = createIdSet();
  const added = Array.from({ length: 20_000 }, createId);
  for (const id of added) set.add(id);
  assert.ok(added.every((id) => set.has(id)));
  assert.equal(Array.from({ length: 20_000 }, createId).filter((id) => set.has(id)).length, 0);
});
