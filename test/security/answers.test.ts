// What every answer carries, walked over all routes of the real program: policies, types, what may be kept by caches,
// cookies; and that an uploaded file is never a document of ours.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { DeclaredRoute } from '../../src/http/identity.ts';
import { createServer } from '../../src/http/server.ts';
import { launchBrowser } from '../helpers/browser.ts';
import { createFakeServices } from '../helpers/fake-services.ts';
import { smallFilm } from '../helpers/media/small-film.ts';
import { type House, startHouse, upload } from '../helpers/people.ts';

let house: House;
let routes: readonly DeclaredRoute[];
let video: string;

before(async () => {
  const server = await createServer(createFakeServices({ mode: 'accounts' }));
  routes = server.routes;
  await server.close();
  house = await startHouse();
  const film = await smallFilm();
  video = await upload(house.owner, film);
});
after(() => house?.close());

/** Assets are the same for everybody; these are of nobody's. */
const shared = ['/assets/:name', '/favicon.ico', '/livez'];

test('every route: a strict policy, no sniffing, no other site, and nothing private in a shared cache', async () => {
  const wrong: string[] = [];
  let walked = 0;
  for (const { method, url, permission } of routes) {
    if (method !== 'GET') continue;
    const path = url
      .replace('/videos/:id', `/videos/${video}`)
      .replace('/cameras/:id', '/cameras/default')
      .replace(/:(\w+)/g, 'zzzzzzzzzzzzzzzz')
      .replace('*', 'x');
    for (const asker of [house.owner.ask, house.ask]) {
      const gone = new AbortController();
      const answer = await asker(path, { signal: gone.signal, headers: { accept: 'text/html' } });
      const { status, headers } = answer;
      gone.abort();
      walked++;
      const where = `${method} ${url} (${permission}) ${status}`;
      const policy = headers.get('content-security-policy') ?? '';
      if (!/default-src 'none'/.test(policy)) wrong.push(`${where}: policy ${policy}`);
      const scripts = /script-src ([^;]*)/.exec(policy)?.[1] ?? '';
      if (/unsafe|\*|https?:/.test(scripts)) wrong.push(`${where}: scripts ${scripts}`);
      if (/unsafe-inline/.test(policy) && !/sandbox/.test(policy)) wrong.push(`${where}: inline ${policy}`);
      if (headers.get('x-content-type-options') !== 'nosniff') wrong.push(`${where}: sniffed`);
      if (headers.get('cross-origin-resource-policy') !== 'same-origin')
        wrong.push(`${where}: read by others`);
      if (!headers.get('referrer-policy')) wrong.push(`${where}: no referrer policy`);
      const hasBody = status !== 204 && status !== 304 && status < 300;
      if (hasBody && !headers.get('content-type')) wrong.push(`${where}: no type`);
      if (
        /^text\/|json/.test(headers.get('content-type') ?? '') &&
        /^text/.test(headers.get('content-type')!)
      )
        if (
          !/charset=utf-8|multipart/i.test(headers.get('content-type')!) &&
          !/text\/(plain|event)/.test(headers.get('content-type')!)
        )
          wrong.push(`${where}: no charset in ${headers.get('content-type')}`);
      if (!shared.includes(url)) {
        const cache = headers.get('cache-control') ?? '';
        if (/public|s-maxage/.test(cache)) wrong.push(`${where}: shared caches may keep it (${cache})`);
        if (status === 200 && !/private|no-store|no-cache/.test(cache))
          wrong.push(`${where}: Cache-Control is “${cache}”`);
      }
      for (const cookie of headers.getSetCookie())
        if (!/; HttpOnly/i.test(cookie) || !/; SameSite=(Lax|Strict)/i.test(cookie))
          wrong.push(`${where}: ${cookie.split('=')[0]}`);
    }
  }
  assert.deepEqual(wrong, []);
  assert.ok(walked > 100, `${walked} answers were looked at`);
});

test('logging out clears what the browser kept, and the cookie is worth nothing afterwards', async () => {
  const session = await house.logIn(house.member);
  const answer = await session.ask('/logout', {
    method: 'POST',
    headers: { origin: house.url, 'sec-fetch-site': 'same-origin' },
  });
  assert.equal(answer.status, 303);
  assert.match(answer.headers.get('clear-site-data') ?? '', /"cache"/);
  const ended = answer.headers.getSetCookie().find((cookie) => cookie.startsWith('kinora.session='));
  assert.match(ended ?? '', /Max-Age=0|Expires=Thu, 01 Jan 1970/i);
  assert.equal((await session.ask('/api/v1/me')).status, 401);
});

test('a file that is a page for whoever sniffs is shown as what it is, and runs nothing', async () => {
  // Matroska's EBML header takes any text in its Void element: a film and a page in one file.
  const film = await smallFilm();
  const script = Buffer.from(
    '<html><script>document.title="pwned"</script><svg onload="document.title=\'pwned\'">',
  );
  const size = Buffer.alloc(2);
  size.writeUInt16BE(0x4000 | script.length);
  const polyglot = Buffer.concat([film, Buffer.from([0xec]), size, script]);
  const id = await upload(house.owner, polyglot, 'page.html');
  const asDownload = await house.owner.ask(`/videos/${id}/original`);
  assert.match(asDownload.headers.get('content-disposition') ?? '', /^attachment;/);
  await asDownload.body?.cancel();
  const browser = await launchBrowser();
  try {
    const context = await browser.newContext();
    const { hostname } = new URL(house.url);
    await context.addCookies(
      house.owner.cookie.split('; ').map((pair) => ({
        ...{ name: pair.slice(0, pair.indexOf('=')), value: pair.slice(pair.indexOf('=') + 1) },
        ...{ domain: hostname, path: '/' },
      })),
    );
    const page = await context.newPage();
    const answer = await page.goto(`${house.url}/videos/${id}/original?inline`).catch(() => null);
    assert.notEqual(await page.title(), 'pwned');
    const headers = answer?.headers() ?? {};
    if (answer) {
      assert.match(headers['content-type'] ?? '', /^(video|audio|application)\//);
      assert.match(headers['content-security-policy'] ?? '', /sandbox/);
    }
    // What is no video at all does not get in under any name.
    const form = new FormData();
    form.set('file', new Blob(['<html><script>alert(1)</script></html>']), 'film.mkv');
    const refused = await house.owner.ask('/upload', {
      method: 'POST',
      body: form,
      headers: { accept: 'application/json' },
    });
    assert.equal(refused.status, 415);
  } finally {
    await browser.close();
  }
});

test('compressed bodies are not unpacked: there is no bomb to send', async () => {
  const answer = await house.owner.ask('/api/v1/folders', {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'content-encoding': 'gzip' },
    body: new Uint8Array([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3]),
  });
  assert.ok([400, 415].includes(answer.status), String(answer.status));
});
