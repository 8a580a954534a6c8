// Every driver there is, the one printed in the guide included, through the one contract; and their own habits.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { driverNames, loadDriver } from '../../src/cameras/registry.ts';
import { Senders } from '../../src/cameras/senders.ts';
import { createFakeClock } from '../helpers/fake-clock.ts';
import { startMjpegCamera } from '../helpers/mjpeg-camera.ts';
import { numberedJpeg, numberIn } from '../helpers/push-driver.ts';
import { until } from '../helpers/until.ts';
import { testDriver } from './driver-contract.ts';

const folder = await mkdtemp(join(tmpdir(), 'kinora-drivers-'));
after(() => rm(folder, { recursive: true, force: true }));
const pictures = join(folder, 'pictures');
await mkdir(pictures);
for (const number of [1, 2, 10]) await writeFile(join(pictures, `${number}.jpg`), numberedJpeg(number));
await writeFile(join(pictures, 'notes.txt'), 'no picture');
const empty = join(folder, 'empty');
await mkdir(empty);

testDriver({
  name: 'images',
  load: () => loadDriver('images'),
  working: async () => ({ options: { path: pictures, fps: 100 } }),
  failing: { options: { path: empty }, says: /no JPEG picture/ },
  refused: { options: { path: pictures, fps: 'fast' }, says: /fps is “fast”; it takes a number from/ },
});

testDriver({
  name: 'emulated',
  load: () => loadDriver('emulated'),
  working: async () => ({ options: { fps: 100 } }),
  failing: null,
  refused: { options: { speed: 3 }, says: /no option “speed”; it takes path, fps/ },
});

testDriver({
  name: 'mjpeg',
  load: () => loadDriver('mjpeg'),
  async working() {
    const camera = await startMjpegCamera((socket) => {
      socket.write('HTTP/1.0 200 OK\r\nContent-Type: multipart/x-mixed-replace;boundary=x\r\n\r\n');
      let number = 0;
      const send = () => {
        if (socket.destroyed) return;
        const jpeg = numberedJpeg(number++);
        socket.write(`--x\r\nContent-Type: image/jpeg\r\nContent-Length: ${jpeg.length}\r\n\r\n`);
        socket.write(jpeg);
        socket.write('\r\n', () => setTimeout(send, 5));
      };
      send();
    });
    return {
      options: { url: camera.url },
      close: camera.close,
      isReleased: () => camera.requests.length > 0 && camera.connections === 0,
    };
  },
  failing: { options: { url: 'http://127.0.0.1:1/' }, says: /Nothing answers/ },
  refused: { options: { url: 'file:///etc/passwd' }, says: /begins with file:; it takes http: or https:/ },
});

{
  const clock = createFakeClock();
  const senders = new Senders(clock);
  const picture = (number: number) =>
    ({ codec: 'jpeg', data: numberedJpeg(number), ptsMicros: number, isKey: true }) as const;
  testDriver({
    name: 'push',
    async load() {
      const { samples, checkOptions } = await loadDriver('push');
      return {
        samples: (options, context) => samples(options, { ...context, senders }),
        checkOptions: checkOptions!,
      };
    },
    async working() {
      const sender = senders.begin();
      void (async () => {
        // Until the test takes it away.
        for (let number = 1; ; number += 1) {
          await sender.offer(picture(number));
          await new Promise(setImmediate);
        }
      })().catch(() => undefined);
      return { options: {}, close: async () => senders.close() };
    },
    failing: null,
    refused: { options: { key: 5 }, says: /The option key is something else; it takes a text/ },
  });
}

/** The module printed in the guide, written out as a user would. */
const guide = readFileSync(new URL('../../guide/cameras.md', import.meta.url), 'utf8');
const printed = /```ts\n(\/\/ my-camera\.ts\n[\s\S]+?)```/.exec(guide)?.[1];
assert.ok(printed, 'the guide prints a module');
const modulePath = join(folder, 'my-camera.ts');
await writeFile(modulePath, printed);

testDriver({
  name: 'of the guide, a module',
  load: () => loadDriver(modulePath),
  async working() {
    const server = createServer((_request, response) => response.end(numberedJpeg(1)));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    return {
      options: { url: `http://127.0.0.1:${port}/still.jpg`, pauseMs: 5 },
      close: async () => {
        server.closeAllConnections();
        server.close();
      },
    };
  },
  failing: null,
  refused: null,
});

test('the guide names every built-in driver', () => {
  for (const name of driverNames) assert.match(guide, new RegExp(`^\\| \`${name}\` \\|`, 'm'));
});

test('a driver that does not exist is refused with the list of those that do', async () => {
  await assert.rejects(loadDriver('webcam'), {
    kind: 'bad-request',
    message: /no camera driver “webcam”; there are emulated, .*mjpeg, .*or the path of a module/,
  });
  await assert.rejects(loadDriver('toString'), { kind: 'bad-request' });
});

test('a module may export its generator as default', async () => {
  const path = join(folder, 'default.mjs');
  await writeFile(path, 'export default async function* () { yield new Uint8Array([1]); }');
  const { samples } = await loadDriver(path);
  const first = await samples({}, { signal: new AbortController().signal, clock: createFakeClock() }).next();
  assert.deepEqual(first.value, new Uint8Array([1]));
});

test('a module that is missing, broken or no driver is refused in one sentence', async () => {
  const broken = join(folder, 'broken.mjs');
  const other = join(folder, 'other.mjs');
  await writeFile(broken, 'export const = 1');
  await writeFile(other, 'export const samples = 1');
  await assert.rejects(loadDriver(join(folder, 'absent.ts')), {
    kind: 'bad-request',
    message: /cannot be loaded: [^\n]+$/,
  });
  await assert.rejects(loadDriver(broken), { kind: 'bad-request', message: /cannot be loaded: [^\n]+$/ });
  await assert.rejects(loadDriver(other), { kind: 'bad-request', message: /exports no function “samples”/ });
});

test('images come in the order of their numbers, in a loop, at the rate asked for', async () => {
  const clock = createFakeClock();
  const { samples } = await loadDriver('images');
  const controller = new AbortController();
  const seen: [number, number][] = [];
  const running = (async () => {
    for await (const jpeg of samples({ path: pictures, fps: 2 }, { signal: controller.signal, clock })) {
      seen.push([numberIn(jpeg as Uint8Array), clock.monotonicMs()]);
    }
  })();
  for (const count of [1, 2, 3, 4, 5]) {
    await until(() => seen.length === count && clock.sleepers === 1, { what: `picture ${count}` });
    if (count < 5) await clock.advance(500);
  }
  controller.abort();
  await running;
  assert.deepEqual(seen, [
    [1, 0],
    [2, 500],
    [10, 1000],
    [1, 1500],
    [2, 2000],
  ]);
});

test('the emulated camera ships at least 20 pictures in at most 600 KB, each a JPEG', () => {
  const scene = new URL('../../src/cameras/emulated/', import.meta.url);
  const files = readdirSync(scene).filter((name) => name.endsWith('.jpg'));
  const bytes = files.map((name) => readFileSync(new URL(name, scene)));
  assert.ok(files.length >= 20);
  assert.ok(bytes.reduce((sum, jpeg) => sum + jpeg.length, 0) <= 600_000);
  assert.equal(
    new Set(bytes.map((jpeg) => jpeg.toString('latin1'))).size,
    files.length,
    'no two are the same',
  );
});
