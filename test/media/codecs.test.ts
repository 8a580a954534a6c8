// Codec configurations as real files hold them, described as sample entries and named as RFC 6381 has it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readAacConfig } from '../../src/media/codecs/aac.ts';
import { childrenOf, readFourCc } from '../../src/media/codecs/box-children.ts';
import type { MatroskaCodec } from '../../src/media/codecs/description.ts';
import { describeMatroskaCodec, needsFirstFrame } from '../../src/media/codecs/from-matroska.ts';
import { describeSampleEntry } from '../../src/media/codecs/from-sample-entry.ts';
import { makeBox } from './hand-made.ts';

const hex = (text: string) => new Uint8Array(Buffer.from(text.replaceAll(' ', ''), 'hex'));
const ascii = (text: string) => [...Buffer.from(text, 'latin1')];

const avcC = hex(
  '0164000dffe10019 6764000dacd94141fb01100000030010000003 0320f142996001000668ebe3cb22c0fdf8f800',
);
const hvcC = hex(
  '010160000000900000000000 3cf000fcfdf8f800000f 03 200001000440010c01 2100010003420101 22000100024401',
);
const av1C = hex('81000c00 0a0b 0000 0004 3cff bcda f900 40');
const opusHead = hex('4f70757348656164 01 01 3801 80bb0000 0000 00');
const streamInfo = hex('1000 1000 000000 000000 0bb800f0 00000000 00000000000000000000000000000000');
const flacPrivate = Uint8Array.from([...ascii('fLaC'), 0x00, 0, 0, 34, ...streamInfo]);
const vorbisHead = [1, ...ascii('vorbis'), 0, 0, 0, 0, 2, 0x44, 0xac, 0, 0, ...new Array(14).fill(0)];
const vorbisPrivate = Uint8Array.from([2, vorbisHead.length, 4, ...vorbisHead, 3, 1, 2, 3, 5, 6]);
/** The first bytes of a VP9 key frame of profile 2 with 10 bits. */
const vp9Frame = hex('92 49 83 42 20 00 00 00 00');

const blank: MatroskaCodec = {
  codecId: '',
  codecPrivate: null,
  width: 640,
  height: 360,
  displayWidth: 640,
  displayHeight: 360,
  channels: 2,
  sampleRate: 48000,
  outputSampleRate: 0,
  bitDepth: 16,
  codecDelayNs: 0,
  colour: null,
  firstFrame: null,
};
const describe = (fields: Partial<MatroskaCodec>) => describeMatroskaCodec({ ...blank, ...fields });
const video = 86;
const audio = 36;

const carried: readonly {
  says: string;
  source: Partial<MatroskaCodec>;
  type: string;
  name: string;
  box: string;
  content?: string;
}[] = [
  {
    says: 'H.264',
    source: { codecId: 'V_MPEG4/ISO/AVC', codecPrivate: avcC },
    ...{ type: 'avc1', name: 'avc1.64000d', box: 'avcC', content: Buffer.from(avcC).toString('hex') },
  },
  {
    says: 'H.264 in the Windows way with an avcC',
    source: {
      codecId: 'V_MS/VFW/FOURCC',
      codecPrivate: Uint8Array.from([
        ...new Array(16).fill(0),
        ...ascii('H264'),
        ...new Array(20).fill(0),
        ...avcC,
      ]),
    },
    ...{ type: 'avc1', name: 'avc1.64000d', box: 'avcC' },
  },
  {
    says: 'H.265',
    source: { codecId: 'V_MPEGH/ISO/HEVC', codecPrivate: hvcC },
    ...{ type: 'hvc1', name: 'hvc1.1.6.L60.90', box: 'hvcC' },
  },
  {
    says: 'VP8',
    source: { codecId: 'V_VP8' },
    ...{ type: 'vp08', name: 'vp08.00.21.08', box: 'vpcC', content: '01000000 00 15 82 020202 0000' },
  },
  {
    says: 'VP9 told by its first frame',
    source: { codecId: 'V_VP9', firstFrame: vp9Frame },
    ...{ type: 'vp09', name: 'vp09.02.21.10', box: 'vpcC', content: '01000000 02 15 a2 010101 0000' },
  },
  {
    says: 'VP9 with a level in its CodecPrivate and colours of the container',
    source: {
      codecId: 'V_VP9',
      codecPrivate: hex('010100 02011f'),
      colour: { primaries: 9, transfer: 16, matrix: 9, isFullRange: true },
    },
    ...{ type: 'vp09', name: 'vp09.00.31.08', box: 'vpcC', content: '01000000 00 1f 83 091009 0000' },
  },
  {
    says: 'AV1',
    source: { codecId: 'V_AV1', codecPrivate: av1C },
    ...{ type: 'av01', name: 'av01.0.00M.08', box: 'av1C', content: Buffer.from(av1C).toString('hex') },
  },
  {
    says: 'AV1 told by the sequence header of its first frame',
    source: { codecId: 'V_AV1', firstFrame: Uint8Array.from([0x12, 0, ...av1C.subarray(4), 0x32, 1, 0]) },
    ...{ type: 'av01', name: 'av01.0.00M.08', box: 'av1C', content: Buffer.from(av1C).toString('hex') },
  },
  {
    says: 'AAC',
    source: { codecId: 'A_AAC', codecPrivate: hex('1190') },
    ...{ type: 'mp4a', name: 'mp4a.40.2', box: 'esds' },
    content: '00000000 03 19 0000 00 04 11 40 15 000000 00000000 00000000 05 02 1190 06 01 02',
  },
  {
    says: 'AAC with SBR told only by its old name',
    source: { codecId: 'A_AAC/MPEG4/LC/SBR', sampleRate: 24000 },
    ...{ type: 'mp4a', name: 'mp4a.40.5', box: 'esds' },
  },
  {
    says: 'MP3',
    source: { codecId: 'A_MPEG/L3' },
    ...{ type: 'mp4a', name: 'mp4a.6B', box: 'esds' },
    content: '00000000 03 15 0000 00 04 0d 6b 15 000000 00000000 00000000 06 01 02',
  },
  {
    says: 'Opus, its header turned round',
    source: { codecId: 'A_OPUS', codecPrivate: opusHead },
    ...{ type: 'Opus', name: 'opus', box: 'dOps', content: '00 01 0138 0000bb80 0000 00' },
  },
  {
    says: 'Opus without a header, its delay in CodecDelay',
    source: { codecId: 'A_OPUS', codecDelayNs: 6_500_000 },
    ...{ type: 'Opus', name: 'opus', box: 'dOps', content: '00 02 0138 0000bb80 0000 00' },
  },
  {
    says: 'FLAC',
    source: { codecId: 'A_FLAC', codecPrivate: flacPrivate },
    ...{ type: 'fLaC', name: 'flac', box: 'dfLa' },
    content: `00000000 80000022 ${Buffer.from(streamInfo).toString('hex')}`,
  },
  {
    says: 'Vorbis',
    source: { codecId: 'A_VORBIS', codecPrivate: vorbisPrivate },
    ...{ type: 'mp4a', name: 'vorbis', box: 'esds' },
  },
  {
    says: 'uncompressed sound of 24 bits, big-endian',
    source: { codecId: 'A_PCM/INT/BIG', bitDepth: 24 },
    ...{ type: 'ipcm', name: 'ipcm', box: 'pcmC', content: '00000000 00 18' },
  },
];

for (const { says, source, type, name, box, content } of carried) {
  test(`Matroska's ${says} becomes a complete ${type} entry`, () => {
    const found = describe(source);
    assert.equal(found.obstacle, null);
    assert.equal(found.codecString, name);
    const entry = found.sampleEntries[0]!;
    assert.equal(new DataView(entry.buffer, entry.byteOffset).getUint32(0), entry.length);
    assert.equal(readFourCc(entry, 4), type);
    const config = childrenOf(entry, found.channels > 0 ? audio : video).get(box);
    assert.ok(config, `${box} is missing`);
    if (content) assert.equal(Buffer.from(config.subarray(8)).toString('hex'), content.replaceAll(' ', ''));
    // Read back as the entry of an MP4 it says the same.
    const again = describeSampleEntry(entry);
    for (const field of [
      'codec',
      'codecString',
      'sampleRate',
      'channels',
      'frameLength',
      'obstacle',
    ] as const)
      assert.deepEqual(again[field], found[field], field);
    if (found.channels === 0) assert.deepEqual([again.width, again.height], [640, 360]);
  });
}

const foreign: readonly [source: Partial<MatroskaCodec>, codec: string, sentence: RegExp][] = [
  [{ codecId: 'A_AC3' }, 'ac3', /^The sound is Dolby Digital \(AC-3\), which browsers cannot decode\.$/],
  [{ codecId: 'A_AC3/BSID9' }, 'ac3', /AC-3/],
  [{ codecId: 'A_EAC3' }, 'eac3', /E-AC-3/],
  [{ codecId: 'A_DTS/LOSSLESS' }, 'dts', /DTS/],
  [{ codecId: 'A_TRUEHD' }, 'truehd', /TrueHD/],
  [{ codecId: 'V_MPEG2' }, 'mpeg2', /^The picture is MPEG-2/],
  [{ codecId: 'V_MPEG4/ISO/ASP' }, 'mpeg4', /MPEG-4 Part 2/],
  [{ codecId: 'S_HDMV/PGS' }, 'pgs', /^The subtitles are pictures/],
  [{ codecId: 'S_TEXT/UTF8' }, 'subrip', /SubRip/],
  [{ codecId: 'V_MPEG4/ISO/AVC' }, 'avc', /header is missing/],
  [{ codecId: 'V_MPEG4/ISO/AVC', codecPrivate: hex('00000001 6764000d ac') }, 'avc', /header is missing/],
  [{ codecId: 'V_MPEGH/ISO/HEVC', codecPrivate: hvcC.subarray(0, 40) }, 'hevc', /header is missing/],
  [{ codecId: 'V_AV1' }, 'av1', /header is missing/],
  [{ codecId: 'A_OPUS', channels: 6 }, 'opus', /header is missing/],
  [{ codecId: 'A_PCM/INT/LIT', bitDepth: 8 }, 'pcm', /8 bits/],
  [{ codecId: 'V_\u0000<script>' }, 'other', /“V_\?<script>”/],
  [{ codecId: '' }, 'other', /without a name/],
];
for (const [source, codec, sentence] of foreign) {
  test(`a track of ${JSON.stringify(source.codecId)} as ${codec} says why it cannot be shown: ${sentence}`, () => {
    const found = describe(source);
    assert.equal(found.codec, codec);
    assert.match(found.obstacle ?? '', sentence);
    assert.deepEqual(found.sampleEntries, []);
  });
}

test('AAC tells its decoded rate and channels in each of the ways SBR and PS can be signalled', () => {
  const cases: readonly [
    config: string,
    outputRate: number,
    type: number,
    rate: number,
    channels: number,
    length: number,
  ][] = [
    ['1210', 44100, 2, 44100, 2, 1024],
    ['1388', 44100, 5, 44100, 1, 2048], //           implicit: 22050 Hz in the config, 44100 out
    ['1388 56e5a0', 0, 5, 44100, 1, 2048], //        extension behind, SBR present
    ['1388 56e5a5 4880', 0, 29, 44100, 2, 2048], //  extension behind, PS too
    ['2b8a0800', 0, 5, 44100, 1, 2048], //           explicit in front
    ['eb8a0800', 0, 29, 44100, 2, 2048], //          explicit with PS
    ['1194', 0, 2, 48000, 2, 960], //                short frames
  ];
  for (const [config, outputRate, objectType, sampleRate, channels, frameLength] of cases)
    assert.deepEqual(
      readAacConfig(hex(config), outputRate),
      { objectType, sampleRate, channels, frameLength },
      config,
    );
});

test('a pixel shape and colours are written where they say something', () => {
  const entry = describe({
    codecId: 'V_VP8',
    ...{ width: 720, height: 576, displayWidth: 1024, displayHeight: 576 },
    colour: { primaries: 1, transfer: 1, matrix: 1, isFullRange: false },
  }).sampleEntries[0]!;
  const boxes = childrenOf(entry, video);
  assert.equal(Buffer.from(boxes.get('pasp')!.subarray(8)).toString('hex'), '000000400000002d'); // 64:45
  assert.equal(Buffer.from(boxes.get('colr')!.subarray(8)).toString('hex'), '6e636c7800010001000100');
  assert.deepEqual(describeSampleEntry(entry).pixelAspect, { horizontal: 64, vertical: 45 });
  assert.deepEqual([...childrenOf(describe({ codecId: 'V_VP8' }).sampleEntries[0]!, video).keys()], ['vpcC']);
});

test('sound of QuickTime versions 1 and 2 comes back as a plain entry', () => {
  const esds = childrenOf(
    describe({ codecId: 'A_AAC', codecPrivate: hex('1190') }).sampleEntries[0]!,
    audio,
  ).get('esds')!;
  const fixed = (version: number) => [
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    1,
    0,
    version,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    2,
    0,
    16,
    0,
    0,
    0,
    0,
    0xbb,
    0x80,
    0,
    0,
  ];
  const one = makeBox(
    'mp4a',
    fixed(1),
    new Array(16).fill(0),
    makeBox('wave', makeBox('frma', ascii('mp4a')), esds),
  );
  const found = describeSampleEntry(one);
  assert.equal(found.codecString, 'mp4a.40.2');
  assert.deepEqual([...childrenOf(found.sampleEntries[0]!, audio).keys()], ['esds']);

  const two = Buffer.alloc(36);
  two.writeUInt32BE(72, 0);
  two.writeDoubleBE(96000, 4);
  two.writeUInt32BE(2, 12);
  two.writeUInt32BE(24, 20); //                      bits a channel
  two.writeUInt32BE(4 | 8, 24); //                   signed, packed, little-endian
  const linear = describeSampleEntry(makeBox('lpcm', fixed(2), two));
  assert.deepEqual(
    [linear.codec, linear.sampleRate, linear.channels, linear.obstacle],
    ['pcm', 96000, 2, null],
  );
  assert.equal(
    Buffer.from(childrenOf(linear.sampleEntries[0]!, audio).get('pcmC')!.subarray(12)).toString('hex'),
    '0118',
  );
});

test('an encrypted entry names what it was and that the key is missing', () => {
  const entry = makeBox('encv', new Array(78).fill(0), makeBox('sinf', makeBox('frma', ascii('avc1'))));
  const found = describeSampleEntry(entry);
  assert.deepEqual([found.codec, found.codecName, found.kind], ['avc', 'avc1', 'video']);
  assert.match(found.obstacle ?? '', /encrypted/);
});

test('entries cut off anywhere or with any byte changed are described, never thrown over', () => {
  let described = 0;
  for (const { source } of carried) {
    const entry = describe(source).sampleEntries[0]!;
    for (let length = 0; length < entry.length; length++) {
      assert.equal(typeof describeSampleEntry(entry.slice(0, length)).codec, 'string');
      for (const value of [0, 1, 0x7f, 0xff]) {
        const changed = entry.slice();
        changed[length] = value;
        const { obstacle, sampleEntries } = describeSampleEntry(changed);
        assert.equal(obstacle === null, sampleEntries.length === 1);
        described++;
      }
    }
    const { codecPrivate } = source;
    for (let length = 0; codecPrivate && length < codecPrivate.length; length++) {
      const found = describe({ ...source, codecPrivate: codecPrivate.slice(0, length) });
      assert.equal(found.obstacle === null, found.sampleEntries.length === 1);
    }
  }
  assert.ok(described > 4000);
});

test('only codecs whose stream tells more than their header ask for the first frame', () => {
  assert.deepEqual(['V_VP9', 'V_AV1', 'V_VP8', 'V_MPEG4/ISO/AVC', 'A_OPUS'].map(needsFirstFrame), [
    true,
    true,
    false,
    false,
    false,
  ]);
});
