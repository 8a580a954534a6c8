// The program as a service: started by something that acts as systemd does, on sockets it was handed, telling how it is;
// and the units that are handed out, as systemd's own programs judge them.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createId } from '../../src/ids.ts';
import { findServiceManager, pingWatchdog, takeSockets } from '../../src/systemd.ts';
import { plainEnvironment } from '../helpers/program.ts';
import { temporaryFolder } from '../helpers/temporary-folder.ts';
import { until } from '../helpers/until.ts';

const place = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const missing = (program: string, packageName: string) =>
  spawnSync(program, ['--version']).error !== undefined &&
  `${program} is not on this machine (Debian: apt-get install ${packageName})`;

type Line = { ports?: number[]; pid?: number; sender?: number; text?: string; exit?: number };

type Service = {
  readonly lines: readonly Line[];
  readonly output: () => string;
  readonly child: ChildProcess;
  /** What the service itself has told so far. */
  told(): string[];
  find<Key extends keyof Line>(key: Key): Promise<NonNullable<Line[Key]>>;
};

async function startService(
  { notify, sockets = 0, watchdogMs = 0 }: { notify?: string; sockets?: number; watchdogMs?: number },
  command?: readonly string[],
): Promise<Service> {
  const folder = await temporaryFolder();
  const address = notify ?? join(folder, 'notify');
  const run = command ?? [process.execPath, place('src/main.ts')];
  const words = [address, String(sockets), String(watchdogMs * 1000), ...run];
  const child = spawn('python3', [place('test/helpers/service-manager.py'), ...words], {
    cwd: folder,
    env: {
      ...plainEnvironment(),
      ...{ KINORA_PORT: '0', KINORA_DATA: join(folder, 'data'), KINORA_LOG_FORMAT: 'json' },
      ...{ KINORA_AUTH: 'none', KINORA_RESERVE_BYTES: '1000000', KINORA_DRAIN_SECONDS: '1' },
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  after(() => {
    // It passes this on to the service.
    if (child.exitCode === null) child.kill('SIGTERM');
  });
  let output = '';
  child.stderr.on('data', (piece: Buffer) => {
    output += piece.toString();
  });
  const lines: Line[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => lines.push(JSON.parse(line) as Line));
  const pid = () => lines.find((line) => line.pid !== undefined)?.pid;
  return {
    lines,
    child,
    output: () => output,
    told: () => lines.flatMap(({ text, sender }) => (text !== undefined && sender === pid() ? [text] : [])),
    async find(key) {
      const found = () => lines.find((line) => line[key] !== undefined)?.[key] ?? null;
      const isIn = () => found() !== null;
      await until(isIn, { timeoutMs: 60_000, what: `${key} of ${output}` });
      return found()!;
    },
  };
}

const isReady = ({ told }: Service) =>
  until(() => told().some((text) => text.startsWith('READY=1\n')), { timeoutMs: 60_000, what: 'READY=1' });

describe('as a service', { skip: missing('python3', 'python3') }, () => {
  test('it listens on every socket that was opened before it, and says when it is ready and when it ends', async () => {
    const service = await startService({ notify: `@kinora-test-${createId()}`, sockets: 2, watchdogMs: 400 });
    const ports = await service.find('ports');
    // Who comes before it is there waits, and is answered.
    const early = Promise.all(ports.map((port) => fetch(`http://127.0.0.1:${port}/livez`)));
    await isReady(service);
    for (const answer of await early) assert.equal(answer.status, 200);
    for (const port of ports) {
      const page = await fetch(`http://127.0.0.1:${port}/videos`, { headers: { accept: 'text/html' } });
      assert.equal(page.status, 200, await page.text());
    }
    assert.match(service.output(), /"sockets":2/);
    const pings = () => service.told().filter((text) => text === 'WATCHDOG=1').length;
    const before = pings();
    await until(() => pings() >= before + 3, { timeoutMs: 20_000, what: 'pings of the watchdog' });
    service.child.kill('SIGTERM');
    assert.equal(await service.find('exit'), 0, service.output());
    assert.ok(service.told().some((text) => text.startsWith('STOPPING=1')));
    const [stopping] = service.lines.filter(({ text }) => text?.startsWith('STOPPING=1'));
    const after = service.lines.slice(service.lines.indexOf(stopping!) + 1);
    assert.ok(!after.some(({ text }) => text === 'WATCHDOG=1'), 'what ends is not watched');
    // All of it came from the service itself, which NotifyAccess=main asks for.
    const pid = await service.find('pid');
    assert.deepEqual([...new Set(service.lines.flatMap(({ sender }) => sender ?? []))], [pid]);
  });

  test('a notify socket may be a file, and without sockets of systemd it opens its own', async () => {
    const service = await startService({});
    await isReady(service);
    const [ready] = service.told();
    const url = /^STATUS=open (http:\S+)$/m.exec(ready!)?.[1];
    assert.equal((await fetch(`${url}/livez`)).status, 200, ready);
    assert.ok(!service.told().includes('WATCHDOG=1'), 'no watchdog was asked for');
    service.child.kill('SIGTERM');
    assert.equal(await service.find('exit'), 0);
  });

  test('without koffi the words go by systemd-notify', {
    skip: missing('systemd-notify', 'systemd'),
  }, async () => {
    const code = `
      import module from 'node:module';
      const resolve = module._resolveFilename;
      module._resolveFilename = (name, ...more) => {
        if (name === 'koffi') throw new Error('not installed');
        return resolve(name, ...more);
      };
      const { findServiceManager } = await import('${place('src/systemd.ts')}');
      const manager = findServiceManager();
      manager.tell('READY=1', 'STATUS=by ' + manager.way);
      process.stdin.resume();
      setInterval(() => {}, 1000);`;
    const command = [process.execPath, '--input-type=module-typescript', '--eval', code];
    const service = await startService({}, command);
    const text = () => service.lines.find((line) => line.text !== undefined)?.text;
    await until(() => text() !== undefined, { timeoutMs: 20_000, what: 'a word' });
    assert.match(text()!, /^READY=1\nSTATUS=by program\n?$/);
    service.child.kill('SIGTERM');
    await service.find('exit');
  });

  test('a loop that stands still pings nothing', async () => {
    const code = `
      import { findServiceManager, pingWatchdog } from '${place('src/systemd.ts')}';
      const manager = findServiceManager();
      pingWatchdog(manager, async () => {}, () => {});
      setTimeout(() => {
        manager.tell('STATUS=stands still');
        const until = performance.now() + 1500;
        while (performance.now() < until);
        manager.tell('STATUS=goes on');
        process.exit(0);
      }, 500);`;
    const command = [process.execPath, '--input-type=module-typescript', '--eval', code];
    const service = await startService({ watchdogMs: 100 }, command);
    assert.equal(await service.find('exit'), 0, service.output());
    const told = service.told();
    const still = told.indexOf('STATUS=stands still');
    assert.ok(told.slice(0, still).filter((text) => text === 'WATCHDOG=1').length >= 2, told.join());
    assert.deepEqual(told.slice(still + 1), ['STATUS=goes on']);
  });
});

describe('what systemd says in the environment', () => {
  test('sockets are those of this very process, and are taken once', () => {
    const environment = { LISTEN_PID: '42', LISTEN_FDS: '3', LISTEN_FDNAMES: 'a:b:c', PATH: '/bin' };
    assert.deepEqual(takeSockets(environment, 42), [3, 4, 5]);
    assert.deepEqual(environment, { PATH: '/bin' });
    assert.deepEqual(takeSockets(environment, 42), []);
    for (const [pid, fds] of [
      ['41', '1'],
      ['42', ''],
      ['42', '-1'],
      ['42', '1e3'],
      ['42', '65'],
      ['', '1'],
    ])
      assert.deepEqual(takeSockets({ LISTEN_PID: pid, LISTEN_FDS: fds }, 42), [], `${pid} ${fds}`);
  });

  test('nobody is told anything where nobody waits, and the watchdog is this process’s or none', () => {
    assert.equal(findServiceManager({}), null);
    assert.equal(findServiceManager({ NOTIFY_SOCKET: 'vsock:2:1234' }), null);
    assert.equal(findServiceManager({ NOTIFY_SOCKET: `/${'x'.repeat(200)}` }), null);
    const of = (more: Record<string, string>) =>
      findServiceManager({ NOTIFY_SOCKET: '/nowhere/at/all', ...more }, 42)!.watchdogMs;
    assert.equal(of({}), null);
    assert.equal(of({ WATCHDOG_USEC: '60000000' }), 60_000);
    assert.equal(of({ WATCHDOG_USEC: '60000000', WATCHDOG_PID: '42' }), 60_000);
    assert.equal(of({ WATCHDOG_USEC: '60000000', WATCHDOG_PID: '41' }), null);
    assert.equal(of({ WATCHDOG_USEC: 'soon' }), null);
  });

  test('the watchdog hears nothing while the stores do not answer, and not once they fail', async () => {
    const told: string[] = [];
    const ill: unknown[] = [];
    const manager = { watchdogMs: 10, tell: (...lines: readonly string[]) => void told.push(...lines) };
    let answer = Promise.withResolvers<void>();
    let asked = 0;
    const end = pingWatchdog(
      manager,
      () => {
        asked += 1;
        return answer.promise;
      },
      (error) => ill.push(error),
    );
    try {
      assert.equal(asked, 1);
      assert.deepEqual(told, []);
      const first = answer;
      answer = Promise.withResolvers<void>();
      first.resolve();
      await until(() => told.length === 1 && asked === 2, { what: 'the first ping' });
      const second = answer;
      answer = Promise.withResolvers<void>();
      second.reject(new Error('the disk is gone'));
      await until(() => asked === 3, { what: 'the next question' });
      assert.equal(told.length, 1);
      assert.match(String(ill[0]), /the disk is gone/);
    } finally {
      end();
      answer.resolve();
    }
  });
});

describe('the units', { skip: missing('systemd-analyze', 'systemd') }, () => {
  const units = ['kinora.service', 'kinora.socket'].map((name) => place(`deploy/systemd/${name}`));

  test('systemd reads them without a complaint', async () => {
    // The program is not installed where the unit says; that alone is made to be so.
    const folder = await temporaryFolder();
    const copies = units.map((path) => {
      const copy = join(folder, path.split('/').at(-1)!);
      const text = readFileSync(path, 'utf8')
        .replace('/opt/kinora/node_modules/node/bin/node', process.execPath)
        .replaceAll('/opt/kinora', place('.').replace(/\/$/, ''));
      spawnSync('tee', [copy], { input: text });
      return copy;
    });
    const { status, stderr } = spawnSync('systemd-analyze', ['verify', ...copies], { encoding: 'utf8' });
    assert.equal(stderr, '');
    assert.equal(status, 0);
  });

  test('its exposure is OK by systemd’s own count', (t) => {
    const { status, stdout, stderr } = spawnSync(
      'systemd-analyze',
      ['security', '--offline=true', '--no-pager', units[0]!],
      { encoding: 'utf8' },
    );
    if (/unrecognized option|Unknown/i.test(stderr))
      return t.skip('this systemd has no --offline (251 and later)');
    assert.equal(status, 0, stderr);
    const [, level, word] = /Overall exposure level for \S+: ([\d.]+) (\w+)/.exec(stdout) ?? [];
    assert.equal(word, 'OK');
    assert.ok(Number(level) < 2.5, level);
  });
});
