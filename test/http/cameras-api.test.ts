// /api/v1/cameras on a real listener: list, add, look, remove; and no password comes out again.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { noKinds } from '../../src/cameras/camera-kinds.ts';
import { loadDriver } from '../../src/cameras/registry.ts';
import { startCameraServer } from '../helpers/camera-server.ts';
import { createPushDriver, numberedJpeg } from '../helpers/push-driver.ts';

async function post(
  url: string,
  body: unknown,
): Promise<{ status: number; headers: Headers; body: Record<string, unknown> }> {
  const response = await fetch(`${url}/api/v1/cameras`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  });
  return {
    status: response.status,
    headers: response.headers,
    body: (await response.json()) as Record<string, unknown>,
  };
}

/** The driver of the settings' camera is pushed, those that are added come from the registry. */
function startRealServer() {
  const driver = createPushDriver();
  return startCameraServer({ driver, load: async (name) => (name === 'push' ? driver : loadDriver(name)) });
}

test('the list tells each camera with its state and its viewers', async () => {
  const server = await startCameraServer();
  const list = async () =>
    (await (await fetch(`${server.url}/api/v1/cameras`)).json()) as { items: unknown[] };
  const off = {
    ...{ id: 'door', name: 'Door', driver: 'push', state: 'off', viewers: 0 },
    ...{ message: null, lastPictureAtMs: null, isFromSettings: true },
    ...{ stateSinceMs: server.clock.nowMs(), kinds: noKinds },
  };
  assert.deepEqual(await list(), { items: [off] });
  const viewing = server.cameras.watch('door', { onSample() {}, onEnd() {} });
  await server.clock.settle();
  assert.deepEqual(await list(), { items: [{ ...off, state: 'starting', viewers: 1 }] });
  server.driver.push(numberedJpeg(1));
  await server.clock.settle();
  const live = {
    ...{ ...off, state: 'live', viewers: 1, lastPictureAtMs: server.clock.nowMs() },
    kinds: { ...noKinds, pictures: true },
  };
  assert.deepEqual(await list(), { items: [live] });
  assert.deepEqual(await (await fetch(`${server.url}/api/v1/cameras/door`)).json(), live);
  viewing.close();
  await server.close();
});

test('a camera is added with 201, is there, and is removed with 204', async () => {
  const server = await startRealServer();
  const added = await post(server.url, { id: 'shed', name: 'Shed', driver: 'emulated', fps: 50 });
  assert.equal(added.status, 201);
  assert.equal(added.headers.get('location'), '/api/v1/cameras/shed');
  assert.deepEqual(added.body, {
    ...{ id: 'shed', name: 'Shed', driver: 'emulated', state: 'off', viewers: 0 },
    ...{ message: null, lastPictureAtMs: null, isFromSettings: false },
    ...{ stateSinceMs: server.clock.nowMs(), kinds: noKinds },
  });
  assert.deepEqual(
    server.stored.map(({ id, options }) => ({ id, options })),
    [{ id: 'shed', options: { fps: 50 } }],
  );
  const snapshot = await fetch(`${server.url}/cameras/shed/snapshot.jpg`);
  assert.equal(snapshot.status, 200);
  assert.deepEqual([...new Uint8Array(await snapshot.arrayBuffer()).subarray(0, 3)], [0xff, 0xd8, 0xff]);
  const remove = () => fetch(`${server.url}/api/v1/cameras/shed`, { method: 'DELETE' });
  assert.equal((await remove()).status, 204);
  assert.equal((await remove()).status, 404);
  assert.equal((await fetch(`${server.url}/api/v1/cameras/shed`)).status, 404);
  await server.close();
});

test('wrong cameras are refused with the status and the sentence that fit', async () => {
  const server = await startRealServer();
  const cases: [unknown, number, RegExp][] = [
    [{ id: 'door', driver: 'emulated' }, 409, /already a camera/],
    [{ id: 'Up Stairs', driver: 'emulated' }, 400, /id/],
    [{ id: 'shed' }, 400, /driver/],
    [{ id: 'shed', driver: 'webcam' }, 400, /there are emulated, .*mjpeg/],
    [{ id: 'shed', driver: './evil.ts' }, 400, /only through the settings file/],
    [{ id: 'shed', driver: 'emulated', fps: 1e9 }, 400, /fps/],
    [{ id: 'shed', driver: 'mjpeg', url: { nested: true } }, 400, /The option url/],
    [{ id: 'shed', driver: 'images' }, 400, /needs the option path/],
  ];
  for (const [body, status, says] of cases) {
    const answer = await post(server.url, body);
    assert.equal(answer.status, status, JSON.stringify(body));
    assert.match(String(answer.body.detail), says);
  }
  const settings = await fetch(`${server.url}/api/v1/cameras/door`, { method: 'DELETE' });
  assert.equal(settings.status, 409);
  await server.close();
});

test('what was given as a password is in no answer and in no line of the log', async () => {
  const server = await startRealServer();
  const url = 'http://anna:hunter2@127.0.0.1:1/video?pwd=tops3cret';
  const answers = [
    await post(server.url, { id: 'shed', driver: 'mjpeg', url, password: 's3same' }),
    await post(server.url, { id: 'barn', driver: 'mjpeg', url: url.replace('http', 'ftp') }),
    await post(server.url, { id: 'hut', driver: 'mjpeg', url: ['hunter2'], password: 's3same' }),
  ];
  assert.deepEqual(
    answers.map(({ status }) => status),
    [201, 400, 400],
  );
  const texts = [
    ...answers.map(({ body }) => JSON.stringify(body)),
    await (await fetch(`${server.url}/cameras/shed/snapshot.jpg`)).text(),
    await (await fetch(`${server.url}/api/v1/cameras`)).text(),
    await (await fetch(`${server.url}/api/v1/cameras/shed`)).text(),
    ...server.lines,
  ].join('\n');
  assert.match(texts, /Nothing answers/);
  assert.doesNotMatch(texts, /hunter2|tops3cret|s3same/);
  await server.close();
});
