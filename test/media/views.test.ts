// Views of indexes made by hand: boxes walked, tables read back by a parser of the project's own and by hand.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isAppError } from '../../src/errors.ts';
import { createPushScan } from '../../src/media/feed.ts';
import { parseMp4 } from '../../src/media/mp4/parse-mp4.ts';
import { describePlayable } from '../../src/media/playable.ts';
import type { MediaIndex, SampleTable, Track } from '../../src/media/track.ts';
import { packLanguage } from '../../src/media/views/language-code.ts';
import { buildMp4View, type Mp4View } from '../../src/media/views/progressive.ts';
import { assertSoundBoxes } from '../helpers/media/walk-boxes.ts';
import { makeFilm, makeIndex, makeSamples, makeTrack } from './hand-made.ts';

/** The view as a file; the blob's bytes are left out of what is compared, so zeros stand for them. */
function fileOf(view: Mp4View): Uint8Array {
  const bytes = new Uint8Array(view.header.length + view.end - view.start);
  bytes.set(view.header);
  return bytes;
}

function parseBack(view: Mp4View): MediaIndex {
  const scan = createPushScan(parseMp4);
  scan.push(fileOf(view));
  return scan.finish();
}

/** Asserts that `found` is `expected` with its bytes moved by `shift` and its time beginning at 0. */
function assertSameSamples(found: SampleTable, expected: SampleTable, shift: number): void {
  assert.equal(found.count, expected.count);
  assert.deepEqual(found.sizes, expected.sizes);
  assert.deepEqual(
    found.offsets,
    expected.offsets.map((offset) => offset + shift),
  );
  assert.deepEqual(
    found.dts,
    expected.dts.map((time) => time - expected.dts[0]!),
  );
  const zeros = new Int32Array(found.count);
  assert.deepEqual(found.cts ?? zeros, expected.cts ?? zeros);
  const all = Uint32Array.from({ length: found.count }, (_, i) => i);
  assert.deepEqual(found.keys ?? all, expected.keys ?? all);
  assert.equal(found.lastDuration, expected.lastDuration);
}

test('a film read back from its view has the samples, times and names it was made from', () => {
  const film = makeFilm(20);
  const view = buildMp4View(film);
  assertSoundBoxes(fileOf(view));
  const back = parseBack(view);
  assert.equal(back.isProgressive, true);
  for (const [i, track] of film.tracks.entries()) {
    assertSameSamples(back.tracks[i]!.samples, track.samples, view.header.length - view.start);
  }
  const [picture, sound] = back.tracks as [Track, Track];
  assert.deepEqual(
    picture.edits.map(({ mediaTime, rate }) => [mediaTime, rate]),
    [[2000, 1]],
  );
  assert.ok(Math.abs(picture.edits[0]!.durationSeconds - 20) < 1e-6);
  assert.deepEqual(sound.edits, []);
  assert.equal(sound.language, 'en');
  assert.ok(Buffer.from(view.header).includes('soun\0\0\0\0\0\0\0\0\0\0\0\0English\0'));
  assert.equal(view.contentType, 'video/mp4; codecs="avc1.64001f, mp4a.40.2"');
});

const shapes: Record<string, Partial<SampleTable> & { count: number }> = {
  'one sample': { count: 1 },
  'every duration different': {
    count: 40,
    dts: Float64Array.from({ length: 40 }, (_, i) => i * i + 7),
    lastDuration: 3,
  },
  'negative composition offsets': { count: 6, cts: Int32Array.of(0, 1000, -1000, -500, 0, 20) },
  'equal composition offsets': { count: 3, cts: Int32Array.of(500, 500, 500) },
  'composition offsets of zero': { count: 3, cts: new Int32Array(3) },
  'samples that lie next to each other': {
    count: 12,
    offsets: Float64Array.from({ length: 12 }, (_, i) => 50 + i * 100 + (i > 6 ? 11 : 0)),
  },
  'samples out of order': { count: 10, offsets: Float64Array.from({ length: 10 }, (_, i) => 9000 - i * 500) },
  'several sample entries': { count: 10, descriptions: Uint32Array.of(0, 0, 3, 1, 7, 0) },
  'samples of no bytes': {
    count: 4,
    sizes: Uint32Array.of(0, 10, 0, 5),
    offsets: Float64Array.of(7, 7, 17, 17),
  },
  'a last sample that lasts longer': { count: 5, lastDuration: 99_999 },
  'no key frame but the first': { count: 5, keys: Uint32Array.of(0) },
};
for (const [what, fields] of Object.entries(shapes)) {
  test(`a track with ${what} is read back as it was`, () => {
    const entries = [...makeTrack({}).sampleEntries, ...makeTrack({}).sampleEntries];
    const samples = makeSamples(fields);
    const index = makeIndex([makeTrack({ samples, sampleEntries: entries, kind: 'audio', codec: 'mp3' })]);
    const view = buildMp4View(index);
    assertSoundBoxes(fileOf(view));
    const back = parseBack(view).tracks[0]!.samples;
    assertSameSamples(back, samples, view.header.length - view.start);
    if (fields.descriptions) assert.deepEqual(back.descriptions, fields.descriptions);
  });
}

test('places beyond 4 GiB are written in 64 bits, with the size of mdat', () => {
  const far = 5 * 2 ** 32 + 3;
  const samples = makeSamples({ count: 3, offsets: Float64Array.of(100, 2 ** 32, far) });
  const view = buildMp4View(makeIndex([makeTrack({ samples })]));
  const text = Buffer.from(view.header).toString('latin1');
  const header = new DataView(view.header.buffer, view.header.byteOffset, view.header.length);
  const at = text.indexOf('co64');
  assert.ok(at > 0 && !text.includes('stco'));
  assert.equal(Number(header.getBigUint64(at + 12 + 16)), far - view.start + view.header.length);
  assert.equal(Number(header.getBigUint64(view.header.length - 8)), 16 + view.end - view.start);
});

test('a track that begins later than another keeps its distance by an empty edit', () => {
  const late = makeSamples({
    count: 10,
    dts: Float64Array.from({ length: 10 }, (_, i) => 24_000 + i * 1024),
  });
  const index = makeIndex([makeTrack({}), makeTrack({ kind: 'audio', number: 2, samples: late })]);
  const sound = parseBack(buildMp4View(index)).tracks[1]!;
  assert.deepEqual(
    sound.edits.map(({ mediaTime }) => mediaTime),
    [-1, 0],
  );
  assert.equal(sound.edits[0]!.durationSeconds, 0.5);
});

test('edits as fragmented files have them, without a length, reach to the end', () => {
  const edits = [{ durationSeconds: 0, mediaTime: 2048, rate: 1 }];
  const found = parseBack(buildMp4View(makeIndex([makeTrack({ kind: 'audio', edits })]))).tracks[0]!.edits;
  assert.equal(found[0]!.mediaTime, 2048);
  assert.ok(Math.abs(found[0]!.durationSeconds - (10_000 - 2048) / 48000) < 1e-9);
});

test('the default track of each kind comes first and is the only one enabled; the others are alternates', () => {
  const sounds = [2, 3, 4].map((number) =>
    makeTrack({ kind: 'audio', number, name: `S${number}`, isDefault: number === 3 }),
  );
  const view = buildMp4View(
    makeIndex([...sounds, makeTrack({ number: 1, matrix: [0, 65536, 0, -65536, 0, 0, 0, 0, 2 ** 30] })]),
  );
  const text = Buffer.from(view.header).toString('latin1');
  const header = Buffer.from(view.header);
  const found = [...text.matchAll(/tkhd/g)].map(({ index }) => [
    header.readUInt32BE(index + 4) & 0xffffff,
    header.readUInt16BE(index + 38),
  ]);
  assert.deepEqual(found, [
    [7, 0],
    [7, 2],
    [6, 2],
    [6, 2],
  ]);
  const back = parseBack(view).tracks;
  assert.deepEqual(text.match(/S\d(?=\0)/g), ['S3', 'S2', 'S4']);
  assert.deepEqual(back[0]!.matrix, [0, 65536, 0, -65536, 0, 0, 0, 0, 2 ** 30]);
});

test('times of more than 32 bits take version 1 of the header boxes', () => {
  const samples = makeSamples({ count: 3, dts: Float64Array.of(0, 2e9, 4e9), lastDuration: 2e9 });
  const back = parseBack(
    buildMp4View(
      makeIndex([makeTrack({ samples, edits: [{ durationSeconds: 200_000, mediaTime: 4e9, rate: 1 }] })]),
    ),
  );
  assert.equal(back.tracks[0]!.edits[0]!.mediaTime, 4e9);
  assert.equal(back.tracks[0]!.samples.dts[2], 4e9);
});

test('an index without a playable track, or one that points out of its blob, is refused by kind', () => {
  const obstacle = 'The sound is DTS, which browsers cannot decode.';
  assert.throws(
    () => buildMp4View(makeIndex([makeTrack({ obstacle })])),
    (error) => isAppError(error, 'unplayable'),
  );
  assert.throws(
    () => buildMp4View(makeIndex([makeTrack({})], { sizeBytes: 500 })),
    (error) => isAppError(error, 'corrupt'),
  );
});

test('languages are packed from BCP 47 with or without a region, the unknown as und', () => {
  const unpack = (packed: number) =>
    String.fromCharCode(...[10, 5, 0].map((shift) => ((packed >>> shift) & 31) + 0x60));
  for (const [tag, letters] of [
    ['en', 'eng'],
    ['de-CH', 'deu'],
    ['fre', 'fre'],
    ['pt_BR', 'por'],
    ['', 'und'],
    ['x', 'und'],
    ['__proto__', 'und'],
  ] as const)
    assert.equal(unpack(packLanguage(tag)), letters, tag);
});

const dolby = 'The sound is Dolby Digital (AC-3), which browsers cannot decode.';
const playable: readonly [
  what: string,
  index: MediaIndex,
  status: string,
  viewType: string | null,
  originalType: string | null,
  reason: RegExp | null,
][] = [
  [
    'H.264 with AAC',
    makeFilm(1),
    'ready',
    'video/mp4; codecs="avc1.64001f, mp4a.40.2"',
    'video/x-matroska; codecs="avc1.64001f, mp4a.40.2"',
    null,
  ],
  [
    'a picture with AC-3',
    makeIndex([
      makeTrack({}),
      makeTrack({ kind: 'audio', codec: 'ac3', obstacle: dolby, sampleEntries: [] }),
    ]),
    'ready',
    'video/mp4; codecs="avc1.64001f"',
    null,
    /AC-3.*cannot decode; it is left out here, but the download has it\.$/,
  ],
  [
    'AC-3 alone',
    makeIndex([makeTrack({ kind: 'audio', obstacle: dolby })]),
    'unplayable',
    null,
    null,
    /AC-3/,
  ],
  [
    'VP8 and Vorbis in WebM',
    makeIndex(
      [
        makeTrack({ codec: 'vp8', codecString: 'vp08.00.21.08' }),
        makeTrack({ kind: 'audio', codec: 'vorbis', codecString: 'vorbis' }),
      ],
      { container: 'webm' },
    ),
    'ready',
    'video/mp4',
    'video/webm; codecs="vp8, vorbis"',
    null,
  ],
  [
    'H.265',
    makeIndex([makeTrack({ codec: 'hevc', codecString: 'hvc1.1.6.L93.B0' })], { container: 'mp4' }),
    'ready',
    'video/mp4; codecs="hvc1.1.6.L93.B0"',
    'video/mp4; codecs="hvc1.1.6.L93.B0"',
    /only some browsers/,
  ],
  [
    'sound alone',
    makeIndex([makeTrack({ kind: 'audio', codec: 'opus', codecString: 'opus' })]),
    'ready',
    'audio/mp4; codecs="opus"',
    'audio/x-matroska; codecs="opus"',
    null,
  ],
  [
    'no samples',
    makeIndex([makeTrack({ samples: makeSamples({ count: 0 }) })]),
    'unplayable',
    null,
    null,
    /cut off/,
  ],
  [
    'subtitles alone',
    makeIndex([makeTrack({ kind: 'subtitle', obstacle: 'x' })]),
    'unplayable',
    null,
    null,
    /neither picture nor sound/,
  ],
];
for (const [what, index, status, viewType, originalType, reason] of playable) {
  test(`${what}: ${status}, as ${viewType ?? 'nothing'} or ${originalType ?? 'nothing'}`, () => {
    const found = describePlayable(index);
    assert.deepEqual([found.status, found.viewType, found.originalType], [status, viewType, originalType]);
    if (reason) assert.match(found.reason ?? '', reason);
    else assert.equal(found.reason, null);
    assert.equal(found.tracks.length, index.tracks.length);
  });
}
