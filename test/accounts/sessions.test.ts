// Sessions by the clock, their cookies over HTTP and HTTPS, and what another process changes.
import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { createFakeClock } from '../helpers/fake-clock.ts';
import { createBrowser, createHomeBrowser, openLocalAccounts } from '../helpers/local-accounts.ts';

const day = 86_400_000;

test('a session holds for 30 days and is prolonged by whoever comes back after a day', async () => {
  const clock = createFakeClock(Date.now());
  const accounts = await openLocalAccounts({ clock });
  const home = createHomeBrowser(accounts);
  await home.signUp('Ada', 'ada');
  const other = createBrowser(accounts);
  await other.signIn('ada');
  await clock.advance(day - 1000);
  assert.equal((await home.identity())?.isRenewable, false);
  await clock.advance(2000);
  assert.equal((await home.identity())?.isRenewable, true);
  const cookies = await accounts.renew(home.asker());
  assert.match(cookies[0]!, /^kinora\.session=.+; Max-Age=2592000; /);
  assert.equal(cookies[0]!.split(';')[0], `kinora.session=${home.session()}`, 'the same session');
  assert.equal((await home.identity())?.isRenewable, false);
  // better-auth takes the time of its new sessions from the machine itself: a minute of difference.
  await clock.advance(29 * day + 60_000);
  assert.equal(await other.identity(), null, 'the one that was not used ran out');
  assert.deepEqual(await accounts.renew(other.asker()), []);
  assert.notEqual(await home.identity(), null);
  await clock.advance(2 * day);
  assert.equal(await home.identity(), null);
  await accounts.close();
});

test('a session ends a year after its log-in, however often it is prolonged', async () => {
  const clock = createFakeClock(Date.now(), 3_600_000);
  const accounts = await openLocalAccounts({ clock });
  const home = createHomeBrowser(accounts);
  await home.signUp('Ada', 'ada');
  let days = 0;
  for (let identity = await home.identity(); identity; identity = await home.identity()) {
    const cookies = identity.isRenewable ? await accounts.renew(home.asker()) : [];
    assert.equal(cookies.length, identity.isRenewable ? 1 : 0, `day ${days}`);
    await clock.advance(day);
    days += 1;
    if (days > 400) break;
  }
  assert.equal(days, 365);
  await accounts.close();
});

test('"last used" is written at most once an hour', async () => {
  const clock = createFakeClock(Date.now());
  const accounts = await openLocalAccounts({ clock });
  const home = createHomeBrowser(accounts);
  const id = await home.signUp('Ada', 'ada');
  const { secret } = await accounts.addToken(home.asker(), id, {
    ...{ name: 'x', scopes: ['videos:watch'], expiresAtMs: clock.nowMs() + 5 * day },
  });
  const seen = async () => {
    await home.identity();
    await accounts.identify({ cookie: null, bearer: secret });
    const [session] = await accounts.listSessions(id, null);
    const [token] = await accounts.listTokens(id);
    return [session!.lastUsedAtMs, token!.lastUsedAtMs, (await accounts.getPerson(id))!.lastSeenAtMs];
  };
  const startMs = clock.nowMs();
  assert.deepEqual(await seen(), [startMs, startMs, startMs]);
  await clock.advance(50 * 60_000);
  assert.deepEqual(await seen(), [startMs, startMs, startMs]);
  await clock.advance(15 * 60_000);
  const nowMs = clock.nowMs();
  assert.deepEqual(await seen(), [nowMs, nowMs, nowMs]);
  await clock.advance(5 * day);
  assert.equal(await accounts.identify({ cookie: null, bearer: secret }), null, 'the token ran out');
  await accounts.close();
});

test('over HTTPS every cookie is Secure and for this host alone; none of HTTP counts there', async () => {
  const accounts = await openLocalAccounts({ config: { signUp: 'open' } });
  const plain = createHomeBrowser(accounts);
  await plain.signUp('Ada', 'ada');
  const secure = createBrowser(accounts, { origin: 'https://videos.example.org' });
  const { cookies } = await secure.signIn('ada');
  assert.equal(cookies.length, 2);
  for (const cookie of cookies)
    assert.match(
      cookie,
      /^__Host-kinora\.(session|device)=[^;]+; Max-Age=\d+; Path=\/; HttpOnly; Secure; SameSite=Lax$/,
    );
  const { json } = await secure.send('GET', '/get-session');
  assert.equal(json.user.name, 'Ada');
  // A neighbour on plain HTTP can set `kinora.session`, not the one with the prefix.
  const tricked = createBrowser(accounts, { origin: 'https://videos.example.org' });
  tricked.cookies.set('kinora.session', plain.session()!);
  assert.equal((await tricked.send('GET', '/get-session')).json, null);
  assert.deepEqual(await accounts.renew(tricked.asker()), []);
  for (const cookie of (await plain.signIn('ada')).cookies)
    assert.match(cookie, /^kinora\.(session|device)=[^;]+; Max-Age=\d+; Path=\/; HttpOnly; SameSite=Lax$/);
  await accounts.close();
});

test('what the command line changes in the file holds within a second', async () => {
  const clock = createFakeClock(Date.now());
  const accounts = await openLocalAccounts({ clock });
  const home = createHomeBrowser(accounts);
  const ownerId = await home.signUp('Ada', 'ada');
  const commandLine = await openLocalAccounts({ folder: accounts.folder, clock });
  const asker = createHomeBrowser(commandLine).asker();
  const account = { name: 'Ben', login: 'ben', password: 'plum kettle orbit sandal' };
  const ben = await commandLine.addPerson(asker, null, { ...account, role: 'owner', quotaBytes: null });
  const browser = createBrowser(accounts);
  await browser.signIn('ben');
  assert.notEqual(await browser.identity(), null);
  const before = accounts.revision();
  await commandLine.changePerson(asker, null, ben.id, { isDisabled: true });
  await clock.advance(1000);
  assert.notEqual(accounts.revision(), before);
  assert.equal(await browser.identity(), null);
  const lines = (await accounts.listAudit(clock.nowMs() + 1, 10)).map(
    ({ action, subject }) => `${action} ${subject}`,
  );
  assert.ok(lines.includes('person-changed Ben: turned off'), lines.join('; '));
  assert.notEqual(await accounts.getPerson(ownerId), null);
  await commandLine.close();
  await accounts.close();
});

test('a restart keeps everybody logged in, and another key nobody', async () => {
  const first = await openLocalAccounts();
  const home = createHomeBrowser(first);
  const id = await home.signUp('Ada', 'ada');
  await first.close();
  const second = await openLocalAccounts({ folder: first.folder });
  const identity = await second.identify({ cookie: home.session(), bearer: null });
  assert.equal(identity?.viewer.personId, id);
  await second.close();
  await rm(join(first.folder, 'auth.key'));
  const third = await openLocalAccounts({ folder: first.folder });
  assert.equal(await third.identify({ cookie: home.session(), bearer: null }), null);
  await createBrowser(third).signIn('ada');
  await third.close();
});

test('a person has a hundred sessions at most: the least used ends first', async () => {
  const accounts = await openLocalAccounts();
  const home = createHomeBrowser(accounts);
  const id = await home.signUp('Ada', 'ada');
  await Promise.all(
    Array.from({ length: 3 }, async () => {
      for (let n = 0; n < 36; n += 1) await createBrowser(accounts).signIn('ada');
    }),
  );
  assert.equal((await accounts.listSessions(id, null)).length, 100);
  assert.equal(await home.identity(), null);
  await accounts.close();
});

test('what ran out is removed, and the audit log does not grow for ever', async () => {
  const clock = createFakeClock(Date.now(), 3_600_000);
  const accounts = await openLocalAccounts({ clock });
  const home = createHomeBrowser(accounts);
  const id = await home.signUp('Ada', 'ada');
  await assert.rejects(createBrowser(accounts).signIn('ada', 'wrong'));
  assert.equal((await accounts.listAudit(clock.nowMs() + 1, 10)).length, 2);
  await clock.advance(31 * day);
  assert.deepEqual(await accounts.listSessions(id, null), []);
  assert.equal((await accounts.listAudit(clock.nowMs() + 1, 10)).length, 2);
  await clock.advance(400 * day);
  assert.deepEqual(await accounts.listAudit(clock.nowMs() + 1, 10), []);
  await accounts.close();
});
