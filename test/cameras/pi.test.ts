// The pi driver with a stand-in for libcamera's program: H.264 and JPEG pictures, and every way the program can end.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { CameraSample } from '../../src/cameras/driver.ts';
import { samples } from '../../src/cameras/drivers/pi.ts';
import { loadDriver } from '../../src/cameras/registry.ts';
import { systemClock } from '../../src/clock.ts';
import { makeMedia } from '../helpers/media/media.ts';
import { writePiProgram } from '../helpers/pi-program.ts';
import { temporaryFolder } from '../helpers/temporary-folder.ts';
import { until } from '../helpers/until.ts';
import { testDriver } from './driver-contract.ts';

const folder = await temporaryFolder();
const logFile = join(folder, 'starts');
const video = { width: 320, height: 240, seconds: 2, keyInterval: 10, bFrames: 0 } as const;
const files = {
  h264: await makeMedia({ container: 'h264', video: { ...video, codec: 'h264' } }),
  mjpeg: await makeMedia({ container: 'mjpeg', video: { ...video, codec: 'mjpeg' } }),
  logFile,
};
await writePiProgram(folder, 'rpicam-vid', files);
const path = process.env.PATH;
process.env.PATH = folder;
after(() => {
  process.env.PATH = path;
});

type Start = { readonly pid: number; readonly flags: readonly string[] };

async function lastStart(): Promise<Start> {
  return JSON.parse((await readFile(logFile, 'utf8')).trim().split('\n').at(-1)!) as Start;
}

async function isGone(): Promise<boolean> {
  try {
    process.kill((await lastStart()).pid, 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}

const context = () => {
  const controller = new AbortController();
  return { controller, context: { signal: controller.signal, clock: systemClock } };
};

testDriver({
  name: 'pi, as JPEG pictures',
  load: () => loadDriver('pi'),
  working: async () => ({ options: { codec: 'mjpeg' } }),
  failing: { options: { camera: 1 }, says: /^The camera program says: no cameras available\.$/ },
  refused: { options: { rotation: 90 }, says: /rotation is 90; libcamera can turn by 0 or 180/ },
});

test('H.264 comes as whole access units, the first one a key frame with its configuration', async () => {
  const { controller, context: c } = context();
  const seen: CameraSample[] = [];
  for await (const sample of samples({ width: 320, height: 240, fps: 10 }, c)) {
    seen.push(sample as CameraSample);
    if (seen.length === 60) controller.abort();
  }
  const [first] = seen;
  assert.equal(first!.codec, 'avc');
  assert.equal(first!.isKey, true);
  assert.equal(first!.config![0], 1, 'an avcC record');
  // The loop of 50 pictures begins again: 10 from a key frame to the next.
  assert.deepEqual(
    seen.flatMap(({ isKey }, number) => (isKey ? [number] : [])),
    [0, 10, 20, 30, 40, 50],
  );
  for (const { data } of seen) {
    const bytes = Buffer.from(data);
    let at = 0;
    while (at < bytes.length) at += 4 + bytes.readUInt32BE(at);
    assert.equal(at, bytes.length, 'lengths lead from unit to unit');
  }
  assert.ok(seen.every(({ ptsMicros }, number) => number === 0 || ptsMicros >= seen[number - 1]!.ptsMicros));
  await until(isGone, { what: 'the end of the program' });
});

test('the program gets what the options say, each as an argument of its own', async () => {
  const { controller, context: c } = context();
  const running = samples({ width: 800, height: 600, fps: 12.5, rotation: 180, camera: 0 }, c);
  await running.next();
  controller.abort();
  await running.return();
  const text = ` ${(await lastStart()).flags.join(' ')} `;
  for (const part of ['--width 800', '--height 600', '--framerate 12.5', '--rotation 180', '--camera 0']) {
    assert.ok(text.includes(` ${part} `), part);
  }
  for (const part of ['--inline', '--codec h264', '--output -', '--timeout 0', '--nopreview']) {
    assert.ok(text.includes(` ${part} `), part);
  }
});

test('a program that ignores its signal is killed within a second', async () => {
  const { controller, context: c } = context();
  const running = samples({ camera: 2 }, c);
  await running.next();
  const abortedAtMs = performance.now();
  controller.abort();
  await running.return();
  assert.ok(performance.now() - abortedAtMs < 1000);
  assert.ok(await isGone());
});

test('a program that ends says why with its last line', async () => {
  const { context: c } = context();
  await assert.rejects(
    async () => {
      for await (const _ of samples({ camera: 3, codec: 'mjpeg' }, c));
    },
    { kind: 'unavailable', message: 'The camera program says: Camera timeout detected!.' },
  );
});

test('the older program serves where the newer is not there, and where none is that is said', async () => {
  const older = await temporaryFolder();
  await writePiProgram(older, 'libcamera-vid', files);
  process.env.PATH = older;
  try {
    const { controller, context: c } = context();
    const running = samples({ codec: 'mjpeg' }, c);
    assert.equal((await running.next()).done, false);
    controller.abort();
    await running.return();
    process.env.PATH = await temporaryFolder();
    await assert.rejects(samples({}, context().context).next(), {
      kind: 'unavailable',
      message: /^Neither rpicam-vid nor libcamera-vid is installed on this machine/,
    });
  } finally {
    process.env.PATH = folder;
  }
});
