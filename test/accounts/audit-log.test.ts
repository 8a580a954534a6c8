// The accounts' audit log: bounded, and nobody pushes anything out of it by trying passwords.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { pino } from 'pino';
import { createAuditLog } from '../../src/accounts/local/audit-log.ts';
import { openAccounts } from '../../src/accounts/sqlite/open-accounts.ts';
import { sqliteAccounts } from '../../src/accounts/sqlite/sqlite-accounts.ts';
import { createStore } from '../../src/accounts/sqlite/store.ts';
import { createFakeClock } from '../helpers/fake-clock.ts';
import { temporaryFolder } from '../helpers/temporary-folder.ts';

const from = { address: '203.0.113.9' };
const day = 86_400_000;

async function openLog() {
  const clock = createFakeClock();
  const store = createStore(openAccounts(join(await temporaryFolder(), 'accounts.sqlite')), clock);
  const closing = new AbortController();
  const tools = { clock, log: pino({ level: 'silent' }), signal: closing.signal };
  const log = createAuditLog(sqliteAccounts(store, clock), tools);
  const count = (action: string) =>
    store.get<{ n: number }>('SELECT count(*) AS n FROM audit WHERE action = ?', action)!.n;
  const close = () => {
    closing.abort();
    store.close();
  };
  return { clock, store, log, count, close };
}

test('refused log-ins are written once a second, many in one go; everything else at once', async () => {
  const { clock, log, count, close } = await openLog();
  for (let n = 0; n < 5; n += 1) await log.note(from, null, 'sign-in-failed');
  await log.note(from, { id: 'a', name: 'Ada' }, 'signed-in');
  assert.deepEqual([count('sign-in-failed'), count('signed-in')], [0, 1]);
  await clock.advance(1000);
  assert.equal(count('sign-in-failed'), 5);
  await log.note(from, null, 'sign-in-failed');
  assert.equal((await log.list(clock.nowMs() + 1, 100)).length, 7, 'whoever looks sees all');
  close();
});

test('ten thousand refused log-ins are kept and no more, and push out nothing else; what is old goes', async () => {
  const { clock, log, count, close } = await openLog();
  await log.note(from, { id: 'a', name: 'Ada' }, 'password-changed', 'x'.repeat(5000));
  for (let n = 0; n < 10_050; n += 1) {
    await log.note({ address: `${n}` }, null, 'sign-in-failed');
    if (n % 500 === 0) await log.flush();
  }
  await log.flush();
  await log.tidy();
  assert.deepEqual([count('sign-in-failed'), count('password-changed')], [10_000, 1]);
  const [newest] = await log.list(clock.nowMs() + 1, 1);
  assert.equal(newest?.address, '10049', 'the oldest went');
  assert.equal((await log.list(clock.nowMs() + 1, 1_000_000)).length, 1000, 'a page has an end');
  await clock.advance(200 * day);
  await log.note(from, null, 'sign-in-failed');
  await clock.advance(200 * day);
  await log.tidy();
  assert.deepEqual([count('sign-in-failed'), count('password-changed')], [1, 0]);
  close();
});
