// Two real processes, one that keeps the accounts and one that does the rest: what each has on the disk, what goes on
// while the first is gone, and what does not.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { smallFilm } from '../helpers/media/small-film.ts';
import { openStream } from '../helpers/open-stream.ts';
import { type House, startHouse, upload } from '../helpers/people.ts';
import { type Program, startProgram } from '../helpers/program.ts';
import { until } from '../helpers/until.ts';

const secret = 'of-forty-signs-that-both-processes-know.';
const page = { accept: 'text/html' };
const away = /Accounts cannot be reached right now/;

let auth: Program;
let house: House;
let videoId: string;

const authSettings = (port: string) => ({
  ...{ KINORA_AUTH: 'accounts', KINORA_ROLES: 'auth', KINORA_AUTH_SECRET: secret },
  KINORA_PORT: port,
});

before(async () => {
  auth = await startProgram({ settings: authSettings('0') });
  house = await startHouse({
    settings: {
      ...{ KINORA_ROLES: 'web,worker,camera', KINORA_AUTH_URL: auth.url, KINORA_AUTH_SECRET: secret },
      KINORA_DRAIN_SECONDS: '1',
    },
  });
  const film = await smallFilm();
  videoId = await upload(house.owner, film, 'film.mkv');
});
after(async () => {
  await house?.close();
  await auth?.close();
});

describe('accounts in a process of their own', () => {
  test('each process has its own part on the disk, and answers for nothing else', async () => {
    assert.ok(existsSync(join(auth.dataFolder, 'accounts.sqlite')));
    for (const name of ['kinora.sqlite', 'blobs', 'camera.key'])
      assert.ok(!existsSync(join(auth.dataFolder, name)), name);
    assert.ok(existsSync(join(house.program.dataFolder, 'kinora.sqlite')));
    assert.ok(!existsSync(join(house.program.dataFolder, 'accounts.sqlite')));
    for (const path of ['/', '/videos', '/login', '/api/v1/videos', `/videos/${videoId}/video.mp4`])
      assert.equal((await fetch(auth.url + path, { redirect: 'manual' })).status, 404, path);
    assert.equal((await fetch(`${auth.url}/livez`)).status, 200);
    assert.equal((await fetch(`${house.url}/service/accounts/listPeople`, { method: 'POST' })).status, 404);
    assert.deepEqual(await (await fetch(`${house.url}/readyz`)).json(), { status: 'ok', missing: [] });
  });

  test('people come in, and see what they may', async () => {
    assert.equal((await house.owner.ask('/videos', { headers: page })).status, 200);
    assert.equal((await house.child.ask(`/videos/${videoId}/video.mp4`)).status, 404);
    assert.equal((await house.ask('/api/v1/videos')).status, 401);
    const again = await house.logIn(house.member);
    assert.equal((await again.ask('/api/v1/me')).status, 200);
  });

  test('a session that ends there ends here within 5 s, with what it runs', async () => {
    const member = await house.logIn(house.member);
    const stream = await openStream(`${house.url}/cameras/default/stream.mjpeg`, { cookie: member.cookie });
    assert.equal(stream.status, 200);
    await until(() => stream.receivedBytes > 0, { what: 'the first picture' });
    const endedMs = performance.now();
    assert.ok(
      (await house.owner.ask(`/api/v1/people/${member.id}`, { method: 'PATCH', body: { isDisabled: true } }))
        .ok,
    );
    await until(() => stream.isOver, { timeoutMs: 5000, what: 'the end of the stream' });
    assert.ok(performance.now() - endedMs < 5000);
    assert.equal((await member.ask('/api/v1/me')).status, 401);
    const on = { method: 'PATCH', body: { isDisabled: false } };
    assert.ok((await house.owner.ask(`/api/v1/people/${member.id}`, on)).ok);
  });

  test('while it is gone what runs goes on, nobody is let in, and it says why; then all is as before', async () => {
    const { owner } = house;
    const stream = await openStream(`${house.url}/cameras/default/stream.mjpeg`, { cookie: owner.cookie });
    await until(() => stream.receivedBytes > 0, { what: 'the first picture' });
    const bytes = `/videos/${videoId}/video.mp4`;
    const range = { headers: { range: 'bytes=0-99' } };
    // A word a second tells what has changed there, and answers from before it hold no more: what the tests above
    // changed is known by then.
    const settledAtMs = performance.now() + 1500;
    await until(() => performance.now() > settledAtMs);
    assert.equal((await owner.ask(bytes, range)).status, 206);

    await auth.end('SIGKILL');
    await until(() => house.program.output().includes('nobody can log in'), {
      ...{ timeoutMs: 10_000, what: 'the line that says so' },
    });

    // Running and already begun: on they go.
    const soFar = stream.receivedBytes;
    await until(() => stream.receivedBytes > soFar, { timeoutMs: 10_000, what: 'the next picture' });
    assert.equal((await owner.ask(bytes, range)).status, 206);

    // Everything else is shut, for everybody, as soon as the last answer is 3 s old, and says so.
    await until(async () => (await owner.ask('/videos', { headers: page })).status === 503, {
      ...{ timeoutMs: 5000, what: 'the end of the last answer' },
    });
    for (const [who, path] of [
      [owner, '/videos'],
      [owner, '/account'],
      [house, '/login'],
      [house, '/videos'],
      [house, '/sign-up'],
    ] as const) {
      const answer = await who.ask(path, { headers: page });
      assert.equal(answer.status, 503, path);
      assert.match(await answer.text(), away, path);
      assert.ok(Number(answer.headers.get('retry-after')) > 0);
    }
    const form = new URLSearchParams({ login: 'anna@example.org', password: 'x' });
    const logIn = await house.ask('/login', { method: 'POST', body: form, headers: page });
    assert.equal(logIn.status, 503);
    assert.match(await logIn.text(), away);
    assert.equal((await owner.ask('/api/v1/videos')).status, 503);
    for (const cookie of ['kinora.session=made-up.made-up', owner.cookie.replace('.session=', '.session=x')])
      assert.equal((await house.ask(bytes, { headers: { cookie } })).status, 503, 'made up');
    assert.equal((await house.ask(bytes)).status, 401);
    assert.equal((await fetch(`${house.url}/livez`)).status, 200);
    const ready = await fetch(`${house.url}/readyz`);
    assert.deepEqual([ready.status, await ready.json()], [200, { status: 'ok', missing: ['accounts'] }]);

    auth = await startProgram({
      ...{ dataFolder: auth.dataFolder, settings: authSettings(new URL(auth.url).port) },
    });
    await until(async () => (await owner.ask('/videos', { headers: page })).status === 200, {
      ...{ timeoutMs: 10_000, what: 'the page again' },
    });
    const before = stream.receivedBytes;
    await until(() => stream.receivedBytes > before, { timeoutMs: 10_000, what: 'a picture after that' });
    assert.ok(!stream.isOver, 'the stream never ended');
    assert.equal((await (await house.logIn(house.guest)).ask('/api/v1/me')).status, 200);
    stream.close();
  });
});
