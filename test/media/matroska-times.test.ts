// When samples are decoded and shown: sound to the sample without drift or false gaps, pictures in decode order, and
// clocks that begin below zero, far off, or jump.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { decodeOrder } from '../../src/media/matroska/decode-order.ts';
import { ids } from '../../src/media/matroska/elements.ts';
import type { MediaIndex } from '../../src/media/track.ts';
import {
  aacTrack,
  audioSettings,
  blockGroup,
  type Content,
  cluster,
  element,
  float,
  frame,
  info,
  int,
  matroska,
  opusTrack,
  parsePushed,
  presentedSeconds,
  simpleBlock,
  textTrack,
  trackEntry,
  tracks,
  uint,
  videoTrack,
} from '../helpers/matroska-writer.ts';

/** One Block per time (ms), in Clusters of their own times so that any distance can be written. */
function blocksAt(
  times: readonly number[],
  track = 1,
  frames: (block: number) => Content = frame,
): Uint8Array[] {
  return times.map((time, block) => {
    // A Cluster cannot say a time below zero; a Block in one can.
    const base = Math.max(0, time);
    return cluster(
      base,
      simpleBlock({ track, time: time - base, frames: [frames(block)], key: block === 0 }),
    );
  });
}

const soundFile = (times: readonly number[], entry = aacTrack(1)) =>
  matroska(info(), tracks(entry), blocksAt(times));
const filmFile = (times: readonly number[], entry = videoTrack(1)) =>
  matroska(info(), tracks(entry), blocksAt(times));
const dtsOf = (index: MediaIndex, track = 0) => Array.from(index.tracks[track]!.samples.dts);
const range = <T>(count: number, make: (index: number) => T) =>
  Array.from({ length: count }, (_, index) => make(index));

describe('matroska sound', () => {
  const roundings = { rounded: Math.round, floored: Math.floor, ceiled: Math.ceil };
  for (const [name, round] of Object.entries(roundings)) {
    test(`ten minutes of AAC in ${name} milliseconds have neither drift nor gap`, () => {
      const times = range(28_125, (block) => round((block * 1024 * 1000) / 48_000));
      const index = parsePushed(soundFile(times));
      const track = index.tracks[0]!;
      assert.equal(track.timescale, 48_000);
      assert.deepEqual(
        dtsOf(index),
        range(28_125, (block) => block * 1024),
      );
      assert.equal(track.samples.lastDuration, 1024);
      assert.equal(index.durationMs, 600_000);
      assert.deepEqual(track.edits, []);
    });
  }

  test('jitter of a few milliseconds is no gap', () => {
    const times = range(2000, (block) => Math.round((block * 1024 * 1000) / 48_000 + 3 * Math.sin(block)));
    assert.deepEqual(
      dtsOf(parsePushed(soundFile(times))),
      range(2000, (block) => block * 1024),
    );
  });

  test('a pause in the recording is a pause, and time runs on exactly after it', () => {
    const times = range(100, (block) => Math.round((block * 1024 * 1000) / 48_000) + (block < 50 ? 0 : 700));
    const dts = dtsOf(parsePushed(soundFile(times)));
    assert.deepEqual(
      dts.slice(0, 50),
      range(50, (block) => block * 1024),
    );
    assert.equal(dts[50], times[50]! * 48);
    assert.deepEqual(
      dts.slice(50),
      range(50, (block) => times[50]! * 48 + block * 1024),
    );
  });

  test('a lost frame is noticed', () => {
    const all = range(100, (block) => Math.round((block * 1024 * 1000) / 48_000));
    const dts = dtsOf(parsePushed(soundFile(all.filter((_, block) => block !== 30))));
    assert.ok(Math.abs(dts[98]! - 99 * 1024) <= 48);
  });

  test('a clock that runs apart from the sound is followed within five milliseconds', () => {
    for (const pace of [0.998, 1.002]) {
      const times = range(5000, (block) => Math.round(((block * 1024 * 1000) / 48_000) * pace));
      const dts = dtsOf(parsePushed(soundFile(times)));
      dts.forEach((at, block) => {
        assert.ok(
          Math.abs(at / 48 - times[block]!) <= 5.01,
          `block ${block} is off by ${at / 48 - times[block]!} ms`,
        );
        assert.ok(block === 0 || at >= dts[block - 1]!);
      });
    }
  });

  test('whatever the Blocks say, times never go back and never part from them by more than the tolerance', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.record({ step: fc.integer({ min: 0, max: 60 }), count: fc.integer({ min: 1, max: 4 }) }),
          {
            minLength: 1,
            maxLength: 200,
          },
        ),
        (blocks) => {
          let time = 0;
          const said: number[] = [];
          const content = blocks.map(({ step, count }) => {
            time += step;
            for (let one = 0; one < count; one += 1) said.push(one === 0 ? time : Number.NaN);
            const frames = range(count, (one) => frame(one));
            return cluster(time, simpleBlock({ time: 0, frames, lacing: count > 1 ? 'fixed' : 'none' }));
          });
          const dts = dtsOf(parsePushed(matroska(info(), tracks(aacTrack(1)), content)));
          assert.equal(dts.length, said.length);
          let floor = 0;
          dts.forEach((at, sample) => {
            assert.ok(at >= floor);
            // Later than said by more than the tolerance only where going back is the alternative.
            if (!Number.isNaN(said[sample]!)) {
              assert.ok(at / 48 >= said[sample]! - 5.01);
              assert.ok(at / 48 <= said[sample]! + 5.01 || at === floor);
            }
            floor = at;
          });
        },
      ),
      { numRuns: 300 },
    );
  });

  test('Opus packets are as long as they say, after the pre-skip that the edit hides', () => {
    // RFC 6716 §3.1: CELT 2.5 ms; 20 ms; two of 10 ms; three of 20 ms; SILK 60 ms; hybrid 10 ms.
    const packets = [[0xe0], [0xf8], [0xf1], [0xfb, 3], [0x18], [0x60], [0xf8]];
    const lengths = [120, 960, 960, 2880, 2880, 480, 960];
    const starts = lengths.map((_, packet) => lengths.slice(0, packet).reduce((a, b) => a + b, 0));
    const blocks = blocksAt(
      starts.map((start) => Math.round(start / 48)),
      2,
      (block) => [Uint8Array.from(packets[block]!), frame(block)],
    );
    const index = parsePushed(matroska(info(), tracks(opusTrack()), blocks));
    const track = index.tracks[0]!;
    assert.deepEqual(dtsOf(index), starts);
    assert.equal(track.timescale, 48_000);
    assert.equal(track.samples.lastDuration, 960);
    assert.deepEqual(track.edits, [{ durationSeconds: 0, mediaTime: 312, rate: 1 }]);
    assert.equal(index.durationMs, ((9240 - 312) * 1000) / 48_000);
  });

  test('an Opus lace has the length of each of its packets', () => {
    const frames = [
      [Uint8Array.of(0xf8), frame(1, 300)],
      [Uint8Array.of(0xf0), frame(2, 10)],
      [Uint8Array.of(0xe8), frame(3, 7)],
    ];
    for (const lacing of ['xiph', 'ebml'] as const) {
      const lace = simpleBlock({ track: 2, time: 0, frames, lacing });
      const file = matroska(info(), tracks(opusTrack()), cluster(0, lace));
      for (const chunkBytes of [1, 50, file.length]) {
        const index = parsePushed(file, chunkBytes);
        assert.deepEqual(dtsOf(index), [0, 960, 1440]);
        assert.equal(index.tracks[0]!.samples.lastDuration, 240);
      }
    }
  });

  test('DiscardPadding on the last Block shortens the edit, elsewhere it does not', () => {
    const packet = [Uint8Array.of(0xf8), frame(1)];
    const block = (time: number, more: Content = []) =>
      blockGroup({ track: 2, time, frames: [packet] }, more);
    const padding = int(ids.discardPadding, 13_500_000);
    const file = (...blocks: Uint8Array[]) => matroska(info(), tracks(opusTrack()), cluster(0, blocks));
    const ended = parsePushed(file(block(0), block(20), block(40, padding)));
    assert.equal(ended.durationMs, 40);
    assert.deepEqual(ended.tracks[0]!.edits, [{ durationSeconds: 0.04, mediaTime: 312, rate: 1 }]);
    const inside = parsePushed(file(block(0), block(20, padding), block(40)));
    assert.equal(inside.durationMs, 53.5);
    assert.equal(inside.tracks[0]!.edits[0]!.durationSeconds, 0);
  });

  test('CodecDelay of AAC is hidden by an edit as well', () => {
    const entry = aacTrack(1, uint(ids.codecDelay, 21_333_333));
    const index = parsePushed(soundFile([0, 21, 43], entry));
    assert.deepEqual(index.tracks[0]!.edits, [{ durationSeconds: 0, mediaTime: 1024, rate: 1 }]);
    assert.equal(Math.round(index.durationMs * 1000), 42_667);
  });

  test('FLAC frames are as long as their headers say', () => {
    // STREAMINFO (RFC 9639 §8.2): blocks of 16 to 4608, 44.1 kHz, stereo, 16 bits.
    const streamInfo = Uint8Array.of(
      0,
      16,
      0x12,
      0,
      0,
      0,
      0,
      0,
      0,
      0,
      0x0a,
      0xc4,
      0x42,
      0xf0,
      ...new Uint8Array(20),
    );
    const head = ['fLaC', Uint8Array.of(0x80, 0, 0, 34), streamInfo];
    const entry = trackEntry(1, 2, 'A_FLAC', [element(ids.codecPrivate, head), audioSettings(44_100, 2)]);
    // RFC 9639 §9.1: 4096 by table; 4608 by table; 200 in 8 bits; 1000 in 16 bits behind a two-byte number.
    const heads = [
      [0xff, 0xf8, 0xc9, 0x18, 0],
      [0xff, 0xf8, 0x59, 0x18, 1],
      [0xff, 0xf8, 0x69, 0x18, 2, 199],
      [0xff, 0xf9, 0x79, 0x18, 0xc2, 0x80, 0x03, 0xe7],
    ];
    const starts = [0, 4096, 8704, 8904];
    const times = starts.map((start) => Math.round((start * 1000) / 44_100));
    const index = parsePushed(
      matroska(
        info(),
        tracks(entry),
        blocksAt(times, 1, (block) => [Uint8Array.from(heads[block]!), frame(block)]),
      ),
    );
    assert.equal(index.tracks[0]!.obstacle, null);
    assert.deepEqual(dtsOf(index), starts);
    assert.equal(index.tracks[0]!.samples.lastDuration, 1000);
  });

  test('PCM is as long as its bytes', () => {
    const entry = trackEntry(1, 2, 'A_PCM/INT/LIT', audioSettings(44_100, 2, 16));
    const sizes = [4000, 8000, 4];
    const index = parsePushed(
      matroska(
        info(),
        tracks(entry),
        blocksAt([0, 23, 68], 1, (block) => new Uint8Array(sizes[block]!)),
      ),
    );
    assert.deepEqual(dtsOf(index), [0, 1000, 3000]);
    assert.equal(index.tracks[0]!.samples.lastDuration, 1);
  });

  test('sound that begins later than the picture still does', () => {
    const file = matroska(
      info(),
      tracks(videoTrack(1), aacTrack(2)),
      blocksAt([0, 40, 80]),
      blocksAt([60, 81], 2),
    );
    const index = parsePushed(file);
    assert.deepEqual(presentedSeconds(index, 0), [0, 0.04, 0.08]);
    assert.deepEqual(presentedSeconds(index, 1), [0.06, 0.06 + 1024 / 48_000]);
  });
});

describe('matroska pictures', () => {
  const orders: { [sentence: string]: { times: number[]; delay: number } } = {
    'in order': { times: [0, 40, 80, 120, 160], delay: 0 },
    'one B-frame': { times: [0, 80, 40, 160, 120], delay: 40 },
    'two B-frames': { times: [0, 120, 40, 80, 240, 160, 200], delay: 40 },
    'a pyramid of three': { times: [0, 160, 80, 40, 120, 320, 240, 200, 280], delay: 80 },
    'a pyramid with a lost picture': { times: [0, 160, 80, 120, 320, 240, 200, 280], delay: 80 },
    'pictures at uneven times': { times: [0, 1000, 17, 500, 1040, 1020], delay: 500 },
    'an open GOP at the beginning': { times: [80, 0, 40, 200, 120, 160], delay: 40 },
    'two pictures at one time': { times: [0, 40, 40, 80], delay: 0 },
    'one picture': { times: [0], delay: 0 },
  };
  for (const [sentence, { times, delay }] of Object.entries(orders)) {
    test(`decode times of ${sentence} are the sorted shown times, and an edit undoes the delay`, () => {
      const index = parsePushed(filmFile(times));
      const { samples, edits } = index.tracks[0]!;
      assert.deepEqual(
        presentedSeconds(index),
        times.map((time) => time / 1000),
      );
      assert.deepEqual(
        Array.from(samples.dts),
        [...times].sort((a, b) => a - b),
      );
      assert.deepEqual(edits, delay === 0 ? [] : [{ durationSeconds: 0, mediaTime: delay, rate: 1 }]);
      assert.equal(samples.cts === null, delay === 0);
    });
  }

  test('any order at all gives decode times that never go back and never come after the shown time', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(100_000), { maxLength: 300 }), (times) => {
        const { dts, cts, delay } = decodeOrder(Float64Array.from(times));
        assert.equal(dts.length, times.length);
        times.forEach((time, sample) => {
          assert.ok(sample === 0 || dts[sample]! >= dts[sample - 1]!);
          assert.equal(dts[sample]! + (cts?.[sample] ?? 0) - delay, time);
          assert.ok((cts?.[sample] ?? 0) >= 0);
        });
        // No smaller delay would do.
        if (cts !== null) assert.ok(cts.includes(0));
      }),
    );
  });

  const lasts: { [sentence: string]: { entry: Uint8Array; last: Uint8Array; expected: number } } = {
    BlockDuration: {
      entry: videoTrack(1, uint(ids.defaultDuration, 40_000_000)),
      last: blockGroup({ time: 80, frames: [frame(3)], key: false }, uint(ids.blockDuration, 55)),
      expected: 55,
    },
    DefaultDuration: {
      entry: videoTrack(1, uint(ids.defaultDuration, 33_366_667)),
      last: simpleBlock({ time: 80, frames: [frame(3)] }),
      expected: 33,
    },
    'the distance before it': {
      entry: videoTrack(1),
      last: simpleBlock({ time: 80, frames: [frame(3)] }),
      expected: 50,
    },
  };
  for (const [sentence, { entry, last, expected }] of Object.entries(lasts)) {
    test(`the last picture is shown as long as ${sentence} says, whatever Duration claims`, () => {
      const blocks = [0, 30].map((time) => simpleBlock({ time, frames: [frame(time)], key: time === 0 }));
      const file = matroska(info(float(0x4489, 9_999_999)), tracks(entry), cluster(0, [blocks, last]));
      const index = parsePushed(file);
      assert.equal(index.tracks[0]!.samples.lastDuration, expected);
      assert.equal(index.durationMs, 80 + expected);
    });
  }

  const scales: { [scaleNs: string]: { timescale: number; seconds: number } } = {
    1000000: { timescale: 1000, seconds: 0.2 },
    100000: { timescale: 10_000, seconds: 0.02 },
    1000: { timescale: 1_000_000, seconds: 0.0002 },
    10000000: { timescale: 1000, seconds: 2 },
    1000000000: { timescale: 1000, seconds: 200 },
    33366667: { timescale: 1000, seconds: 6.673 },
    20833: { timescale: 1_000_000, seconds: 0.004167 },
    0: { timescale: 1000, seconds: 0.2 },
    99999999999999: { timescale: 1000, seconds: 0.2 },
  };
  for (const [scaleNs, { timescale, seconds }] of Object.entries(scales)) {
    test(`a TimestampScale of ${scaleNs} ns becomes ${timescale} ticks a second`, () => {
      const blocks = [0, 100, 200].map((time) => simpleBlock({ time, frames: [frame(time)], key: true }));
      const index = parsePushed(
        matroska(info([], BigInt(scaleNs)), tracks(videoTrack()), cluster(0, blocks)),
      );
      assert.equal(index.tracks[0]!.timescale, timescale);
      assert.equal(presentedSeconds(index)[2], seconds);
    });
  }

  test('a film without a marked key frame begins with one and says so', () => {
    const blocks = [0, 40].map((time) => simpleBlock({ time, frames: [frame(time)] }));
    const index = parsePushed(matroska(info(), tracks(videoTrack()), cluster(0, blocks)));
    assert.deepEqual(index.tracks[0]!.samples.keys, Uint32Array.of(0));
    assert.match(index.remarks[0] ?? '', /no key frames/);
  });

  test('a film of key frames only needs no list of them', () => {
    const blocks = [0, 40].map((time) => blockGroup({ time, frames: [frame(time)] }));
    assert.equal(
      parsePushed(matroska(info(), tracks(videoTrack()), cluster(0, blocks))).tracks[0]!.samples.keys,
      null,
    );
  });
});

describe('matroska clocks', () => {
  const both = (video: readonly number[], audio: readonly number[]) =>
    parsePushed(
      matroska(
        info(),
        tracks(videoTrack(1), aacTrack(2), textTrack(3)),
        blocksAt(video),
        blocksAt(audio, 2),
        blocksAt([video[1]!], 3),
      ),
    );

  test('times below zero move all tracks together', () => {
    const index = both([0, 40, 80], [-25, -4, 18]);
    assert.deepEqual(presentedSeconds(index, 0), [0.025, 0.065, 0.105]);
    assert.deepEqual(dtsOf(index, 1), [0, 1024, 2048]);
    assert.deepEqual(presentedSeconds(index, 2), [0.065]);
  });

  test('a film that begins late within reason keeps its times', () => {
    assert.deepEqual(presentedSeconds(both([5000, 5040], [5010])), [5, 5.04]);
  });

  test('a film that begins far off is shown from zero, with a remark', () => {
    for (const start of [3_600_000, 1_700_000_000_000]) {
      const index = both([start, start + 40], [start + 20]);
      assert.deepEqual(presentedSeconds(index, 0), [0, 0.04]);
      assert.deepEqual(presentedSeconds(index, 1), [0.02]);
      assert.match(index.remarks.join(), /does not begin at zero/);
    }
  });

  test('times at the end of what 64 bits hold do no harm', () => {
    const file = matroska(
      info(),
      tracks(videoTrack()),
      [0n, 2n ** 64n - 1n, 2n ** 63n, 5n].map((time) =>
        cluster(time, simpleBlock({ time: -32_768, frames: [frame(1)] })),
      ),
    );
    const { samples } = parsePushed(file).tracks[0]!;
    assert.equal(samples.count, 4);
    samples.dts.forEach((at, sample) => {
      assert.ok(Number.isSafeInteger(at) && at >= (samples.dts[sample - 1] ?? 0));
    });
  });

  test('a clock that starts again goes on after what was before', () => {
    const times = [0, 40, 80, 100_000, 100_040, 20, 60, 100];
    const index = parsePushed(filmFile(times));
    const shown = presentedSeconds(index);
    assert.deepEqual(shown.slice(0, 5), [0, 0.04, 0.08, 100, 100.04]);
    assert.deepEqual(shown.slice(5), [100.08, 100.12, 100.16]);
    assert.match(index.remarks.join(), /clock jumps/);
  });

  test('a clock that leaps ahead by days goes on at once', () => {
    const index = parsePushed(filmFile([0, 40, 9e8, 9e8 + 40]));
    assert.deepEqual(presentedSeconds(index), [0, 0.04, 0.08, 0.12]);
  });
});
