// An index written and read again is the same index; anything else is refused.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { isAppError } from '../../src/errors.ts';
import { decodeIndex, encodeIndex } from '../../src/media/index-file.ts';
import type { MediaIndex, SampleTable } from '../../src/media/track.ts';
import { makeFilm, makeIndex, makeSamples, makeTrack } from './hand-made.ts';

const isCorrupt = (error: unknown) => isAppError(error, 'corrupt');

/** Tables with columns of every width: values up to a bound that differs from table to table. */
const tables: fc.Arbitrary<SampleTable> = fc
  .record({
    count: fc.nat(40),
    sizeBound: fc.constantFrom(0, 0xff, 0xffff, 0xffffffff),
    gapBound: fc.constantFrom(0, 0xff, 0xffff, 0xffffffff, 2 ** 45),
    timeBound: fc.constantFrom(0, 0xff, 0xffff, 0xffffffff, 2 ** 40),
    ctsBound: fc.constantFrom(null, 0, 0x7f, 0x7fff, 0x7fffffff),
    parts: fc.nat(3),
    seed: fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 200, maxLength: 200 }),
    isShuffled: fc.boolean(),
  })
  .map(({ count, sizeBound, gapBound, timeBound, ctsBound, parts, seed, isShuffled }) => {
    let next = 0;
    const below = (bound: number) => Math.floor(seed[next++ % seed.length]! * bound);
    const sizes = Uint32Array.from({ length: count }, () => below(sizeBound));
    const offsets = new Float64Array(count);
    const dts = new Float64Array(count);
    let [place, time] = [below(5000), below(90)];
    for (let i = 0; i < count; i++) {
      [offsets[i], dts[i]] = [place, time];
      place += sizes[i]! + below(gapBound);
      time += below(timeBound);
    }
    if (isShuffled) offsets.reverse();
    const cts =
      ctsBound === null
        ? null
        : Int32Array.from({ length: count }, () => below(ctsBound) * (below(2) * 2 - 1) || 0);
    const keys = parts & 1 ? Uint32Array.from({ length: Math.ceil(count / 3) }, (_, i) => i * 3) : null;
    const descriptions = parts & 2 && count > 2 ? Uint32Array.of(0, 0, 2, 1) : null;
    return { count, sizes, offsets, dts, cts, keys, descriptions, lastDuration: below(3000) };
  });

const indexes: fc.Arbitrary<MediaIndex> = fc
  .record({
    samples: fc.array(tables, { maxLength: 4 }),
    name: fc.string({ unit: 'grapheme' }),
    obstacle: fc.option(fc.string()),
    matrix: fc.option(fc.array(fc.integer(), { minLength: 9, maxLength: 9 })),
    edits: fc.array(
      fc.record(
        {
          durationSeconds: fc.double({ min: 0, noNaN: true }),
          mediaTime: fc.integer({ min: -1 }),
          rate: fc.constantFrom(0, 1, 2),
        },
        { noNullPrototype: true },
      ),
      { maxLength: 3 },
    ),
    chapters: fc.array(
      fc.record(
        { startMs: fc.nat(), endMs: fc.option(fc.nat()), title: fc.string() },
        { noNullPrototype: true },
      ),
      {
        maxLength: 3,
      },
    ),
    container: fc.constantFrom('matroska', 'webm', 'mp4', 'mov'),
    isProgressive: fc.boolean(),
    entries: fc.array(fc.uint8Array(), { minLength: 2, maxLength: 3 }),
  })
  .map(({ samples, name, obstacle, matrix, edits, chapters, container, isProgressive, entries }) =>
    makeIndex(
      samples.map((table, i) =>
        makeTrack({
          number: i + 1,
          kind: i % 2 === 0 ? 'video' : 'audio',
          ...{ samples: table, name, obstacle, matrix, edits, sampleEntries: entries },
          codecString: obstacle,
        }),
      ),
      { chapters, container: container as MediaIndex['container'], isProgressive, remarks: [name] },
    ),
  );

test('every index comes back as it was', () => {
  fc.assert(
    fc.property(indexes, (index) => {
      assert.deepEqual(decodeIndex(encodeIndex(index)), index);
    }),
    { numRuns: 200 },
  );
});

test('an index that does not begin where a number may is read all the same', () => {
  const index = makeFilm(3);
  const bytes = encodeIndex(index);
  const shifted = new Uint8Array(bytes.length + 3);
  shifted.set(bytes, 3);
  assert.deepEqual(decodeIndex(shifted.subarray(3)), index);
});

test('a film of ten minutes takes at most 12 bytes a sample', (t) => {
  const film = makeFilm(600);
  const samples = film.tracks.reduce((sum, track) => sum + track.samples.count, 0);
  const bytes = encodeIndex(film);
  t.diagnostic(`${(bytes.length / samples).toFixed(2)} bytes a sample`);
  assert.ok(bytes.length / samples <= 12);
});

test('an index cut off anywhere, or with any byte changed, is corrupt', () => {
  const bytes = encodeIndex(
    makeIndex([makeTrack({ samples: makeSamples({ count: 5, keys: Uint32Array.of(0, 3) }) })]),
  );
  for (let length = 0; length < bytes.length; length++) {
    assert.throws(() => decodeIndex(bytes.slice(0, length)), isCorrupt);
    const changed = bytes.slice();
    changed[length]! ^= 0x41;
    assert.throws(() => decodeIndex(changed), isCorrupt);
  }
  assert.throws(() => decodeIndex(new Uint8Array(100_000)), isCorrupt);
});

test('lies under a right checksum end as corrupt or as a sound index, without a giant allocation', () => {
  const index = makeIndex([makeTrack({ samples: makeSamples({ count: 5, keys: Uint32Array.of(0, 3) }) })]);
  const bytes = encodeIndex(index);
  let refused = 0;
  for (let at = 16; at + 4 <= bytes.length; at++) {
    for (const value of [0xffffffff, 0x7fffffff, 0x01000001]) {
      const changed = bytes.slice();
      const view = new DataView(changed.buffer);
      view.setUint32(at, value, true);
      view.setUint32(12, crc32(changed.subarray(16)), true);
      try {
        const found = decodeIndex(changed);
        for (const { samples } of found.tracks) assert.ok(samples.count <= 2 ** 24);
      } catch (error) {
        assert.ok(isCorrupt(error), String(error));
        refused++;
      }
    }
  }
  assert.ok(refused > 100);
});

test('more samples than an index may have are refused when it is written', () => {
  const samples = { ...makeSamples({ count: 0 }), count: 2 ** 24 + 1 };
  assert.throws(
    () => encodeIndex({ ...makeIndex([]), tracks: [makeTrack({ samples })] }),
    (error) => isAppError(error, 'too-large'),
  );
});
