// What stands in a Matroska file is found where it stands: elements of every shape, Blocks, lacings, tracks, chapters.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { AppError } from '../../src/errors.ts';
import { createPushScan } from '../../src/media/feed.ts';
import { ids } from '../../src/media/matroska/elements.ts';
import { newMatroskaProgress, parseMatroska } from '../../src/media/matroska/scan.ts';
import {
  aacTrack,
  audioSettings,
  blockGroup,
  type Content,
  cluster,
  crc32,
  ebmlHeader,
  element,
  float,
  frame,
  info,
  int,
  join,
  keyFlags,
  matroska,
  opusTrack,
  parsePushed,
  parseRead,
  presentedSeconds,
  sampleBytes,
  segment,
  simpleBlock,
  textTrack,
  trackEntry,
  tracks,
  uint,
  videoTrack,
  vint,
  voidElement,
} from '../helpers/matroska-writer.ts';

const frames = [0, 1, 2, 3].map((number) => frame(number, 20 + number));
const pictures = (from: number, to: number, options = {}) =>
  frames
    .slice(from, to)
    .map((one, index) =>
      simpleBlock({ time: index * 40, frames: [one], key: from + index === 0, ...options }),
    );
const plainHead: Content = [info(), tracks(videoTrack())];

/** Files that all hold the same four pictures at 0, 40, 80 and 120 ms, the first a key frame. */
const shapes: { [sentence: string]: Uint8Array } = {
  'of one Cluster': matroska(plainHead, cluster(0, pictures(0, 4))),
  'of two Clusters': matroska(plainHead, cluster(0, pictures(0, 2)), cluster(80, pictures(2, 4))),
  'with a Segment of known size': join([
    ebmlHeader(),
    segment([plainHead, cluster(0, pictures(0, 4))], {
      size: join([plainHead, cluster(0, pictures(0, 4))]).length,
    }),
  ]),
  'with Clusters of unknown size': matroska(
    plainHead,
    cluster(0, pictures(0, 2), { size: 'unknown' }),
    cluster(80, pictures(2, 4), { size: 'unknown' }),
    element(ids.cues, frame(9, 60)),
  ),
  'with unknown sizes one byte wide': join([
    ebmlHeader(),
    segment([plainHead, cluster(0, pictures(0, 4), { size: 'unknown', sizeWidth: 1 })], { sizeWidth: 1 }),
  ]),
  'with CRC-32 and Void everywhere': matroska(
    [crc32, voidElement(3), element(ids.info, [crc32, voidElement(1), uint(ids.timestampScale, 1_000_000)])],
    element(ids.tracks, [crc32, voidElement(200), videoTrack(1, [voidElement(5)])]),
    voidElement(5000),
    element(ids.cluster, [
      crc32,
      voidElement(2),
      uint(ids.timestamp, 0),
      pictures(0, 4).flatMap((block) => [voidElement(7), block, crc32]),
    ]),
  ),
  'with Tags and Attachments that are larger than any window': matroska(
    info(),
    element(ids.attachments, new Uint8Array(400_000).fill(0xa3)),
    tracks(videoTrack()),
    element(ids.tags, new Uint8Array(300_000).fill(0x1f)),
    cluster(0, pictures(0, 4)),
    element(ids.tags, new Uint8Array(5)),
  ),
  'with BlockGroups': matroska(
    plainHead,
    cluster(
      0,
      frames.map((one, index) => blockGroup({ time: index * 40, frames: [one], key: index === 0 })),
    ),
  ),
  'with BlockGroups whose references stand before the Block': matroska(
    plainHead,
    cluster(
      0,
      frames.map((one, index) =>
        element(ids.blockGroup, [
          index === 0 ? [] : int(ids.referenceBlock, -40),
          uint(ids.blockDuration, 40),
          element(ids.blockAdditions, frame(7, 300)),
          blockGroup({ time: index * 40, frames: [one] }).subarray(2),
        ]),
      ),
    ),
  ),
  'with both kinds of Block': matroska(
    plainHead,
    cluster(0, [
      blockGroup({ time: 0, frames: [frames[0]!] }),
      simpleBlock({ time: 40, frames: [frames[1]!] }),
      blockGroup({ time: 80, frames: [frames[2]!], key: false }, uint(ids.blockDuration, 40)),
      simpleBlock({ time: 120, frames: [frames[3]!] }),
    ]),
  ),
  'with track numbers two and eight bytes wide': matroska(
    plainHead,
    cluster(0, [
      pictures(0, 3, { numberWidth: 2 }),
      simpleBlock({ time: 120, frames: [frames[3]!], numberWidth: 8 }),
    ]),
  ),
  'with negative times in a Block': matroska(
    plainHead,
    cluster(
      100,
      frames.map((one, index) => simpleBlock({ time: index * 40 - 100, frames: [one], key: index === 0 })),
    ),
  ),
  'with elements that are not known': matroska(
    element(0x4fff, frame(1, 50)),
    plainHead,
    element(0x1fffff01, frame(2, 500)),
    cluster(
      0,
      pictures(0, 4).flatMap((block) => [element(0x8f, frame(3, 30)), block]),
    ),
  ),
  'with ids of eight bytes as EBMLMaxIDLength allows': join([
    ebmlHeader('matroska', uint(ids.ebmlMaxIdLength, 8)),
    segment([
      Uint8Array.of(0x01, 2, 3, 4, 5, 6, 7, 8),
      vint(40),
      frame(2, 40),
      plainHead,
      cluster(0, pictures(0, 4)),
    ]),
  ]),
  'with its Tracks after the Clusters': matroska(info(), cluster(0, pictures(0, 4)), tracks(videoTrack())),
  'with a second Tracks element': matroska(plainHead, tracks(videoTrack(5)), cluster(0, pictures(0, 4))),
  'with Blocks of tracks that are not listed': matroska(
    plainHead,
    cluster(
      0,
      pictures(0, 4).flatMap((block) => [block, simpleBlock({ track: 9, time: 0, frames: [frame(8)] })]),
    ),
  ),
  'with the marks of a tool after the end of the Segment': join([
    ebmlHeader(),
    segment([plainHead, cluster(0, pictures(0, 4))], {
      size: join([plainHead, cluster(0, pictures(0, 4))]).length,
    }),
    'this file was made by a tool that signs its work',
  ]),
};
for (let sizeWidth = 1; sizeWidth <= 8; sizeWidth += 1) {
  const known = Math.max(2, sizeWidth);
  shapes[`with sizes ${sizeWidth} bytes wide`] = join([
    ebmlHeader(),
    segment([
      element(ids.info, uint(ids.timestampScale, 1_000_000), { sizeWidth }),
      element(ids.tracks, videoTrack(), { sizeWidth: known }),
      element(0x4e01, frame(3, 9), { sizeWidth }),
      cluster(
        0,
        frames.map((one, index) => {
          const block = simpleBlock({ time: index * 40, frames: [one], key: index === 0 });
          return element(ids.simpleBlock, block.subarray(2), { sizeWidth });
        }),
        { sizeWidth: known },
      ),
    ]),
  ]);
}

describe('matroska', () => {
  for (const [sentence, file] of Object.entries(shapes)) {
    test(`the same pictures are found in a file ${sentence}`, async () => {
      const index = parsePushed(file);
      assert.equal(index.tracks.length, 1);
      assert.deepEqual(sampleBytes(file, index), frames);
      assert.deepEqual(presentedSeconds(index), [0, 0.04, 0.08, 0.12]);
      assert.deepEqual(keyFlags(index), [true, false, false, false]);
      assert.equal(index.durationMs, 160);
      assert.equal(index.sizeBytes, file.length);
      assert.deepEqual(index.remarks, []);
      for (const chunkBytes of [1, 3, 7, 64, 1000]) assert.deepEqual(parsePushed(file, chunkBytes), index);
      for (const windowBytes of [1, 16, 256, 1 << 20])
        assert.deepEqual(await parseRead(file, windowBytes), index);
    });
  }

  const laces: { [sentence: string]: Parameters<typeof simpleBlock>[0] } = {
    'one frame in a Xiph lace': { lacing: 'xiph', time: 0, frames: [frame(1)] },
    'Xiph sizes below, at and above 255': {
      lacing: 'xiph',
      time: 0,
      frames: [frame(1, 254), frame(2, 255), frame(3, 256), frame(4, 1), frame(5, 1020), frame(6, 33)],
    },
    'a Xiph lace of 256 frames': {
      lacing: 'xiph',
      time: 0,
      frames: Array.from({ length: 256 }, (_, i) => frame(i, 300 + i)),
    },
    'a fixed lace': { lacing: 'fixed', time: 0, frames: [frame(1), frame(2), frame(3)] },
    'EBML differences up, down and none': {
      lacing: 'ebml',
      time: 0,
      frames: [
        frame(1, 800),
        frame(2, 500),
        frame(3, 1000),
        frame(4, 1000),
        frame(5, 10_000),
        frame(6, 62),
        frame(7, 126),
      ],
    },
    'an EBML lace of 256 frames': {
      lacing: 'ebml',
      time: 0,
      frames: Array.from({ length: 256 }, (_, i) => frame(i, 1 + ((i * 97) % 700))),
    },
  };
  for (const [sentence, block] of Object.entries(laces)) {
    test(`${sentence}: each frame is a sample`, async () => {
      for (const make of [simpleBlock, blockGroup]) {
        const file = matroska(
          info(),
          tracks(aacTrack(1)),
          cluster(0, [make(block), simpleBlock({ time: 30_000, frames: [frame(9)] })]),
        );
        const index = parsePushed(file);
        assert.deepEqual(sampleBytes(file, index), [...block.frames.map(join), frame(9)]);
        const times = Array.from(index.tracks[0]!.samples.dts.subarray(0, block.frames.length));
        assert.deepEqual(
          times,
          block.frames.map((_, number) => number * 1024),
        );
        assert.deepEqual(parsePushed(file, 5), index);
        assert.deepEqual(await parseRead(file, 20), index);
      }
    });
  }

  test('frames of a lace without a length of their own are spread by DefaultDuration', () => {
    const track = trackEntry(1, 2, 'A_AC3', [
      audioSettings(48_000, 6),
      uint(ids.defaultDuration, 32_000_000),
    ]);
    const lace = simpleBlock({ lacing: 'fixed', time: 0, frames: [frame(1), frame(2), frame(3)] });
    const index = parsePushed(matroska(info(), tracks(track), cluster(1000, lace)));
    assert.deepEqual(presentedSeconds(index), [1, 1.032, 1.064]);
    assert.equal(index.durationMs, 1096);
  });

  const damagedLaces: { [sentence: string]: Uint8Array } = {
    'a fixed lace that does not divide': Uint8Array.of(0x81, 0, 0, 0x04, 2, 1, 2, 3, 4),
    'a Xiph lace larger than its Block': Uint8Array.of(0x81, 0, 0, 0x02, 1, 200, 1, 2, 3),
    'a Xiph lace without an end': Uint8Array.of(0x81, 0, 0, 0x02, 3, 255, 255, 255, 255),
    'an EBML lace that goes below zero': Uint8Array.of(0x81, 0, 0, 0x06, 3, 0x82, 0x80, 0x81, 1, 2, 3),
    'an EBML lace with an impossible width': Uint8Array.of(0x81, 0, 0, 0x06, 1, 0x00, 1, 2, 3),
    'a lace with nothing behind its flags': Uint8Array.of(0x81, 0, 0, 0x02),
  };
  for (const [sentence, content] of Object.entries(damagedLaces)) {
    test(`${sentence} costs only that Block`, () => {
      const file = matroska(
        info(),
        tracks(aacTrack(1)),
        cluster(0, [
          simpleBlock({ time: 0, frames: [frame(1)] }),
          element(ids.simpleBlock, content),
          simpleBlock({ time: 43, frames: [frame(2)] }),
        ]),
      );
      const index = parsePushed(file);
      assert.deepEqual(sampleBytes(file, index), [frame(1), frame(2)]);
      assert.deepEqual(index.remarks, ['Some of its frames are damaged and were left out.']);
    });
  }

  test('pictures, two kinds of sound and text in one file each keep their own samples', () => {
    const file = matroska(
      info(),
      tracks(
        videoTrack(3),
        aacTrack(1, [element(ids.language, 'ger'), element(ids.name, 'Deutsch')]),
        opusTrack(200, [
          element(ids.language, 'fre'),
          element(ids.languageBcp47, 'fr-CA'),
          uint(ids.flagDefault, 0),
        ]),
        textTrack(4, element(ids.language, 'klingon!')),
        trackEntry(7, 3, 'C_COMPLEX'),
      ),
      cluster(0, [
        simpleBlock({ track: 3, time: 0, frames: [frame(1)], key: true }),
        simpleBlock({ track: 1, time: 0, frames: [frame(2)] }),
        simpleBlock({ track: 200, time: 0, frames: [[Uint8Array.of(0xfc), frame(3)]], numberWidth: 2 }),
        blockGroup({ track: 4, time: 500, frames: ['Hello'] }, uint(ids.blockDuration, 1500)),
        simpleBlock({ track: 7, time: 0, frames: [frame(4)] }),
        simpleBlock({ track: 1, time: 21, frames: [frame(5)] }),
        simpleBlock({ track: 3, time: 40, frames: [frame(6)] }),
      ]),
    );
    const index = parsePushed(file);
    assert.deepEqual(
      index.tracks.map(({ number, kind, codec, language, name, isDefault }) => [
        number,
        kind,
        codec,
        language,
        name,
        isDefault,
      ]),
      [
        [3, 'video', 'vp8', 'en', '', true],
        [1, 'audio', 'aac', 'de', 'Deutsch', true],
        [200, 'audio', 'opus', 'fr-CA', '', false],
        [4, 'subtitle', 'subrip', 'und', '', true],
      ],
    );
    assert.deepEqual(sampleBytes(file, index, 0), [frame(1), frame(6)]);
    assert.deepEqual(sampleBytes(file, index, 1), [frame(2), frame(5)]);
    assert.deepEqual(sampleBytes(file, index, 3), [join('Hello')]);
    assert.equal(index.tracks[3]!.samples.lastDuration, 1500);
    assert.deepEqual(
      index.tracks.map(({ samples }) => samples.keys),
      [Uint32Array.of(0), null, null, null],
    );
  });

  const displays: { [sentence: string]: { more: Content; expected: [number, number] } } = {
    'no display size': { more: [], expected: [320, 240] },
    'a display size in pixels': {
      more: [uint(ids.displayWidth, 640), uint(ids.displayHeight, 360)],
      expected: [640, 360],
    },
    'a display ratio': {
      more: [uint(ids.displayWidth, 16), uint(ids.displayHeight, 9), uint(ids.displayUnit, 3)],
      expected: [427, 240],
    },
    centimetres: {
      more: [uint(ids.displayWidth, 40), uint(ids.displayHeight, 30), uint(ids.displayUnit, 1)],
      expected: [320, 240],
    },
    'a display size of zero': {
      more: [uint(ids.displayWidth, 0), uint(ids.displayHeight, 9)],
      expected: [320, 240],
    },
    'an absurd display size': {
      more: [uint(ids.displayWidth, 2 ** 40), uint(ids.displayHeight, 1)],
      expected: [320, 240],
    },
  };
  for (const [sentence, { more, expected }] of Object.entries(displays)) {
    test(`a picture with ${sentence} is shown at ${expected.join(' x ')}`, () => {
      const file = matroska(info(), tracks(videoTrack(1, [], more)), cluster(0, pictures(0, 4)));
      const track = parsePushed(file).tracks[0]!;
      assert.deepEqual([track.width, track.height], [320, 240]);
      assert.deepEqual([track.displayWidth, track.displayHeight], expected);
    });
  }

  const one = 0x10000;
  const w = 0x40000000;
  const turns: { [sentence: string]: { entry: Uint8Array; matrix: readonly number[] | null } } = {
    'no roll': { entry: videoTrack(), matrix: null },
    'a roll of 90 degrees': { entry: rolled(90), matrix: [0, -one, 0, one, 0, 0, 0, 320 * one, w] },
    'a roll of 180 degrees': {
      entry: rolled(180),
      matrix: [-one, 0, 0, 0, -one, 0, 320 * one, 240 * one, w],
    },
    'a roll of -90 degrees': { entry: rolled(-90), matrix: [0, one, 0, -one, 0, 0, 240 * one, 0, w] },
    'a yaw of half a turn': {
      entry: rolled(0, 180),
      matrix: [-one, 0, 0, 0, one, 0, 320 * one, 0, w],
    },
    'a yaw of half a turn and a roll of 90 degrees': {
      entry: rolled(90, -180),
      matrix: [0, one, 0, one, 0, 0, 0, 0, w],
    },
    'a yaw that looks aside': { entry: rolled(90, 30), matrix: null },
    'a roll that is no number': { entry: rolled(Number.NaN), matrix: null },
    'the name that HTC phones gave': {
      entry: videoTrack(1, element(ids.name, 'htc_video_rotA-090')),
      matrix: [0, one, 0, -one, 0, 0, 240 * one, 0, w],
    },
  };
  function rolled(roll: number, yaw = 0): Uint8Array {
    const pose = [float(ids.projectionPoseYaw, yaw), float(ids.projectionPoseRoll, roll)];
    return videoTrack(1, [], element(ids.projection, [uint(ids.projectionType, 0), pose]));
  }
  for (const [sentence, { entry, matrix }] of Object.entries(turns)) {
    test(`the picture is turned as ${sentence} says`, () => {
      const file = matroska(info(), tracks(entry), cluster(0, pictures(0, 4)));
      assert.deepEqual(parsePushed(file).tracks[0]!.matrix, matrix);
    });
  }

  const encodings: { [sentence: string]: { content: Content; obstacle: RegExp | null } } = {
    'header stripping': {
      content: element(ids.contentCompression, [
        uint(ids.contentCompAlgo, 3),
        element(ids.contentCompSettings, frame(1, 3)),
      ]),
      obstacle: /header stripping/,
    },
    'header stripping of nothing': {
      content: element(ids.contentCompression, [uint(ids.contentCompAlgo, 3)]),
      obstacle: null,
    },
    zlib: { content: element(ids.contentCompression, uint(ids.contentCompAlgo, 0)), obstacle: /zlib/ },
    'the default, which is zlib': { content: element(ids.contentCompression, []), obstacle: /zlib/ },
    encryption: { content: [uint(ids.contentEncodingType, 1), element(0x5035, [])], obstacle: /encrypted/ },
  };
  for (const [sentence, { content, obstacle }] of Object.entries(encodings)) {
    test(`a track with ${sentence} says what stands in its way`, () => {
      const entry = videoTrack(1, element(ids.contentEncodings, element(ids.contentEncoding, content)));
      const track = parsePushed(matroska(info(), tracks(entry), cluster(0, pictures(0, 4)))).tracks[0]!;
      if (obstacle === null) assert.equal(track.obstacle, null);
      else assert.match(track.obstacle ?? '', obstacle);
      assert.equal(track.sampleEntries.length, obstacle === null ? 1 : 0);
      assert.equal(track.samples.count, 4);
    });
  }

  test('chapters come from the default edition, in order, the hidden ones left out, the nested ones kept', () => {
    const atom = (startMs: number, title: string, more: Content = []) =>
      element(ids.chapterAtom, [
        uint(ids.chapterTimeStart, startMs * 1_000_000),
        element(ids.chapterDisplay, [element(ids.chapString, title), element(0x437c, 'eng')]),
        more,
      ]);
    const chapters = element(ids.chapters, [
      element(ids.editionEntry, atom(0, 'not this edition')),
      element(ids.editionEntry, [
        uint(ids.editionFlagDefault, 1),
        atom(5000, 'Zwei – 二', [uint(ids.chapterTimeEnd, 9_000_000_000), atom(6000, 'inside')]),
        atom(0, 'One'),
        atom(7000, 'hidden', uint(ids.chapterFlagHidden, 1)),
      ]),
    ]);
    assert.deepEqual(parsePushed(matroska(plainHead, chapters, cluster(0, pictures(0, 4)))).chapters, [
      { startMs: 0, endMs: null, title: 'One' },
      { startMs: 5000, endMs: 9000, title: 'Zwei – 二' },
      { startMs: 6000, endMs: null, title: 'inside' },
    ]);
  });

  test('the container is named by its DocType', () => {
    for (const docType of ['matroska', 'webm'] as const) {
      const file = join([ebmlHeader(docType), segment([plainHead, cluster(0, pictures(0, 4))])]);
      assert.equal(parsePushed(file).container, docType);
    }
  });

  test('a joined second film is left alone and said', () => {
    const first = matroska(plainHead, cluster(0, pictures(0, 4)));
    const index = parsePushed(join([first, first]));
    assert.equal(index.tracks[0]!.samples.count, 4);
    assert.equal(index.sizeBytes, first.length * 2);
    assert.equal(index.remarks.length, 1);
    assert.match(index.remarks[0]!, /only the first/);
  });

  test('what it is and how many tracks it has is known as soon as it has arrived', () => {
    const progress = newMatroskaProgress();
    const scan = createPushScan((feed) => parseMatroska(feed, progress));
    const head = ebmlHeader('webm');
    scan.push(head.subarray(0, 5));
    assert.deepEqual(progress, { container: null, trackCount: null });
    scan.push(head.subarray(5));
    assert.deepEqual(progress, { container: 'webm', trackCount: null });
    scan.push(segment([info(), tracks(videoTrack(), aacTrack())]));
    assert.deepEqual(progress, { container: 'webm', trackCount: 2 });
  });

  test('the index says how wide its first frame is in a codec that tells it only there', () => {
    // VP9 keeps its profile, depth and colour in the first frame: 4:2:0, 8 bits, 352 x 288 (VP9 bitstream §6.2).
    const keyFrame = Uint8Array.of(0x82, 0x49, 0x83, 0x42, 0x20, 0x15, 0xf0, 0x11, 0xf6, 0x00);
    const entry = trackEntry(
      1,
      1,
      'V_VP9',
      element(ids.video, [uint(ids.pixelWidth, 352), uint(ids.pixelHeight, 288)]),
    );
    const file = matroska(
      info(),
      tracks(entry),
      cluster(0, simpleBlock({ time: 0, key: true, frames: [[keyFrame, new Uint8Array(100_000)]] })),
    );
    for (const chunkBytes of [1000, file.length]) {
      const track = parsePushed(file, chunkBytes).tracks[0]!;
      assert.match(track.codecString ?? '', /^vp09\.00\./);
      assert.equal(track.sampleEntries.length, 1);
    }
  });

  const refused: { [sentence: string]: { file: Uint8Array; message: RegExp } } = {
    'nothing at all': { file: new Uint8Array(0), message: /not a Matroska/ },
    'four right bytes': { file: ebmlHeader().subarray(0, 4), message: /not a Matroska/ },
    'an MP4': { file: join([Uint8Array.of(0, 0, 0, 24), 'ftypisom0000isom']), message: /not a Matroska/ },
    'another kind of EBML': { file: join([ebmlHeader('something')]), message: /neither Matroska nor WebM/ },
    'an EBML header of absurd size': {
      file: element(ids.ebml, new Uint8Array(100), { size: 2 ** 50, sizeWidth: 8 }),
      message: /not a Matroska/,
    },
    'no tracks': { file: matroska(info(), cluster(0, pictures(0, 4))), message: /no picture and no sound/ },
    'a list of tracks that is too large': {
      file: matroska(info(), element(ids.tracks, [], { size: 2 ** 40, sizeWidth: 8 })),
      message: /too large or damaged/,
    },
    'too many tracks': {
      file: matroska(info(), tracks(...Array.from({ length: 129 }, (_, number) => videoTrack(number + 1)))),
      message: /more than 128 tracks/,
    },
  };
  for (const [sentence, { file, message }] of Object.entries(refused)) {
    test(`${sentence} is refused with a sentence`, async () => {
      const right = (error: unknown) =>
        error instanceof AppError && error.kind === 'unsupported-media' && message.test(error.message);
      assert.throws(() => parsePushed(file), right);
      await assert.rejects(parseRead(file), right);
    });
  }
});
