// Live fragments from made media: parsed back by our own parser, walked box by box, and decoded by FFmpeg to the very
// pictures and sound of the source.
import assert from 'node:assert/strict';
import test from 'node:test';
import type { CameraSample } from '../../../src/cameras/driver.ts';
import { type LiveFragment, LiveMuxer } from '../../../src/media/live/live-muxer.ts';
import { createMediaScan } from '../../../src/media/scan.ts';
import { type MadeCamera, makeCamera } from '../../helpers/h264-camera.ts';
import { comparePictures } from '../../helpers/media/compare.ts';
import { decodeDigests } from '../../helpers/media/media.ts';

/** Gives samples as a hub does: in step with their times, every key frame with the configuration that holds. */
function mux(samples: readonly CameraSample[], { isSilent = false, atMs = 0 } = {}): LiveFragment[] {
  const fragments: LiveFragment[] = [];
  const muxer = new LiveMuxer({ onFragment: (fragment) => void fragments.push(fragment), isSilent });
  feed(muxer, samples, atMs);
  return fragments;
}

function feed(muxer: LiveMuxer, samples: readonly CameraSample[], atMs = 0) {
  const configs = new Map<string, Uint8Array>();
  const first = samples[0]!.ptsMicros;
  for (const sample of samples) {
    if (sample.config) configs.set(sample.codec, sample.config);
    const config = sample.isKey ? configs.get(sample.codec) : undefined;
    const takenAtMonotonicMs = atMs + Math.max(0, sample.ptsMicros - first) / 1000;
    muxer.push({ ...sample, takenAtMonotonicMs, ...(config && { config }) });
  }
}

const joined = (fragments: readonly LiveFragment[]) =>
  Buffer.concat([fragments[0]!.init.bytes, ...fragments.map(({ part }) => part)]);

const isPicture = ({ codec }: CameraSample) => codec === 'avc' || codec === 'hevc';

function indexOf(bytes: Uint8Array) {
  const scan = createMediaScan();
  scan.push(bytes);
  const result = scan.finish();
  assert.equal(result.kind, 'index');
  return result.index;
}

/** Every box fills its parent, each moof is followed by its mdat, every run's data lies in that mdat, no byte twice. */
function assertFragments(bytes: Buffer) {
  let at = 0;
  let sequence = 0;
  const order: string[] = [];
  while (at < bytes.length) {
    const size = bytes.readUInt32BE(at);
    const type = bytes.toString('latin1', at + 4, at + 8);
    assert.ok(size >= 8 && at + size <= bytes.length, `${type} at ${at} does not fit`);
    order.push(type);
    if (type === 'moof') {
      sequence += 1;
      assert.equal(bytes.toString('latin1', at + 12, at + 16), 'mfhd');
      assert.equal(bytes.readUInt32BE(at + 20), sequence);
      const mdatBytes = bytes.readUInt32BE(at + size);
      let nextData = size + 8;
      let traf = at + 24;
      while (traf < at + size) {
        assert.equal(bytes.toString('latin1', traf + 4, traf + 8), 'traf');
        const trun = traf + 8 + 16 + 20;
        assert.equal(bytes.toString('latin1', trun + 4, trun + 8), 'trun');
        const count = bytes.readUInt32BE(trun + 12);
        assert.equal(bytes.readUInt32BE(trun), 20 + 16 * count);
        assert.equal(bytes.readUInt32BE(trun + 16), nextData, 'the run begins where the one before ended');
        for (let i = 0; i < count; i += 1) nextData += bytes.readUInt32BE(trun + 24 + 16 * i);
        traf += bytes.readUInt32BE(traf);
      }
      assert.equal(traf, at + size);
      assert.equal(nextData, size + mdatBytes, 'the runs fill mdat');
    }
    at += size;
  }
  assert.deepEqual(order.slice(0, 2), ['ftyp', 'moov']);
  const rest = order.slice(2);
  assert.ok(rest.length > 0 && rest.every((type, i) => type === (i % 2 === 0 ? 'moof' : 'mdat')));
}

async function assertSame(camera: MadeCamera, bytes: Buffer, fromPicture = 0) {
  const [source] = await decodeDigests(camera.path);
  const streams = await decodeDigests(bytes);
  const view = streams.find(({ kind }) => kind === 'video')!;
  assert.equal(view.errors, 0);
  const frames = source!.frames.slice(fromPicture);
  const shift = (list: typeof frames) =>
    list.map((frame) => ({ ...frame, timeUs: frame.timeUs - list[0]!.timeUs }));
  const differences = comparePictures(
    { ...source!, frames: shift(frames) },
    { ...view, frames: shift(view.frames) },
    { toleranceUs: 30, tailSamples: 0 },
  );
  assert.deepEqual(differences, []);
  return streams;
}

const shapes = {
  'H.264 without B-frames': { video: { codec: 'h264', bFrames: 0, seconds: 3 } },
  'H.264 with B-frames and AAC': {
    video: { codec: 'h264', bFrames: 2, seconds: 3 },
    audio: { codec: 'aac' },
  },
  'H.264 of odd size at 29.97 with AAC of 44.1 kHz': {
    video: { codec: 'h264', width: 322, height: 182, bFrames: 0, fps: [30_000, 1001], seconds: 3 },
    audio: { codec: 'aac', sampleRate: 44_100, channels: 1 },
  },
  'H.265 with AAC': { video: { codec: 'hevc', seconds: 3 }, audio: { codec: 'aac' } },
} as const;

for (const [name, spec] of Object.entries(shapes)) {
  test(`${name}: every picture decodes to the source's, at its time, in boxes that add up`, async () => {
    const camera = await makeCamera(spec);
    const fragments = mux(camera.samples);
    const bytes = joined(fragments);
    assertFragments(bytes);
    const streams = await assertSame(camera, bytes);

    const index = indexOf(bytes);
    const pictures = camera.samples.filter(isPicture);
    const video = index.tracks.find(({ kind }) => kind === 'video')!;
    assert.equal(video.samples.count, pictures.length);
    assert.equal(video.obstacle, null);
    const size = 'width' in spec.video ? [spec.video.width, spec.video.height] : [640, 360];
    assert.deepEqual([video.width, video.height], size);
    for (const [i, sample] of pictures.entries())
      assert.ok(
        Buffer.from(sample.data).equals(
          bytes.subarray(video.samples.offsets[i]!, video.samples.offsets[i]! + video.samples.sizes[i]!),
        ),
        `picture ${i} went through unchanged`,
      );
    if (!('audio' in spec)) return;
    const sound = streams.find(({ kind }) => kind === 'audio')!;
    assert.equal(sound.errors, 0);
    const track = index.tracks.find(({ kind }) => kind === 'audio')!;
    const given = camera.samples.filter((sample) => !isPicture(sample));
    // Sound before the first picture has nothing to be seen with; sound after the last waits for the next picture.
    assert.ok(track.samples.count >= given.length - 8, `${track.samples.count} of ${given.length}`);
    const steps = Array.from(track.samples.dts.subarray(1), (dts, i) => dts - track.samples.dts[i]!);
    assert.deepEqual([...new Set(steps)], [1024], 'frame follows frame');
    const apart = sound.frames[0]!.timeUs - streams.find(({ kind }) => kind === 'video')!.frames[0]!.timeUs;
    assert.ok(Math.abs(apart) < 70_000, `sound and picture start ${apart} us apart`);
  });
}

test('a stream that is joined in the middle begins at the next key frame', async () => {
  const camera = await makeCamera({ video: { codec: 'h264', bFrames: 0, seconds: 4, keyInterval: 20 } });
  const late = camera.samples
    .slice(7)
    .map((sample, i) => (i === 0 ? { ...sample, config: camera.samples[0]!.config! } : sample));
  const withConfig = late.map((sample) =>
    sample.isKey ? { ...sample, config: camera.samples[0]!.config! } : sample,
  );
  const fragments = mux(withConfig, { isSilent: true });
  assert.ok(fragments[0]!.isKey);
  await assertSame(camera, joined(fragments), 20);
});

test('a new configuration midway is a new stream that begins at its key frame', async () => {
  const small = await makeCamera({ video: { codec: 'h264', bFrames: 0, seconds: 1 } });
  const large = await makeCamera({
    video: { codec: 'h264', bFrames: 0, seconds: 1, width: 800, height: 600 },
  });
  const fragments: LiveFragment[] = [];
  const muxer = new LiveMuxer({ onFragment: (fragment) => void fragments.push(fragment), isSilent: true });
  feed(muxer, small.samples);
  feed(muxer, large.samples, 1000);
  feed(muxer, large.samples, 2000);
  const runs = [1, 2].map((number) => fragments.filter(({ init }) => init.number === number));
  assert.equal(
    runs[0]!.length + runs[1]!.length,
    fragments.length,
    'the same configuration again is no new stream',
  );
  await assertSame(small, joined(runs[0]!));
  assert.deepEqual(
    runs[1]![0]!.init.tracks.map(({ width, height }) => [width, height]),
    [[800, 600]],
  );
  assert.equal(runs[1]![0]!.isKey, true);
  const decoded = await decodeDigests(joined(runs[1]!));
  assert.equal(decoded[0]!.errors, 0);
  assert.equal(decoded[0]!.frames.length, 2 * large.samples.length);
  const times = fragments.map(({ startMicros }) => startMicros);
  assert.ok(
    times.every((time, i) => i === 0 || time > times[i - 1]!),
    'times ascend through all of it',
  );
});

test('sound that comes late is added at a key frame, and sound that falls silent is taken away', async () => {
  const camera = await makeCamera({
    video: { codec: 'h264', bFrames: 0, seconds: 10 },
    audio: { codec: 'aac' },
  });
  const samples = camera.samples.filter(
    (sample) => isPicture(sample) || (sample.ptsMicros > 2_500_000 && sample.ptsMicros < 4_500_000),
  );
  const config = camera.samples.find(({ codec }) => codec === 'aac')!.config!;
  const given = samples.map((sample) => (sample.codec === 'aac' ? { ...sample, config } : sample));
  const fragments = mux(given);
  const kinds = new Map(
    fragments.map(({ init }) => [init.number, init.tracks.map(({ kind }) => kind).join()]),
  );
  assert.deepEqual([...kinds.values()], ['video', 'video,audio', 'video']);
  for (const number of kinds.keys()) {
    const run = fragments.filter(({ init }) => init.number === number);
    assert.ok(run[0]!.isKey);
    for (const stream of await decodeDigests(joined(run))) assert.equal(stream.errors, 0);
  }
});

test('a configuration that cannot be read stops the stream until one comes that can', async () => {
  const camera = await makeCamera({ video: { codec: 'h264', bFrames: 0, seconds: 2 } });
  const broken = camera.samples.map((sample, i) =>
    i === 0
      ? { ...sample, config: Buffer.from([1, 2, 3]) }
      : i === 25
        ? { ...sample, config: camera.samples[0]!.config! }
        : sample,
  );
  const fragments = mux(broken, { isSilent: true });
  await assertSame(camera, joined(fragments), 25);
});
