// `kinora user` and `kinora token` with MONGODB_URL: they speak to the database, beside processes that run on it, and
// touch no data folder.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createBrowser, goodPassword, openLocalAccounts } from '../helpers/local-accounts.ts';
import { openTestDatabase } from '../helpers/mongo/test-database.ts';
import { plainEnvironment } from '../helpers/program.ts';
import { temporaryFolder } from '../helpers/temporary-folder.ts';
import { until } from '../helpers/until.ts';

const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
/** What other processes do is to show within 2 s; a busy machine gets a little more. */
const within = 5000;

async function run(words: string, cwd: string, url: string, input = '') {
  const child = spawn(process.execPath, [main, ...words.split(' ')], {
    ...{ cwd, env: { ...plainEnvironment(), KINORA_DATA: cwd, MONGODB_URL: url }, timeout: 60_000 },
  });
  child.stdin.end(input);
  const closed = new Promise<number | null>((resolve) => child.once('close', resolve));
  const [stdout, stderr, status] = await Promise.all([text(child.stdout), text(child.stderr), closed]);
  return { status, stdout, stderr };
}

test('people and tokens of the database from the command line, beside a process that runs on it', async (t) => {
  const found = await openTestDatabase(t);
  if (!found) return;
  const { db, url } = found;
  const folder = await temporaryFolder();
  const accounts = await openLocalAccounts({ db, hasher: null });
  const owner = await run(
    'user add ada@example.org --name Ada --password-stdin',
    folder,
    url,
    `${goodPassword}\n`,
  );
  assert.deepEqual(
    [owner.stdout, owner.status],
    ['Ada can log in as ada@example.org (owner).\n', 0],
    owner.stderr,
  );
  const browser = createBrowser(accounts);
  await browser.signIn('ada@example.org');
  const member = await run('user add ben --password-stdin', folder, url, `${goodPassword}\n`);
  assert.equal(member.stdout, 'ben can log in as ben (member).\n', member.stderr);

  const made = await run('token add ben --name backup --scopes videos:watch', folder, url);
  const bearer = made.stdout.trim();
  const ask = () => accounts.identify({ cookie: null, bearer });
  assert.equal((await ask())?.viewer.name, 'ben');
  const [, id] = /A token of ben \((\w{16})\)/.exec(made.stderr)!;
  assert.equal((await run(`token remove ${id}`, folder, url)).stdout, 'The token "backup" works no more.\n');
  await until(async () => (await ask()) === null, { timeoutMs: within, what: 'the end of the token' });

  assert.equal((await run('user log-out ada@example.org', folder, url)).status, 0);
  await until(async () => (await browser.identity()) === null, {
    timeoutMs: within,
    what: 'the end of the session',
  });
  const removed = await run('user remove ben', folder, url);
  assert.match(removed.stdout, /^ben is removed\./, removed.stderr);
  assert.deepEqual(
    (await accounts.listPeople()).map(({ name }) => name),
    ['Ada'],
  );
  assert.deepEqual(readdirSync(folder), [], 'nothing was made in the data folder');
});

test('a database that is away is said so in a line', async () => {
  const folder = await temporaryFolder();
  const { status, stderr } = await run('user list', folder, 'mongodb://ada:secret@127.0.0.1:9/kinora');
  assert.deepEqual([status, stderr], [1, 'kinora: The database cannot be reached right now.\n']);
});
