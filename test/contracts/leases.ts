// What every store of leases must do. Run by each adapter's own test file.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { isAppError } from '../../src/errors.ts';
import type { LeaseRow, LeaseStore } from '../../src/leases/lease-store.ts';

/** null: the test was skipped already. A fresh store each time. */
export type MakeLeases = (t: TestContext) => Promise<LeaseStore | null>;

export function leasesContract(adapter: string, make: MakeLeases): void {
  const it = (name: string, work: (store: LeaseStore) => Promise<void>) =>
    test(`${adapter}: ${name}`, async (t) => {
      const store = await make(t);
      if (store) await work(store);
    });
  const lease = (holder: string, note = {}) => ({ name: 'camera:door', holder, lengthMs: 6000, note });
  const taken = async (store: LeaseStore, holder: string, seen: LeaseRow | null = null) => {
    const row = await store.take(lease(holder), seen);
    assert.ok(row, `${holder} took it`);
    return row;
  };

  it('one that nobody ever took is not there, and the first to take it has token 1', async (store) => {
    assert.equal(await store.read('camera:door'), null);
    const row = await store.take(lease('a', { url: 'http://a:5000' }), null);
    const expected = {
      ...{ name: 'camera:door', token: 1, holder: 'a', beat: 0, lengthMs: 6000 },
      ...{ note: { url: 'http://a:5000' }, asked: 0 },
    };
    assert.deepEqual(row, expected);
    assert.deepEqual(await store.read('camera:door'), expected);
  });

  it('of many who take it at once one has it, whether it was there or not', async (store) => {
    const holders = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];
    let seen: LeaseRow | null = null;
    for (let token = 1; token <= 5; token += 1) {
      const asSeen = seen;
      const rows: (LeaseRow | null)[] = await Promise.all(
        holders.map((holder) => store.take(lease(`${holder}${token}`), asSeen)),
      );
      const won = rows.filter((row) => row !== null);
      assert.equal(won.length, 1);
      assert.equal(won[0]!.token, token);
      seen = await store.read('camera:door');
      assert.deepEqual(seen, won[0]);
    }
  });

  it('a taking that is sent twice is the same lease; one sent again after the next taking is nothing', async (store) => {
    const first = await taken(store, 'a');
    assert.deepEqual(await store.take(lease('a'), null), first);
    const second = await taken(store, 'b', first);
    assert.equal(second.token, 2);
    assert.equal(await store.take(lease('a'), null), null);
    assert.deepEqual(await store.take(lease('b'), first), second);
    assert.deepEqual(await store.read('camera:door'), second);
  });

  it('is not taken once its beat went on, it was given back, or another has it', async (store) => {
    const row = await taken(store, 'a');
    const beaten = await store.beat(row);
    assert.equal(beaten?.beat, 1);
    assert.equal(await store.take(lease('b'), row), null);
    await store.release(row);
    assert.equal(await store.take(lease('b'), beaten), null);
    const free = await store.read('camera:door');
    assert.equal(free?.holder, null);
    assert.equal((await taken(store, 'b', free)).token, 2);
    assert.equal(await store.take(lease('c'), free), null);
  });

  it('a beat tells the note, and those of an older holder count for nothing', async (store) => {
    const row = await taken(store, 'a');
    const note = { viewers: 3, 'a.b': { $set: 'plain text' }, list: [1, null, 'ü'] };
    assert.deepEqual((await store.beat(row, note))?.note, note);
    assert.deepEqual((await store.beat(row))?.note, note);
    const next = await taken(store, 'b', await store.read('camera:door'));
    assert.deepEqual(next.note, {});
    assert.equal(await store.beat(row, { mine: true }), null);
    assert.deepEqual(await store.read('camera:door'), next);
  });

  it('once given back it does not beat, also where a beat comes late', async (store) => {
    const row = await taken(store, 'a');
    await store.release(row);
    const free = await store.read('camera:door');
    assert.equal(await store.beat(row), null);
    assert.deepEqual(await store.read('camera:door'), free);
  });

  it('giving back twice, or after another took it, does no harm', async (store) => {
    const row = await taken(store, 'a');
    await store.release(row);
    await store.release(row);
    const next = await taken(store, 'b', await store.read('camera:door'));
    await store.release(row);
    assert.deepEqual(await store.read('camera:door'), next);
    await store.release({ name: 'nobody ever took it', token: 1 });
    assert.equal(await store.read('nobody ever took it'), null);
  });

  it('who asks is counted for the holder of that time alone', async (store) => {
    const row = await taken(store, 'a');
    await store.ask(row);
    await store.ask(row);
    assert.equal((await store.beat(row))?.asked, 2);
    const next = await taken(store, 'b', await store.read('camera:door'));
    assert.equal(next.asked, 0);
    await store.ask(row);
    assert.equal((await store.read('camera:door'))?.asked, 0);
  });

  it('is forgotten only where nobody holds it', async (store) => {
    const row = await taken(store, 'a');
    await store.forget('camera:door');
    assert.deepEqual(await store.read('camera:door'), row);
    await store.release(row);
    await store.forget('camera:door');
    await store.forget('camera:door');
    assert.equal(await store.read('camera:door'), null);
    assert.equal((await taken(store, 'b')).token, 1);
  });

  it('lists those whose names begin so and that somebody holds, and no others', async (store) => {
    const names = ['camera:a', 'camera:b', 'camera:', 'camera-process:a', 'cameraz', 'video:a', 'camer'];
    for (const name of names) assert.ok(await store.take({ ...lease('a'), name }, null));
    const listed = async (prefix: string) => (await store.list(prefix)).map(({ name }) => name).sort();
    assert.deepEqual(await listed('camera:'), ['camera:', 'camera:a', 'camera:b']);
    assert.deepEqual(await listed('camera'), [
      'camera-process:a',
      'camera:',
      'camera:a',
      'camera:b',
      'cameraz',
    ]);
    assert.deepEqual(await listed('nothing'), []);
    await store.release({ name: 'camera:a', token: 1 });
    assert.deepEqual(await listed('camera:'), ['camera:', 'camera:b']);
  });

  it('names and notes beyond their limits are refused', async (store) => {
    const isRefused = (error: unknown) => isAppError(error, 'bad-request');
    await assert.rejects(store.take({ ...lease('a'), name: '' }, null), isRefused);
    await assert.rejects(store.take({ ...lease('a'), name: 'a'.repeat(201) }, null), isRefused);
    await assert.rejects(store.take(lease('a', { text: 'ü'.repeat(9000) }), null), isRefused);
    const longest = { ...lease('a', { text: 'a'.repeat(16_000) }), name: 'a'.repeat(200) };
    assert.ok(await store.take(longest, null));
    await assert.rejects(
      store.beat({ name: longest.name, token: 1 }, { text: 'a'.repeat(17_000) }),
      isRefused,
    );
  });

  it('what is handed out is a copy', async (store) => {
    const row = await taken(store, 'a');
    (row.note as { mine?: boolean }).mine = true;
    assert.deepEqual((await store.read('camera:door'))?.note, {});
  });
}
