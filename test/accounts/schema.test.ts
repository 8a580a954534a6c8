// accounts.sqlite: the tables that better-auth expects are there, nobody else reads the file, and files that are not
// ours, or of a newer program, are left alone.
import assert from 'node:assert/strict';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { getMigrations } from 'better-auth/db/migration';
import { pino } from 'pino';
import { accountsFileName, authKeyFileName } from '../../src/accounts/local/create-local-accounts.ts';
import { engineOptions } from '../../src/accounts/local/engine-options.ts';
import type { EngineParts } from '../../src/accounts/local/engine-parts.ts';
import { openAccounts } from '../../src/accounts/sqlite/open-accounts.ts';
import { accountsHistory } from '../../src/accounts/sqlite/schema.ts';
import { sqliteAccounts } from '../../src/accounts/sqlite/sqlite-accounts.ts';
import { createStore } from '../../src/accounts/sqlite/store.ts';
import { systemClock } from '../../src/clock.ts';
import {
  authConfig,
  createHomeBrowser,
  createQuickHasher,
  openLocalAccounts,
} from '../helpers/local-accounts.ts';
import { temporaryFolder } from '../helpers/temporary-folder.ts';

const openId: NonNullable<EngineParts['openId']> = {
  provider: { issuer: 'https://id.example.invalid', clientId: 'a', clientSecret: 'b', name: 'Example' },
  admit: async (user) => user,
  async admitted() {},
};

function parts(database: DatabaseSync, more: Partial<EngineParts> = {}): EngineParts {
  const store = createStore(database, systemClock);
  return {
    ...{ data: sqliteAccounts(store, systemClock), hasher: createQuickHasher() },
    ...{ config: authConfig, log: pino({ level: 'silent' }) },
    secret: 'b9f1c2d3e4a5968778695a4b3c2d1e0f',
    ...more,
  };
}

for (const [title, more] of [
  ['by itself', {}],
  ['with an OpenID provider', { openId }],
] as const)
  test(`better-auth finds all it needs: its migration has nothing to add, ${title}`, async () => {
    const file = join(await temporaryFolder(), accountsFileName);
    const database = openAccounts(file);
    const options = await engineOptions(parts(database, more), 'https://videos.example.org');
    const { toBeAdded, toBeCreated, compileMigrations } = await getMigrations(options);
    assert.deepEqual([toBeAdded, toBeCreated], [[], []]);
    assert.equal((await compileMigrations()).trim(), ';');
    database.close();
  });

test('without our schema it would have much to add: the test above can fail', async () => {
  const file = join(await temporaryFolder(), accountsFileName);
  const database = openAccounts(file);
  database.exec('DROP TABLE passkey; ALTER TABLE "user" DROP COLUMN quotaBytes');
  const { toBeAdded, toBeCreated } = await getMigrations(
    await engineOptions(parts(database), 'http://localhost'),
  );
  assert.deepEqual(
    [
      toBeAdded.map(({ table, fields }) => [table, Object.keys(fields)]),
      toBeCreated.map(({ table }) => table),
    ],
    [[['user', ['quotaBytes']]], ['passkey']],
  );
  database.close();
});

test('the accounts and their key are for this user alone, and on the disk when a sign-up is answered', async () => {
  const accounts = await openLocalAccounts();
  const { folder } = accounts;
  await createHomeBrowser(accounts).signUp('Ada', 'ada');
  for (const name of [accountsFileName, `${accountsFileName}-wal`, authKeyFileName])
    assert.equal((await stat(join(folder, name))).mode & 0o777, 0o600, name);
  // As after a power cut: what another program reads of the files as they are now.
  const copy = new DatabaseSync(join(folder, accountsFileName), { readOnly: true });
  assert.deepEqual(
    { ...copy.prepare('SELECT name, role FROM "user"').get() },
    { name: 'Ada', role: 'owner' },
  );
  assert.deepEqual({ ...copy.prepare('PRAGMA integrity_check').get() }, { integrity_check: 'ok' });
  copy.close();
  await accounts.close();
});

test('no secret stands in the file: passwords, tokens, invites and ways to a new password are hashes', async () => {
  const accounts = await openLocalAccounts();
  const owner = createHomeBrowser(accounts);
  const id = await owner.signUp('Ada', 'ada');
  const { secret: token } = await accounts.addToken(owner.asker(), id, {
    ...{ name: 'x', scopes: ['videos:watch'], expiresAtMs: null },
  });
  const { secret: invite } = await accounts.invite(owner.asker(), id, {
    ...{ role: 'member', quotaBytes: null, note: '', expiresAtMs: Date.now() + 1e6 },
  });
  const reset = await accounts.makeResetToken(owner.asker(), id, id);
  await accounts.close();
  const bytes = await readFile(join(accounts.folder, accountsFileName), 'latin1');
  assert.ok(bytes.includes('Ada'));
  for (const secret of [token, invite, reset, 'plum kettle', owner.session()!])
    assert.ok(!bytes.includes(secret), secret);
  // What is on the disk of a session is no cookie without the key beside it.
  assert.ok(bytes.includes(decodeURIComponent(owner.session()!).split('.')[0]!));
});

test('a file that is not ours, damaged, or of a newer Kinora is refused and not touched', async () => {
  const folder = await temporaryFolder();
  const foreign = join(folder, 'foreign.sqlite');
  const other = new DatabaseSync(foreign);
  other.exec('CREATE TABLE x (y)');
  other.close();
  const newer = join(folder, 'newer.sqlite');
  openAccounts(newer, { ...accountsHistory, version: 9 }).close();
  const damaged = join(folder, 'damaged.sqlite');
  await writeFile(damaged, 'not a database, and longer than the hundred bytes of a header'.repeat(9));
  for (const [file, kind] of [
    [foreign, 'corrupt'],
    [newer, 'conflict'],
    [damaged, 'corrupt'],
    [join(folder, 'no', 'such.sqlite'), 'unavailable'],
  ] as const) {
    const before = await readFile(file).catch(() => null);
    assert.throws(() => openAccounts(file), { kind }, file);
    assert.deepEqual(await readFile(file).catch(() => null), before, file);
  }
});

test('an older file is brought up to date step by step, in one transaction', async () => {
  const file = join(await temporaryFolder(), accountsFileName);
  openAccounts(file).close();
  const { version } = accountsHistory;
  const steps = {
    [version]: 'ALTER TABLE token ADD COLUMN colour TEXT',
    [version + 1]: 'CREATE TABLE later (x)',
  };
  const wrong = { ...steps, [version + 1]: 'CREATE TABLE token (x)' };
  const broken = { ...accountsHistory, version: version + 2, steps: wrong };
  assert.throws(() => openAccounts(file, broken));
  const untouched = openAccounts(file);
  assert.equal(
    untouched.prepare(`SELECT count(*) AS n FROM pragma_table_info('token') WHERE name = 'colour'`).get()!.n,
    0,
  );
  untouched.close();
  const database = openAccounts(file, { ...accountsHistory, version: version + 2, steps });
  assert.equal(database.prepare('PRAGMA user_version').get()!.user_version, version + 2);
  database.prepare('SELECT colour FROM token').all();
  database.prepare('SELECT x FROM later').all();
  database.close();
});

test('a file of the first version, brought up to date, is as a fresh one', async () => {
  const folder = await temporaryFolder();
  const [old, fresh] = [join(folder, 'old.sqlite'), join(folder, 'fresh.sqlite')];
  // As the first version made it: what came later is not there.
  const first = openAccounts(old);
  first.exec('DROP TABLE attempt; PRAGMA user_version = 1');
  first.exec(`INSERT INTO invite VALUES ('a', 'b', 'member', NULL, '', 1, 2)`);
  first.close();
  const describe = (file: string) => {
    const database = openAccounts(file);
    const rows = database
      .prepare('SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY type, name')
      .all();
    const { n } = database.prepare('SELECT count(*) AS n FROM invite').get() as { n: number };
    database.close();
    return { rows: rows.map((row) => ({ ...row })), n };
  };
  const [brought, made] = [describe(old), describe(fresh)];
  assert.deepEqual(brought.rows, made.rows);
  assert.deepEqual([brought.n, made.n], [1, 0]);
});
