// Web replicas are added and taken away while people watch and upload, and then all replicas are ended (SIGTERM) and
// started again one after the other: no request fails.
import assert from 'node:assert/strict';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { missingFront } from '../helpers/cluster/front.ts';
import type { Replica } from '../helpers/cluster/replica.ts';
import { testDatabase } from '../helpers/mongo/test-database.ts';
import { type House, isStorm, openHouse, untilAllSee } from './house.ts';
import { type Round, send } from './round.ts';
import { keepUploading } from './uploads.ts';

const counts = isStorm
  ? { most: 5, askers: 8, fileViewers: 20, cameraViewers: 20, uploads: 5 }
  : { most: 3, askers: 3, fileViewers: 3, cameraViewers: 3, uploads: 1 };

/** Of each asker between two questions: all of them at once are a few dozen requests a second. */
const betweenMs = isStorm ? 0 : 100;

/** Pages, lists, ranges and pictures, one after the other. */
function keepAsking(house: House, round: Round) {
  const faults: string[] = [];
  let [asked, isOver] = [0, false];
  const { filmPath, cookie } = house;
  const asks: [string, number, Record<string, string>][] = [
    ['/', 200, { accept: 'text/html' }],
    ['/api/v1/videos', 200, {}],
    [filmPath, 206, { range: 'bytes=1000-200999' }],
    ['/api/v1/cameras', 200, {}],
    ['/cameras/numbers/snapshot.jpg', 200, {}],
  ];
  const asking = (async () => {
    while (!isOver) {
      const [path, wanted, headers] = asks[asked++ % asks.length]!;
      try {
        const { answer } = send(`${round.next().url}${path}`, { headers: { cookie, ...headers } });
        const response = await answer;
        const { statusCode } = response;
        if (statusCode === wanted) response.resume();
        else faults.push(`${statusCode} instead of ${wanted}: ${path}: ${await text(response)}`);
      } catch (error) {
        faults.push(`${(error as Error).message}: ${path}`);
      }
      await pause(betweenMs);
    }
  })();
  return {
    faults,
    get asked() {
      return asked;
    },
    async stop() {
      isOver = true;
      await asking;
    },
  };
}

test('replicas come, go and are all started anew without a failed request', {
  timeout: 900_000,
}, async (t) => {
  const missing = missingFront();
  if (missing) return t.skip(missing);
  const database = await testDatabase(t);
  if (!database) return;
  // Short, since streams without end are cut only when the time is over; nothing else takes so long.
  const settings = { KINORA_DRAIN_SECONDS: '2', KINORA_DRAIN_WAIT_SECONDS: '1' };
  const roles = { web: 1, auth: 2, worker: 1, camera: 2 };
  const house = await openHouse({ mongoUrl: database.url, ...roles, settings, hasFront: true });
  t.after(() => house.close());
  const { cluster } = house;
  const front = cluster.front!;
  // Everything goes through nginx, as people's requests do.
  const nginx = { url: front.url, isRunning: true, pid: 0 };
  const round: Round = { cookie: house.cookie, next: () => nginx };
  // Answers that take long are cut when a replica's time to drain is over, and go on elsewhere.
  const files = Array.from({ length: counts.fileViewers }, () =>
    house.watchFile({ round, bytesPerSecond: 1_500_000 }),
  );
  const watchers = Array.from({ length: counts.cameraViewers }, () =>
    house.watchCamera(round, { mayBreak: true }),
  );
  const askers = Array.from({ length: counts.askers }, () => keepAsking(house, round));
  const uploads = keepUploading(house, { people: counts.uploads, round, isStrict: true });
  const viewers = [...files, ...watchers, ...askers];
  t.after(() => Promise.all(viewers.map((viewer) => viewer.stop())));
  await untilAllSee(watchers);
  /** Ended as a balancer's operator does, which knows of no end but by refused connections. */
  const end = async (replica: Replica) => {
    assert.equal(await replica.end(), 0, `${replica.name} ended well:\n${replica.output()}`);
  };

  while (cluster.web.length < counts.most) await cluster.add('web');
  await untilAllSee(watchers);
  for (const replica of cluster.web.slice(1)) await end(replica);
  await untilAllSee(watchers);

  const [first, second] = cluster.web;
  await second!.start();
  for (const replica of [first!, second!, ...cluster.auth, ...cluster.worker, ...cluster.camera]) {
    await end(replica);
    await replica.start();
    await untilAllSee(watchers);
  }
  await uploads.stop();
  await Promise.all(viewers.map((viewer) => viewer.stop()));

  for (const { faults } of viewers) assert.deepEqual(faults, [], front.errors());
  for (const { id, film, faults } of uploads.done) {
    assert.deepEqual(faults, [], front.errors());
    await house.assertWhole(id, film);
  }
  assert.ok(uploads.done.length > 0);
  for (const { resumed } of files) assert.equal(resumed, 0, 'films within the time to drain were not cut');
  const longestMs = Math.max(
    ...watchers.flatMap(({ gaps }) => gaps.map(({ fromMs, untilMs }) => untilMs - fromMs)),
    0,
  );
  t.diagnostic(
    `${askers.reduce((sum, { asked }) => sum + asked, 0)} requests, ${uploads.done.length} uploads, ` +
      `${files.reduce((sum, { views }) => sum + views, 0)} films, ${front.errors().split('reset by peer').length - 1} connections cut under a request; longest without pictures ${Math.round(longestMs)} ms`,
  );
});
