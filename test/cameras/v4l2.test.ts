// The driver `v4l2` against webcams that are none: a library put before the program answers the device's calls. One is
// this project's own, compiled when the test runs; the other the emulated camera of ../shared where it is.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { CameraSample } from '../../src/cameras/driver.ts';
import { listV4l2Modes } from '../../src/cameras/drivers/v4l2.ts';
import { loadDriver } from '../../src/cameras/registry.ts';
import { systemClock } from '../../src/clock.ts';
import { withHuffmanTables } from '../../src/workers/huffman-tables.ts';
import { collectSamples } from '../helpers/collect-samples.ts';
import { decodeDigests, makeMedia } from '../helpers/media/media.ts';
import { testDriver } from './driver-contract.ts';

function whyNot(): string | false {
  if (process.platform !== 'linux' || !['x64', 'arm64'].includes(process.arch))
    return 'webcams are read on 64-bit Linux';
  if (existsSync('/dev/video0')) return 'there is a real camera at /dev/video0';
  try {
    execFileSync('cc', ['--version'], { stdio: 'ignore' });
    return false;
  } catch {
    return 'there is no C compiler (cc) to make the emulated webcam with';
  }
}

const skip = whyNot();
const folder = await mkdtemp(join(tmpdir(), 'kinora-v4l2-'));
after(() => rm(folder, { recursive: true, force: true }));
const jpegFile = join(folder, 'picture.jpg');
const unplugged = join(folder, 'unplugged');
const context = { signal: new AbortController().signal, clock: systemClock };

function compile(source: string, name: string, ...parts: string[]): string {
  const library = join(folder, name);
  execFileSync('cc', ['-O1', '-shared', '-fPIC', ...parts, '-o', library, source, '-ldl']);
  return library;
}

/** From here on cameras' processes are started with it. */
function plugIn(library: string, environment: Record<string, string> = {}): void {
  Object.assign(process.env, environment, { LD_PRELOAD: library });
}

async function pictureWithoutTables(): Promise<Buffer> {
  const [sample] = (await collectSamples(
    'test',
    { width: 640, height: 480, codec: 'jpeg', sound: false },
    1,
  )) as [CameraSample];
  const jpeg = Buffer.from(sample.data);
  const at = jpeg.indexOf(Buffer.of(0xff, 0xc4));
  return Buffer.concat([jpeg.subarray(0, at), jpeg.subarray(at + 2 + jpeg.readUInt16BE(at + 2))]);
}

test('the tables that are put in are the standard’s: a picture encoded with those decodes to the same', async () => {
  const video = {
    codec: 'mjpeg',
    width: 320,
    height: 180,
    seconds: 1,
    options: { huffman: 'default' },
  } as const;
  const [sample] = await collectSamples('file', { path: await makeMedia({ container: 'avi', video }) }, 1);
  const whole = Buffer.from(sample!.data);
  assert.deepEqual(withHuffmanTables(whole), whole, 'one that has tables stays as it is');
  const at = whole.indexOf(Buffer.of(0xff, 0xc4));
  assert.equal(whole.readUInt16BE(at + 2), 418, 'all four in one segment');
  const bare = Buffer.concat([whole.subarray(0, at), whole.subarray(at + 420)]);
  const [before] = await decodeDigests(whole);
  const [again] = await decodeDigests(withHuffmanTables(bare));
  assert.equal(again!.errors, 0);
  assert.equal(again!.frames[0]!.digest, before!.frames[0]!.digest);
});

describe('a webcam', { skip }, () => {
  if (skip) return;
  const ready = (async () => {
    await writeFile(
      jpegFile,
      readFileSync(new URL(`../../src/cameras/emulated/${firstPicture()}`, import.meta.url)),
    );
    plugIn(
      compile(
        fileURLToPath(new URL('../helpers/fake-v4l2.c', import.meta.url)),
        'own.so',
        `-DJPEG_FILE="${jpegFile}"`,
        `-DUNPLUGGED="${unplugged}"`,
      ),
    );
  })();

  testDriver({
    name: 'v4l2',
    load: async () => {
      await ready;
      return loadDriver('v4l2');
    },
    working: async () => ({ options: { device: 0 } }),
    failing: { options: { device: '/dev/video7' }, says: /^There is no camera at \/dev\/video7\.$/ },
    refused: {
      options: { device: '/etc/passwd' },
      says: /device is “\/etc\/passwd”; it takes a video device/,
    },
  });

  test('its JPEG pictures pass untouched', async () => {
    const picture = readFileSync(jpegFile);
    for (const { codec, data, isKey } of await collectSamples('v4l2', {}, 5)) {
      assert.equal(codec, 'jpeg');
      assert.ok(isKey && picture.equals(data));
    }
  });

  test('its pictures without Huffman tables get them', async () => {
    const usual = readFileSync(jpegFile);
    const bare = await pictureWithoutTables();
    await writeFile(jpegFile, bare);
    const [sample] = await collectSamples('v4l2', {}, 1);
    assert.equal(sample!.data.length, bare.length + 420);
    await writeFile(jpegFile, usual);
  });

  test('its raw pictures are encoded once', async () => {
    const samples = await collectSamples('opencv', { device: '/dev/video0', format: 'yuyv422' }, 5);
    assert.ok(samples.every(({ codec }) => codec === 'jpeg'));
    const [decoded] = await decodeDigests(samples[0]!.data);
    assert.deepEqual([decoded!.width, decoded!.height], [320, 240]);
  });

  test('a format that it has not is told', async () => {
    await assert.rejects(
      collectSamples('v4l2', { format: 'h264' }, 1),
      /no camera that can be read in this format/,
    );
  });

  test('its sizes and rates are listed', async () => {
    assert.deepEqual(await listV4l2Modes('/dev/video0', context), [
      { format: 'mjpeg', width: 640, height: 480, maxFps: 25 },
      { format: 'yuyv422', width: 320, height: 240, maxFps: 25 },
    ]);
    await assert.rejects(listV4l2Modes('/dev/video7', context), /cannot be asked what it offers/);
    await assert.rejects(listV4l2Modes('/etc/passwd', context), { kind: 'bad-request' });
  });

  test('pulled out it is one sentence, plugged in again it is back', async () => {
    const { samples } = await loadDriver('v4l2');
    const running = samples({}, context);
    await running.next();
    await writeFile(unplugged, '');
    await assert.rejects(async () => {
      for (;;) await running.next();
    }, /^AppError: The camera \/dev\/video0 was unplugged\.$/);
    await assert.rejects(collectSamples('v4l2', {}, 1), /There is no camera at \/dev\/video0/);
    await rm(unplugged);
    assert.equal((await collectSamples('v4l2', {}, 3)).length, 3);
  });

  const tool = join(import.meta.dirname, '../../../shared/tools/fakev4l2.c');
  test('the emulated webcam of ../shared', {
    skip: !existsSync(tool) && 'the folder ../shared/tools is not here',
  }, async () => {
    const frames = join(folder, 'frames');
    await mkdir(frames);
    await writeFile(join(frames, '1.jpg'), readFileSync(jpegFile));
    plugIn(compile(tool, 'shared.so'), { FAKEV4L2_DIR: frames, FAKEV4L2_FPS: '50' });
    const samples = await collectSamples('opencv', {}, 20);
    const numbers = samples.map(({ data }) =>
      Number(/SEQ=(\d+)/.exec(Buffer.from(data).toString('latin1', 0, 40))![1]),
    );
    assert.ok(
      numbers.every((number, at) => at === 0 || number > numbers[at - 1]!),
      'none twice',
    );
    assert.deepEqual(await listV4l2Modes('/dev/video0', context), [
      { format: 'mjpeg', width: 768, height: 576, maxFps: 50 },
    ]);
  });
});

function firstPicture(): string {
  return '01.jpg';
}
