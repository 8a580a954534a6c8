// Files that are cut off, damaged or made to hurt: what is whole is kept, nothing but an AppError is thrown, nothing
// hangs, and pushing finds the same as reading.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { AppError } from '../../src/errors.ts';
import { createPushScan, scanByReading } from '../../src/media/feed.ts';
import { ids } from '../../src/media/matroska/elements.ts';
import { parseMatroska } from '../../src/media/matroska/scan.ts';
import type { MediaIndex } from '../../src/media/track.ts';
import {
  aacTrack,
  blockGroup,
  cluster,
  crc32,
  ebmlHeader,
  element,
  frame,
  idBytes,
  info,
  join,
  matroska,
  opusTrack,
  parsePushed,
  parseRead,
  sampleBytes,
  segment,
  simpleBlock,
  tracks,
  uint,
  videoTrack,
  vint,
  voidElement,
} from '../helpers/matroska-writer.ts';

/** A small film with a bit of everything. */
function film(options: { isKnownSize: boolean }): Uint8Array {
  const clusters = [0, 1, 2].map((number) =>
    cluster(
      number * 200,
      [
        crc32,
        simpleBlock({ track: 1, time: 0, frames: [frame(number)], key: true }),
        simpleBlock({ track: 2, time: 0, frames: [frame(number + 10, 9), frame(20, 300)], lacing: 'xiph' }),
        voidElement(9),
        blockGroup(
          { track: 1, time: 80, frames: [frame(number + 3, 44)], key: false },
          uint(ids.blockDuration, 40),
        ),
        blockGroup({ track: 1, time: 40, frames: [frame(number + 6)], key: false }),
        simpleBlock({
          track: 2,
          time: 43,
          frames: [frame(1, 70), frame(2, 90), frame(3, 5)],
          lacing: 'ebml',
        }),
        simpleBlock({ track: 3, time: 5, frames: [join([Uint8Array.of(0xfc), frame(4)])] }),
      ],
      options.isKnownSize ? {} : { size: 'unknown' },
    ),
  );
  const content = [
    element(ids.seekHead, frame(5, 30)),
    info(),
    tracks(videoTrack(1), aacTrack(2), opusTrack(3)),
    element(ids.chapters, element(ids.editionEntry, element(ids.chapterAtom, uint(ids.chapterTimeStart, 7)))),
    clusters,
    element(ids.cues, frame(6, 50)),
    element(ids.tags, frame(7, 40)),
  ];
  return join([ebmlHeader(), segment(content, options.isKnownSize ? { size: join(content).length } : {})]);
}

type Outcome = MediaIndex | string;

function outcome(run: () => MediaIndex): Outcome {
  try {
    return run();
  } catch (error) {
    if (error instanceof AppError && error.kind === 'unsupported-media') return error.message;
    throw error;
  }
}

/** What pushing makes of it, which must be what reading makes of it. */
async function parseBoth(file: Uint8Array, chunkBytes = 31, windowBytes = 17): Promise<Outcome> {
  const pushed = outcome(() => parsePushed(file, chunkBytes));
  const read = await parseRead(file, windowBytes).catch((error: unknown) =>
    outcome(() => {
      throw error;
    }),
  );
  assert.deepEqual(read, pushed);
  if (typeof pushed !== 'string') checkSane(pushed, file);
  return pushed;
}

/** What every index promises, however bad the file. */
function checkSane(index: MediaIndex, file: Uint8Array): void {
  assert.equal(index.sizeBytes, file.length);
  assert.ok(Number.isFinite(index.durationMs) && index.durationMs >= 0);
  for (const { samples, timescale } of index.tracks) {
    assert.ok(Number.isInteger(timescale) && timescale > 0);
    assert.ok(Number.isFinite(samples.lastDuration) && samples.lastDuration >= 0);
    for (let sample = 0; sample < samples.count; sample += 1) {
      const offset = samples.offsets[sample]!;
      assert.ok(samples.sizes[sample]! > 0 && offset + samples.sizes[sample]! <= file.length);
      assert.ok(sample === 0 || offset >= samples.offsets[sample - 1]! + samples.sizes[sample - 1]!);
      const dts = samples.dts[sample]!;
      assert.ok(Number.isSafeInteger(dts) && dts >= (samples.dts[sample - 1] ?? 0));
    }
    samples.keys?.forEach((key, at) => {
      assert.ok(key < samples.count && (at === 0 || key > samples.keys![at - 1]!));
    });
  }
}

describe('hostile matroska', () => {
  for (const isKnownSize of [true, false]) {
    const kind = isKnownSize ? 'known' : 'unknown';
    test(`a file of ${kind} sizes cut off at any byte keeps every frame that is whole`, async () => {
      const whole = film({ isKnownSize });
      const all = parsePushed(whole);
      for (let length = 0; length < whole.length; length += 1) {
        const index = await parseBoth(whole.subarray(0, length), 1 + (length % 50), 1 + (length % 40));
        if (typeof index === 'string') {
          assert.match(index, /not a Matroska|no picture and no sound/);
          continue;
        }
        all.tracks.forEach((track, number) => {
          const ends = Array.from(
            track.samples.offsets,
            (offset, sample) => offset + track.samples.sizes[sample]!,
          );
          const expected = ends.filter((end) => end <= length).length;
          const { count } = index.tracks[number]!.samples;
          // Opus and laced sound wait for the rest of a small Block, whose first frames may be whole already.
          assert.ok(count <= expected && count >= expected - 2, `${count} of ${expected} at ${length}`);
        });
        // A Segment that says its size is always known to be short.
        if (isKnownSize) assert.match(index.remarks.join(), /ends too early/);
      }
    });
  }

  test('a cut inside a frame is said and the frame is dropped, between frames of an open end it is not noticed', async () => {
    const file = matroska(
      info(),
      tracks(videoTrack()),
      cluster(
        0,
        [0, 40].map((time) => simpleBlock({ time, frames: [frame(time)], key: true })),
        { size: 'unknown' },
      ),
    );
    const cut = (await parseBoth(file.subarray(0, file.length - 1))) as MediaIndex;
    assert.equal(cut.tracks[0]!.samples.count, 1);
    assert.equal(cut.remarks.length, 1);
    assert.match(cut.remarks[0]!, /ends too early/);
    assert.deepEqual(((await parseBoth(file)) as MediaIndex).remarks, []);
  });

  test('flipped bits never do more than lose frames', async () => {
    const whole = film({ isKnownSize: true });
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 })), {
          minLength: 1,
          maxLength: 6,
        }),
        fc.integer({ min: 1, max: 300 }),
        fc.integer({ min: 1, max: 300 }),
        async (flips, chunkBytes, windowBytes) => {
          const file = whole.slice();
          for (const [at, bits] of flips) file[at]! ^= bits;
          await parseBoth(file, chunkBytes, windowBytes);
        },
      ),
      { numRuns: 1200 },
    );
  });

  test('bytes put in, taken out or repeated anywhere never do more than lose frames', async () => {
    const whole = film({ isKnownSize: false });
    await fc.assert(
      fc.asyncProperty(
        fc.nat(whole.length),
        fc.nat(whole.length),
        fc.uint8Array({ maxLength: 80 }),
        async (from, to, more) => {
          await parseBoth(join([whole.subarray(0, from), more, whole.subarray(to)]));
        },
      ),
      { numRuns: 700 },
    );
  });

  test('random elements in any nesting are walked through to the end', async () => {
    const known = Object.values(ids);
    const anyElement = fc
      .tuple(fc.constantFrom(...known), fc.uint8Array({ maxLength: 40 }), fc.option(fc.nat(2 ** 32)))
      .map(([id, content, size]) => element(id, content, size === null ? {} : { size, sizeWidth: 8 }));
    await fc.assert(
      fc.asyncProperty(fc.array(anyElement, { maxLength: 30 }), async (elements) => {
        await parseBoth(join([ebmlHeader(), segment([info(), tracks(videoTrack(), aacTrack()), elements])]));
      }),
      { numRuns: 700 },
    );
  });

  test('random bytes after a good beginning are survived', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 400 }), async (bytes) => {
        await parseBoth(join([ebmlHeader(), bytes]));
        await parseBoth(matroska(info(), tracks(videoTrack()), bytes));
        await parseBoth(matroska(info(), element(ids.tracks, element(ids.trackEntry, bytes))));
      }),
      { numRuns: 300 },
    );
  });

  const pictures = (...numbers: number[]) =>
    numbers.map((number) => simpleBlock({ time: number * 40, frames: [frame(number)], key: number === 0 }));
  const head = [info(), tracks(videoTrack())];
  /** Between the third and the fourth picture something is wrong; the others must be found. */
  const damages: { [sentence: string]: Uint8Array } = {
    'zeros between Clusters': join([
      cluster(0, pictures(0, 1)),
      new Uint8Array(5000),
      cluster(0, pictures(2, 3)),
    ]),
    'noise between Clusters': join([
      cluster(0, pictures(0, 1)),
      Uint8Array.from({ length: 70_000 }, (_, index) => (index * index * 7) >> 5).fill(0, 0, 1),
      cluster(0, pictures(2, 3)),
    ]),
    'a Block that reaches out of its Cluster': join([
      cluster(0, [pictures(0, 1), element(ids.simpleBlock, frame(8, 30), { size: 5_000_000 })]),
      cluster(0, pictures(2, 3)),
    ]),
    'a Block of absurd size in a Cluster without one': join([
      cluster(0, [pictures(0, 1), element(ids.simpleBlock, frame(8, 30), { size: 2 ** 50, sizeWidth: 8 })], {
        size: 'unknown',
      }),
      cluster(0, pictures(2, 3)),
    ]),
    'a Block of unknown size': join([
      cluster(0, [pictures(0, 1), element(ids.simpleBlock, frame(8, 30), { size: 'unknown' })], {
        size: 'unknown',
      }),
      cluster(0, pictures(2, 3)),
    ]),
    'a Block too small to be one': join([
      cluster(0, [
        pictures(0, 1),
        element(
          ids.simpleBlock,
          [0x81, 0, 0].map((byte) => Uint8Array.of(byte)),
        ),
      ]),
      cluster(0, pictures(2, 3)),
    ]),
    'an unknown element of absurd size': join([
      cluster(0, pictures(0, 1)),
      element(0x4fff, frame(1), { size: 2 ** 45, sizeWidth: 7 }),
      cluster(0, pictures(2, 3)),
    ]),
    'a Timestamp of absurd size': join([
      cluster(0, pictures(0, 1)),
      join([idBytes(ids.cluster), vint(100), idBytes(ids.timestamp), vint(60), frame(1, 60)]),
      cluster(0, pictures(2, 3)),
    ]),
  };
  for (const [sentence, content] of Object.entries(damages)) {
    test(`after ${sentence} the next Cluster is found`, async () => {
      const file = matroska(head, content);
      for (const [chunkBytes, windowBytes] of [
        [1, 1],
        [100, 256],
        [file.length, file.length],
      ] as const) {
        const index = (await parseBoth(file, chunkBytes, windowBytes)) as MediaIndex;
        assert.deepEqual(
          sampleBytes(file, index),
          [0, 1, 2, 3].map((number) => frame(number)),
        );
        assert.deepEqual(index.remarks, ['Part of this file is damaged and was left out.']);
      }
    });
  }

  test('damage before the tracks does not hide them', async () => {
    const file = join([ebmlHeader(), new Uint8Array(300), segment([head, cluster(0, pictures(0, 1))])]);
    const index = (await parseBoth(file)) as MediaIndex;
    assert.equal(index.tracks[0]!.samples.count, 2);
  });

  test('a Cluster whose size is too large or too small loses at most the frames around its wrong end', async () => {
    for (const size of [10, 40, 5000]) {
      const file = matroska(
        head,
        cluster(0, pictures(0, 1), { size, sizeWidth: 4 }),
        cluster(0, pictures(2, 3)),
      );
      const index = (await parseBoth(file)) as MediaIndex;
      const found = sampleBytes(file, index);
      assert.deepEqual(found.slice(-2), [frame(2), frame(3)], `size ${size}`);
    }
  });

  test('a file of nothing but one-byte frames is refused before it fills the memory', () => {
    const scan = createPushScan((feed) => parseMatroska(feed));
    scan.push(matroska(info(), tracks(aacTrack(1)), cluster(0, [])));
    const lace = simpleBlock({
      time: 0,
      lacing: 'fixed',
      frames: Array.from({ length: 256 }, () => frame(1, 1)),
    });
    const chunk = join(Array.from({ length: 500 }, () => lace));
    let pushes = 0;
    const pushAll = () => {
      for (; pushes < 100; pushes += 1) scan.push(chunk);
    };
    assert.throws(pushAll, { kind: 'unsupported-media', message: /more frames than a film of its size/ });
    assert.equal(pushes, Math.floor(1_000_000 / (500 * 256)));
  });

  test('attachments, frames and damage of gigabytes are not read', async () => {
    const attachment = 700 * 2 ** 20;
    const picture = 400 * 2 ** 20;
    const start = join([
      ebmlHeader(),
      segment([...head, join([idBytes(ids.attachments), vint(attachment)])]),
    ]);
    const blockHead = Uint8Array.of(0x81, 0, 0, 0x80);
    const middle = join([
      idBytes(ids.cluster),
      vint(2 ** 56 - 2 ** 30, 8),
      uint(ids.timestamp, 0),
      idBytes(ids.simpleBlock),
      vint(picture + blockHead.length),
      blockHead,
    ]);
    const pieces: [number, Uint8Array][] = [
      [0, start],
      [start.length + attachment, middle],
    ];
    const sizeBytes = start.length + attachment + middle.length + picture;
    let readBytes = 0;
    const readAt = (into: Uint8Array, position: number) => {
      into.fill(0);
      for (const [at, piece] of pieces) {
        for (let index = 0; index < piece.length; index += 1) {
          const target = at + index - position;
          if (target >= 0 && target < into.length) into[target] = piece[index]!;
        }
      }
      readBytes += into.length;
      return into.length;
    };
    const index = await scanByReading((feed) => parseMatroska(feed), readAt, sizeBytes);
    assert.deepEqual(Array.from(index.tracks[0]!.samples.sizes), [picture]);
    assert.equal(index.sizeBytes, sizeBytes);
    assert.ok(readBytes < 100_000, `${readBytes} bytes were read`);
  });
});
