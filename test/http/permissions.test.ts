// Every route of the real server, asked by everybody: each says what it needs, and lets in those who have it and nobody
// else. And nothing of one person is told to another by any address.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import {
  isPermission,
  type Permission,
  permissions,
  permits,
  type RoutePermission,
  roles,
  type Viewer,
} from '../../src/accounts/permissions.ts';
import type { DeclaredRoute } from '../../src/http/identity.ts';
import { createServer } from '../../src/http/server.ts';
import { createFakeServices } from '../helpers/fake-services.ts';
import { smallFilm } from '../helpers/media/small-film.ts';
import { type AskInit, type House, type HousePerson, startHouse, upload } from '../helpers/people.ts';

/** Open to people without an account. A route is put here by hand, after somebody thought about it. */
const open: Partial<Record<RoutePermission, readonly string[]>> = {
  public: [
    ...['/login', '/login/code', '/login/openid', '/login/tv', '/logout'],
    ...['/sign-up', '/sign-up/strength', '/forgot', '/reset'],
    ...['/api/auth/*', '/api/docs', '/api/openapi.json'],
    ...['/assets/:name', '/favicon.ico', '/livez', '/readyz'],
  ],
  key: ['/api/v1/cameras/:id/push'],
  service: [],
};

let house: House;
let film: Uint8Array;
let routes: readonly DeclaredRoute[];

before(async () => {
  const server = await createServer(createFakeServices({ mode: 'accounts' }));
  routes = server.routes;
  await server.close();
  house = await startHouse();
  film = await smallFilm();
});
after(() => house?.close());

/** An address of a route, with parameters that lead to nothing unless they are given. */
function addressOf(url: string, parameters: Readonly<Record<string, string>> = {}): string {
  return url
    .replace(/:(\w+)/g, (_, name: string) => parameters[name] ?? 'zzzzzzzzzzzzzzzz')
    .replace('*', 'x');
}

/** Only what the head of the answer says; streams are let go. */
async function statusOf(answer: Response): Promise<{ status: number; detail: string }> {
  if (answer.headers.get('content-type')?.includes('problem+json')) {
    const text = await answer.text();
    return { status: answer.status, detail: text && (JSON.parse(text) as { detail: string }).detail };
  }
  await answer.body?.cancel();
  return { status: answer.status, detail: '' };
}

async function inTurns<Item>(items: readonly Item[], work: (item: Item) => Promise<void>): Promise<void> {
  const left = [...items];
  const worker = async () => {
    for (let item = left.shift(); item !== undefined; item = left.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: 12 }, worker));
}

describe('every route', () => {
  test('says what it needs, and what is open to anybody is meant to be', () => {
    assert.ok(routes.length > 150, `${routes.length} routes`);
    for (const { permission, url } of routes) {
      if (isPermission(permission)) continue;
      if (permission === 'link') assert.match(url, /^\/l\/:secret(\/|$)/);
      else assert.ok(open[permission]?.includes(url), `${url} is open (${permission})`);
    }
  });

  test('that needs something lets nobody in: a person is led to the log-in, a program is told 401', async () => {
    const doors = routes.filter(({ permission, method }) => isPermission(permission) && method !== 'TRACE');
    await inTurns(doors, async ({ method, url }) => {
      const path = addressOf(url);
      const told = await house.ask(path, { method });
      assert.equal(told.status, 401, `${method} ${url}`);
      assert.match(told.headers.get('cache-control') ?? '', /no-store/);
      await told.body?.cancel();
      if (path.startsWith('/api/')) return;
      const page = await house.ask(path, { method, headers: { accept: 'text/html' } });
      const isRead = method === 'GET' || method === 'HEAD';
      assert.equal(page.status, isRead ? 303 : 401, `${method} ${url} as a page`);
      const next = path === '/' ? '/login' : `/login?next=${encodeURIComponent(path)}`;
      if (isRead) assert.equal(page.headers.get('location'), next);
      await page.body?.cancel();
    });
  });

  for (const role of roles) {
    test(`lets a person of the role ${role} do what the table says, and no more`, async () => {
      // Somebody else than all others here: some of the routes end sessions.
      const walker = await house.add(`Walker ${role}`, role);
      const viewer: Viewer = {
        ...{ personId: walker.id, name: walker.name, role, scopes: null },
        ...{ sessionId: 'x', tokenId: null },
      };
      await inTurns(routes, async ({ method, url, permission }) => {
        if (!isPermission(permission)) return;
        const answer = await statusOf(await walker.ask(addressOf(url), { method }));
        check(`${method} ${url}`, answer, permits(viewer, permission), method === 'HEAD');
      });
    });
  }

  test('is open to a token for its own scope alone, and none that is a person’s own to any', async () => {
    const token = new Map<Permission, string>();
    const scopes = permissions.filter((permission) => permission !== 'self');
    for (const scope of scopes) token.set(scope, await house.owner.token(scope));
    const all = await house.owner.token(...scopes);
    const asks = routes.flatMap(({ method, url, permission }) => {
      if (!isPermission(permission)) return [];
      // Its own scope, another one, and all there are.
      const other = scopes.find((scope) => scope !== permission)!;
      const isSelf = permission === 'self';
      return [
        { method, url, secret: all, isAllowed: !isSelf },
        { method, url, secret: token.get(other)!, isAllowed: false },
        ...(isSelf ? [] : [{ method, url, secret: token.get(permission)!, isAllowed: true }]),
      ];
    });
    await inTurns(asks, async ({ method, url, secret, isAllowed }) => {
      const headers = { authorization: `Bearer ${secret}` };
      const answer = await statusOf(await house.ask(addressOf(url), { method, headers }));
      check(`${method} ${url}`, answer, isAllowed, method === 'HEAD');
    });
  });
});

function check(
  what: string,
  { status, detail }: { status: number; detail: string },
  isAllowed: boolean,
  isHead: boolean,
): void {
  const refusal = /^(Your account may not do this|This token does not have|This takes a person)/;
  if (!isAllowed) {
    assert.equal(status, 403, what);
    if (!isHead) assert.match(detail, refusal, what);
    return;
  }
  // What is not there, or not well said, is no question of permission.
  assert.notEqual(status, 401, what);
  assert.ok(status < 500, `${what}: ${status} ${detail}`);
  if (isHead) assert.notEqual(status, 403, what);
  else assert.doesNotMatch(detail, refusal, what);
}

describe('what belongs to one person', () => {
  /** What a request has to bring to get as far as the thing itself. */
  const bodies: Readonly<Record<string, AskInit['body']>> = {
    'PATCH /api/v1/videos/:id': { title: 'Mine now' },
    'PUT /api/v1/videos/:id/progress': { positionMs: 10 },
    'PUT /api/v1/videos/:id/marks': { isFavourite: true },
    'PUT /api/v1/videos/:id/shares': { isHousehold: true },
    'PUT /api/v1/folders/:id/shares': { isHousehold: true },
    'PATCH /api/v1/folders/:id': { name: 'Mine now' },
    'POST /videos/:id/rename': new URLSearchParams({ title: 'Mine now' }),
    'POST /videos/:id/marks': new URLSearchParams({ favourite: '1' }),
  };
  const things = /\/(videos|folders|uploads|links|tokens|sessions)\/:id/;

  let other: HousePerson;
  let videoId: string;
  let arrivingId: string;
  let ids: Readonly<Record<string, string>>;

  before(async () => {
    const { member } = house;
    other = await house.add('Carl', 'member');
    videoId = await upload(member, film, 'Private thing.mkv');
    const begun = await member.ask('/api/v1/uploads', {
      method: 'POST',
      headers: { 'tus-resumable': '1.0.0', 'upload-length': String(film.length) },
    });
    assert.equal(begun.status, 201);
    arrivingId = begun.headers.get('location')!.split('/').at(-1)!;
    const folder = await member.read<{ id: string }>('/api/v1/folders', {
      method: 'POST',
      body: { name: 'Private folder' },
    });
    const link = await member.read<{ id: string }>('/api/v1/links', {
      method: 'POST',
      body: { subject: 'video', subjectId: videoId },
    });
    await member.token('videos:watch');
    const [token] = (await member.read<{ items: { id: string }[] }>('/api/v1/me/tokens')).items;
    const [session] = (await member.read<{ items: { id: string }[] }>('/api/v1/me/sessions')).items;
    ids = {
      ...{ videos: videoId, folders: folder.id, uploads: arrivingId, links: link.id },
      ...{ tokens: token!.id, sessions: session!.id },
    };
  });

  /** Asks each route that names a thing, by `ask`; resolves to what was answered. */
  async function walk(ask: (path: string, init: AskInit) => Promise<Response>, kinds = Object.keys(ids)) {
    const found: { what: string; status: number; text: string }[] = [];
    const named = routes.filter(({ url, permission, method }) => {
      const kind = things.exec(url)?.[1];
      return kind !== undefined && kinds.includes(kind) && isPermission(permission) && method !== 'OPTIONS';
    });
    await inTurns(named, async ({ method, url }) => {
      const kind = things.exec(url)![1]!;
      const what = `${method} ${url}`;
      const body = bodies[what];
      const isTus = kind === 'uploads';
      const answer = await ask(addressOf(url, { id: ids[kind]! }), {
        method,
        headers: {
          ...(isTus && { 'tus-resumable': '1.0.0' }),
          ...(isTus &&
            method === 'PATCH' && {
              'upload-offset': '0',
              'content-type': 'application/offset+octet-stream',
            }),
        },
        ...(body !== undefined && { body }),
      });
      found.push({ what, status: answer.status, text: method === 'HEAD' ? '' : await answer.text() });
    });
    return found;
  }

  // An owner may end anybody's link.
  const notOwners = ['videos', 'folders', 'uploads', 'tokens', 'sessions'];
  const strangers: readonly [string, () => HousePerson, string[]?][] = [
    ['another member', () => other],
    ['a guest', () => house.guest],
    ['a child', () => house.child],
    ['the owner of the house', () => house.owner, notOwners],
  ];
  for (const [who, person, kinds] of strangers) {
    test(`is not there for ${who}, by whatever address`, async () => {
      const answers = await walk((path, init) => person().ask(path, init), kinds);
      assert.ok(answers.length > 30);
      for (const { what, status, text } of answers) {
        // 403: the role may do no such thing at all, which tells nothing of the thing.
        assert.ok(status === 404 || status === 403, `${what}: ${status} ${text}`);
        if (status === 403 && text) assert.match(text, /Your account may not do this/, what);
        assert.doesNotMatch(text, /Private/, what);
      }
    });
  }

  test('is as little there for one who knows its id as what never was', async () => {
    const never = 'zzzzzzzzzzzzzzzz';
    const mine = await walk((path, init) => other.ask(path, init));
    const none = await walk((path, init) =>
      other.ask(path.replaceAll(/[0-9a-hjkmnp-tv-z]{16}/g, never), init),
    );
    const plain = (list: typeof mine) => list.map(({ what, status, text }) => `${what} ${status} ${text}`);
    assert.deepEqual(plain(mine).sort(), plain(none).sort());
  });

  test('is not there either where it is named in a body', async () => {
    const own = await upload(other, film, 'own.mkv');
    const never = 'zzzzzzzzzzzzzzzz';
    const tries = (video: string, folder: string): readonly [string, string, AskInit['body'], object?][] => [
      ['POST', '/api/v1/links', { subject: 'video', subjectId: video }],
      ['POST', '/api/v1/links', { subject: 'folder', subjectId: folder }],
      ['POST', '/api/v1/folders', { name: 'Within', parentId: folder }],
      ['PATCH', `/api/v1/videos/${own}`, { folderId: folder }],
      [
        ...(['POST', '/api/v1/uploads', undefined] as const),
        {
          ...{ 'tus-resumable': '1.0.0', 'upload-length': '100' },
          'upload-metadata': `folder ${Buffer.from(folder).toString('base64')}`,
        },
      ],
    ];
    const known = tries(ids.videos!, ids.folders!);
    const unknown = tries(never, never);
    for (const [index, [method, path, body, headers]] of known.entries()) {
      const init = (sent: AskInit['body'], more?: object): AskInit => ({
        ...(more && { headers: more as Record<string, string> }),
        ...{ method, ...(sent !== undefined && { body: sent }) },
      });
      const answer = await other.ask(path, init(body, headers));
      const [, , noBody, noHeaders] = unknown[index]!;
      const none = await other.ask(path, init(noBody, noHeaders));
      assert.equal(answer.status, 404, `${method} ${path} ${JSON.stringify(body)}`);
      assert.deepEqual(await answer.text(), await none.text(), `${method} ${path}`);
    }
    for (const action of ['bin', 'restore', 'remove', 'move', 'share']) {
      const more = {
        ...(action === 'move' && { folderId: null }),
        ...(action === 'share' && { shares: { people: [house.guest.id] } }),
      };
      const { results } = await other.read<{ results: { isDone: boolean; reason: string }[] }>(
        '/api/v1/videos/bulk',
        { method: 'POST', body: { ids: [ids.videos, never], action, ...more } },
      );
      assert.deepEqual(
        results.map(({ isDone }) => isDone),
        [false, false],
        action,
      );
      assert.equal(results[0]!.reason, results[1]!.reason, action);
    }
    const still = await house.member.read<{ binnedAt: string | null }>(`/api/v1/videos/${ids.videos}`);
    assert.equal(still.binnedAt, null);
  });

  test('is in no list of others, and no search', async () => {
    const lists = ['/api/v1/videos', '/api/v1/videos?q=private', '/api/v1/videos?bin=true'];
    const all = ['/api/v1/videos.ndjson', '/api/v1/videos.csv', '/', '/videos', '/videos?q=private'];
    for (const [who, person] of strangers) {
      for (const path of [...lists, ...all, '/api/v1/folders', '/api/v1/links']) {
        const answer = await person().ask(path, { headers: { accept: 'text/html, application/json' } });
        assert.doesNotMatch(await answer.text(), /Private (thing|folder)/, `${who} ${path}`);
      }
    }
  });

  test('is seen and no more by those it is shared with, and nothing of a child’s is lost by it', async () => {
    const shared = await house.member.ask(`/api/v1/videos/${videoId}/shares`, {
      method: 'PUT',
      body: { people: [other.id] },
    });
    assert.ok(shared.ok, await shared.text());
    const answers = await walk((path, init) => other.ask(path, init), ['videos']);
    for (const { what, status, text } of answers) {
      const permission = routes.find(({ method, url }) => `${method} ${url}` === what)!.permission;
      const isWatching = permission === 'videos:watch';
      if (isWatching) assert.ok([200, 204, 303].includes(status), `${what}: ${status} ${text}`);
      else assert.equal(status, 403, `${what}: ${status} ${text}`);
    }
    for (const person of [house.child, house.guest, house.owner])
      assert.equal((await person.ask(`/api/v1/videos/${videoId}`)).status, 404, person.name);
  });

  test('is there for its owner by the same addresses, so that the above could have failed', async () => {
    const answers = await walk(
      (path, init) =>
        init.method === 'DELETE' || /delete|remove/.test(path)
          ? house.ask('/livez')
          : house.member.ask(path, init),
      ['videos', 'folders', 'uploads', 'links'],
    );
    for (const { what, status, text } of answers)
      assert.ok(status !== 404 && status !== 403 && status !== 401, `${what}: ${status} ${text}`);
  });
});

test('what needs more than its address says is refused to those who have less', async () => {
  const id = await upload(house.owner, film, 'bulk.mkv');
  const authorization = `Bearer ${await house.owner.token('videos:watch')}`;
  for (const action of ['bin', 'restore', 'remove', 'move', 'share']) {
    const body = { ids: [id], action, folderId: null, shares: { isHousehold: true } };
    const answer = await house.ask('/api/v1/videos/bulk', {
      method: 'POST',
      body,
      headers: { authorization },
    });
    const text = await answer.text();
    assert.ok(answer.status === 403 || /"isDone":false/.test(text), `${action}: ${answer.status} ${text}`);
  }
  const bulk = (person: HousePerson) =>
    person.ask('/api/v1/videos/bulk', { method: 'POST', body: { ids: [id], action: 'bin' } });
  for (const person of [house.guest, house.child])
    assert.equal((await bulk(person)).status, 403, person.name);
  const archive = {
    method: 'POST',
    body: new Uint8Array(1024),
    headers: { 'content-type': 'application/x-tar' },
  };
  assert.equal((await house.guest.ask('/account/data', archive)).status, 403);
  const still = await house.owner.read<{ binnedAt: string | null }>(`/api/v1/videos/${id}`);
  assert.equal(still.binnedAt, null);
});

describe('a camera', () => {
  const camera = { id: 'backyard', name: 'Backyard', driver: 'push', key: 'a key for the test' };

  test('that nobody said anything of is the household’s; children see none of it', async () => {
    const made = await house.owner.ask('/api/v1/cameras', { method: 'POST', body: camera });
    assert.equal(made.status, 201, await made.text());
    for (const person of [house.owner, house.member, house.guest])
      assert.equal((await person.ask('/api/v1/cameras/backyard')).status, 200, person.name);
    assert.equal((await house.child.ask('/api/v1/cameras/backyard')).status, 404);
  });

  test('is not there, by whatever address, for those it is not shared with', async () => {
    const shared = await house.owner.ask('/api/v1/cameras/backyard/shares', {
      method: 'PUT',
      body: { people: [house.child.id] },
    });
    assert.ok(shared.ok, await shared.text());
    assert.equal((await house.child.ask('/api/v1/cameras/backyard')).status, 200);
    const watching = routes.filter(
      ({ url, permission }) => permission === 'cameras:watch' && url.includes(':id'),
    );
    assert.ok(watching.length > 10);
    for (const { method, url } of watching) {
      const answer = await house.member.ask(addressOf(url, { id: 'backyard', file: 'init-1.mp4' }), {
        method,
      });
      const never = await house.member.ask(addressOf(url, { id: 'never', file: 'init-1.mp4' }), { method });
      assert.equal(answer.status, 404, `${method} ${url}`);
      const told = (await answer.text()).replaceAll('backyard', 'never');
      assert.equal(told, await never.text(), `${method} ${url} tells that there is one`);
    }
    for (const path of ['/api/v1/cameras', '/cameras', '/'])
      assert.doesNotMatch(await (await house.member.ask(path)).text(), /backyard/i, path);
    const wall = await house.member.ask('/cameras/wall.multipart?show=backyard');
    assert.match(await wall.text(), /"state":"removed"/);
  });

  test('takes pictures of nobody without its key, but of those who manage cameras', async () => {
    const push = (init: AskInit, ask = house.ask) =>
      ask('/api/v1/cameras/backyard/push', {
        ...{ method: 'POST', body: new Uint8Array([1, 2, 3]) },
        headers: { 'content-type': 'image/jpeg', ...(init.headers as object) },
      });
    const refused = [await push({}), await push({}, house.member.ask)];
    refused.push(await push({ headers: { authorization: 'Bearer another key' } }));
    refused.push(
      await push({ headers: { authorization: `Bearer ${await house.owner.token('cameras:watch')}` } }),
    );
    for (const answer of refused) assert.equal(answer.status, 401, await answer.text());
    const taken = [
      await push({ headers: { authorization: `Bearer ${camera.key}` } }),
      await push({}, house.owner.ask),
    ];
    // The bytes are no picture: it got as far as looking at them.
    for (const answer of taken) assert.ok([400, 415].includes(answer.status), await answer.text());
  });
});
