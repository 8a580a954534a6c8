// One camera's hub under a fake clock: on with the first viewer, off after the last, and its driver's bad manners.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import pino from 'pino';
import type { CameraInfo, Viewer, Viewing } from '../../src/cameras/cameras.ts';
import { type DriverModule, maxSampleBytes } from '../../src/cameras/driver.ts';
import { Hub } from '../../src/cameras/hub.ts';
import type { LiveSample } from '../../src/cameras/live-sample.ts';
import { AppError } from '../../src/errors.ts';
import { createFakeClock } from '../helpers/fake-clock.ts';
import { createPushDriver, numberedJpeg, numberIn } from '../helpers/push-driver.ts';

function setUp(driver: DriverModule, options: Record<string, unknown> = {}) {
  const clock = createFakeClock();
  const changes: CameraInfo[] = [];
  const lines: string[] = [];
  const log = pino({ level: 'debug' }, { write: (line: string) => void lines.push(line) });
  const hub = new Hub({
    ...{ id: 'door', name: 'Door', driver: 'push', options, isFromSettings: true, lingerMs: 10_000 },
    load: async () => driver,
    ...{ clock, log, random: () => 1, onChange: (info) => changes.push(info) },
  });
  return { hub, clock, changes, lines };
}

function join(hub: Hub): { viewing: Viewing; samples: LiveSample[]; ends: () => number } {
  const samples: LiveSample[] = [];
  let ends = 0;
  const viewer: Viewer = { onSample: (sample) => samples.push(sample), onEnd: () => (ends += 1) };
  return { viewing: hub.watch(viewer), samples, ends: () => ends };
}

test('the driver starts with the first viewer and stops ten seconds after the last has left', async () => {
  const driver = createPushDriver();
  const { hub, clock } = setUp(driver);
  await clock.settle();
  assert.equal(driver.starts, 0);
  assert.equal(hub.info.state, 'off');
  const first = join(hub);
  const second = join(hub);
  await clock.settle();
  assert.equal(driver.starts, 1);
  assert.equal(hub.info.state, 'starting');
  assert.equal(hub.info.viewers, 2);
  driver.push(numberedJpeg(1));
  await clock.settle();
  assert.equal(hub.info.state, 'live');
  first.viewing.close();
  second.viewing.close();
  second.viewing.close();
  assert.equal(hub.info.viewers, 0);
  await clock.advance(9_999);
  assert.equal(driver.stops, 0);
  await clock.advance(1);
  assert.equal(driver.stops, 1);
  assert.equal(hub.info.state, 'off');
  assert.equal(clock.sleepers, 0, 'nothing is left waiting');
});

test('a viewer who comes within those ten seconds finds the camera warm', async () => {
  const driver = createPushDriver();
  const { hub, clock } = setUp(driver);
  const first = join(hub);
  await clock.settle();
  driver.push(numberedJpeg(1));
  await clock.settle();
  first.viewing.close();
  await clock.advance(5_000);
  driver.push(numberedJpeg(2));
  await clock.advance(4_000);
  const second = join(hub);
  assert.equal(numberIn(second.viewing.newest()!.data), 2);
  // Silence is no failure as long as pictures come.
  for (const number of [3, 4, 5, 6]) {
    await clock.advance(5_000);
    driver.push(numberedJpeg(number));
  }
  await clock.settle();
  assert.equal(driver.starts, 1);
  assert.equal(driver.stops, 0);
  assert.deepEqual(
    second.samples.map((sample) => numberIn(sample.data)),
    [3, 4, 5, 6],
  );
  await hub.close();
});

test('a picture is framed once for all viewers, its delimiter after it', async () => {
  const driver = createPushDriver();
  const { hub, clock } = setUp(driver);
  const [first, second] = [join(hub), join(hub)];
  await clock.settle();
  const jpeg = numberedJpeg(7);
  driver.push(jpeg);
  await clock.settle();
  assert.equal(first.samples[0], second.samples[0]);
  assert.equal(first.samples[0]!.part, second.samples[0]!.part);
  const text = first.samples[0]!.part.toString('latin1');
  assert.ok(text.startsWith(`Content-Type: image/jpeg\r\nContent-Length: ${jpeg.length}\r\n`));
  assert.ok(text.endsWith(`${Buffer.from(jpeg).toString('latin1')}\r\n--frame\r\n`));
  await hub.close();
});

test('sequence numbers go on over stops and restarts', async () => {
  const driver = createPushDriver();
  const { hub, clock } = setUp(driver);
  const sequences: number[] = [];
  for (let round = 0; round < 3; round += 1) {
    const { viewing, samples } = join(hub);
    await clock.settle();
    driver.push(numberedJpeg(1));
    await clock.settle();
    sequences.push(samples[0]!.sequence);
    viewing.close();
    await clock.advance(10_000);
  }
  assert.deepEqual(sequences, [1, 2, 3]);
  assert.equal(driver.stops, 3);
});

test('a driver that fails is started again after pauses that double up to half a minute', async () => {
  const driver = createPushDriver({ failsAtStart: () => new Error('The lens cap is on.') });
  const { hub, clock } = setUp(driver);
  join(hub);
  await clock.settle();
  const startedAtMs: number[] = [];
  let starts = 0;
  for (let elapsedMs = 0; elapsedMs <= 150_000; elapsedMs += 250) {
    if (driver.starts > starts) startedAtMs.push(elapsedMs);
    starts = driver.starts;
    await clock.advance(250);
  }
  assert.deepEqual(startedAtMs, [0, 500, 1500, 3500, 7500, 15_500, 31_500, 61_500, 91_500, 121_500]);
  assert.equal(hub.info.state, 'no-signal');
  assert.equal(hub.info.message, 'The lens cap is on.');
  await hub.close();
  assert.equal(clock.sleepers, 0);
});

test('the pauses are jittered, so that cameras of one house do not come back all at once', async () => {
  const driver = createPushDriver({ failsAtStart: () => new Error('Off.') });
  const clock = createFakeClock();
  const hub = new Hub({
    ...{ id: 'a', name: 'A', driver: 'push', options: {}, isFromSettings: true, lingerMs: 0 },
    load: async () => driver,
    ...{ clock, log: pino({ level: 'silent' }), random: () => 0, onChange: () => {} },
  });
  join(hub);
  await clock.advance(249);
  assert.equal(driver.starts, 1);
  await clock.advance(1);
  assert.equal(driver.starts, 2);
  await hub.close();
});

test('a camera that comes back is live again, and the pauses begin anew after a steady while', async () => {
  let isBroken = true;
  const driver = createPushDriver({ failsAtStart: () => (isBroken ? new Error('Gone.') : null) });
  const { hub, clock, changes } = setUp(driver);
  const { samples } = join(hub);
  await clock.advance(3_500);
  isBroken = false;
  await clock.advance(4_000);
  driver.push(numberedJpeg(1));
  await clock.settle();
  assert.equal(hub.info.state, 'live');
  assert.equal(hub.info.message, null);
  for (let second = 0; second < 12; second += 1) {
    await clock.advance(1000);
    driver.push(numberedJpeg(second + 2));
  }
  await clock.settle();
  assert.equal(samples.length, 13);
  const starts = driver.starts;
  driver.end();
  await clock.settle();
  assert.equal(hub.info.message, 'The camera stopped sending.');
  await clock.advance(500);
  assert.equal(driver.starts, starts + 1);
  const states = changes.map(({ state }) => state);
  assert.deepEqual(
    states.filter((state, index) => state !== states[index - 1]),
    ['starting', 'no-signal', 'live', 'no-signal'],
  );
  await hub.close();
});

test('a driver that falls silent has no signal after ten seconds and is started again', async () => {
  const driver = createPushDriver();
  const { hub, clock } = setUp(driver);
  const { viewing } = join(hub);
  await clock.settle();
  driver.push(numberedJpeg(1));
  await clock.advance(9_999);
  assert.equal(hub.info.state, 'live');
  await clock.advance(1);
  assert.equal(hub.info.state, 'no-signal');
  assert.equal(hub.info.message, 'No picture came for 10 seconds.');
  assert.equal(viewing.newest(), null, 'a frozen picture is not the newest one');
  await clock.advance(500);
  assert.equal(driver.starts, 2);
  assert.equal(driver.stops, 1);
  await hub.close();
});

test('a driver that says how slow it is may be as slow as that', async () => {
  const driver = { ...createPushDriver(), maxPauseMs: () => 60_000 };
  const { hub, clock } = setUp(driver);
  join(hub);
  await clock.advance(59_000);
  assert.equal(hub.info.state, 'starting');
  await clock.advance(1_000);
  assert.equal(hub.info.state, 'no-signal');
  await hub.close();
});

test('a driver that ignores its signal is left behind after one second, with a warning', async () => {
  const driver = createPushDriver({ ignoresSignal: true });
  const { hub, clock, lines } = setUp(driver);
  const first = join(hub);
  await clock.settle();
  driver.push(numberedJpeg(1));
  await clock.settle();
  first.viewing.close();
  await clock.advance(10_000);
  const second = join(hub);
  await clock.advance(999);
  assert.equal(driver.starts, 1, 'the next run waits for the device');
  await clock.advance(1);
  assert.equal(driver.starts, 2);
  assert.equal(lines.filter((line) => line.includes('left behind')).length, 1);
  driver.push(numberedJpeg(2));
  await clock.settle();
  assert.equal(first.samples.length, 1);
  assert.ok(second.samples.length <= 1);
  const closed = hub.close();
  await clock.advance(1000);
  await closed;
});

test('what is no JPEG is dropped; among good pictures it changes nothing, alone it is why there is no signal', async () => {
  const bad: [string, Uint8Array, RegExp][] = [
    ['text', Buffer.from('<html>'), /no whole JPEG/],
    ['an empty picture', new Uint8Array(0), /no whole JPEG/],
    ['a truncated picture', numberedJpeg(1, 500).subarray(0, 400), /no whole JPEG/],
    ['a picture too large', numberedJpeg(1, maxSampleBytes + 1), /more than 16 MB/],
    ['no bytes at all', 'text' as unknown as Uint8Array, /no picture/],
  ];
  for (const [name, bytes, says] of bad) {
    const driver = createPushDriver();
    const { hub, clock } = setUp(driver);
    const { samples } = join(hub);
    await clock.settle();
    driver.push(bytes);
    await clock.settle();
    assert.equal(hub.info.state, 'no-signal', name);
    assert.match(hub.info.message!, says, name);
    driver.push(numberedJpeg(1));
    driver.push(bytes);
    driver.push(numberedJpeg(2));
    await clock.settle();
    assert.equal(hub.info.state, 'live', name);
    assert.deepEqual(
      samples.map((sample) => numberIn(sample.data)),
      [1, 2],
      name,
    );
    assert.equal(hub.figures.refused, 2, name);
    await hub.close();
  }
});

test('padding after the end of a picture is taken off', async () => {
  const driver = createPushDriver();
  const { hub, clock } = setUp(driver);
  const { samples } = join(hub);
  await clock.settle();
  const jpeg = numberedJpeg(1);
  driver.push(Buffer.concat([jpeg, Buffer.alloc(3000)]));
  driver.push(Buffer.concat([jpeg, Buffer.from('\r\n')]));
  await clock.settle();
  assert.deepEqual(
    samples.map(({ data }) => data.length),
    [jpeg.length, jpeg.length],
  );
  await hub.close();
});

test('a driver that yields without ever waiting does not hold up the program', async () => {
  let yielded = 0;
  const driver: DriverModule = {
    async *samples(_options, { signal }) {
      while (!signal.aborted) {
        yielded += 1;
        yield numberedJpeg(yielded);
      }
    },
  };
  const { hub, clock } = setUp(driver);
  join(hub);
  await clock.settle();
  assert.ok(yielded > 0 && yielded < 100, `${yielded} pictures in ten turns of the event loop`);
  await hub.close();
});

test('a viewer that throws is put out and the others go on', async () => {
  const driver = createPushDriver();
  const { hub, clock } = setUp(driver);
  let ends = 0;
  hub.watch({
    onSample: () => {
      throw new Error('a bug');
    },
    onEnd: () => (ends += 1),
  });
  const { samples } = join(hub);
  await clock.settle();
  driver.push(numberedJpeg(1));
  driver.push(numberedJpeg(2));
  await clock.settle();
  assert.equal(samples.length, 2);
  assert.equal(ends, 1);
  assert.equal(hub.info.viewers, 1);
  await hub.close();
});

test('passwords are in no message and in no line of the log', async () => {
  const options = { url: 'http://anna:hunter2%21@cam.local/v?pwd=tops3cret', password: 's3same' };
  const driver = createPushDriver({
    failsAtStart: () =>
      new Error(`cannot open ${options.url} (hunter2! hunter2%21 anna:hunter2%21) with s3same or tops3cret`),
  });
  const { hub, clock, lines } = setUp(driver, options);
  join(hub);
  await clock.settle();
  const shown = [hub.info.message!, ...lines].join('\n');
  assert.match(shown, /cannot open/);
  for (const secret of ['hunter2', 's3same', 'tops3cret'])
    assert.ok(!shown.includes(secret), `${secret} in: ${shown}`);
  await hub.close();
});

test('a snapshot takes the newest picture while it is fresh and waits for one otherwise', async () => {
  const driver = createPushDriver();
  const { hub, clock } = setUp(driver);
  const { signal } = new AbortController();
  const first = hub.snapshot(1000, signal);
  await clock.settle();
  assert.equal(driver.starts, 1);
  driver.push(numberedJpeg(1));
  assert.equal(numberIn((await first).jpeg), 1);
  assert.equal(hub.info.viewers, 0);
  await clock.advance(1000);
  assert.equal(numberIn((await hub.snapshot(1000, signal)).jpeg), 1);
  await clock.advance(1);
  const second = hub.snapshot(1000, signal);
  await clock.settle();
  driver.push(numberedJpeg(2));
  assert.equal(numberIn((await second).jpeg), 2);
  await hub.close();
});

test('a snapshot says why there is none', async () => {
  const failing = setUp(createPushDriver({ failsAtStart: () => new Error('The lens cap is on.') }));
  const { signal } = new AbortController();
  await assert.rejects(failing.hub.snapshot(1000, signal), {
    kind: 'unavailable',
    message: 'The lens cap is on.',
  });
  await failing.hub.close();

  const slow = setUp({ ...createPushDriver(), maxPauseMs: () => 60_000 });
  const waiting = assert.rejects(slow.hub.snapshot(1000, signal), {
    kind: 'unavailable',
    message: /within 10 seconds/,
  });
  await slow.clock.advance(10_000);
  await waiting;
  assert.equal(slow.hub.info.viewers, 0);
  await slow.hub.close();

  const gone = setUp(createPushDriver());
  const controller = new AbortController();
  const cancelled = assert.rejects(gone.hub.snapshot(1000, controller.signal), /client left/);
  controller.abort(new Error('client left'));
  await cancelled;
  assert.equal(gone.hub.info.viewers, 0);
  await gone.hub.close();
});

test('closing ends every viewer once, stops the driver, and may be done twice', async () => {
  const driver = createPushDriver();
  const { hub, clock } = setUp(driver);
  const viewers = [join(hub), join(hub)];
  await clock.settle();
  await hub.close();
  await hub.close();
  assert.deepEqual(
    viewers.map(({ ends }) => ends()),
    [1, 1],
  );
  assert.equal(driver.stops, 1);
  assert.equal(clock.sleepers, 0);
  assert.throws(
    () => join(hub),
    (error) => error instanceof AppError && error.kind === 'unavailable',
  );
});

test('two hundred starts and stops in simulated hours leave no sleeper behind', async () => {
  let round = 0;
  const driver = createPushDriver({ failsAtStart: () => (round % 3 === 0 ? new Error('Gone.') : null) });
  const { hub, clock } = setUp(driver);
  for (round = 0; round < 200; round += 1) {
    const { viewing } = join(hub);
    await clock.advance(1000);
    driver.push(numberedJpeg(round));
    await clock.advance(round % 5 === 0 ? 20_000 : 100);
    viewing.close();
    await clock.advance(10_000);
  }
  assert.equal(clock.sleepers, 0);
  assert.equal(driver.starts, driver.stops);
  assert.equal(hub.info.state, 'off');
});
