// Real files, made here by FFmpeg's encoders or lying in the shared corpus: the index has every packet that FFmpeg's
// demuxer finds, byte for byte and at its time.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { MediaIndex, Track } from '../../src/media/track.ts';
import { keyFlags, parsePushed, parseRead, presentedSeconds } from '../helpers/matroska-writer.ts';
import { listPackets, makeMedia, missingEncoder, sharedMedia } from '../helpers/media/media.ts';
import type { MediaSpec, StreamPackets } from '../helpers/media/media-spec.ts';

const digest = (bytes: Uint8Array) => createHash('sha1').update(bytes).digest('hex').slice(0, 16);

/** Rounding to the file's ticks, on both sides. */
const toleranceSeconds = { video: 0.0011, audio: 0.0061, subtitle: 0.0011 };

function compare(file: Uint8Array, index: MediaIndex, streams: readonly StreamPackets[]): void {
  assert.equal(index.tracks.length, streams.length);
  index.tracks.forEach((track, number) => {
    const { packets, timeBase } = streams[number]!;
    const { offsets, sizes, count } = track.samples;
    const what = `track ${track.number} (${track.codecName})`;
    assert.equal(count, packets.length, what);
    const isCompressed = track.obstacle?.includes('compressed') ?? false;
    const shown = presentedSeconds(index, number);
    const keys = keyFlags(index, number);
    packets.forEach((packet, sample) => {
      if (!isCompressed) {
        const bytes = file.subarray(offsets[sample]!, offsets[sample]! + sizes[sample]!);
        assert.equal(sizes[sample], packet.size, `${what}, size of ${sample}`);
        assert.equal(digest(bytes), packet.digest, `${what}, bytes of ${sample}`);
      }
      if (track.kind === 'video') assert.equal(keys[sample], packet.isKey, `${what}, key ${sample}`);
      if (packet.pts === null) return;
      const expected = (packet.pts * timeBase[0]) / timeBase[1];
      const apart = Math.abs(shown[sample]! - expected);
      assert.ok(
        apart <= toleranceSeconds[track.kind],
        `${what}, sample ${sample}: ${shown[sample]} for ${expected}`,
      );
    });
  });
}

async function check(path: string): Promise<MediaIndex> {
  const file = new Uint8Array(await readFile(path));
  const index = parsePushed(file, 65_536);
  assert.deepEqual(parsePushed(file, 977), index);
  assert.deepEqual(await parseRead(file), index);
  compare(file, index, await listPackets(path));
  return index;
}

/** Distances between the frames of a track, without the last one. */
const steps = ({ samples }: Track) =>
  new Set(Array.from(samples.dts.subarray(1), (dts, at) => dts - samples.dts[at]!));

const video = { width: 192, height: 108, seconds: 3 };
const made: { [sentence: string]: { spec: MediaSpec; frameLength?: number } } = {
  'H.264 with B-frames and AAC': {
    spec: { container: 'matroska', video: { codec: 'h264', ...video, bFrames: 3 }, audio: { codec: 'aac' } },
    frameLength: 1024,
  },
  'H.264 at 29.97 pictures a second and AAC at 44.1 kHz': {
    spec: {
      container: 'matroska',
      video: { codec: 'h264', ...video, fps: [30_000, 1001] },
      audio: { codec: 'aac', sampleRate: 44_100 },
    },
    frameLength: 1024,
  },
  'VP8 and Vorbis': {
    spec: { container: 'webm', video: { codec: 'vp8', ...video }, audio: { codec: 'vorbis' } },
  },
  'VP9 and Opus': {
    spec: { container: 'webm', video: { codec: 'vp9', ...video }, audio: { codec: 'opus' } },
    frameLength: 960,
  },
  'HEVC and FLAC': {
    spec: { container: 'matroska', video: { codec: 'hevc', ...video }, audio: { codec: 'flac' } },
    frameLength: 4608,
  },
  'AV1 and MP3': {
    spec: { container: 'matroska', video: { codec: 'av1', ...video }, audio: { codec: 'mp3' } },
    frameLength: 1152,
  },
  'MPEG-4 and AC-3': {
    spec: { container: 'matroska', video: { codec: 'mpeg4', ...video }, audio: { codec: 'ac3' } },
  },
  'PCM alone': { spec: { container: 'matroska', audio: { codec: 'pcm', seconds: 3 } }, frameLength: 1024 },
  'a live file, without Cues and known sizes': {
    spec: {
      container: 'matroska',
      video: { codec: 'h264', ...video },
      audio: { codec: 'opus' },
      formatOptions: { live: '1', cluster_time_limit: '300' },
    },
    frameLength: 960,
  },
};

describe('matroska from real encoders', () => {
  for (const [sentence, { spec, frameLength }] of Object.entries(made)) {
    test(`${sentence}: every packet is found at its place and time`, async (t) => {
      const missing = await missingEncoder(spec);
      if (missing !== null) return t.skip(`this FFmpeg has no ${missing}`);
      const index = await check(await makeMedia(spec));
      assert.deepEqual(index.remarks, []);
      assert.equal(index.container, spec.container);
      assert.ok(Math.abs(index.durationMs - 3000) < 120, `${index.durationMs} ms`);
      const sound = index.tracks.find(({ kind }) => kind === 'audio');
      if (frameLength !== undefined) assert.deepEqual([...steps(sound!)], [frameLength]);
    });
  }
});

describe('matroska from the shared corpus', () => {
  const root = sharedMedia();
  const names = ['play', 'odd', 'broken'].flatMap((folder) => {
    const path = root === null ? null : sharedMedia(folder);
    return path === null
      ? []
      : readdirSync(path)
          .filter((name) => /\.(mkv|webm|mka)$/.test(name))
          .map((name) => `${folder}/${name}`);
  });
  if (root === null) test('the corpus', (t) => t.skip('there is no shared media folder'));
  for (const name of names) {
    test(`${name} has the packets that FFmpeg finds`, async () => {
      await check(join(root!, name));
    });
  }
});
