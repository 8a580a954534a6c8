// What was taken away leaves no way back: codes that were approved, invites and ways to a password that a former owner
// handed out, tokens that would make more than they are; and nobody loses what their role may not delete.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { smallFilm } from '../helpers/media/small-film.ts';
import { type House, type HousePerson, housePassword, startHouse, upload } from '../helpers/people.ts';

let house: House;
before(async () => {
  house = await startHouse();
});
after(() => house?.close());

const form = (fields: Record<string, string>) => new URLSearchParams(fields);
const post = (person: HousePerson, path: string, fields: Record<string, string>) =>
  person.ask(path, { method: 'POST', body: form(fields) });

/** A television that this person has said yes to, and that has not asked yet. Resolves to what it will ask with. */
async function approvedTelevision(person: HousePerson): Promise<() => Promise<Response>> {
  const shown = await house.ask('/login/tv', { headers: { accept: 'text/html' } });
  const [cookie = ''] = shown.headers.getSetCookie().map((line) => line.split(';', 1)[0]!);
  const code = cookie.split('.')[1]!;
  const answer = await post(person, '/tv', { code, answer: 'yes' });
  assert.equal(answer.status, 200, await answer.text());
  return () => house.ask('/login/tv', { headers: { accept: 'text/html', cookie } });
}
const isIn = (answer: Response) =>
  answer.headers.getSetCookie().some((cookie) => /^kinora\.session=./.test(cookie));

test('a television that was let in and has not come yet stays out once the password is another', async () => {
  const person = await house.add('Tess', 'member');
  const thief = await house.logIn(person);
  assert.ok(isIn(await (await approvedTelevision(thief))()), 'else this shows nothing');
  const ask = await approvedTelevision(thief);
  const changed = await post(person, '/account/password', {
    current: housePassword,
    next: 'nine slow herons by the weir',
  });
  assert.equal(changed.status, 303, await changed.text());
  assert.ok(!isIn(await ask()));
});

test('... and once everybody else was logged out', async () => {
  const person = await house.add('Tom', 'member');
  const ask = await approvedTelevision(await house.logIn(person));
  assert.equal((await person.ask('/api/v1/me/sessions', { method: 'DELETE' })).status, 204);
  assert.ok(!isIn(await ask()));
});

test('what an owner handed out is worth nothing once they are no owner', async () => {
  for (const end of ['demoted', 'disabled', 'removed'] as const) {
    const other = await house.add(`Olaf ${end}`, 'owner');
    const invite = await other.read<{ url: string }>('/api/v1/invites', {
      method: 'POST',
      body: { role: 'owner' },
    });
    const reset = await other.read<{ url: string }>(`/api/v1/people/${house.owner.id}/reset`, {
      method: 'POST',
    });
    const path = `/api/v1/people/${other.id}`;
    const ended =
      end === 'removed'
        ? await house.owner.ask(path, { method: 'DELETE' })
        : await house.owner.ask(path, {
            method: 'PATCH',
            body: end === 'demoted' ? { role: 'member' } : { isDisabled: true },
          });
    assert.ok(ended.ok, await ended.text());
    const secret = new URL(invite.url).searchParams.get('invite');
    const account = { name: 'Again', email: `again-${end}@example.org`, password: housePassword };
    const signUp = await house.ask('/api/auth/sign-up/email', {
      method: 'POST',
      body: { ...account, invite: secret },
    });
    assert.equal(signUp.status, 403, `${end}: the invite still makes an owner`);
    const token = new URL(reset.url).searchParams.get('token')!;
    const taken = await house.ask('/reset', {
      method: 'POST',
      body: form({ token, password: 'nine slow herons by the weir' }),
    });
    assert.notEqual(taken.status, 303, `${end}: the way to the owner's password still leads there`);
  }
});

test('a token for people makes no owner and takes over nobody: what it cannot do it cannot get', async () => {
  const secret = await house.owner.token('people:manage');
  const ask = (path: string, method: string, body?: unknown) =>
    house.ask(path, { method, body, headers: { authorization: `Bearer ${secret}` } });
  const member = `/api/v1/people/${house.member.id}`;
  const tries: [string, string, unknown?][] = [
    ['/api/v1/invites', 'POST', { role: 'owner' }],
    [member, 'PATCH', { role: 'owner' }],
    [`${member}/reset`, 'POST'],
    [`/api/v1/people/${house.owner.id}/reset`, 'POST'],
    ['/people/invite', 'POST', form({ role: 'owner', quota: '', note: '', days: '7' })],
    [`/people/${house.member.id}`, 'POST', form({ role: 'owner', quota: '' })],
    [`/people/${house.member.id}/reset`, 'POST', form({})],
  ];
  for (const [path, method, body] of tries) {
    const { status } = await ask(path, method, body);
    assert.equal(status, 403, `${method} ${path}`);
  }
  // What it is for goes on.
  assert.equal((await ask('/api/v1/invites', 'POST', { role: 'member' })).status, 201);
  assert.equal((await ask(member, 'PATCH', { quotaBytes: null })).status, 200);
});

test('who may delete nothing does not do so by leaving', async () => {
  const child = await house.add('Kit', 'child');
  await upload(child, await smallFilm());
  const page = await (await child.ask('/account/remove', { headers: { accept: 'text/html' } })).text();
  assert.ok(!page.includes('value="bin"'), 'it is not offered');
  const left = await post(child, '/account/remove', { password: housePassword, videos: 'bin' });
  assert.equal(left.status, 403);
  assert.equal((await child.ask('/api/v1/videos')).status, 200, 'the account is as it was');
});

test('nobody is called by a name that cannot be seen', async () => {
  for (const name of ['\u200b', '\u2060\u200d', '\u3164', '\u115f \u1160', '\ufe0f', '\u{e0041}']) {
    const answer = await house.member.ask('/api/v1/me', { method: 'PATCH', body: { name } });
    assert.equal(answer.status, 400, JSON.stringify(name));
  }
  for (const name of ['👩‍👧 Mia', 'می‌خواهم', '❤️']) {
    const answer = await house.member.ask('/api/v1/me', { method: 'PATCH', body: { name } });
    assert.equal(answer.status, 200, name);
  }
});

test('an invite’s note is one line, in the log too', async () => {
  const invite = await house.owner.read<{ note: string }>('/api/v1/invites', {
    method: 'POST',
    body: { role: 'child', note: 'for Kim\n2026-01-01 Anna logged in\u001b[2J\u202e' },
  });
  assert.equal(invite.note, 'for Kim 2026-01-01 Anna logged in [2J');
  const audit = await house.owner.read<{ items: { subject: string }[] }>('/api/v1/audit?limit=3');
  assert.ok(audit.items.some(({ subject }) => subject === invite.note));
});

test('a newcomer is what the invite says, whatever is sent along', async () => {
  const invite = await house.owner.read<{ url: string }>('/api/v1/invites', {
    method: 'POST',
    body: { role: 'child', quotaBytes: 5 },
  });
  const account = { name: 'Nina', email: 'nina@example.org', password: housePassword };
  const more = {
    role: 'owner',
    quotaBytes: null,
    isDisabled: false,
    emailVerified: true,
    id: house.owner.id,
  };
  const answer = await house.ask('/api/auth/sign-up/email', {
    method: 'POST',
    body: { ...account, ...more, invite: new URL(invite.url).searchParams.get('invite') },
  });
  const { user } = (await answer.json()) as { user: { id: string } };
  const made = await house.owner.read<{ role: string; quotaBytes: number }>(`/api/v1/people/${user.id}`);
  assert.deepEqual([made.role, made.quotaBytes], ['child', 5]);
  assert.notEqual(user.id, house.owner.id);
});
