// The database is ended and started again under load: pages say so, what runs goes on from what there is, nothing that
// was acknowledged is lost, and all is well by itself afterwards.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { startMongo, withDatabase } from '../helpers/mongo/test-database.ts';
import { until } from '../helpers/until.ts';
import { isStorm, keptBytes, openHouse, slow, untilAllSee } from './house.ts';
import { keepUploading } from './uploads.ts';

/** Longer than an operation looks for a server; the issue says a minute. */
const awayMs = isStorm ? 60_000 : 8000;
const filmBytes = 16_000_000;
const patient = { timeoutMs: slow.timeoutMs };

test('the database goes away and comes back under load', { timeout: 900_000 }, async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'kinora-database-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const engine = await startMongo(t, { folder });
  if (!engine) return;
  const mongoUrl = withDatabase(engine.url, 'house');
  const house = await openHouse({ mongoUrl, web: 2, auth: 1, worker: 1, camera: 1, filmBytes });
  t.after(() => house.close());
  const { cluster, cookie } = house;
  const headers = { cookie, accept: 'text/html' };
  const watchers = [0, 1, 2, 3].map((number) => house.watchCamera(house.home(number)));
  // Of chunks that each replica has had: a film of a minute that is watched while the database is away.
  const warm = [0, 1].map((number) =>
    house.watchFile({ round: house.home(number), bytesPerSecond: 8_000_000 }),
  );
  t.after(() => Promise.all([...watchers, ...warm].map((viewer) => viewer.stop())));
  await untilAllSee(watchers);
  await until(() => warm.every(({ views }) => views > 0), patient);
  await Promise.all(warm.map((viewer) => viewer.stop()));
  const uploads = keepUploading(house, { people: 2, mostMs: 300_000 });
  await until(() => uploads.done.length > 0, patient);
  await uploads.untilPieceAt(cluster.web[0]!.url);
  // Those that run when it goes: the film at such a pace that it lasts until after.
  const running = [0, 1].map((number) =>
    house.watchFile({
      round: house.home(number),
      bytesPerSecond: house.film.bytes.length / (awayMs / 1000 + 4),
    }),
  );
  await until(() => running.every(({ bytes }) => bytes > 0), patient);
  // This one film, and none after it.
  const ended = Promise.all(running.map((viewer) => viewer.stop()));
  t.after(() => ended);
  for (const { reading } of running)
    assert.ok(reading && reading.at < filmBytes - keptBytes, 'not all of it has left its replica');

  const picturesBefore = watchers.map(({ pictures }) => pictures);
  const goneAtMs = performance.now();
  await engine.stop();
  const { url } = cluster.web[0]!;
  const page = await until(
    async () => {
      const answer = await fetch(`${url}/`, { headers, signal: AbortSignal.timeout(20_000) });
      const text = await answer.text();
      return answer.status === 503 ? { answer, text } : null;
    },
    { ...patient, what: 'a page that says so' },
  );
  assert.match(page.answer.headers.get('content-type') ?? '', /text\/html/);
  assert.ok(Number(page.answer.headers.get('retry-after')) > 0);
  assert.match(page.text, /cannot be reached right now/i);
  const readiness = await until(async () => {
    const answer = await fetch(`${url}/readyz`);
    return answer.status === 503 ? ((await answer.json()) as { missing: string[] }) : null;
  }, patient);
  assert.ok(readiness.missing.includes('catalogue'), `${readiness.missing}`);
  assert.equal((await fetch(`${url}/livez`)).status, 200);
  const leftMs = awayMs - (performance.now() - goneAtMs);
  if (leftMs > 0) await pause(leftMs);
  const picturesAway = watchers.map(({ pictures }) => pictures);
  for (const [i, pictures] of picturesAway.entries())
    assert.ok(pictures > picturesBefore[i]! + 10, 'the camera goes on without the database');
  const port = Number(new URL(engine.url.replace('mongodb:', 'http:')).port);
  const backAtMs = performance.now();
  const again = await startMongo(t, { folder, port });
  assert.ok(again);

  const ready = Promise.all(cluster.all.map((replica) => replica.untilReady(patient.timeoutMs)));
  await ready.catch((error) => {
    throw new Error(cluster.all.map(({ name, output }) => `${name}: ${output().slice(-3000)}`).join('\n'), {
      cause: error,
    });
  });
  const readyMs = performance.now() - backAtMs;
  await until(async () => (await fetch(`${url}/`, { headers })).status === 200, patient);
  // A whole upload from its beginning, and those that were under way.
  const doneBefore = uploads.done.length;
  await until(() => uploads.done.length >= doneBefore + 3, patient);
  await uploads.stop();
  await untilAllSee(watchers);
  await ended;
  await Promise.all(watchers.map((viewer) => viewer.stop()));

  for (const { faults } of running) assert.deepEqual(faults, [], 'films went on from what the replicas had');
  for (const { faults, gaps } of watchers) {
    assert.deepEqual(faults, []);
    assert.deepEqual(gaps, [], 'no picture was missed');
  }
  for (const { id, film, faults } of uploads.done) {
    assert.deepEqual(faults, [], 'nothing acknowledged was lost');
    await house.assertWhole(id, film);
  }
  for (const replica of cluster.all) assert.ok(replica.isRunning, `${replica.name} ended`);
  const broken = uploads.done.reduce((sum, each) => sum + each.broken, 0);
  t.diagnostic(
    `away for ${Math.round(backAtMs - goneAtMs)} ms, everybody ready ${Math.round(readyMs)} ms after its start began; ` +
      `${uploads.done.length} uploads, ${broken} requests asked again`,
  );
});
