// What changed in other processes is known in time: at once, within 2 s, after 10 s by itself, and not while the
// database is away.
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import type { Db } from 'mongodb';
import { pino } from 'pino';
import { isAppError } from '../../src/errors.ts';
import { createChanges } from '../../src/mongo/changes.ts';
import { createFakeClock, type FakeClock } from '../helpers/fake-clock.ts';
import { seenTwice } from '../helpers/mongo/faulty-database.ts';
import { openTestDatabase } from '../helpers/mongo/test-database.ts';
import { until } from '../helpers/until.ts';

const log = pino({ level: 'silent' });

function open(t: TestContext, db: Db, clock: FakeClock) {
  const changes = createChanges({ db, clock, log });
  t.after(() => changes.close());
  return changes;
}

/** Counters that can be asked how often they were read, and that can be away. */
function watched(db: Db) {
  const state = { reads: 0, isAway: false };
  const away = () => Object.assign(new Error('away'), { name: 'MongoServerSelectionError' });
  const counters = db.collection('changes');
  const proxy = new Proxy(db, {
    get(target, name) {
      if (name !== 'collection') return Reflect.get(target, name, target);
      return () => ({
        find: (...values: Parameters<typeof counters.find>) => ({
          async toArray() {
            if (state.isAway) {
              state.reads++;
              throw away();
            }
            const found = await counters.find(...values).toArray();
            state.reads++;
            return found;
          },
        }),
        findOneAndUpdate: (...values: Parameters<typeof counters.findOneAndUpdate>) =>
          state.isAway ? Promise.reject(away()) : counters.findOneAndUpdate(...values),
        watch: () => counters.watch(),
      });
    },
  });
  return { db: proxy, state };
}

/** Lets the next look happen, and waits for it. */
async function nextLook(clock: FakeClock, state: { reads: number }): Promise<void> {
  const { reads } = state;
  await clock.advance(1500);
  await until(() => state.reads > reads);
  await clock.settle();
}

describe('What changed', () => {
  it('is known at once where it was, and with the next look elsewhere', async (t) => {
    const opened = await openTestDatabase(t);
    if (!opened) return;
    const clock = createFakeClock();
    const { db, state } = watched(opened.db);
    const [here, there] = [open(t, opened.db, clock), open(t, db, clock)];
    there.revision('access');
    there.revision('cameras');
    await until(() => state.reads > 0);
    await nextLook(clock, state);
    const before = [here.revision('access'), there.revision('access'), there.revision('cameras')] as const;
    await here.bump('access');
    assert.notEqual(here.revision('access'), before[0]);
    await nextLook(clock, state);
    const after = there.revision('access');
    assert.notEqual(after, before[1]);
    assert.equal(there.revision('cameras'), before[2], 'another topic stands still');
    await nextLook(clock, state);
    assert.equal(there.revision('access'), after, 'told once');
  });

  it('is told to listeners without being asked, until they want no more', async (t) => {
    const opened = await openTestDatabase(t);
    if (!opened) return;
    const clock = createFakeClock();
    const { db, state } = watched(opened.db);
    const [here, there] = [open(t, opened.db, clock), open(t, db, clock)];
    let told = 0;
    const end = there.on('cameras', () => told++);
    await until(() => state.reads > 0);
    await nextLook(clock, state);
    const first = told;
    await here.bump('cameras');
    await nextLook(clock, state);
    assert.equal(told, first + 1);
    await there.bump('cameras');
    assert.equal(told, first + 2);
    end();
    await there.bump('cameras');
    assert.equal(told, first + 2);
  });

  it('is taken for possible after 10 s, and where nobody looked for a while', async (t) => {
    const opened = await openTestDatabase(t);
    if (!opened) return;
    const clock = createFakeClock();
    const { db, state } = watched(opened.db);
    const changes = open(t, db, clock);
    changes.revision('access');
    await until(() => state.reads > 0);
    await nextLook(clock, state);
    const before = changes.revision('access');
    for (let i = 0; i < 8; i++) {
      await nextLook(clock, state);
      changes.revision('access');
    }
    assert.notEqual(changes.revision('access'), before, 'somebody may have died before telling');
    const last = changes.revision('access');
    await clock.advance(60_000);
    assert.notEqual(changes.revision('access'), last);
    const idle = state.reads;
    await clock.advance(60_000);
    assert.ok(state.reads - idle < 12, 'nobody asks, so nobody looks');
  });

  it('cannot be known while the database is away: then all stands still for minutes, not for ever', async (t) => {
    const opened = await openTestDatabase(t);
    if (!opened) return;
    const clock = createFakeClock();
    const { db, state } = watched(opened.db);
    const changes = open(t, db, clock);
    changes.revision('access');
    await until(() => state.reads > 0);
    await nextLook(clock, state);
    state.isAway = true;
    await nextLook(clock, state);
    const before = changes.revision('access');
    for (let i = 0; i < 40; i++) {
      await clock.advance(1500);
      assert.equal(changes.revision('access'), before);
    }
    await assert.rejects(changes.bump('access'), (error) => isAppError(error, 'unavailable'));
    assert.notEqual(changes.revision('access'), before, 'what this process wrote may have been done');
    const own = changes.revision('access');
    await clock.advance(6 * 60_000);
    assert.notEqual(changes.revision('access'), own);
    state.isAway = false;
    await until(async () => {
      await clock.advance(1500);
      return changes.revision('access') !== own;
    });
  });

  it('is counted by many at once, each write seen twice, without one being missed', async (t) => {
    const opened = await openTestDatabase(t);
    if (!opened) return;
    const clock = createFakeClock();
    const all = Array.from({ length: 4 }, () => open(t, seenTwice(opened.db), clock));
    const before = all.map((changes) => changes.revision('access'));
    await Promise.all(all.flatMap((changes) => Array.from({ length: 10 }, () => changes.bump('access'))));
    for (const [i, changes] of all.entries()) assert.notEqual(changes.revision('access'), before[i]);
    await all[0]!.close();
    assert.equal(typeof all[0]!.revision('access'), 'number');
  });
});
