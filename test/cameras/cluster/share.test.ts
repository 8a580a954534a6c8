// Who owns which camera: the rule by itself, and processes that come and go.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type ShareCamera, shareCameras } from '../../../src/cameras/cluster/share.ts';
import type { CameraSettings } from '../../../src/config.ts';
import { type ClusterProcess, createCameraCluster, watch } from '../../helpers/camera-cluster.ts';
import { numberedJpeg } from '../../helpers/push-driver.ts';

function cameras(holders: readonly (string | null)[], part: Partial<ShareCamera> = {}): ShareCamera[] {
  return holders.map((holder, i) => ({
    ...{ id: `c${String(i).padStart(3, '0')}`, cost: 1, holder, isWatched: false, freeMs: 0 },
    ...part,
  }));
}

/** Lets each process work out its share in turn until nobody wants anything; tells how often cameras moved. */
function settle(list: ShareCamera[], processes: readonly string[], mayMoveWatched = true) {
  let moves = 0;
  for (let round = 0; round < 1000; round += 1) {
    let isStill = true;
    for (const self of processes) {
      const plan = shareCameras({ self, processes, cameras: list, mayMoveWatched });
      for (const id of plan.take) replace(list, id, self);
      for (const { id, to } of plan.give) replace(list, id, to);
      moves += plan.give.length;
      if (plan.take.length + plan.give.length > 0) isStill = false;
    }
    if (isStill) return moves;
  }
  throw new Error('it never comes to rest');
}

function replace(list: ShareCamera[], id: string, holder: string): void {
  const index = list.findIndex((camera) => camera.id === id);
  list[index] = { ...list[index]!, holder };
}

function loads(list: readonly ShareCamera[], processes: readonly string[]): number[] {
  return processes.map((holder) =>
    list.filter((camera) => camera.holder === holder).reduce((sum, { cost }) => sum + cost, 0),
  );
}

describe('the share of a process', () => {
  test('free cameras are spread evenly, and taken by one each', () => {
    const processes = ['a', 'b', 'c'];
    const list = cameras(Array.from({ length: 31 }, () => null));
    const plans = processes.map((self) =>
      shareCameras({ self, processes, cameras: list, mayMoveWatched: true }),
    );
    const taken = plans.flatMap(({ take }) => take);
    assert.equal(taken.length, 31);
    assert.equal(new Set(taken).size, 31, 'no two take the same');
    assert.deepEqual(plans.map(({ take }) => take.length).sort(), [10, 10, 11]);
  });

  test('comes to rest close to even, whatever cameras cost and whoever comes or goes', () => {
    let seed = 1;
    const random = () => {
      seed = (seed * 48_271) % 2_147_483_647;
      return seed / 2_147_483_647;
    };
    for (let round = 0; round < 200; round += 1) {
      const processes = ['a', 'b', 'c', 'd', 'e'].slice(0, 1 + Math.floor(random() * 5));
      const list = cameras(
        Array.from({ length: Math.floor(random() * 60) }, () => (random() < 0.3 ? null : 'a')),
      ).map((camera) => ({
        ...camera,
        cost: Math.round((1 + random() * random() * 20) * 10) / 10,
        isWatched: random() < 0.5,
      }));
      settle(list, processes);
      assert.ok(list.every(({ holder }) => holder !== null));
      assert.equal(settle(list, processes), 0, 'and then nothing moves any more');
      const sums = loads(list, processes);
      const gap = Math.max(...sums) - Math.min(...sums);
      const fullest = processes[sums.indexOf(Math.max(...sums))]!;
      const fair = sums.reduce((sum, load) => sum + load, 0) / sums.length;
      const smallest = Math.min(...list.filter(({ holder }) => holder === fullest).map(({ cost }) => cost));
      assert.ok(gap <= Math.max(0, smallest) + Math.max(0.5, fair / 4) || processes.length === 1, `${sums}`);
    }
  });

  test('a new process is given what nobody watches first, and of the rest one at a time', () => {
    const list = cameras(Array.from({ length: 8 }, () => 'a'));
    for (const i of [0, 1, 2, 3, 4, 5]) list[i] = { ...list[i]!, isWatched: true };
    const processes = ['a', 'b'];
    const view = { self: 'a', processes, cameras: list, mayMoveWatched: true };
    const first = shareCameras(view);
    assert.deepEqual(first.give.map(({ id }) => id).sort(), ['c006', 'c007']);
    for (const { id, to } of first.give) replace(list, id, to);
    assert.deepEqual(shareCameras({ ...view, mayMoveWatched: false }).give, []);
    assert.equal(shareCameras(view).give.length, 1);
  });

  test('whoever is next in line takes what the first one does not', () => {
    const processes = ['a', 'b', 'c'];
    const patient = cameras([null], { freeMs: 1000 });
    const late = cameras([null], { freeMs: 2000 });
    const take = (self: string, list: ShareCamera[]) =>
      shareCameras({ self, processes, cameras: list, mayMoveWatched: true }).take.length;
    assert.deepEqual(
      processes.map((self) => take(self, patient)),
      [1, 0, 0],
    );
    assert.deepEqual(
      processes.map((self) => take(self, late)),
      [1, 1, 0],
    );
  });
});

test('from one owner to three and to two: each has its share, and nothing moves once it has', async (t) => {
  const cluster = await createCameraCluster(t, { moveWatchedMs: 2000 });
  const settings: CameraSettings[] = Array.from({ length: 12 }, (_, i) => ({
    ...{ id: `cam${i}`, name: `Camera ${i}`, driver: 'push', options: {} },
  }));
  const start = (name: string) => cluster.start(name, ['camera'], { settings });
  const owned = (process: ClusterProcess) => process.cameras.clusterFigures()!.owned;
  const first = await start('first');
  await cluster.passUntil(() => owned(first) === 12, 'the only one has all');
  const web = await cluster.start('web', ['web'], { settings });
  await cluster.pass(1500);
  const viewer = watch(web, 'cam3');
  await cluster.passUntil(() => first.driver.starts === 1, 'the camera starts');
  first.driver.push(numberedJpeg(1));
  const second = await start('second');
  const third = await start('third');
  const isEven = () => [first, second, third].every((process) => owned(process) === 4);
  const evenMs = await cluster.passUntil(isEven, 'four for each', 15_000);
  t.diagnostic(`even after ${evenMs} ms`);
  assert.equal(first.driver.stops, 0, 'what is watched stays where it is');
  assert.equal(viewer.ends(), 0);
  const tokens = async () => {
    const rows = await cluster.store.list('camera:');
    return rows.map(({ name, token }) => `${name} ${token}`).sort();
  };
  const before = await tokens();
  await cluster.pass(8000);
  assert.deepEqual(await tokens(), before, 'nothing moves');
  void third.cameras.drain();
  const drainMs = await cluster.passUntil(() => owned(first) === 6 && owned(second) === 6, 'six for each');
  t.diagnostic(`drained after ${drainMs} ms`);
  assert.ok(drainMs <= 2000, `${drainMs} ms`);
  await second.kill();
  const takenMs = await cluster.passUntil(() => owned(first) === 12, 'the last one has all', 10_000);
  t.diagnostic(`taken over after ${takenMs} ms`);
});
