// Fragmented MP4 files become one index: every way in which a fragment may say where its samples are and how long.
import assert from 'node:assert/strict';
import test from 'node:test';
import { createPushScan } from '../../src/media/feed.ts';
import { parseMp4 } from '../../src/media/mp4/parse-mp4.ts';
import type { MediaIndex } from '../../src/media/track.ts';
import {
  avc1,
  type Bytes,
  box,
  ftyp,
  full,
  join,
  moov,
  sowt,
  stco,
  stsc,
  stsd,
  stsz,
  stts,
  trak,
  u32,
  u64,
  zeros,
} from '../helpers/media/boxes.ts';

function indexOf(file: Bytes): MediaIndex {
  const scan = createPushScan(parseMp4);
  for (let at = 0; at < file.length; at += 33) scan.push(file.subarray(at, at + 33));
  return scan.finish();
}

const noTables = (entry: Bytes) => [stsd(entry), stts(), stsc(), stsz(), stco()];
const trex = (number: number, duration = 0, size = 0, flags = 0) =>
  full('trex', 0, 0, u32(number, 1, duration, size, flags));

/** ftyp and a moov of tracks 1 to `count` without samples. */
function head(count: number, ...defaults: Bytes[]): Bytes {
  const traks = Array.from({ length: count }, (_, i) =>
    i === 0
      ? trak({ stbl: noTables(avc1()) })
      : trak({ number: i + 1, handler: 'soun', stbl: noTables(sowt()) }),
  );
  return join(ftyp(), moov(...traks, box('mvex', ...defaults)));
}

const nonSync = 0x1_0000;
const seen = ({ samples }: MediaIndex['tracks'][number]) => ({
  offsets: [...samples.offsets],
  sizes: [...samples.sizes],
  dts: [...samples.dts],
});

test('runs with every field, and a base that is the moof, are read', () => {
  const start = head(1, trex(1));
  const moof = (dataOffset: number) =>
    box(
      'moof',
      full('mfhd', 0, 0, u32(1)),
      box(
        'traf',
        full('tfhd', 0, 0x2_0000, u32(1)),
        full('tfdt', 1, 0, u64(100)),
        full('trun', 1, 0xf01, u32(2, dataOffset), u32(40, 10, 0, 80), u32(50, 20, nonSync, -10)),
      ),
    );
  const size = moof(0).length;
  const file = join(start, moof(size + 8), box('mdat', zeros(30)));
  const { tracks, isProgressive, durationMs } = indexOf(file);
  const data = start.length + size + 8;
  assert.deepEqual(seen(tracks[0]!), { offsets: [data, data + 10], sizes: [10, 20], dts: [100, 140] });
  assert.deepEqual([...tracks[0]!.samples.cts!], [80, -10]);
  assert.deepEqual([...tracks[0]!.samples.keys!], [0]);
  assert.equal(tracks[0]!.samples.lastDuration, 50);
  assert.equal(isProgressive, false);
  assert.equal(durationMs, 220);
});

test('without a base of its own, a traf follows the data of the one before it, and a run the run before', () => {
  const start = head(2, trex(1, 40, 10), trex(2, 20, 5));
  const traf = (number: number, ...runs: Bytes[]) => box('traf', full('tfhd', 0, 0, u32(number)), ...runs);
  const moof = (dataOffset: number) =>
    box(
      'moof',
      traf(1, full('trun', 0, 1, u32(2, dataOffset)), full('trun', 0, 0, u32(1))),
      traf(2, full('trun', 0, 0, u32(3))),
    );
  const size = moof(0).length;
  const file = join(start, moof(size + 8), box('mdat', zeros(45)));
  const { tracks } = indexOf(file);
  const data = start.length + size + 8;
  assert.deepEqual(seen(tracks[0]!), {
    offsets: [data, data + 10, data + 20],
    sizes: [10, 10, 10],
    dts: [0, 40, 80],
  });
  assert.deepEqual(seen(tracks[1]!).offsets, [data + 30, data + 35, data + 40]);
});

test('an explicit base, defaults of the traf and flags of the first sample are taken', () => {
  const start = head(1, trex(1, 1, 1));
  const tfhd = full(
    'tfhd',
    0,
    0x1 | 0x2 | 0x8 | 0x10 | 0x20,
    u32(1),
    u64(start.length),
    u32(1, 30, 6, nonSync),
  );
  const moof = box('moof', box('traf', tfhd, full('trun', 0, 0x4, u32(3, 0))));
  const { tracks } = indexOf(join(start, moof, box('mdat', zeros(40))));
  assert.deepEqual(seen(tracks[0]!), {
    offsets: [0, 6, 12].map((at) => start.length + at),
    sizes: [6, 6, 6],
    dts: [0, 30, 60],
  });
  assert.deepEqual([...tracks[0]!.samples.keys!], [0]);
});

test('a movie with samples of its own goes on in its fragments', () => {
  const movie = (at: number) =>
    moov(
      trak({ stbl: [stsd(avc1()), stts([2, 40]), stsc([1, 2, 1]), stsz(3, 4), stco(at)] }),
      box('mvex', trex(1, 50, 5)),
    );
  const at = ftyp().length + movie(0).length + 8;
  const start = join(ftyp(), movie(at), box('mdat', zeros(7)));
  const moof = box('moof', box('traf', full('tfhd', 0, 0x2_0000, u32(1)), full('trun', 0, 1, u32(1, 48))));
  const { tracks } = indexOf(join(start, moof, box('mdat', zeros(5))));
  assert.deepEqual(seen(tracks[0]!), {
    offsets: [at, at + 3, start.length + 48],
    sizes: [3, 4, 5],
    dts: [0, 40, 80],
  });
});

test('indexes, unknown tracks and damaged fragments are stepped over', () => {
  const start = head(1, trex(1, 40, 10));
  const good = (number: number) =>
    box('moof', box('traf', full('tfhd', 0, 0x2_0000, u32(number)), full('trun', 0, 1, u32(1, 60))));
  const damaged = box('moof', box('traf', full('tfhd', 0, 0x3f, u32(1)), full('trun', 0, 1, u32(1, 60))));
  const data = box('mdat', zeros(40));
  const file = join(
    start,
    full('sidx', 0, 0, zeros(40)),
    box('styp', zeros(8)),
    ...[good(1), data, good(9), data, damaged, data, good(1), data],
    full('mfra', 0, 0, zeros(16)),
  );
  const { tracks, remarks } = indexOf(file);
  assert.deepEqual(seen(tracks[0]!).dts, [0, 40]);
  assert.equal(remarks.length, 1);
});

test('a recording that breaks off plays to its last whole sample', () => {
  const start = head(1, trex(1, 40, 10));
  const moof = box('moof', box('traf', full('tfhd', 0, 0x2_0000, u32(1)), full('trun', 0, 1, u32(3, 60))));
  const file = join(start, moof, box('mdat', zeros(40)));
  const cut = indexOf(file.subarray(0, start.length + 60 + 25));
  assert.equal(cut.tracks[0]!.samples.count, 2);
  assert.ok(cut.remarks.length > 0);
  const inMoof = indexOf(join(file, moof.subarray(0, 20)));
  assert.equal(inMoof.tracks[0]!.samples.count, 3);
  assert.deepEqual(inMoof.remarks, ['the file ends in the middle of a fragment']);
});

test('times that go back are held, and presentation stays where it was', () => {
  const start = head(1, trex(1, 40, 10));
  const moof = (time: number) =>
    box(
      'moof',
      box(
        'traf',
        full('tfhd', 0, 0x2_0000, u32(1)),
        full('tfdt', 0, 0, u32(time)),
        full('trun', 0, 1, u32(2, 60)),
      ),
    );
  const data = box('mdat', zeros(40));
  const { tracks } = indexOf(join(start, moof(0), data, moof(70), data));
  const { dts, cts } = tracks[0]!.samples;
  assert.deepEqual([...dts], [0, 40, 70, 110]);
  assert.equal(cts, null);
  const back = indexOf(join(start, moof(0), data, moof(20), data)).tracks[0]!.samples;
  assert.deepEqual([...back.dts], [0, 40, 40, 60]);
  assert.deepEqual([...back.cts!], [0, 0, -20, 0]);
});

test('a piece of a broadcast is shown from zero, whatever its clock says', () => {
  const start = head(2, trex(1, 40, 10), trex(2, 20, 5));
  const traf = (number: number, time: number) =>
    box(
      'traf',
      full('tfhd', 0, 0x2_0000, u32(number)),
      full('tfdt', 1, 0, u64(time)),
      full('trun', 0, 1, u32(1, 140)),
    );
  const file = join(start, box('moof', traf(1, 3_600_000), traf(2, 3_600_500)), box('mdat', zeros(100)));
  const { tracks, durationMs, remarks } = indexOf(file);
  assert.deepEqual(
    tracks.map(({ edits }) => edits),
    [1, 2].map(() => [{ durationSeconds: 0, mediaTime: 3_600_000, rate: 1 }]),
  );
  assert.equal(durationMs, 520);
  assert.equal(remarks.length, 1);
});

test('runs that claim samples without giving any bytes are bounded', () => {
  const start = head(1, trex(1, 1, 0));
  const moof = box(
    'moof',
    box('traf', full('tfhd', 0, 0x2_0000, u32(1)), full('trun', 0, 0, u32(0xffff_ffff))),
  );
  assert.throws(() => indexOf(join(start, moof)), { name: 'AppError', kind: 'unplayable' });
});

test('damage anywhere in a fragment never gives anything but an index or a clear refusal', () => {
  const start = head(1, trex(1, 40, 10));
  const trun = full('trun', 1, 0xf05, u32(2, 100, 0), u32(40, 10, 0, 80), u32(50, 20, nonSync, -10));
  const moof = box(
    'moof',
    box('traf', full('tfhd', 0, 0x2_0000, u32(1)), full('tfdt', 1, 0, u64(100)), trun),
  );
  const file = join(start, moof, box('mdat', zeros(30)), moof, box('mdat', zeros(30)));
  let seed = 99;
  const random = (below: number) => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
    return Math.floor((seed / 2 ** 32) * below);
  };
  let read = 0;
  for (let round = 0; round < 2000; round += 1) {
    const damaged = file.slice();
    for (let i = random(4); i >= 0; i -= 1)
      damaged[start.length + random(damaged.length - start.length)] = [0, 1, 0x7f, 0x80, 0xff, random(256)][
        random(6)
      ]!;
    try {
      const { samples } = indexOf(damaged).tracks[0]!;
      for (let i = 0; i < samples.count; i += 1) {
        assert.ok(samples.offsets[i]! >= 0 && samples.offsets[i]! + samples.sizes[i]! <= file.length);
        assert.ok(i === 0 || samples.dts[i]! >= samples.dts[i - 1]!);
      }
      read += 1;
    } catch (error) {
      assert.equal((error as Error).name, 'AppError', String((error as Error).stack));
    }
  }
  assert.ok(read > 1000);
});
