// Video with sound through relays as it came from the camera, streams that stay open, and one process that is owner
// and replica at once.
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { test } from 'node:test';
import { createLiveFeeds } from '../../../src/cameras/live-feed.ts';
import { createCameraCluster, watch } from '../../helpers/camera-cluster.ts';
import { viewStream } from '../../helpers/camera-server.ts';
import { makeCamera } from '../../helpers/h264-camera.ts';
import { numberedJpeg } from '../../helpers/push-driver.ts';

test('video and sound arrive as they were, a late replica begins at the key frame, and MP4 is made of it', async (t) => {
  const made = await makeCamera({
    video: { codec: 'h264', width: 160, height: 96, seconds: 3, keyInterval: 25 },
    audio: { codec: 'aac', seconds: 3 },
  });
  const cluster = await createCameraCluster(t);
  const owner = await cluster.start('owner', ['camera']);
  const [a, b] = [await cluster.start('a', ['web']), await cluster.start('b', ['web'])];
  await cluster.pass(1500);
  const early = watch(a);
  await cluster.passUntil(() => owner.driver.starts === 1, 'the camera starts');
  await cluster.passUntil(() => owner.cameras.clusterFigures()!.relaysServed === 1, 'a relay');
  const half = Math.floor(made.samples.length / 2) + 7;
  for (const [i, sample] of made.samples.entries()) {
    owner.driver.push(sample);
    if (i % 10 === 0) await cluster.pass(50);
    if (i === half) break;
  }
  await cluster.passUntil(() => early.samples.length === half + 1, 'all of the first half');
  const late = watch(b);
  await cluster.passUntil(() => late.samples.length > 0, 'the late one has begun');
  const nowMs = cluster.clock.monotonicMs();
  for (const sample of made.samples.slice(half + 1)) owner.driver.push(sample);
  const rest = made.samples.length - half - 1;
  await cluster.passUntil(() => early.samples.length === made.samples.length, 'all of it');
  for (const [i, sample] of early.samples.entries()) {
    const { codec, ptsMicros, dtsMicros, isKey } = made.samples[i]!;
    assert.deepEqual(
      [sample.codec, sample.ptsMicros, sample.dtsMicros, sample.isKey],
      [codec, ptsMicros, dtsMicros, isKey],
    );
    assert.ok(Buffer.from(sample.data).equals(made.samples[i]!.data), `the bytes of sample ${i}`);
    if (isKey) assert.ok(sample.config, 'with its configuration');
  }
  await cluster.passUntil(
    () => late.samples.at(-1)!.ptsMicros === early.samples.at(-1)!.ptsMicros,
    'both are there',
  );
  assert.equal(late.samples[0]!.codec, 'avc');
  assert.equal(late.samples[0]!.isKey, true);
  const began = early.samples.findIndex(({ ptsMicros }) => ptsMicros === late.samples[0]!.ptsMicros);
  assert.ok(began > 0 && began <= half, 'it began in the past');
  assert.equal(late.samples.length, early.samples.length - began, 'and misses nothing since');
  assert.ok(late.samples.length > rest);
  // Dated as long ago as it was, though it came just now.
  const [there, here] = [early.samples[began]!, late.samples[0]!];
  assert.ok(
    Math.abs(there.takenAtMonotonicMs - here.takenAtMonotonicMs) <= 200,
    `${there.takenAtMonotonicMs} ${here.takenAtMonotonicMs}`,
  );
  assert.ok(here.takenAtMonotonicMs < nowMs);
  // Also where nobody has watched it yet.
  const idle = await cluster.start('c', ['web']);
  await cluster.pass(2000);
  for (const { cameras } of [a, b, idle, owner]) {
    const { kinds, state } = cameras.get('door')!;
    assert.deepEqual([kinds.video, kinds.sound, kinds.width, kinds.height], ['avc', 'aac', 160, 96]);
    assert.equal(state, 'live');
  }
  for (const { cameras } of [a, b]) {
    const feed = createLiveFeeds(cameras, cluster.clock).open('door');
    const init = await feed.ready(new AbortController().signal);
    assert.match(init.contentType, /avc1.*mp4a/);
  }
});

test('who watches a stream over HTTP stays connected while the owner is killed, and gets each picture once', async (t) => {
  const cluster = await createCameraCluster(t);
  const first = await cluster.start('first', ['camera']);
  const second = await cluster.start('second', ['camera']);
  const web = await cluster.start('web', ['web']);
  await cluster.pass(1500);
  const viewer = await viewStream(web.port, '/cameras/door/stream.mjpeg');
  t.after(() => viewer.close());
  await cluster.passUntil(() => first.driver.starts === 1, 'the camera starts');
  first.driver.push(numberedJpeg(1));
  await cluster.passUntil(() => viewer.numbers.length === 1, 'the first picture');
  await first.kill();
  await cluster.pass(500);
  const listed = (await (await fetch(`${web.url}/api/v1/cameras`)).json()) as {
    items: { state: string; message: string }[];
  };
  assert.equal(listed.items[0]!.state, 'starting');
  assert.match(listed.items[0]!.message, /^Reconnecting/);
  // Whoever asks for a picture meanwhile waits for it.
  const snapshot = fetch(`${web.url}/cameras/door/snapshot.jpg`);
  await cluster.passUntil(() => second.driver.starts === 1, 'the other takes over', 10_000);
  second.driver.push(numberedJpeg(2));
  await cluster.passUntil(() => viewer.numbers.length === 2, 'the next picture');
  assert.deepEqual(viewer.numbers, [1, 2]);
  assert.equal(viewer.isClosed, false);
  assert.equal((await snapshot).status, 200);
});

test('a replica that takes nothing delays no other', async (t) => {
  const cluster = await createCameraCluster(t);
  const owner = await cluster.start('owner', ['camera']);
  const web = await cluster.start('web', ['web']);
  await cluster.pass(1500);
  const viewer = watch(web);
  await cluster.passUntil(() => owner.cameras.clusterFigures()!.relaysServed === 1, 'a relay');
  const { token } = (await cluster.store.read('camera:door'))!;
  const query = new URLSearchParams({
    relay: 'stalled',
    token: `${token}`,
    audience: '2',
    run: '',
    after: '0',
  });
  const socket = connect(owner.port, '127.0.0.1');
  t.after(() => socket.destroy());
  socket.on('error', () => {});
  socket.pause();
  socket.write(
    `GET /service/cameras/owned/door/samples?${query} HTTP/1.1\r\nHost: 127.0.0.1\r\nKinora-Service-Secret: ${cluster.secret}\r\n\r\n`,
  );
  await cluster.passUntil(() => owner.cameras.clusterFigures()!.relaysServed === 2, 'another relay');
  for (let number = 1; number <= 60; number += 1) {
    owner.driver.push(numberedJpeg(number, 500_000));
    await cluster.pass(50);
  }
  await cluster.passUntil(() => viewer.samples.length === 60, 'all pictures at the other');
  await cluster.passUntil(() => owner.cameras.clusterFigures()!.relaysServed === 1, 'it is let go', 40_000);
  assert.ok(owner.cameras.clusterFigures()!.relayDropped > 10, 'it was not given them all');
});

test('one process that owns and shows asks itself nothing, and goes to another owner when it is drained', async (t) => {
  const cluster = await createCameraCluster(t);
  const both = await cluster.start('both', ['web', 'camera']);
  await cluster.pass(1500);
  const viewers = [watch(both), watch(both)];
  await cluster.passUntil(() => both.driver.starts === 1, 'the camera starts', 1000);
  both.driver.push(numberedJpeg(1));
  both.driver.push(numberedJpeg(2));
  await cluster.passUntil(() => viewers.every(({ samples }) => samples.length === 2), 'pictures');
  const figures = both.cameras.clusterFigures()!;
  assert.deepEqual([figures.relaysServed, figures.relaysTaken, figures.relayedBytes], [0, 0, 0]);
  assert.equal(both.cameras.get('door')!.viewers, 2);
  const other = await cluster.start('other', ['web', 'camera']);
  // A picture that is a second old is none to begin with.
  await cluster.pass(1200);
  const third = watch(other);
  await cluster.passUntil(() => other.cameras.clusterFigures()!.relaysTaken === 1, 'the other takes it');
  both.driver.push(numberedJpeg(3));
  await cluster.passUntil(() => third.samples.length === 1, 'a picture there');
  await cluster.pass(1500);
  for (const { cameras } of [both, other]) assert.equal(cameras.get('door')!.viewers, 3);
  viewers[1]!.viewing.close();
  await cluster.pass(1500);
  for (const { cameras } of [both, other]) assert.equal(cameras.get('door')!.viewers, 2);
  const draining = both.cameras.drain();
  const movedMs = await cluster.passUntil(() => other.driver.starts === 1, 'it has moved', 3000);
  await draining;
  assert.ok(movedMs <= 2000, `${movedMs} ms`);
  other.driver.push(numberedJpeg(4));
  await cluster.passUntil(
    () => viewers[0]!.samples.length === 4 && third.samples.length === 2,
    'pictures of the other',
  );
  assert.deepEqual(viewers[0]!.numbers(), [1, 2, 3, 4]);
  assert.deepEqual(third.numbers(), [3, 4]);
  assert.equal(viewers[0]!.ends() + third.ends(), 0);
});
