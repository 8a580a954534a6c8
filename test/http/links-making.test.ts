// Making, listing and ending guest links: over the API, and with the plain forms of the pages.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Video } from '../../src/catalogue/catalogue.ts';
import { type LinkHouse, startLinkHouse } from '../helpers/link-house.ts';
import { makeMedia } from '../helpers/media/media.ts';

const hourMs = 3_600_000;
const html = { accept: 'text/html' };

let house: LinkHouse;
let video: Video;
let film: string;
let annas: Record<string, string>;
let bens: Record<string, string>;

before(async () => {
  film = await makeMedia({
    container: 'matroska',
    video: { codec: 'h264', seconds: 8, bFrames: 2 },
    audio: { codec: 'aac' },
  });
  house = await startLinkHouse({ settings: { KINORA_URL: 'https://videos.example.org' } });
  video = await house.addVideo({ path: film, title: 'Lake' });
  annas = sessionOf(house.anna.personId);
  bens = sessionOf(house.ben.personId);
});
after(() => house.close());

/** A session's cookie as it is called over HTTPS. */
const sessionOf = (personId: string) => ({ cookie: `__Host-${house.accounts.cookieOf(personId)}` });

const ask = (
  method: string,
  path: string,
  headers: Record<string, string>,
  body?: object | URLSearchParams,
) =>
  fetch(`${house.url}${path}`, {
    ...{ method, redirect: 'manual' },
    headers: {
      ...headers,
      ...(body && !(body instanceof URLSearchParams) && { 'content-type': 'application/json' }),
    },
    ...(body && { body: body instanceof URLSearchParams ? body : JSON.stringify(body) }),
  });

type Made = { id: string; url: string } & Record<string, unknown>;

describe('the API', () => {
  test('makes a link whose address is said once, lists it without, and ends it at once', async () => {
    const wanted = {
      subject: 'video',
      subjectId: video.id,
      note: 'For Grandmother',
      password: 'goose',
      maxVisits: 3,
    };
    const answer = await ask('POST', '/api/v1/links', annas, wanted);
    assert.equal(answer.status, 201);
    const made = (await answer.json()) as Made;
    assert.equal(answer.headers.get('location'), `/api/v1/links/${made.id}`);
    assert.match(made.url, /^https:\/\/videos\.example\.org\/l\/[\w-]{27}$/);
    const { url, ...shown } = made;
    assert.deepEqual(shown, {
      ...{ id: made.id, subject: 'video', subjectId: video.id, startSeconds: null, endSeconds: null },
      ...{ note: 'For Grandmother', createdAtMs: house.clock.nowMs(), expiresAtMs: null, hasPassword: true },
      ...{ maxVisits: 3, visits: 0, allowsDownload: false },
    });
    const path = new URL(url).pathname;
    assert.equal((await ask('GET', path, html)).status, 200);
    for (const query of ['', `?subject=video&subjectId=${video.id}`]) {
      const text = await (await ask('GET', `/api/v1/links${query}`, annas)).text();
      assert.deepEqual((JSON.parse(text) as { items: object[] }).items, [shown]);
      assert.doesNotMatch(text, /secret|hash|scrypt|createdBy/i);
    }
    assert.equal((await ask('DELETE', `/api/v1/links/${made.id}`, bens)).status, 404);
    assert.equal((await ask('DELETE', `/api/v1/links/${made.id}`, annas)).status, 204);
    assert.equal((await ask('DELETE', `/api/v1/links/${made.id}`, annas)).status, 404);
    assert.equal((await ask('GET', path, html)).status, 404);
  });

  test('refuses what may not be linked, and what is no link', async () => {
    const expiresAtMs = house.clock.nowMs() + hourMs;
    const cases: readonly (readonly [object, Record<string, string>, number])[] = [
      [{ subject: 'video', subjectId: video.id }, {}, 401],
      [{ subject: 'video', subjectId: video.id }, bens, 404],
      [{ subject: 'camera', subjectId: 'door', expiresAtMs }, bens, 403],
      [{ subject: 'video', subjectId: video.id }, sessionOf(house.accounts.ids.guest), 403],
      [{ subject: 'video', subjectId: video.id }, sessionOf(house.accounts.ids.child), 403],
      [{ subject: 'person', subjectId: video.id }, annas, 400],
      [{ subject: 'video' }, annas, 400],
      [{ subject: 'video', subjectId: 'x'.repeat(65) }, annas, 400],
      [{ subject: 'video', subjectId: video.id, password: 'abc' }, annas, 400],
      [{ subject: 'video', subjectId: video.id, maxVisits: 0 }, annas, 400],
      [{ subject: 'video', subjectId: video.id, password: '' }, annas, 400],
      [{ subject: 'video', subjectId: video.id, startSeconds: -1 }, annas, 400],
      [{ subject: 'video', subjectId: video.id, expiresAtMs: 0 }, annas, 400],
      [{ subject: 'video', subjectId: video.id, startSeconds: 9, endSeconds: 10 }, annas, 400],
      [{ subject: 'video', subjectId: video.id, expiresAtMs: 1 }, annas, 400],
      [{ subject: 'camera', subjectId: 'door' }, annas, 400],
      [{ subject: 'camera', subjectId: 'attic', expiresAtMs }, annas, 404],
    ];
    for (const [body, headers, status] of cases) {
      const answer = await ask('POST', '/api/v1/links', headers, body);
      assert.equal(answer.status, status, JSON.stringify(body));
    }
    assert.deepEqual(await house.links.list(house.anna), []);
  });
});

describe('the page of a video', () => {
  test('makes a link, shows it once with its QR code, and not again', async () => {
    const page = `/videos/${video.id}/links`;
    const form = {
      note: 'Aunt <i>',
      lasts: '86400',
      start: '0:02',
      end: '5',
      password: '',
      visits: '2',
      download: '1',
    };
    const answer = await ask('POST', page, { ...annas, ...html }, new URLSearchParams(form));
    assert.equal(answer.status, 303);
    assert.equal(answer.headers.get('location'), page);
    const [cookie, ...attributes] = answer.headers.get('set-cookie')!.split('; ');
    assert.deepEqual(attributes, [`Path=${page}`, 'Max-Age=60', 'HttpOnly', 'SameSite=Strict', 'Secure']);
    const shown = await ask('GET', page, { ...html, cookie: `${annas.cookie}; ${cookie}` });
    assert.match(shown.headers.get('set-cookie')!, /^kinora\.link=; .*Max-Age=0/);
    assert.match(shown.headers.get('cache-control')!, /no-store/);
    const text = await shown.text();
    const [, url] = /<input readonly value="(https:\/\/videos\.example\.org\/l\/[\w-]{27})"/.exec(text) ?? [];
    assert.ok(url);
    assert.match(text, /<svg class="qr"/);
    assert.match(text, /Aunt &#60;i&#62;/);
    assert.match(text, /0:02 to 0:05/);
    assert.match(text, /opened by 0 of 2 visitors/);
    const again = await (await ask('GET', page, { ...html, ...annas })).text();
    assert.doesNotMatch(again, new RegExp(url.slice(-27)));
    const [link] = await house.links.list(house.anna);
    assert.deepEqual(
      [link!.startSeconds, link!.endSeconds, link!.maxVisits, link!.allowsDownload, link!.expiresAtMs],
      [2, 5, 2, true, house.clock.nowMs() + 24 * hourMs],
    );
    assert.equal((await ask('GET', new URL(url).pathname, html)).status, 200);

    const all = await (await ask('GET', '/account/links', { ...html, ...annas })).text();
    assert.match(all, /<bdi>Lake<\/bdi>/);
    const end = `/account/links/${link!.id}/end`;
    const elsewhere = await ask(
      'POST',
      end,
      { ...html, ...annas },
      new URLSearchParams({ back: '//evil.example/links' }),
    );
    assert.equal(elsewhere.headers.get('location'), '/account/links');
    assert.equal((await ask('GET', new URL(url).pathname, html)).status, 404);
  });

  test('shows a form again with the reason and all that was typed but the password', async () => {
    const page = `/videos/${video.id}/links`;
    const post = async (change: Record<string, string>) => {
      const form = {
        note: 'Aunt',
        lasts: '',
        start: '',
        end: '',
        password: 'a goose',
        visits: '',
        ...change,
      };
      const answer = await ask('POST', page, { ...annas, ...html }, new URLSearchParams(form));
      return { status: answer.status, text: await answer.text() };
    };
    const cases: readonly (readonly [Record<string, string>, RegExp])[] = [
      [{ start: 'noon' }, /Write a moment as 1:05/],
      [{ start: '1:00' }, /must begin within the video/],
      [{ visits: 'many' }, /whole number/],
      [{ visits: '0' }, /1 to 10000/],
      [{ lasts: '999' }, /how long the link is to last/],
      [{ password: 'abc' }, /4 to 200 characters/],
    ];
    for (const [change, reason] of cases) {
      const { status, text } = await post(change);
      assert.equal(status, 400, JSON.stringify(change));
      assert.match(text, reason);
      assert.match(text, /name="note" type="text" value="Aunt"/);
      assert.doesNotMatch(text, /goose|value="abc"/);
    }
    assert.deepEqual(await house.links.list(house.anna), []);
  });

  test('is there for whoever may share, and for a camera says that it ends', async () => {
    const folder = await house.addFolder('Trips');
    const statusOf = async (path: string, headers: Record<string, string>) =>
      (await ask('GET', path, { accept: 'text/html', ...headers })).status;
    const guest = sessionOf(house.accounts.ids.guest);
    for (const path of [`/videos/${video.id}/links`, `/folders/${folder.id}/links`, '/cameras/door/links']) {
      assert.equal(await statusOf(path, annas), 200, path);
      assert.equal(await statusOf(path, guest), 403, path);
      assert.equal(await statusOf(path, {}), 303, path);
    }
    assert.equal(await statusOf(`/videos/${video.id}/links`, bens), 404);
    assert.equal(await statusOf('/cameras/door/links', bens), 403);
    const camera = await (await ask('GET', '/cameras/door/links', { ...html, ...annas })).text();
    assert.doesNotMatch(camera, /Until I end it|A year|name="download"|name="start"/);
    const made = await ask(
      'POST',
      '/cameras/door/links',
      { ...annas, ...html },
      new URLSearchParams({ lasts: '3600' }),
    );
    assert.equal(made.status, 303);
    const [link] = await house.links.list(house.anna);
    assert.equal(link!.subject, 'camera');
    await house.links.end(house.anna, link!.id, '');
  });
});

test('behind HTTPS a visitor’s cookie goes over HTTPS alone', async () => {
  const { path } = await house.makeLink({ subject: 'video', subjectId: video.id });
  const answer = await ask('POST', path, html);
  assert.match(answer.headers.get('set-cookie')!, /; Secure$/);
});

test('where there are no accounts the household makes links, and they give what they name', async () => {
  const open = await startLinkHouse({ settings: { KINORA_AUTH: 'none' } });
  try {
    const lake = await open.addVideo({ path: film, title: 'Lake' });
    const link = await open.makeLink({ subject: 'video', subjectId: lake.id });
    const cookie = await open.enter(link);
    const answer = await fetch(`${open.url}${link.path}/video.mp4`, { headers: { cookie } });
    assert.equal(answer.status, 200);
    await answer.arrayBuffer();
  } finally {
    await open.close();
  }
});
