// A television that is logged in by a phone (RFC 8628): a session of its own, once, for who said yes; codes cannot be
// found by trying.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, test } from 'node:test';
import type { SignedIn } from '../../src/accounts/accounts.ts';
import { createBrowser, createHomeBrowser, openLocalAccounts } from '../helpers/local-accounts.ts';

async function setUp() {
  const accounts = await openLocalAccounts();
  const phone = createHomeBrowser(accounts);
  const id = await phone.signUp('Ada', 'ada@example.org');
  const television = createBrowser(accounts, { address: '192.168.1.70', userAgent: 'Some television' });
  return { accounts, phone, id, television };
}

describe('a television', () => {
  test('waits, is shown to the person on the phone, and is logged in once', async () => {
    const { accounts, phone, id, television } = await setUp();
    const waiting = await accounts.startDevice(television.asker());
    assert.match(waiting.userCode, /^[A-HJ-NP-Z2-9]{8}$/);
    assert.ok(waiting.deviceCode.length >= 32);
    assert.equal(waiting.intervalMs, 5000);
    assert.ok(Math.abs(waiting.expiresAtMs - Date.now() - 600_000) < 30_000);
    assert.deepEqual(await accounts.pollDevice(television.asker(), waiting.deviceCode), { kind: 'pending' });

    const typed = ` ${waiting.userCode.slice(0, 4).toLowerCase()}-${waiting.userCode.slice(4)}`;
    const shown = await accounts.findDevice(phone.asker(), id, typed);
    assert.deepEqual(
      { ...shown, expiresAtMs: 0 },
      { userCode: waiting.userCode, address: '192.168.1.70', userAgent: 'Some television', expiresAtMs: 0 },
    );
    await accounts.answerDevice(phone.asker(), id, typed, true);
    assert.equal(await accounts.findDevice(phone.asker(), id, typed), null, 'it was answered');
    await assert.rejects(accounts.answerDevice(phone.asker(), id, typed, true), { kind: 'not-found' });

    const results = await Promise.all(
      [1, 2, 3].map(() => accounts.pollDevice(television.asker(), waiting.deviceCode)),
    );
    const signedIn = results.filter((result): result is SignedIn => result.kind === 'signed-in');
    assert.ok(signedIn.length <= 1);
    // It asked a moment ago, so it may have been told to wait; the store says when that was.
    if (signedIn.length === 0) {
      forgetPoll(accounts.folder);
      signedIn.push((await accounts.pollDevice(television.asker(), waiting.deviceCode)) as SignedIn);
    }
    television.keep(signedIn[0]!.cookies);
    const identity = (await television.identity())!;
    assert.equal(identity.viewer.personId, id);
    assert.notEqual(identity.viewer.sessionId, (await phone.identity())!.viewer.sessionId);
    assert.deepEqual(await accounts.pollDevice(television.asker(), waiting.deviceCode), { kind: 'expired' });

    const sessions = await accounts.listSessions(id, null);
    assert.ok(
      sessions.some(
        ({ userAgent, address }) => userAgent === 'Some television' && address === '192.168.1.70',
      ),
    );
    const notes = await accounts.listAudit(Number.MAX_SAFE_INTEGER, 10);
    assert.ok(
      notes.some(({ action, subject }) => action === 'device-approved' && subject === '192.168.1.70'),
    );
    assert.ok(notes.some(({ action, subject }) => action === 'signed-in' && subject === 'television'));
    await accounts.close();
  });

  test('is told that somebody said no', async () => {
    const { accounts, phone, id, television } = await setUp();
    const { userCode, deviceCode } = await accounts.startDevice(television.asker());
    await accounts.answerDevice(phone.asker(), id, userCode, false);
    assert.deepEqual(await accounts.pollDevice(television.asker(), deviceCode), { kind: 'denied' });
    assert.deepEqual(await accounts.pollDevice(television.asker(), deviceCode), { kind: 'expired' });
    await accounts.close();
  });

  test('that waits too long, or never was, is told so', async () => {
    const { accounts, phone, id, television } = await setUp();
    const { userCode, deviceCode } = await accounts.startDevice(television.asker());
    const database = new DatabaseSync(join(accounts.folder, 'accounts.sqlite'));
    database.exec(`UPDATE "deviceCode" SET expiresAt = '2020-01-01T00:00:00.000Z'`);
    database.close();
    assert.equal(await accounts.findDevice(phone.asker(), id, userCode), null);
    await assert.rejects(accounts.answerDevice(phone.asker(), id, userCode, true), { kind: 'not-found' });
    assert.deepEqual(await accounts.pollDevice(television.asker(), deviceCode), { kind: 'expired' });
    assert.deepEqual(await accounts.pollDevice(television.asker(), 'x'.repeat(5000)), { kind: 'expired' });
    await accounts.close();
  });

  test('of somebody who was turned off meanwhile is not let in', async () => {
    const { accounts, phone, id, television } = await setUp();
    const ben = await accounts.addPerson(phone.asker(), id, {
      ...{
        name: 'Ben',
        login: 'ben',
        password: 'plum kettle orbit sandal',
        role: 'member',
        quotaBytes: null,
      },
    });
    const { userCode, deviceCode } = await accounts.startDevice(television.asker());
    await accounts.answerDevice(phone.asker(), ben.id, userCode, true);
    await accounts.changePerson(phone.asker(), id, ben.id, { isDisabled: true });
    const state = await accounts.pollDevice(television.asker(), deviceCode).catch(({ kind }) => ({ kind }));
    assert.notEqual(state.kind, 'signed-in');
    assert.deepEqual(await accounts.listSessions(ben.id, null), []);
    await accounts.close();
  });

  test('codes cannot be found by trying, from however many addresses', async () => {
    const { accounts, phone, id, television } = await setUp();
    const { userCode } = await accounts.startDevice(television.asker());
    const kinds: string[] = [];
    for (let guess = 0; guess < 15; guess++) {
      const asker = { ...phone.asker(), address: `203.0.113.${guess}` };
      const code = `AAAA222${'ABCDEFGHJKLMNPQ'[guess]}`;
      kinds.push(
        await accounts.findDevice(asker, id, code).then(
          (found) => String(found),
          ({ kind }) => kind,
        ),
      );
    }
    assert.deepEqual(kinds, [...Array(10).fill('null'), ...Array(5).fill('too-many')]);
    await assert.rejects(accounts.findDevice(phone.asker(), id, userCode), { kind: 'too-many' });
    await assert.rejects(accounts.answerDevice(phone.asker(), id, userCode, true), { kind: 'too-many' });
    await accounts.close();
  });

  test('one address cannot fill the store with waiting ones', async () => {
    const { accounts, television } = await setUp();
    let started = 0;
    for (let count = 0; count < 80; count++)
      await accounts.startDevice(television.asker()).then(
        () => started++,
        ({ kind }) => assert.equal(kind, 'too-many'),
      );
    assert.ok(started >= 60 && started < 80, `${started}`);
    await accounts.close();
  });

  test('nothing of it is reachable by JSON', async () => {
    const { accounts, phone } = await setUp();
    for (const path of ['/device/code', '/device/token', '/device/approve', '/device/deny'])
      assert.equal((await phone.send('POST', path, { client_id: 'x', user_code: 'x' })).status, 404, path);
    assert.equal((await phone.send('GET', '/device?user_code=AAAA2222')).status, 404);
    await accounts.close();
  });
});

function forgetPoll(folder: string): void {
  const database = new DatabaseSync(join(folder, 'accounts.sqlite'));
  database.exec('UPDATE "deviceCode" SET lastPolledAt = NULL');
  database.close();
}
