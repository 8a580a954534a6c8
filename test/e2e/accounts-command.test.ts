// `kinora user` and `kinora token` beside a running program: what they say, and that the program follows within 5 s.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, mock, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { token } from '../../src/commands/token.ts';
import { user } from '../../src/commands/user.ts';
import { openStream } from '../helpers/open-stream.ts';
import { type House, housePassword, startHouse } from '../helpers/people.ts';
import { plainEnvironment } from '../helpers/program.ts';
import { until } from '../helpers/until.ts';

const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'kinora-command-'));
after(() => rmSync(folder, { recursive: true, force: true }));

type Result = { readonly status: number | null; readonly stdout: string; readonly stderr: string };

/** Runs the command line to its end; the test's own process goes on meanwhile. */
function run(words: string, dataFolder: string, { input = '', settings = {} } = {}): Promise<Result> {
  const child = spawn(process.execPath, [main, ...words.split(' ')], {
    cwd: folder,
    env: { ...plainEnvironment(), KINORA_DATA: dataFolder, ...settings },
    timeout: 60_000,
  });
  child.stdin.end(input);
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (piece: Buffer) => {
    stdout += piece.toString();
  });
  child.stderr.on('data', (piece: Buffer) => {
    stderr += piece.toString();
  });
  return new Promise((resolve) => child.once('close', (status) => resolve({ status, stdout, stderr })));
}

/** The same in this process, as `main.ts` calls it: what is refused needs no process each. */
async function runHere(words: string, dataFolder: string): Promise<Result> {
  const [command, ...rest] = words.split(' ');
  const before = process.env;
  const said = { log: '', error: '' };
  const mocks = (['log', 'error'] as const).map((name) =>
    mock.method(console, name, (text: string) => {
      said[name] += `${text}\n`;
    }),
  );
  process.env = { ...plainEnvironment(), KINORA_DATA: dataFolder };
  try {
    const status = await (command === 'token' ? token : user)(rest);
    return { status, stdout: said.log, stderr: said.error };
  } finally {
    process.env = before;
    for (const { mock: done } of mocks) done.restore();
  }
}

describe('kinora user, with nothing running', () => {
  const data = join(folder, 'data');

  test('makes the owner first, with a password that is printed, then members', async () => {
    assert.match((await run('user list', data)).stderr, /^kinora: there are no accounts in .*KINORA_DATA/);
    assert.ok(!existsSync(data), 'looking makes nothing');
    const first = await run('user add ada@example.org --name Ada', data);
    assert.equal(first.status, 0, first.stderr);
    assert.match(
      first.stdout,
      /^Ada can log in as ada@example\.org \(owner\)\.\nPassword: (\w{5}-){3}\w{5}\n$/,
    );
    const next = await run('user add ben --quota 5GB --password-stdin', data, {
      input: `${housePassword}\n`,
    });
    assert.equal(next.stdout, 'ben can log in as ben (member).\n');
    const { stdout } = await run('user list', data);
    assert.match(stdout, /^LOGIN\s+NAME\s+ROLE\s+LAST SEEN/);
    assert.match(stdout, /^ada@example\.org\s+Ada\s+owner\s+-$/m);
    assert.match(stdout, /^ben\s+ben\s+member\s+-$/m);
  });

  const refusals: [words: string, input: string, status: number, says: RegExp][] = [
    ['user add kim --password-stdin', 'password\n', 1, /^kinora: .*password/i],
    ['user add kim --password-stdin', '', 1, /^kinora: /],
    ['user add ben', '', 1, /^kinora: This user name is taken/],
    ['user add', '', 2, /^kinora: user: LOGIN is missing; kinora user --help tells more\n$/],
    ['user add kim --role king', '', 2, /^kinora: user: a role is one of owner, member, guest, child/],
    ['user add kim --quota lots', '', 2, /^kinora: user: --quota takes a number of bytes/],
    ['user add kim --colour red', '', 2, /^kinora: user: Unknown option '--colour'/],
    ['user list ada', '', 2, /^kinora: user: "ada" is one word too many/],
    ['user dance', '', 2, /^kinora: user: "dance" is not one of list, add,/],
    ['user constructor', '', 2, /^kinora: user: "constructor" is not one of/],
    ['user remove nobody', '', 1, /^kinora: there is nobody called "nobody"; kinora user list/],
    ['user remove ada@example.org', '', 1, /^kinora: This is the last owner/],
    ['user disable ada@example.org', '', 1, /^kinora: This is the last owner/],
    ['user role ada@example.org guest', '', 1, /^kinora: This is the last owner/],
    ['token add ben', '', 2, /^kinora: token: --name is missing/],
    ['token add ben --name x --scopes self', '', 2, /^kinora: token: "self" is not a scope/],
    ['token add ben --name x --scopes people:manage', '', 1, /^kinora: A token cannot do more/],
    ['token add ben --name x --days 0', '', 2, /^kinora: token: --days takes/],
    ['token remove nothing', '', 1, /^kinora: there is no such token/],
  ];
  test('says in one line what is not possible', async () => {
    for (const [words, input, status, says] of refusals) {
      const isHere = !/--password-stdin|^user (dance|disable)/.test(words);
      const result = isHere ? await runHere(words, data) : await run(words, data, { input });
      assert.equal(result.status, status, `${words}: ${result.stderr}`);
      assert.match(result.stderr, says);
      assert.equal(result.stderr.trim().split('\n').length, 1, words);
    }
  });

  test('tells of itself', async () => {
    const { status, stdout } = await run('user --help', data);
    assert.equal(status, 0);
    for (const word of ['list', 'add', 'role', 'reset', 'log-out', 'disable', 'enable', 'remove'])
      assert.match(stdout, new RegExp(`^kinora user ${word}`, 'm'));
    assert.match((await run('token add --help', data)).stdout, /^kinora token add LOGIN --name NAME/m);
    assert.match((await run('--help', data)).stdout, /kinora user --help/);
  });

  test('is not for a process whose accounts are elsewhere', async () => {
    const settings = {
      ...{ KINORA_ROLES: 'web,worker,camera', KINORA_AUTH_URL: 'http://127.0.0.1:1' },
      KINORA_AUTH_SECRET: 'x'.repeat(40),
    };
    const { status, stderr } = await run('user list', data, { settings });
    assert.equal(status, 1);
    assert.match(stderr, /process with the role auth/);
  });
});

describe('kinora user, beside the running program', () => {
  let house: House;
  const within = 5000;
  before(async () => {
    house = await startHouse();
  });
  after(() => house?.close());
  const beside = async (words: string, input = '') => {
    const result = await run(words, house.program.dataFolder, { input });
    assert.equal(result.status, 0, result.stderr);
    return result.stdout;
  };

  /** What ends somebody's log-ins, and whether a running stream ends with it. */
  for (const [words, says] of [
    ['log-out', /is logged out everywhere/],
    ['disable', /is turned off/],
    ['reset --password-stdin', /has a new password/],
    ['remove', /is removed\. Their videos belong to the owners now\./],
  ] as const)
    test(`${words} takes hold within 5 s, of what runs as well`, async () => {
      const person = await house.add(`Person ${words.replaceAll(/\W/g, '')}`, 'member');
      const url = `${house.url}/cameras/default/stream.mjpeg`;
      const stream = await openStream(url, { cookie: person.cookie });
      const other = await openStream(url, { cookie: house.member.cookie });
      await until(() => stream.receivedBytes > 0 && other.receivedBytes > 0, { what: 'pictures' });
      const [word, ...options] = words.split(' ');
      const said = await beside(
        ['user', word, person.login, ...options].join(' '),
        'velvet harbour quilt 19\n',
      );
      const sinceMs = performance.now();
      assert.match(said, says);
      await until(() => stream.isOver, { timeoutMs: within, what: 'the end of the stream' });
      await until(async () => (await person.ask('/api/v1/me')).status === 401, {
        ...{ timeoutMs: within, what: 'the end of the session' },
      });
      assert.ok(performance.now() - sinceMs < within);
      assert.ok(!other.isOver, 'nobody else is bothered');
      other.close();
    });

  test('a new role holds within 5 s', async () => {
    const person = await house.add('Role', 'guest');
    const people = () => person.ask('/api/v1/people');
    assert.equal((await people()).status, 403);
    assert.match(await beside(`user role ${person.login} owner`), /is an owner from now on/);
    await until(async () => (await people()).status === 200, { timeoutMs: within, what: 'the new role' });
    await beside(`user role ${person.login} guest`);
    await until(async () => (await people()).status === 403, { timeoutMs: within, what: 'the old role' });
  });

  test('somebody who was turned off and on again logs in as before', async () => {
    const person = await house.add('Onoff', 'member');
    await beside(`user disable ${person.login}`);
    await assert.rejects(house.logIn(person));
    await beside(`user enable ${person.login}`);
    await house.logIn(person);
  });

  test('somebody who was added logs in at once; a way to a new password works once', async () => {
    await beside('user add newcomer --name New --password-stdin', `${housePassword}\n`);
    const login = (password: string) =>
      house.ask('/api/auth/sign-in/username', { method: 'POST', body: { username: 'newcomer', password } });
    assert.equal((await login(housePassword)).status, 200);
    const said = await beside('user reset newcomer');
    const [, token] = /\/reset\?token=([0-9a-z]{32})$/m.exec(said)!;
    const reset = (newPassword: string) =>
      house.ask('/api/auth/reset-password', { method: 'POST', body: { token, newPassword } });
    assert.equal((await reset('velvet harbour quilt 19')).status, 200);
    assert.equal((await reset('velvet harbour quilt 20')).status, 403);
    assert.equal((await login('velvet harbour quilt 19')).status, 200);
    assert.equal((await login(housePassword)).status, 401);
  });

  test('tokens work at once, and no more once they are removed', async () => {
    const made = await run(
      `token add ${house.member.login} --name backup --scopes videos:watch --days 2`,
      house.program.dataFolder,
    );
    assert.match(made.stderr, /A token of Ben \(\w+\), good until \d{4}-/);
    const secret = made.stdout.trim();
    assert.match(secret, /^kinora_[0-9a-z]{32}$/);
    const ask = (path: string) => house.ask(path, { headers: { authorization: `Bearer ${secret}` } });
    assert.equal((await ask('/api/v1/videos')).status, 200);
    assert.equal((await ask('/api/v1/people')).status, 403);
    const listed = await beside(`token list ${house.member.login}`);
    const [, id] = /^(\w{16})\s+Ben\s+backup\s+\d{4}-.*videos:watch$/m.exec(listed)!;
    assert.ok(!listed.includes(secret));
    assert.equal(await beside(`token list ${house.guest.login}`), 'There are no tokens.\n');
    assert.equal(await beside(`token remove ${id}`), 'The token "backup" works no more.\n');
    await until(async () => (await ask('/api/v1/videos')).status === 401, {
      ...{ timeoutMs: within, what: 'the end of the token' },
    });
  });

  test('what the command line did is in the audit log', async () => {
    const { items } = await house.owner.read<{ items: { action: string; address: string }[] }>(
      '/api/v1/audit',
    );
    assert.ok(items.some(({ action, address }) => action === 'person-changed' && address === 'command line'));
  });
});
