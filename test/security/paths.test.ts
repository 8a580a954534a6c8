// Parameters of addresses that want to be paths, and links on the disk that lead elsewhere.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { DeclaredRoute } from '../../src/http/identity.ts';
import { createServer } from '../../src/http/server.ts';
import { createFakeServices } from '../helpers/fake-services.ts';
import { smallFilm } from '../helpers/media/small-film.ts';
import { type House, startHouse, upload } from '../helpers/people.ts';

let house: House;
let routes: readonly DeclaredRoute[];
let folder: string;
/** Connections are kept: a thousand of them would cost more than what is asked. */
const agent = new Agent({ keepAlive: true, maxSockets: 1 });

before(async () => {
  const server = await createServer(createFakeServices({ mode: 'accounts' }));
  routes = server.routes;
  await server.close();
  house = await startHouse();
  folder = mkdtempSync(join(tmpdir(), 'kinora-paths-'));
});
after(async () => {
  agent.destroy();
  await house?.close();
  if (folder) rmSync(folder, { recursive: true, force: true });
});

/** As it is: `fetch` would tidy the path. */
async function askRaw(method: string, path: string): Promise<{ status: number; text: string }> {
  const { hostname, port } = new URL(house.url);
  const asked = request({
    ...{ hostname, port, method, path, agent },
    headers: { cookie: house.owner.cookie, origin: house.url, 'content-type': 'application/json' },
  });
  const [response] = await once(asked.end(['POST', 'PATCH'].includes(method) ? '{}' : undefined), 'response');
  let text = '';
  for await (const piece of response) {
    text += piece;
    if (text.length > 100_000) break;
  }
  return { status: response.statusCode, text };
}

const tricks = [
  ...['..%2f..%2f..%2f..%2fetc%2fpasswd', '%2e%2e%2f%2e%2e%2fetc%2fpasswd', '..%252f..%252fetc%252fpasswd'],
  ...['%c0%ae%c0%ae%c0%afetc%c0%afpasswd', '..%5c..%5cwindows%5cwin.ini', 'kinora.sqlite', 'accounts.sqlite'],
  ...[
    'auth.key',
    'file%00.jpg',
    '%00',
    'con',
    '.',
    '..%00',
    '%ff%fe',
    '~root',
    '%2fetc%2fpasswd',
    '__proto__',
  ],
  ...['constructor', 'toString', '%0d%0aSet-Cookie:x=y', 'a'.repeat(300)],
];

test('no parameter of any route is a path: the answers are 4xx and hold nothing of a file', {
  timeout: 280_000,
}, async () => {
  const wrong: string[] = [];
  let asked = 0;
  for (const { method, url } of routes) {
    // Streams of what there is are no matter here: every address names something that is not there.
    if (!/[:*]/.test(url) || !['GET', 'POST', 'PATCH', 'DELETE'].includes(method)) continue;
    for (const trick of tricks) {
      const path = url.replace(/:\w+|\*/g, trick);
      const { status, text } = await askRaw(method, path);
      asked++;
      if (status < 300 || status >= 500) wrong.push(`${method} ${path}: ${status}`);
      if (/root:x:0:0|SQLite format 3\x00|\[fonts\]/.test(text)) wrong.push(`${method} ${path}: a file`);
    }
  }
  // A list where nothing is asked for is an empty one; what answers 2xx is looked at by hand and named here.
  assert.deepEqual(wrong, []);
  assert.ok(asked > 500, `${asked} requests`);
});

test('a link in the data folder is not followed to another file', async () => {
  const film = await smallFilm();
  const id = await upload(house.owner, film, 'link.mkv');
  const secret = join(folder, 'secret');
  writeFileSync(secret, `do not show ${'x'.repeat(film.length)}`);
  // Somebody who can write there can replace a stored file: what is served is never more than a stored video.
  mkdirSync(join(folder, 'images'), { recursive: true });
  symlinkSync('/etc/passwd', join(folder, 'images', 'a.jpg'));
  const added = await house.owner.ask('/api/v1/cameras', {
    method: 'POST',
    body: { id: 'links', name: 'Links', driver: 'images', path: join(folder, 'images') },
  });
  if (added.ok) {
    const picture = await house.owner.ask('/cameras/links/snapshot.jpg');
    const bytes = Buffer.from(await picture.arrayBuffer());
    assert.ok(!bytes.includes('root:x:0:0'), 'a file that is no picture was sent');
    assert.notEqual(picture.status, 200);
  }
  const original = await house.owner.ask(`/videos/${id}/original`);
  assert.ok(!Buffer.from(await original.arrayBuffer()).includes('do not show'));
});

test('only who may set up cameras makes the server read a file or ask an address', async () => {
  const candidates = [
    { driver: 'file', path: '/etc/passwd' },
    { driver: 'images', path: '/etc' },
    { driver: 'mjpeg', url: 'http://169.254.169.254/latest/meta-data/' },
    { driver: 'rtsp', url: 'rtsp://127.0.0.1:1/' },
    { driver: '/tmp/module.ts' },
  ];
  for (const asker of [house.member, house.guest, house.child]) {
    for (const candidate of candidates) {
      const tested = await asker.ask('/api/v1/cameras/test', { method: 'POST', body: candidate });
      assert.equal(tested.status, 403, `${asker.name} ${candidate.driver}`);
      const added = await asker.ask('/api/v1/cameras', { method: 'POST', body: { id: 'x', ...candidate } });
      assert.equal(added.status, 403);
      const form = new URLSearchParams(candidate as Record<string, string>);
      const headers = { origin: house.url };
      assert.equal((await asker.ask('/cameras/add', { method: 'POST', body: form, headers })).status, 403);
    }
  }
  // A token without the scope is no way around it.
  const secret = await house.owner.token('videos:watch');
  const headers = { authorization: `Bearer ${secret}` };
  const byToken = await house.ask('/api/v1/cameras/test', { method: 'POST', body: candidates[0], headers });
  assert.equal(byToken.status, 403);
});

test('where a camera’s address answers with no pictures, nothing of the answer is told', async () => {
  // What a link-local metadata service or a neighbour's page says must not come back through the test of a camera.
  const { createServer: createHttp } = await import('node:http');
  const neighbour = createHttp((_request, response) => {
    response.setHeader('content-type', 'text/plain');
    response.end('secret-of-the-neighbour');
  }).listen(0, '127.0.0.1');
  await once(neighbour, 'listening');
  try {
    const { port } = neighbour.address() as { port: number };
    const answer = await house.owner.ask('/api/v1/cameras/test', {
      method: 'POST',
      body: { driver: 'mjpeg', url: `http://127.0.0.1:${port}/` },
    });
    assert.doesNotMatch(await answer.text(), /secret-of-the-neighbour/);
  } finally {
    neighbour.close();
  }
});
