// Accounts are carried from the file to the database and back: the same rows, and everybody goes on as before.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pino } from 'pino';
import type { AccountData } from '../../src/accounts/local/account-data.ts';
import {
  type AccountRow,
  accountCollections,
  accountRowForms,
} from '../../src/accounts/local/account-rows.ts';
import { openAccountData } from '../../src/accounts/local/create-local-accounts.ts';
import { exportAccounts, importAccounts } from '../../src/accounts/local/move-accounts.ts';
import { openAccounts } from '../../src/accounts/sqlite/open-accounts.ts';
import { systemClock } from '../../src/clock.ts';
import { createFileKeys } from '../../src/keys.ts';
import { newPerson } from '../contracts/account-data.ts';
import {
  createBrowser,
  createHomeBrowser,
  goodPassword,
  openLocalAccounts,
} from '../helpers/local-accounts.ts';
import { openTestDatabase } from '../helpers/mongo/test-database.ts';
import { temporaryFolder } from '../helpers/temporary-folder.ts';
import { totp } from '../helpers/totp.ts';

const tools = { clock: systemClock, log: pino({ level: 'silent' }) };

async function allRows(data: AccountData): Promise<string[]> {
  const rows = await Array.fromAsync(exportAccounts(data));
  return rows.map((row) => JSON.stringify(row)).toSorted();
}

test('from the file to the database and back: the same rows; sessions, tokens, second factors and passwords hold', async (t) => {
  const found = await openTestDatabase(t);
  if (!found) return;
  const { db } = found;
  const before = await openLocalAccounts();
  const { folder } = before;
  const home = createHomeBrowser(before);
  const ada = await home.signUp('Ada', 'ada@example.org');
  const ben = await before.addPerson(home.asker(), ada, {
    ...{ name: 'Ben', login: 'ben', password: goodPassword, role: 'child', quotaBytes: 3_000_000_000 },
  });
  const { uri, recoveryCodes } = await before.startTwoFactor(home.asker(), ada, goodPassword);
  const secret = new URL(uri).searchParams.get('secret')!;
  home.keep(await before.confirmTwoFactor(home.asker(), ada, totp(secret, Date.now())));
  const { secret: token } = await before.addToken(home.asker(), ada, {
    ...{ name: 'backup', scopes: ['videos:watch', 'videos:add'], expiresAtMs: Date.now() + 86_400_000 },
  });
  const invited = await before.invite(home.asker(), ada, {
    ...{ role: 'guest', quotaBytes: null, note: 'Gran', expiresAtMs: Date.now() + 86_400_000 },
  });
  const reset = await before.makeResetToken(home.asker(), ada, ben.id);
  await assert.rejects(createBrowser(before).signIn('ben', 'wrong'), { kind: 'unauthorized' });
  const halfway = createBrowser(before);
  assert.equal((await halfway.signIn('ada@example.org')).kind, 'second-factor');
  const television = await before.startDevice(createBrowser(before).asker());
  await before.close();

  const file = await openAccountData({ folder }, tools);
  const keys = createFileKeys(folder);
  const target = await openAccountData({ db, keys }, tools);
  const moved = await importAccounts(target, exportAccounts(file));
  const rows = await allRows(file);
  assert.equal(moved, rows.length);
  const collections = new Set(rows.map((row) => (JSON.parse(row) as AccountRow).collection));
  assert.deepEqual(
    accountCollections.filter((name) => !collections.has(name)),
    ['passkey'],
    'every kind of row but one was there',
  );
  assert.deepEqual(await allRows(target), rows);
  // Interrupted half way, and begun again.
  await importAccounts(target, (await Array.fromAsync(exportAccounts(file))).slice(0, 5));
  await importAccounts(target, exportAccounts(file));
  assert.deepEqual(await allRows(target), rows);

  const back = await openAccountData({ folder: await temporaryFolder() }, tools);
  await importAccounts(back, exportAccounts(target));
  assert.deepEqual(await allRows(back), rows);
  await importAccounts(back, exportAccounts(target));
  assert.deepEqual(await allRows(back), rows);
  for (const data of [file, target, back]) await data.close();

  const after = await openLocalAccounts({ db, keys });
  assert.equal((await after.identify({ cookie: home.session(), bearer: null }))?.viewer.personId, ada);
  assert.deepEqual((await after.identify({ cookie: null, bearer: token }))?.viewer.scopes, [
    ...['videos:watch', 'videos:add'],
  ]);
  assert.deepEqual(await after.findInvite(invited.secret), invited.invite);
  assert.deepEqual(await after.getPerson(ben.id), ben);
  const browser = createBrowser(after);
  assert.equal((await browser.signIn('ada@example.org')).kind, 'second-factor');
  browser.keep((await after.proveSecondFactor(halfway.asker(), recoveryCodes[0]!)).cookies);
  assert.equal((await browser.identity())?.viewer.personId, ada);
  await after.answerDevice(browser.asker(), ada, television.userCode, true);
  assert.equal((await after.pollDevice(browser.asker(), television.deviceCode)).kind, 'signed-in');
  await after.resetPassword(createBrowser(after).asker(), reset, 'violet anchor mosaic 41 tundra');
  assert.equal(
    (await createBrowser(after).signIn('ben', 'violet anchor mosaic 41 tundra')).kind,
    'signed-in',
  );
  await assert.rejects(after.changePerson(home.asker(), ada, ada, { role: 'guest' }), { kind: 'conflict' });
  await after.changePerson(home.asker(), ada, ben.id, { role: 'owner' });
  assert.equal((await after.changePerson(home.asker(), ben.id, ada, { role: 'member' })).role, 'member');
  await after.close();
});

test('accounts of somebody else are not mixed in: a log-in that is taken is told', async (t) => {
  const found = await openTestDatabase(t);
  const [one, other] = [newPerson('Ada'), newPerson('Else', { email: 'ada@example.org' })];
  const source = await openAccountData({ folder: await temporaryFolder() }, tools);
  await source.people.add(one, { by: 'nothing' });
  const places = [await openAccountData({ folder: await temporaryFolder() }, tools)];
  if (found) places.push(await openAccountData({ db: found.db, keys: createFileKeys('') }, tools));
  for (const place of places) {
    await place.people.add(other, { by: 'nothing' });
    await assert.rejects(importAccounts(place, exportAccounts(source)), { kind: 'conflict' });
    assert.equal((await place.people.get(other.id))?.name, 'Else');
    await place.close();
  }
  await source.close();
});

test('the list of what is carried names every table and column of the file', async () => {
  const database = openAccounts(`${await temporaryFolder()}/accounts.sqlite`);
  const tables = database
    .prepare(`SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name`)
    .all()
    .map(({ name }) => String(name));
  const snake = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  const forms = Object.entries(accountRowForms).map(([name, form]) => {
    const as = form.isEngines ? (text: string) => text : snake;
    return [as(name), Object.keys(form.fields).map(as)] as const;
  });
  assert.deepEqual(forms.map(([name]) => name).toSorted(), tables);
  for (const [name, columns] of forms) {
    const found = database.prepare(`SELECT name FROM pragma_table_info('${name}')`).all();
    assert.deepEqual(columns.toSorted(), found.map((row) => String(row.name)).toSorted(), name);
  }
  database.close();
});
