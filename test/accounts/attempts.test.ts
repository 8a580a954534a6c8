// How often secrets may be tried: by the clock alone, kept in a file.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { createAttempts, network } from '../../src/accounts/local/attempts.ts';
import { sqliteAttempts } from '../../src/accounts/sqlite/attempts.ts';
import { openAccounts } from '../../src/accounts/sqlite/open-accounts.ts';
import { createStore } from '../../src/accounts/sqlite/store.ts';
import { isAppError } from '../../src/errors.ts';
import { createFakeClock, type FakeClock } from '../helpers/fake-clock.ts';
import { temporaryFolder } from '../helpers/temporary-folder.ts';

const minute = 60_000;

async function openStore(clock: FakeClock, file?: string) {
  const store = createStore(openAccounts(file ?? join(await temporaryFolder(), 'accounts.sqlite')), clock);
  after(() => store.close());
  return store;
}

async function openAttempts(clock = createFakeClock()) {
  return createAttempts({ attempts: sqliteAttempts(await openStore(clock), clock) });
}

/** How many of `count` tries were let through to be checked. */
async function tries(count: number, once: () => Promise<unknown>): Promise<number> {
  let passed = 0;
  for (let n = 0; n < count; n += 1) {
    try {
      await once();
      passed += 1;
    } catch (error) {
      if (!isAppError(error, 'too-many')) throw error;
    }
  }
  return passed;
}

test('ten thousand wrong passwords from one address: few are checked, and the right person comes in from elsewhere', async () => {
  const attempts = await openAttempts();
  const one = { address: '203.0.113.9', account: 'ada' };
  assert.equal(await tries(10_000, () => attempts.begin('password', one)), 8);
  assert.equal(await tries(10_000, () => attempts.begin('password', { ...one, account: 'ben' })), 8);
  assert.equal(
    await tries(10_000, () => attempts.begin('password', { ...one, account: 'eve' })),
    4,
    'twenty in all',
  );
  await (await attempts.begin('password', { address: '198.51.100.4', account: 'ada' })).succeeded();
});

test('one address that goes on for hours never uses up what an account has', async () => {
  const clock = createFakeClock();
  const attempts = await openAttempts(clock);
  let passed = 0;
  for (let n = 0; n < 12 * 60; n += 1) {
    passed += await tries(10, () => attempts.begin('password', { address: '203.0.113.9', account: 'ada' }));
    await (await attempts.begin('password', { address: '198.51.100.4', account: 'ada' })).void();
    await clock.advance(minute);
  }
  assert.ok(passed <= 8 + 12 * 60, `${passed} were checked`);
});

test('thousands of addresses use up the account; a browser that was logged in before has an allowance of its own', async () => {
  const clock = createFakeClock();
  const attempts = await openAttempts(clock);
  let from = 0;
  const bot = () =>
    attempts.begin('password', { address: `10.0.${from >> 8}.${from++ & 255}`, account: 'ada' });
  assert.equal(await tries(5000, bot), 40);
  await assert.rejects(attempts.begin('password', { address: '198.51.100.4', account: 'ada' }), {
    kind: 'too-many',
    retryAfterSeconds: 20,
    message: 'Too many attempts. Please wait a minute, then try again.',
  });
  const known = { address: '203.0.113.9', account: 'ada', device: 'mark' };
  await (await attempts.begin('password', known)).succeeded();
  // Somebody who took that browser is limited as well.
  assert.equal(await tries(1000, () => attempts.begin('password', known)), 10);
  await clock.advance(minute);
  assert.equal(await tries(1000, () => attempts.begin('password', known)), 1);
});

test('what is under way counts: a thousand at once are no more than one after the other', async () => {
  const attempts = await openAttempts();
  const who = { address: '203.0.113.9', account: 'ada' };
  const open = [];
  for (let n = 0; n < 8; n += 1) open.push(await attempts.begin('password', who));
  await assert.rejects(attempts.begin('password', who), { kind: 'too-many' });
  await open[0]!.void();
  await open[0]!.void(); // once only
  await attempts.begin('password', who);
  await assert.rejects(attempts.begin('password', who), { kind: 'too-many' });
});

test('the right password starts the account afresh, but not the address it came from', async () => {
  const attempts = await openAttempts();
  const address = '203.0.113.9';
  // Somebody with an account of their own tries others' passwords in between.
  let tried = 0;
  const spray = async () => {
    await attempts.begin('password', { address, account: `victim ${tried % 7}` });
    tried += 1;
    await (await attempts.begin('password', { address, account: 'own' })).succeeded();
  };
  await tries(500, spray);
  assert.ok(tried <= 20, `${tried} were checked`);
});

test('tries come back with time, never more than at the start', async () => {
  const clock = createFakeClock();
  const attempts = await openAttempts(clock);
  const once = () => attempts.begin('setup-code', { address: '203.0.113.9', account: 'first' });
  assert.equal(await tries(100, once), 5);
  await clock.advance(minute);
  assert.equal(await tries(100, once), 1);
  await clock.advance(1000 * minute);
  assert.equal(await tries(100, once), 5);
});

test('an account is the same however it is typed, and kinds do not use up each other', async () => {
  const attempts = await openAttempts();
  const address = '203.0.113.9';
  const spellings = ['ada', 'ADA', ' Ada '];
  let n = 0;
  const once = () => attempts.begin('password', { address, account: spellings[n++ % 3]! });
  assert.equal(await tries(100, once), 8);
  await attempts.begin('code', { address, account: 'ada' });
});

test('what is kept is bounded, and who tries much is not forgotten for those who try once', async () => {
  const clock = createFakeClock();
  const store = await openStore(clock);
  const attempts = createAttempts({ attempts: sqliteAttempts(store, clock, 1000) });
  const heavy = { address: '203.0.113.9', account: 'ada' };
  await tries(100, () => attempts.begin('password', heavy));
  let most = 0;
  for (let n = 0; n < 2000; n += 1) {
    const address = `2001:db8:${(n >> 8).toString(16)}:${n & 255}::1`;
    await attempts.begin('password', { address, account: `x${n}` });
    most = Math.max(most, store.get<{ n: number }>('SELECT count(*) AS n FROM attempt')!.n);
  }
  assert.ok(most > 900 && most <= 1100, `${most} were kept`);
  await assert.rejects(attempts.begin('password', heavy), { kind: 'too-many' });
});

test('a restart forgets no tries, and what is whole again leaves nothing', async () => {
  const clock = createFakeClock();
  const file = join(await temporaryFolder(), 'accounts.sqlite');
  const store = await openStore(clock, file);
  const who = { address: '203.0.113.9', account: 'ada' };
  const before = createAttempts({ attempts: sqliteAttempts(store, clock) });
  assert.equal(await tries(100, () => before.begin('password', who)), 8);
  store.close();
  const again = await openStore(clock, file);
  const attempts = createAttempts({ attempts: sqliteAttempts(again, clock) });
  assert.equal(await tries(100, () => attempts.begin('password', who)), 0);
  await clock.advance(minute);
  assert.equal(await tries(100, () => attempts.begin('password', who)), 1);
  await clock.advance(60 * minute);
  await (await attempts.begin('password', who)).void();
  assert.equal(again.get<{ n: number }>('SELECT count(*) AS n FROM attempt')!.n, 0);
});

test('a clock that was set back a year keeps nobody out for longer than the tries cost', async () => {
  let nowMs = Date.UTC(2027, 0, 1);
  const clock = { ...createFakeClock(), nowMs: () => nowMs } as FakeClock;
  const attempts = createAttempts({ attempts: sqliteAttempts(await openStore(clock), clock) });
  const who = { address: '203.0.113.9', account: 'ada' };
  assert.equal(await tries(100, () => attempts.begin('password', who)), 8);
  nowMs = Date.UTC(2026, 0, 1);
  assert.equal(await tries(100, () => attempts.begin('password', who)), 0);
  nowMs += minute;
  assert.ok((await tries(100, () => attempts.begin('password', who))) <= 1);
  nowMs += 8 * minute;
  assert.equal(await tries(100, () => attempts.begin('password', who)), 8);
});

test('an IPv6 line is one address, however many of its own it uses', () => {
  const same = [
    ...[
      '2001:db8:1:2::1',
      '2001:db8:1:2:ffff:ffff:ffff:ffff',
      '2001:0DB8:0001:0002::',
      '2001:db8:1:2:3::4%eth0',
    ],
    '2001:db8:1:2:3:4:192.0.2.1',
  ];
  assert.deepEqual([...new Set(same.map(network))], ['2001:db8:1:2::/64']);
  assert.notEqual(network('2001:db8:1:3::1'), network('2001:db8:1:2::1'));
  assert.equal(network('::1'), '0:0:0:0::/64');
  assert.equal(network('::ffff:192.0.2.7'), '192.0.2.7');
  assert.equal(network('192.0.2.7'), '192.0.2.7');
  assert.equal(network('fe80::1:2:3:4:5'), 'fe80:0:0:1::/64');
});
