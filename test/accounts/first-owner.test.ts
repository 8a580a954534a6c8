// The first account: nobody grabs it who neither sits at the machine nor reads its console.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createFakeClock } from '../helpers/fake-clock.ts';
import {
  createBrowser,
  createHomeBrowser,
  goodPassword,
  openLocalAccounts,
} from '../helpers/local-accounts.ts';

test('the code of the console makes the owner’s account from anywhere, however it is typed, and is gone then', async () => {
  const accounts = await openLocalAccounts();
  const code = (await accounts.setupCode())!;
  assert.match(code, /^[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}$/);
  const browser = createBrowser(accounts);
  const typed = ` ${code.toLowerCase().replace('-', ' ').replaceAll('0', 'o').replaceAll('1', 'l')} `;
  const id = await browser.signUp('Ada', 'ada', { setupCode: typed });
  assert.equal((await accounts.getPerson(id))?.role, 'owner');
  assert.equal(await accounts.setupCode(), null);
  await assert.rejects(createBrowser(accounts).signUp('Eve', 'eve', { setupCode: code }), {
    kind: 'forbidden',
  });
  await assert.rejects(createHomeBrowser(accounts).signUp('Eve', 'eve'), { kind: 'forbidden' });
  await accounts.close();
});

test('another code at each start, and none is guessed: few tries, from one address or many', async () => {
  const clock = createFakeClock(Date.now());
  const accounts = await openLocalAccounts({ clock });
  const again = await openLocalAccounts({ clock });
  assert.notEqual(await accounts.setupCode(), await again.setupCode());
  const kinds = new Map<string, number>();
  const guess = (address: string, n: number) =>
    createBrowser(accounts, { address })
      .signUp('Eve', 'eve', { setupCode: `AAAA${n}` })
      .catch(({ kind }) => kinds.set(kind, (kinds.get(kind) ?? 0) + 1));
  for (let n = 1000; n < 1100; n += 1) await guess('203.0.113.9', n);
  assert.deepEqual(Object.fromEntries(kinds), { forbidden: 5, 'too-many': 95 });
  for (let n = 1000; n < 1200; n += 1) await guess(`198.51.100.${n - 1000}`, n);
  assert.ok(kinds.get('forbidden')! <= 50, `${kinds.get('forbidden')} were compared`);
  // Whoever sits at the machine is not kept out by that.
  await createHomeBrowser(accounts).signUp('Ada', 'ada');
  await accounts.close();
  await again.close();
});

test('of two who make the first account at once, one becomes the owner and the other nothing', async () => {
  const accounts = await openLocalAccounts();
  const results = await Promise.allSettled(
    ['ada', 'ben', 'eve'].map((login) => createHomeBrowser(accounts).signUp(login, login)),
  );
  assert.deepEqual(results.map(({ status }) => status).toSorted(), ['fulfilled', 'rejected', 'rejected']);
  const people = await accounts.listPeople();
  assert.deepEqual(
    people.map(({ role }) => role),
    ['owner'],
  );
  await accounts.close();
});

test('of two who use one invite at once, one gets it', async () => {
  const accounts = await openLocalAccounts();
  const owner = createHomeBrowser(accounts);
  const id = await owner.signUp('Ada', 'ada');
  const { secret } = await accounts.invite(owner.asker(), id, {
    ...{ role: 'member', quotaBytes: null, note: '', expiresAtMs: Date.now() + 1e6 },
  });
  const results = await Promise.allSettled(
    ['ben', 'eve'].map((login) => createBrowser(accounts).signUp(login, login, { invite: secret })),
  );
  assert.deepEqual(results.map(({ status }) => status).toSorted(), ['fulfilled', 'rejected']);
  assert.equal((await accounts.listPeople()).length, 2);
  await accounts.close();
});

test('POST /api/auth/sign-up/email is under the same rule, and takes the code as a field', async () => {
  const accounts = await openLocalAccounts({ config: { signUp: 'open' } });
  const fields = { name: 'Ada', email: 'ada@example.org', password: goodPassword };
  const browser = createBrowser(accounts);
  const refused = await browser.send('POST', '/sign-up/email', fields);
  assert.deepEqual([refused.status, refused.json.code], [403, 'FORBIDDEN']);
  const wrong = await browser.send('POST', '/sign-up/email', { ...fields, setupCode: 'AAAA-AAAA' });
  assert.equal(wrong.status, 403);
  assert.deepEqual(await accounts.listPeople(), []);
  const made = await browser.send('POST', '/sign-up/email', {
    ...fields,
    setupCode: await accounts.setupCode(),
  });
  assert.deepEqual([made.status, made.json.user.role], [200, 'owner']);
  const next = await createBrowser(accounts).send('POST', '/sign-up/email', {
    ...fields,
    email: 'ben@example.org',
  });
  assert.deepEqual([next.status, next.json.user.role], [200, 'member']);
  await accounts.close();
});
