// A microphone beside a camera's pictures. No sound card is needed: a program of ours stands in for `arecord` and
// "records" in real time. FFmpeg's own ALSA is tried first and finds no device here.
import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { after, test } from 'node:test';
import type { CameraSample, DriverModule } from '../../src/cameras/driver.ts';
import { withSound } from '../../src/cameras/with-sound.ts';
import { systemClock } from '../../src/clock.ts';
import { AppError } from '../../src/errors.ts';
import { numberedJpeg } from '../helpers/push-driver.ts';
import { writeStandIn } from '../helpers/stand-in-program.ts';
import { until } from '../helpers/until.ts';

const folder = await mkdtemp(join(tmpdir(), 'kinora-arecord-'));
const pathBefore = process.env.PATH;
process.env.PATH = `${folder}${delimiter}${pathBefore}`;
after(async () => {
  process.env.PATH = pathBefore;
  await rm(folder, { recursive: true, force: true });
});

/** Writes silence at 48 kHz, one channel of 16 bits, 20 ms at a time, and its arguments and pid into a file. */
const asked = join(folder, 'asked.json');
await writeStandIn(
  folder,
  'arecord',
  `const { writeFileSync } = require('node:fs');
process.stdout.on('error', () => process.exit());
const startedAtMs = performance.now();
const about = { pid: process.pid, words: process.argv.slice(2), firstSampleAtMs: performance.timeOrigin + startedAtMs };
writeFileSync(${JSON.stringify(asked)}, JSON.stringify(about));
let sent = 0;
setInterval(() => {
  const due = Math.floor((performance.now() - startedAtMs) / 20);
  for (; sent < due; sent += 1) process.stdout.write(Buffer.alloc(1920));
}, 20);
`,
);

/** 20 pictures a second on a clock of its own that began an hour ago. */
const pictures: DriverModule = {
  async *samples(_options, { signal, clock }) {
    const startedAtMs = clock.monotonicMs();
    for (let number = 0; !signal.aborted; number += 1) {
      yield {
        ...{ codec: 'jpeg', data: numberedJpeg(number), isKey: true },
        ptsMicros: (3_600_000 + clock.monotonicMs() - startedAtMs) * 1000,
      };
      await clock.sleep(50, signal).catch(() => undefined);
    }
  },
  checkOptions(options) {
    if (Object.keys(options).length > 0) throw new AppError('bad-request', `no ${Object.keys(options)}`);
  },
};

const isGone = (pid: number) => () => {
  try {
    process.kill(pid, 0);
    return false;
  } catch {
    return true;
  }
};

test('sound comes beside the pictures as AAC, both on the program’s clock, and goes with them', async (subject) => {
  const controller = new AbortController();
  const context = { signal: controller.signal, clock: systemClock };
  const samples = withSound(pictures).samples({ sound: 'plughw:7,0' }, context);
  const heard: (CameraSample & { lateMs: number })[] = [];
  const seen: (CameraSample & { lateMs: number })[] = [];
  const startedAtMs = performance.now();
  for await (const sample of samples) {
    assert.ok(!(sample instanceof Uint8Array));
    const lateMs = systemClock.monotonicMs() - sample.ptsMicros / 1000;
    (sample.codec === 'aac' ? heard : seen).push({ ...sample, lateMs });
    if (heard.length >= 100 && seen.length >= 40) break;
    assert.ok(performance.now() - startedAtMs < 30_000, 'sound within half a minute');
  }
  assert.ok(heard[0]!.config && heard[0]!.config.length >= 2);
  // AAC frames of 1024 samples each, without gaps.
  for (const [index, sample] of heard.entries()) {
    if (index > 0) assert.ok(Math.abs(sample.ptsMicros - heard[index - 1]!.ptsMicros - 21_333) < 30_000);
  }
  // Sound is never of the future, and no later than a period, a frame and a busy machine make it.
  const middle = (values: number[]) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)]!;
  const soundLateMs = middle(heard.map(({ lateMs }) => lateMs));
  const pictureLateMs = middle(seen.map(({ lateMs }) => lateMs));
  assert.ok(soundLateMs > -25 && soundLateMs < 250, `sound is ${soundLateMs} ms old`);
  assert.ok(pictureLateMs >= 0 && pictureLateMs < 80, `pictures are ${pictureLateMs} ms old`);
  const { pid, words, firstSampleAtMs } = JSON.parse(await readFile(asked, 'utf8'));
  // When a sample was really taken against what the stream says of it; the first frame is the encoder's own (1024
  // samples of priming), the sound itself begins with the second.
  const takenAtMs = firstSampleAtMs - performance.timeOrigin;
  const errors = heard
    .slice(1)
    .map(({ ptsMicros }, index) => ptsMicros / 1000 - takenAtMs - (index * 1024) / 48);
  const soundErrorMs = middle(errors);
  subject.diagnostic(
    `sound ${soundErrorMs.toFixed(1)} ms and pictures ${pictureLateMs.toFixed(1)} ms from when they were taken`,
  );
  assert.ok(Math.abs(soundErrorMs - pictureLateMs) < 80, 'in step within 80 ms');
  assert.deepEqual(words.slice(0, 3), ['-q', '-D', 'plughw:7,0']);
  controller.abort();
  await until(isGone(pid), { what: 'the end of arecord' });
});

test('without a microphone the pictures go on', async () => {
  const controller = new AbortController();
  const deaf = withSound(pictures, async function* (_device, { signal, clock }) {
    await clock.sleep(60_000, signal).catch(() => undefined);
    yield* [];
  });
  let count = 0;
  for await (const _ of deaf.samples({ sound: 'hw:1' }, { signal: controller.signal, clock: systemClock })) {
    count += 1;
    if (count === 5) controller.abort();
  }
  assert.equal(count, 5);
});

test('a camera that fails ends its sound and says why', async () => {
  let isSoundOver = false;
  const failing: DriverModule = {
    // biome-ignore lint/correctness/useYield: it fails before it has anything
    async *samples() {
      throw new AppError('unavailable', 'The cable is cut.');
    },
  };
  const driver = withSound(failing, async function* (_device, { signal, clock }) {
    await clock.sleep(60_000, signal).catch(() => undefined);
    isSoundOver = true;
    yield* [];
  });
  const samples = driver.samples(
    { sound: 'default' },
    { signal: new AbortController().signal, clock: systemClock },
  );
  await assert.rejects(samples.next(), { message: 'The cable is cut.' });
  assert.ok(isSoundOver);
});

test('only names of devices are taken, and the driver sees nothing of them', () => {
  const driver = withSound(pictures);
  for (const sound of ['hw:1', 'hw:1,0', 'plughw:CARD=Webcam,DEV=0', 'default', 'sysdefault:CARD=C920', ''])
    driver.checkOptions!({ sound });
  for (const sound of [
    'file:/etc/passwd',
    '| sh',
    'hw:1;ls',
    'plug:{file:x}',
    'hw:../..',
    '-D',
    'hw:1\nfile',
  ])
    assert.throws(() => driver.checkOptions!({ sound }), {
      kind: 'bad-request',
      message: /it takes an ALSA device/,
    });
  assert.throws(
    () => driver.checkOptions!({ sound: true }),
    /no sound/,
    'what is no text is the driver’s own',
  );
});

test('no process is left', async () => {
  const children = async () =>
    (await readFile(`/proc/self/task/${process.pid}/children`, 'utf8').catch(() => '')).trim();
  assert.ok((await readdir(folder)).includes('arecord'));
  await until(async () => (await children()) === '', { timeoutMs: 5000 });
});
