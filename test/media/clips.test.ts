// Clips of indexes made by hand, read back: which samples they take, where the picture begins, how exact the sound is.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isAppError } from '../../src/errors.ts';
import { createPushScan } from '../../src/media/feed.ts';
import { parseMp4 } from '../../src/media/mp4/parse-mp4.ts';
import type { MediaIndex, Track } from '../../src/media/track.ts';
import { buildClipView } from '../../src/media/views/clip.ts';
import type { Mp4View } from '../../src/media/views/progressive.ts';
import { assertSoundBoxes } from '../helpers/media/walk-boxes.ts';
import { makeFilm, makeIndex, makeSamples, makeTrack } from './hand-made.ts';

function parseBack(view: Mp4View): MediaIndex {
  const bytes = new Uint8Array(view.header.length + view.end - view.start);
  bytes.set(view.header);
  assertSoundBoxes(bytes);
  const scan = createPushScan(parseMp4);
  scan.push(bytes);
  return scan.finish();
}

type Shown = { readonly offset: number; readonly seconds: number };

/** Where in the blob the samples lie that a track presents, and when, as its edit list has it; in order of time. */
function shownBy(track: Track, blobShift: number): Shown[] {
  const { samples, timescale } = track;
  const edits =
    track.edits.length > 0
      ? track.edits
      : [{ durationSeconds: Number.POSITIVE_INFINITY, mediaTime: 0, rate: 1 }];
  const shown: Shown[] = [];
  let at = 0;
  for (const edit of edits) {
    const length = edit.durationSeconds || Number.POSITIVE_INFINITY;
    for (let i = 0; edit.mediaTime >= 0 && i < samples.count; i++) {
      const begin = samples.dts[i]! + (samples.cts?.[i] ?? 0) - edit.mediaTime;
      const end =
        begin + (i + 1 < samples.count ? samples.dts[i + 1]! - samples.dts[i]! : samples.lastDuration);
      if (end > 0 && begin / timescale < length - 1e-9)
        shown.push({ offset: samples.offsets[i]! + blobShift, seconds: at + begin / timescale });
    }
    at += length;
  }
  return shown.sort((a, b) => a.seconds - b.seconds);
}

test('twenty random clips of a film with B-frames show what the film shows then, and no more', () => {
  const film = makeFilm(30);
  const whole = film.tracks.map((track) => shownBy(track, 0));
  let seed = 77;
  const random = () => {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
    return seed / 2 ** 32;
  };
  for (let cut = 0; cut < 20; cut++) {
    const start = random() * 29;
    const end = start + 0.01 + random() * (30 - start);
    const view = buildClipView(film, start, end);
    const back = parseBack(view);
    const shift = view.start - view.header.length;
    const picture = shownBy(back.tracks[0]!, shift);
    const pictures = whole[0]!;
    // The picture on the screen at `start` is the first, at 0.
    const from = pictures.filter(({ seconds }) => seconds <= start + 1e-9).at(-1)!;
    assert.deepEqual(picture[0], { offset: from.offset, seconds: 0 });
    const expected = pictures.filter(({ seconds }) => seconds >= from.seconds - 1e-9 && seconds < end - 1e-6);
    assert.deepEqual(
      picture.map(({ offset }) => offset),
      expected.map(({ offset }) => offset),
      `${start} to ${end}`,
    );
    for (const [i, { seconds }] of picture.entries())
      assert.ok(Math.abs(seconds - (expected[i]!.seconds - from.seconds)) < 1e-6);
    // Sound is where it was beside the picture, to the tick.
    for (const { offset, seconds } of shownBy(back.tracks[1]!, shift)) {
      const original = whole[1]!.find((found) => found.offset === offset)!;
      assert.ok(Math.abs(original.seconds - from.seconds - seconds) <= 1 / 48000);
    }
    // It begins with a key frame, and the range is no wider than its samples.
    const { samples } = back.tracks[0]!;
    assert.equal(samples.keys?.[0] ?? 0, 0);
    const key = Array.from(film.tracks[0]!.samples.keys!, (k) => film.tracks[0]!.samples.offsets[k]!);
    assert.ok(key.includes(samples.offsets[0]! + shift));
    assert.ok(back.durationMs <= (end - from.seconds) * 1000 + 50);
  }
});

test('a clip to the end, and one whose end lies beyond it, are the same', () => {
  const film = makeFilm(10);
  assert.deepEqual(buildClipView(film, 4, null), buildClipView(film, 4, 99));
});

test('a clip of the whole shows all of it', () => {
  const film = makeFilm(5);
  const view = buildClipView(film, 0, null);
  const back = parseBack(view);
  assert.equal(shownBy(back.tracks[0]!, 0).length, film.tracks[0]!.samples.count);
  assert.equal(shownBy(back.tracks[1]!, 0).length, film.tracks[1]!.samples.count);
});

test('a picture that leads an open group is decoded from the key frame before it', () => {
  // Decode order I0 P3 B1 B2 | I6 B4 B5 P9 B7 B8: B4 and B5 come after the key frame I6 but are shown before it.
  const times = [0, 3, 1, 2, 6, 4, 5, 9, 7, 8];
  const samples = makeSamples({
    count: 10,
    cts: Int32Array.from(times, (time, i) => (time - i) * 1000),
    keys: Uint32Array.of(0, 4),
  });
  const index = makeIndex([makeTrack({ timescale: 1000, samples })]);
  const first = (start: number) => {
    const view = buildClipView(index, start, null);
    return parseBack(view).tracks[0]!.samples.offsets[0]! + view.start - view.header.length;
  };
  assert.equal(first(4.2), samples.offsets[0]);
  assert.equal(first(5.9), samples.offsets[0]);
  assert.equal(first(6), samples.offsets[4]);
  assert.equal(first(7.5), samples.offsets[4]);
});

test('sound takes along the frames its decoder needs to settle, hidden', () => {
  const samples = makeSamples({
    count: 100,
    dts: Float64Array.from({ length: 100 }, (_, i) => i * 960),
    lastDuration: 960,
  });
  const index = makeIndex([makeTrack({ kind: 'audio', codec: 'opus', codecString: 'opus', samples })]);
  const view = buildClipView(index, 1, 1.5);
  const track = parseBack(view).tracks[0]!;
  assert.equal(track.samples.offsets[0]! + view.start - view.header.length, samples.offsets[46]); // 50 less 80 ms
  assert.equal(track.edits[0]!.mediaTime, 4 * 960);
  assert.equal(track.samples.count, 4 + 25);
});

test('a clip keeps the gap of a track that begins within it, and leaves out one that is over', () => {
  const late = makeTrack({
    kind: 'audio',
    number: 2,
    edits: [
      { durationSeconds: 0.2, mediaTime: -1, rate: 1 },
      { durationSeconds: 0, mediaTime: 0, rate: 1 },
    ],
  });
  const index = makeIndex([makeTrack({ timescale: 25_000 }), late]); // pictures of 40 ms, 0.4 s in all
  const back = parseBack(buildClipView(index, 0.08, 0.3));
  assert.equal(back.tracks.length, 2);
  assert.equal(back.tracks[1]!.edits[0]!.mediaTime, -1);
  assert.ok(Math.abs(back.tracks[1]!.edits[0]!.durationSeconds - 0.12) < 1e-4);
  const early = makeIndex([
    makeTrack({ timescale: 25_000 }),
    makeTrack({ kind: 'audio', samples: makeSamples({ count: 4 }) }),
  ]);
  assert.equal(parseBack(buildClipView(early, 0.3, null)).tracks.length, 1);
});

const refused: readonly [start: number, end: number | null, why: RegExp][] = [
  [Number.NaN, null, /seconds, 0 or more/],
  [0, Number.NaN, /seconds, 0 or more/],
  [0, Number.POSITIVE_INFINITY, /seconds, 0 or more/],
  [-1, null, /seconds, 0 or more/],
  [3, 3, /after its start/],
  [3, 1, /after its start/],
  [10.5, null, /only 10\.005 seconds/],
  [1e300, null, /only 10\.005 seconds/],
];
for (const [start, end, why] of refused) {
  test(`a clip from ${start} to ${end} of ten seconds is refused with a reason`, () => {
    assert.throws(
      () => buildClipView(makeFilm(10), start, end),
      (error) => isAppError(error, 'bad-request') && why.test(error.message),
    );
  });
}
