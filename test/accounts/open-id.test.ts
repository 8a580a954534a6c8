// Logging in with a real OpenID provider: who may come in by it, whose account it is, and what a page from elsewhere or a
// provider that says strange things can do.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import type { Db } from 'mongodb';
import type { Config } from '../../src/config.ts';
import {
  createBrowser,
  createHomeBrowser,
  goodPassword,
  openLocalAccounts,
  otherPassword,
} from '../helpers/local-accounts.ts';
import { openTestDatabase } from '../helpers/mongo/test-database.ts';
import { type Claims, startOpenIdProvider } from '../helpers/openid-provider.ts';

const origin = 'http://kinora.local:5000';
const ben: Claims = { sub: 'ben-at-home', name: 'Ben', email: 'Ben@example.org', email_verified: true };

type Browser = ReturnType<typeof createBrowser>;

async function setUp(t: TestContext, config: Partial<Config['auth']> = {}, hasOwner = true, db?: Db) {
  const provider = await startOpenIdProvider([`${origin}/api/auth/callback/openid`]);
  const { issuer, clientId, clientSecret } = provider;
  const accounts = await openLocalAccounts({
    config: { ...config, openId: { issuer, clientId, clientSecret, name: 'House' } },
    ...(db && { db }),
  });
  t.after(async () => {
    await accounts.close();
    await provider.close();
  });
  const home = createHomeBrowser(accounts);
  const ownerId = hasOwner ? await home.signUp('Ada', 'ada@example.org') : '';
  /** The way back to us of who was there. */
  async function cameBack(browser: Browser, claims: Claims | null, options = {}, next = '/videos?view=all') {
    provider.who(claims);
    const { location, cookies } = await accounts.startOpenId(browser.asker(), next, options);
    browser.keep(cookies);
    const { pathname, search } = new URL(await provider.visit(location));
    return pathname.replace('/api/auth', '') + search;
  }
  /** There and back; resolves to where the browser is led. */
  async function logIn(browser: Browser, claims: Claims | null, options = {}): Promise<string> {
    const answer = await browser.send('GET', await cameBack(browser, claims, options));
    assert.equal(answer.status, 303);
    return answer.headers.find(([name]) => name === 'location')![1];
  }
  return { provider, accounts, home, ownerId, cameBack, logIn };
}

describe('a log-in with an OpenID provider', () => {
  test('makes a member where sign-up is open, and is the same person the next time', async (t) => {
    const { accounts, logIn } = await setUp(t, { signUp: 'open', quotaBytes: 5_000_000 });
    assert.equal((await accounts.doors()).openId, 'House');
    const browser = createBrowser(accounts);
    assert.equal(await logIn(browser, ben), '/videos?view=all');
    const { viewer } = (await browser.identity())!;
    const person = (await accounts.getPerson(viewer.personId))!;
    assert.deepEqual(
      { ...person, createdAtMs: 0, lastSeenAtMs: 0 },
      {
        ...{ id: viewer.personId, name: 'Ben', email: 'ben@example.org', userName: null, role: 'member' },
        ...{ quotaBytes: 5_000_000, isDisabled: false, hasPassword: false, hasTwoFactor: false },
        ...{ createdAtMs: 0, lastSeenAtMs: 0 },
      },
    );
    const again = createBrowser(accounts);
    await logIn(again, { ...ben, name: 'Owner', email: 'other@example.org' });
    assert.equal((await again.identity())?.viewer.personId, viewer.personId);
    assert.equal((await again.identity())?.viewer.name, 'Ben', 'the provider renames nobody');
    assert.equal((await accounts.listPeople()).length, 2);
    const notes = await accounts.listAudit(Number.MAX_SAFE_INTEGER, 10);
    assert.ok(notes.some(({ action, personName }) => action === 'signed-up' && personName === 'Ben'));
    assert.ok(notes.some(({ action, subject }) => action === 'signed-in' && subject === 'House'));
    await accounts.close();
    const file = readFileSync(join(accounts.folder, 'accounts.sqlite')).toString('latin1');
    assert.ok(!/eyJ[\w-]{20,}\.[\w-]{20,}/.test(file), 'no ID token is kept');
  });

  test('ends the session that the browser had before', async (t) => {
    const { accounts, logIn } = await setUp(t, { signUp: 'open' });
    const browser = createBrowser(accounts);
    await logIn(browser, ben);
    const before = browser.session()!;
    await logIn(browser, ben);
    assert.notEqual(browser.session(), before);
    assert.equal(await accounts.identify({ cookie: before, bearer: null }), null);
    assert.ok(await browser.identity());
  });

  for (const signUp of ['invite', 'closed'] as const)
    test(`makes nobody without an invite where sign-up is ${signUp}`, async (t) => {
      const { accounts, logIn } = await setUp(t, { signUp });
      const browser = createBrowser(accounts);
      assert.equal(await logIn(browser, ben), '/login?after=openid-closed');
      assert.equal(await logIn(browser, ben, { invite: 'made-up' }), '/login?after=openid-closed');
      assert.equal(await browser.identity(), null);
      assert.equal((await accounts.listPeople()).length, 1);
    });

  test('uses an invite up', async (t) => {
    const { accounts, home, ownerId, logIn } = await setUp(t);
    const { secret } = await accounts.invite(home.asker(), ownerId, {
      ...{ role: 'child', quotaBytes: 7000, note: 'Kim', expiresAtMs: Date.now() + 86_400_000 },
    });
    const browser = createBrowser(accounts);
    assert.equal(await logIn(browser, ben, { invite: secret }), '/videos?view=all');
    const { viewer } = (await browser.identity())!;
    assert.equal(viewer.role, 'child');
    assert.equal((await accounts.getPerson(viewer.personId))?.quotaBytes, 7000);
    assert.deepEqual(await accounts.listInvites(), []);
    const other = createBrowser(accounts);
    assert.equal(
      await logIn(other, { ...ben, sub: 'x', email: 'x@example.org' }, { invite: secret }),
      '/login?after=openid-closed',
    );
  });

  test('in MongoDB too uses an invite up, once, and is the same person the next time', async (t) => {
    const found = await openTestDatabase(t);
    if (!found) return;
    const { accounts, home, ownerId, logIn } = await setUp(t, {}, true, found.db);
    const { secret: invite } = await accounts.invite(home.asker(), ownerId, {
      ...{ role: 'child', quotaBytes: 7000, note: 'Kim', expiresAtMs: Date.now() + 86_400_000 },
    });
    const browser = createBrowser(accounts);
    assert.equal(await logIn(browser, ben, { invite }), '/videos?view=all');
    const { viewer } = (await browser.identity())!;
    assert.match(viewer.personId, /^[0-9a-hjkmnp-tv-z]{16}$/);
    assert.deepEqual([viewer.role, (await accounts.getPerson(viewer.personId))?.quotaBytes], ['child', 7000]);
    const other = createBrowser(accounts);
    const claims = { ...ben, sub: 'x', email: 'x@example.org' };
    assert.equal(await logIn(other, claims, { invite }), '/login?after=openid-closed');
    const again = createBrowser(accounts);
    await logIn(again, ben);
    assert.equal((await again.identity())?.viewer.personId, viewer.personId);
    assert.equal((await accounts.listPeople()).length, 2);
    const account = await found.db.collection('account').findOne({ userId: viewer.personId });
    assert.ok(account && !/eyJ[\w-]{20,}/.test(JSON.stringify(account)), 'no ID token is kept');
  });

  test('makes no first account: that takes the machine or the code', async (t) => {
    const { accounts, logIn } = await setUp(t, { signUp: 'open' }, false);
    assert.equal(await logIn(createBrowser(accounts), ben), '/login?after=openid-closed');
    assert.equal((await accounts.doors()).hasOwner, false);
  });

  test('never takes over an account by its address, whatever the provider says of it', async (t) => {
    const { accounts, logIn, ownerId } = await setUp(t, { signUp: 'open' });
    for (const isVerified of [true, false, 'true']) {
      const browser = createBrowser(accounts);
      const claims = {
        sub: `eve ${isVerified}`,
        name: 'Eve',
        email: 'ADA@example.org',
        email_verified: isVerified,
      };
      assert.equal(await logIn(browser, claims), '/login?after=openid-connect');
      assert.equal(await browser.identity(), null);
    }
    assert.equal((await accounts.getPerson(ownerId))?.name, 'Ada');
    assert.equal((await createBrowser(accounts).signIn('ada@example.org')).kind, 'signed-in');
  });

  test('is connected by who is logged in and gives the password, and lets in as that person from then on', async (t) => {
    const { accounts, ownerId, cameBack, logIn } = await setUp(t);
    const browser = createBrowser(accounts);
    await browser.signIn('ada@example.org');
    const connect = (password: string, personId = ownerId) => ({ connect: { personId, password } });
    await assert.rejects(cameBack(browser, ben, connect(otherPassword)), { kind: 'unauthorized' });
    await assert.rejects(cameBack(browser, ben, connect(goodPassword, 'somebody')), { kind: 'forbidden' });
    const nobody = createBrowser(accounts);
    await assert.rejects(cameBack(nobody, ben, connect(goodPassword)), { kind: 'forbidden' });
    assert.equal(await logIn(browser, ben, connect(goodPassword)), '/videos?view=all');
    const phone = createBrowser(accounts);
    await logIn(phone, ben);
    assert.equal((await phone.identity())?.viewer.personId, ownerId);
    const notes = await accounts.listAudit(Number.MAX_SAFE_INTEGER, 20);
    assert.ok(notes.some(({ subject }) => subject === 'Ada: House connected'));

    const kim = await accounts.addPerson(browser.asker(), ownerId, {
      ...{ name: 'Kim', login: 'kim', password: otherPassword, role: 'member', quotaBytes: null },
    });
    const tablet = createBrowser(accounts);
    await tablet.signIn('kim', otherPassword);
    assert.equal(await logIn(tablet, ben, connect(otherPassword, kim.id)), '/login?after=openid-taken');
    assert.equal((await tablet.identity())?.viewer.personId, kim.id);
  });

  test('connects nothing by the way, when somebody who is logged in logs in', async (t) => {
    const { accounts, ownerId, logIn } = await setUp(t, { signUp: 'open' });
    const browser = createBrowser(accounts);
    await browser.signIn('ada@example.org');
    await logIn(browser, ben);
    assert.notEqual((await browser.identity())?.viewer.personId, ownerId);
  });

  test('is worth nothing in another browser, a second time, or with another state', async (t) => {
    const { accounts, cameBack } = await setUp(t, { signUp: 'open' });
    const mallory = createBrowser(accounts);
    const path = await cameBack(mallory, ben);
    const victim = createBrowser(accounts);
    for (const [browser, way] of [
      [victim, path],
      [mallory, path.replace(/state=[^&]*/, 'state=made-up')],
      [mallory, path.replace(/code=[^&]*/, 'code=made-up')],
      [mallory, '/callback/openid'],
      [mallory, '/callback/openid?error=x&state=y'],
    ] as const) {
      const { headers } = await browser.send('GET', way);
      assert.deepEqual(
        headers.find(([name]) => name === 'location'),
        ['location', '/login?after=openid-failed'],
        way,
      );
      assert.equal(await browser.identity(), null, way);
    }
    const good = createBrowser(accounts);
    const once = await cameBack(good, ben);
    assert.equal(
      (await good.send('GET', once)).headers.find(([name]) => name === 'location')?.[1],
      '/videos?view=all',
    );
    good.cookies.delete('kinora.session');
    await good.send('GET', once);
    assert.equal(await good.identity(), null);
    assert.equal((await good.send('POST', '/callback/openid', { code: 'x', state: 'y' })).status, 404);
    for (const way of ['/sign-in/social', '/link-social', '/unlink-account'])
      assert.equal((await good.send('POST', way, { provider: 'openid' })).status, 404, way);
  });

  test('that is refused there leads back to the log-in', async (t) => {
    const { accounts, logIn } = await setUp(t, { signUp: 'open' });
    assert.equal(await logIn(createBrowser(accounts), null), '/login?after=openid-failed');
  });

  test('leads nowhere else afterwards', async (t) => {
    const { accounts, cameBack } = await setUp(t, { signUp: 'open' });
    const browser = createBrowser(accounts);
    for (const next of ['https://evil.example.org/', '//evil.example.org/x', '/\\evil.example.org'])
      await assert.rejects(cameBack(browser, ben, {}, next), { kind: 'bad-request' }, next);
    await cameBack(browser, ben);
  });

  test('lets in nobody who is turned off', async (t) => {
    const { accounts, home, ownerId, logIn } = await setUp(t, { signUp: 'open' });
    const browser = createBrowser(accounts);
    await logIn(browser, ben);
    const { personId } = (await browser.identity())!.viewer;
    await accounts.changePerson(home.asker(), ownerId, personId, { isDisabled: true });
    assert.equal(await logIn(browser, ben), '/login?after=openid-failed');
    assert.equal(await browser.identity(), null);
  });

  test('takes what the provider says as a stranger’s text', async (t) => {
    const { accounts, logIn } = await setUp(t, { signUp: 'open' });
    for (const [claims, name, email] of [
      [{ sub: '1', name: `<b>\u0000${'x'.repeat(500)}`, preferred_username: 'Kim' }, 'Kim', null],
      [{ sub: '2', name: '   ', email: 'not an address', email_verified: true }, 'not an address', null],
      [{ sub: '3', name: 'Eve', email: 'x@user-name.invalid', email_verified: true }, 'Eve', null],
      [{ sub: '4' }, 'Somebody', null],
    ] as const) {
      const browser = createBrowser(accounts);
      assert.equal(await logIn(browser, claims), '/videos?view=all', name);
      const { viewer } = (await browser.identity())!;
      const person = (await accounts.getPerson(viewer.personId))!;
      assert.deepEqual([person.name, person.email, person.role], [name, email, 'member']);
    }
  });

  test('is not to be had while the provider is away; a password is, and later it is again', async (t) => {
    const { provider, accounts, logIn, cameBack } = await setUp(t, { signUp: 'open' });
    await provider.goAway();
    const browser = createBrowser(accounts);
    await assert.rejects(accounts.startOpenId(browser.asker(), '/'), {
      kind: 'unavailable',
      message: /House cannot/,
    });
    assert.equal((await browser.signIn('ada@example.org')).kind, 'signed-in');
    await provider.comeBack();
    await logIn(browser, ben);
    assert.ok(await browser.identity());
    const half = createBrowser(accounts);
    const path = await cameBack(half, ben);
    await provider.goAway();
    const { headers } = await half.send('GET', path);
    assert.equal(headers.find(([name]) => name === 'location')?.[1], '/login?after=openid-failed');
    await provider.comeBack();
  });

  test('is not there where none is set', async () => {
    const accounts = await openLocalAccounts();
    assert.equal((await accounts.doors()).openId, null);
    await assert.rejects(accounts.startOpenId(createBrowser(accounts).asker(), '/'), { kind: 'not-found' });
    await accounts.close();
  });
});
