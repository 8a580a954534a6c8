// The image itself, built and run: `KINORA_TEST_IMAGE=1 npm test -- test/deploy/docker-image.test.ts`, as root on Debian
// with buildah, mmdebstrap and runc. Base images are made from Debian's packages where KINORA_TEST_BASE_IMAGE names none.
// Another value than 1 is the name of an image that buildah has already.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { freePort } from '../helpers/free-port.ts';
import { until } from '../helpers/until.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const wanted = process.env.KINORA_TEST_IMAGE;
const missing = ['buildah', 'runc'].filter((name) => spawnSync(name, ['--version']).error !== undefined);
const skip = !wanted
  ? 'it takes minutes; KINORA_TEST_IMAGE=1 builds and runs it'
  : process.getuid?.() !== 0
    ? 'building and running images takes root here'
    : missing.length > 0 &&
      `${missing.join(' and ')} is not on this machine (Debian: apt-get install buildah runc)`;

/** Runs a program to its end and returns what it printed. */
function run(program: string, ...words: string[]): string {
  const done = spawnSync(program, words, {
    ...{ cwd: root, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 },
    env: { ...process.env, BUILDAH_ISOLATION: 'chroot' },
  });
  assert.equal(done.status, 0, `${program} ${words.join(' ')}\n${done.stdout}${done.stderr}`);
  return done.stdout.trim();
}

function build(): string {
  let [base, runtime] = [process.env.KINORA_TEST_BASE_IMAGE, process.env.KINORA_TEST_BASE_IMAGE];
  if (!base) {
    [base, runtime] = ['localhost/kinora-base', 'localhost/kinora-runtime'];
    if (spawnSync('buildah', ['inspect', '--type', 'image', runtime]).status !== 0)
      run('sh', 'deploy/docker/debian-base.sh');
  }
  const certificates = process.env.NODE_EXTRA_CA_CERTS;
  run(
    ...(['buildah', 'build', '-f', 'deploy/docker/Dockerfile', '--format', 'docker'] as const),
    ...['--build-arg', `BASE_IMAGE=${base}`, '--build-arg', `RUNTIME_IMAGE=${runtime}`],
    ...(certificates ? ['--secret', `id=ca,src=${certificates}`] : []),
    ...['-t', 'localhost/kinora-test', '.'],
  );
  return 'localhost/kinora-test';
}

describe('the image', { skip }, () => {
  let folder: string;
  let working: string;
  let name: string;
  let url: string;
  let container: ChildProcess;
  let output = '';

  /** Runs in the container as its own user; resolves to what it printed and how it ended. */
  const inside = (...words: string[]) => {
    const done = spawnSync('runc', ['exec', name, ...words], { encoding: 'utf8' });
    return { status: done.status, output: done.stdout + done.stderr };
  };

  before(async () => {
    const image = wanted === '1' ? build() : wanted!;
    folder = mkdtempSync(join(tmpdir(), 'kinora-image-'));
    working = run('buildah', 'from', '--pull-never', image);
    const mounted = run('buildah', 'mount', working);
    const { Docker } = JSON.parse(run('buildah', 'inspect', working));
    const { Env, User, WorkingDir, Entrypoint, Cmd } = Docker.config;
    const [uid, gid] = User.split(':').map(Number);
    const port = await freePort();
    run('runc', 'spec', '--bundle', folder);
    const bundle = join(folder, 'config.json');
    const spec = JSON.parse(readFileSync(bundle, 'utf8'));
    spec.root = { path: mounted, readonly: true };
    spec.mounts.push(
      {
        ...{ destination: '/data', type: 'tmpfs', source: 'tmpfs' },
        options: [`uid=${uid}`, `gid=${gid}`, 'mode=0750'],
      },
      { destination: '/tmp', type: 'tmpfs', source: 'tmpfs', options: ['mode=1777'] },
    );
    // The machine's own network, so that the tests reach it; everything else is its own.
    spec.linux.namespaces = spec.linux.namespaces.filter(({ type }: { type: string }) => type !== 'network');
    const settings = [`KINORA_PORT=${port}`, 'KINORA_AUTH=none', 'KINORA_RESERVE_BYTES=1000000'];
    spec.process = {
      ...{ terminal: false, user: { uid, gid }, cwd: WorkingDir, noNewPrivileges: true, capabilities: {} },
      ...{ args: [...Entrypoint, ...Cmd], env: [...Env, ...settings] },
    };
    writeFileSync(bundle, JSON.stringify(spec));
    name = `kinora-${process.pid}`;
    url = `http://localhost:${port}`;
    container = spawn('runc', ['run', '--bundle', folder, name], { stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [container.stdout!, container.stderr!])
      stream.setEncoding('utf8').on('data', (piece) => {
        output += piece;
      });
    await until(() => output.includes('Kinora is ready') || container.exitCode !== null, {
      ...{ timeoutMs: 60_000, what: 'the program in the container' },
    });
    assert.match(output, /Kinora is ready/);
  });

  after(async () => {
    if (container?.exitCode === null) {
      spawnSync('runc', ['kill', name, 'KILL']);
      await once(container, 'exit');
    }
    if (name) spawnSync('runc', ['delete', '--force', name]);
    if (working) spawnSync('buildah', ['rm', working]);
    if (folder) rmSync(folder, { recursive: true, force: true });
  });

  test('is ready, by its own word', () => {
    assert.deepEqual(inside('node', 'src/main.ts', 'health'), {
      status: 0,
      output: `http://127.0.0.1:${new URL(url).port}: ready\n`,
    });
    assert.equal(inside('node', 'src/main.ts', 'health', 'http://127.0.0.1:1').status, 1);
  });

  test('can write to its own two folders and nowhere else, as a user without rights', () => {
    const attempt = `
      const { writeFileSync } = require('node:fs');
      const tried = {};
      for (const folder of ['/data', '/tmp', '/', '/kinora', '/kinora/src', '/kinora/node_modules/.cache', '/usr/bin', '/etc'])
        try { writeFileSync(folder + '/tried', ''); tried[folder] = 'written'; } catch (error) { tried[folder] = error.code; }
      console.log(JSON.stringify([process.getuid(), process.getgid(), tried]));`;
    const [uid, gid, tried] = JSON.parse(inside('node', '-e', attempt).output);
    assert.deepEqual([uid, gid], [10001, 10001]);
    const { '/data': data, '/tmp': temporary, ...others } = tried;
    assert.deepEqual([data, temporary], ['written', 'written']);
    for (const [folder, code] of Object.entries(others)) assert.equal(code, 'EROFS', folder);
  });

  test('has what is compiled for its platform: FFmpeg and the calls Node has not', () => {
    for (const module of ['node-av', 'koffi', 'mongodb']) {
      const { status, output: said } = inside(
        'node',
        '--input-type=module',
        '-e',
        `await import('${module}')`,
      );
      assert.equal(status, 0, said);
    }
  });

  test('made neither scripts nor styles anew: what the build made is found', () => {
    const kept = inside(
      ...['node', '--input-type=module', '-e'],
      `import { registerHooks } from 'node:module';
       registerHooks({
         resolve(name, context, next) {
           if (name === 'esbuild') throw new Error('esbuild is asked for');
           return next(name, context);
         },
       });
       const { loadAssets } = await import('/kinora/src/web/assets.ts');
       await loadAssets();
       console.log('kept');`,
    );
    assert.equal(kept.output.trim(), 'kept');
  });

  test('a newcomer uploads, watches, jumps, sees the camera: the main end-to-end test', () => {
    const done = spawnSync(process.execPath, ['--test', '--test-force-exit', 'test/e2e/newcomer.test.ts'], {
      ...{ cwd: root, encoding: 'utf8' },
      env: { ...process.env, KINORA_TEST_URL: url, NODE_TEST_CONTEXT: undefined },
    });
    assert.equal(done.status, 0, done.stdout + done.stderr);
    assert.match(done.stdout, /pass [1-9]/);
  });

  test('ends in order when it is told to', async () => {
    const ended = once(container, 'exit');
    run('runc', 'kill', name, 'TERM');
    assert.deepEqual(await ended, [0, null]);
    assert.match(output, /finishing what runs/);
  });
});
