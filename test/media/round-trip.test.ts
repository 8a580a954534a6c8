// What a view decodes to is what the original decodes to, picture by picture and sample by sample of sound: for media
// made here in every container and codec that a view carries, and for the shared corpus where it exists.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import test from 'node:test';
import type { AppError } from '../../src/errors.ts';
import { decodeIndex, encodeIndex } from '../../src/media/index-file.ts';
import { createMediaScan, type MediaScanResult, scanStored } from '../../src/media/scan.ts';
import type { MediaIndex, Track } from '../../src/media/track.ts';
import { buildClipView } from '../../src/media/views/clip.ts';
import { buildMp4View, type Mp4View } from '../../src/media/views/progressive.ts';
import { viewTracks } from '../../src/media/views/view-tracks.ts';
import { comparePictures, compareSound, soundError } from '../helpers/media/compare.ts';
import {
  type DecodedFrame,
  type DecodedStream,
  decodeDigests,
  listPackets,
  type MediaSpec,
  makeMedia,
  missingEncoder,
  sharedMedia,
} from '../helpers/media/media.ts';
import { assertSoundBoxes } from '../helpers/media/walk-boxes.ts';

/** Small: every clip is decoded, and what is cut wrongly is so at any size. */
const small = { width: 320, height: 180 } as const;
const h264 = { codec: 'h264', seconds: 6, ...small } as const;
const aac = { codec: 'aac' } as const;
const fragments = (movflags: string): MediaSpec => ({
  container: 'mp4',
  video: h264,
  audio: aac,
  formatOptions: { movflags },
});

const made: { [name: string]: MediaSpec } = {
  'Matroska with H.264, B-frames and AAC': { container: 'matroska', video: h264, audio: aac },
  'Matroska with HEVC and FLAC': {
    container: 'matroska',
    video: { codec: 'hevc', ...small },
    audio: { codec: 'flac' },
  },
  'Matroska with AV1 and MP3': {
    container: 'matroska',
    video: { codec: 'av1', ...small },
    audio: { codec: 'mp3' },
  },
  'Matroska with H.264 and Opus': { container: 'matroska', video: h264, audio: { codec: 'opus' } },
  'Matroska with MP3 alone': { container: 'matroska', audio: { codec: 'mp3', sampleRate: 44_100 } },
  'Matroska with FLAC alone': { container: 'matroska', audio: { codec: 'flac', channels: 1 } },
  'WebM with VP8 and Vorbis': {
    container: 'webm',
    video: { codec: 'vp8', ...small },
    audio: { codec: 'vorbis' },
  },
  'WebM with VP9 and Opus': {
    container: 'webm',
    video: { codec: 'vp9', ...small },
    audio: { codec: 'opus' },
  },
  'MP4 with moov last': { container: 'mp4', video: h264, audio: aac },
  'MP4 with moov first': fragments('faststart'),
  'MP4 with negative composition offsets': fragments('negative_cts_offsets'),
  'MP4 with HEVC and Opus': {
    container: 'mp4',
    video: { codec: 'hevc', ...small },
    audio: { codec: 'opus' },
  },
  'MP4 with AV1 and FLAC': { container: 'mp4', video: { codec: 'av1', ...small }, audio: { codec: 'flac' } },
  'MP4 with VP9 at 29.97 and MP3': {
    container: 'mp4',
    video: { codec: 'vp9', fps: [30_000, 1001], ...small },
    audio: { codec: 'mp3' },
  },
  'fragmented MP4': fragments('frag_keyframe+empty_moov'),
  'fragmented MP4 with the moof as base': fragments('frag_keyframe+empty_moov+default_base_moof'),
  'fragmented MP4 with a late moov': fragments('frag_keyframe+delay_moov'),
  'fragmented MP4 with samples in moov': fragments('frag_keyframe'),
  'DASH in one file': fragments('frag_keyframe+empty_moov+dash+global_sidx'),
  'MP4 with fragments inside mdat': fragments('hybrid_fragmented'),
  'MOV with H.264 and AAC': { container: 'mov', video: h264, audio: aac },
  'MOV with uncompressed sound': { container: 'mov', video: h264, audio: { codec: 'pcm' } },
};

const manyClips = 20;

/** Why a corpus file plays differently, or not at all, and what is expected of it instead. */
const withoutView: { [name: string]: RegExp } = {
  'odd/sample_ac3.mp4': /Dolby/,
  'odd/sample_eac3.mp4': /Dolby/,
  'odd/sample_with_dts.mkv': /DTS/,
  'broken/full_blocks.mkv': /./,
};
const noIndex = ['odd/sample.avi', 'odd/segment.ts', 'camera/vtest.avi'];
/** FFmpeg refuses the original; what it should show is that of another file. */
const standsFor: { [name: string]: string } = {
  'broken/sample_malformed_free_box.mp4': 'play/sample.mp4',
};
/** A clip is decoded from its key frame on, which takes long where pictures are large and key frames far apart. */
const slowToCut = ['odd/edit_list_positive_shift.mp4', 'odd/hdr10-av1.mp4'];
/** Longer than this, packets are compared instead of what they decode to: it takes too long otherwise. */
const mostDecoded = 2000;

function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Indexes bytes in both ways, which must agree, and through the file that an index is kept in. */
async function scan(bytes: Buffer, seed: number): Promise<MediaScanResult> {
  const random = randomNumbers(seed);
  const pushing = createMediaScan();
  for (let at = 0; at < bytes.length; ) {
    const size = random() < 0.5 ? Math.ceil(random() * 64) : Math.ceil(random() * 100_000);
    pushing.push(bytes.subarray(at, at + size));
    at += size;
  }
  const pushed = pushing.finish();
  const readAt = (into: Uint8Array, position: number) => bytes.copy(into, 0, position);
  assert.deepEqual(await scanStored(readAt, bytes.length), pushed);
  if (pushed.kind === 'index') assert.deepEqual(decodeIndex(encodeIndex(pushed.index)), pushed.index);
  return pushed;
}

async function indexOf(bytes: Buffer): Promise<MediaIndex> {
  const result = await scan(bytes, bytes.length);
  assert.equal(result.kind, 'index');
  return (result as { index: MediaIndex }).index;
}

/** A stretch of the view's bytes, as a Range request reads it: generated bytes, then the blob's. */
function readView(view: Mp4View, blob: Buffer, start: number, end: number): Buffer {
  const headerBytes = view.header.length;
  return Buffer.concat([
    view.header.subarray(Math.min(start, headerBytes), Math.min(end, headerBytes)),
    blob.subarray(
      view.start + Math.max(0, start - headerBytes),
      Math.min(view.end, view.start + Math.max(0, end - headerBytes)),
    ),
  ]);
}

const viewSize = (view: Mp4View) => view.header.length + view.end - view.start;

/** The whole view; what random and one-byte ranges give, put together, must be the same. */
function wholeView(view: Mp4View, blob: Buffer): Buffer {
  const size = viewSize(view);
  const whole = readView(view, blob, 0, size);
  assert.equal(whole.length, size);
  const random = randomNumbers(size);
  const bounds = new Set([0, size]);
  for (let i = 0; i < 50; i += 1) bounds.add(Math.floor(random() * size));
  // Byte by byte over the seam between what is generated and what is the blob's.
  for (let i = -40; i <= 40; i += 1) bounds.add(Math.min(size, Math.max(0, view.header.length + i)));
  const sorted = [...bounds].sort((a, b) => a - b);
  const pieces = sorted.slice(1).map((end, i) => readView(view, blob, sorted[i]!, end));
  assert.ok(Buffer.concat(pieces).equals(whole));
  return whole;
}

type Played = {
  readonly index: MediaIndex;
  readonly blob: Buffer;
  /** The original's streams in the order of the view's tracks. */
  readonly originals: readonly DecodedStream[];
  readonly tracks: readonly Track[];
};

/** A tick of the track or of the container, whichever is longer, and what rounding to microseconds adds. */
function toleranceUs(index: MediaIndex, track: Track): number {
  const containerTickUs = index.container === 'matroska' || index.container === 'webm' ? 1000 : 0;
  return Math.max(containerTickUs, 1e6 / track.timescale) + 1;
}

/**
 * How many samples of sound may be there or not at the very end. FFmpeg leaves out what the last sample's duration
 * says is padding in plain MP4 but not in fragments, and for Vorbis in Matroska but not in MP4.
 */
function tailSamples(index: MediaIndex, track: Track): number {
  const isFragmented = index.container === 'mp4' && !index.isProgressive;
  return isFragmented || track.codec === 'vorbis' ? 1024 : 0;
}

/** Compares the view of a file with what the file decodes to. `reference` decodes in its place where it cannot. */
async function compareView(path: string, reference = path): Promise<Played> {
  const blob = readFileSync(path);
  const index = await indexOf(blob);
  const view = buildMp4View(index);
  const bytes = wholeView(view, blob);
  assertSoundBoxes(bytes);
  const decoded = await decodeDigests(reference, { pcm: true });
  const played = await decodeDigests(bytes, { pcm: true });
  const known = index.tracks.filter(({ kind }) => kind !== 'subtitle');
  const tracks = viewTracks(index).map(({ track }) => track);
  // FFmpeg numbers streams as the file does; a track of no known coding may have no decoder, at the end.
  const originals = tracks.map((track) => decoded[known.indexOf(track)]!);
  const differences = tracks.flatMap((track, i) => {
    const [original, shown] = [originals[i], played[i]];
    if (!original || !shown) return [`track ${i} is missing`];
    const options = { toleranceUs: toleranceUs(index, track), tailSamples: tailSamples(index, track) };
    const compare: typeof compareSound = track.kind === 'video' ? comparePictures : compareSound;
    return compare(original, shown, options).map((words) => `${original.codec}: ${words}`);
  });
  assert.equal(played.length, tracks.length);
  assert.deepEqual(differences, []);
  return { index, blob, originals, tracks };
}

/** As `compareView` for long files: what FFmpeg's demuxer gives of both, packet by packet. */
async function comparePackets(path: string): Promise<void> {
  const blob = readFileSync(path);
  const index = await indexOf(blob);
  const bytes = wholeView(buildMp4View(index), blob);
  assertSoundBoxes(bytes);
  const [originals, shown] = [await listPackets(path), await listPackets(bytes)];
  const facts = (stream: (typeof originals)[number] | undefined) =>
    stream?.packets.map(({ pts, isKey, digest }) => {
      const [numerator, denominator] = stream.timeBase;
      return [Math.round(((pts ?? 0) * numerator * 1e5) / denominator), isKey, digest];
    });
  assert.deepEqual(shown.map(facts), originals.map(facts));
}

/** So many stretches of a video, each decoded: exactly the pictures of that stretch. */
async function compareClips({ index, blob, originals, tracks }: Played, count: number): Promise<void> {
  const random = randomNumbers(blob.length + 1);
  const durationUs = index.durationMs * 1000;
  const pictures = originals.find(({ kind }) => kind === 'video');
  const times = (pictures?.frames ?? []).map(({ timeUs }) => timeUs).sort((a, b) => a - b);
  for (let cut = 0; cut < count; cut += 1) {
    let startUs = Math.floor(random() * durationUs * 0.95);
    // Bounds are what is tried, so most are short: each picture in between costs time alone.
    const longestUs = Math.min(cut % 5 === 0 ? 3e6 : 500_000, durationUs);
    let endUs = Math.min(durationUs, startUs + 50_000 + Math.floor(random() * longestUs));
    // Which side of a bound a picture falls that is within a tick of it is a matter of rounding: keep away.
    const isNear = (us: number) => times.some((time) => Math.abs(time - us) < 2500);
    while (isNear(startUs)) startUs += 2500;
    while (isNear(endUs) && endUs < durationUs) endUs += 2500;
    if (startUs >= endUs) continue;
    const what = `clip ${startUs}..${endUs} us`;
    const view = buildClipView(index, startUs / 1e6, endUs >= durationUs ? null : endUs / 1e6);
    const bytes = wholeView(view, blob);
    assertSoundBoxes(bytes);
    const decoded = await decodeDigests(bytes, { pcm: true });
    // The clip begins with the picture that is on the screen.
    const fromUs = times.findLast((time) => time <= startUs) ?? startUs;
    for (const stream of decoded) {
      const at = originals.findIndex(({ kind }) => kind === stream.kind);
      const original = originals[at]!;
      if (stream.kind === 'video') comparePart(original.frames, stream.frames, fromUs, endUs, what);
      else compareSoundPart(original, stream, fromUs, endUs, tracks[at]!, what);
    }
  }
}

function comparePart(
  whole: DecodedFrame[],
  part: DecodedFrame[],
  fromUs: number,
  endUs: number,
  what: string,
) {
  const expected = whole.filter(({ timeUs }) => timeUs >= fromUs - 1500 && timeUs < endUs);
  const digests = (frames: DecodedFrame[]) => frames.map(({ digest }) => digest);
  assert.deepEqual(digests(part), digests(expected), what);
  for (const [i, { timeUs }] of part.entries())
    assert.ok(Math.abs(timeUs - (expected[i]!.timeUs - fromUs)) < 2500, `${what}: picture ${i} at ${timeUs}`);
}

/** The sound of a clip, laid over the whole's at its time, is the same, but for what a decoder needs to settle. */
function compareSoundPart(
  whole: DecodedStream,
  part: DecodedStream,
  fromUs: number,
  endUs: number,
  track: Track,
  what: string,
) {
  if (part.frames.length === 0) return;
  const { sampleRate } = whole;
  const startUs = part.frames[0]!.timeUs;
  const lengthUs = (part.pcm!.length / part.channels / sampleRate) * 1e6;
  const frameUs = (Math.max(...whole.frames.map(({ samples }) => samples)) / sampleRate) * 1e6 + 2000;
  assert.ok(startUs >= -frameUs, `${what}: sound begins at ${startUs}`);
  // Cut at whole frames on both sides.
  assert.ok(startUs + lengthUs <= endUs - fromUs + 2 * frameUs, `${what}: sound is ${lengthUs} us long`);
  const atSample = sampleAt(whole, fromUs + startUs);
  // Times that are rounded to ticks may be off by half a tick on both sides. Where a codec cannot start anywhere,
  // readers differ on the rest, but never by more than a frame.
  const tick = Math.ceil(sampleRate / Math.min(track.timescale, sampleRate)) + 1;
  const frame = Math.max(...whole.frames.map(({ samples }) => samples));
  const isSame = (slack: number, stride: number) => isFoundNear(whole, part, atSample, slack, stride);
  assert.ok(isSame(tick, 1) || isSame(frame + tick, 5), `${what}: sound differs`);
}

/** Where in the decoded sound a time is; sound may have gaps. */
function sampleAt({ frames, sampleRate }: DecodedStream, timeUs: number): number {
  let before = 0;
  let at = 0;
  for (const frame of frames) {
    if (frame.timeUs <= timeUs || before === 0) at = before + ((timeUs - frame.timeUs) * sampleRate) / 1e6;
    before += frame.samples;
  }
  return Math.round(at);
}

/** Whether a part is the whole's sound within `slack` samples of its place; also where it is too short to tell. */
function isFoundNear(
  whole: DecodedStream,
  part: DecodedStream,
  atSample: number,
  slack: number,
  stride: number,
) {
  const options = { settleSamples: 4096, stride, most: 0.1 };
  let isTold = false;
  // The nearest places first: 0, 1, -1, 2, -2, ...
  for (let i = 0; i <= 2 * slack; i += 1) {
    const shift = i % 2 === 0 ? -i / 2 : (i + 1) / 2;
    const error = soundError(whole, part, atSample + shift, options);
    if (error <= options.most) return true;
    isTold ||= !Number.isNaN(error);
  }
  return !isTold;
}

for (const [name, spec] of Object.entries(made)) {
  test(`the view of ${name} and its clips decode to what the file does`, async (t) => {
    const missing = await missingEncoder(spec);
    if (missing) {
      t.skip(`this FFmpeg has no ${missing}`);
      return;
    }
    const played = await compareView(await makeMedia(spec));
    await compareClips(played, manyClips);
  });
}

function corpusFiles(): string[] {
  const root = sharedMedia();
  if (!root) return [];
  return ['play', 'odd', 'broken', 'camera'].flatMap((folder) =>
    readdirSync(`${root}/${folder}`).map((file) => `${folder}/${file}`),
  );
}

for (const name of corpusFiles()) {
  const path = sharedMedia(name)!;
  const refusal = withoutView[name];
  if (noIndex.includes(name)) {
    test(`${name} is told from its bytes and has no index`, async () => {
      assert.equal((await scan(readFileSync(path), 7)).kind, 'other');
    });
  } else if (refusal) {
    test(`${name} has no view, and its tracks say why`, async () => {
      const index = await indexOf(readFileSync(path));
      assert.match(index.tracks.map(({ obstacle }) => obstacle).join(), refusal);
      assert.throws(() => buildMp4View(index), {
        name: 'AppError',
        kind: 'unplayable',
      } satisfies Partial<AppError>);
    });
  } else {
    test(`the view of ${name} and its clips decode to what the file does`, async (t) => {
      const index = await indexOf(readFileSync(path));
      const longest = Math.max(...index.tracks.map(({ samples }) => samples.count));
      if (longest > mostDecoded) {
        t.diagnostic(`${basename(path)} has ${longest} samples: packets are compared, no clips are made`);
        return comparePackets(path);
      }
      const reference = standsFor[name];
      const played = await compareView(path, reference ? sharedMedia(reference)! : path);
      if (played.originals.some(({ errors }) => errors > 0))
        t.diagnostic('damaged inside: no clips are made');
      else await compareClips(played, slowToCut.includes(name) ? 2 : manyClips);
    });
  }
}
