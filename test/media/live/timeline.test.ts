// The common clock against cameras whose clocks jump, step back, stop, drift or differ between picture and sound.
import assert from 'node:assert/strict';
import test from 'node:test';
import { DecodeTimes } from '../../../src/media/live/decode-times.ts';
import { LiveTimeline } from '../../../src/media/live/live-timeline.ts';
import { opusFrameTicks, SoundTimes } from '../../../src/media/live/sound-times.ts';

/** Places pictures that come every 40 ms with the times `ptsOf` gives them; returns the steps in milliseconds. */
function steps(count: number, ptsOf: (i: number) => number): number[] {
  const timeline = new LiveTimeline();
  const times = Array.from({ length: count }, (_, i) => timeline.place('video', ptsOf(i), i * 40).micros);
  return times.slice(1).map((time, i) => Math.round(time - times[i]!) / 1000);
}

const even = Array.from({ length: 49 }, () => 40);

const clocks: Record<string, (i: number) => number> = {
  'that starts anywhere': (i) => 9e12 + i * 40_000,
  'that is negative': (i) => -5e9 + i * 40_000,
  'that jumps ahead by an hour': (i) => i * 40_000 + (i > 20 ? 3.6e9 : 0),
  'that goes back by an hour': (i) => 4e9 + i * 40_000 - (i > 20 ? 3.6e9 : 0),
  'that starts again at zero': (i) => (i % 25) * 40_000,
  'that jumps to and fro': (i) => i * 40_000 + (i % 10 === 0 ? 1e10 : 0),
  'that gives no numbers': () => Number.NaN,
};

for (const [name, ptsOf] of Object.entries(clocks)) {
  test(`a clock ${name} gives times in step with the arrival of the pictures`, () => {
    const got = steps(50, ptsOf);
    if (name === 'that gives no numbers') assert.ok(got.every((step) => step >= 0));
    else assert.deepEqual(got, even);
  });
}

test('jitter of arrival does not reach the times, and a pause that was one stays one', () => {
  const timeline = new LiveTimeline();
  const arrivals = [0, 90, 95, 100, 190, 3200, 3201];
  const pts = [0, 40, 80, 120, 160, 3200, 3240];
  const times = pts.map((ms, i) => timeline.place('video', ms * 1000, arrivals[i]!));
  assert.deepEqual(
    times.map(({ micros }) => (micros - times[0]!.micros) / 1000),
    pts,
  );
  assert.ok(times.every(({ isJump }) => !isJump));
});

test('a clock that runs twice as fast is set right before it is ten seconds off', () => {
  const timeline = new LiveTimeline();
  const start = timeline.place('video', 0, 0).micros;
  let jumps = 0;
  for (let i = 1; i < 2000; i += 1) {
    const { micros, isJump } = timeline.place('video', i * 80_000, i * 40);
    if (isJump) jumps += 1;
    assert.ok(Math.abs(micros - start - i * 40_000) <= 10_100_000, `picture ${i} is ${micros - start}`);
  }
  assert.equal(jumps, 1);
});

test('sound and picture on one clock stay in step through a jump, whichever jumps first', () => {
  const timeline = new LiveTimeline();
  const base = timeline.place('video', 0, 0).micros;
  const at = (track: 'video' | 'audio', pts: number, arrivalMs: number) =>
    timeline.place(track, pts, arrivalMs).micros - base;
  assert.equal(at('audio', 10_000, 10), 10_000);
  assert.equal(at('video', 40_000, 40), 40_000);
  // The camera's clock starts again at 7 s; one late frame of sound still has the old time.
  assert.equal(at('video', 7_000_000, 80), 80_000);
  assert.equal(at('audio', 70_000, 85), 70_000);
  assert.equal(at('audio', 7_013_000, 95), 93_000);
  assert.equal(at('video', 7_040_000, 120), 120_000);
  assert.equal(at('audio', 7_034_000, 118), 114_000);
});

test('sound on a clock of its own is placed by its arrival', () => {
  const timeline = new LiveTimeline();
  const base = timeline.place('video', 5e9, 1000).micros;
  assert.equal(timeline.place('audio', 123, 1010).micros - base, 10_000);
  assert.equal(timeline.place('audio', 21_456, 1030).micros - base, 31_333);
});

test('decode times ascend, are never after their picture, and are the presentation times in order', () => {
  // I P B B P B B in coded order, at 40 ms in ticks of 90 kHz, two pictures reordered.
  const shown = [0, 3, 1, 2, 6, 4, 5, 9, 7, 8].map((i) => 90_000 + i * 3600);
  const times = new DecodeTimes(2);
  const got = shown.map((presentation) => times.next(presentation, 3600));
  for (const [i, { decode, presentation }] of got.entries()) {
    assert.equal(presentation, shown[i]);
    assert.ok(decode <= presentation, `picture ${i}`);
    if (i > 0) assert.ok(decode > got[i - 1]!.decode, `picture ${i}`);
  }
  assert.deepEqual(
    got.slice(2).map(({ decode }) => decode),
    [...shown].sort((a, b) => a - b).slice(0, 8),
  );
});

test('a stream that is known not to reorder never shows a picture before an earlier one', () => {
  const times = new DecodeTimes(0);
  const got = [100, 200, 150, 150, 300].map((time) => times.next(time, 100));
  assert.deepEqual(
    got.map(({ decode, presentation }) => [decode, presentation]),
    [
      [100, 100],
      [200, 200],
      [201, 201],
      [202, 202],
      [300, 300],
    ],
  );
});

test('sound follows itself without a crack, and never runs away from its own times', () => {
  const sound = new SoundTimes(48_000);
  const jittered = [0, 25, 40, 66, 83, 110].map((ms) => sound.next(ms * 1000, 1024));
  assert.deepEqual(
    jittered,
    [0, 1, 2, 3, 4, 5].map((i) => i * 1024),
  );
  assert.equal(sound.next(1_000_000, 1024), 48_000, 'a pause is a pause');
  const fast = new SoundTimes(48_000);
  let worst = 0;
  for (let i = 0; i < 2000; i += 1) {
    const start = fast.next(i * 20_000, 1024);
    if (start !== null) worst = Math.max(worst, start / 48_000 - i * 0.02);
  }
  assert.ok(worst <= 0.13, `sound was ${worst} s ahead of its own times`);
});

test('an Opus packet tells its own length', () => {
  const cases: [number[], number][] = [
    [[0x00], 480],
    [[0x18], 2880],
    [[0x78], 960],
    [[0xfc], 960],
    [[0xfd], 1920],
    [[0xff, 3], 2880],
    [[0xff, 63], 0],
    [[], 0],
  ];
  for (const [packet, ticks] of cases)
    assert.equal(opusFrameTicks(Uint8Array.from(packet)), ticks, String(packet));
});
