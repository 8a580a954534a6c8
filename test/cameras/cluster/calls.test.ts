// What any replica can do with cameras that other processes run: send to one, try one out, look for some, add, change
// and remove them.
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import { test } from 'node:test';
import type { CameraSample, DriverModule } from '../../../src/cameras/driver.ts';
import { loadDriver } from '../../../src/cameras/registry.ts';
import { AppError } from '../../../src/errors.ts';
import { type CameraCluster, createCameraCluster, watch } from '../../helpers/camera-cluster.ts';
import { createPushDriver, numberedJpeg } from '../../helpers/push-driver.ts';
import { temporaryFolder } from '../../helpers/temporary-folder.ts';

/** Resolves with the promise while time passes. */
async function settled<Value>(cluster: CameraCluster, work: Promise<Value>): Promise<Value> {
  let isOver = false;
  const done = work.finally(() => {
    isOver = true;
  });
  done.catch(() => {});
  await cluster.passUntil(() => isOver, 'an answer', 40_000);
  return done;
}

const partOf = (number: number) => {
  const jpeg = numberedJpeg(number, 2000);
  return Buffer.concat([
    Buffer.from(`--x\r\nContent-Type: image/jpeg\r\nContent-Length: ${jpeg.length}\r\n\r\n`),
    jpeg,
    Buffer.from('\r\n'),
  ]);
};

test('what a phone sends to one replica is seen at another while it comes', async (t) => {
  const cluster = await createCameraCluster(t);
  const load = async (name: string) => loadDriver(name);
  await cluster.start('owner', ['camera'], { load });
  const [a, b] = [await cluster.start('a', ['web'], { load }), await cluster.start('b', ['web'], { load })];
  await cluster.pass(1500);
  const viewer = watch(b);
  const waiting = 'no-signal: Waiting for the camera to send.';
  await cluster.passUntil(() => viewer.states.includes(waiting), 'the camera waits');
  const sent = request(`${a.url}/api/v1/cameras/door/push`, {
    method: 'POST',
    headers: { 'content-type': 'multipart/x-mixed-replace; boundary=x' },
  });
  let status = 0;
  let body = '';
  sent.on('response', (response) => {
    status = response.statusCode!;
    response.on('data', (chunk) => {
      body += chunk;
    });
  });
  sent.on('error', () => {});
  for (let number = 1; number <= 5; number += 1) {
    sent.write(partOf(number));
    await cluster.passUntil(
      () => viewer.numbers().includes(number - 1) || number === 1,
      'the picture before',
    );
  }
  // A second sender is told no by the owner, through another replica.
  const second = await settled(
    cluster,
    fetch(`${b.url}/api/v1/cameras/door/push`, { method: 'POST', body: Buffer.from(numberedJpeg(9)) }),
  );
  assert.equal(second.status, 409);
  assert.match(((await second.json()) as { detail: string }).detail, /Something else is sending/);
  sent.end('--x--\r\n');
  await cluster.passUntil(() => status !== 0 && body !== '', 'the sender is answered');
  assert.equal(status, 200);
  assert.deepEqual(JSON.parse(body), { samples: 5 });
  assert.deepEqual(viewer.numbers(), [1, 2, 3, 4, 5]);
  // A sender that goes lets the next one in.
  const cut = request(`${a.url}/api/v1/cameras/door/push`, {
    method: 'POST',
    headers: { 'content-type': 'multipart/x-mixed-replace; boundary=x' },
  });
  cut.on('error', () => {});
  cut.write(partOf(6));
  cut.write(partOf(7));
  await cluster.passUntil(() => viewer.numbers().includes(6), 'it sends');
  cut.destroy();
  await cluster.pass(300);
  const third = await settled(
    cluster,
    fetch(`${a.url}/api/v1/cameras/door/push`, { method: 'POST', body: Buffer.from(numberedJpeg(10)) }),
  );
  assert.equal(third.status, 200);
});

test('without an owner nothing can be sent, tried out or shown, and a sentence says so', async (t) => {
  const cluster = await createCameraCluster(t);
  const web = await cluster.start('web', ['web']);
  const viewer = watch(web);
  await cluster.pass(500);
  assert.equal(web.cameras.get('door')!.state, 'starting');
  const answer = await settled(
    cluster,
    fetch(`${web.url}/api/v1/cameras/door/push`, { method: 'POST', body: Buffer.from(numberedJpeg(1)) }),
  );
  assert.equal(answer.status, 503);
  const signal = new AbortController().signal;
  await assert.rejects(
    settled(cluster, web.cameras.test({ driver: 'push', options: {} }, signal)),
    /No process that runs cameras can be reached/,
  );
  await cluster.passUntil(
    () => viewer.states.some((state) => state.startsWith('no-signal: No process runs')),
    'it says so',
    11_000,
  );
  // And when there is one, it goes by itself.
  const owner = await cluster.start('owner', ['camera']);
  await cluster.passUntil(() => owner.driver.starts === 1, 'the camera starts', 5000);
  owner.driver.push(numberedJpeg(1));
  await cluster.passUntil(() => viewer.samples.length === 1, 'a picture');
});

test('a camera is tried out by a process that runs cameras, its password sealed on the way', async (t) => {
  const cluster = await createCameraCluster(t);
  const tried: Record<string, unknown>[] = [];
  const picture: CameraSample = { codec: 'jpeg', data: numberedJpeg(7), ptsMicros: 0, isKey: true };
  const camera = (isHere: boolean): DriverModule => ({
    checkOptions: ({ url }) => {
      if (url === 'wrong') throw new AppError('bad-request', 'The address is wrong.');
    },
    async *samples(options) {
      assert.ok(isHere, 'it is not run in a process that only shows cameras');
      tried.push({ ...options });
      yield picture;
    },
  });
  await cluster.start('owner', ['camera'], { load: async () => camera(true) });
  const web = await cluster.start('web', ['web'], { load: async () => camera(false) });
  await cluster.pass(1500);
  const signal = new AbortController().signal;
  const options = { url: 'rtsp://anna:pa55word@cam.local/1', password: 's3cret phrase' };
  const tested = await settled(cluster, web.cameras.test({ driver: 'mjpeg', options }, signal));
  assert.equal(tested.ok, true);
  assert.match(tested.message, /works: JPEG pictures/);
  assert.deepEqual(Buffer.from(tested.picture!.jpeg), Buffer.from(picture.data));
  assert.deepEqual(tried, [options]);
  await assert.rejects(
    settled(cluster, web.cameras.test({ driver: 'mjpeg', options: { url: 'wrong' } }, signal)),
    { kind: 'bad-request', message: 'The address is wrong.' },
  );
  // What is asked over the network holds no password.
  const box = JSON.stringify(await cluster.sent('calls/test'));
  assert.ok(box.includes('sealed'), box);
  assert.ok(!box.includes('pa55word') && !box.includes('s3cret'), box);
  for (const line of cluster.lines) assert.ok(!/pa55word|s3cret|secret of this house/.test(line), line);
});

test('cameras are looked for at every process that runs some, and found once', async (t) => {
  const cluster = await createCameraCluster(t);
  const deviceFolder = async (...names: string[]) => {
    const folder = await temporaryFolder();
    for (const [i, name] of names.entries()) {
      await mkdir(join(folder, `video${i}`), { recursive: true });
      await writeFile(join(folder, `video${i}`, 'name'), `${name}\n`);
      await writeFile(join(folder, `video${i}`, 'index'), '0\n');
    }
    return folder;
  };
  const nowhere = { onvif: { interfaces: [] } };
  const process = async (name: string, ...devices: string[]) =>
    cluster.start(name, ['camera'], {
      discovery: { ...nowhere, deviceFolder: await deviceFolder(...devices) },
    });
  await process('first', 'Webcam', 'Grabber');
  const second = await process('second', 'Webcam');
  const web = await cluster.start('web', ['web']);
  await cluster.pass(1500);
  for (const { cameras } of [web, second]) {
    const found = await settled(cluster, cameras.discover(new AbortController().signal));
    assert.deepEqual(found.map(({ name }) => name).sort(), ['Grabber', 'Webcam']);
  }
  await second.kill();
  const rest = await settled(cluster, web.cameras.discover(new AbortController().signal));
  assert.equal(rest.length, 2, 'one that does not answer is left out');
});

test('what is added, changed and removed at one replica is so at all within two seconds', async (t) => {
  const cluster = await createCameraCluster(t);
  const drivers = new Map([
    ['mjpeg', createPushDriver()],
    ['rtsp', createPushDriver()],
  ]);
  const load = async (name: string) => drivers.get(name) ?? createPushDriver();
  const owners = [
    await cluster.start('one', ['camera'], { load }),
    await cluster.start('two', ['camera'], { load }),
  ];
  const [a, b] = [await cluster.start('a', ['web'], { load }), await cluster.start('b', ['web'], { load })];
  await cluster.pass(1500);
  const all = [...owners, a, b];
  const options = { url: 'http://cam.local', password: 'pa55word' };
  await a.cameras.add({ id: 'shed', name: 'Shed', driver: 'mjpeg', options });
  const addedMs = await cluster.passUntil(
    () => all.every(({ cameras }) => cameras.get('shed')?.name === 'Shed'),
    'added',
  );
  assert.ok(addedMs <= 2000, `${addedMs} ms`);
  const viewer = watch(b, 'shed');
  const [before, after] = [drivers.get('mjpeg')!, drivers.get('rtsp')!];
  await cluster.passUntil(() => before.starts === 1, 'it is shown at the other replica', 3000);
  before.push(numberedJpeg(1));
  await cluster.passUntil(() => viewer.samples.length === 1, 'a picture');
  // Another name alone stops nothing.
  await b.cameras.edit('shed', { name: 'The shed' });
  const namedMs = await cluster.passUntil(
    () => all.every(({ cameras }) => cameras.get('shed')?.name === 'The shed'),
    'renamed',
  );
  assert.ok(namedMs <= 2000, `${namedMs} ms`);
  assert.equal(before.stops, 0);
  await a.cameras.edit('shed', { driver: 'rtsp', options });
  const editedMs = await cluster.passUntil(() => after.starts === 1 && before.stops === 1, 'started again');
  assert.ok(editedMs <= 2000, `${editedMs} ms`);
  after.push(numberedJpeg(2));
  await cluster.passUntil(() => viewer.samples.length === 2, 'a picture of the new one');
  assert.equal(viewer.ends(), 0);
  assert.deepEqual(b.cameras.setup('shed')!.options, { url: 'http://cam.local' });
  await b.cameras.remove('shed');
  const removedMs = await cluster.passUntil(
    () => all.every(({ cameras }) => cameras.get('shed') === null),
    'removed',
  );
  assert.ok(removedMs <= 2000, `${removedMs} ms`);
  assert.equal(viewer.ends(), 1);
  await cluster.passUntil(() => after.stops === 1, 'its driver ends');
  t.diagnostic(`added ${addedMs}, renamed ${namedMs}, edited ${editedMs}, removed ${removedMs} ms`);
});

test('processes whose settings differ say so, and each camera runs where it is known', async (t) => {
  const cluster = await createCameraCluster(t);
  const camera = (id: string, url = 'http://cam.local') => ({
    ...{ id, name: id, driver: 'push', options: { url } },
  });
  const one = await cluster.start('one', ['camera'], { settings: [camera('door'), camera('attic')] });
  await cluster.passUntil(() => one.cameras.clusterFigures()!.owned === 2, 'both are owned');
  await cluster.start('two', ['camera'], { settings: [camera('door', 'http://other.local')] });
  await cluster.pass(6000);
  const saying = (words: string) => cluster.lines.filter((line) => line.includes(words));
  assert.equal(saying('is not in the settings here').length, 1);
  assert.equal(
    saying('"camera":"attic"').filter((line) => line.includes('not in the settings here')).length,
    1,
  );
  assert.ok(saying('set up differently').length >= 1);
  assert.ok(saying('set up differently').length <= 2, 'and not again and again');
  for (const line of cluster.lines) assert.ok(!/cam\.local|other\.local/.test(line), line);
});
