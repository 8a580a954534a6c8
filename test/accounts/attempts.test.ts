// How often secrets may be tried: by the clock alone.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { createAttempts, network } from '../../src/accounts/local/attempts.ts';
import { isAppError } from '../../src/errors.ts';
import { createFakeClock } from '../helpers/fake-clock.ts';

const minute = 60_000;

/** How many of `count` tries were let through to be checked. */
function tries(count: number, once: () => unknown): number {
  let passed = 0;
  for (let n = 0; n < count; n += 1) {
    try {
      once();
      passed += 1;
    } catch (error) {
      if (!isAppError(error, 'too-many')) throw error;
    }
  }
  return passed;
}

test('ten thousand wrong passwords from one address: few are checked, and the right person comes in from elsewhere', () => {
  const attempts = createAttempts(createFakeClock());
  const one = { address: '203.0.113.9', account: 'ada' };
  assert.equal(
    tries(10_000, () => attempts.begin('password', one)),
    8,
  );
  assert.equal(
    tries(10_000, () => attempts.begin('password', { ...one, account: 'ben' })),
    8,
  );
  assert.equal(
    tries(10_000, () => attempts.begin('password', { ...one, account: 'eve' })),
    4,
    'twenty in all',
  );
  attempts.begin('password', { address: '198.51.100.4', account: 'ada' }).succeeded();
});

test('one address that goes on for hours never uses up what an account has', async () => {
  const clock = createFakeClock();
  const attempts = createAttempts(clock);
  let passed = 0;
  for (let n = 0; n < 12 * 60; n += 1) {
    passed += tries(10, () => attempts.begin('password', { address: '203.0.113.9', account: 'ada' }));
    attempts.begin('password', { address: '198.51.100.4', account: 'ada' }).void();
    await clock.advance(minute);
  }
  assert.ok(passed <= 8 + 12 * 60, `${passed} were checked`);
});

test('thousands of addresses use up the account; a browser that was logged in before has an allowance of its own', async () => {
  const clock = createFakeClock();
  const attempts = createAttempts(clock);
  let from = 0;
  const bot = () =>
    attempts.begin('password', { address: `10.0.${from >> 8}.${from++ & 255}`, account: 'ada' });
  assert.equal(tries(5000, bot), 40);
  assert.throws(() => attempts.begin('password', { address: '198.51.100.4', account: 'ada' }), {
    kind: 'too-many',
    retryAfterSeconds: 20,
    message: 'Too many attempts. Please wait a minute, then try again.',
  });
  const known = { address: '203.0.113.9', account: 'ada', device: 'mark' };
  attempts.begin('password', known).succeeded();
  // Somebody who took that browser is limited as well.
  assert.equal(
    tries(1000, () => attempts.begin('password', known)),
    10,
  );
  await clock.advance(minute);
  assert.equal(
    tries(1000, () => attempts.begin('password', known)),
    1,
  );
});

test('what is under way counts: a thousand at once are no more than one after the other', () => {
  const attempts = createAttempts(createFakeClock());
  const who = { address: '203.0.113.9', account: 'ada' };
  const open = [];
  for (let n = 0; n < 8; n += 1) open.push(attempts.begin('password', who));
  assert.throws(() => attempts.begin('password', who), { kind: 'too-many' });
  open[0]!.void();
  open[0]!.void(); // once only
  attempts.begin('password', who);
  assert.throws(() => attempts.begin('password', who), { kind: 'too-many' });
});

test('the right password starts the account afresh, but not the address it came from', () => {
  const attempts = createAttempts(createFakeClock());
  const address = '203.0.113.9';
  // Somebody with an account of their own tries others' passwords in between.
  let tried = 0;
  const spray = () => {
    attempts.begin('password', { address, account: `victim ${tried % 7}` });
    tried += 1;
    attempts.begin('password', { address, account: 'own' }).succeeded();
  };
  tries(500, spray);
  assert.ok(tried <= 20, `${tried} were checked`);
});

test('tries come back with time, never more than at the start', async () => {
  const clock = createFakeClock();
  const attempts = createAttempts(clock);
  const once = () => attempts.begin('setup-code', { address: '203.0.113.9', account: 'first' });
  assert.equal(tries(100, once), 5);
  await clock.advance(minute);
  assert.equal(tries(100, once), 1);
  await clock.advance(1000 * minute);
  assert.equal(tries(100, once), 5);
});

test('an account is the same however it is typed, and kinds do not use up each other', () => {
  const attempts = createAttempts(createFakeClock());
  const address = '203.0.113.9';
  const spellings = ['ada', 'ADA', ' Ada '];
  let n = 0;
  const once = () => attempts.begin('password', { address, account: spellings[n++ % 3]! });
  assert.equal(tries(100, once), 8);
  attempts.begin('code', { address, account: 'ada' });
});

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
/** What is left of the heap once what nobody needs is gone. */
function keptBytes(): number {
  collect();
  return process.memoryUsage().heapUsed;
}

test('memory is bounded, and who tries much is not forgotten for those who try once', () => {
  const attempts = createAttempts(createFakeClock());
  const heavy = { address: '203.0.113.9', account: 'ada' };
  tries(100, () => attempts.begin('password', heavy));
  const before = keptBytes();
  for (let n = 0; n < 60_000; n += 1)
    tries(1, () =>
      attempts.begin('password', {
        address: `2001:db8:${(n >> 8).toString(16)}:${n & 255}::1`,
        account: `x${n}`,
      }),
    );
  const grownMb = (keptBytes() - before) / 1e6;
  assert.ok(grownMb < 60, `${grownMb.toFixed(0)} MB more`);
  assert.throws(() => attempts.begin('password', heavy), { kind: 'too-many' });
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
