// live.mp4 on a real listener with real sockets: late, stalled and leaving viewers, configurations that change, and
// cameras that have no video.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CameraSample } from '../../src/cameras/driver.ts';
import { plainCarrier } from '../../src/http/picture-carrier.ts';
import { type CameraServer, startCameraServer } from '../helpers/camera-server.ts';
import { makeCamera } from '../helpers/h264-camera.ts';
import { boxesOf, pushInTime, viewLive } from '../helpers/live-viewer.ts';
import { decodeDigests } from '../helpers/media/media.ts';
import { numberedJpeg } from '../helpers/push-driver.ts';
import { until } from '../helpers/until.ts';

const path = '/cameras/door/live.mp4';
const spec = { video: { codec: 'h264', bFrames: 0, seconds: 2, keyInterval: 10 } } as const;

const started = ({ driver }: CameraServer, starts = 1) => until(() => driver.starts === starts);
const fragmentsIn = (bytes: Buffer) => boxesOf(bytes).filter(({ type }) => type === 'moof').length;

async function numbersIn(bytes: Buffer): Promise<(number | null)[]> {
  const [video] = await decodeDigests(bytes);
  assert.equal(video!.errors, 0);
  return video!.frames.map(({ number }) => number);
}

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);

/** The decode times (tfdt) of the fragments' first track, 90 kHz. */
function timesIn(bytes: Buffer): number[] {
  return boxesOf(bytes)
    .filter(({ type }) => type === 'moof')
    .map(({ bytes: moof }) => Number(moof.readBigUInt64BE(moof.indexOf('tfdt', 0, 'latin1') + 8)));
}

test('the stream is MP4 without length or chunks, never stored; every picture is the source’s', async () => {
  const camera = await makeCamera(spec);
  const server = await startCameraServer();
  const viewer = await viewLive(server.port, path);
  await started(server);
  await pushInTime(server, camera.samples);
  await until(() => fragmentsIn(viewer.body()) === 50);
  const head = viewer.head();
  assert.match(head, /^HTTP\/1\.1 200 OK\r\n/);
  assert.match(head, /^content-type: video\/mp4; codecs="avc1\.[0-9a-f]{6}"\r?$/im);
  assert.match(head, /^cache-control: no-store/im);
  assert.match(head, /^connection: close\r?$/im);
  assert.doesNotMatch(head, /transfer-encoding|content-length|access-control/i);
  const [source] = await decodeDigests(camera.path);
  const [view] = await decodeDigests(viewer.body());
  assert.deepEqual(
    view!.frames.map(({ digest }) => digest),
    source!.frames.map(({ digest }) => digest),
  );
  viewer.close();
  await server.close();
});

test('who comes later begins at the last key frame at once; the fragments are the same bytes for all', async () => {
  const camera = await makeCamera(spec);
  const server = await startCameraServer();
  const first = await viewLive(server.port, path);
  await started(server);
  await pushInTime(server, camera.samples.slice(0, 27));
  await until(() => fragmentsIn(first.body()) === 27);
  const second = await viewLive(server.port, path);
  await until(() => fragmentsIn(second.body()) === 7, {
    what: 'pictures 20 to 26 without waiting for another',
  });
  assert.equal(server.cameras.get('door')!.viewers, 2);
  await pushInTime(server, camera.samples.slice(26 + 1));
  await until(() => fragmentsIn(first.body()) === 50 && fragmentsIn(second.body()) === 30);
  assert.deepEqual(await numbersIn(second.body()), range(20, 50));
  const own = boxesOf(second.body()).slice(2);
  const others = boxesOf(first.body()).slice(-own.length);
  for (const [i, box] of own.entries()) assert.ok(box.bytes.equals(others[i]!.bytes), `box ${i}`);
  first.close();
  second.close();
  await until(() => server.cameras.get('door')!.viewers === 0);
  await server.clock.advance(10_000);
  assert.equal(server.driver.stops, 1, 'off ten seconds after the last one left');
  await server.close();
});

for (const [name, carrier] of [
  ['by the kernel', undefined],
  ['one by one', plainCarrier],
] as const) {
  test(`a viewer that stalls goes on at a key frame with true times, the others miss nothing (${name})`, async () => {
    const camera = await makeCamera(spec);
    const server = await startCameraServer(carrier ? { carrier } : {});
    const others = await Promise.all(range(0, 5).map(() => viewLive(server.port, path)));
    await started(server);
    await pushInTime(server, camera.samples.slice(0, 1));
    const stalled = await viewLive(server.port, path);
    await until(() => server.cameras.get('door')!.viewers === 6);
    await pushInTime(server, camera.samples.slice(1, 12));
    await until(() => fragmentsIn(stalled.body()) === 12);
    stalled.pause();
    // Padding that decoders skip (a NAL unit of filler data, type 12) makes pictures too large for socket buffers.
    const filler = Buffer.alloc(2_000_000, 0xff);
    filler.writeUInt32BE(filler.length - 4);
    filler[4] = 12;
    const swollen = (sample: CameraSample) => ({ ...sample, data: Buffer.concat([sample.data, filler]) });
    await pushInTime(server, camera.samples.slice(12, 38).map(swollen));
    const dropped = () => server.cameras.figures()[0]!.dropped;
    await until(() => others.every((viewer) => fragmentsIn(viewer.body()) === 38), { timeoutMs: 15_000 });
    stalled.resume();
    await until(() => dropped() > 0, { what: 'drops were counted' });
    await pushInTime(server, camera.samples.slice(38));
    await until(() => others.every((viewer) => fragmentsIn(viewer.body()) === 50));
    await until(() => timesIn(stalled.body()).at(-1) === timesIn(others[0]!.body()).at(-1), {
      timeoutMs: 15_000,
    });
    const all = timesIn(others[0]!.body());
    const places = timesIn(stalled.body()).map((time) => all.indexOf(time));
    assert.ok(
      places.every((place) => place >= 0),
      'every fragment has the time it has for everybody',
    );
    const gap = places.findIndex((place, i) => i > 0 && place !== places[i - 1]! + 1);
    assert.ok(gap > 0, 'some were left out');
    assert.equal(places[gap]! % 10, 0, 'and it went on at a key frame');
    assert.equal(dropped(), 50 - places.length);
    assert.deepEqual(await numbersIn(stalled.body()), places);
    for (const viewer of others) assert.deepEqual(timesIn(viewer.body()), all);
    for (const viewer of [...others, stalled]) viewer.close();
    await server.close();
  });
}

test('a viewer that takes nothing for 30 seconds is closed and holds no more than the socket', async () => {
  const camera = await makeCamera(spec);
  const server = await startCameraServer();
  const stalled = await viewLive(server.port, path, { isStalled: true });
  await started(server);
  const filler = Buffer.alloc(2_000_000, 0xff);
  filler.writeUInt32BE(filler.length - 4);
  filler[4] = 12;
  const swollen = camera.samples.map((sample) => ({ ...sample, data: Buffer.concat([sample.data, filler]) }));
  await pushInTime(server, swollen.slice(0, 20));
  await server.clock.advance(28_000);
  await pushInTime(server, [{ ...camera.samples[0]!, ptsMicros: 28_000_000 }]);
  assert.equal(server.cameras.get('door')!.viewers, 1);
  // From the last byte that the kernel took on, which is not for this test's clock to say.
  await server.clock.advance(5000);
  await pushInTime(server, [{ ...camera.samples[0]!, ptsMicros: 33_000_000 }]);
  await server.clock.advance(28_000);
  await until(() => server.cameras.get('door')!.viewers === 0);
  stalled.resume();
  await until(() => stalled.isClosed);
  await server.close();
});

test('a new configuration ends the stream cleanly, and whoever opens it again gets the new one', async () => {
  const small = await makeCamera(spec);
  const large = await makeCamera({ video: { ...spec.video, width: 800, height: 600 } });
  const server = await startCameraServer();
  const viewer = await viewLive(server.port, path);
  await started(server);
  await pushInTime(server, small.samples);
  await pushInTime(server, large.samples.slice(0, 5));
  await until(() => viewer.isClosed);
  assert.deepEqual(await numbersIn(viewer.body()), range(0, 50));
  const again = await viewLive(server.port, path);
  await until(() => fragmentsIn(again.body()) === 5);
  const [video] = await decodeDigests(again.body());
  assert.deepEqual([video!.width, video!.height, video!.frames.length], [800, 600, 5]);
  again.close();
  await server.close();
});

test('a camera that comes back goes on in the same stream, later by as long as it was away', async () => {
  const camera = await makeCamera(spec);
  const server = await startCameraServer();
  const viewer = await viewLive(server.port, path);
  await started(server);
  await pushInTime(server, camera.samples.slice(0, 15));
  server.driver.fail(new Error('The cable was pulled.'));
  await until(() => server.cameras.get('door')!.state === 'no-signal');
  const refused = await fetch(`${server.url}${path}`);
  assert.equal(refused.status, 503);
  assert.match(((await refused.json()) as { detail: string }).detail, /cable was pulled/);
  await server.clock.advance(1000);
  await started(server, 2);
  await pushInTime(server, camera.samples.slice(0, 15));
  await until(() => fragmentsIn(viewer.body()) === 30);
  const times = timesIn(viewer.body());
  const [before, after] = [times[14]!, times[15]!];
  assert.equal(after - before, 90_000, 'a second of silence is a second');
  assert.deepEqual(await numbersIn(viewer.body()), [...range(0, 15), ...range(0, 15)]);
  viewer.close();
  await server.close();
});

test('a camera of single pictures answers 409 with a sentence, whether it is known beforehand or not', async () => {
  const server = await startCameraServer();
  const asked = fetch(`${server.url}${path}`);
  await started(server);
  server.driver.push(numberedJpeg(1));
  const first = await asked;
  assert.equal(first.status, 409);
  assert.match(((await first.json()) as { detail: string }).detail, /single pictures/);
  for (const name of ['live.mp4', 'live.m3u8', 'live/media.m3u8'])
    assert.equal((await fetch(`${server.url}/cameras/door/${name}`)).status, 409, name);
  assert.equal((await fetch(`${server.url}${path}`, { method: 'HEAD' })).status, 409);
  await server.close();
});

test('HEAD starts nothing, an unknown camera is 404, and a silent one is 503 after ten seconds', async () => {
  const server = await startCameraServer();
  for (const name of ['live.mp4', 'live.m3u8', 'live/media.m3u8']) {
    const head = await fetch(`${server.url}/cameras/door/${name}`, { method: 'HEAD' });
    assert.equal(head.status, 200, name);
    assert.equal((await fetch(`${server.url}/cameras/none/${name}`)).status, 404, name);
  }
  assert.equal(server.driver.starts, 0);
  const asked = fetch(`${server.url}${path}`);
  await started(server);
  await server.clock.advance(10_000);
  assert.equal((await asked).status, 503);
  await server.close();
});

test('a client that hangs up while it waits leaves nothing behind', async () => {
  const server = await startCameraServer();
  const gone = new AbortController();
  const asked = fetch(`${server.url}${path}`, { signal: gone.signal });
  await started(server);
  assert.equal(server.cameras.get('door')!.viewers, 1);
  gone.abort();
  await assert.rejects(asked);
  await until(() => server.cameras.get('door')!.viewers === 0);
  await server.close();
});
