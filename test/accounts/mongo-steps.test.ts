// What the accounts in MongoDB do in steps, begun by a process that died or slept: somebody ends it, once, and nothing
// that others did since is undone. Also what better-auth is given of the database.
import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { mongodbAdapter } from 'better-auth/adapters/mongodb';
import type { Db } from 'mongodb';
import { pino } from 'pino';
import { engineOptions } from '../../src/accounts/local/engine-options.ts';
import { accountCollectionsOf, accountIndexes } from '../../src/accounts/mongo/collections.ts';
import { type EngineIndex, engineDatabase } from '../../src/accounts/mongo/engine-database.ts';
import { openMongoAccounts } from '../../src/accounts/mongo/mongo-accounts.ts';
import { type Clock, systemClock } from '../../src/clock.ts';
import { createId } from '../../src/ids.ts';
import { newPerson } from '../contracts/account-data.ts';
import { createFakeClock } from '../helpers/fake-clock.ts';
import {
  authConfig,
  createBrowser,
  createHomeBrowser,
  createQuickHasher,
  openLocalAccounts,
} from '../helpers/local-accounts.ts';
import { seenTwice } from '../helpers/mongo/seen-twice.ts';
import { openTestDatabase } from '../helpers/mongo/test-database.ts';
import { totp } from '../helpers/totp.ts';
import { until } from '../helpers/until.ts';

const skipped: string[] = [];
const found = await openTestDatabase({
  skip: (why) => void skipped.push(why ?? ''),
  after: (close) => after(close as () => Promise<void>),
});
let made = 0;

type Tools = { readonly db: Db; open(clock?: Clock): ReturnType<typeof openMongoAccounts> };

function inDatabase(title: string, run: (tools: Tools) => Promise<void>): void {
  test(title, async (t) => {
    if (!found) return t.skip(skipped[0]);
    made += 1;
    const db = found.client.db(`${found.name}_${made}`);
    const opened: { close(): Promise<void> }[] = [];
    try {
      await run({
        db,
        async open(clock = systemClock) {
          const data = await openMongoAccounts(db, { clock, log: pino({ level: 'silent' }) });
          opened.push(data);
          return data;
        },
      });
    } finally {
      for (const data of opened) await data.close();
      await db.dropDatabase();
    }
  });
}

describe('an owner who is to be one no longer', () => {
  const rest = { changeId: 'a change', rev: 0 };

  inDatabase('is none once a process starts after one that died half way', async ({ db, open }) => {
    const first = await open();
    const [ada, ben] = [newPerson('Ada', { role: 'owner' }), newPerson('Ben', { role: 'owner' })];
    for (const person of [ada, ben]) await first.people.add(person, { by: 'nothing' });
    const { state } = accountCollectionsOf(db);
    await first.close();
    const pending = { ...rest, personId: ada.id, set: { role: 'member' as const } };
    await state.updateOne({ _id: 'accounts' }, { $set: { pending }, $inc: { v: 1 } });
    const second = await open();
    assert.equal((await second.people.get(ada.id))?.role, 'member');
    assert.equal((await state.findOne({}))?.pending, null);
    assert.equal(await second.people.change(ben.id, { role: 'member' }, Date.now()), 'last-owner');
  });

  inDatabase('is one no more when the next is to go, and removal is ended too', async ({ db, open }) => {
    const data = await open();
    const people = ['Ada', 'Ben', 'Cem'].map((name) => newPerson(name, { role: 'owner' }));
    for (const person of people) await data.people.add(person, { by: 'nothing' });
    const [ada, ben, cem] = people as [(typeof people)[0], (typeof people)[0], (typeof people)[0]];
    const { state, account } = accountCollectionsOf(db);
    const pending = { ...rest, personId: ada.id, set: null };
    await state.updateOne({ _id: 'accounts' }, { $set: { pending }, $inc: { v: 1 } });
    // Died after the person was turned off.
    await db
      .collection<{ _id: string }>('user')
      .updateOne({ _id: ada.id }, { $set: { isDisabled: true, rev: 1 } });
    const outcome = await data.people.change(ben.id, { isDisabled: true }, Date.now());
    assert.ok(typeof outcome === 'object' && outcome.after.isDisabled);
    assert.equal(await data.people.get(ada.id), null);
    assert.equal(await account.countDocuments({ userId: ada.id }), 0);
    assert.equal(await data.people.remove(cem.id), 'last-owner');
  });

  inDatabase('is ended by who sees it stand, by its own clock', async ({ db, open }) => {
    let aheadMs = 0;
    // Time goes by as the test says; questions are real.
    const clock: Clock = { ...systemClock, monotonicMs: () => systemClock.monotonicMs() + aheadMs };
    const data = await open(clock);
    const [ada, ben] = [newPerson('Ada', { role: 'owner' }), newPerson('Ben', { role: 'owner' })];
    for (const person of [ada, ben]) await data.people.add(person, { by: 'nothing' });
    const { state } = accountCollectionsOf(db);
    const pending = { ...rest, personId: ada.id, set: { isDisabled: true } };
    const before = data.revision();
    await state.updateOne({ _id: 'accounts' }, { $set: { pending }, $inc: { v: 1, n: 1 } });
    await until(() => data.revision() !== before, { what: 'a look', timeoutMs: 10_000 });
    assert.equal((await data.people.get(ada.id))?.isDisabled, false, 'it may be under way');
    aheadMs = 6000;
    await until(async () => (await data.people.get(ada.id))?.isDisabled === true, {
      ...{ what: 'the end of what was left', timeoutMs: 10_000 },
    });
  });

  inDatabase(
    'stays an owner who was made one again, whatever a process that slept wakes to',
    async ({ db, open }) => {
      const { createOwnerLog } = await import('../../src/accounts/mongo/owner-log.ts');
      const data = await open();
      const [ada, ben] = [newPerson('Ada', { role: 'owner' }), newPerson('Ben', { role: 'owner' })];
      for (const person of [ada, ben]) await data.people.add(person, { by: 'nothing' });
      const collections = accountCollectionsOf(db);
      const pending = { ...rest, personId: ada.id, set: { role: 'member' as const } };
      await collections.state.updateOne({ _id: 'accounts' }, { $set: { pending }, $inc: { v: 1 } });
      // Another ends it, makes her an owner again, and then she is the only one.
      assert.equal(await data.people.remove('nobody'), 'not-found');
      await data.tidy(Date.now());
      assert.equal((await data.people.get(ada.id))?.role, 'member');
      await data.people.change(ada.id, { role: 'owner' }, Date.now());
      await data.people.change(ben.id, { role: 'member' }, Date.now());
      const nothing = async () => {};
      const sleeper = createOwnerLog(collections, {
        ...{ endSessions: nothing, removeRows: nothing, changed: nothing },
      });
      assert.equal(await sleeper.finish(pending), false);
      assert.equal((await data.people.get(ada.id))?.role, 'owner');
    },
  );
});

describe('somebody who is being made', () => {
  inDatabase(
    'and never was leaves nothing after hours, and the invite is good again',
    async ({ db, open }) => {
      const fake = createFakeClock(Date.now());
      const clock: Clock = { ...systemClock, monotonicMs: fake.monotonicMs };
      const data = await open(clock);
      const ada = newPerson('Ada', { role: 'owner' });
      await data.people.add(ada, { by: 'first' });
      const { account, invite } = accountCollectionsOf(db);
      const at = new Date();
      const gone = createId();
      await account.insertOne({
        ...{ _id: gone, accountId: gone, providerId: 'credential', userId: gone, password: 'x' },
        ...{ createdAt: at, updatedAt: at },
      });
      const nowMs = Date.now();
      const waiting = {
        ...({ id: createId(), role: 'member', quotaBytes: null, note: '' } as const),
        ...{ createdAtMs: nowMs, expiresAtMs: nowMs + 1e9 },
      };
      await data.invites.add(waiting, 'hash', 5);
      await invite.updateOne({ _id: waiting.id }, { $set: { usedBy: gone } });
      assert.equal(await data.invites.find('hash', nowMs), null, 'it is being used');
      await data.tidy(nowMs);
      assert.equal(await account.countDocuments({}), 2, 'it may be under way');
      await fake.advance(3_700_000);
      await data.tidy(nowMs);
      assert.deepEqual(await data.invites.find('hash', nowMs), waiting);
      assert.deepEqual(
        (await account.find({}).toArray()).map(({ userId }) => userId),
        [ada.id],
      );
      assert.equal(await data.passwords.hash(ada.id), 'hash of Ada');
    },
  );
});

describe('better-auth on MongoDB', () => {
  inDatabase('asks for no unique index that is not there, and for no id of its own', async ({ db, open }) => {
    const data = await open();
    const asked: EngineIndex[] = [];
    const adapter = mongodbAdapter(
      engineDatabase(
        db,
        async () => {},
        (index) => void asked.push(index),
      ),
      { transaction: false },
    );
    const parts = { data, hasher: createQuickHasher(), config: authConfig, log: pino({ level: 'silent' }) };
    const options = await engineOptions({ ...parts, secret: 'x'.repeat(32) }, 'http://localhost');
    // A field of each.
    const update = { name: 'x', ipAddress: 'x', value: 'x', secret: 'x', status: 'x', password: 'x' };
    const engine = adapter({ ...options, database: adapter });
    for (const model of ['user', 'session', 'account', 'verification', 'twoFactor', 'deviceCode', 'passkey'])
      await engine.update({ model, where: [{ field: 'id', value: 'x' }], update });
    const unique = asked.filter(({ isUnique }) => isUnique).map(({ collection, keys }) => [collection, keys]);
    assert.ok(unique.length >= 2, JSON.stringify(unique));
    for (const [collection, keys] of unique)
      assert.ok(
        accountIndexes[collection as string]?.some(
          (index) => index.options?.unique && JSON.stringify(index.keys) === JSON.stringify(keys),
        ),
        JSON.stringify([collection, keys]),
      );
    const at = new Date();
    const times = { expiresAt: at, createdAt: at, updatedAt: at };
    const row = await engine.create({
      ...{ model: 'verification', data: { identifier: 'a', value: 'b', ...times } },
    });
    assert.match(String(row.id), /^[0-9a-hjkmnp-tv-z]{16}$/);
    const stored = await db.collection('verification').findOne({ identifier: 'a' });
    assert.deepEqual([typeof stored?._id, stored?._id], ['string', row.id]);
    const where = [{ field: 'id', value: String(row.id) }];
    const taken = await Promise.all(
      Array.from({ length: 5 }, () => engine.consumeOne({ model: 'verification', where })),
    );
    assert.equal(taken.filter((one) => one !== null).length, 1);
  });

  test('lets people in with every write seen twice: password, second factor, recovery code, television', async (t) => {
    if (!found) return t.skip(skipped[0]);
    const real = found.client.db(`${found.name}_twice`);
    const db = seenTwice(real);
    const [one, other] = [await openLocalAccounts({ db }), await openLocalAccounts({ db })];
    const home = createHomeBrowser(one);
    const id = await home.signUp('Ada', 'ada@example.org');
    const { uri, recoveryCodes } = await one.startTwoFactor(home.asker(), id, 'plum kettle orbit sandal');
    const secret = new URL(uri).searchParams.get('secret')!;
    const atMs = Date.now();
    home.keep(await other.confirmTwoFactor(home.asker(), id, totp(secret, atMs)));
    for (const code of [totp(secret, atMs + 30_000), recoveryCodes[0]!]) {
      const browsers = [one, other, one].map((accounts) => ({ accounts, browser: createBrowser(accounts) }));
      for (const { browser } of browsers)
        assert.equal((await browser.signIn('ada@example.org')).kind, 'second-factor');
      // In whichever process: half of a log-in here, the other half there.
      const results = await Promise.allSettled(
        browsers.map(({ browser, accounts }) =>
          (accounts === one ? other : one).proveSecondFactor(browser.asker(), code),
        ),
      );
      assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 1, code);
    }
    const television = createBrowser(one, { address: '192.168.1.70' });
    const { userCode, deviceCode } = await one.startDevice(television.asker());
    assert.deepEqual(await other.pollDevice(television.asker(), deviceCode), { kind: 'pending' });
    await other.answerDevice(home.asker(), id, userCode, true);
    await real.collection('deviceCode').updateMany({}, { $set: { lastPolledAt: null } });
    const states = await Promise.all(
      [one, other, one].map((accounts) => accounts.pollDevice(television.asker(), deviceCode)),
    );
    const given = states.filter(({ kind }) => kind === 'signed-in');
    assert.ok(given.length <= 1);
    if (given.length === 0) {
      await real.collection('deviceCode').updateMany({}, { $set: { lastPolledAt: null } });
      assert.equal((await other.pollDevice(television.asker(), deviceCode)).kind, 'signed-in');
    }
    assert.ok(db.writes > 50, `${db.writes} writes were seen twice`);
    await one.close();
    await other.close();
    await real.dropDatabase();
  });
});
