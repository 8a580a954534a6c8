// Passkeys: added by somebody who is logged in, good for a log-in when the device checked who holds it, gone at once.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Db } from 'mongodb';
import type { Accounts } from '../../src/accounts/accounts.ts';
import { createBrowser, createHomeBrowser, openLocalAccounts } from '../helpers/local-accounts.ts';
import { openTestDatabase } from '../helpers/mongo/test-database.ts';
import { createSoftAuthenticator } from '../helpers/soft-authenticator.ts';

const origin = 'https://videos.example.org';

async function withPasskey(db?: Db): Promise<{
  accounts: Accounts;
  id: string;
  owner: ReturnType<typeof createBrowser>;
  device: ReturnType<typeof createSoftAuthenticator>;
}> {
  const accounts = await openLocalAccounts(db ? { db } : {});
  await createHomeBrowser(accounts).signUp('Ada', 'ada');
  const owner = createBrowser(accounts, { origin });
  const { personId: id } = (await owner.signIn('ada')) as { personId: string };
  const device = createSoftAuthenticator(origin);
  const { json: options, status } = await owner.send('GET', '/passkey/generate-register-options?name=x');
  assert.equal(status, 200);
  assert.deepEqual(
    [options.rp, options.user.name, options.user.displayName],
    [{ name: 'Kinora', id: 'videos.example.org' }, 'ada', 'Ada'],
  );
  assert.equal(options.authenticatorSelection.userVerification, 'required');
  const added = await owner.send('POST', '/passkey/verify-registration', {
    ...{ response: device.create(options.challenge), name: ' Phone ', createSession: true },
  });
  assert.equal(added.status, 200, added.body);
  return { accounts, id, owner, device };
}

async function challenge(browser: ReturnType<typeof createBrowser>): Promise<string> {
  const { json } = await browser.send('GET', '/passkey/generate-authenticate-options');
  assert.equal(json.userVerification, 'required');
  return json.challenge;
}

test('a passkey logs in from another browser, and the session before it ends', async () => {
  const { accounts, id, device } = await withPasskey();
  assert.deepEqual(
    (await accounts.listPasskeys(id)).map(({ name }) => name),
    ['Phone'],
  );
  const browser = createBrowser(accounts, { origin });
  await browser.signIn('ada');
  const before = browser.session();
  const entered = await browser.send('POST', '/passkey/verify-authentication', {
    response: device.get(await challenge(browser)),
  });
  assert.equal(entered.status, 200, entered.body);
  assert.notEqual(browser.session(), before);
  assert.equal(await accounts.identify({ cookie: before, bearer: null }), null);
  assert.equal((await browser.identity())?.viewer.personId, id);
  const log = await accounts.listAudit(Date.now() + 1, 50);
  const lines = log.map(({ action, subject }) => `${action} ${subject}`);
  assert.ok(lines.includes('passkey-added Phone') && lines.includes('signed-in passkey'), lines.join('; '));
  assert.ok(!entered.body.includes('.invalid'), 'the address that stands in for one is not shown');
});

test('a passkey is refused without its person, with an old challenge, of another site, or once its person is out', async () => {
  const { accounts, id, owner, device } = await withPasskey();
  const browser = createBrowser(accounts, { origin });
  const send = (response: object) => browser.send('POST', '/passkey/verify-authentication', { response });
  const found = await send(device.get(await challenge(browser), device.present));
  assert.deepEqual([found.status, browser.session()], [401, null]);
  assert.match(found.json.message, /PIN, fingerprint or face/);
  const used = await challenge(browser);
  assert.equal((await send(device.get(used))).status, 200);
  browser.keep(await accounts.signOut(browser.asker()));
  assert.equal((await send(device.get(used))).status, 401, 'the challenge was used');
  assert.equal((await send(device.get('AAAA'))).status, 401);
  const elsewhere = createSoftAuthenticator('https://evil.example');
  assert.equal((await send(elsewhere.get(await challenge(browser)))).status, 401);
  for (const response of [{}, { id: 5 }, { id: 'x'.repeat(10_000) }])
    assert.equal((await send(response)).status, 401);
  assert.equal((await browser.send('POST', '/passkey/verify-authentication', {})).status, 401);

  const account = { password: 'plum kettle orbit sandal', role: 'owner', quotaBytes: null } as const;
  const other = await accounts.addPerson(owner.asker(), id, { ...account, name: 'Ben', login: 'ben' });
  await accounts.changePerson(owner.asker(), other.id, id, { isDisabled: true });
  assert.equal((await send(device.get(await challenge(browser)))).status, 401, 'turned off');
  await accounts.changePerson(owner.asker(), other.id, id, { isDisabled: false });
  assert.equal((await send(device.get(await challenge(browser)))).status, 200);
  const [passkey] = await accounts.listPasskeys(id);
  await assert.rejects(accounts.removePasskey(browser.asker(), other.id, passkey!.id), { kind: 'not-found' });
  await accounts.removePasskey(browser.asker(), id, passkey!.id);
  assert.equal((await send(device.get(await challenge(browser)))).status, 401, 'removed');
});

test('in MongoDB too a passkey logs in, each challenge once, and is gone once removed', async (t) => {
  const found = await openTestDatabase(t);
  if (!found) return;
  const { accounts, id, device } = await withPasskey(found.db);
  const browser = createBrowser(accounts, { origin });
  const send = (response: object) => browser.send('POST', '/passkey/verify-authentication', { response });
  const used = await challenge(browser);
  assert.equal((await send(device.get(used))).status, 200);
  assert.equal((await browser.identity())?.viewer.personId, id);
  assert.equal((await send(device.get(used))).status, 401, 'the challenge was used');
  for (const value of [{ $ne: null }, ['x'], null])
    assert.equal((await send({ ...device.get(await challenge(browser)), id: value })).status, 401);
  const [passkey] = await accounts.listPasskeys(id);
  assert.equal(passkey?.name, 'Phone');
  await accounts.removePasskey(browser.asker(), id, passkey.id);
  assert.equal((await send(device.get(await challenge(browser)))).status, 401, 'removed');
});

test('nobody adds a passkey without being logged in, or to somebody else', async () => {
  const { accounts } = await withPasskey();
  const nobody = createBrowser(accounts, { origin });
  assert.equal((await nobody.send('GET', '/passkey/generate-register-options')).status, 401);
  assert.equal((await nobody.send('POST', '/passkey/verify-registration', { response: {} })).status, 401);
  assert.equal((await nobody.send('POST', '/passkey/delete-passkey', { id: 'x' })).status, 401);
  assert.equal((await nobody.send('GET', '/passkey/list-user-passkeys')).status, 401);
});
