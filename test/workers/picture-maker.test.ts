// Pictures made in a real process: the sizes are right, the pictures those of the samples, and whatever the process
// does costs the server nothing but one clear sentence.
import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { type Clock, systemClock } from '../../src/clock.ts';
import { readJpegSize } from '../../src/media/codecs/jpeg-size.ts';
import {
  type MadePicture,
  makePictures,
  type PictureMakerSetup,
  type PushSample,
} from '../../src/workers/picture-maker.ts';
import { makeCamera } from '../helpers/h264-camera.ts';
import { decodeDigests, missingEncoder } from '../helpers/media/media.ts';
import { until } from '../helpers/until.ts';

const folder = await mkdtemp(join(tmpdir(), 'kinora-picture-maker-'));
after(() => rm(folder, { recursive: true, force: true }));

type Maker = {
  push: (
    sample: Omit<Parameters<PushSample>[0], 'takenAtMs' | 'takenAtMonotonicMs'>,
    isWanted?: boolean,
  ) => void;
  readonly pictures: MadePicture[];
  /** Resolves when the generator has ended, to its error. */
  readonly ended: Promise<Error | null>;
  stop(): Promise<void>;
};

async function start(more: Partial<PictureMakerSetup> = {}): Promise<Maker> {
  const controller = new AbortController();
  const attached = Promise.withResolvers<PushSample>();
  const pictures: MadePicture[] = [];
  const run = async () => {
    const made = makePictures({
      ...{ width: null, signal: controller.signal, clock: systemClock },
      attach(push) {
        attached.resolve(push);
        return () => {};
      },
      ...more,
    });
    for await (const picture of made) pictures.push(picture);
    return null;
  };
  const ended = run().catch((error: Error) => error);
  const push = await attached.promise;
  return {
    push: (sample, isWanted = true) =>
      push({ ...sample, takenAtMs: sample.ptsMicros / 1000, takenAtMonotonicMs: 0 }, isWanted),
    pictures,
    ended,
    async stop() {
      controller.abort();
      assert.equal(await ended, null);
    },
  };
}

const scene = fileURLToPath(new URL('../../src/cameras/emulated/', import.meta.url));
const name = (await readdir(scene)).filter((each) => each.endsWith('.jpg')).sort()[0]!;
const jpeg = await readFile(join(scene, name));
const own = readJpegSize(jpeg)!;
const still = (ptsMicros: number) => ({ codec: 'jpeg' as const, data: jpeg, ptsMicros, isKey: true });

for (const width of [160, 320, 640]) {
  test(`a JPEG becomes one ${width} pixels wide, its sides even and their ratio kept`, async () => {
    const maker = await start({ width });
    maker.push(still(7_000_000));
    await until(() => maker.pictures.length === 1, { timeoutMs: 20_000 });
    const [made] = maker.pictures;
    const size = readJpegSize(made!.jpeg)!;
    assert.equal(size.width, width);
    assert.ok(Math.abs(size.height - (own.height * width) / own.width) <= 1);
    assert.equal(size.height % 2, 0);
    assert.equal(made!.ptsMicros, 7_000_000);
    assert.equal(made!.takenAtMs, 7000);
    await maker.stop();
  });
}

test('a JPEG that is no wider comes back as it was', async () => {
  const maker = await start({ width: 1920 });
  maker.push(still(1));
  await until(() => maker.pictures.length === 1, { timeoutMs: 20_000 });
  assert.ok(Buffer.from(maker.pictures[0]!.jpeg).equals(jpeg));
  await maker.stop();
});

test('damaged and huge pictures are left out and the next good one is made', async () => {
  const maker = await start({ width: 160 });
  const huge = Buffer.from(jpeg);
  const frame = huge.indexOf(Buffer.of(0xff, 0xc0));
  huge.writeUInt32BE(0xfffffff0, frame + 5);
  for (const data of [jpeg.subarray(0, 3000), Buffer.from('no picture'), huge]) {
    maker.push({ ...still(1), data });
    maker.push(still(2));
    const count = maker.pictures.length;
    await until(() => maker.pictures.length > count, { timeoutMs: 20_000 });
  }
  await maker.stop();
});

test('a burst of pictures is not worked off one by one: the newest wins', async () => {
  const maker = await start({ width: 320 });
  for (let number = 1; number <= 500; number += 1) maker.push(still(number));
  await until(() => maker.pictures.at(-1)?.ptsMicros === 500, { timeoutMs: 20_000 });
  assert.ok(maker.pictures.length <= 3, `${maker.pictures.length} made of 500`);
  await maker.stop();
});

for (const codec of ['h264', 'hevc'] as const) {
  test(`${codec} becomes pictures, each that of its own sample, whatever the width`, async (context) => {
    const spec = { video: { codec, width: 640, height: 360, seconds: 2, keyInterval: 25, bFrames: 2 } };
    const lacking = await missingEncoder({ container: 'mp4', ...spec });
    if (lacking) return context.skip(`this FFmpeg has no ${lacking}`);
    const camera = await makeCamera(spec);
    for (const width of [null, 320]) {
      const maker = await start({ width });
      // In the middle of a group, as a viewer comes: nothing is made before the key frame.
      for (const sample of camera.samples.slice(10)) {
        maker.push(sample.isKey ? { ...sample, config: camera.samples[0]!.config! } : sample);
        const count = maker.pictures.length;
        // One by one, so that none is overtaken; those that B pictures hold back come later.
        if (sample.ptsMicros > 1e6)
          await until(() => maker.pictures.length > count, { timeoutMs: 300 }).catch(() => {});
      }
      await until(() => maker.pictures.length >= 15, { timeoutMs: 20_000 });
      for (const made of maker.pictures) {
        assert.deepEqual(
          readJpegSize(made.jpeg),
          width === null ? { width: 640, height: 360 } : { width, height: 180 },
        );
        assert.ok(made.ptsMicros >= 0.99e6, 'from the key frame on');
        const path = join(folder, 'made.jpg');
        await writeFile(path, made.jpeg);
        const [stream] = await decodeDigests(path);
        const number = stream!.frames[0]!.number;
        assert.equal(number, Math.round((made.ptsMicros * 25) / 1e6));
      }
      await maker.stop();
    }
  });
}

test('video of which no picture is wanted is decoded all the same, and nothing is encoded', async () => {
  const camera = await makeCamera({
    video: { codec: 'h264', width: 320, height: 180, seconds: 2, bFrames: 0 },
  });
  const maker = await start({ width: 160 });
  for (const [index, sample] of camera.samples.entries())
    maker.push(sample, index === camera.samples.length - 1);
  await until(() => maker.pictures.length === 1, { timeoutMs: 20_000 });
  assert.equal(maker.pictures[0]!.ptsMicros, camera.samples.at(-1)!.ptsMicros);
  await maker.stop();
});

/** A process of ours that misbehaves once it was told what to make. */
async function program(title: string, code: string): Promise<URL> {
  const path = join(folder, `${title.replaceAll(' ', '-')}.ts`);
  const wire = new URL('../../src/workers/sample-wire.ts', import.meta.url).href;
  await writeFile(
    path,
    `import { Socket } from 'node:net';
     import { writeSample } from '${wire}';
     const pipe = new Socket({ fd: 3, readable: true, writable: true });
     const say = (message) => process.send(message);
     process.on('disconnect', () => process.exit());
     pipe.on('error', () => process.exit());
     process.on('message', (request) => { if (request.kind === 'make') { ${code} } });`,
  );
  return pathToFileURL(path);
}

/** Time that runs thirty times as fast where it is measured. */
const fastClock: Clock = { ...systemClock, monotonicMs: () => performance.now() * 30 };

const misbehaviour: readonly [
  title: string,
  code: string,
  says: RegExp,
  more?: Partial<PictureMakerSetup>,
][] = [
  ['crashes', 'process.kill(process.pid, "SIGSEGV")', /crashed \(SIGSEGV\)\.$/],
  ['ends', 'process.exit(3)', /crashed \(status 3\)\.$/],
  // It stands still without working: the cores are for other tests.
  [
    'hangs',
    'say({ kind: "ready" }); setTimeout(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0), 10)',
    /hung and was ended\.$/,
  ],
  ['has no engine', 'say({ kind: "no-engine" })', /node-av\), is not installed/],
  ['cannot', 'say({ kind: "failed", detail: "x" })', /cannot be decoded\.$/],
  ['sends nonsense', 'pipe.write(Buffer.alloc(4000, 0xff))', /something that is no sample\.$/],
  [
    'says nonsense',
    'say("x"); say({}); say({ kind: "done", samples: -1 }); process.exit(0)',
    /crashed \(status 0\)\.$/,
  ],
  [
    'makes nothing of anything',
    'say({ kind: "ready" }); pipe.resume(); setInterval(() => say({ kind: "done", samples: 1 }), 50)',
    /cannot be decoded\.$/,
    { clock: fastClock },
  ],
  [
    'takes memory without end',
    'const held = []; setInterval(() => { say({ kind: "alive" }); held.push(Buffer.alloc(2e7, 1)); }, 10)',
    /too much memory and was ended\.$/,
    { maxMemoryBytes: 250 * 1024 * 1024 },
  ],
];

describe('a process that misbehaves', { concurrency: 4 }, () => {
  for (const [title, code, says, more] of misbehaviour) {
    test(`a process that ${title} is one sentence`, {
      skip: more?.maxMemoryBytes !== undefined && process.platform !== 'linux' && 'only Linux tells memory',
    }, async () => {
      const maker = await start({ program: await program(title, code), ...more });
      maker.push(still(1));
      const error = await maker.ended;
      assert.match(error!.message, says);
      assert.match(error!.message, /^[A-Z].{5,200}\.$/);
      maker.push(still(2));
    });
  }
});

test('pictures of samples that nobody sent are left out', async () => {
  const made = 'writeSample(pipe, { codec: "jpeg", data: Buffer.from([1]), ptsMicros: 4711, isKey: true })';
  const maker = await start({ program: await program('makes up', `${made}; pipe.end(); process.exit(0)`) });
  assert.match((await maker.ended)!.message, /crashed \(status 0\)/);
  assert.deepEqual(maker.pictures, []);
});
