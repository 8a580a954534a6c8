// Pictures that wait for their sound: in order, in step, bounded, and never waiting for a sound that does not come. The
// browser's own parts (unpacking a picture, a frame of the screen) are played by the test.
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { PictureQueue } from '../../src/web/client/picture-queue.ts';
import { until } from '../helpers/until.ts';

const replaced = ['createImageBitmap', 'requestAnimationFrame', 'cancelAnimationFrame'] as const;
const globals = globalThis as unknown as Record<string, unknown>;
const own = replaced.map((name) => globals[name]);

/** Unpacks to what is written in it; what is written `damaged` cannot be. */
async function unpack(jpeg: Blob) {
  const text = await jpeg.text();
  if (text.startsWith('damaged')) throw new Error('damaged');
  return { number: Number(text.trim()), close: () => {} };
}

before(() => {
  globals.createImageBitmap = unpack;
  globals.requestAnimationFrame = (done: () => void) => setImmediate(done);
  globals.cancelAnimationFrame = clearImmediate;
});
after(() => {
  for (const [i, name] of replaced.entries()) globals[name] = own[i];
});

const sounds: { heardMs: number | null }[] = [];
afterEach(async () => {
  // Lets what still waits go.
  for (const sound of sounds.splice(0)) sound.heardMs = null;
  await frames();
});

function startQueue() {
  const shown: number[] = [];
  const sound: { heardMs: number | null } = { heardMs: null };
  sounds.push(sound);
  const queue = new PictureQueue(
    (bitmap) => void shown.push((bitmap as unknown as { number: number }).number),
    () => sound.heardMs,
  );
  const add = (number: number, takenAtMs: number, text = String(number)) =>
    queue.add({ jpeg: new Blob([text]), takenAtMs });
  return { queue, shown, sound, add };
}

/** Some frames of the screen and unpacked pictures later. */
async function frames() {
  for (let i = 0; i < 50; i += 1) await new Promise((resolve) => setImmediate(resolve));
}

test('without sound each picture is shown before the next is taken', async () => {
  const { shown, add } = startQueue();
  await add(1, 1000);
  assert.deepEqual(shown, [1]);
  await add(2, Number.NaN);
  assert.deepEqual(shown, [1, 2]);
  await assert.rejects(add(3, 1080, 'damaged'), /damaged/);
});

test('with sound a picture waits until its time is heard, and one that is overtaken is left out', async () => {
  const { shown, sound, add } = startQueue();
  sound.heardMs = 1000;
  for (let number = 1; number <= 5; number += 1) await add(number, 1000 + number * 40);
  await frames();
  assert.deepEqual(shown, []);
  sound.heardMs = 1040;
  await until(() => shown.length === 1);
  sound.heardMs = 1079;
  await until(() => shown.length === 2);
  await frames();
  assert.deepEqual(shown, [1, 2]);
  // The third is unpacked already; the fourth has been overtaken by the fifth.
  sound.heardMs = 1210;
  await until(() => shown.at(-1) === 5);
  assert.deepEqual(shown, [1, 2, 3, 5]);
});

test('a damaged picture among those that wait is left out', async () => {
  const { shown, sound, add } = startQueue();
  sound.heardMs = 1000;
  await add(1, 1040);
  await add(2, 1080, 'damaged');
  await add(3, 1120);
  for (const heardMs of [1040, 1080, 1120]) {
    sound.heardMs = heardMs;
    await frames();
  }
  await until(() => shown.at(-1) === 3);
  assert.deepEqual(shown, [1, 3]);
});

test('when the sound ends, what waits is let through to the newest at once', async () => {
  const { shown, sound, add } = startQueue();
  sound.heardMs = 1000;
  for (let number = 1; number <= 10; number += 1) await add(number, 1000 + number * 40);
  await frames();
  sound.heardMs = null;
  await until(() => shown.at(-1) === 10);
  await add(11, 1440);
  await until(() => shown.at(-1) === 11);
});

test('a picture whose sound is more than three seconds away waits for nothing, and neither does one without a time', async () => {
  const { shown, sound, add } = startQueue();
  sound.heardMs = 1000;
  await add(1, 4100);
  await until(() => shown.at(-1) === 1);
  await add(2, Number.NaN);
  await until(() => shown.at(-1) === 2);
});

test('no more than 128 pictures or 32 MB wait; the oldest go first', async () => {
  const { shown, sound, add } = startQueue();
  sound.heardMs = 1000;
  for (let number = 1; number <= 200; number += 1) await add(number, 1500 + 10 * number);
  sound.heardMs = 1500 + 720;
  await frames();
  // The first was taken out when it came; of those that waited, 73 to 200 are left.
  assert.deepEqual(shown, [1]);
  sound.heardMs = 1500 + 730;
  await until(() => shown.length > 1);
  assert.deepEqual(shown, [1, 73]);

  const large = startQueue();
  large.sound.heardMs = 1000;
  const text = (number: number) => String(number).padEnd(10 * 1024 * 1024);
  for (let number = 1; number <= 6; number += 1) await large.add(number, 1500 + number * 100, text(number));
  large.sound.heardMs = 1600;
  await until(() => large.shown.length === 1);
  large.sound.heardMs = 1900;
  await until(() => large.shown.length === 2);
  assert.deepEqual(large.shown, [1, 4], 'three of 10 MB are kept');
});
