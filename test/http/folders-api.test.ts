// Folders, marks, shares and many videos at once over the API: on the real program with a household in it.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, describe, test } from 'node:test';
import { makeMedia } from '../helpers/media/media.ts';
import { type House, type HousePerson, startHouse } from '../helpers/people.ts';

type Folder = { id: string; ownerId: string; parentId: string | null; name: string };
type Video = { id: string; title: string; ownerId: string; folderId: string | null };
type Shares = {
  isHousehold: boolean;
  people: { id: string; name: string }[];
  others: { id: string; name: string }[];
};

let house: House;
let film: Buffer;

before(async () => {
  house = await startHouse();
  film = await readFile(await makeMedia({ container: 'mp4', video: { codec: 'h264', seconds: 1 } }));
});
after(() => house.close());

async function upload(
  person: HousePerson,
  name: string,
  fields: Record<string, string> = {},
): Promise<string> {
  const form = new FormData();
  for (const [field, value] of Object.entries(fields)) form.append(field, value);
  form.append('file', new Blob([new Uint8Array(film)]), `${name}.mp4`);
  const answer = await person.ask('/upload', {
    method: 'POST',
    body: form,
    headers: { accept: 'application/json' },
  });
  assert.equal(answer.status, 201, await answer.clone().text());
  return ((await answer.json()) as { videos: Video[] }).videos[0]!.id;
}

const nobody = { isHousehold: false, people: [] };
const post = (person: HousePerson, path: string, body: unknown) => person.ask(path, { method: 'POST', body });
const put = (person: HousePerson, path: string, body: unknown) => person.ask(path, { method: 'PUT', body });
const patch = (person: HousePerson, path: string, body: unknown) =>
  person.ask(path, { method: 'PATCH', body });

async function make(person: HousePerson, name: string, parentId: string | null = null): Promise<Folder> {
  return person.read<Folder>('/api/v1/folders', { method: 'POST', body: { name, parentId } });
}

async function titles(person: HousePerson, query = ''): Promise<string[]> {
  const { items } = await person.read<{ items: Video[] }>(`/api/v1/videos?limit=1000${query}`);
  return items.map(({ title }) => title);
}

describe('folders', () => {
  test('are made, listed, renamed, moved into one another and back to the top', async () => {
    const { owner } = house;
    const outer = await make(owner, 'Outer');
    const inner = await make(owner, 'Inner', outer.id);
    assert.deepEqual([inner.parentId, inner.ownerId], [outer.id, owner.id]);
    const listed = async (query: string) =>
      (await owner.read<{ items: Folder[] }>(`/api/v1/folders${query}`)).items.map(({ name }) => name);
    assert.ok((await listed('')).includes('Outer'));
    assert.deepEqual(await listed(`?parent=${outer.id}`), ['Inner']);
    const one = await owner.read<{ folder: Folder; path: Folder[] }>(`/api/v1/folders/${inner.id}`);
    assert.deepEqual(
      one.path.map(({ name }) => name),
      ['Outer', 'Inner'],
    );
    assert.equal((await patch(owner, `/api/v1/folders/${outer.id}`, { parentId: inner.id })).status, 409);
    const moved = await owner.read<Folder>(`/api/v1/folders/${inner.id}`, {
      method: 'PATCH',
      body: { name: 'Renamed', parentId: null },
    });
    assert.deepEqual([moved.name, moved.parentId], ['Renamed', null]);
    for (const body of [{}, { name: '' }, { name: 'x'.repeat(201) }, { name: '\u200b' }])
      assert.equal(
        (await patch(owner, `/api/v1/folders/${inner.id}`, body)).status,
        400,
        JSON.stringify(body),
      );
  });

  test('hold videos: sent into one, moved out and in, and the bin takes them along', async () => {
    const { owner } = house;
    const folder = await make(owner, 'Films');
    const id = await upload(owner, 'sent into it', { folder: folder.id });
    assert.equal((await owner.read<Video>(`/api/v1/videos/${id}`)).folderId, folder.id);
    assert.deepEqual(await titles(owner, `&folder=${folder.id}`), ['sent into it']);
    const out = await patch(owner, `/api/v1/videos/${id}`, { folderId: null });
    assert.equal(((await out.json()) as Video).folderId, null);
    assert.ok((await titles(owner, '&folder=top')).includes('sent into it'));
    const both = { title: 'New name', folderId: folder.id };
    const changed = (await (await patch(owner, `/api/v1/videos/${id}`, both)).json()) as Video;
    assert.deepEqual([changed.title, changed.folderId], ['New name', folder.id]);
    assert.equal((await owner.ask(`/api/v1/folders/${folder.id}`, { method: 'DELETE' })).status, 204);
    assert.equal((await owner.ask(`/api/v1/folders/${folder.id}`)).status, 404);
    assert.ok((await titles(owner, '&bin=true')).includes('New name'));
  });

  test('of somebody else are not there, whatever is asked of them', async () => {
    const { owner, member, child } = house;
    const folder = await make(member, 'Ben’s');
    const own = await upload(owner, 'owners');
    for (const person of [owner, child]) {
      assert.equal((await person.ask(`/api/v1/folders/${folder.id}`)).status, 404);
      assert.equal((await person.ask(`/api/v1/folders?parent=${folder.id}`)).status, 404);
      assert.equal((await person.ask(`/api/v1/videos?folder=${folder.id}`)).status, 404);
      assert.equal((await patch(person, `/api/v1/folders/${folder.id}`, { name: 'x' })).status, 404);
      assert.equal((await post(person, '/api/v1/folders', { name: 'x', parentId: folder.id })).status, 404);
    }
    assert.equal((await owner.ask(`/api/v1/folders/${folder.id}`, { method: 'DELETE' })).status, 404);
    assert.equal((await patch(owner, `/api/v1/videos/${own}`, { folderId: folder.id })).status, 404);
    assert.equal((await owner.ask(`/api/v1/folders/${folder.id}/shares`)).status, 404);
    const form = new FormData();
    form.append('folder', folder.id);
    form.append('file', new Blob([new Uint8Array(film)]), 'x.mp4');
    const headers = { accept: 'application/json' };
    assert.equal((await owner.ask('/upload', { method: 'POST', body: form, headers })).status, 404);
    for (const id of ['nonsense', '..%2f..', '%00', '0000000000000000'])
      assert.equal((await owner.ask(`/api/v1/folders/${id}`)).status, 404);
  });

  test('what a role may not do, it may not do here', async () => {
    const { guest, child } = house;
    assert.equal((await post(guest, '/api/v1/folders', { name: 'x' })).status, 403);
    const folder = await make(child, 'Kim’s');
    assert.equal((await child.ask(`/api/v1/folders/${folder.id}`, { method: 'DELETE' })).status, 403);
    assert.equal(
      (await put(child, `/api/v1/folders/${folder.id}/shares`, { isHousehold: true, people: [] })).status,
      403,
    );
  });
});

describe('sharing', () => {
  test('a video with the household and with people by name, and taking it back holds at once', async () => {
    const { owner, member, guest, child } = house;
    const id = await upload(member, 'a secret');
    const canSee = async () =>
      Promise.all([owner, guest, child].map(async (one) => (await one.ask(`/api/v1/videos/${id}`)).status));
    assert.deepEqual(await canSee(), [404, 404, 404], 'an owner does not see it either');
    const before = await member.read<Shares>(`/api/v1/videos/${id}/shares`);
    assert.deepEqual([before.isHousehold, before.people], [false, []]);
    assert.deepEqual(Object.keys(before.others[0]!).sort(), ['id', 'name'], 'nothing else of a person');
    assert.ok(!before.others.some((other) => other.id === member.id), 'oneself is no choice');
    const shared = await member.read<Shares>(`/api/v1/videos/${id}/shares`, {
      method: 'PUT',
      body: { isHousehold: true, people: [member.id] },
    });
    assert.deepEqual([shared.isHousehold, shared.people], [true, []]);
    assert.deepEqual(await canSee(), [200, 200, 404], 'children see what was shared with them by name');
    await put(member, `/api/v1/videos/${id}/shares`, { isHousehold: false, people: [child.id] });
    assert.deepEqual(await canSee(), [404, 404, 200]);
    assert.ok((await titles(child, '&whose=others')).includes('a secret'));
    assert.ok(!(await titles(child, '&whose=own')).includes('a secret'));
    assert.equal((await patch(child, `/api/v1/videos/${id}`, { title: 'mine' })).status, 403);
    await put(member, `/api/v1/videos/${id}/shares`, nobody);
    assert.deepEqual(await canSee(), [404, 404, 404]);
    for (const body of [
      { isHousehold: false, people: ['nobody'] },
      { isHousehold: false, people: Array(201).fill('x') },
      { isHousehold: false, people: { x: 1 } },
      {},
      { who: 1 },
    ])
      assert.equal(
        (await put(member, `/api/v1/videos/${id}/shares`, body)).status,
        400,
        JSON.stringify(body),
      );
  });

  test('a folder shares all that lies in it and below, and what comes into it later', async () => {
    const { owner, member, guest } = house;
    const outer = await make(member, 'Shown');
    const inner = await make(member, 'Inside', outer.id);
    await upload(member, 'deep inside', { folder: inner.id });
    await put(member, `/api/v1/folders/${outer.id}/shares`, { isHousehold: false, people: [guest.id] });
    assert.ok((await titles(guest)).includes('deep inside'));
    await upload(member, 'later', { folder: outer.id });
    assert.deepEqual(await titles(guest, `&folder=${outer.id}`), ['later']);
    assert.ok(!(await titles(owner)).includes('later'));
    assert.equal((await post(guest, '/api/v1/folders', { name: 'x', parentId: outer.id })).status, 403);
    const path = await guest.read<{ path: Folder[] }>(`/api/v1/folders/${inner.id}`);
    assert.deepEqual(
      path.path.map(({ name }) => name),
      ['Shown', 'Inside'],
    );
    await put(member, `/api/v1/folders/${outer.id}/shares`, nobody);
    await put(member, `/api/v1/folders/${inner.id}/shares`, { isHousehold: false, people: [guest.id] });
    const now = await guest.read<{ path: Folder[] }>(`/api/v1/folders/${inner.id}`);
    assert.deepEqual(
      now.path.map(({ name }) => name),
      ['Inside'],
      'what lies around is not told',
    );
  });

  test('at once with the upload, where that may be', async () => {
    const { member, guest, child } = house;
    await upload(member, 'for all', { share: 'household' });
    assert.ok((await titles(guest)).includes('for all'));
    const send = async (person: HousePerson, share: string) => {
      const form = new FormData();
      form.append('share', share);
      form.append('file', new Blob([new Uint8Array(film)]), 'x.mp4');
      const headers = { accept: 'application/json' };
      return (await person.ask('/upload', { method: 'POST', body: form, headers })).status;
    };
    assert.equal(await send(child, 'household'), 403);
    assert.equal(await send(member, 'everybody'), 400);
    assert.equal(await send(guest, 'household'), 403);
  });

  test('in the query, for those who cannot put fields before the file', async () => {
    const { member, guest } = house;
    const folder = await make(member, 'By query');
    const form = new FormData();
    form.append('file', new Blob([new Uint8Array(film)]), 'by query.mp4');
    const path = `/upload?folder=${folder.id}&share=household`;
    const headers = { accept: 'application/json' };
    assert.equal((await member.ask(path, { method: 'POST', body: form, headers })).status, 201);
    assert.deepEqual(await titles(member, `&folder=${folder.id}`), ['by query']);
    assert.ok((await titles(guest)).includes('by query'));
  });

  test('a camera is the owner’s to share', async () => {
    const { owner, member, guest } = house;
    const camera = { id: 'porch', name: 'Porch', driver: 'push' };
    assert.equal((await post(owner, '/api/v1/cameras', camera)).status, 201);
    const path = '/api/v1/cameras/porch/shares';
    assert.equal((await member.ask(path)).status, 403);
    assert.equal(
      (await owner.read<Shares>(path)).isHousehold,
      true,
      'the household’s unless somebody says otherwise',
    );
    assert.equal((await guest.ask('/api/v1/cameras/porch')).status, 200);
    assert.equal((await put(owner, path, { isHousehold: false, people: [member.id] })).status, 200);
    assert.equal((await guest.ask('/api/v1/cameras/porch')).status, 404);
    assert.equal((await member.ask('/api/v1/cameras/porch')).status, 200);
    assert.equal((await owner.ask('/api/v1/cameras/nothing/shares')).status, 404);
  });
});

describe('marks', () => {
  test('are one’s own, also on what others share', async () => {
    const { owner, member } = house;
    const id = await upload(member, 'marked', { share: 'household' });
    const path = `/api/v1/videos/${id}/marks`;
    const favourite = await put(owner, path, { isFavourite: true });
    assert.deepEqual(await favourite.json(), { isFavourite: true, isWatched: false });
    assert.deepEqual(await (await put(owner, path, { isWatched: true })).json(), {
      isFavourite: true,
      isWatched: true,
    });
    assert.deepEqual(await member.read(path), { isFavourite: false, isWatched: false });
    assert.deepEqual(await titles(owner, '&marked=favourite'), ['marked']);
    assert.ok(!(await titles(owner, '&marked=unwatched')).includes('marked'));
    assert.deepEqual(await titles(member, '&marked=watched'), []);
    assert.equal((await put(owner, path, { isFavourite: 'maybe' })).status, 400);
    await put(member, `/api/v1/videos/${id}/shares`, nobody);
    assert.equal((await put(owner, path, { isFavourite: false })).status, 404);
  });

  test('watched comes by itself at the credits', async () => {
    const { owner } = house;
    const id = await upload(owner, 'watched to the end');
    await put(owner, `/api/v1/videos/${id}/progress`, { positionMs: 980 });
    assert.deepEqual(await owner.read(`/api/v1/videos/${id}/marks`), { isFavourite: false, isWatched: true });
  });
});

test('the list is sorted as it is asked for', async () => {
  const { child } = house;
  for (const name of ['Zebra', 'ähre', 'Apfel 10', 'Apfel 9']) await upload(child, name);
  const own = (sort: string) => titles(child, `&whose=own&sort=${sort}`);
  assert.deepEqual(await own('newest'), ['Apfel 9', 'Apfel 10', 'ähre', 'Zebra']);
  assert.deepEqual(await own('oldest'), ['Zebra', 'ähre', 'Apfel 10', 'Apfel 9']);
  assert.equal((await own('title')).at(-1), 'Zebra');
  assert.equal((await child.ask('/api/v1/videos?sort=random')).status, 400);
});

describe('many videos at once', () => {
  type Results = { results: { id: string; isDone: boolean; reason: string | null }[] };
  const bulk = (person: HousePerson, body: unknown) =>
    person.read<Results>('/api/v1/videos/bulk', { method: 'POST', body });

  test('are moved, shared, thrown away, taken back and removed, each with its own answer', async () => {
    const { owner, member, guest } = house;
    const ids = await Promise.all(['bulk 1', 'bulk 2', 'bulk 3'].map((name) => upload(member, name)));
    const theirs = await upload(owner, 'not theirs', { share: 'household' });
    const hidden = await upload(owner, 'hidden');
    const folder = await make(member, 'Bulk');
    const all = [...ids, theirs, hidden, 'nonsense', ids[0]!];
    const moved = await bulk(member, { ids: all, action: 'move', folderId: folder.id });
    assert.deepEqual(
      moved.results.map(({ id, isDone }) => [id, isDone]),
      [...ids.map((id) => [id, true]), ...[theirs, hidden, 'nonsense'].map((id) => [id, false])],
    );
    assert.match(moved.results[3]!.reason!, /somebody else/);
    assert.equal(moved.results[4]!.reason, moved.results[5]!.reason, 'what one may not see is not there');
    assert.equal((await titles(member, `&folder=${folder.id}`)).length, 3);

    await put(member, `/api/v1/videos/${ids[0]}/shares`, { isHousehold: false, people: [owner.id] });
    await bulk(member, { ids, action: 'share', shares: { isHousehold: false, people: [guest.id] } });
    const shares = await member.read<Shares>(`/api/v1/videos/${ids[0]}/shares`);
    assert.deepEqual(
      shares.people.map(({ id }) => id).sort(),
      [owner.id, guest.id].sort(),
      'added to those before',
    );
    assert.equal((await titles(guest)).filter((title) => title.startsWith('bulk')).length, 3);

    assert.ok((await bulk(member, { ids, action: 'remove' })).results.every(({ isDone }) => !isDone));
    await bulk(member, { ids, action: 'bin' });
    assert.equal((await titles(guest)).filter((title) => title.startsWith('bulk')).length, 0);
    await bulk(member, { ids: [ids[0]], action: 'restore' });
    await bulk(member, { ids: ids.slice(1), action: 'remove' });
    assert.deepEqual(
      (await titles(member)).filter((title) => title.startsWith('bulk')),
      ['bulk 1'],
    );
    assert.equal((await member.ask(`/api/v1/videos/${ids[1]}`)).status, 404);
  });

  test('what holds for all of them is one refusal', async () => {
    const { owner, member, child, guest } = house;
    const id = await upload(child, 'kims');
    for (const action of ['bin', 'restore', 'remove', 'share'])
      assert.equal((await post(child, '/api/v1/videos/bulk', { ids: [id], action })).status, 403, action);
    assert.equal(
      (await post(guest, '/api/v1/videos/bulk', { ids: [id], action: 'move', folderId: null })).status,
      403,
    );
    const folder = await make(owner, 'Owner’s');
    const move = { ids: [id], action: 'move', folderId: folder.id };
    assert.equal((await post(member, '/api/v1/videos/bulk', move)).status, 404);
    for (const body of [
      ...[
        { ids: [], action: 'bin' },
        { ids: Array(1001).fill(id), action: 'bin' },
        { ids: [id], action: 'burn' },
      ],
      ...[{ ids: [id], action: 'move' }, { ids: [id], action: 'share' }, { action: 'bin' }],
    ])
      assert.equal(
        (await post(owner, '/api/v1/videos/bulk', body)).status,
        400,
        JSON.stringify(body).slice(0, 100),
      );
  });

  test('are in the audit log in one line', async () => {
    const { owner, member } = house;
    const ids = await Promise.all(['noted 1', 'noted 2'].map((name) => upload(member, name)));
    await bulk(member, { ids, action: 'bin' });
    const { items } = await owner.read<{ items: { action: string; subject: string }[] }>('/api/v1/audit');
    assert.ok(
      items.some(({ action, subject }) => action === 'video-binned' && /^2 videos: noted/.test(subject)),
      JSON.stringify(items.slice(0, 5)),
    );
  });
});
