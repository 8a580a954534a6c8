// Sharing without scripts, on the real program: an upload into a folder and for the household by the plain form, marks,
// and taking back by the share page's form; who has the page open meanwhile gets no more bytes.
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { launchBrowser } from '../helpers/browser.ts';
import { smallFilm } from '../helpers/media/small-film.ts';
import { type House, type HousePerson, startHouse, upload } from '../helpers/people.ts';

let house: House;
let browser: Browser;
let film: Uint8Array;

before(async () => {
  film = await smallFilm();
  [house, browser] = await Promise.all([startHouse(), launchBrowser()]);
});
after(async () => {
  await browser?.close();
  await house?.close();
});

afterEach(() => Promise.all(browser.contexts().map((context) => context.close())));

/** A browser without scripts in which that person is logged in. */
async function open(person: HousePerson, options: { readonly hasScripts?: boolean } = {}): Promise<Page> {
  const context = await browser.newContext({ javaScriptEnabled: options.hasScripts === true });
  await context.addCookies(
    person.cookie.split('; ').map((pair) => {
      const at = pair.indexOf('=');
      return { name: pair.slice(0, at), value: pair.slice(at + 1), url: house.url };
    }),
  );
  return context.newPage();
}

test('a folder is made, filled by the form for the household, seen and marked by Ben, and taken back', async () => {
  const [anna, ben] = [await open(house.owner), await open(house.member)];
  const made = await house.owner.ask('/folders', {
    method: 'POST',
    body: new URLSearchParams({ name: 'By hand' }),
  });
  const folder = made.headers.get('location')!;
  await anna.goto(`${house.url}/upload?folder=${folder.split('/')[2]}`);
  await anna.check('#upload-share');
  await anna.setInputFiles('#file', {
    ...{ name: 'The pond.mkv', mimeType: 'video/x-matroska', buffer: Buffer.from(film) },
  });
  await anna.click('#upload-form button:has-text("Upload")');
  assert.equal(await anna.locator('h1').textContent(), 'The pond');
  assert.match((await anna.locator('.head .facts').textContent()) ?? '', /in By hand/);
  const address = new URL(anna.url()).pathname;

  // The folder itself is not shared, so Ben finds the video at the top of his list.
  await ben.goto(`${house.url}/videos?show=shared`);
  await ben.click('.card a:has-text("The pond")');
  assert.equal(new URL(ben.url()).pathname, address);
  const facts = (await ben.locator('.head .facts').textContent()) ?? '';
  assert.match(facts, /Shared by Anna/);
  assert.doesNotMatch(facts, /By hand/);
  await ben.click('button:has-text("Favourite")');
  assert.equal(await ben.getAttribute('button[name="favourite"]', 'aria-pressed'), 'true');
  assert.equal(await ben.locator('summary:has-text("More")').count(), 0);

  await anna.click('.actions a:has-text("Shared")');
  assert.ok(await anna.isChecked('input[name="household"]'));
  await anna.uncheck('input[name="household"]');
  await anna.check('label:has-text("Kim") input');
  await anna.click('button:has-text("Save")');
  assert.match((await anna.locator('.seen-by').textContent()) ?? '', /You\s*Kim\s*$/);
  assert.equal((await ben.reload())?.status(), 404);
  assert.equal((await house.child.ask(address)).status, 200);
  await ben.goto(`${house.url}/videos?show=favourites`);
  assert.equal(await ben.locator('.card').count(), 0);
});

test('what is taken back gives the page that is open nothing more', async () => {
  const id = await upload(house.owner, film, 'A moment ago.mkv');
  const share = (fields: Record<string, string>) =>
    house.owner.ask(`/videos/${id}/share`, { method: 'POST', body: new URLSearchParams(fields) });
  assert.equal((await share({ household: '1' })).status, 303);
  const ben = await open(house.member, { hasScripts: true });
  await ben.goto(`${house.url}/videos/${id}`);
  const ask = (path: string) =>
    ben.evaluate(
      async (address) =>
        (await fetch(address, { headers: { range: 'bytes=0-9' }, cache: 'no-store' })).status,
      path,
    );
  const paths = ['', '/video.mp4', '/original'].map((end) => `/videos/${id}${end}`);
  paths.push(`/api/v1/videos/${id}`, `/api/v1/videos/${id}/marks`);
  const askAll = async () => {
    const statuses: number[] = [];
    for (const path of paths) statuses.push(await ask(path));
    return statuses;
  };
  assert.deepEqual(await askAll(), [200, 206, 206, 200, 200]);
  assert.equal((await share({})).status, 303);
  assert.deepEqual(await askAll(), [404, 404, 404, 404, 404]);

  // Both are in the audit log, by whoever did it.
  const { items } = await house.owner.read<{
    items: { action: string; subject: string; personName: string }[];
  }>('/api/v1/audit');
  const noted = items.filter(
    ({ action, subject }) => action === 'video-shared' && subject === 'A moment ago',
  );
  assert.deepEqual(
    noted.map(({ personName }) => personName),
    ['Anna', 'Anna'],
  );
});
