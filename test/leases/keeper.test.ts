// The keeper of leases: taking, keeping, losing and giving back, with clocks that the test moves.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pino } from 'pino';
import { AppError, isAppError } from '../../src/errors.ts';
import { createLeaseKeeper } from '../../src/leases/create-lease-keeper.ts';
import type { LeaseStore } from '../../src/leases/lease-store.ts';
import { createMemoryLeases } from '../../src/leases/memory-leases.ts';
import { createFakeClock } from '../helpers/fake-clock.ts';

const log = pino({ level: 'silent' });
const lengthMs = 6000;
const never = new AbortController().signal;

/** Keepers of several processes, each with a clock of its own, over one store that can be away. */
function createHouse() {
  const leases = createMemoryLeases();
  let isAway = false;
  /** Applied, and the answer lost. */
  let isDeaf = false;
  const calls: string[] = [];
  const store = Object.fromEntries(
    Object.entries(leases).map(([name, call]) => [
      name,
      async (...values: unknown[]) => {
        calls.push(name);
        if (isAway) throw new AppError('unavailable', 'The database cannot be reached right now.');
        const answer = await (call as (...values: unknown[]) => unknown)(...values);
        if (isDeaf) throw new AppError('unavailable', 'The database cannot be reached right now.');
        return answer;
      },
    ]),
  ) as LeaseStore;
  const open = (holder: string) => {
    const clock = createFakeClock();
    return { clock, keeper: createLeaseKeeper({ store, clock, log, holder, random: () => 0.5 }) };
  };
  return {
    ...{ leases, calls, open },
    setAway: (away: boolean) => (isAway = away),
    setDeaf: (deaf: boolean) => (isDeaf = deaf),
  };
}

const isLost = (error: unknown) => isAppError(error, 'conflict');

test('a lease that its holder keeps alive is nobody else’s for as long as that goes on', async () => {
  const { open } = createHouse();
  const [a, b] = [open('a'), open('b')];
  const held = await a.keeper.take('tidy', { lengthMs });
  assert.ok(held);
  assert.equal(held.token, 1);
  for (let turn = 0; turn < 20; turn += 1) {
    await a.clock.advance(2500);
    assert.equal(await b.keeper.take('tidy', { lengthMs }), null);
    await b.clock.advance(2500);
    held.assertHeld();
  }
  assert.equal(held.signal.aborted, false);
});

test('one whose beat stands still is taken after its whole length by the watcher’s own clock, and not before', async () => {
  const { open } = createHouse();
  const [a, b] = [open('a'), open('b')];
  assert.ok(await a.keeper.take('tidy', { lengthMs }));
  // However late it is for b: it has never looked.
  await b.clock.advance(3_600_000);
  assert.equal(await b.keeper.take('tidy', { lengthMs }), null);
  await b.clock.advance(lengthMs - 1);
  assert.equal(await b.keeper.take('tidy', { lengthMs }), null);
  await b.clock.advance(1);
  assert.equal((await b.keeper.take('tidy', { lengthMs }))?.token, 2);
});

test('a beat in between lets the watcher wait for the whole length again', async () => {
  const { open } = createHouse();
  const [a, b] = [open('a'), open('b')];
  assert.ok(await a.keeper.take('tidy', { lengthMs }));
  assert.equal(await b.keeper.take('tidy', { lengthMs }), null);
  await b.clock.advance(5000);
  await a.clock.advance(2000);
  await b.clock.advance(1000);
  assert.equal(await b.keeper.take('tidy', { lengthMs }), null);
  await b.clock.advance(5999);
  assert.equal(await b.keeper.take('tidy', { lengthMs }), null);
  await b.clock.advance(1);
  assert.ok(await b.keeper.take('tidy', { lengthMs }));
});

test('of two who saw it stand still one takes it, and the other waits for the new one’s length', async () => {
  const { open } = createHouse();
  const [a, b, c] = [open('a'), open('b'), open('c')];
  assert.ok(await a.keeper.take('tidy', { lengthMs }));
  for (const { keeper, clock } of [b, c]) {
    assert.equal(await keeper.take('tidy', { lengthMs }), null);
    await clock.advance(lengthMs);
  }
  const taken = await Promise.all([b.keeper.take('tidy', { lengthMs }), c.keeper.take('tidy', { lengthMs })]);
  assert.equal(taken.filter((held) => held !== null).length, 1);
  assert.equal(taken.find((held) => held !== null)?.token, 2);
  const loser = taken[0] ? c : b;
  assert.equal(await loser.keeper.take('tidy', { lengthMs }), null);
});

test('who slept past the lease finds it lost on waking, before anything else is done', async () => {
  const { open, calls } = createHouse();
  const [a, b] = [open('a'), open('b')];
  const held = await a.keeper.take('tidy', { lengthMs });
  assert.ok(held);
  await b.keeper.take('tidy', { lengthMs });
  await b.clock.advance(lengthMs);
  assert.ok(await b.keeper.take('tidy', { lengthMs }));
  // The clock goes on while the process is stopped; no timer has run yet.
  const jumped = a.clock.monotonicMs;
  a.clock.monotonicMs = () => jumped() + 30_000;
  calls.length = 0;
  assert.throws(() => held.assertHeld(), isLost);
  assert.equal(held.signal.aborted, true);
  assert.deepEqual(calls, [], 'nobody had to be asked');
});

test('on waking the signal aborts by itself, with the first timer that runs', async () => {
  const { open, leases } = createHouse();
  const { clock, keeper } = open('a');
  const held = await keeper.take('tidy', { lengthMs });
  assert.ok(held);
  await clock.settle();
  const jumped = clock.monotonicMs;
  clock.monotonicMs = () => jumped() + 30_000;
  await clock.advance(2000);
  assert.equal(held.signal.aborted, true);
  assert.equal((await leases.read('tidy'))?.beat, 0, 'it did not beat for what it had lost');
});

test('while the database is away what is held stays held until its time is over, and is lost then', async () => {
  const { open, setAway } = createHouse();
  const { clock, keeper } = open('a');
  const held = await keeper.take('camera:door', { lengthMs });
  assert.ok(held);
  await clock.advance(3000);
  setAway(true);
  // The last beat was sent at 2000; a tenth of the length is left to those whose clock is slow.
  await clock.advance(4399);
  held.assertHeld();
  assert.equal(held.signal.aborted, false);
  await clock.advance(1);
  assert.equal(held.signal.aborted, true);
  assert.throws(() => held.assertHeld(), isLost);
  setAway(false);
  const again = await keeper.take('camera:door', { lengthMs });
  assert.equal(again?.token, 2, 'what is its own in the store need not be waited for');
});

test('a database that comes back in time costs nothing', async () => {
  const { open, setAway } = createHouse();
  const { clock, keeper } = open('a');
  const held = await keeper.take('camera:door', { lengthMs });
  assert.ok(held);
  for (let turn = 0; turn < 10; turn += 1) {
    setAway(true);
    await clock.advance(3000);
    setAway(false);
    await clock.advance(2000);
    held.assertHeld();
  }
});

test('a beat that hangs keeps neither the next from being sent nor its time from being over', async () => {
  const leases = createMemoryLeases();
  let isHanging = true;
  const store: LeaseStore = {
    ...leases,
    beat: (...values) => (isHanging ? new Promise(() => {}) : leases.beat(...values)),
  };
  const clock = createFakeClock();
  const keeper = createLeaseKeeper({ store, clock, log });
  const held = await keeper.take('a', { lengthMs });
  await clock.advance(2000);
  isHanging = false;
  await clock.advance(10_000);
  held?.assertHeld();
  isHanging = true;
  await clock.advance(7000);
  assert.equal(held?.signal.aborted, true);
});

test('one that was taken by another is lost with the next beat', async () => {
  const { open, leases } = createHouse();
  const { clock, keeper } = open('a');
  const held = await keeper.take('tidy', { lengthMs });
  const row = await leases.read('tidy');
  await leases.take({ name: 'tidy', holder: 'b', lengthMs, note: {} }, row);
  await clock.advance(2000);
  assert.equal(held?.signal.aborted, true);
  assert.ok(isLost(held?.signal.reason));
});

test('one that was given back is taken at once, and giving back twice does no harm', async () => {
  const { open } = createHouse();
  const [a, b] = [open('a'), open('b')];
  const held = await a.keeper.take('tidy', { lengthMs });
  assert.ok(held);
  await held.release();
  assert.throws(() => held.assertHeld(), isLost);
  assert.equal(held.signal.aborted, true);
  const next = await b.keeper.take('tidy', { lengthMs });
  assert.equal(next?.token, 2);
  await held.release();
  await b.clock.advance(20_000);
  next?.assertHeld();
});

test('what could not be given back is tried again, and its own process does not wait for it', async () => {
  const { open, setAway, leases } = createHouse();
  const a = open('a');
  const held = await a.keeper.take('tidy', { lengthMs });
  setAway(true);
  await held?.release();
  setAway(false);
  assert.equal((await leases.read('tidy'))?.holder, 'a');
  await a.clock.advance(2000);
  assert.equal((await leases.read('tidy'))?.holder, null);
});

test('a taking whose answer was lost is its own the next time, at once, and beats of it lost on the way do no harm', async () => {
  const { open, setDeaf } = createHouse();
  const [a, b] = [open('a'), open('b')];
  setDeaf(true);
  await assert.rejects(a.keeper.take('tidy', { lengthMs, isNew: true }), (error) =>
    isAppError(error, 'unavailable'),
  );
  setDeaf(false);
  assert.equal(await b.keeper.take('tidy', { lengthMs }), null);
  const held = await a.keeper.take('tidy', { lengthMs });
  assert.equal(held?.token, 2);
  for (let turn = 0; turn < 6; turn += 1) {
    setDeaf(turn % 2 === 0);
    await a.clock.advance(2000);
    held?.assertHeld();
  }
});

test('within a process one holds it at a time, and those who wait come next', async () => {
  const { open } = createHouse();
  const { keeper, clock } = open('a');
  const [first, second] = await Promise.all([keeper.take('x', { lengthMs }), keeper.take('x', { lengthMs })]);
  assert.ok(first && second === null);
  assert.equal(await keeper.take('x', { lengthMs }), null);
  const order: number[] = [];
  const waiters = [1, 2, 3].map(async (number) => {
    const held = await keeper.wait('x', { lengthMs }, never);
    order.push(number);
    await held.release();
  });
  await clock.settle();
  assert.deepEqual(order, []);
  await first.release();
  await clock.advance(5000);
  await Promise.all(waiters);
  assert.deepEqual(order.toSorted(), [1, 2, 3]);
});

test('who holds it hears once that it is wanted: from its own process at once, from others with the next beat', async () => {
  const { open } = createHouse();
  const [a, b] = [open('a'), open('b')];
  const held = await a.keeper.take('upload:x', { lengthMs, beatMs: 1000 });
  assert.ok(held);
  let asked = 0;
  held.onAsked(() => {
    asked += 1;
  });
  const waiting = b.keeper.wait('upload:x', { lengthMs, asks: true }, never);
  await b.clock.advance(3000);
  assert.equal(asked, 0);
  await a.clock.advance(1000);
  assert.equal(asked, 1);
  await a.clock.advance(3000);
  assert.equal(asked, 1);
  let late = 0;
  held.onAsked(() => {
    late += 1;
  });
  await a.clock.settle();
  assert.equal(late, 1, 'who listens late is told too');
  await held.release();
  await b.clock.advance(1000);
  const next = await waiting;
  assert.equal(next.token, 2);
  let isAskedHere = false;
  next.onAsked(() => {
    isAskedHere = true;
  });
  const local = b.keeper.wait('upload:x', { lengthMs, asks: true }, never);
  await b.clock.settle();
  assert.equal(isAskedHere, true);
  await next.release();
  await b.clock.advance(1000);
  await (await local).release();
});

test('who waits without asking disturbs nobody, and can stop waiting', async () => {
  const { open, leases } = createHouse();
  const [a, b] = [open('a'), open('b')];
  const held = await a.keeper.take('video:x', { lengthMs });
  const stopping = new AbortController();
  const [elsewhere, here] = [b, a].map(({ keeper }) => keeper.wait('video:x', { lengthMs }, stopping.signal));
  const both = Promise.allSettled([elsewhere, here]);
  await b.clock.advance(5000);
  assert.equal((await leases.read('video:x'))?.asked, 0);
  stopping.abort(new AppError('gone', 'Nobody waits any more.'));
  for (const outcome of await both) {
    assert.equal(outcome.status, 'rejected');
    assert.ok(isAppError(outcome.reason, 'gone'));
  }
  held?.assertHeld();
});

test('who only waits for it to be left takes nothing, and goes on at once where nobody else has it', async () => {
  const { open, leases } = createHouse();
  const [a, b] = [open('a'), open('b')];
  await b.keeper.untilLeft('upload:x', { asks: true }, never);
  const held = await a.keeper.take('upload:x', { lengthMs, beatMs: 1000 });
  await a.keeper.untilLeft('upload:x', { asks: true }, never);
  held?.onAsked(() => void held.release());
  const left = b.keeper.untilLeft('upload:x', { asks: true }, never);
  await b.clock.settle();
  await a.clock.advance(1000);
  await b.clock.advance(1000);
  await left;
  assert.deepEqual(await leases.read('upload:x').then((row) => [row?.token, row?.holder]), [1, null]);
});

test('nothing is kept of one that is over for good', async () => {
  const { open, leases } = createHouse();
  const { keeper } = open('a');
  const held = await keeper.take('video:x', { lengthMs, isNew: true });
  await held?.release(true);
  assert.equal(await leases.read('video:x'), null);
  assert.equal((await keeper.take('video:x', { lengthMs }))?.token, 1);
});

test('what is seen leaves out those given back and those whose holder stands still, and is asked once a second', async () => {
  const { open, calls, setAway } = createHouse();
  const [a, b, watcher] = [open('a'), open('b'), open('watcher')];
  await assert.doesNotReject(a.keeper.take('camera:1', { lengthMs, note: { url: 'http://a' } }));
  await a.keeper.take('tidy', { lengthMs });
  const second = await b.keeper.take('camera:2', { lengthMs });
  const names = async () =>
    (await watcher.keeper.seen('camera:')).map(({ name, note }) => `${name} ${note.url ?? ''}`).sort();
  assert.deepEqual(await names(), ['camera:1 http://a', 'camera:2 ']);
  calls.length = 0;
  await Promise.all([names(), names(), names()]);
  assert.deepEqual(calls, []);
  await watcher.clock.advance(1000);
  await Promise.all([names(), names(), names()]);
  assert.deepEqual(calls, ['list']);
  second?.setNote({ url: 'http://b' });
  await b.clock.advance(2000);
  await watcher.clock.advance(1000);
  assert.deepEqual(await names(), ['camera:1 http://a', 'camera:2 http://b']);
  // a has stopped; b goes on.
  await b.clock.advance(3000);
  await watcher.clock.advance(4000);
  assert.deepEqual(await names(), ['camera:2 http://b']);
  setAway(true);
  await watcher.clock.advance(60_000);
  assert.deepEqual(await names(), ['camera:2 http://b'], 'nobody can be seen to stand still');
  await assert.rejects(watcher.keeper.seen('task:'), (error) => isAppError(error, 'unavailable'));
  setAway(false);
  await second?.release();
  assert.deepEqual(await names(), []);
});

test('a keeper that ends gives all back, and takes no more', async () => {
  const { open, leases } = createHouse();
  const { keeper } = open('a');
  const held = await Promise.all(['x', 'y', 'z'].map((name) => keeper.take(name, { lengthMs })));
  const coming = keeper.take('w', { lengthMs });
  await Promise.all([keeper.close(), keeper.close(), assert.rejects(coming)]);
  for (const name of ['w', 'x', 'y', 'z']) assert.equal((await leases.read(name))?.holder, null, name);
  for (const one of held) assert.equal(one?.signal.aborted, true);
  await assert.rejects(keeper.take('x', { lengthMs }), (error) => isAppError(error, 'unavailable'));
});
