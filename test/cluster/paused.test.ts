// Processes that are stopped (SIGSTOP) for longer than their leases and woken again: what they held is another's by
// then, and they do nothing to it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import type { Replica } from '../helpers/cluster/replica.ts';
import { testDatabase } from '../helpers/mongo/test-database.ts';
import { until } from '../helpers/until.ts';
import { longFilm, otherFilm } from './films.ts';
import { type House, isStorm, openHouse, patience, slow, untilAllSee, type VideoTasks } from './house.ts';
import { send } from './round.ts';

/** At least; what is waited for may take longer. */
const stoppedMs = isStorm ? 30_000 : 0;

/** A PATCH of the whole film, of which nothing after the first half is sent yet. */
function halfPatch(house: House, replica: Replica, id: string, bytes: Buffer) {
  const { outgoing, answer } = send(`${replica.url}/api/v1/uploads/${id}`, {
    method: 'PATCH',
    headers: {
      ...{ cookie: house.cookie, 'tus-resumable': '1.0.0', 'upload-offset': '0' },
      ...{ 'content-type': 'application/offset+octet-stream', 'content-length': String(bytes.length) },
    },
  });
  const half = Math.floor(bytes.length / 2);
  outgoing.write(bytes.subarray(0, half));
  return {
    /** Resolves to how it was answered, null where it was not. */
    finish: async () => {
      outgoing.end(bytes.subarray(half));
      return answer.then(
        (response) => response.resume().statusCode ?? null,
        () => null,
      );
    },
  };
}

/** Stops the worker while it has claimed a task and not ended it; resolves to the video's id. */
async function stopInTask(house: House, worker: Replica): Promise<string> {
  const videos = house.database.db().collection<VideoTasks>('videos');
  for (let tries = 0; tries < 20; tries += 1) {
    const { id } = await house.upload(await otherFilm(), { pieceMs: 0 });
    const task = () => videos.findOne({ _id: id }).then((video) => video?.tasks[0] ?? null);
    while (((await task())?.token ?? 0) === 0) await pause(2);
    worker.pause();
    // What it had sent has arrived by then.
    await pause(300);
    if ((await task())?.isEnded === false) return id;
    worker.wake();
  }
  throw new Error('the worker was never stopped in the middle of a task');
}

test('a stopped process does nothing on waking that another has taken over', {
  timeout: 900_000,
}, async (t) => {
  const database = await testDatabase(t);
  if (!database) return;
  const house = await openHouse({ mongoUrl: database.url, web: 2, auth: 1, worker: 1, camera: 2 });
  t.after(() => house.close());
  const { cluster, cookie } = house;
  const videos = house.database.db().collection<VideoTasks>('videos');
  const watchers = [0, 1, 2, 3].map((number) => house.watchCamera(house.home(number)));
  t.after(() => Promise.all(watchers.map((viewer) => viewer.stop())));
  await untilAllSee(watchers);
  /** A lease that is held, and by whom. */
  const held = (name: string) =>
    until(
      async () => {
        const lease = await house.lease(name);
        return lease?.holder ? lease : null;
      },
      { ...slow, what: name },
    );
  const film = await longFilm(1_000_000);
  const [web, otherWeb] = cluster.web as [Replica, Replica];
  const made = await fetch(`${web.url}/api/v1/uploads`, {
    method: 'POST',
    headers: { cookie, 'tus-resumable': '1.0.0', 'upload-length': String(film.bytes.length) },
  });
  const id = made.headers.get('location')!.split('/').at(-1)!;
  const patch = halfPatch(house, web, id, film.bytes);
  await held(`video:${id}`);
  const before = {
    camera: await held('camera:numbers'),
    video: await held(`video:${id}`),
  };
  const owner = await house.owner();
  // The only one, so it has `tidy` and every task.
  const worker = cluster.worker[0]!;
  const taskId = await stopInTask(house, worker);
  t.after(() => worker.wake());
  const stoppedTidy = await held('tidy');
  const nextWorker = cluster.add('worker');

  const stoppedAtMs = performance.now();
  const stopped = [owner, web];
  const asleep = watchers.filter((_, number) => number % 2 === 0);
  const awake = watchers.filter((_, number) => number % 2 === 1);
  for (const replica of stopped) replica.pause();
  await nextWorker;
  t.after(() => {
    for (const replica of stopped) replica.wake();
  });

  // The camera is another's.
  await untilAllSee(awake);
  const taken = await until(async () => {
    const lease = await house.lease('camera:numbers');
    return lease && lease.holder !== null && lease.token > before.camera.token ? lease : null;
  }, slow);
  assert.notEqual(taken.holder, before.camera.holder);
  // The upload goes on elsewhere, from what was safe.
  const seen = await until(async () => {
    const answer = await fetch(`${otherWeb.url}/api/v1/uploads/${id}`, {
      method: 'HEAD',
      headers: { cookie, 'tus-resumable': '1.0.0' },
    });
    return answer.ok ? { offset: Number(answer.headers.get('upload-offset')) } : null;
  }, slow);
  await until(async () => {
    const answer = await fetch(`${otherWeb.url}/api/v1/uploads/${id}`, {
      method: 'PATCH',
      headers: {
        ...{ cookie, 'tus-resumable': '1.0.0', 'upload-offset': String(seen.offset) },
        'content-type': 'application/offset+octet-stream',
      },
      body: new Uint8Array(film.bytes.subarray(seen.offset)),
    });
    return answer.status === 204;
  }, slow);
  // So is what the worker was at.
  const tasksOf = async () => (await videos.findOne({ _id: taskId }))!.tasks;
  const done = await until(async () => {
    const tasks = await tasksOf();
    return tasks.every(({ isEnded }) => isEnded) ? tasks : null;
  }, slow);
  assert.ok(done[0]!.token > 1, 'another worker claimed it');
  const leftMs = stoppedMs - (performance.now() - stoppedAtMs);
  if (leftMs > 0) await pause(leftMs);
  const tookMs = performance.now() - stoppedAtMs;
  assert.ok(tookMs > 10_000, 'longer than any lease');

  // They wake, and are about to do what they were at.
  const pictures = awake.map((viewer) => viewer.pictures);
  const answered = patch.finish();
  for (const replica of [...stopped, worker]) replica.wake();
  const status = await answered;
  assert.ok(status !== 204, `the late piece was taken: ${status}`);
  await untilAllSee(watchers);
  await until(() => awake.every((viewer, i) => viewer.pictures > pictures[i]! + 30), slow);

  const camera = await held('camera:numbers');
  assert.equal(camera.token, taken.token, 'nobody took the camera from who has it');
  assert.equal(camera.holder, taken.holder);
  assert.equal(house.camera.connections, 1, 'one takes the camera’s pictures');
  for (const { faults } of awake) assert.deepEqual(faults, []);
  for (const { gaps } of awake)
    assert.ok(gaps.every(({ fromMs, untilMs }) => untilMs - fromMs < 10_000 * patience));
  for (const { faults } of asleep)
    assert.deepEqual(
      faults.filter((fault) => fault.startsWith('picture')),
      [],
    );
  await house.assertWhole(id, film);
  assert.deepEqual(await tasksOf(), done, 'what another has ended stays as it is');
  await house.assertWhole(taskId, await otherFilm());
  // It finds by its own clock that it has it no more, whether or not another has taken it by now.
  const tidy = (await house.lease('tidy'))!;
  if (tidy.token === stoppedTidy.token) assert.equal(tidy.beat, stoppedTidy.beat, 'it beats no more');
  await Promise.all(watchers.map((viewer) => viewer.stop()));
  for (const replica of cluster.all) {
    assert.ok(replica.isRunning, `${replica.name} ended`);
    assert.doesNotMatch(replica.output(), /"level":60/);
  }
  t.diagnostic(`stopped for ${Math.round(tookMs)} ms; the late piece was answered with ${status}`);
});
