// Changing, testing and finding cameras over the API, on a real listener.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { noKinds } from '../../src/cameras/camera-kinds.ts';
import type { DriverModule } from '../../src/cameras/driver.ts';
import { loadDriver } from '../../src/cameras/registry.ts';
import { readJpegSize } from '../../src/media/codecs/jpeg-size.ts';
import { type CameraServer, startCameraServer } from '../helpers/camera-server.ts';
import { createPushDriver, numberedJpeg } from '../helpers/push-driver.ts';
import { temporaryFolder } from '../helpers/temporary-folder.ts';
import { until } from '../helpers/until.ts';

async function send(server: CameraServer, method: string, path: string, body?: unknown) {
  const response = await fetch(`${server.url}${path}`, {
    method,
    ...(body !== undefined && {
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(body),
    }),
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

/** A driver by the test's name `pushed`, the registry's by theirs. */
async function startServer(driver: DriverModule = createPushDriver()) {
  return startCameraServer({
    load: async (name) => (name === 'pushed' ? driver : name === 'push' ? driver : loadDriver(name)),
  });
}

test('a camera is changed in name, driver and options, and its viewers see the new one', async () => {
  const driver = createPushDriver();
  const server = await startServer(driver);
  await send(server, 'POST', '/api/v1/cameras', { id: 'shed', driver: 'pushed', password: 'abc' });
  let ends = 0;
  const viewing = server.cameras.watch('shed', { onSample() {}, onEnd: () => (ends += 1) });
  await server.clock.settle();
  assert.equal(driver.starts, 1);
  const renamed = await send(server, 'PATCH', '/api/v1/cameras/shed', { name: 'Shed' });
  assert.deepEqual([renamed.status, renamed.body.name], [200, 'Shed']);
  await server.clock.settle();
  assert.equal(driver.starts, 1, 'a name alone starts nothing again');
  await send(server, 'PATCH', '/api/v1/cameras/shed', { fps: 3 });
  await server.clock.settle();
  assert.deepEqual([driver.starts, driver.stops, ends], [2, 1, 0]);
  const setup = await send(server, 'GET', '/api/v1/cameras/shed/setup');
  assert.deepEqual(setup.body, {
    ...{ id: 'shed', name: 'Shed', driver: 'pushed', options: { fps: 3 }, secrets: ['password'] },
  });
  const other = await send(server, 'PATCH', '/api/v1/cameras/shed', { driver: 'emulated' });
  assert.equal(other.body.driver, 'emulated');
  assert.deepEqual((await send(server, 'GET', '/api/v1/cameras/shed/setup')).body.secrets, []);
  viewing.close();
});

const refusals: [string, string, unknown, number, RegExp][] = [
  ['a camera that is not there', 'attic', { name: 'x' }, 404, /no camera/],
  ['a camera of the settings', 'door', { name: 'x' }, 409, /stands in the settings/],
  ['a driver that is none', 'shed', { driver: 'webcam' }, 400, /no camera driver/],
  ['a module', 'shed', { driver: './evil.ts' }, 400, /only through the settings file/],
  ['an option that is none', 'shed', { speed: 3 }, 400, /no option “speed”/],
  ['an empty name', 'shed', { name: ' ' }, 400, /1 to 200 characters/],
];
for (const [what, id, changes, status, says] of refusals) {
  test(`${what} is not changed`, async () => {
    const server = await startServer();
    await send(server, 'POST', '/api/v1/cameras', { id: 'shed', driver: 'emulated', fps: 50 });
    const stored = structuredClone(server.stored);
    const answer = await send(server, 'PATCH', `/api/v1/cameras/${id}`, changes);
    assert.equal(answer.status, status);
    assert.match(String(answer.body.detail), says);
    assert.deepEqual(server.stored, stored);
  });
}

test('a camera that works is tested with its picture, apart from all others, and nothing is left running', async () => {
  const driver = createPushDriver();
  const server = await startServer(driver);
  const tested = send(server, 'POST', '/api/v1/cameras/test', { driver: 'pushed' });
  await until(() => driver.starts === 1);
  driver.push(numberedJpeg(1));
  await server.clock.settle();
  await server.clock.advance(500);
  const { status, body } = await tested;
  assert.equal(status, 200);
  assert.deepEqual([body.ok, body.message], [true, 'The camera works: JPEG pictures.']);
  assert.equal(body.picture, `data:image/jpeg;base64,${Buffer.from(numberedJpeg(1)).toString('base64')}`);
  assert.deepEqual(body.kinds, { ...noKinds, pictures: true });
  assert.equal(driver.stops, 1);
  assert.equal(server.clock.sleepers, 0);
  assert.equal(server.cameras.list().length, 1);
});

test('a camera that fails, says nothing or sends no pictures is tested with the reason', async () => {
  const cases: [(driver: ReturnType<typeof createPushDriver>) => void, RegExp][] = [
    [
      (driver) => driver.fail(new Error('The camera at http://a:b@cam refuses abc.')),
      /at http:\/\/\*\*\*@cam refuses \*\*\*\./,
    ],
    [(driver) => driver.end(), /ended without sending a picture/],
    [() => {}, /has sent nothing within 10 seconds/],
    [(driver) => driver.push(new Uint8Array(9)), /no whole JPEG picture/],
  ];
  for (const [act, says] of cases) {
    const driver = createPushDriver();
    const server = await startServer(driver);
    const tested = send(server, 'POST', '/api/v1/cameras/test', { driver: 'pushed', password: 'abc' });
    await until(() => driver.starts === 1);
    act(driver);
    await server.clock.advance(11_000);
    const { body } = await tested;
    assert.equal(body.ok, false);
    assert.match(String(body.message), says);
    assert.equal(body.picture, null);
    assert.equal(driver.stops, 1);
    await server.close();
  }
});

test('a driver that ignores its signal does not hold up the test of it', async () => {
  const driver = createPushDriver({ ignoresSignal: true });
  const server = await startServer(driver);
  const tested = send(server, 'POST', '/api/v1/cameras/test', { driver: 'pushed' });
  await until(() => driver.starts === 1);
  await server.clock.advance(11_000);
  assert.equal((await tested).body.ok, false);
});

test('the test of a camera being edited uses the password it has, and only at its own address', async () => {
  const seen: unknown[] = [];
  const server = await startServer({
    async *samples(options) {
      seen.push(options);
      yield numberedJpeg(1);
    },
  });
  const url = 'http://cam.local/video';
  await send(server, 'POST', '/api/v1/cameras', { id: 'shed', driver: 'pushed', url, password: 'abc' });
  const like = { driver: 'pushed', likeId: 'shed' };
  await send(server, 'POST', '/api/v1/cameras/test', { ...like, url });
  assert.deepEqual(seen, [{ url, password: 'abc' }]);
  const elsewhere = await send(server, 'POST', '/api/v1/cameras/test', {
    ...like,
    url: 'http://evil.example/',
  });
  assert.equal(elsewhere.status, 400);
  assert.match(String(elsewhere.body.detail), /give password again/);
  assert.equal(seen.length, 1);
  const foreign = await send(server, 'POST', '/api/v1/cameras/test', { driver: 'pushed', likeId: 'door' });
  assert.equal(foreign.status, 409);
});

test('a camera that sends video is tested with a picture of it', async () => {
  const server = await startServer();
  const tested = send(server, 'POST', '/api/v1/cameras/test', {
    driver: 'test',
    width: 320,
    height: 180,
    fps: 10,
  });
  const answer: { body: Record<string, unknown> | null } = { body: null };
  void tested.then(({ body }) => {
    answer.body = body;
  });
  // The camera and its decoder are real processes, which go by their own time; this clock only lets them.
  await until(
    async () => {
      await server.clock.advance(1);
      return answer.body;
    },
    { timeoutMs: 30_000, what: 'the answer' },
  );
  assert.equal(answer.body!.message, 'The camera works: H.264 video of 320 × 180, sound (AAC).');
  const jpeg = Buffer.from(String(answer.body!.picture).replace('data:image/jpeg;base64,', ''), 'base64');
  assert.deepEqual(readJpegSize(jpeg), { width: 320, height: 180 });
});

test('four tests at once are enough, and one that nobody waits for any more ends', async () => {
  const driver = createPushDriver();
  const server = await startServer(driver);
  const controllers = Array.from({ length: 4 }, () => new AbortController());
  const running = controllers.map(({ signal }) =>
    fetch(`${server.url}/api/v1/cameras/test`, {
      ...{ method: 'POST', signal, headers: { 'Content-Type': 'application/json' } },
      body: JSON.stringify({ driver: 'pushed' }),
    }).catch(() => null),
  );
  await until(() => driver.starts === 4);
  assert.equal((await send(server, 'POST', '/api/v1/cameras/test', { driver: 'pushed' })).status, 429);
  for (const controller of controllers) controller.abort();
  await Promise.all(running);
  await until(() => driver.stops > 0 && server.clock.sleepers === 0, { what: 'the end of the tests' });
});

test('what is found near is offered', async () => {
  const deviceFolder = await temporaryFolder();
  const { mkdir, writeFile } = await import('node:fs/promises');
  await mkdir(`${deviceFolder}/video0`);
  await writeFile(`${deviceFolder}/video0/name`, 'Webcam <b>\n');
  const server = await startCameraServer({ discovery: { deviceFolder, onvif: { interfaces: [] } } });
  const answer = send(server, 'GET', '/api/v1/cameras/discover');
  await until(() => server.clock.sleepers === 1);
  await server.clock.advance(3000);
  assert.deepEqual((await answer).body, {
    items: [
      {
        ...{ kind: 'v4l2', name: 'Webcam <b>', address: '/dev/video0', driver: 'v4l2' },
        options: { device: '/dev/video0' },
      },
    ],
  });
});
