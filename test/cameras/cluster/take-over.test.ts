// What becomes of a camera and of those who watch it when the process that runs it is killed, drained, stopped or cut
// off from the database.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type CameraCluster,
  type ClusterProcess,
  createCameraCluster,
  door,
  watch,
} from '../../helpers/camera-cluster.ts';
import { createPushDriver, numberedJpeg } from '../../helpers/push-driver.ts';

/** Gives pictures with ever higher numbers to whichever of the owners runs the camera. */
function createSource() {
  let number = 0;
  return {
    /** The number it gave last. */
    get last() {
      return number;
    },
    /** While time passes, a picture each 100 ms. */
    async run(cluster: CameraCluster, owners: readonly ClusterProcess[], ms: number) {
      for (let passedMs = 0; passedMs < ms; passedMs += 100) {
        this.push(owners);
        await cluster.pass(100);
      }
    },
    push(owners: readonly ClusterProcess[]) {
      number += 1;
      for (const { driver } of owners) if (driver.starts > driver.stops) driver.push(numberedJpeg(number));
    },
  };
}

function isRising(numbers: readonly number[]): boolean {
  return numbers.every((number, i) => i === 0 || number > numbers[i - 1]!);
}

/** Two owners, of which the second joins when the first has the camera; the camera is watched at two replicas. */
async function startHouse(t: Parameters<typeof createCameraCluster>[0]) {
  const cluster = await createCameraCluster(t);
  const first = await cluster.start('first', ['camera']);
  const second = await cluster.start('second', ['camera']);
  const webs = [await cluster.start('a', ['web']), await cluster.start('b', ['web'])];
  await cluster.pass(1500);
  const viewers = webs.flatMap((web) => [watch(web), watch(web)]);
  const source = createSource();
  await cluster.passUntil(() => first.driver.starts === 1, 'the first owner starts the camera');
  await source.run(cluster, [first, second], 2000);
  for (const { samples } of viewers) assert.ok(samples.length > 10, 'pictures come');
  return { cluster, first, second, webs, viewers, source };
}

test('a killed owner is taken over from: pictures again within ten seconds, none twice, in order', async (t) => {
  const { cluster, first, second, webs, viewers, source } = await startHouse(t);
  await first.kill();
  const before = viewers.map(({ samples }) => samples.length);
  let passedMs = 0;
  while (viewers.some(({ samples }, i) => samples.length <= before[i]!)) {
    await source.run(cluster, [second], 100);
    passedMs += 100;
    assert.ok(passedMs <= 10_000, 'pictures within ten seconds');
  }
  t.diagnostic(`pictures were back after ${passedMs} ms`);
  assert.equal(second.cameras.clusterFigures()!.takeOvers, 1);
  await source.run(cluster, [second], 1000);
  for (const { numbers, states, ends } of viewers) {
    assert.ok(isRising(numbers()), `${numbers()}`);
    assert.equal(ends(), 0, 'nobody was sent away');
    const since = states.slice(states.lastIndexOf('live', states.length - 2) + 1);
    assert.equal(since.length, 2, `${states}`);
    assert.match(since[0]!, /^starting: Reconnecting/);
    assert.equal(since[1], 'live');
  }
  await cluster.pass(1500);
  for (const { cameras } of [...webs, second]) assert.equal(cameras.get('door')!.viewers, 4);
});

test('a drained owner hands over with a gap of at most two seconds, its device released first', async (t) => {
  const { cluster, first, second, viewers, source } = await startHouse(t);
  const before = viewers.map(({ samples }) => samples.length);
  let isDrained = false;
  void first.cameras.drain().then(() => {
    isDrained = true;
  });
  let passedMs = 0;
  while (viewers.some(({ samples }, i) => samples.length <= before[i]!)) {
    if (second.driver.starts > 0) assert.equal(first.driver.stops, 1, 'one driver at a time');
    source.push([second]);
    await cluster.pass(50);
    passedMs += 50;
    assert.ok(passedMs <= 2000, 'pictures within two seconds');
  }
  t.diagnostic(`pictures were back after ${passedMs} ms`);
  assert.ok(isDrained);
  await source.run(cluster, [second], 3000);
  assert.equal(first.driver.starts, 1, 'it takes none again');
  for (const { numbers, ends } of viewers) {
    assert.ok(isRising(numbers()));
    assert.equal(ends(), 0);
  }
});

test('an owner that slept through its lease serves nobody when it wakes', async (t) => {
  const { cluster, first, second, viewers, source } = await startHouse(t);
  first.stop();
  const lastOfFirst = source.last;
  await cluster.passUntil(() => second.driver.starts === 1, 'the other takes over', 10_000);
  await source.run(cluster, [second], 1000);
  const served = first.cameras.clusterFigures()!.relayedBytes;
  // What its camera sent meanwhile lies in a pipe, and is read before any timer runs.
  const late = 100_000;
  for (let i = 0; i < 10; i += 1) first.driver.push(numberedJpeg(late + i));
  await cluster.clock.settle();
  first.go();
  await source.run(cluster, [second], 3000);
  assert.equal(first.cameras.clusterFigures()!.relayedBytes, served, 'not a byte');
  assert.equal(first.cameras.clusterFigures()!.owned, 0);
  assert.equal(first.driver.stops, 1, 'its driver has ended');
  for (const { numbers } of viewers) {
    assert.ok(isRising(numbers()));
    assert.ok(
      numbers().every((number) => number < late),
      'nothing of the old owner',
    );
    assert.ok(numbers().at(-1)! > lastOfFirst + 10, 'everything of the new one');
  }
});

test('what an owner that slept for less than its lease sends is still right', async (t) => {
  const { cluster, first, second, viewers, source } = await startHouse(t);
  first.stop();
  await cluster.pass(1000);
  first.go();
  await source.run(cluster, [first, second], 2000);
  assert.equal(second.driver.starts, 0);
  assert.equal(first.cameras.clusterFigures()!.owned, 1);
  for (const { numbers, states } of viewers) {
    assert.ok(isRising(numbers()));
    assert.ok(!states.some((state) => state.includes('Reconnecting')), `${states}`);
  }
});

test('each owner comes back to its own cameras after the database was away, whoever sees it first', async (t) => {
  const cluster = await createCameraCluster(t);
  const drivers = new Map(['one', 'two', 'three'].map((id) => [id, createPushDriver()]));
  const settings = [...drivers.keys()].map((id) => ({ ...door, id, driver: id }));
  const options = { settings, load: async (name: string) => drivers.get(name)! };
  // Of two with as much to do the one whose name comes first is next: so it has less here.
  const owners = [await cluster.start('z', ['camera'], options)];
  await cluster.pass(500);
  owners.push(await cluster.start('a', ['camera'], options));
  const web = await cluster.start('web', ['web'], options);
  const owned = () => owners.map(({ cameras }) => cameras.clusterFigures()!.owned).join();
  await cluster.passUntil(() => owned() === '2,1', 'a share for each');
  await cluster.pass(1500);
  const viewers = settings.map(({ id }) => watch(web, id));
  await cluster.passUntil(() => [...drivers.values()].every(({ starts }) => starts === 1), 'all run');
  const run = async (ms: number) => {
    for (let passedMs = 0; passedMs < ms; passedMs += 250) {
      for (const driver of drivers.values()) driver.push(numberedJpeg(1));
      await cluster.pass(250);
    }
  };
  // It comes back between the looks of the one and of the other, both ways round.
  for (const awayMs of [6000, 6250, 6500, 6750]) {
    cluster.isStoreAway = true;
    await run(awayMs);
    cluster.isStoreAway = false;
    await run(4000);
    assert.equal(owned(), '2,1');
    for (const [id, { starts, stops }] of drivers)
      assert.deepEqual([starts, stops], [1, 0], `${id} ${awayMs}`);
  }
  for (const { samples } of viewers) assert.ok(samples.length >= 150, `${samples.length}`);
});

test('while the database is away cameras go on, new viewers included, and afterwards all is as before', async (t) => {
  const { cluster, first, second, webs, viewers, source } = await startHouse(t);
  cluster.isStoreAway = true;
  const before = viewers.map(({ samples }) => samples.length);
  await source.run(cluster, [first, second], 30_000);
  for (const [i, { samples }] of viewers.entries()) assert.equal(samples.length, before[i]! + 300);
  const late = watch(webs[0]!);
  await source.run(cluster, [first, second], 1000);
  assert.ok(late.samples.length >= 9);
  cluster.isStoreAway = false;
  await source.run(cluster, [first, second], 10_000);
  assert.equal(first.driver.starts + second.driver.starts, 1, 'the camera was never started again');
  for (const { numbers, states } of viewers) {
    assert.ok(isRising(numbers()));
    assert.ok(!states.some((state) => state.includes('Reconnecting')), `${states}`);
  }
  // The lease is a new one by now, and a relay that begins with it is served.
  assert.ok(first.cameras.clusterFigures()!.owned === 1);
  const row = await cluster.store.read('camera:door');
  assert.equal(row?.holder, 'holder-first');
  viewers[2]!.viewing.close();
  viewers[3]!.viewing.close();
  await source.run(cluster, [first, second], 11_000);
  const again = watch(webs[1]!);
  await source.run(cluster, [first, second], 1000);
  assert.ok(again.samples.length >= 8, `${again.samples.length}`);
});
