// A camera that one process owns and three show: taken once by each, however many watch there, and never twice.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createCameraCluster, watch } from '../../helpers/camera-cluster.ts';
import { numberedJpeg } from '../../helpers/push-driver.ts';

test('fifty viewers at each of three replicas cost one driver and three relays', async (t) => {
  const cluster = await createCameraCluster(t);
  const owner = await cluster.start('owner', ['camera']);
  const webs = await Promise.all(['a', 'b', 'c'].map((name) => cluster.start(name, ['web'])));
  assert.equal(owner.driver.starts, 0, 'nobody watches');
  const viewers = webs.flatMap((web) => Array.from({ length: 50 }, () => watch(web)));
  await cluster.passUntil(() => owner.driver.starts === 1, 'the driver starts');
  const pictureBytes = 40_000;
  await cluster.passUntil(() => owner.cameras.clusterFigures()!.relaysServed === 3, 'three relays');
  for (let number = 1; number <= 20; number += 1) {
    owner.driver.push(numberedJpeg(number, pictureBytes));
    await cluster.pass(50);
  }
  await cluster.passUntil(
    () => viewers.every(({ samples }) => samples.length === 20),
    'all pictures are there',
  );
  for (const { numbers } of viewers)
    assert.deepEqual(
      numbers(),
      Array.from({ length: 20 }, (_, i) => i + 1),
    );
  assert.equal(owner.driver.starts, 1);
  for (const web of webs) {
    assert.equal(web.driver.starts, 0, 'no driver runs where the camera is only shown');
    assert.equal(web.cameras.clusterFigures()!.relaysTaken, 1);
  }
  const sent = owner.cameras.clusterFigures()!.relayedBytes;
  assert.ok(sent >= 3 * 20 * pictureBytes && sent < 3 * 20 * (pictureBytes + 200), `${sent} bytes were sent`);
  await cluster.pass(2000);
  for (const { cameras } of [owner, ...webs]) assert.equal(cameras.get('door')!.viewers, 150);
  for (const viewer of viewers.slice(0, 149)) viewer.viewing.close();
  await cluster.pass(2000);
  for (const { cameras } of [owner, ...webs]) assert.equal(cameras.get('door')!.viewers, 1);
  owner.driver.push(numberedJpeg(21));
  await cluster.pass(100);
  viewers.at(-1)!.viewing.close();
  // Off ten seconds after the last one left, here as there.
  await cluster.pass(9000);
  assert.equal(owner.driver.stops, 0);
  await cluster.passUntil(() => owner.driver.stops === 1, 'the camera goes off', 3000);
  await cluster.pass(2000);
  for (const { cameras } of [owner, ...webs]) assert.equal(cameras.get('door')!.state, 'off');
});
