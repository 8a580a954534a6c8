// The probe against files it knows, files that are nothing, and processes that hang, grow, crash or lie.
import assert from 'node:assert/strict';
import { open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { pino } from 'pino';
import { systemClock } from '../../src/clock.ts';
import { AppError } from '../../src/errors.ts';
import { createProbe, type ProbeOptions } from '../../src/workers/probe.ts';
import { createFakeClock } from '../helpers/fake-clock.ts';
import { makeMedia, sharedMedia } from '../helpers/media/media.ts';
import { temporaryFolder } from '../helpers/temporary-folder.ts';

const log = pino({ level: 'silent' });

const readAtOf = (bytes: Uint8Array) => (into: Uint8Array, position: number) => {
  const part = bytes.subarray(position, position + into.length);
  into.set(part);
  return part.length;
};
const someBytes = new Uint8Array(100_000).map((_, at) => at * 31);

/** A process that runs this text instead of the engine's. */
async function probeThatRuns(text: string, options: Partial<ProbeOptions> = {}) {
  const path = join(await temporaryFolder(), 'program.mjs');
  await writeFile(path, text);
  return createProbe({ clock: systemClock, log, program: pathToFileURL(path), ...options });
}

const isUnsupported = (error: unknown, message: RegExp) =>
  error instanceof AppError && error.kind === 'unsupported-media' && message.test(error.message);

describe('with the engine', () => {
  test('an MPEG-TS file tells its length, its tracks and their codecs', async () => {
    const path = await makeMedia({
      container: 'mpegts',
      video: { codec: 'h264', width: 320, height: 180, seconds: 2 },
      audio: { codec: 'aac' },
    });
    const file = await open(path);
    const { size } = await file.stat();
    const probe = createProbe({ clock: systemClock, log });
    const found = await probe.describe(
      async (into, position) => (await file.read(into, 0, into.length, position)).bytesRead,
      size,
    );
    await probe.close();
    await file.close();
    assert.ok(found.durationMs !== null && Math.abs(found.durationMs - 2000) < 200, `${found.durationMs}`);
    assert.deepEqual(
      found.tracks.map(({ kind, codec, width }) => [kind, codec, width]),
      [
        ['video', 'avc', 320],
        ['audio', 'aac', 0],
      ],
    );
  });

  test('bytes that are nothing are told as such, and the next file is looked into all the same', async () => {
    const probe = createProbe({ clock: systemClock, log });
    await assert.rejects(probe.describe(readAtOf(someBytes), someBytes.length), (error) =>
      isUnsupported(error, /^Nothing could be made of this file/),
    );
    const avi = sharedMedia('odd/sample.avi');
    if (avi) {
      const file = await open(avi);
      const { size } = await file.stat();
      const read = async (into: Uint8Array, position: number) =>
        (await file.read(into, 0, into.length, position)).bytesRead;
      assert.equal((await probe.describe(read, size)).tracks.length, 2);
      await file.close();
    }
    await probe.close();
  });

  test('a playlist that names other files is not followed', async () => {
    const probe = createProbe({ clock: systemClock, log });
    for (const text of [
      '#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n',
      "ffconcat version 1.0\nfile '/etc/passwd'\n",
    ]) {
      await assert.rejects(probe.describe(readAtOf(Buffer.from(text)), text.length), (error) =>
        isUnsupported(error, /^Nothing could be made/),
      );
    }
    await probe.close();
  });
});

describe('whatever the process does', () => {
  test('one that hangs is killed when its time is over', async () => {
    const clock = createFakeClock();
    const started = Promise.withResolvers<void>();
    const probe = await probeThatRuns(
      "process.on('message', () => { process.send({ kind: 'read', id: 1, position: 0, length: 1 }); setTimeout(() => { for (;;); }, 0) })",
      { clock, timeoutMs: 20_000 },
    );
    const answer = probe.describe(() => {
      started.resolve();
      return 0;
    }, 10);
    const rejected = assert.rejects(answer, (error) => isUnsupported(error, /took too long/));
    await started.promise;
    await clock.advance(20_001);
    await rejected;
    await probe.close();
  });

  test('one that crashes is told with how it ended', async () => {
    const probe = await probeThatRuns("process.on('message', () => process.abort())");
    await assert.rejects(probe.describe(readAtOf(someBytes), 10), (error) =>
      isUnsupported(error, /ended the process that did it \(SIG/),
    );
    await probe.close();
  });

  test('one that does not even load is told as well', async () => {
    const probe = await probeThatRuns('this is no program');
    await assert.rejects(probe.describe(readAtOf(someBytes), 10), (error) =>
      isUnsupported(error, /ended the process/),
    );
    await probe.close();
  });

  test('one that takes too much memory is killed', {
    skip: process.platform !== 'linux' && 'only Linux tells',
  }, async () => {
    const probe = await probeThatRuns(
      "const held = []; process.on('message', () => setInterval(() => held.push(Buffer.alloc(2e7, 1)), 10))",
      { maxMemoryBytes: 250 * 1024 * 1024 },
    );
    await assert.rejects(probe.describe(readAtOf(someBytes), 10), (error) =>
      isUnsupported(error, /too much memory/),
    );
    await probe.close();
  });

  test('one that reads without end is stopped', async () => {
    const probe = await probeThatRuns(
      "let id = 0; process.on('message', () => process.send({ kind: 'read', id: id++, position: 0, length: 1e9 }))",
    );
    let largest = 0;
    const readAt = (into: Uint8Array) => {
      largest = Math.max(largest, into.length);
      return into.length;
    };
    await assert.rejects(probe.describe(readAt, 1e12), (error) =>
      isUnsupported(error, /^Too much of this file/),
    );
    assert.ok(largest <= 1024 * 1024, 'no request makes the server hold more than a megabyte');
    await probe.close();
  });

  test('one that asks for nonsense is given nothing', async () => {
    const nonsense = '[[-1, 5], [NaN, 1], [1e300, 1], ["x", 1], [0, -5], [undefined, undefined]]';
    const probe = await probeThatRuns(
      `const asked = ${nonsense}; let sum = 0, got = 0; process.on('message', (m) => {
        if (m.kind === 'describe') asked.forEach(([position, length], id) => process.send({ kind: 'read', id, position, length }));
        else { sum += m.bytes.length; if (++got === asked.length) process.send({ kind: 'failed', message: 'given ' + sum }); }
      })`,
    );
    await assert.rejects(probe.describe(readAtOf(someBytes), 1000), (error) =>
      isUnsupported(error, /given 0$/),
    );
    await probe.close();
  });

  test('without the engine it says what is missing', async () => {
    const probe = await probeThatRuns("process.on('message', () => process.send({ kind: 'no-engine' }))");
    await assert.rejects(
      probe.describe(readAtOf(someBytes), 10),
      (error) => error instanceof AppError && error.kind === 'unavailable' && /node-av/.test(error.message),
    );
    await probe.close();
  });

  test('closing ends the process that runs, at once, and nothing starts afterwards', async () => {
    const started = Promise.withResolvers<void>();
    const probe = await probeThatRuns(
      "process.on('message', () => { process.send({ kind: 'read', id: 1, position: 0, length: 1 }); for (;;); })",
    );
    const answer = probe.describe(() => {
      started.resolve();
      return 0;
    }, 10);
    const rejected = assert.rejects(
      answer,
      (error) => error instanceof AppError && error.kind === 'unavailable',
    );
    await started.promise;
    await Promise.all([probe.close(), probe.close()]);
    await rejected;
    await assert.rejects(probe.describe(readAtOf(someBytes), 10), (error) => error instanceof AppError);
  });
});
