// kill -9 of each kind of replica while people watch films and a camera and upload: to those on other replicas it is no
// event, those on its own go on elsewhere, no byte is lost or wrong, and what is to be done once is done once.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testDatabase } from '../helpers/mongo/test-database.ts';
import { until } from '../helpers/until.ts';
import { otherFilm } from './films.ts';
import {
  type House,
  isStorm,
  keptBytes,
  openHouse,
  slow,
  takeOverMs,
  untilAllSee,
  type VideoTasks,
} from './house.ts';
import type { Gap } from './numbered-camera.ts';
import { keepUploading } from './uploads.ts';

const counts = isStorm
  ? { kills: 10, fileViewers: 20, cameraViewers: 50, uploads: 5 }
  : { kills: 1, fileViewers: 4, cameraViewers: 8, uploads: 2 };

/** So much that it is not all in the kernel's hands when who sends it is killed. */
const filmBytes = 16_000_000;

/** Tasks that have ended, as they ended: what is done again would show. */
async function endedTasks({ database }: House): Promise<Map<string, string>> {
  const videos = await database.db().collection<VideoTasks>('videos').find().toArray();
  const ended = videos.filter(({ tasks }) => tasks.length > 0 && tasks.every(({ isEnded }) => isEnded));
  return new Map(ended.map(({ _id, tasks }) => [_id, JSON.stringify(tasks)]));
}

test('replicas of every kind are killed, and nobody elsewhere notices', { timeout: 1_800_000 }, async (t) => {
  const database = await testDatabase(t);
  if (!database) return;
  const house = await openHouse({
    ...{ mongoUrl: database.url, web: 3, auth: 2, worker: 2, camera: 2, filmBytes },
  });
  t.after(() => house.close());
  const { cluster, balancer } = house;
  const files = Array.from({ length: counts.fileViewers }, (_, i) =>
    house.watchFile({ round: house.home(i) }),
  );
  const watchers = Array.from({ length: counts.cameraViewers }, (_, i) => house.watchCamera(house.home(i)));
  t.after(() => Promise.all([...files, ...watchers].map((viewer) => viewer.stop())));
  await untilAllSee(watchers);
  const uploads = keepUploading(house, { people: counts.uploads });
  const other = await otherFilm();
  const others: string[] = [];
  const addTask = async () => others.push((await house.upload(other, { pieceMs: 0 })).id);

  const ownerKills: number[] = [];
  const ended = new Map<string, string>();
  for (let round = 0; round < counts.kills; round += 1) {
    // In the middle of a film and of an upload's piece.
    const web = cluster.web[round % cluster.web.length]!;
    const isInFilm = () =>
      files.some(({ reading }) => reading?.url === web.url && reading.at < filmBytes - keptBytes);
    do {
      await until(isInFilm, { ...slow, what: 'somebody in the middle of a film' });
      await uploads.untilPieceAt(web.url);
    } while (!isInFilm());
    await balancer.kill(web);
    await untilAllSee(watchers);

    const auth = cluster.auth[round % cluster.auth.length]!;
    await balancer.kill(auth);
    await addTask();

    const owner = await house.owner();
    ownerKills.push(performance.now());
    await balancer.kill(owner);
    await addTask();
    await untilAllSee(watchers);

    // The one that tidies, with something to do at that moment.
    const tidy = await house.lease('tidy');
    const worker = cluster.worker[(tidy?.token ?? round) % cluster.worker.length]!;
    await addTask();
    await balancer.kill(worker);
    await addTask();
    await house.untilTasksAreDone();
    for (const [id, tasks] of await endedTasks(house)) if (!ended.has(id)) ended.set(id, tasks);

    await Promise.all([web, auth, owner, worker].map((replica) => balancer.start(replica)));
    await untilAllSee(watchers);
  }
  await uploads.stop();
  await Promise.all([...files, ...watchers].map((viewer) => viewer.stop()));

  for (const { faults, views } of files) {
    assert.deepEqual(faults, []);
    assert.ok(views > 0, 'the film was seen to its end');
  }
  assert.ok(
    files.some(({ resumed }) => resumed > 0),
    'somebody’s own replica was killed',
  );

  const isTakeOver = ({ fromMs, untilMs }: Gap) =>
    ownerKills.some((atMs) => untilMs > atMs && fromMs > atMs - 2000 && untilMs < atMs + takeOverMs);
  for (const { faults, gaps } of watchers) {
    assert.deepEqual(faults, []);
    assert.deepEqual(
      gaps.filter((gap) => !isTakeOver(gap)),
      [],
      'pictures were missed',
    );
  }
  const tookMs = ownerKills.map((atMs) =>
    Math.max(
      ...watchers.flatMap(({ gaps }) =>
        gaps
          .filter((gap) => gap.untilMs > atMs && gap.fromMs < atMs + takeOverMs)
          .map(({ untilMs }) => untilMs - atMs),
      ),
    ),
  );
  assert.ok(
    tookMs.every((ms) => ms > 0),
    'each kill of the owner was seen',
  );

  assert.ok(uploads.done.length >= counts.uploads);
  for (const { id, film, faults } of uploads.done) {
    assert.deepEqual(faults, [], 'nothing acknowledged was lost');
    await house.assertWhole(id, film);
  }
  for (const id of others) {
    await house.assertWhole(id, other);
    const answer = await fetch(`${cluster.web[0]!.url}/api/v1/videos/${id}`, {
      headers: { cookie: house.cookie },
    });
    const { tracks } = (await answer.json()) as { tracks: unknown[] };
    assert.equal(tracks.length, 1, 'the task was done');
  }
  const after = await endedTasks(house);
  for (const [id, tasks] of ended) assert.equal(after.get(id), tasks, 'a task was done twice');
  for (const id of others) assert.ok(after.has(id), 'a task was never done');
  for (const replica of cluster.all) {
    assert.ok(replica.isRunning, `${replica.name} ended by itself`);
    assert.doesNotMatch(replica.output(), /"level":(50|60)/);
  }
  const broken = uploads.done.reduce((sum, each) => sum + each.broken, 0);
  const resumed = files.reduce((sum, each) => sum + each.resumed, 0);
  const pictures = watchers.reduce((sum, each) => sum + each.pictures, 0);
  t.diagnostic(
    `${uploads.done.length} uploads, ${broken} pieces taken up again, the longest took ${Math.round(Math.max(...uploads.done.map((each) => each.tookMs)))} ms; ` +
      `films resumed ${resumed} times; ${pictures} pictures; taken over in ${tookMs.map(Math.round).join(', ')} ms; ${ended.size} tasks`,
  );
});
