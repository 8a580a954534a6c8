// sound.mp4 on a real listener: a camera's sound alone, whose times can be laid beside those of the pictures.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CameraSample } from '../../src/cameras/driver.ts';
import { type CameraServer, startCameraServer } from '../helpers/camera-server.ts';
import { makeCamera } from '../helpers/h264-camera.ts';
import { boxesOf, type LiveViewer, pushInTime, viewLive } from '../helpers/live-viewer.ts';
import { decodeDigests } from '../helpers/media/media.ts';
import { numberedJpeg } from '../helpers/push-driver.ts';
import { until } from '../helpers/until.ts';

const path = '/cameras/door/sound.mp4';
const spec = {
  video: { codec: 'h264', bFrames: 0, seconds: 2, keyInterval: 10 },
  audio: { codec: 'aac', seconds: 2 },
} as const;

const started = ({ driver }: CameraServer) => until(() => driver.starts === 1);
const originMs = (viewer: LiveViewer) =>
  Number(/^x-time-origin: (\d+\.\d{3})\r?$/im.exec(viewer.head())?.[1]) * 1000;

/** Decode times (tfdt) of the fragments in ticks of the track. */
function timesIn(bytes: Buffer): number[] {
  return boxesOf(bytes)
    .filter(({ type }) => type === 'moof')
    .map(({ bytes: moof }) => Number(moof.readBigUInt64BE(moof.indexOf('tfdt', 0, 'latin1') + 8)));
}

/** A made camera's sound beside JPEG pictures, each at the time of a picture of its own. */
async function soundAndJpegs() {
  const { samples, path: source } = await makeCamera(spec);
  const mixed = samples.map((sample, number) =>
    sample.codec === 'avc'
      ? ({ codec: 'jpeg', data: numberedJpeg(number), ptsMicros: sample.ptsMicros, isKey: true } as const)
      : sample,
  );
  return { samples: mixed as CameraSample[], source };
}

test('the sound of a camera of single pictures is MP4 on the clock that dates the pictures', async () => {
  const { samples, source } = await soundAndJpegs();
  const server = await startCameraServer();
  const viewer = await viewLive(server.port, path);
  await started(server);
  const beganMs = server.clock.nowMs();
  const firstMicros = samples[0]!.ptsMicros;
  await pushInTime(server, samples);
  const sounds = samples.filter(({ codec }) => codec === 'aac');
  await until(() => timesIn(viewer.body()).length >= Math.floor(sounds.length / 2));
  assert.match(viewer.head(), /^content-type: audio\/mp4; codecs="mp4a\.40\.2"\r?$/im);
  assert.match(viewer.head(), /^cache-control: no-store/im);
  // A picture's X-Timestamp is when it came; sound of the same time is that far from the origin.
  const [firstTicks] = timesIn(viewer.body());
  const timescale = 48_000;
  const heardMs = originMs(viewer) + (firstTicks! * 1000) / timescale;
  const takenMs = beganMs + (sounds[0]!.ptsMicros - firstMicros) / 1000;
  assert.ok(Math.abs(heardMs - takenMs) < 25, `${heardMs - takenMs} ms apart`);
  // What comes out decodes to the very sound that went in.
  const tracks = await decodeDigests(viewer.body());
  assert.equal(tracks.length, 1);
  assert.equal(tracks[0]!.errors, 0);
  const [, sourceSound] = await decodeDigests(source);
  const digests = sourceSound!.frames.map(({ digest }) => digest);
  // The first frame, from before the file's time zero, is left out by the source's edit list only.
  const got = tracks[0]!.frames.slice(1).map(({ digest }) => digest);
  assert.ok(got.length >= sounds.length - 2);
  assert.deepEqual(got, digests.slice(0, got.length));
  assert.equal(server.cameras.get('door')!.viewers, 0, 'who listens beside the pictures is no other viewer');
  viewer.close();
  await server.close();
});

test('who comes later gets the sound of now, and an origin that fits it', async () => {
  const { samples } = await soundAndJpegs();
  const server = await startCameraServer();
  const first = await viewLive(server.port, path);
  await started(server);
  await pushInTime(server, samples.slice(0, 80));
  const second = await viewLive(server.port, path);
  await until(() => timesIn(second.body()).length > 0);
  assert.equal(timesIn(second.body())[0], timesIn(first.body()).at(-1));
  assert.ok(Math.abs(originMs(second) - originMs(first)) < 25);
  await pushInTime(server, samples.slice(80));
  await until(() => timesIn(second.body()).at(-1) === timesIn(first.body()).at(-1));
  for (const viewer of [first, second]) viewer.close();
  await server.close();
});

test('when the time of day is set, who opens the sound again gets an origin on the new time', async () => {
  const { samples } = await soundAndJpegs();
  const server = await startCameraServer();
  const first = await viewLive(server.port, path);
  await started(server);
  await pushInTime(server, samples.slice(0, 40));
  await until(() => first.head() !== '');
  // The pictures are dated an hour later from here on.
  const later = samples
    .slice(40)
    .map((sample) =>
      sample.codec === 'jpeg' ? { ...sample, takenAtMs: server.clock.nowMs() + 3_600_000 } : sample,
    );
  await pushInTime(server, later.slice(0, 20));
  const second = await viewLive(server.port, path);
  await until(() => second.head() !== '');
  const stepMs = originMs(second) - originMs(first);
  assert.ok(Math.abs(stepMs - 3_600_000) < 1000, `${stepMs} ms`);
  for (const viewer of [first, second]) viewer.close();
  await server.close();
});

test('a camera without sound answers 409 once it has had its time; a camera that is not there 404', async () => {
  const server = await startCameraServer();
  const asked = fetch(`${server.url}${path}`);
  await started(server);
  server.driver.push(numberedJpeg(1));
  await until(() => server.cameras.get('door')!.state === 'live');
  // A camera that falls silent fails after ten seconds: it goes on sending.
  for (let second = 0; second < 9; second += 1) {
    await server.clock.advance(1000);
    server.driver.push(numberedJpeg(second + 2));
    await until(() => server.cameras.figures()[0]!.samplesIn === second + 2);
  }
  await server.clock.advance(1500);
  const answer = await asked;
  assert.equal(answer.status, 409);
  assert.match(((await answer.json()) as { detail: string }).detail, /sends no sound/);
  assert.equal((await fetch(`${server.url}/cameras/none/sound.mp4`)).status, 404);
  const head = await fetch(`${server.url}${path}`, { method: 'HEAD' });
  assert.equal(head.headers.get('content-type'), 'audio/mp4');
  await server.close();
});
