// Sharing on the real program, in a real Chromium: Ana shares a folder, Ben sees and plays what is in it, the child only
// what was shared with it by name; what is taken back is gone at once; many at once, favourites, watched at the end.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, afterEach, before, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { launchBrowser } from '../helpers/browser.ts';
import { makeMedia } from '../helpers/media/media.ts';
import { type House, type HousePerson, startHouse, upload } from '../helpers/people.ts';
import { until } from '../helpers/until.ts';

let house: House;
let browser: Browser;
let film: Uint8Array;

before(async () => {
  const made = await makeMedia({
    container: 'matroska',
    video: { codec: 'h264', width: 320, height: 180, fps: 10, seconds: 4, keyInterval: 10 },
    audio: { codec: 'aac', sampleRate: 48_000, channels: 2 },
  });
  film = await readFile(made);
  [house, browser] = await Promise.all([startHouse(), launchBrowser()]);
});
after(async () => {
  await browser?.close();
  await house?.close();
});

// A page that stays open goes on playing, and asking how its videos are.
afterEach(() => Promise.all(browser.contexts().map((context) => context.close())));

/** A browser in which that person is logged in. */
async function open(
  person: HousePerson,
  options: { readonly javaScriptEnabled?: boolean } = {},
): Promise<Page> {
  const context = await browser.newContext(options);
  await context.addCookies(
    person.cookie.split('; ').map((pair) => {
      const at = pair.indexOf('=');
      return { name: pair.slice(0, at), value: pair.slice(at + 1), url: house.url };
    }),
  );
  return context.newPage();
}

const form = (fields: Record<string, string | readonly string[]>) => {
  const body = new URLSearchParams();
  for (const [name, value] of Object.entries(fields))
    for (const one of typeof value === 'string' ? [value] : value) body.append(name, one);
  return body;
};

/** Sends a plain form; resolves to where it leads. */
async function send(person: HousePerson, path: string, fields: Record<string, string | readonly string[]>) {
  const answer = await person.ask(path, {
    method: 'POST',
    body: form(fields),
    headers: { accept: 'text/html', 'sec-fetch-site': 'same-origin' },
  });
  assert.equal(answer.status, 303, `${path}: ${answer.status} ${await answer.clone().text()}`);
  return answer.headers.get('location')!;
}

const list = async (person: HousePerson, path = '/videos') =>
  (await person.ask(path, { headers: { accept: 'text/html' } })).text();

async function makeFolder(person: HousePerson, name: string): Promise<string> {
  return (await send(person, '/folders', { name })).split('/')[2]!;
}

test('a folder shared with the household: seen, opened and played by Ben, not by the child, gone when taken back', async () => {
  const { owner: ana, member: ben, child } = house;
  const id = await upload(ana, film, 'The lake.mkv');
  const folder = await makeFolder(ana, 'Holidays');
  await send(ana, `/videos/${id}/move`, { folder });
  assert.doesNotMatch(await list(ben), new RegExp(id));

  // By hand, as a person does it.
  const page = await open(ana);
  await page.goto(`${house.url}/folders/${folder}`);
  await page.click('a:has-text("Share")');
  await page.check('input[name="household"]');
  await page.click('button:has-text("Save")');
  await page.waitForSelector('.seen-by li:has-text("Everybody in the household")');

  const others = await open(ben);
  await others.goto(`${house.url}/videos`);
  await others.click('.folder a:has-text("Holidays")');
  await others.waitForURL(`**/folders/${folder}`);
  await others.click('.card a');
  await others.waitForURL(`**/videos/${id}`);
  assert.match((await others.locator('.head .facts').textContent()) ?? '', /Shared by Anna/);
  assert.equal(await others.locator('form[action$="/delete"], form[action$="/rename"]').count(), 0);
  await others.evaluate(() => document.querySelector('video')!.play());
  await until(() => others.evaluate(() => document.querySelector('video')!.currentTime > 0.5), {
    timeoutMs: 30_000,
    what: 'Ben to see it play',
  });

  assert.doesNotMatch(await list(child), new RegExp(`${id}|${folder}`));
  assert.equal((await child.ask(`/folders/${folder}`)).status, 404);
  assert.equal((await child.ask(`/videos/${id}`)).status, 404);
  await send(ana, `/videos/${id}/share`, { person: child.id });
  assert.match(await list(child), new RegExp(id));
  assert.equal((await child.ask(`/videos/${id}`)).status, 200);
  assert.equal((await child.ask(`/folders/${folder}`)).status, 404);

  await send(ana, `/folders/${folder}/share`, {});
  await send(ana, `/videos/${id}/share`, {});
  for (const person of [ben, child]) {
    assert.doesNotMatch(await list(person), new RegExp(`${id}|${folder}`));
    for (const path of [`/videos/${id}`, `/videos/${id}/video.mp4`, `/videos/${id}/original`])
      assert.equal((await person.ask(path)).status, 404, `${person.name} ${path}`);
  }
});

test('many at once: moved, shared, put into the bin and taken out again; what is another’s stays', async () => {
  const { owner: ana, member: ben } = house;
  const own = [await upload(ben, film, 'One.mkv'), await upload(ben, film, 'Two.mkv')];
  const foreign = await upload(ana, film, 'Ana’s.mkv');
  await send(ana, `/videos/${foreign}/share`, { household: '1' });
  const folder = await makeFolder(ben, 'Both');
  const id = [...own, foreign];

  const moved = await send(ben, '/videos/selection', { id, action: 'move', folder, from: '/videos' });
  assert.match(await list(ben, moved), /2 videos moved\. 1 was left/);
  const inside = await list(ben, `/folders/${folder}`);
  for (const one of own) assert.match(inside, new RegExp(`data-id="${one}"`));
  assert.doesNotMatch(inside, new RegExp(`data-id="${foreign}"`));

  await send(ben, '/videos/selection', { id: own, action: 'share', household: '1', from: '/videos' });
  for (const one of own) assert.match(await list(ana), new RegExp(one));

  const binned = await send(ben, '/videos/selection', { id, action: 'bin', from: '/videos' });
  for (const one of own) assert.doesNotMatch(await list(ana), new RegExp(one));
  assert.equal((await ana.ask(`/videos/${foreign}`)).status, 200);
  // With the notice's own button, without scripts.
  const page = await open(ben, { javaScriptEnabled: false });
  await page.goto(house.url + binned);
  await page.click('.notice button:has-text("Undo")');
  for (const one of own) assert.match(await list(ben), new RegExp(one));
});

test('by hand: two cards picked with scripts, favourites found again', async () => {
  const { member: ben } = house;
  const page = await open(ben);
  await page.goto(`${house.url}/videos`);
  await page.click('a[data-select]');
  const boxes = page.locator('input[name="id"]');
  await boxes.first().waitFor();
  await boxes.nth(0).check();
  await boxes.nth(1).check();
  await page.click('button[value="favourite"]');
  await page.waitForSelector('.notice:has-text("2 videos")');
  await page.goto(`${house.url}/videos?show=favourites`);
  assert.equal(await page.locator('.card').count(), 2);
});

test('played to its end it is watched, and begun no more', async () => {
  const { member: ben } = house;
  const id = await upload(ben, film, 'To the end.mkv');
  const page = await open(ben);
  await page.goto(`${house.url}/videos/${id}`);
  await page.waitForFunction(() => (document.querySelector('video')?.readyState ?? 0) >= 2);
  await page.evaluate(() => document.querySelector('video')!.play());
  await page.waitForSelector('button[name="watched"][aria-pressed="true"]', { timeout: 30_000 });
  const marks = () => ben.read<{ isWatched: boolean }>(`/api/v1/videos/${id}/marks`);
  await until(async () => (await marks()).isWatched, { timeoutMs: 10_000, what: 'the mark to be kept' });
  assert.doesNotMatch(await list(ben, '/videos?show=unwatched'), new RegExp(`data-id="${id}"`));
});

test('an upload into a folder that is shared is seen at once; one too large says so before a byte is sent', async () => {
  const { owner: ana, member: ben } = house;
  const folder = await makeFolder(ben, 'For everybody');
  await send(ben, `/folders/${folder}/share`, { household: '1' });
  const page = await open(ben);
  await page.goto(`${house.url}/upload?folder=${folder}`);
  assert.equal(await page.inputValue('#upload-folder'), folder);
  await page.setInputFiles('#file', {
    name: 'Together.mkv',
    mimeType: 'video/x-matroska',
    buffer: Buffer.from(film),
  });
  await page.waitForSelector('.upload.done', { timeout: 30_000 });
  assert.match(await list(ana, `/folders/${folder}`), /Together/);

  const changed = await ana.ask(`/api/v1/people/${ben.id}`, { method: 'PATCH', body: { quotaBytes: 1000 } });
  assert.ok(changed.ok, await changed.clone().text());
  let sentBytes = 0;
  page.on('request', (request) => {
    if (request.method() === 'PATCH') sentBytes += request.postDataBuffer()?.length ?? 1;
  });
  await page.goto(`${house.url}/upload`);
  await page.setInputFiles('#file', {
    name: 'Big.mkv',
    mimeType: 'video/x-matroska',
    buffer: Buffer.alloc(50_000),
  });
  await page.waitForSelector('.upload.failed', { timeout: 30_000 });
  assert.match(
    (await page.locator('.upload.failed .doing').textContent()) ?? '',
    /all of yours together may have 1 kB/,
  );
  assert.equal(sentBytes, 0);
});
