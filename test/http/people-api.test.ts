// The API of oneself, of people, invites, tokens and the audit log, on the real program.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { smallFilm } from '../helpers/media/small-film.ts';
import { type House, housePassword, startHouse, upload } from '../helpers/people.ts';

type List<Item> = { readonly items: readonly Item[] };
type Person = {
  id: string;
  name: string;
  email: string;
  role: string;
  quotaBytes: number | null;
  isDisabled: boolean;
};
type Entry = { id: string; atMs: number; personName: string; action: string; subject: string };

let house: House;
let film: Uint8Array;

before(async () => {
  house = await startHouse();
  film = await smallFilm();
});
after(() => house?.close());

describe('oneself', () => {
  test('is told who one is, what one may do and what one has', async () => {
    await upload(house.child, film, 'mine.mkv');
    const me = await house.child.read<Record<string, unknown>>('/api/v1/me');
    assert.equal(me.name, 'Kim');
    assert.deepEqual(me.permissions, ['videos:watch', 'videos:add', 'videos:edit', 'cameras:watch', 'self']);
    assert.deepEqual(me.usage, { videos: 1, bytes: film.length });
  });

  test('takes another name, and no other role', async () => {
    const renamed = await house.guest.read<Person>('/api/v1/me', {
      method: 'PATCH',
      body: { name: 'Margarete' },
    });
    assert.deepEqual([renamed.name, renamed.role], ['Margarete', 'guest']);
    const more = { name: 'Greta', role: 'owner', quotaBytes: null };
    const answer = await house.guest.ask('/api/v1/me', { method: 'PATCH', body: more });
    assert.ok(answer.status === 400 || ((await answer.json()) as Person).role === 'guest');
    assert.equal((await house.guest.read<Person>('/api/v1/me')).role, 'guest');
    for (const name of ['', 'x'.repeat(201), 5, null])
      assert.equal((await house.guest.ask('/api/v1/me', { method: 'PATCH', body: { name } })).status, 400);
  });

  test('ends sessions one by one and all others, at once, and nobody else’s', async () => {
    const here = await house.logIn(house.member);
    const [there, elsewhere] = [await house.logIn(house.member), await house.logIn(house.member)];
    const sessions = () => here.read<List<{ id: string; isThisOne: boolean }>>('/api/v1/me/sessions');
    const own = await there.read<List<{ id: string; isThisOne: boolean }>>('/api/v1/me/sessions');
    const { id } = own.items.find(({ isThisOne }) => isThisOne)!;
    assert.equal((await house.guest.ask(`/api/v1/me/sessions/${id}`, { method: 'DELETE' })).status, 404);
    assert.equal((await here.ask(`/api/v1/me/sessions/${id}`, { method: 'DELETE' })).status, 204);
    assert.equal((await there.ask('/api/v1/me')).status, 401);
    assert.equal((await elsewhere.ask('/api/v1/me')).status, 200);
    assert.equal((await here.ask('/api/v1/me/sessions', { method: 'DELETE' })).status, 204);
    assert.equal((await elsewhere.ask('/api/v1/me')).status, 401);
    assert.deepEqual(
      (await sessions()).items.map(({ isThisOne }) => isThisOne),
      [true],
    );
    // The house's own session of Ben went with the others.
    house = { ...house, member: here };
  });

  test('makes tokens of what one may do oneself; each is shown once and ends at once', async () => {
    const make = (body: object) => house.member.ask('/api/v1/me/tokens', { method: 'POST', body });
    const refused = [
      ...[
        { name: 'x', scopes: [] },
        { name: 'x', scopes: ['self'] },
        { name: 'x', scopes: ['people:manage'] },
      ],
      ...[
        { name: 'x', scopes: ['root'] },
        { name: '', scopes: ['videos:watch'] },
        { scopes: ['videos:watch'] },
      ],
      ...[
        { name: 'x', scopes: ['videos:watch'], expiresAtMs: 1 },
        { name: 'x', scopes: 'videos:watch' },
      ],
    ];
    for (const body of refused)
      assert.ok([400, 403].includes((await make(body)).status), JSON.stringify(body));
    const made = await make({ name: 'Script', scopes: ['videos:watch'], expiresAtMs: Date.now() + 60_000 });
    assert.equal(made.status, 201);
    assert.match(made.headers.get('cache-control') ?? '', /no-store/);
    const { id, secret } = (await made.json()) as { id: string; secret: string };
    const listed = await (await house.member.ask('/api/v1/me/tokens')).text();
    assert.ok(listed.includes(id) && !listed.includes(secret));
    const authorization = `Bearer ${secret}`;
    assert.equal((await house.ask('/api/v1/videos', { headers: { authorization } })).status, 200);
    assert.equal((await house.guest.ask(`/api/v1/me/tokens/${id}`, { method: 'DELETE' })).status, 404);
    assert.equal((await house.member.ask(`/api/v1/me/tokens/${id}`, { method: 'DELETE' })).status, 204);
    assert.equal((await house.ask('/api/v1/videos', { headers: { authorization } })).status, 401);
  });
});

describe('the owner', () => {
  const person = (id: string) => `/api/v1/people/${id}`;

  test('sees everybody, and no passwords or hashes of them', async () => {
    const text = await (await house.owner.ask('/api/v1/people')).text();
    const { items } = JSON.parse(text) as List<Person>;
    assert.deepEqual(
      items.map(({ email }) => email).sort(),
      ['anna', 'ben', 'greta', 'kim'].map((name) => `${name}@example.org`),
    );
    assert.doesNotMatch(text, /scrypt|passwordHash|secret|token/i);
    assert.equal((await house.owner.ask(person('zzzzzzzzzzzzzzzz'))).status, 404);
  });

  test('changes a role and a quota, which hold at once; what makes no sense is refused', async () => {
    const somebody = await house.add('Dora', 'member');
    const change = (body: object) => house.owner.ask(person(somebody.id), { method: 'PATCH', body });
    assert.equal((await somebody.ask('/upload')).status, 200);
    assert.equal((await change({ role: 'guest', quotaBytes: 5000 })).status, 200);
    assert.equal((await somebody.ask('/upload')).status, 403);
    const now = await house.owner.read<Person>(person(somebody.id));
    assert.deepEqual([now.role, now.quotaBytes], ['guest', 5000]);
    assert.equal((await change({ quotaBytes: null })).status, 200);
    assert.equal((await house.owner.read<Person>(person(somebody.id))).quotaBytes, null);
    for (const body of [{}, { role: 'king' }, { quotaBytes: -1 }, { quotaBytes: 1.5 }, { isDisabled: 'no' }])
      assert.equal((await change(body)).status, 400, JSON.stringify(body));
  });

  test('does not lock the house: there stays an owner', async () => {
    for (const body of [{ role: 'member' }, { isDisabled: true }])
      assert.equal((await house.owner.ask(person(house.owner.id), { method: 'PATCH', body })).status, 409);
    assert.equal((await house.owner.ask(person(house.owner.id), { method: 'DELETE' })).status, 409);
  });

  test('removes somebody: the account is gone at once, the videos are whose they were to be', async () => {
    const leaver = await house.add('Emil', 'member');
    const id = await upload(leaver, film, 'left behind.mkv');
    const gone = await house.owner.ask(`${person(leaver.id)}?videos=${house.member.id}`, {
      method: 'DELETE',
    });
    assert.equal(gone.status, 204, await gone.text());
    assert.equal((await leaver.ask('/api/v1/me')).status, 401);
    assert.equal((await house.member.ask(`/api/v1/videos/${id}`)).status, 200);
    assert.equal((await house.owner.ask(`/api/v1/videos/${id}`)).status, 404);
    const other = await house.add('Fritz', 'member');
    const left = await upload(other, film, 'left to all owners.mkv');
    assert.equal((await house.owner.ask(person(other.id), { method: 'DELETE' })).status, 204);
    assert.equal((await house.owner.ask(`/api/v1/videos/${left}`)).status, 200);
    assert.equal((await house.owner.ask(`${person('zzzzzzzzzzzzzzzz')}`, { method: 'DELETE' })).status, 404);
  });

  test('invites: a link that works once, and not after it was taken back', async () => {
    const made = await house.owner.ask('/api/v1/invites', {
      method: 'POST',
      body: { role: 'member', note: 'Gustav', quotaBytes: 1e9 },
    });
    assert.equal(made.status, 201);
    const { id, url } = (await made.json()) as { id: string; url: string };
    assert.equal(new URL(url).origin, house.url);
    const secret = new URL(url).searchParams.get('invite')!;
    const listed = await (await house.owner.ask('/api/v1/invites')).text();
    assert.ok(listed.includes(id) && !listed.includes(secret));
    const signUp = (name: string, invite: string) =>
      house.ask('/api/auth/sign-up/email', {
        method: 'POST',
        body: { name, email: `${name}@example.org`, password: housePassword, invite },
      });
    assert.equal((await signUp('gustav', secret)).status, 200);
    assert.equal((await signUp('gustav2', secret)).status, 403);
    const back = await house.owner.read<{ id: string; url: string }>('/api/v1/invites', {
      method: 'POST',
      body: { role: 'owner' },
    });
    assert.equal((await house.owner.ask(`/api/v1/invites/${back.id}`, { method: 'DELETE' })).status, 204);
    assert.equal((await signUp('hugo', new URL(back.url).searchParams.get('invite')!)).status, 403);
    for (const body of [{}, { role: 'king' }, { role: 'member', days: 0 }, { role: 'member', days: 31 }])
      assert.equal((await house.owner.ask('/api/v1/invites', { method: 'POST', body })).status, 400);
  });

  test('hands somebody a way to a new password; the old sessions end', async () => {
    const forgetful = await house.add('Ida', 'member');
    const { url } = await house.owner.read<{ url: string }>(`${person(forgetful.id)}/reset`, {
      method: 'POST',
    });
    const token = new URL(url).searchParams.get('token')!;
    const form = new URLSearchParams({ token, password: 'seven green lamps at noon' });
    const reset = await house.ask('/reset', { method: 'POST', body: form });
    assert.equal(reset.status, 303, await reset.text());
    assert.equal((await forgetful.ask('/api/v1/me')).status, 401);
    assert.equal((await house.ask('/reset', { method: 'POST', body: form })).status, 403);
  });

  test('reads who did what, of accounts and of things, newest first and in pages', async () => {
    const id = await upload(house.owner, film, 'noted.mkv');
    await house.owner.ask(`/api/v1/videos/${id}`, { method: 'DELETE' });
    await house.owner.ask(`/api/v1/videos/${id}/restore`, { method: 'POST' });
    await house.owner.ask(`/api/v1/videos/${id}/shares`, { method: 'PUT', body: { isHousehold: true } });
    const camera = { id: 'noted', name: 'Noted camera', driver: 'push', key: 'a key nobody reads' };
    await house.owner.ask('/api/v1/cameras', { method: 'POST', body: camera });
    await house.owner.ask('/api/v1/cameras/noted', { method: 'DELETE' });
    const text = await (await house.owner.ask('/api/v1/audit?limit=1000')).text();
    const { items } = JSON.parse(text) as List<Entry>;
    const lines = items.map(({ action, subject, personName }) => `${personName} ${action} ${subject}`);
    for (const line of [
      ...['Anna video-added noted', 'Anna video-binned noted', 'Anna video-restored noted'],
      ...['Anna video-shared noted', 'Anna camera-added Noted camera', 'Anna camera-removed Noted camera'],
    ])
      assert.ok(lines.includes(line), `${line} is missing of\n${lines.join('\n')}`);
    assert.ok(items.some(({ action }) => action === 'person-invited'));
    assert.ok(items.every(({ atMs }, index) => index === 0 || atMs <= items[index - 1]!.atMs));
    assert.doesNotMatch(text, new RegExp(`${housePassword}|a key nobody reads`));
    const first = await house.owner.read<List<Entry>>('/api/v1/audit?limit=3');
    assert.equal(first.items.length, 3);
    const next = await house.owner.read<List<Entry>>(`/api/v1/audit?limit=3&before=${first.items[2]!.atMs}`);
    assert.ok(next.items.every(({ atMs }) => atMs < first.items[2]!.atMs));
    assert.equal((await house.owner.ask('/api/v1/audit?limit=0')).status, 400);
  });
});

describe('the log-in’s own addresses', () => {
  const post = (type: string, body: string) =>
    house.ask('/api/auth/sign-in/email', { method: 'POST', body, headers: { 'content-type': type } });

  test('take JSON of a bounded size, and nothing else', async () => {
    const good = JSON.stringify({ email: house.owner.login, password: housePassword });
    assert.equal((await post('application/json', good)).status, 200);
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x'])
      assert.equal((await post(type, good)).status, 415, type);
    assert.equal((await post('application/json', `{"email":"${'x'.repeat(70_000)}"}`)).status, 413);
    for (const body of ['{', '[]', '"x"', 'null', '5', '{"email":{"$ne":null},"password":1}']) {
      const { status } = await post('application/json', body);
      assert.ok(status >= 400 && status < 500, `${body}: ${status}`);
    }
  });

  test('set the session’s cookie for people’s eyes only, and answer nobody’s cache', async () => {
    const answer = await post(
      'application/json',
      JSON.stringify({ email: house.owner.login, password: housePassword }),
    );
    const cookie = answer.headers.getSetCookie().find((line) => line.startsWith('kinora.session='))!;
    for (const attribute of ['HttpOnly', 'SameSite=Lax', 'Path=/'])
      assert.ok(cookie.includes(attribute), cookie);
    assert.equal(answer.headers.get('cache-control'), 'no-store');
  });

  test('answer no page of another site', async () => {
    const body = JSON.stringify({ email: house.owner.login, password: housePassword });
    const headers = { 'content-type': 'application/json', 'sec-fetch-site': 'cross-site' };
    assert.equal((await house.ask('/api/auth/sign-in/email', { method: 'POST', body, headers })).status, 403);
  });
});
