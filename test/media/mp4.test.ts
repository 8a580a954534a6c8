// MP4 and QuickTime files become an index: what moov, its tables and edit lists say, from files built box by box.
import assert from 'node:assert/strict';
import test from 'node:test';
import { createPushScan, scanByReading } from '../../src/media/feed.ts';
import { parseMp4 } from '../../src/media/mp4/parse-mp4.ts';
import type { MediaIndex } from '../../src/media/track.ts';
import {
  avc1,
  type Bytes,
  box,
  co64,
  ctts,
  ftyp,
  full,
  join,
  latin,
  moov,
  sowt,
  stco,
  stsc,
  stsd,
  stss,
  stsz,
  stts,
  stz2,
  text,
  trak,
  u8,
  u16,
  u32,
  u64,
  zeros,
} from '../helpers/media/boxes.ts';

/** The index, made both ways; they must agree. */
async function indexOf(file: Bytes): Promise<MediaIndex> {
  const scan = createPushScan(parseMp4);
  for (let at = 0, step = 1; at < file.length; at += step, step = (step * 7) % 61 || 5)
    scan.push(file.subarray(at, at + step));
  const pushed = scan.finish();
  const readAt = (into: Uint8Array, position: number) => {
    const bytes = file.subarray(position, position + into.length);
    into.set(bytes);
    return bytes.length;
  };
  assert.deepEqual(await scanByReading(parseMp4, readAt, file.length), pushed);
  return pushed;
}

const mdat = (size: number) => box('mdat', zeros(size));

/** ftyp, mdat with 1,000 bytes from byte 28, then moov with one video track. */
function fileWith(stbl: Bytes[], parts: Partial<Parameters<typeof trak>[0]> = {}, ...more: Bytes[]): Bytes {
  return join(ftyp(), mdat(1000), moov(trak({ stbl, ...parts }), ...more));
}
const first = ftyp().length + 8;

const plain = (...extra: Bytes[]) => [
  stsd(avc1()),
  stts([4, 40]),
  stsc([1, 4, 1]),
  stsz(10, 20, 30, 40),
  stco(first),
  ...extra,
];

const columns = ({ samples }: MediaIndex['tracks'][number]) => ({
  sizes: [...samples.sizes],
  offsets: [...samples.offsets],
  dts: [...samples.dts],
  cts: samples.cts && [...samples.cts],
  keys: samples.keys && [...samples.keys],
  descriptions: samples.descriptions && [...samples.descriptions],
  lastDuration: samples.lastDuration,
});

test('a plain table gives each sample its bytes and times', async () => {
  const index = await indexOf(fileWith(plain()));
  assert.equal(index.container, 'mp4');
  assert.equal(index.durationMs, 160);
  assert.equal(index.isProgressive, false);
  assert.deepEqual(index.remarks, []);
  const [track] = index.tracks;
  assert.deepEqual(columns(track!), {
    sizes: [10, 20, 30, 40],
    offsets: [first, first + 10, first + 30, first + 60],
    dts: [0, 40, 80, 120],
    cts: null,
    keys: null,
    descriptions: null,
    lastDuration: 40,
  });
  assert.deepEqual(
    { ...track, samples: null, sampleEntries: track!.sampleEntries.length },
    {
      number: 1,
      kind: 'video',
      codec: 'avc',
      codecName: 'avc1',
      codecString: 'avc1.42c01e',
      language: 'und',
      name: '',
      isDefault: true,
      width: 64,
      height: 48,
      displayWidth: 64,
      displayHeight: 48,
      matrix: null,
      channels: 0,
      sampleRate: 0,
      timescale: 1000,
      sampleEntries: 1,
      samples: null,
      edits: [],
      obstacle: null,
    },
  );
});

for (const [what, tables, expected] of [
  ['sizes of 4 bits', [stz2(4, 1, 2, 15, 4, 5)], [1, 2, 15, 4, 5]],
  ['sizes of 8 bits', [stz2(8, 1, 200, 3, 4, 5)], [1, 200, 3, 4, 5]],
  ['sizes of 16 bits', [stz2(16, 1, 300, 3, 4, 5)], [1, 300, 3, 4, 5]],
  ['one size for all', [full('stsz', 0, 0, u32(7, 5))], [7, 7, 7, 7, 7]],
] as const) {
  test(`the table with ${what} is read`, async () => {
    const stbl = [stsd(avc1()), stts([5, 40]), stsc([1, 5, 1]), stco(first), ...tables];
    const index = await indexOf(fileWith(stbl));
    assert.deepEqual([...index.tracks[0]!.samples.sizes], expected);
    assert.deepEqual(index.remarks, []);
  });
}

test('chunks in 64 bits and several sample entries become offsets and runs', async () => {
  const stbl = [
    stsd(avc1(), avc1(128, 96)),
    stts([6, 40]),
    stsc([1, 2, 1], [2, 1, 2], [4, 2, 1]),
    stsz(1, 2, 3, 4, 5, 6),
    co64(first, first + 100, first + 200, first + 300),
  ];
  const { tracks } = await indexOf(fileWith(stbl));
  const { offsets, descriptions } = columns(tracks[0]!);
  assert.deepEqual(
    offsets,
    [0, 1, 100, 200, 300, 305].map((at) => first + at),
  );
  assert.deepEqual(descriptions, [0, 0, 2, 1, 4, 0]);
  assert.equal(tracks[0]!.sampleEntries.length, 2);
});

for (const version of [0, 1]) {
  test(`composition offsets of version ${version} may be negative`, async () => {
    const { tracks } = await indexOf(fileWith(plain(ctts(version, [1, 40], [2, -20], [1, 0]))));
    assert.deepEqual(columns(tracks[0]!).cts, [40, -20, -20, 0]);
  });
}

test('key frames are those of stss, and the first where it names none', async () => {
  const some = await indexOf(fileWith(plain(stss(1, 3, 3, 99))));
  assert.deepEqual(columns(some.tracks[0]!).keys, [0, 2]);
  const all = await indexOf(fileWith(plain(stss(1, 2, 3, 4))));
  assert.equal(columns(all.tracks[0]!).keys, null);
  const none = await indexOf(fileWith(plain(stss())));
  assert.deepEqual(columns(none.tracks[0]!).keys, [0]);
  assert.equal(none.remarks.length, 1);
});

test('edit lists of both versions keep empty edits, shifts and rates', async () => {
  const short = full('elst', 0, 0, u32(2), u32(500, -1, 0x1_0000), u32(100, 40, 0x1_0000));
  const long = full('elst', 1, 0, u32(2), u64(500), u32(-1, -1, 0x1_0000), u64(100, 40), u32(0x1_0000));
  for (const elst of [short, long]) {
    const { tracks, durationMs } = await indexOf(fileWith(plain(), { extra: [box('edts', elst)] }));
    assert.deepEqual(tracks[0]!.edits, [
      { durationSeconds: 0.5, mediaTime: -1, rate: 1 },
      { durationSeconds: 0.1, mediaTime: 40, rate: 1 },
    ]);
    assert.equal(durationMs, 600);
  }
});

test('rotation, language, name and a long media header are kept', async () => {
  const matrix = [0, 0x1_0000, 0, -0x1_0000, 0, 0, 0, 0, 0x4000_0000];
  const extra = [box('udta', box('name', text('Kamera 1')))];
  const { tracks } = await indexOf(fileWith(plain(), { matrix, extra, language: 'deu', mdhdVersion: 1 }));
  assert.deepEqual(tracks[0]!.matrix, matrix);
  assert.equal(tracks[0]!.language, 'de');
  assert.equal(tracks[0]!.name, 'Kamera 1');
});

test('chapters are read from chpl', async () => {
  const entry = (startMs: number, title: string) =>
    join(u64(startMs * 10_000), u8(text(title).length), text(title));
  const chpl = full('chpl', 1, 0, u32(0), u8(2), entry(0, 'Anfang'), entry(90, 'Schluß'));
  const { chapters } = await indexOf(fileWith(plain(), {}, box('udta', chpl)));
  assert.deepEqual(chapters, [
    { startMs: 0, endMs: 90, title: 'Anfang' },
    { startMs: 90, endMs: null, title: 'Schluß' },
  ]);
});

test('uncompressed sound becomes one sample for each chunk', async () => {
  const stbl = [
    stsd(sowt()),
    stts([250, 1]),
    stsc([1, 100, 1], [3, 50, 1]),
    full('stsz', 0, 0, u32(4, 250)),
    stco(first, first + 400, first + 800),
  ];
  const { tracks } = await indexOf(fileWith(stbl, { handler: 'soun', timescale: 48_000 }));
  const { sizes, dts, lastDuration } = columns(tracks[0]!);
  assert.deepEqual(
    { sizes, dts, lastDuration },
    { sizes: [400, 400, 200], dts: [0, 100, 200], lastDuration: 50 },
  );
});

/** The file with moov in front: its offsets depend on moov's own length. */
function moovFirst(...before: Bytes[]): Bytes {
  const build = (at: number) =>
    join(ftyp(), ...before, moov(trak({ stbl: [...plain().slice(0, 4), stco(at)] })), mdat(1000));
  return build(build(0).length - 1000);
}

test('a file with moov in front is progressive, and one with anything wrong is not', async () => {
  assert.equal((await indexOf(moovFirst())).isProgressive, true);
  assert.equal((await indexOf(moovFirst(box('free', zeros(5)), box('uuid', zeros(40))))).isProgressive, true);
  const badPadding = await indexOf(moovFirst(join(u32(3), latin('free'))));
  assert.equal(badPadding.isProgressive, false);
  assert.equal(badPadding.tracks[0]!.samples.count, 4);
  assert.equal((await indexOf(moovFirst().subarray(0, -1))).isProgressive, false);
});

test('a file that ends early plays as far as it goes', async () => {
  const whole = moovFirst();
  const { tracks, remarks, durationMs } = await indexOf(whole.subarray(0, whole.length - 960));
  assert.deepEqual(columns(tracks[0]!).sizes, [10, 20]);
  assert.equal(tracks[0]!.samples.lastDuration, 40);
  assert.equal(durationMs, 80);
  assert.ok(remarks.some((remark) => remark.includes('ends early')));
});

test('sizes in 64 bits and to the end of the file are followed', async () => {
  const content = zeros(1000);
  const large = join(ftyp(), u32(1), latin('mdat'), u64(1016), content);
  const stbl = [...plain().slice(0, 4), stco(first + 8)];
  const withLarge = await indexOf(join(large, moov(trak({ stbl }))));
  assert.equal(withLarge.tracks[0]!.samples.count, 4);
  const movie = moov(trak({ stbl: plain() }));
  const toTheEnd = join(ftyp(), mdat(1000), u32(0), movie.subarray(4));
  assert.equal((await indexOf(toTheEnd)).tracks[0]!.samples.count, 4);
  const openMdat = moovFirst();
  openMdat.set(u32(0), openMdat.length - 1008);
  assert.equal((await indexOf(openMdat)).isProgressive, true);
});

test('a file without a brand, or with that of QuickTime, is a MOV', async () => {
  assert.equal((await indexOf(join(mdat(1000), moov(trak({ stbl: plain() }))))).container, 'mov');
  const quickTime = join(ftyp('qt  '), mdat(1000), moov(trak({ stbl: plain() })));
  assert.equal((await indexOf(quickTime)).container, 'mov');
});

test('tracks that are neither picture, sound nor text are left out, and chapter texts as well', async () => {
  const references = box('tref', box('chap', u32(3)));
  const tracks = [
    trak({ stbl: plain(), extra: [references] }),
    trak({ number: 2, handler: 'tmcd', stbl: plain() }),
    trak({ number: 3, handler: 'text', stbl: plain() }),
  ];
  const index = await indexOf(join(ftyp(), mdat(1000), moov(...tracks)));
  assert.deepEqual(
    index.tracks.map(({ number }) => number),
    [1],
  );
});

test('a track that cannot be shown says why', async () => {
  const encrypted = box('encv', avc1().subarray(8), box('sinf', box('frma', latin('avc1'))));
  const cases: [Bytes[], RegExp][] = [
    [[stsd(encrypted), ...plain().slice(1)], /encrypted|protected/i],
    [plain().slice(1), /does not say how/],
    [[stsd(), ...plain().slice(1)], /does not say how/],
    [[stsd(box('XyZ9', zeros(40))), ...plain().slice(1)], /XyZ9/],
  ];
  for (const [stbl, sentence] of cases) {
    const { tracks } = await indexOf(fileWith(stbl));
    assert.match(tracks[0]!.obstacle ?? '', sentence);
    assert.deepEqual(tracks[0]!.sampleEntries, []);
    assert.equal(tracks[0]!.samples.count, 4);
  }
});

for (const [what, file, kind, sentence] of [
  ['a compressed moov', join(ftyp(), box('moov', box('cmov', zeros(30)))), 'unplayable', /compressed/],
  ['a file without moov', join(ftyp(), mdat(100)), 'unplayable', /moov/],
  ['a moov cut short', moovFirst().subarray(0, 200), 'unplayable', /table of contents/],
  [
    'a moov that says it is huge',
    join(ftyp(), u32(0x7fff_ffff), latin('moov'), zeros(99)),
    'unplayable',
    /64 MiB|ends in/,
  ],
  [
    'a still picture',
    join(ftyp('avif'), full('meta', 0, 0, zeros(50)), mdat(50)),
    'unsupported-media',
    /still/,
  ],
  ['a still picture without more', ftyp('heic'), 'unsupported-media', /still/],
  ['no boxes at all', zeros(64), 'unsupported-media', /damaged/],
  ['nonsense after ftyp', join(ftyp(), zeros(4), u8(1, 2, 3, 4), zeros(64)), 'unplayable', /damaged/],
  [
    'text only',
    join(ftyp(), mdat(1000), moov(trak({ handler: 'text', stbl: plain() }))),
    'unsupported-media',
    /neither/,
  ],
  ['no tracks', join(ftyp(), moov()), 'unsupported-media', /neither/],
] as const) {
  test(`${what} is refused as ${kind}`, async () => {
    await assert.rejects(indexOf(file), { name: 'AppError', kind, message: sentence });
  });
}

test('tables that lie about their length are read as far as they go', async () => {
  const lie = (table: Bytes, countAt = 12) => {
    const copy = table.slice();
    copy.set(u32(0xffff_fff0), countAt);
    return copy;
  };
  const stbl = [
    stsd(avc1()),
    lie(stts([4, 40])),
    lie(stsc([1, 4, 1])),
    lie(stsz(10, 20, 30, 40), 16),
    lie(stco(first)),
    lie(ctts(0, [4, 7])),
    lie(stss(1)),
  ];
  const { tracks, remarks } = await indexOf(fileWith(stbl));
  assert.deepEqual(columns(tracks[0]!).sizes, [10, 20, 30, 40]);
  assert.deepEqual(columns(tracks[0]!).cts, [7, 7, 7, 7]);
  assert.ok(remarks.length > 0);
});

test('a claim of four thousand million samples costs neither time nor memory', async () => {
  const count = 0xffff_ffff;
  const before = process.memoryUsage().arrayBuffers;
  const stbl = [
    stsd(avc1()),
    stts([count, 1]),
    stsc([1, count, 1]),
    full('stsz', 0, 0, u32(1, count)),
    stco(first, first, first, first),
  ];
  const { tracks } = await indexOf(fileWith(stbl));
  assert.ok(tracks[0]!.samples.count < 10_000);
  assert.ok(process.memoryUsage().arrayBuffers - before < 16 * 1024 * 1024);
});

test('a million samples are expanded within three seconds, on a busy machine too', async () => {
  const count = 1_000_000;
  const sizes = new Uint8Array(4 * count);
  for (let i = 3; i < sizes.length; i += 4) sizes[i] = 1;
  const chunks = new Uint8Array(4 * (count / 10));
  const view = new DataView(chunks.buffer);
  for (let i = 0; i < count / 10; i += 1) view.setUint32(4 * i, first + 10 * i);
  const stbl = [
    stsd(avc1()),
    stts([count, 40]),
    stsc([1, 10, 1]),
    full('stsz', 0, 0, u32(0, count), sizes),
    full('stco', 0, 0, u32(count / 10), chunks),
    ctts(0, [count / 2, 40], [count / 2, 80]),
  ];
  const file = join(ftyp(), mdat(count), moov(trak({ stbl })));
  const scan = createPushScan(parseMp4);
  const start = performance.now();
  scan.push(file);
  const { tracks } = scan.finish();
  assert.ok(performance.now() - start < 3000);
  assert.equal(tracks[0]!.samples.count, count);
  assert.equal(tracks[0]!.samples.offsets[999_999], first + 999_999);
});

test('damage anywhere in the table of contents never gives anything but an index or a clear refusal', async () => {
  const file = fileWith(plain(ctts(1, [4, 40]), stss(1)), {
    extra: [box('edts', full('elst', 0, 0, u32(1), u32(100, 40), u16(1, 0)))],
  });
  let seed = 12_345;
  const random = (below: number) => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
    return Math.floor((seed / 2 ** 32) * below);
  };
  let refused = 0;
  for (let round = 0; round < 3000; round += 1) {
    const damaged = file.slice();
    for (let i = random(4); i >= 0; i -= 1) {
      const at = random(2) === 0 ? random(20) : 1028 + random(damaged.length - 1028);
      damaged[at] = [0, 1, 0x7f, 0x80, 0xff, random(256)][random(6)]!;
    }
    try {
      const { tracks, sizeBytes } = await indexOf(damaged);
      for (const { samples } of tracks)
        for (let i = 0; i < samples.count; i += 1) {
          assert.ok(samples.offsets[i]! + samples.sizes[i]! <= sizeBytes);
          if (i > 0) assert.ok(samples.dts[i]! >= samples.dts[i - 1]!);
        }
    } catch (error) {
      assert.equal((error as Error).name, 'AppError', String((error as Error).stack));
      refused += 1;
    }
  }
  assert.ok(refused > 10 && refused < 3000);
});
