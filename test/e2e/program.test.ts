// The program as a process: settings that stop it, one copy a folder, the end by signals, help.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { smallFilm } from '../helpers/media/small-film.ts';
import { type Program, plainEnvironment, startProgram } from '../helpers/program.ts';
import { until } from '../helpers/until.ts';

const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'kinora-program-'));
after(() => rmSync(folder, { recursive: true, force: true }));

function run(words: string[], settings: Record<string, string> = {}) {
  return spawnSync(process.execPath, [main, ...words], {
    cwd: folder,
    env: { ...plainEnvironment(), KINORA_DATA: join(folder, 'data'), ...settings },
    encoding: 'utf8',
    timeout: 30_000,
  });
}

describe('the command line', () => {
  test('--help lists every command and setting', () => {
    const { stdout, status } = run(['--help']);
    assert.equal(status, 0);
    assert.match(stdout, /kinora check --repair/);
    assert.match(stdout, /KINORA_MAX_PARTIAL_BYTES/);
  });

  test('an unknown command is one line and status 2', () => {
    const { stderr, status } = run(['dance']);
    assert.equal(status, 2);
    assert.equal(stderr.trim(), 'kinora: "dance" is not a command; kinora --help lists them');
  });

  test('a wrong setting stops the start with one line and status 2', () => {
    const { stderr, status } = run([], { KINORA_PORT: 'five' });
    assert.equal(status, 2);
    assert.equal(stderr.trim(), 'kinora: KINORA_PORT is "five", but it takes a whole number from 0 to 65535');
  });

  test('a port that is set and taken stops the start with one line', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await until(() => taken.listening);
    const { port } = taken.address() as { port: number };
    const { stderr, status } = run([], { KINORA_PORT: String(port), KINORA_HOST: '127.0.0.1' });
    taken.close();
    assert.equal(status, 1);
    assert.match(stderr, new RegExp(`^kinora: port ${port} is taken by another program`, 'm'));
  });
});

describe('a running program', () => {
  let program: Program;
  before(async () => {
    program = await startProgram({ settings: { KINORA_DRAIN_SECONDS: '30' } });
  });
  after(() => program?.close());

  test('a second copy on the same folder refuses to start and says why', () => {
    const { stderr, status } = run([], { KINORA_DATA: program.dataFolder, KINORA_PORT: '0' });
    assert.equal(status, 1);
    assert.match(stderr, new RegExp(`already runs.*process ${program.pid}`));
  });

  test('it says it is alive and ready, and what it measures', async () => {
    assert.deepEqual(await (await fetch(`${program.url}/livez`)).json(), { status: 'ok', missing: [] });
    assert.deepEqual(await (await fetch(`${program.url}/readyz`)).json(), { status: 'ok', missing: [] });
    const metrics = await (await fetch(`${program.url}/metrics`)).text();
    assert.match(
      metrics,
      /^kinora_http_request_seconds_count\{method="GET",route="\/livez",status="200"\} 1$/m,
    );
  });

  test('SIGTERM lets a running answer finish and ends with status 0', async () => {
    // Made long by a Void element (RFC 8794 §11.3.2): more than sockets take in at once.
    const voidHead = Buffer.alloc(9);
    voidHead[0] = 0xec;
    voidHead.writeBigUInt64BE((1n << 56n) | 20_000_000n, 1);
    const form = new FormData();
    form.set(
      'file',
      new Blob([new Uint8Array(await smallFilm()), voidHead, Buffer.alloc(20_000_000)]),
      'film.mkv',
    );
    const answer = await fetch(`${program.url}/upload`, {
      method: 'POST',
      body: form,
      headers: { accept: 'application/json' },
    });
    const { videos } = (await answer.json()) as { videos: { id: string }[] };
    // The head has come, the body not yet: the answer runs.
    const running = await fetch(`${program.url}/videos/${videos[0]!.id}/original`);
    program.kill('SIGTERM');
    await until(() => /SIGTERM: finishing/.test(program.output()));
    const body = await running.arrayBuffer();
    assert.equal(body.byteLength, Number(running.headers.get('content-length')));
    assert.deepEqual(await program.ended, { code: 0, signal: null });
  });

  test('kill -9 leaves no lock behind; a second signal ends it at once, whatever still runs', async () => {
    const first = await startProgram();
    await first.end('SIGKILL');
    const second = await startProgram({
      dataFolder: first.dataFolder,
      settings: { KINORA_DRAIN_SECONDS: '600' },
    });
    let socket: Socket | null = null;
    try {
      assert.equal((await fetch(`${second.url}/livez`)).status, 200);
      const { port } = new URL(second.url);
      socket = connect(Number(port), '127.0.0.1');
      // An upload that never ends.
      socket.write(
        `POST /upload HTTP/1.1\r\nHost: localhost:${port}\r\nContent-Type: multipart/form-data; boundary=b\r\n` +
          'Content-Length: 1000000\r\n\r\n--b\r\nContent-Disposition: form-data; name="file"; filename="a.mkv"\r\n\r\n',
      );
      await until(async () => (await fetch(`${second.url}/livez`)).status === 200);
      second.kill('SIGTERM');
      await until(() => /SIGTERM: finishing/.test(second.output()));
      await until(
        () => {
          second.kill('SIGTERM');
          return /again: ending now/.test(second.output());
        },
        { timeoutMs: 5000, what: 'the end by the second signal' },
      );
      assert.equal((await second.end()).code, 1);
    } finally {
      socket?.destroy();
      await second.close();
      await first.close();
    }
  });
});

describe('npm start', () => {
  const root = fileURLToPath(new URL('../..', import.meta.url));

  async function npmStart() {
    const child = spawn('npm', ['start'], {
      cwd: root,
      env: { ...plainEnvironment(), KINORA_DATA: join(folder, 'npm data'), KINORA_PORT: '0' },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let output = '';
    child.stdout.on('data', (piece: Buffer) => {
      output += piece.toString();
    });
    const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
    const url = await until(() => /Kinora is ready: open (http:\/\/[^\s"]+)/.exec(output)?.[1], {
      timeoutMs: 60_000,
      what: 'the address',
    });
    return { child, ended, url, output: () => output };
  }
  const isGone = (url: string) =>
    fetch(`${url}/livez`).then(
      () => false,
      () => true,
    );

  test('SIGTERM to npm drains the program and ends with status 0', async () => {
    const { child, ended, url, output } = await npmStart();
    child.kill('SIGTERM');
    assert.equal(await ended, 0);
    assert.match(output(), /SIGTERM: finishing/);
    assert.ok(await isGone(url));
  });

  test('npm killed outright leaves nothing running', async () => {
    const { child, ended, url } = await npmStart();
    child.kill('SIGKILL');
    await ended;
    await until(() => isGone(url), { timeoutMs: 10_000, what: 'the end of the program' });
  });
});
