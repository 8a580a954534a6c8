// ?width= and ?fps= of stream.mjpeg and snapshot.jpg on a real listener, the pictures made in real processes: the
// sizes in the JPEG headers, one process a size however many watch, refusals, and nothing left behind.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { readJpegSize } from '../../src/media/codecs/jpeg-size.ts';
import { startCameraServer, viewStream } from '../helpers/camera-server.ts';
import { makeCamera } from '../helpers/h264-camera.ts';
import { missingEncoder } from '../helpers/media/media.ts';
import { until } from '../helpers/until.ts';

const path = '/cameras/door/stream.mjpeg';
const scene = fileURLToPath(new URL('../../src/cameras/emulated/', import.meta.url));
const names = (await readdir(scene)).filter((name) => name.endsWith('.jpg')).sort();
const pictures = await Promise.all(names.slice(0, 5).map((name) => readFile(join(scene, name))));
const own = readJpegSize(pictures[0]!)!;
const patience = { timeoutMs: 20_000 };

/** The size of the first picture of a stream, once it is there. */
async function sizeOf(viewer: { firstPart(): Buffer }) {
  const part = await until(() => (viewer.firstPart().length > 0 ? viewer.firstPart() : null), patience);
  return readJpegSize(part.subarray(part.indexOf('\r\n\r\n') + 4));
}

/** Processes of ours that make pictures now. */
async function makers(): Promise<number[]> {
  const children = await readFile(`/proc/self/task/${process.pid}/children`, 'utf8');
  const found: number[] = [];
  for (const pid of children.trim().split(' ').filter(Boolean)) {
    const line = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    if (line.includes('picture-process')) found.push(Number(pid));
  }
  return found;
}
const canCount = existsSync(`/proc/self/task/${process.pid}/children`);

test('each width is what comes, made in one process however many watch, and gone when nobody does', {
  skip: !canCount && 'only Linux tells a process’s children',
}, async () => {
  const server = await startCameraServer();
  const { port, driver, clock } = server;
  let pushed = 0;
  const pump = setInterval(() => driver.push(pictures[pushed++ % pictures.length]!), 40);
  try {
    const plain = await viewStream(port, path);
    assert.deepEqual(await sizeOf(plain), own);
    assert.deepEqual(await makers(), []);
    const widths = [160, 320, 320, 300, own.width];
    const viewers = await Promise.all(widths.map((width) => viewStream(port, `${path}?width=${width}`)));
    for (const [index, viewer] of viewers.entries()) {
      const width = widths[index] === 300 ? 320 : widths[index]!;
      const size = await sizeOf(viewer);
      assert.equal(size?.width, width);
      assert.ok(Math.abs(size!.height - (own.height * width) / own.width) <= 1);
    }
    assert.equal((await makers()).length, 2);
    assert.equal(server.cameras.get('door')!.viewers, 6);
    const [figures] = server.cameras.figures();
    assert.equal(figures!.derivedStreams, 2);
    // Twenty more viewers of a size cost no picture more: those made stay below what the camera gave, for each size.
    const before = { made: figures!.picturesMade, pushed };
    const more = await Promise.all(Array.from({ length: 20 }, () => viewStream(port, `${path}?width=320`)));
    await until(() => more.every(({ numbers }) => numbers.length >= 5), patience);
    const made = server.cameras.figures()[0]!.picturesMade - before.made;
    assert.ok(made <= 2 * (pushed - before.pushed + 2), `${made} made of ${pushed - before.pushed} pictures`);
    assert.equal((await makers()).length, 2);

    const snapshot = await fetch(`${server.url}/cameras/door/snapshot.jpg?width=160`);
    assert.equal(snapshot.status, 200);
    assert.equal(readJpegSize(new Uint8Array(await snapshot.arrayBuffer()))?.width, 160);

    // One is killed from outside: its viewers get pictures again, the others never stopped.
    const [victim] = await makers();
    process.kill(victim!, 'SIGKILL');
    await until(async () => !(await makers()).includes(victim!), patience);
    await until(async () => {
      // The pause before the restart begins when the server has seen the end.
      await clock.advance(100);
      return (await makers()).length === 2;
    }, patience);
    const counts = [...viewers, plain].map(({ numbers }) => numbers.length);
    await until(
      () => [...viewers, plain].every((viewer, at) => viewer.numbers.length > counts[at]!),
      patience,
    );

    for (const viewer of [plain, ...viewers, ...more]) viewer.close();
    await until(() => server.cameras.get('door')!.viewers === 0, patience);
    await clock.advance(10_000);
    await until(async () => (await makers()).length === 0, patience);
    assert.equal(driver.stops, 1);
  } finally {
    clearInterval(pump);
    await server.close();
  }
});

test('a size too many answers 429 with a sentence, a wrong one 400, and both start nothing', async () => {
  const server = await startCameraServer();
  const { port, driver, url } = server;
  const wide = Buffer.from(pictures[0]!);
  // The header tells another size than the picture has: what matters here is only who may ask.
  const at = wide.indexOf(Buffer.of(0xff, 0xc0));
  wide.writeUInt16BE(4000, at + 7);
  for (const query of [
    'width=0',
    'width=-1',
    'width=abc',
    'width=99999',
    'width=320.5',
    'fps=0',
    'fps=1000',
  ]) {
    const answer = await fetch(`${url}${path}?${query}`);
    assert.equal(answer.status, 400, query);
    assert.match(answer.headers.get('content-type') ?? '', /^application\/problem\+json/);
  }
  assert.equal(driver.starts, 0);
  const plain = await viewStream(port, path);
  await until(() => driver.starts === 1);
  driver.push(wide);
  await until(() => plain.numbers.length === 1);
  const four = await Promise.all(
    [160, 320, 640, 960].map((width) => viewStream(port, `${path}?width=${width}`)),
  );
  await until(() => server.cameras.get('door')!.viewers === 5);
  for (const fifth of [`${path}?width=1280`, '/cameras/door/snapshot.jpg?width=1200']) {
    const answer = await fetch(`${url}${fifth}`);
    assert.equal(answer.status, 429);
    const problem = (await answer.json()) as { detail: string };
    assert.match(problem.detail, /watched in 4 other sizes.+160, 320, 640, 960\.$/);
  }
  assert.equal(
    (await fetch(`${url}/cameras/door/snapshot.jpg?width=5000`)).status,
    200,
    'the own size is no other',
  );
  for (const viewer of [plain, ...four]) viewer.close();
  await server.close();
});

test('an H.264 camera is watched as Motion-JPEG and in snapshots, of its own size and smaller', async (context) => {
  const spec = { video: { codec: 'h264', width: 640, height: 360, seconds: 2, bFrames: 0 } } as const;
  const lacking = await missingEncoder({ container: 'mp4', ...spec });
  if (lacking) return context.skip(`this FFmpeg has no ${lacking}`);
  const { samples } = await makeCamera(spec);
  const server = await startCameraServer();
  const { port, driver } = server;
  let pushed = 0;
  const pump = setInterval(() => {
    const sample = samples[pushed++ % samples.length]!;
    driver.push({ ...sample, ptsMicros: pushed * 40_000 });
  }, 40);
  try {
    const snapshot = await fetch(`${server.url}/cameras/door/snapshot.jpg`);
    assert.equal(snapshot.status, 200);
    assert.deepEqual(readJpegSize(new Uint8Array(await snapshot.arrayBuffer())), { width: 640, height: 360 });
    const [plain, small] = [await viewStream(port, path), await viewStream(port, `${path}?width=320`)];
    assert.deepEqual(await sizeOf(plain), { width: 640, height: 360 });
    assert.deepEqual(await sizeOf(small), { width: 320, height: 180 });
    await until(() => plain.numbers.length >= 10 && small.numbers.length >= 10, patience);
    assert.equal(server.cameras.get('door')!.viewers, 2);
    assert.equal(server.cameras.figures()[0]!.derivedStreams, 2);
    plain.close();
    small.close();
  } finally {
    clearInterval(pump);
    await server.close();
  }
  if (canCount) await until(async () => (await makers()).length === 0, patience);
});
