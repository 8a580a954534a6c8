// What pages of other sites, of siblings of ours, and names that were bent to us can make a household's browser do:
// nothing. On the real program, and once in Chromium itself with two origins.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { after, before, test } from 'node:test';
import { launchBrowser } from '../helpers/browser.ts';
import { type House, startHouse } from '../helpers/people.ts';

let house: House;

before(async () => {
  house = await startHouse();
});
after(() => house?.close());

/** Where the owner's name stands: whether something was changed. */
const invitesOf = async () => (await house.owner.read<{ items: unknown[] }>('/api/v1/invites')).items.length;

const json = { 'content-type': 'application/json' };
const body = JSON.stringify({ role: 'owner' });

test('a form, a fetch or a beacon of another site changes nothing, whatever it calls its body', async () => {
  const before = await invitesOf();
  const senders: Record<string, string>[] = [
    { origin: 'https://evil.example' },
    { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' },
    // Another port, or another name of the same site: a neighbour, none of ours.
    { origin: house.url.replace(/:\d+$/, ':1'), 'sec-fetch-site': 'same-site' },
    { origin: 'http://other.localhost', 'sec-fetch-site': 'same-site' },
    { origin: 'null' },
    { origin: 'http://localhost' },
  ];
  for (const sender of senders) {
    for (const type of ['application/json', 'text/plain', 'application/x-www-form-urlencoded', '']) {
      const headers = { ...sender, ...(type !== '' && { 'content-type': type }) };
      const answer = await house.owner.ask('/api/v1/invites', { method: 'POST', body, headers });
      assert.equal(answer.status, 403, `${JSON.stringify(headers)}: ${answer.status}`);
    }
  }
  assert.equal(await invitesOf(), before);
});

test('what only looks like a token does not stand for one: the cookie counts, and with it where it comes from', async () => {
  const before = await invitesOf();
  for (const authorization of [
    'Bearer !',
    'Bearer ',
    'Bearer a b',
    `Bearer ${'x'.repeat(1001)}`,
    'Basic eDp5',
  ]) {
    const headers = {
      ...json,
      authorization,
      origin: 'https://evil.example',
      'sec-fetch-site': 'cross-site',
    };
    const answer = await house.owner.ask('/api/v1/invites', { method: 'POST', body, headers });
    assert.equal(answer.status, 403, `${authorization.slice(0, 20)}: ${answer.status}`);
  }
  assert.equal(await invitesOf(), before);
});

test('JSON is taken as JSON only, from our own pages too', async () => {
  const before = await invitesOf();
  for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x']) {
    const headers = { 'content-type': type, origin: house.url, 'sec-fetch-site': 'same-origin' };
    const answer = await house.owner.ask('/api/v1/invites', { method: 'POST', body, headers });
    assert.equal(answer.status, 415, `${type}: ${answer.status}`);
  }
  assert.equal(await invitesOf(), before);
  const own = { ...json, origin: house.url, 'sec-fetch-site': 'same-origin' };
  const answer = await house.owner.ask('/api/v1/invites', { method: 'POST', body, headers: own });
  assert.ok(answer.ok, `our own page may: ${answer.status}`);
});

test('reading changes nothing: an address that deletes when it is opened does not exist', async () => {
  for (const path of ['/logout', '/settings', '/people', '/account', '/videos/selection', '/account/data']) {
    await house.owner.ask(path, { headers: { accept: 'text/html' } });
    await house.owner.ask(path, { method: 'HEAD' });
  }
  const still = await house.owner.ask('/api/v1/me');
  assert.equal(still.status, 200, 'the session is still there after every address was opened');
});

test('no other site is told that it may read us', async () => {
  for (const path of [
    '/api/v1/me',
    '/videos',
    '/api/v1/videos',
    '/assets/base.js',
    '/api/auth/get-session',
  ]) {
    for (const method of ['GET', 'OPTIONS']) {
      const answer = await house.owner.ask(path, {
        method,
        headers: {
          origin: 'https://evil.example',
          'access-control-request-method': 'GET',
          'access-control-request-headers': 'authorization',
        },
      });
      assert.equal(answer.headers.get('access-control-allow-origin'), null, `${method} ${path}`);
      assert.equal(answer.headers.get('access-control-allow-credentials'), null, `${method} ${path}`);
      assert.equal(answer.headers.get('cross-origin-resource-policy'), 'same-origin', `${method} ${path}`);
    }
  }
});

test('a name that leads here and is none of ours is refused, with the setting that would allow it', async () => {
  const { hostname, port } = new URL(house.url);
  const askAs = async (host: string) => {
    const request = httpRequest({ host: hostname, port, path: '/api/v1/me', headers: { host, ...json } });
    const [response] = await once(request.end(), 'response');
    let text = '';
    for await (const piece of response) text += piece;
    return { status: response.statusCode as number, text };
  };
  for (const host of [
    'evil.example',
    'evil.example:5000',
    'localhost.evil.example',
    '127.0.0.1.evil.example',
  ]) {
    const { status, text } = await askAs(host);
    assert.equal(status, 421, `${host}: ${status}`);
    assert.match(text, /KINORA_HOSTS/);
  }
  for (const host of [
    'localhost',
    '127.0.0.1',
    '192.168.1.7:5000',
    '[::1]',
    'nas',
    'nas.local',
    'nas.fritz.box',
  ])
    assert.equal((await askAs(host)).status, 401, host);
});

test('no connection is turned into another protocol: there are no WebSockets to take over', async () => {
  const { hostname, port } = new URL(house.url);
  for (const path of ['/', '/cameras/default/live.mp4', '/api/v1/videos']) {
    const socket = connect(Number(port), hostname);
    socket.write(
      `GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
        `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nOrigin: https://evil.example\r\n\r\n`,
    );
    const [first] = (await once(socket, 'data')) as [Buffer];
    socket.destroy();
    assert.doesNotMatch(first.toString('latin1'), /^HTTP\/1\.1 101/, path);
  }
});

test('after the log-in one stays here, whatever the address said', async () => {
  const nexts = [
    ...['//evil.example', '/\\evil.example', 'https://evil.example', '/%2f%2fevil.example/..//evil.example'],
    ...['javascript:alert(1)', '\t//evil.example', '/\t/evil.example', '///evil.example', 'evil.example'],
    ...['/.//evil.example', '\\\\evil.example', 'http:evil.example', '/\r\nLocation: //evil.example'],
  ];
  for (const next of nexts) {
    const form = new URLSearchParams({
      login: house.member.login,
      password: 'four brown otters under the mill',
      next,
    });
    const answer = await house.ask('/login', {
      method: 'POST',
      body: form,
      headers: { origin: house.url, 'sec-fetch-site': 'same-origin' },
    });
    assert.equal(answer.status, 303, `${next}: ${answer.status}`);
    const target = new URL(answer.headers.get('location') ?? '', house.url);
    assert.equal(target.origin, new URL(house.url).origin, `${JSON.stringify(next)} led to ${target}`);
    // As browsers read it: the very first characters decide.
    assert.match(answer.headers.get('location') ?? '', /^\/(?![/\\])/, next);
  }
});

test('a session that was there before the log-in is not the one after it', async () => {
  const planted = house.guest.cookie;
  const answer = await house.ask('/api/auth/sign-in/email', {
    method: 'POST',
    body: { email: house.member.login, password: 'four brown otters under the mill' },
    headers: { cookie: planted },
  });
  assert.equal(answer.status, 200);
  const session = answer.headers.getSetCookie().find((cookie) => cookie.startsWith('kinora.session='));
  assert.ok(session, 'a new session is set');
  assert.ok(!planted.includes(session.split(';', 1)[0]!), 'and it is another one');
  // The planted one is ended, and is nobody's; above all not the member's.
  const who = await house.ask('/api/v1/me', { headers: { cookie: planted } });
  assert.equal(who.status, 401);
  const made = 'kinora.session=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.AAAA';
  assert.equal((await house.ask('/api/v1/me', { headers: { cookie: made } })).status, 401);
});

test('in Chromium: a page of another origin sends forms, loads pictures and frames, and gets nowhere', async () => {
  const evil = createServer((_request, response) => {
    response.setHeader('content-type', 'text/html');
    response.end(`<!doctype html><title>evil</title>
<form id="f" method="post" action="${house.url}/api/v1/invites" enctype="text/plain"><input name='{"role":"owner","x":"' value='"}'></form>
<form id="g" method="post" action="${house.url}/logout"></form>
<img id="i" src="${house.url}/cameras/default/snapshot.jpg"><iframe id="w" src="${house.url}/videos"></iframe>`);
  }).listen(0, '127.0.0.1');
  await once(evil, 'listening');
  const victim = await house.logIn(house.owner);
  const browser = await launchBrowser();
  try {
    const context = await browser.newContext();
    const { hostname } = new URL(house.url);
    const cookies = victim.cookie.split('; ').map((pair) => ({
      ...{ name: pair.slice(0, pair.indexOf('=')), value: pair.slice(pair.indexOf('=') + 1) },
      ...{ domain: hostname, path: '/', sameSite: 'Lax' as const },
    }));
    await context.addCookies(cookies);
    const page = await context.newPage();
    // 127.0.0.1 beside localhost: another site for the browser.
    const address = `http://127.0.0.1:${(evil.address() as { port: number }).port}/`;
    const before = await invitesOf();
    for (const form of ['f', 'g']) {
      await page.goto(address, { waitUntil: 'load' });
      assert.equal(await page.evaluate("document.getElementById('i').naturalWidth"), 0, 'a picture was read');
      const [, answer] = await Promise.all([
        // Else the form's way there would cut short the next one.
        page.waitForURL((url) => url.href.startsWith(house.url), { waitUntil: 'commit' }),
        page.waitForResponse(
          (response) => response.url().startsWith(house.url) && response.request().method() === 'POST',
        ),
        page.evaluate(`document.getElementById('${form}').submit()`),
      ]);
      assert.ok([401, 403].includes(answer.status()), `form ${form}: ${answer.status()}`);
    }
    assert.equal(await invitesOf(), before);
    assert.equal((await victim.ask('/api/v1/me')).status, 200, 'still logged in');
    await page.goto(address);
    const frames = page.frames().filter((frame) => frame !== page.mainFrame());
    for (const frame of frames) {
      const text = await frame.evaluate('document.body ? document.body.innerText : ""').catch(() => '');
      assert.doesNotMatch(String(text), /Videos/, 'a page of ours was framed');
    }
  } finally {
    await browser.close();
    evil.close();
  }
});
