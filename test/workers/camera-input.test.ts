// What a camera's process may do to the server: nothing but one clear sentence, and nothing of it is left behind.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { systemClock } from '../../src/clock.ts';
import { openCameraInput } from '../../src/workers/camera-input.ts';
import type { DemuxSource } from '../../src/workers/camera-messages.ts';
import { until } from '../helpers/until.ts';

const folder = await mkdtemp(join(tmpdir(), 'kinora-camera-input-'));
after(() => rm(folder, { recursive: true, force: true }));
const wire = new URL('../../src/workers/sample-wire.ts', import.meta.url).href;

const source: DemuxSource = {
  kind: 'demux',
  url: 'nowhere',
  format: null,
  formats: null,
  protocols: 'file',
  options: {},
  pace: 'live',
};

/** A process of ours that misbehaves. `send(number)` sends a sample, its number as time. Tells its pid as first sample. */
async function program(name: string, code: string): Promise<URL> {
  const path = join(folder, `${name}.ts`);
  await writeFile(
    path,
    `import { Socket } from 'node:net';
     import { writeSample } from '${wire}';
     const pipe = new Socket({ fd: 3, readable: false, writable: true });
     const send = (number) => writeSample(pipe, { codec: 'jpeg', data: Buffer.from([1]), ptsMicros: number, isKey: true });
     const say = (message) => process.send(message);
     process.on('disconnect', () => process.exit());
     process.on('message', (request) => {
       if (request.kind !== 'open') return;
       send(process.pid);
       ${code}
     });`,
  );
  return pathToFileURL(path);
}

type Opened = { pid: number; rest: ReturnType<typeof openCameraInput>; controller: AbortController };

async function open(url: URL, more: { maxMemoryBytes?: number } = {}): Promise<Opened> {
  const controller = new AbortController();
  const rest = openCameraInput(source, {
    signal: controller.signal,
    clock: systemClock,
    describe: ({ stage, code }) => `It failed to ${stage}: ${code}.`,
    program: url,
    ...more,
  });
  const first = await rest.next();
  assert.ok(!first.done);
  return { pid: first.value.ptsMicros, rest, controller };
}

const isGone = (pid: number) => () => {
  try {
    process.kill(pid, 0);
    return false;
  } catch {
    return true;
  }
};

const misbehaviour: readonly [name: string, code: string, says: RegExp, maxMemoryBytes?: number][] = [
  ['crashes', 'process.kill(process.pid, "SIGSEGV")', /crashed \(SIGSEGV\)\.$/],
  ['ends', 'process.exit(3)', /crashed \(status 3\)\.$/],
  ['throws', 'throw new Error("no")', /crashed \(status 1\)\.$/],
  // It stands still without working: the cores are for other tests.
  [
    'hangs',
    'say({ kind: "alive" }); setTimeout(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0), 10)',
    /hung and was ended\.$/,
  ],
  ['is stopped', 'process.kill(process.pid, "SIGSTOP")', /hung and was ended\.$/],
  [
    'says why',
    'say({ kind: "failed", failure: { stage: "open", code: "EIO", detail: "x" } })',
    /^It failed to open: EIO\.$/,
  ],
  ['has no engine', 'say({ kind: "no-engine" })', /node-av\) is not installed/],
  [
    'closes its pipe and lives on',
    'pipe.destroy(); setInterval(() => say({ kind: "alive" }), 100)',
    /stopped sending\.$/,
  ],
  ['sends nonsense', 'pipe.write(Buffer.alloc(4000, 0xff))', /something that is no sample\.$/],
  ['says nonsense', 'say("x"); say({}); process.exit(0)', /crashed \(status 0\)\.$/],
  [
    'takes memory without end',
    'const held = []; setInterval(() => { say({ kind: "alive" }); held.push(Buffer.alloc(2e7, 1)); }, 10)',
    /too much memory and was ended\.$/,
    250 * 1024 * 1024,
  ],
];

// At the same time: a hang takes seconds to be one.
describe('a process that misbehaves', { concurrency: 4 }, () => {
  for (const [name, code, says, maxMemoryBytes] of misbehaviour) {
    const isForLinux = maxMemoryBytes !== undefined;
    test(`a process that ${name} is one sentence, and is gone`, {
      skip: isForLinux && process.platform !== 'linux' && 'only Linux tells a process’s memory',
    }, async () => {
      const { pid, rest } = await open(
        await program(name.replaceAll(' ', '-'), code),
        maxMemoryBytes ? { maxMemoryBytes } : {},
      );
      await assert.rejects(rest.next(), (error: Error) => {
        assert.match(error.message, says);
        assert.match(error.message, /^[A-Z].{5,200}\.$/);
        return true;
      });
      await until(isGone(pid), { what: 'the end of the process' });
      assert.equal((await rest.next()).done, true);
    });
  }
});

test('a process that does not heed its stop is killed within a second', async () => {
  const { pid, rest, controller } = await open(
    await program('heedless', 'setInterval(() => say({ kind: "alive" }), 50)'),
  );
  const next = rest.next();
  const atMs = performance.now();
  controller.abort();
  assert.equal((await next).done, true);
  assert.ok(performance.now() - atMs < 1000);
  assert.ok(isGone(pid)());
});

test('a reader that just leaves ends the process as well', async () => {
  const { pid, rest } = await open(await program('left', 'setInterval(() => say({ kind: "alive" }), 50)'));
  await rest.return();
  assert.ok(isGone(pid)());
});

test('nothing of the server’s environment reaches the process', async () => {
  process.env.KINORA_TEST_SECRET = 'hidden';
  const code = 'send(Object.keys(process.env).filter((name) => /KINORA|MONGO|HOME/.test(name)).length)';
  const { rest } = await open(await program('environment', code));
  assert.equal((await rest.next()).value!.ptsMicros, 0);
  await rest.return();
  delete process.env.KINORA_TEST_SECRET;
});

test('ten processes that come and go leave no descriptor behind', {
  skip: !existsSync('/proc/self/fd') && 'only Linux tells the open descriptors',
}, async () => {
  const url = await program('brief', 'setInterval(() => say({ kind: "alive" }), 50)');
  const count = async () => (await readdir('/proc/self/fd')).length;
  await (await open(url)).rest.return();
  const before = await count();
  for (let turn = 0; turn < 2; turn += 1) {
    const opened = await Promise.all([1, 2, 3, 4, 5].map(() => open(url)));
    await Promise.all(opened.map(({ rest }) => rest.return()));
  }
  await until(async () => (await count()) <= before, { what: 'the release of every descriptor' });
});
