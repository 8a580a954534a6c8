// Ten thousand wrong passwords, and what they cost: nobody else is kept out, and little is worked out for them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  createBrowser,
  createHomeBrowser,
  createQuickHasher,
  openLocalAccounts,
} from '../helpers/local-accounts.ts';
import { until } from '../helpers/until.ts';

async function countKinds(
  count: number,
  once: (n: number) => Promise<unknown>,
): Promise<Record<string, number>> {
  const kinds: Record<string, number> = {};
  for (let n = 0; n < count; n += 100)
    await Promise.all(
      Array.from({ length: 100 }, (_, more) =>
        once(n + more).then(
          () => 'let in',
          ({ kind }: { kind: string }) => kind,
        ),
      ),
    ).then((list) => {
      for (const kind of list) kinds[kind] = (kinds[kind] ?? 0) + 1;
    });
  return kinds;
}

test('10,000 wrong passwords from one address: few are worked out, and the right person comes in from elsewhere', async () => {
  const hasher = createQuickHasher();
  const accounts = await openLocalAccounts({ hasher });
  await createHomeBrowser(accounts).signUp('Ada', 'ada');
  hasher.worked = 0;
  const attacker = createBrowser(accounts, { address: '203.0.113.9' });
  const startedMs = Date.now();
  const kinds = await countKinds(10_000, (n) => attacker.signIn('ada', `wrong ${n}`));
  // One more may have come back for every 20 s the test took.
  const spare = Math.ceil((Date.now() - startedMs) / 20_000);
  assert.ok(kinds.unauthorized! <= 8 + spare, `${kinds.unauthorized} were worked out`);
  assert.equal(kinds.unauthorized! + kinds['too-many']!, 10_000);
  assert.equal(hasher.worked, kinds.unauthorized);
  await assert.rejects(
    attacker.signIn('ada'),
    { kind: 'too-many' },
    'the right one, from there, has to wait',
  );
  assert.equal((await createBrowser(accounts, { address: '198.51.100.4' }).signIn('ada')).kind, 'signed-in');
  const noted = await accounts.listAudit(Date.now() + 1, 1000);
  assert.equal(noted.filter(({ action }) => action === 'sign-in-failed').length, kinds.unauthorized);
  await accounts.close();
});

test('the same below /api/auth: JSON is under the same limits as the form', async () => {
  const hasher = createQuickHasher();
  const accounts = await openLocalAccounts({ hasher });
  await createHomeBrowser(accounts).signUp('Ada', 'ada@example.org');
  hasher.worked = 0;
  const attacker = createBrowser(accounts, { address: '203.0.113.9' });
  const statuses: Record<number, number> = {};
  for (let n = 0; n < 300; n += 1) {
    const path = n % 2 === 0 ? '/sign-in/email' : '/sign-in/username';
    const login = { email: 'ada@example.org', username: 'ada@example.org' };
    const answer = await attacker.send('POST', path, { ...login, password: `wrong ${n}` });
    statuses[answer.status] = (statuses[answer.status] ?? 0) + 1;
    if (answer.status === 429)
      assert.ok(answer.headers.some(([name, value]) => name === 'retry-after' && Number(value) > 0));
  }
  assert.deepEqual(Object.keys(statuses), ['401', '429']);
  assert.ok(statuses[401]! <= 9);
  assert.equal(hasher.worked, statuses[401]);
  // Nor is there a way around by the present password of somebody logged in.
  const ada = createBrowser(accounts, { address: '198.51.100.4' });
  await ada.signIn('ada@example.org');
  const own = (await ada.identity())!.viewer.personId;
  hasher.worked = 0;
  const thief = { ...ada.asker(), cookieHeader: `kinora.session=${ada.session()}` };
  const kinds = await countKinds(200, (n) => accounts.changePassword(thief, own, `guess ${n}`, 'x'));
  assert.ok(kinds.unauthorized! <= 9, JSON.stringify(kinds));
  assert.equal(hasher.worked, kinds.unauthorized);
  await accounts.close();
});

test('thousands of addresses cannot keep out a browser that was logged in before', async () => {
  const accounts = await openLocalAccounts();
  const home = createHomeBrowser(accounts);
  await home.signUp('Ada', 'ada');
  home.keep(await accounts.signOut(home.asker()));
  const kinds = await countKinds(3000, (n) =>
    createBrowser(accounts, { address: `10.1.${n >> 8}.${n & 255}` }).signIn('ada', `wrong ${n}`),
  );
  assert.ok(kinds.unauthorized! <= 45, JSON.stringify(kinds));
  await assert.rejects(createBrowser(accounts, { address: '198.51.100.4' }).signIn('ada'), {
    kind: 'too-many',
  });
  assert.equal((await home.signIn('ada')).kind, 'signed-in');
  // The mark is for that person in that browser: made up, or of another person, it helps nobody.
  const mark = home.cookies.get('kinora.device')!;
  const [personId, device, signature] = mark.split('~');
  for (const forged of [
    `${personId}~${device}~x${signature}`,
    `${personId}~other~${signature}`,
    'x',
    '~~',
    '',
  ]) {
    const thief = createBrowser(accounts, { address: '198.51.100.4' });
    thief.cookies.set('kinora.device', forged);
    await assert.rejects(thief.signIn('ada', 'wrong'), { kind: 'too-many' }, forged);
  }
  await accounts.close();
});

test('while strangers have all turns of the real scrypt, a browser that was logged in before comes first', async () => {
  const accounts = await openLocalAccounts({ hasher: null });
  const home = createHomeBrowser(accounts);
  await home.signUp('Ada', 'ada');
  await home.signIn('ada'); // better-auth is loaded
  const done: string[] = [];
  const strangers = Array.from({ length: 30 }, (_, n) =>
    createBrowser(accounts, { address: `10.2.0.${n}` })
      .signIn(`nobody ${n}`)
      .catch(({ kind }: { kind: string }) => done.push(kind)),
  );
  // Those past the places are refused at once: then the places are taken.
  await until(() => done.filter((kind) => kind === 'too-many').length === 12, {
    what: 'all places to be taken',
  });
  const before = done.filter((kind) => kind === 'unauthorized').length;
  assert.equal((await home.signIn('ada')).kind, 'signed-in');
  const during = done.filter((kind) => kind === 'unauthorized').length - before;
  assert.ok(during <= 6, `${during} strangers went before`);
  await Promise.all(strangers);
  assert.equal(done.filter((kind) => kind === 'unauthorized').length, 18);
  await accounts.close();
});

test('a browser that several people share remembers the last four of them', async () => {
  const accounts = await openLocalAccounts({ config: { signUp: 'open' } });
  const shared = createHomeBrowser(accounts);
  for (const login of ['ada', 'ben', 'cem', 'dora', 'eve']) await shared.signUp(login, login);
  assert.equal(shared.cookies.get('kinora.device')!.split('.').length, 4);
  const before = shared.cookies.get('kinora.device');
  await shared.signIn('ben');
  assert.equal(shared.cookies.get('kinora.device'), before, 'marked already');
  await accounts.close();
});
