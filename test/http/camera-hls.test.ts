// HLS of a camera on a real listener: blocking reloads, hinted parts, bytes that decode to the source, and a camera
// that goes off when nobody asks any more.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type CameraServer, startCameraServer } from '../helpers/camera-server.ts';
import { makeCamera } from '../helpers/h264-camera.ts';
import { pushInTime } from '../helpers/live-viewer.ts';
import { comparePictures } from '../helpers/media/compare.ts';
import { decodeDigests } from '../helpers/media/media.ts';
import { until } from '../helpers/until.ts';

const spec = {
  video: { codec: 'h264', bFrames: 0, seconds: 9, keyInterval: 25, width: 320, height: 180 },
  audio: { codec: 'aac', channels: 1 },
} as const;

const get = async ({ url }: CameraServer, name: string) => {
  const response = await fetch(`${url}/cameras/door/${name}`);
  return { response, text: await response.clone().text(), bytes: Buffer.from(await response.arrayBuffer()) };
};
const names = (text: string, pattern: RegExp) => Array.from(text.matchAll(pattern), (match) => match[1]!);

test('the playlists lead to segments and parts that decode to the source, picture by picture', async () => {
  const camera = await makeCamera(spec);
  const server = await startCameraServer();
  const asked = get(server, 'live.m3u8');
  await until(() => server.driver.starts === 1);
  const isBefore = (seconds: number) => (sample: { ptsMicros: number }) => sample.ptsMicros < seconds * 1e6;
  const [early, later] = [
    camera.samples.filter(isBefore(6.9)),
    camera.samples.filter((s) => !isBefore(6.9)(s)),
  ];
  await pushInTime(server, early);
  const main = await asked;
  assert.equal(main.response.status, 200);
  assert.equal(main.response.headers.get('content-type'), 'application/vnd.apple.mpegurl');
  assert.equal(main.response.headers.get('cache-control'), 'no-store');
  assert.match(
    main.text,
    /^#EXTM3U\n#EXT-X-VERSION:9\n#EXT-X-STREAM-INF:BANDWIDTH=\d+,CODECS="avc1\.[0-9a-f]{6},mp4a\.40\.2",RESOLUTION=320x180\nlive\/media\.m3u8\n$/,
  );
  assert.equal(server.cameras.get('door')!.viewers, 1);

  const first = await get(server, 'live/media.m3u8');
  const number = Number(/#EXT-X-MEDIA-SEQUENCE:(\d+)/.exec(first.text)![1]);
  const waiting = get(server, `live/media.m3u8?_HLS_msn=${number + 3}&_HLS_part=5`);
  const hint = names(first.text, /PRELOAD-HINT:TYPE=PART,URI="([^"]+)"/g)[0]!;
  const hinted = get(server, `live/${hint}`);
  await pushInTime(server, later);
  const reloaded = await waiting;
  assert.match(reloaded.text, new RegExp(`URI="${number + 3}\\.5\\.m4s"`));
  const part = await hinted;
  assert.equal(part.response.status, 200);

  const whole = await get(server, `live/media.m3u8?_HLS_msn=${number + 3}`);
  const segments = names(whole.text, /^(\d+\.m4s)$/gm);
  assert.ok(segments.length >= 4, whole.text);
  const [map] = names(whole.text, /EXT-X-MAP:URI="([^"]+)"/g);
  const pieces = await Promise.all([map!, ...segments].map((name) => get(server, `live/${name}`)));
  for (const { response } of pieces) {
    assert.equal(response.status, 200);
    assert.equal(response.headers.get('content-type'), 'video/mp4');
    assert.match(response.headers.get('cache-control')!, /max-age=60/);
    assert.equal(response.headers.get('access-control-allow-origin'), null);
  }
  const joined = Buffer.concat(pieces.map(({ bytes }) => bytes));
  assert.ok(joined.includes(part.bytes), 'a part is a piece of its segment');
  const [source] = await decodeDigests(camera.path);
  const streams = await decodeDigests(joined);
  const view = streams.find(({ kind }) => kind === 'video')!;
  assert.equal(view.errors, 0);
  assert.ok(view.frames.length >= 200);
  const frames = source!.frames.slice(0, view.frames.length);
  const moved = view.frames.map((frame) => ({ ...frame, timeUs: frame.timeUs - view.frames[0]!.timeUs }));
  assert.deepEqual(
    comparePictures({ ...source!, frames }, { ...view, frames: moved }, { toleranceUs: 30, tailSamples: 0 }),
    [],
  );
  assert.equal(streams.find(({ kind }) => kind === 'audio')!.errors, 0);
  // Every segment begins with a picture that needs no other: it decodes by itself.
  for (const { bytes } of pieces.slice(1)) {
    const [alone] = await decodeDigests(Buffer.concat([pieces[0]!.bytes, bytes]));
    assert.equal(alone!.errors, 0);
    assert.equal(alone!.frames.length, 50);
  }
  await server.close();
});

test('what is no name, too far ahead, gone or asked for wrongly is refused', async () => {
  const camera = await makeCamera(spec);
  const server = await startCameraServer();
  const nothing = await get(server, 'live/1.m4s');
  assert.equal(nothing.response.status, 404);
  assert.equal(server.driver.starts, 0, 'a piece alone starts nothing');
  const asked = get(server, 'live/media.m3u8');
  await until(() => server.driver.starts === 1);
  await pushInTime(
    server,
    camera.samples.filter(({ ptsMicros }) => ptsMicros < 7e6),
  );
  const number = Number(/#EXT-X-MEDIA-SEQUENCE:(\d+)/.exec((await asked).text)![1]);
  const statuses: [string, number][] = [
    [`live/media.m3u8?_HLS_msn=${number + 9}`, 400],
    ['live/media.m3u8?_HLS_part=1', 400],
    ['live/media.m3u8?_HLS_msn=-1', 400],
    [`live/${number + 9}.m4s`, 404],
    [`live/${number + 9}.0.m4s`, 404],
    ['live/init-99.mp4', 404],
    ['live/..%2f..%2fx', 404],
    ['live/media.mp4', 404],
  ];
  for (const [name, status] of statuses)
    assert.equal((await get(server, name)).response.status, status, name);
  await server.close();
});

test('the camera is on while playlists are asked for, then lingers and goes off', async () => {
  const camera = await makeCamera(spec);
  const server = await startCameraServer();
  const asked = get(server, 'live/media.m3u8');
  await until(() => server.driver.starts === 1);
  await pushInTime(
    server,
    camera.samples.filter(({ ptsMicros }) => ptsMicros < 7e6),
  );
  const early = Number(/#EXT-X-MEDIA-SEQUENCE:(\d+)/.exec((await asked).text)![1]);
  for (let i = 0; i < 4; i += 1) {
    await server.clock.advance(9000);
    // A sign of life; the driver counts as silent after ten seconds.
    await pushInTime(server, [{ ...camera.samples[0]!, ptsMicros: 9e6 * (i + 1) }]);
    assert.equal((await get(server, 'live/media.m3u8')).response.status, 200);
  }
  assert.equal(server.cameras.get('door')!.viewers, 1);
  const open = /PRELOAD-HINT:TYPE=PART,URI="(\d+)/.exec((await get(server, 'live/media.m3u8')).text)![1];
  const waiting = get(server, `live/media.m3u8?_HLS_msn=${open}`);
  let refused: number | null = null;
  void waiting.then(({ response }) => {
    refused = response.status;
  });
  // When the request arrives is not for this clock to say: it moves until the answer is there.
  await until(async () => {
    await server.clock.advance(500);
    return refused !== null;
  });
  assert.equal(refused, 503, 'three target durations without anything new');
  await server.clock.advance(15_000);
  await until(() => server.cameras.get('door')!.viewers === 0);
  await server.clock.advance(10_000);
  assert.equal(server.cameras.get('door')!.state, 'off');

  const { starts } = server.driver;
  const again = get(server, 'live/media.m3u8');
  await until(() => server.driver.starts === starts + 1);
  await pushInTime(
    server,
    camera.samples.filter(({ ptsMicros }) => ptsMicros < 7e6),
  );
  const later = Number(/#EXT-X-MEDIA-SEQUENCE:(\d+)/.exec((await again).text)![1]);
  assert.ok(later > early + 5, 'numbers never come again');
  await server.close();
});
