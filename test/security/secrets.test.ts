// Secrets stay where they belong: with everything logged that can be, none of those that pass through the program in a
// busy day is in the log, in the metrics or in a problem document.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { smallFilm } from '../helpers/media/small-film.ts';
import { type House, housePassword, startHouse, upload } from '../helpers/people.ts';

let house: House;
/** What it is, by its value. */
const secrets = new Map<string, string>();

before(async () => {
  house = await startHouse({ settings: { KINORA_LOG: 'trace' } });
  const film = await smallFilm();
  const { owner, member } = house;
  secrets.set(housePassword, 'a password');
  secrets.set('not the right one 77', 'a wrong password');
  for (const person of [owner, member, house.guest]) {
    const [, session] = /kinora\.session=([^;.]+)/.exec(person.cookie) ?? [];
    assert.ok(session);
    secrets.set(session, `${person.name}’s session`);
  }
  const token = await owner.token('videos:watch', 'metrics:read');
  secrets.set(token, 'a token');
  await house.ask('/api/v1/videos', { headers: { authorization: `Bearer ${token}` } });
  await house.ask('/api/v1/videos', { headers: { authorization: `Bearer ${token}x` } });
  const invite = await owner.read<{ url: string }>('/api/v1/invites', {
    method: 'POST',
    body: { role: 'guest' },
  });
  const code = new URL(invite.url).searchParams.get('invite')!;
  secrets.set(code, 'an invitation');
  await house.ask(`/sign-up?invite=${code}`, { headers: { accept: 'text/html' } });
  const video = await upload(owner, film);
  const link = await owner.read<{ url: string }>('/api/v1/links', {
    method: 'POST',
    body: { subject: 'video', subjectId: video, password: 'pass of the link 5' },
  });
  const [, secret] = /\/l\/([^/?#]+)/.exec(link.url) ?? [];
  assert.ok(secret);
  secrets.set(secret, 'a guest link');
  secrets.set('pass of the link 5', 'a link’s password');
  await house.ask(`/l/${secret}`, { headers: { accept: 'text/html' } });
  await house.ask(`/l/${secret}`, {
    method: 'POST',
    body: new URLSearchParams({ password: 'pass of the link 5' }),
  });
  await house.ask(`/l/${secret}/video.mp4`);
  await house.ask('/api/auth/sign-in/email', {
    method: 'POST',
    body: { email: owner.login, password: 'not the right one 77' },
  });
  await owner.ask('/api/v1/cameras', {
    method: 'POST',
    body: {
      id: 'porch',
      name: 'Porch',
      driver: 'mjpeg',
      url: 'http://127.0.0.1:9/',
      user: 'a',
      password: 'camera pass 31',
    },
  });
  secrets.set('camera pass 31', 'a camera’s password');
  await owner.ask('/cameras/porch/snapshot.jpg');
  // What fails says so in the log.
  await owner.ask(`/videos/${'z'.repeat(16)}`);
  await owner.ask('/api/v1/people', { method: 'DELETE' });
});
after(() => house?.close());

test('none is in the log, however much is logged', () => {
  const log = house.program.output();
  for (const logged of ['"level":10', 'camera without signal', 'answered with an error'])
    assert.ok(log.includes(logged), `${logged} was not logged`);
  for (const [secret, what] of secrets) {
    assert.ok(
      !log.includes(secret),
      `${what} is in the log: ${log.split('\n').find((line) => line.includes(secret))}`,
    );
    assert.ok(!log.includes(encodeURIComponent(secret)), `${what} is in the log, encoded`);
  }
});

test('none is in the metrics, nor in what the API tells its owner', async () => {
  const paths = ['/metrics', '/api/v1/people', '/api/v1/invites', '/api/v1/links', '/api/v1/me/tokens'];
  paths.push('/api/v1/audit', '/api/v1/cameras', '/api/v1/cameras/porch/setup', '/api/v1/me/sessions');
  for (const path of paths) {
    const answer = await house.owner.ask(path);
    assert.equal(answer.status, 200, path);
    const text = await answer.text();
    for (const [secret, what] of secrets) assert.ok(!text.includes(secret), `${what} is in ${path}`);
  }
});

test('metrics are for those who may read them', async () => {
  assert.equal((await house.ask('/metrics')).status, 401);
  assert.equal((await house.member.ask('/metrics')).status, 403);
});
