// Cameras that send to us: over HTTP from curl-like senders, as multipart pictures and as fragmented MP4 of FFmpeg's
// own making; one at a time, with a key, and senders that send nonsense.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { request } from 'node:http';
import { test } from 'node:test';
import { noKinds } from '../../src/cameras/camera-kinds.ts';
import type { LiveSample } from '../../src/cameras/live-sample.ts';
import { loadDriver } from '../../src/cameras/registry.ts';
import { createFragmentStream, type FragmentSample } from '../../src/media/mp4/live-fragments.ts';
import { type CameraServer, startCameraServer } from '../helpers/camera-server.ts';
import { listPackets, makeMedia } from '../helpers/media/media.ts';
import { numberedJpeg, numberIn } from '../helpers/push-driver.ts';
import { until } from '../helpers/until.ts';

const mp4Path = await makeMedia({
  container: 'mp4',
  video: { codec: 'h264', width: 320, height: 240, seconds: 2, keyInterval: 10 },
  audio: { codec: 'aac', seconds: 2 },
  formatOptions: { movflags: 'frag_keyframe+empty_moov' },
});
const mp4 = await readFile(mp4Path);

async function startServer(options: Record<string, unknown> = {}): Promise<CameraServer> {
  const server = await startCameraServer({ load: loadPushed });
  await server.cameras.add({ id: 'phone', name: 'Phone', driver: 'push', options });
  return server;
}
/** The settings' camera is called `push` too; here it is the real one. */
const loadPushed = (name: string) => loadDriver(name);

function watch(server: CameraServer, id = 'phone') {
  const samples: LiveSample[] = [];
  const viewing = server.cameras.watch(id, { onSample: (sample) => samples.push(sample), onEnd() {} });
  return { samples, viewing };
}

type Pushed = { readonly status: number; readonly detail: string; readonly samples: number | undefined };

/** A sender that stays: writes when told, and tells the answer. */
function startSender(
  server: CameraServer,
  headers: Record<string, string> = {},
  path = '/api/v1/cameras/phone/push',
) {
  const sent = request(`${server.url}${path}`, { method: 'POST', headers });
  const answer = new Promise<Pushed>((resolve, reject) => {
    sent.on('error', reject);
    sent.on('response', async (response) => {
      let text = '';
      for await (const chunk of response) text += chunk;
      const body = JSON.parse(text) as { detail?: string; samples?: number };
      resolve({ status: response.statusCode!, detail: body.detail ?? '', samples: body.samples });
    });
  });
  // Awaited by the test or not: an answer that never comes is no failure of its own.
  answer.catch(() => {});
  return {
    write: (bytes: Uint8Array | string) => sent.write(bytes),
    end: () => sent.end(),
    cut: () => sent.destroy(),
    answer,
  };
}

async function push(
  server: CameraServer,
  body: Uint8Array,
  headers: Record<string, string> = {},
  path?: string,
): Promise<Pushed> {
  const sender = startSender(server, headers, path);
  sender.write(body);
  sender.end();
  return sender.answer;
}

const partOf = (number: number) => {
  const jpeg = numberedJpeg(number, 2000);
  return Buffer.concat([
    Buffer.from(`--x\r\nContent-Type: image/jpeg\r\nContent-Length: ${jpeg.length}\r\n\r\n`),
    jpeg,
    Buffer.from('\r\n'),
  ]);
};
const multipart = { 'Content-Type': 'multipart/x-mixed-replace; boundary=x' };

test('pictures that are sent as multipart are live at once, and the state says how it stands', async () => {
  const server = await startServer();
  const { samples, viewing } = watch(server);
  await until(() => server.cameras.get('phone')!.message === 'Waiting for the camera to send.');
  assert.equal(server.cameras.get('phone')!.state, 'no-signal');
  const sender = startSender(server, multipart);
  sender.write(partOf(1));
  await until(() => samples.length === 1);
  assert.equal(numberIn(samples[0]!.data), 1);
  assert.equal(server.cameras.get('phone')!.state, 'live');
  assert.deepEqual(server.cameras.get('phone')!.kinds, { ...noKinds, pictures: true });
  sender.write(partOf(2));
  sender.end();
  assert.deepEqual(await sender.answer, { status: 200, detail: '', samples: 2 });
  await until(() => server.cameras.get('phone')!.message === 'The camera stopped sending.');
  viewing.close();
});

test('a sender that falls silent is no signal after ten seconds, and let go after thirty', async () => {
  const server = await startServer();
  const { samples, viewing } = watch(server);
  const sender = startSender(server, multipart);
  sender.write(partOf(1));
  await until(() => samples.length === 1);
  await server.clock.advance(10_000);
  assert.match(server.cameras.get('phone')!.message!, /has sent nothing for 10 seconds/);
  await server.clock.advance(20_000);
  const { status, detail } = await sender.answer;
  assert.deepEqual([status, detail], [400, 'Nothing was sent for 30 seconds.']);
  viewing.close();
});

for (const [name, headers] of [
  ['declared as video/mp4', { 'Content-Type': 'video/mp4' }],
  ['declared as nothing', {}],
  ['declared as octets', { 'Content-Type': 'application/octet-stream' }],
] as const) {
  test(`fragmented MP4 ${name} gives H.264 and AAC with their configurations`, async () => {
    const server = await startServer();
    const { samples, viewing } = watch(server);
    await until(() => server.cameras.get('phone')!.message !== null);
    const { status, samples: taken } = await push(server, mp4, headers);
    assert.equal(status, 200);
    await until(() => samples.length === taken, { what: 'the last samples' });
    const pictures = samples.filter(({ codec }) => codec === 'avc');
    const sound = samples.filter(({ codec }) => codec === 'aac');
    assert.equal(pictures.length, 50);
    assert.ok(sound.length > 90);
    assert.equal(pictures[0]!.config![0], 1);
    assert.ok(sound[0]!.config);
    const { video, width, height, sound: soundKind } = server.cameras.get('phone')!.kinds;
    assert.deepEqual([video, width, height, soundKind], ['avc', 320, 240, 'aac']);
    viewing.close();
  });
}

test('who begins to watch in the middle begins at a key frame, with the configuration', async () => {
  const server = await startServer();
  const sender = startSender(server, { 'Content-Type': 'video/mp4' });
  sender.write(mp4.subarray(0, Math.floor(mp4.length / 3)));
  await until(() => server.cameras.figures().length > 0);
  const { samples, viewing } = watch(server);
  await until(() => server.cameras.get('phone')!.state !== 'off');
  await server.clock.settle();
  sender.write(mp4.subarray(Math.floor(mp4.length / 3)));
  sender.end();
  await sender.answer;
  await until(() => samples.length > 0);
  const pictures = samples.filter(({ codec }) => codec === 'avc');
  assert.ok(pictures.length > 0 && pictures.length <= 50);
  assert.equal(pictures[0]!.isKey, true);
  assert.ok(pictures[0]!.config);
  viewing.close();
});

test('while nobody watches what is sent is taken and let go', async () => {
  const server = await startServer();
  const { status, samples } = await push(server, mp4, { 'Content-Type': 'video/mp4' });
  assert.equal(status, 200);
  assert.ok(samples! > 140);
  assert.equal(server.cameras.get('phone')!.state, 'off');
});

test('one picture alone is taken as well', async () => {
  const server = await startServer();
  const { samples, viewing } = watch(server);
  await until(() => server.cameras.get('phone')!.message !== null);
  const { status } = await push(server, numberedJpeg(7), { 'Content-Type': 'image/jpeg' });
  assert.equal(status, 200);
  await until(() => samples.length === 1);
  assert.equal(numberIn(samples[0]!.data), 7);
  viewing.close();
});

test('one sends at a time; one that has been silent gives way', async () => {
  const server = await startServer();
  const first = startSender(server, multipart);
  first.write(partOf(1));
  await until(async () => (await push(server, partOf(2), multipart)).status === 409);
  await server.clock.advance(5000);
  const second = await push(server, partOf(3), multipart);
  assert.equal(second.status, 200);
  const cut = await first.answer;
  assert.deepEqual([cut.status, cut.detail], [409, 'Another sender took the place of this one.']);
});

test('a camera with a key takes only who shows it, in any of three ways', async () => {
  const server = await startServer({ key: 'open sesame' });
  const basic = `Basic ${Buffer.from('x:open sesame').toString('base64')}`;
  const path = '/api/v1/cameras/phone/push';
  const cases: [Record<string, string>, string, number][] = [
    [{}, path, 401],
    [{ Authorization: 'Bearer wrong' }, path, 401],
    [{}, `${path}?key=wrong`, 401],
    [{ Authorization: 'Bearer open sesame' }, path, 200],
    [{ Authorization: basic }, path, 200],
    [{}, `${path}?key=open%20sesame`, 200],
  ];
  for (const [headers, where, status] of cases) {
    assert.equal((await push(server, partOf(1), { ...multipart, ...headers }, where)).status, status);
  }
  assert.ok(!server.lines.join('').includes('sesame'));
});

const refusals: [string, Record<string, string>, Uint8Array, number, RegExp][] = [
  ['text', { 'Content-Type': 'text/plain' }, Buffer.from('hello'), 415, /not text\/plain/],
  ['JSON', { 'Content-Type': 'application/json' }, Buffer.from('{}'), 415, /not application\/json/],
  ['bytes of no known kind', {}, Buffer.from('hello, I am no camera'), 415, /no JPEG and no MP4/],
  ['garbage called MP4', { 'Content-Type': 'video/mp4' }, Buffer.alloc(500, 0x77), 400, /no fragmented MP4/],
  ['garbage called a picture', { 'Content-Type': 'image/jpeg' }, Buffer.alloc(500, 1), 400, /no whole JPEG/],
  [
    'parts that are no pictures',
    multipart,
    Buffer.from('--x\r\n\r\nhello\r\n--x\r\n'),
    400,
    /first part is no JPEG/,
  ],
  ['lines without a delimiter', multipart, Buffer.alloc(40_000, 0x41), 400, /no delimiter/],
  ['nothing', multipart, Buffer.alloc(0), 400, /holds no picture/],
];
for (const [name, headers, body, status, says] of refusals) {
  test(`${name}: refused with ${status} and a sentence`, async () => {
    const server = await startServer();
    const answer = await push(server, body, headers);
    assert.equal(answer.status, status);
    assert.match(answer.detail, says);
    assert.equal((await push(server, partOf(1), multipart)).status, 200, 'the next sender is taken');
  });
}

test('nothing can be sent to a camera that is there no more, or is no such camera', async () => {
  const server = await startServer();
  assert.equal((await push(server, partOf(1), multipart, '/api/v1/cameras/attic/push')).status, 404);
  await server.cameras.add({ id: 'scene', name: 'Scene', driver: 'emulated', options: {} });
  assert.equal((await push(server, partOf(1), multipart, '/api/v1/cameras/scene/push')).status, 409);
  const sender = startSender(server, multipart);
  sender.write(partOf(1));
  await until(async () => (await push(server, partOf(2), multipart)).status === 409);
  await server.cameras.remove('phone');
  assert.equal((await sender.answer).status, 409);
});

test('a sender that is cut off makes room for the next', async () => {
  const server = await startServer();
  const sender = startSender(server, multipart);
  sender.write(partOf(1));
  await until(async () => (await push(server, partOf(2), multipart)).status === 409);
  sender.cut();
  await until(async () => (await push(server, partOf(2), multipart)).status === 200);
});

function split(bytes: Uint8Array, chunkBytes: number): FragmentSample[] {
  const stream = createFragmentStream();
  const samples: FragmentSample[] = [];
  for (let at = 0; at < bytes.length; at += chunkBytes)
    samples.push(...stream.push(bytes.subarray(at, at + chunkBytes)));
  return samples;
}

test('the samples of a fragmented MP4 are FFmpeg’s packets, however the bytes are cut', async () => {
  const streams = await listPackets(mp4Path);
  for (const chunkBytes of [1, 1000, mp4.length]) {
    const samples = split(mp4, chunkBytes);
    for (const { kind, timeBase, packets } of streams) {
      const own = samples.filter(({ codec }) => (codec === 'avc') === (kind === 'video'));
      assert.deepEqual(
        own.map(({ data, isKey }) => [data.length, isKey]),
        packets.map(({ size, isKey }) => [size, isKey]),
      );
      // Presentation times without the edit list: a fixed distance from FFmpeg's.
      const micros = packets.map(({ pts }) => (pts! * timeBase[0] * 1e6) / timeBase[1]);
      const shift = own[0]!.ptsMicros - micros[0]!;
      for (const [number, { ptsMicros }] of own.entries())
        assert.ok(Math.abs(ptsMicros - micros[number]! - shift) <= 1);
    }
  }
});

test('fragmented MP4 damaged anywhere ends in samples or in a sentence, in bounded memory', () => {
  for (let at = 0; at < Math.min(mp4.length, 3000); at += 3) {
    for (const value of [0, 0xff]) {
      const damaged = Buffer.from(mp4);
      damaged[at] = value;
      try {
        split(damaged, 4096);
      } catch (error) {
        assert.match((error as Error).message, /^(What was sent|One picture|This video).*\.$/);
      }
    }
  }
});

test('a plain MP4, whose pictures come first, is refused with what to do', () => {
  const box = (type: string, content: Uint8Array) => {
    const head = Buffer.alloc(8);
    head.writeUInt32BE(8 + content.length);
    head.write(type, 4, 'latin1');
    return Buffer.concat([head, content]);
  };
  const plain = Buffer.concat([box('ftyp', Buffer.from('isom0000')), box('mdat', Buffer.alloc(100))]);
  assert.throws(() => split(plain, 50), { kind: 'bad-request', message: /empty_moov is missing/ });
  const huge = Buffer.concat([
    box('ftyp', Buffer.from('isom0000')),
    Buffer.from('7fffffff6d6f6f7600000000', 'hex'),
    Buffer.alloc(20),
  ]);
  assert.throws(() => split(huge, 50), { kind: 'bad-request', message: /heads are too large/ });
});
