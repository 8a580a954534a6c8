// stream.mjpeg and snapshot.jpg on a real listener with real sockets, under a clock the test moves.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { connect } from 'node:net';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { createPictureCarrier, plainCarrier } from '../../src/http/picture-carrier.ts';
import { type CameraServer, startCameraServer, viewStream } from '../helpers/camera-server.ts';
import { createPushDriver, numberedJpeg, numberIn } from '../helpers/push-driver.ts';
import { until } from '../helpers/until.ts';

const path = '/cameras/door/stream.mjpeg';

async function viewersOf({ cameras }: CameraServer, count: number): Promise<void> {
  await until(() => cameras.get('door')!.viewers === count, { what: `${count} viewers` });
}

test('a stream is multipart/x-mixed-replace without chunks, never stored, its delimiter after each picture', async () => {
  const server = await startCameraServer();
  const viewer = await viewStream(server.port, path);
  await viewersOf(server, 1);
  await until(() => server.driver.starts === 1);
  const jpeg = numberedJpeg(1);
  server.driver.push(jpeg);
  await until(() => viewer.numbers.length === 1);
  const head = viewer.head();
  assert.match(head, /^HTTP\/1\.1 200 OK\r\n/);
  assert.match(head, /^content-type: multipart\/x-mixed-replace; boundary=frame\r$/im);
  assert.match(head, /^cache-control: no-store/im);
  assert.match(head, /^x-accel-buffering: no\r$/im);
  assert.match(head, /^connection: close\r$/im);
  assert.doesNotMatch(head, /transfer-encoding|content-length/i);
  const body = viewer.firstPart().toString('latin1');
  assert.ok(body.startsWith('--frame\r\nContent-Type: image/jpeg\r\n'));
  assert.ok(body.endsWith(`${Buffer.from(jpeg).toString('latin1')}\r\n--frame\r\n`));
  viewer.close();
  await server.close();
});

test('the camera starts with the first viewer and stops ten seconds after the last has hung up', async () => {
  const server = await startCameraServer();
  assert.equal(server.driver.starts, 0);
  const viewers = await Promise.all([1, 2, 3].map(() => viewStream(server.port, path)));
  await viewersOf(server, 3);
  await until(() => server.driver.starts === 1);
  for (const viewer of viewers) viewer.close();
  await viewersOf(server, 0);
  await server.clock.advance(9_999);
  assert.equal(server.driver.stops, 0);
  await server.clock.advance(1);
  assert.equal(server.driver.stops, 1);
  assert.equal(server.driver.starts, 1);
  await server.close();
});

test('every viewer gets every picture once, and one who comes later begins with the newest', async () => {
  const server = await startCameraServer();
  const first = await viewStream(server.port, path);
  await viewersOf(server, 1);
  await until(() => server.driver.starts === 1);
  for (let number = 1; number <= 20; number += 1) {
    server.driver.push(numberedJpeg(number, 20_000));
    await until(() => first.numbers.at(-1) === number);
  }
  const second = await viewStream(server.port, path);
  await until(() => second.numbers.length === 1, { what: 'the newest picture at once' });
  server.driver.push(numberedJpeg(21, 20_000));
  await until(() => first.numbers.at(-1) === 21 && second.numbers.at(-1) === 21);
  assert.deepEqual(
    first.numbers,
    Array.from({ length: 21 }, (_, index) => index + 1),
  );
  assert.deepEqual(second.numbers, [20, 21]);
  first.close();
  second.close();
  await server.close();
});

for (const [name, carrier] of [
  ['by the kernel', undefined],
  ['one by one', plainCarrier],
] as const) {
  test(`a picture carried ${name} is the same for all, and so is the rest for who had to wait`, async (context) => {
    const server = await startCameraServer(carrier ? { carrier } : {});
    if (!carrier && createPictureCarrier() === plainCarrier) {
      context.diagnostic('koffi is not installed or this is not Linux: pictures are written one by one here');
    }
    const sizes = [200, 56_000, 3_000_000, 1, 4_000_000, 70_000];
    const viewers = await Promise.all(Array.from({ length: 12 }, () => viewStream(server.port, path)));
    await viewersOf(server, 12);
    await until(() => server.driver.starts === 1);
    for (const [number, sizeBytes] of sizes.entries()) {
      server.driver.push(numberedJpeg(number, sizeBytes));
      await until(() => viewers.every((viewer) => viewer.numbers.at(-1) === number), {
        what: `picture ${number}`,
      });
    }
    const sent = createHash('sha256');
    for (const [number, sizeBytes] of sizes.entries())
      sent.update(numberedJpeg(number, sizeBytes)).update('\r\n--frame\r\n');
    const expected = sent.digest('hex');
    for (const viewer of viewers) {
      assert.deepEqual(viewer.numbers, [0, 1, 2, 3, 4, 5]);
      assert.equal(viewer.digest(), expected);
      viewer.close();
    }
    await server.close();
  });
}

test('a slow viewer skips to the newest picture when it can take one, and its losses are counted', async () => {
  const server = await startCameraServer();
  const quick = await viewStream(server.port, path);
  const slow = await viewStream(server.port, path, { isStalled: true });
  await viewersOf(server, 2);
  await until(() => server.driver.starts === 1);
  const sizeBytes = 2_000_000;
  let number = 0;
  const dropped = () => server.cameras.figures()[0]!.dropped;
  while (number < 40) {
    number += 1;
    server.driver.push(numberedJpeg(number, sizeBytes));
    await until(() => quick.numbers.at(-1) === number);
  }
  slow.resume();
  await until(() => slow.numbers.at(-1) === 40, { what: 'the newest picture' });
  assert.deepEqual(
    quick.numbers,
    Array.from({ length: 40 }, (_, index) => index + 1),
  );
  assert.ok(slow.numbers.length < 20, `${slow.numbers.length} pictures were in flight or newest`);
  assert.equal(new Set(slow.numbers).size, slow.numbers.length, 'none twice');
  assert.deepEqual(
    slow.numbers,
    [...slow.numbers].sort((a, b) => a - b),
    'none older than the one before',
  );
  await until(() => dropped() === 40 - slow.numbers.length, { what: 'the count of losses' });
  server.driver.push(numberedJpeg(41, 1000));
  await until(() => slow.numbers.at(-1) === 41);
  quick.close();
  slow.close();
  await server.close();
});

test('a stalled viewer is closed after thirty seconds without progress, one that reads on is not', async () => {
  const server = await startCameraServer();
  const quick = await viewStream(server.port, path);
  const stalled = await viewStream(server.port, path, { isStalled: true });
  await viewersOf(server, 2);
  await until(() => server.driver.starts === 1);
  let number = 0;
  const push = async () => {
    number += 1;
    server.driver.push(numberedJpeg(number, 1_000_000));
    await until(() => quick.numbers.at(-1) === number);
  };
  // The kernel's buffers take the first pictures.
  while (server.clock.sleepers < 2) await push();
  for (let second = 0; second < 29; second += 1) {
    await server.clock.advance(1000);
    await push();
  }
  assert.equal(server.cameras.get('door')!.viewers, 2);
  await server.clock.advance(1000);
  await viewersOf(server, 1);
  stalled.resume();
  await until(() => stalled.isClosed);
  await push();
  assert.equal(quick.isClosed, false);
  quick.close();
  await server.close();
});

test('a viewer that takes a picture now and then is not stalled', async () => {
  const server = await startCameraServer();
  const slow = await viewStream(server.port, path);
  await viewersOf(server, 1);
  await until(() => server.driver.starts === 1);
  let number = 0;
  for (let round = 0; round < 6; round += 1) {
    slow.pause();
    for (let picture = 0; picture < 10; picture += 1) {
      number += 1;
      server.driver.push(numberedJpeg(number, 1_000_000));
      await server.clock.advance(1000);
    }
    await server.clock.advance(5_000);
    slow.resume();
    await until(() => slow.numbers.at(-1) === number, { what: `picture ${number}` });
  }
  assert.equal(server.cameras.get('door')!.viewers, 1);
  slow.close();
  await server.close();
});

test('?fps= leaves pictures out evenly and encodes nothing', async () => {
  const server = await startCameraServer();
  const all = await viewStream(server.port, path);
  const some = await viewStream(server.port, `${path}?fps=5`);
  const most = await viewStream(server.port, `${path}?fps=20`);
  await viewersOf(server, 3);
  await until(() => server.driver.starts === 1);
  for (let number = 0; number < 100; number += 1) {
    server.driver.push(numberedJpeg(number));
    await until(() => all.numbers.at(-1) === number);
    await server.clock.advance(40);
  }
  await until(() => some.numbers.length >= 20 && most.numbers.at(-1)! >= 97);
  assert.deepEqual(
    some.numbers,
    Array.from({ length: 20 }, (_, index) => index * 5),
  );
  assert.ok(Math.abs(most.numbers.length - 80) <= 2, `${most.numbers.length} of 100 pictures at 20 a second`);
  const wrong = await fetch(`${server.url}${path}?fps=0`);
  assert.equal(wrong.status, 400);
  for (const viewer of [all, some, most]) viewer.close();
  await server.close();
});

test('HEAD tells the headers and starts nothing', async () => {
  const server = await startCameraServer();
  const stream = await fetch(`${server.url}${path}`, { method: 'HEAD' });
  assert.equal(stream.status, 200);
  assert.match(stream.headers.get('content-type')!, /^multipart\/x-mixed-replace/);
  const snapshot = await fetch(`${server.url}/cameras/door/snapshot.jpg`, { method: 'HEAD' });
  assert.equal(snapshot.status, 200);
  assert.equal(snapshot.headers.get('content-type'), 'image/jpeg');
  await server.clock.settle();
  assert.equal(server.driver.starts, 0);
  await server.close();
});

test('a camera that is not there answers 404 with a problem document', async () => {
  const server = await startCameraServer();
  for (const method of ['GET', 'HEAD']) {
    for (const name of ['stream.mjpeg', 'snapshot.jpg']) {
      const response = await fetch(`${server.url}/cameras/attic/${name}`, { method });
      assert.equal(response.status, 404);
      assert.match(response.headers.get('content-type')!, /^application\/problem\+json/);
      await response.body?.cancel();
    }
  }
  await server.close();
});

test('a snapshot starts the camera, has a strong tag, and answers 304 to who has it', async () => {
  const server = await startCameraServer();
  const waiting = fetch(`${server.url}/cameras/door/snapshot.jpg`);
  await until(() => server.driver.starts === 1);
  server.driver.push(numberedJpeg(5));
  const response = await waiting;
  assert.equal(response.status, 200);
  assert.equal(response.headers.get('content-type'), 'image/jpeg');
  assert.equal(numberIn(new Uint8Array(await response.arrayBuffer())), 5);
  const etag = response.headers.get('etag')!;
  assert.match(etag, /^"[^"]+"$/);
  const again = await fetch(`${server.url}/cameras/door/snapshot.jpg`, {
    headers: { 'If-None-Match': etag },
  });
  assert.equal(again.status, 304);
  assert.equal(again.headers.get('etag'), etag);
  const head = await fetch(`${server.url}/cameras/door/snapshot.jpg`, { method: 'HEAD' });
  assert.equal(head.headers.get('etag'), etag);
  assert.equal(Number(head.headers.get('content-length')), numberedJpeg(5).length);
  await server.clock.advance(1001);
  const newer = fetch(`${server.url}/cameras/door/snapshot.jpg`, { headers: { 'If-None-Match': etag } });
  await viewersOf(server, 1);
  server.driver.push(numberedJpeg(6));
  assert.equal(numberIn(new Uint8Array(await (await newer).arrayBuffer())), 6);
  assert.equal(server.driver.starts, 1, 'the camera was still warm');
  await server.close();
});

test('a snapshot of a camera without signal answers 503 with the reason', async () => {
  const driver = createPushDriver({ failsAtStart: () => new Error('The lens cap is on.') });
  const server = await startCameraServer({ driver });
  const response = await fetch(`${server.url}/cameras/door/snapshot.jpg`);
  assert.equal(response.status, 503);
  const problem = (await response.json()) as { detail: string };
  assert.equal(problem.detail, 'The lens cap is on.');
  await server.close();
});

test('a client that leaves while it waits for a snapshot leaves the camera too', async () => {
  const server = await startCameraServer();
  const controller = new AbortController();
  const waiting = fetch(`${server.url}/cameras/door/snapshot.jpg`, { signal: controller.signal });
  await viewersOf(server, 1);
  controller.abort();
  await assert.rejects(waiting);
  await viewersOf(server, 0);
  await server.close();
});

test('a driver that crashes ends no stream: pictures go on when it is back', async () => {
  const server = await startCameraServer();
  const viewer = await viewStream(server.port, path);
  await until(() => server.driver.starts === 1);
  server.driver.push(numberedJpeg(1));
  await until(() => viewer.numbers.length === 1);
  server.driver.fail(new Error('The cable fell out.'));
  await until(() => server.cameras.get('door')!.state === 'no-signal');
  await server.clock.advance(500);
  await until(() => server.driver.starts === 2);
  server.driver.push(numberedJpeg(2));
  await until(() => viewer.numbers.length === 2);
  assert.deepEqual(viewer.numbers, [1, 2]);
  viewer.close();
  await server.close();
});

test('when the camera is removed or the program ends, its streams end', async () => {
  const server = await startCameraServer();
  const quick = await viewStream(server.port, path);
  const stalled = await viewStream(server.port, path, { isStalled: true });
  await viewersOf(server, 2);
  await until(() => server.driver.starts === 1);
  for (let number = 1; number <= 10; number += 1) {
    server.driver.push(numberedJpeg(number, 1_000_000));
    await until(() => quick.numbers.at(-1) === number);
  }
  await server.close();
  stalled.resume();
  await until(() => quick.isClosed && stalled.isClosed);
});

test('requests pipelined behind a stream end the connection instead of piling up', async () => {
  const server = await startCameraServer();
  const socket = connect({ port: server.port, host: '127.0.0.1' });
  socket.on('error', () => {});
  socket.resume();
  await once(socket, 'connect');
  socket.write(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`.repeat(50));
  await once(socket, 'close');
  await viewersOf(server, 0);
  await server.close();
});

test('five hundred viewers who come and go leave no descriptor and no memory behind', async () => {
  const server = await startCameraServer();
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const visit = async (count: number) => {
    const viewers = await Promise.all(Array.from({ length: count }, () => viewStream(server.port, path)));
    await viewersOf(server, count);
    await until(() => server.driver.starts > 0);
    server.driver.push(numberedJpeg(1, 50_000));
    await until(() => viewers.every((viewer) => viewer.numbers.length > 0));
    for (const viewer of viewers) viewer.close();
    await viewersOf(server, 0);
  };
  const measure = async () => {
    await server.clock.settle();
    collect();
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    return { bytes: heapUsed + arrayBuffers, descriptors: readdirSync('/proc/self/fd').length };
  };
  await visit(50);
  await visit(50);
  const before = await measure();
  for (let round = 0; round < 10; round += 1) await visit(50);
  await until(async () => (await measure()).descriptors <= before.descriptors, {
    what: 'closed descriptors',
  });
  const after = await measure();
  assert.ok(after.bytes - before.bytes < 3_000_000, `${after.bytes - before.bytes} bytes more`);
  await server.clock.advance(10_000);
  assert.equal(server.clock.sleepers, 0);
  await server.close();
});
