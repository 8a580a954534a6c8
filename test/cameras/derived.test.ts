// Pictures of other sizes under a fake clock, with a maker of pictures that only notes what it is given: who is served
// from where, how often pictures are made, what is refused, and when everything goes off.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import pino from 'pino';
import { CameraPictures } from '../../src/cameras/camera-pictures.ts';
import type { CameraInfo, PictureChoice, Viewing } from '../../src/cameras/cameras.ts';
import { Hub } from '../../src/cameras/hub.ts';
import type { LiveSample } from '../../src/cameras/live-sample.ts';
import { AppError } from '../../src/errors.ts';
import type { MadePicture, PictureMakerSetup } from '../../src/workers/picture-maker.ts';
import { createFakeClock } from '../helpers/fake-clock.ts';
import { createPushDriver, numberedJpeg, numberIn } from '../helpers/push-driver.ts';

/** A numbered picture with a frame header (ITU-T T.81 §B.2.2), so that its size can be told. */
function sizedJpeg(number: number, width: number, height = Math.round(width * 0.75)): Uint8Array {
  const jpeg = Buffer.from(numberedJpeg(number));
  const frame = Buffer.from([0xff, 0xc0, 0, 11, 8, 0, 0, 0, 0, 1, 1, 0x11, 0]);
  frame.writeUInt16BE(height, 5);
  frame.writeUInt16BE(width, 7);
  const end = 4 + jpeg.readUInt16BE(4);
  return Buffer.concat([jpeg.subarray(0, end), frame, jpeg.subarray(end)]);
}

/** Makes of every sample that is wanted the same picture with 1000 added, and counts its lives. */
function createCountingMaker() {
  const widths: (number | null)[] = [];
  const pushed: number[] = [];
  let running = 0;
  const failures: ((error: Error) => void)[] = [];
  return {
    widths,
    /** Times of all samples that came, of those whose picture is wanted, minutes aside. */
    pushed,
    get running() {
      return running;
    },
    fail(error: Error) {
      for (const each of failures.splice(0)) each(error);
    },
    async *make({ width, attach, signal }: PictureMakerSetup): AsyncGenerator<MadePicture, void, void> {
      widths.push(width);
      running += 1;
      let ready: MadePicture[] = [];
      let wake: (() => void) | null = null;
      let failure: Error | null = null;
      failures.push((error) => {
        failure = error;
        wake?.();
      });
      const detach = attach(({ data, ptsMicros, takenAtMs, takenAtMonotonicMs }, isWanted) => {
        if (!isWanted) return;
        pushed.push(takenAtMonotonicMs);
        const jpeg = numberedJpeg(1000 + (numberIn(data) || 0));
        ready.push({ jpeg, ptsMicros, takenAtMs, takenAtMonotonicMs });
        wake?.();
      });
      signal.addEventListener('abort', () => wake?.(), { once: true });
      try {
        while (!signal.aborted) {
          const due = ready;
          ready = [];
          yield* due;
          if (failure) throw failure;
          if (ready.length === 0 && !signal.aborted) await new Promise<void>((resolve) => (wake = resolve));
        }
      } finally {
        running -= 1;
        detach();
      }
    },
  };
}

type Watching = {
  viewing: Viewing;
  numbers: number[];
  samples: LiveSample[];
  states: string[];
  ends: () => number;
};

function setUp({ others = 0 } = {}) {
  const driver = createPushDriver();
  const maker = createCountingMaker();
  const clock = createFakeClock();
  const changes: CameraInfo[] = [];
  const log = pino({ level: 'silent' });
  const hub = new Hub({
    ...{ id: 'door', name: 'Door', driver: 'push', options: {}, isFromSettings: true, lingerMs: 10_000 },
    load: async () => driver,
    ...{ clock, log, random: () => 1, onChange: (info) => changes.push(info) },
  });
  const pictures: CameraPictures = new CameraPictures({
    ...{ source: hub, lingerMs: 10_000, clock, log, random: () => 1, make: maker.make },
    countAll: () => others + pictures.figures.streams,
  });
  const watch = (choice: Partial<PictureChoice> = {}): Watching => {
    const watching = { numbers: [] as number[], samples: [] as LiveSample[], states: [] as string[] };
    let ends = 0;
    const viewing = pictures.watch(
      {
        onSample(sample) {
          watching.samples.push(sample);
          watching.numbers.push(numberIn(sample.data));
        },
        onState: ({ state, message }) => watching.states.push(message ? `${state}: ${message}` : state),
        onEnd: () => (ends += 1),
      },
      { width: null, fps: null, ...choice },
    );
    return { ...watching, viewing, ends: () => ends };
  };
  const push = async (...samples: Parameters<typeof driver.push>) => {
    driver.push(...samples);
    await clock.settle();
  };
  const close = async () => {
    await Promise.all([pictures.close(), hub.close()]);
    assert.equal(maker.running, 0, 'no maker is left');
    assert.equal(clock.sleepers, 0, 'nobody is left waiting');
  };
  return { hub, pictures, driver, maker, clock, changes, watch, push, close };
}

const video = (number: number, isKey: boolean) => ({
  ...{ codec: 'avc' as const, data: Buffer.from(`SEQ=${number} `), ptsMicros: number * 40_000, isKey },
  ...(isKey && { config: Buffer.of(1, 2, 3) }),
});

test('a camera that sends JPEG is watched itself: at its own size nothing is made', async () => {
  const { hub, maker, clock, watch, push, close } = setUp();
  const first = watch();
  await clock.settle();
  await push(sizedJpeg(1, 640));
  const wider = watch({ width: 1900 });
  const asWide = watch({ width: 640 });
  await push(sizedJpeg(2, 640));
  assert.deepEqual([first.numbers, wider.numbers, asWide.numbers], [[1, 2], [2], [2]]);
  assert.equal(first.samples[1], wider.samples[0], 'one picture, framed once for all');
  assert.equal(hub.info.viewers, 3);
  assert.deepEqual(maker.widths, []);
  await close();
});

test('a smaller size is made once however many watch it, at the next width there is', async () => {
  const { pictures, maker, clock, watch, push, close } = setUp();
  const own = watch();
  await clock.settle();
  await push(sizedJpeg(1, 1280));
  const smaller = [watch({ width: 300 }), watch({ width: 320 }), watch({ width: 161 })];
  await clock.settle();
  assert.deepEqual(maker.widths, [320]);
  for (const number of [2, 3]) await push(sizedJpeg(number, 1280));
  // The one it began with is the newest the camera had.
  for (const { numbers } of smaller) assert.deepEqual(numbers, [1001, 1002, 1003]);
  assert.equal(smaller[0]!.samples[1], smaller[2]!.samples[1]);
  assert.equal(smaller[0]!.samples[1]!.takenAtMs, own.samples[1]!.takenAtMs, 'taken when the camera took it');
  assert.deepEqual(own.numbers, [1, 2, 3]);
  assert.deepEqual(pictures.figures, { streams: 1, picturesMade: 3, dropped: 0 });
  await close();
});

test('viewers of every size are viewers of the camera, each counted once', async () => {
  const { hub, clock, changes, watch, push, close } = setUp();
  const own = watch();
  await clock.settle();
  await push(sizedJpeg(1, 1280));
  const small = [watch({ width: 160 }), watch({ width: 160 }), watch({ width: 320 })];
  assert.equal(hub.info.viewers, 4);
  assert.equal(changes.at(-1)!.viewers, 4);
  small[0]!.viewing.close();
  small[0]!.viewing.close();
  assert.equal(hub.info.viewers, 3);
  assert.equal(changes.at(-1)!.viewers, 3);
  for (const { viewing } of [own, ...small]) viewing.close();
  assert.equal(hub.info.viewers, 0);
  await close();
});

test('ten seconds after the last viewer of a smaller size both it and the camera are off', async () => {
  const { hub, driver, maker, clock, watch, push, close } = setUp();
  const small = watch({ width: 160 });
  await clock.settle();
  await push(sizedJpeg(1, 1280));
  assert.equal(maker.running, 1);
  small.viewing.close();
  await clock.advance(9_999);
  assert.equal(maker.running, 1);
  assert.equal(driver.stops, 0);
  await clock.advance(1);
  assert.equal(maker.running, 0);
  assert.equal(driver.stops, 1);
  assert.equal(hub.info.state, 'off');
  await close();
});

test('who watches the camera itself keeps it on when a smaller size goes off', async () => {
  const { driver, maker, clock, watch, push, close } = setUp();
  const own = watch();
  const small = watch({ width: 160 });
  await clock.settle();
  await push(sizedJpeg(1, 1280));
  small.viewing.close();
  await clock.advance(9_000);
  await push(sizedJpeg(2, 1280));
  await clock.advance(3_000);
  assert.equal(maker.running, 0);
  assert.equal(driver.stops, 0);
  own.viewing.close();
  await clock.advance(5_000);
  await push(sizedJpeg(3, 1280));
  await clock.advance(4_999);
  assert.equal(driver.stops, 0, 'ten seconds after the last person');
  await clock.advance(1);
  assert.equal(driver.stops, 1);
  await close();
});

test('a fifth size is refused with a sentence; one that nobody watches any more gives way', async () => {
  const { maker, clock, watch, push, close } = setUp();
  watch();
  await clock.settle();
  await push(sizedJpeg(1, 3840));
  const sizes = [160, 320, 640, 960].map((width) => watch({ width }));
  await clock.settle();
  assert.throws(() => watch({ width: 1280 }), {
    kind: 'too-many',
    message:
      'This camera is being watched in 4 other sizes, which is the most: take one of the widths 160, 320, 640, 960.',
  });
  assert.equal(watch({ width: 900 }).ends(), 0, 'a size that is there has room for any number');
  assert.equal(watch({ width: 1921 }).ends(), 0, 'and so has the own size');
  sizes[1]!.viewing.close();
  const fifth = watch({ width: 1280 });
  await push(sizedJpeg(2, 3840));
  assert.deepEqual(maker.widths, [160, 320, 640, 960, 1280]);
  assert.equal(maker.running, 4);
  assert.deepEqual(fifth.numbers.at(-1), 1002);
  await close();
});

test('all cameras together make no more streams than the machine has memory for', async () => {
  const { clock, watch, push, close } = setUp({ others: 100_000 });
  watch();
  await clock.settle();
  await push(sizedJpeg(1, 1280));
  assert.throws(() => watch({ width: 160 }), { kind: 'too-many', message: /memory of this machine\.$/ });
  await close();
});

test('pictures are made at the rate of the quickest viewer, and the slower ones get fewer of them', async () => {
  const { maker, clock, watch, push, close } = setUp();
  watch();
  await clock.settle();
  await push(sizedJpeg(0, 1280));
  const slow = watch({ width: 320, fps: 1 });
  const quick = watch({ width: 320, fps: 5 });
  await clock.settle();
  const startMs = clock.monotonicMs();
  for (let number = 1; number <= 100; number += 1) {
    await clock.advance(40);
    await push(sizedJpeg(number, 1280));
  }
  const made = maker.pushed.filter((atMs) => atMs > startMs).length;
  assert.ok(made >= 19 && made <= 21, `${made} of 100 pictures made in 4 s at 5 a second`);
  assert.ok(quick.numbers.length >= made - 1, `${quick.numbers.length} at 5 a second`);
  assert.ok(slow.numbers.length >= 4 && slow.numbers.length <= 6, `${slow.numbers.length} at 1 a second`);
  quick.viewing.close();
  maker.pushed.length = 0;
  for (let number = 101; number <= 200; number += 1) {
    await clock.advance(40);
    await push(sizedJpeg(number, 1280));
  }
  assert.ok(maker.pushed.length <= 5, `${maker.pushed.length} made for who is left`);
  await close();
});

test('?fps= without a size leaves pictures out and makes none', async () => {
  const { maker, clock, watch, push, close } = setUp();
  const slow = watch({ fps: 2 });
  await clock.settle();
  for (let number = 1; number <= 50; number += 1) {
    await push(sizedJpeg(number, 640));
    await clock.advance(100);
  }
  assert.equal(slow.numbers.length, 10);
  assert.deepEqual(maker.widths, []);
  await close();
});

test('a camera that turns out to send H.264 is watched through pictures made of it, of its own size', async () => {
  const { hub, maker, clock, watch, push, close } = setUp();
  const viewer = watch();
  await clock.settle();
  assert.deepEqual(maker.widths, []);
  await push(video(1, true));
  await push(video(2, false));
  assert.deepEqual(maker.widths, [null]);
  assert.equal(hub.info.viewers, 1);
  // Made of the newest of what there was since the key frame.
  assert.deepEqual(viewer.numbers, [1001, 1002]);
  const second = watch();
  const small = watch({ width: 160 });
  await push(video(3, false));
  assert.deepEqual(second.numbers, [1003]);
  assert.equal(numberIn(second.viewing.newest()!.data), 1003);
  assert.equal(numberIn(small.samples.at(-1)!.data), 1003);
  assert.deepEqual(maker.widths, [null, 160]);
  await close();
});

test('the camera’s silence and return are told to those who watch a smaller size', async () => {
  const { driver, clock, watch, push, close } = setUp();
  const own = watch();
  await clock.settle();
  await push(sizedJpeg(1, 1280));
  const small = watch({ width: 160 });
  await clock.settle();
  driver.fail(new AppError('unavailable', 'The cable is cut.'));
  await clock.settle();
  assert.equal(small.states.at(-1), 'no-signal: The cable is cut.');
  await clock.advance(500);
  await push(sizedJpeg(2, 1280));
  assert.equal(small.states.at(-1), 'live');
  assert.equal(small.numbers.at(-1), 1002);
  assert.equal(own.numbers.at(-1), 2);
  await close();
});

test('a maker that fails is started again and the camera itself goes on', async () => {
  const { driver, maker, clock, watch, push, close } = setUp();
  const own = watch();
  await clock.settle();
  await push(sizedJpeg(1, 1280));
  const small = watch({ width: 160 });
  await clock.settle();
  maker.fail(new AppError('unavailable', 'It crashed.'));
  await clock.settle();
  assert.equal(small.states.at(-1), 'no-signal: It crashed.');
  assert.ok(!own.states.includes('no-signal: It crashed.'));
  await clock.advance(500);
  await push(sizedJpeg(2, 1280));
  assert.deepEqual(maker.widths, [160, 160]);
  assert.equal(small.states.at(-1), 'live');
  assert.equal(small.numbers.at(-1), 1002);
  assert.equal(driver.starts, 1);
  await close();
});

test('when the camera is removed, the viewers of all its sizes end, once', async () => {
  const { clock, watch, push, close } = setUp();
  const own = watch();
  await clock.settle();
  await push(sizedJpeg(1, 1280));
  const small = watch({ width: 160 });
  await clock.settle();
  await close();
  assert.deepEqual([own.ends(), small.ends()], [1, 1]);
  assert.throws(() => watch({ width: 160 }), { kind: 'unavailable' });
});

test('a snapshot of a smaller size starts the camera, waits for it, and is kept warm by the next', async () => {
  const { pictures, driver, maker, clock, push, close } = setUp();
  const { signal } = new AbortController();
  const first = pictures.snapshot(1000, signal, 160);
  await clock.settle();
  await push(sizedJpeg(1, 1280));
  assert.equal(numberIn((await first).jpeg), 1001);
  for (let second = 0; second < 30; second += 1) {
    await clock.advance(900);
    await push(sizedJpeg(second + 2, 1280));
    assert.equal(numberIn((await pictures.snapshot(1000, signal, 160)).jpeg), second + 1002);
  }
  assert.equal(driver.starts, 1);
  assert.deepEqual(maker.widths, [160]);
  await clock.advance(10_000);
  assert.equal(driver.stops, 1);
  assert.equal(maker.running, 0);
  await close();
});

test('a snapshot of a camera without signal says why', async () => {
  const { pictures, driver, clock, close } = setUp();
  const { signal } = new AbortController();
  const waiting = assert.rejects(pictures.snapshot(1000, signal, 160), { message: 'The cable is cut.' });
  await clock.settle();
  driver.fail(new AppError('unavailable', 'The cable is cut.'));
  await waiting;
  await close();
});
