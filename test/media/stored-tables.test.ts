// A whole view's header is made from the index file's own columns; it must be the one that the unpacked table gives.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isAppError } from '../../src/errors.ts';
import { decodeIndex, encodeIndex } from '../../src/media/index-file.ts';
import type { MediaIndex, SampleTable } from '../../src/media/track.ts';
import { buildMp4View } from '../../src/media/views/progressive.ts';
import { storedTables } from '../../src/media/views/stored-tables.ts';
import { makeIndex, makeSamples, makeTrack } from './hand-made.ts';

/** The same index without what the file held: its views are made from the columns. */
function unpacked(index: MediaIndex): MediaIndex {
  return { ...index, tracks: index.tracks.map((track) => ({ ...track, samples: { ...track.samples } })) };
}

type Shape = {
  readonly count: number;
  readonly firstOffset: number;
  readonly sizes: readonly number[];
  readonly gaps: readonly number[];
  readonly durations: readonly number[];
  readonly cts: readonly number[] | null;
  readonly lastDuration: number;
};

/** A table whose columns repeat what is in the lists. */
function tableOf({ count, firstOffset, sizes, gaps, durations, cts, lastDuration }: Shape): SampleTable {
  const of = (list: readonly number[], i: number) => list[i % list.length] ?? 0;
  const offsets = new Float64Array(count);
  const dts = new Float64Array(count);
  let [place, time] = [firstOffset, 7];
  for (let i = 0; i < count; i++) {
    [offsets[i], dts[i]] = [place, time];
    place += of(sizes, i) + of(gaps, i);
    time += of(durations, i);
  }
  return makeSamples({
    ...{ count, offsets, dts, lastDuration },
    sizes: Uint32Array.from({ length: count }, (_, i) => of(sizes, i)),
    cts: cts && Int32Array.from({ length: count }, (_, i) => of(cts, i)),
    keys: cts && Uint32Array.from({ length: Math.ceil(count / 12) }, (_, i) => i * 12),
  });
}

const list = (numbers: fc.Arbitrary<number>) => fc.array(numbers, { minLength: 1, maxLength: 7 });
const shapes: fc.Arbitrary<Shape> = fc.record({
  count: fc.constantFrom(1, 2, 3, 50, 2047, 2048, 2049, 5000),
  firstOffset: fc.constantFrom(50, 2 ** 28 - 100, 2 ** 32 - 70_000, 2 ** 40),
  sizes: list(fc.constantFrom(1, 200, 70_000, 2 ** 29)),
  gaps: list(fc.constantFrom(0, 0, 7, 300, 70_000, 2 ** 31, -3)),
  durations: list(fc.constantFrom(0, 40, 41, 1024, 70_000, 2 ** 31)),
  cts: fc.option(list(fc.constantFrom(0, 0, 40, 200, -80, 70_000))),
  lastDuration: fc.constantFrom(0, 40, 41, 1024),
});

test('a header from the columns of an index file is the one from the table, whatever lies where', (t) => {
  let packed = 0;
  fc.assert(
    fc.property(shapes, shapes, (picture, sound) => {
      const index = makeIndex([
        makeTrack({ samples: tableOf(picture), edits: [{ durationSeconds: 0, mediaTime: 80, rate: 1 }] }),
        makeTrack({ kind: 'audio', codec: 'opus', samples: tableOf({ ...sound, cts: null }) }),
      ]);
      const stored = decodeIndex(encodeIndex(index));
      for (const { samples } of stored.tracks) if (samples.packed && storedTables(samples.packed)) packed++;
      const view = (from: MediaIndex) => {
        try {
          return buildMp4View(from);
        } catch (error) {
          assert.ok(isAppError(error, 'corrupt'), String(error));
          return 'corrupt';
        }
      };
      assert.deepEqual(view(stored), view(unpacked(stored)));
      assert.deepEqual(view(stored), view(index));
    }),
    { numRuns: 150 },
  );
  t.diagnostic(`${packed} of 300 tracks from the file's columns`);
  assert.ok(packed > 50);
});

test('a table whose counts lie is corrupt', () => {
  const samples = makeSamples({ count: 5000, cts: Int32Array.from({ length: 5000 }, (_, i) => i % 3) });
  const { packed } = decodeIndex(encodeIndex(makeIndex([makeTrack({ samples })]))).tracks[0]!.samples;
  const emit = () => undefined;
  const isCorrupt = (error: unknown) => isAppError(error, 'corrupt');
  assert.throws(() => storedTables({ ...packed!, ctsRuns: 4 })?.offsets(emit), isCorrupt);
  assert.throws(() => storedTables({ ...packed!, chunks: 4 })?.places(0, true, emit), isCorrupt);
});
