// compose.yaml: what it starts, with which settings and rights; the passwords it makes; and the nginx it puts in front,
// run as it is (but for ports, paths and names) before the program.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parseEnv } from 'node:util';
import { parse } from 'yaml';
import { settingList } from '../../src/setting-list.ts';
import { readSettings } from '../../src/settings.ts';
import { freePort } from '../helpers/free-port.ts';
import { startProgram } from '../helpers/program.ts';
import { until } from '../helpers/until.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const read = (path: string) => readFileSync(join(root, path), 'utf8');

type Service = {
  readonly image: string;
  readonly build?: { dockerfile: string };
  readonly environment?: Record<string, string>;
  readonly entrypoint?: readonly string[];
  readonly read_only?: boolean;
  readonly cap_drop?: readonly string[];
  readonly cap_add?: readonly string[];
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly scale?: number;
  readonly depends_on?: Record<string, { condition: string }>;
};

const compose = parse(read('compose.yaml'), { merge: true }) as {
  services: Record<string, Service>;
  volumes: Record<string, unknown>;
};
const { services } = compose;
const roles = ['web', 'auth', 'worker', 'camera'];

test('there is each role, two of web, a database that is a replica set, and nginx, which alone is reached', () => {
  assert.deepEqual(Object.keys(services).toSorted(), [
    ...['auth', 'camera', 'mongodb', 'mongodb-replica-set', 'nginx', 'secrets', 'web', 'worker'],
  ]);
  assert.equal(services.web?.scale, 2);
  const reached = Object.entries(services).filter(([, { ports }]) => ports);
  assert.deepEqual(
    reached.map(([name]) => name),
    ['nginx'],
  );
});

test('every container has a read-only root and no capabilities, but for the one that gives files away', () => {
  for (const [name, service] of Object.entries(services)) {
    assert.equal(service.read_only, true, name);
    assert.deepEqual(service.cap_drop, ['ALL'], name);
    assert.deepEqual(service.cap_add, name === 'secrets' ? ['CHOWN', 'DAC_OVERRIDE'] : undefined, name);
  }
});

test('what it mounts of the repository is there, and what else it mounts is declared', () => {
  for (const [name, { volumes = [], depends_on = {}, build }] of Object.entries(services)) {
    for (const volume of volumes) {
      const [source = '', target] = volume.split(':');
      if (source.startsWith('./')) assert.ok(statSync(join(root, source)).isFile(), source);
      else if (target !== undefined) assert.ok(source in compose.volumes, `${name}: ${source}`);
    }
    for (const needed of Object.keys(depends_on)) assert.ok(needed in services, needed);
    if (build) assert.ok(statSync(join(root, build.dockerfile)).isFile());
  }
});

describe('the passwords', () => {
  const make = (folder: string) => {
    for (const name of ['kinora', 'mongodb']) mkdirSync(join(folder, name), { recursive: true });
    const script = join(root, 'deploy/docker/make-secrets.mjs');
    const words = [script, join(folder, 'kinora'), join(folder, 'mongodb')];
    const done = spawnSync(process.execPath, words, { encoding: 'utf8' });
    assert.equal(done.status, 0, done.stderr);
    return readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .map((name) => join(folder, name))
      .filter((path) => statSync(path).isFile())
      .map((path) => {
        assert.equal(statSync(path).mode & 0o777, 0o400, path);
        return readFileSync(path, 'utf8');
      });
  };

  test('are made once, are others each time, and the program takes them with the settings of each role', (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'kinora-secrets-'));
    t.after(() => rmSync(folder, { recursive: true, force: true }));
    const first = make(join(folder, 'a'));
    assert.equal(first.length, 4);
    assert.deepEqual(make(join(folder, 'a')), first, 'a second start changes nothing');
    for (const secret of make(join(folder, 'b'))) assert.ok(!first.includes(secret));

    const secrets = parseEnv(readFileSync(join(folder, 'a', 'kinora', 'kinora.env'), 'utf8'));
    const password = readFileSync(join(folder, 'a', 'mongodb', 'password'), 'utf8');
    assert.equal(new URL(secrets.MONGODB_URL!).password, password);
    for (const role of roles) {
      const service = services[role]!;
      assert.ok(service.entrypoint?.includes('--env-file=/run/kinora/kinora.env'));
      assert.ok(service.volumes?.includes('secrets:/run/kinora:ro'));
      // Compose puts what the file .env says, or nothing, into this one.
      const given = { ...service.environment, KINORA_URL: '' };
      const config = readSettings({ ...given, ...secrets }, root, false);
      assert.deepEqual([...config.roles], [role]);
    }
  });

  test('stand nowhere in compose.yaml', () => {
    const isSecret = new Set(Object.values(settingList).flatMap((it) => (it.isSecret ? [it.name] : [])));
    for (const { environment = {} } of Object.values(services))
      assert.deepEqual(
        Object.keys(environment).filter((name) => isSecret.has(name as never) || /PASSWORD$/.test(name)),
        [],
      );
  });
});

const nginxIsThere = spawnSync('nginx', ['-v']).error === undefined;
const skip = !nginxIsThere && 'nginx is not on this machine (Debian: apt-get install nginx-light)';

describe('its nginx', { skip }, () => {
  test('keeps the port that people came by, sends uploads on, and passes over a container that is gone', async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'kinora-compose-'));
    const port = await freePort();
    const settings = { KINORA_HOST: '127.0.0.1', KINORA_TRUSTED_PROXIES: '127.0.0.1' };
    const program = await startProgram({ settings });
    // Where a container was a moment ago.
    const gone = `127.0.0.1:${await freePort()}`;
    let nginx: ChildProcess | null = null;
    t.after(async () => {
      nginx?.kill('SIGTERM');
      if (nginx?.exitCode === null) await once(nginx, 'exit');
      await program.close();
      rmSync(folder, { recursive: true, force: true });
    });
    const addresses = `server ${new URL(program.url).host}; server ${gone};`;
    const file = join(folder, 'nginx.conf');
    const text = read('deploy/docker/nginx.conf')
      .replaceAll('/tmp/', `${folder}/`)
      .replace('/dev/stdout', join(folder, 'access.log'))
      .replace(/^ *resolver .*$/m, `upstream both { ${addresses} }`)
      .replace('web:5000', 'both')
      .replace('worker_processes auto;', 'worker_processes 1; daemon off;')
      .replace('listen 8080;', `listen 127.0.0.1:${port};`);
    assert.match(text, /upstream both [\s\S]*set \$kinora_web both;/);
    writeFileSync(file, text);
    nginx = spawn('nginx', ['-p', folder, '-c', file], { stdio: ['ignore', 'ignore', 'inherit'] });
    const url = `http://127.0.0.1:${port}`;
    await until(async () => (await fetch(`${url}/livez`)).ok, { timeoutMs: 30_000, what: 'nginx' });

    // A form of our own page, on a port that is not the usual one.
    const sent = await fetch(`${url}/api/v1/videos`, { headers: { origin: url } });
    assert.equal(sent.status, 200);
    const made = await fetch(`${url}/api/v1/folders`, {
      method: 'POST',
      headers: { origin: url, 'content-type': 'application/json' },
      body: JSON.stringify({ name: 'Summer' }),
    });
    assert.ok(made.status < 300, `${made.status} ${await made.text()}`);

    for (let ask = 0; ask < 6; ask++) assert.equal((await fetch(`${url}/videos`)).status, 200);

    await fetch(`${url}/l/Zq3Zq3Zq3Zq3Zq3Zq3?x=secret`);
    await fetch(`${url}/readyz`);
    const log = () => readFileSync(join(folder, 'access.log'), 'utf8');
    await until(() => log().includes('/readyz'), { what: 'a line of the log' });
    assert.doesNotMatch(log(), /Zq3|secret/);
  });
});
