// Lists of videos as pages: filters, orders, folders, picking many at once; as text over fakes, then in Chromium.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Browser } from 'playwright-core';
import { householdId } from '../../src/accounts/permissions.ts';
import { listAddressOf, listHref, returnAddressOf, wholeLibrary } from '../../src/web/list-address.ts';
import { seriousFaults } from '../helpers/axe.ts';
import { launchBrowser } from '../helpers/browser.ts';
import { type FakeSite, startFakeSite } from '../helpers/fake-site.ts';

let site: FakeSite;
let browser: Browser;

before(async () => {
  // Enough for a bin and for every odd one; each more is a card that axe looks at sixteen times.
  site = await startFakeSite({ videoCount: 44 });
  site.services.videos.splice(26, 14);
  browser = await launchBrowser();
});
after(async () => {
  await browser?.close();
  await site?.close();
});

const get = async (path: string) =>
  (await fetch(site.url + path, { headers: { accept: 'text/html' } })).text();
const post = (path: string, form: URLSearchParams) =>
  fetch(site.url + path, { method: 'POST', body: form, redirect: 'manual' });
const folder = (name: string, parentId: string | null = null) =>
  site.services.library.addFolder({ ownerId: householdId, parentId, name });

describe('the address of a list', () => {
  it('is made of its parts and read back, whatever stands in it', () => {
    const lists = [
      wholeLibrary,
      { ...wholeLibrary, isBin: true, isSelecting: true },
      { ...wholeLibrary, folderId: '0123456789abcdef', show: 'unwatched', sort: 'title' } as const,
      { ...wholeLibrary, query: 'a & b = "c" #d' },
    ];
    for (const list of lists) assert.deepEqual(returnAddressOf(listHref(list)), list);
  });

  it('leads nowhere else', () => {
    for (const text of [
      '//evil.example/videos',
      'https://evil.example',
      '/settings',
      '/folders/../x',
      '',
      '/videosx',
    ])
      assert.deepEqual(returnAddressOf(text), wholeLibrary, text);
    assert.equal(listAddressOf(null, new URLSearchParams('show=nothing&sort=worst')).sort, 'newest');
  });
});

describe('a list', () => {
  it('can be narrowed and sorted by links, each of which keeps the rest', async () => {
    const page = await get('/videos?show=favourites&sort=title');
    assert.match(page, /<a href="\/videos\?sort&#61;title">All<\/a>/);
    assert.match(page, /aria-current="true">Favourites</);
    assert.match(page, /<a href="\/videos\?show&#61;favourites&#38;sort&#61;longest">Longest<\/a>/);
  });

  it('shows nobody’s name and no sharing where everybody is the household', async () => {
    const page = await get('/videos');
    assert.doesNotMatch(page, /Shared with me|>Mine</);
    assert.doesNotMatch(await get('/videos?select'), /name="household"/);
  });

  it('has folders first, with what is in them, and hostile names are text', async () => {
    const hostile = '<script>alert(1)</script> "quoted" & ‮gnp';
    const made = await folder(hostile);
    const page = await get('/videos');
    assert.ok(page.includes(`href="/folders/${made.id}"`));
    assert.doesNotMatch(page, /<script>alert/);
    const own = await get(`/folders/${made.id}`);
    assert.match(own, /Nothing in it yet/);
    assert.doesNotMatch(own, /<script>alert/);
  });

  it('shows the way to a folder that lies deep, its first and last steps', async () => {
    let parent: string | null = null;
    for (let depth = 0; depth < 12; depth += 1) parent = (await folder(`Level ${depth}`, parent)).id;
    const page = await get(`/folders/${parent}`);
    const crumbs = /<nav class="crumbs"[\s\S]*?<\/nav>/.exec(page)?.[0] ?? '';
    assert.match(crumbs, /Level 0</);
    assert.match(crumbs, /Level 10</);
    assert.match(crumbs, /…/);
    assert.doesNotMatch(crumbs, /Level 5</);
  });

  it('of a folder that is not there is not there', async () => {
    assert.equal((await fetch(`${site.url}/folders/zzzzzzzzzzzzzzzz`)).status, 404);
    assert.equal((await fetch(`${site.url}/folders/..%2fetc`)).status, 404);
  });
});

describe('folders by plain forms', () => {
  it('are made, renamed, moved and deleted', async () => {
    const made = await post('/folders', new URLSearchParams({ name: 'Films' }));
    assert.equal(made.status, 303);
    const address = made.headers.get('location')!;
    const inner = await post(
      '/folders',
      new URLSearchParams({ name: 'Old', parent: address.split('/')[2]! }),
    );
    const innerAddress = inner.headers.get('location')!;
    assert.match(await get(innerAddress), /Films</);
    await post(`${innerAddress}/rename`, new URLSearchParams({ name: 'Older' }));
    assert.match(await get(innerAddress), /<h1 dir="auto">Older</);
    await post(`${innerAddress}/move`, new URLSearchParams({ parent: '' }));
    const crumbs = /<nav class="crumbs"[\s\S]*?<\/nav>/.exec(await get(innerAddress))?.[0];
    assert.doesNotMatch(crumbs ?? 'Films', /Films/);
    const deleted = await post(`${innerAddress}/delete`, new URLSearchParams());
    assert.match(deleted.headers.get('location')!, /^\/videos\?done=folder/);
    assert.equal((await fetch(site.url + innerAddress)).status, 404);
  });

  it('without a name are not made', async () => {
    assert.equal((await post('/folders', new URLSearchParams({ name: '  ' }))).status, 400);
  });
});

describe('many picked at once', () => {
  const newest = () =>
    site.services.videos.filter((video) => video.binnedAtMs === null && video.status === 'ready');

  it('are one form without scripts, and the answer says what was done', async () => {
    const page = await get('/videos?select');
    assert.match(page, /<form method="post" action="\/videos\/selection">/);
    const ids = newest()
      .slice(0, 3)
      .map(({ id }) => id);
    for (const id of ids) assert.ok(page.includes(`<input type="checkbox" name="id" value="${id}">`));
    const form = new URLSearchParams({ action: 'bin', from: '/videos?sort=title' });
    for (const id of [...ids, 'zzzzzzzzzzzzzzzz']) form.append('id', id);
    const answer = await post('/videos/selection', form);
    const location = answer.headers.get('location')!;
    assert.match(location, /^\/videos\?sort=title&done=bin&count=3&left=1/);
    const notice = await get(location);
    assert.match(notice, /3 videos moved to the bin\. 1 was left/);
    // And back, by the form of the notice.
    const undo = new URLSearchParams({ action: 'restore', from: '/videos' });
    for (const id of ids) undo.append('id', id);
    await post('/videos/selection', undo);
    for (const id of ids) assert.equal((await site.services.library.getVideo(id)).binnedAtMs, null);
  });

  it('move into a folder', async () => {
    const { id: to } = await folder('Holidays');
    const ids = newest()
      .slice(0, 2)
      .map(({ id }) => id);
    const form = new URLSearchParams({ action: 'move', folder: to, from: '/videos' });
    for (const id of ids) form.append('id', id);
    assert.equal((await post('/videos/selection', form)).status, 303);
    const page = await get(`/folders/${to}`);
    for (const id of ids) assert.ok(page.includes(`/videos/${id}`));
  });

  it('nothing picked, and nonsense, are told', async () => {
    const none = await post('/videos/selection', new URLSearchParams({ action: 'bin', from: '/videos' }));
    assert.match(await get(none.headers.get('location')!), /Nothing was picked/);
    const id = newest()[0]!.id;
    assert.equal((await post('/videos/selection', new URLSearchParams({ action: 'burn', id }))).status, 400);
    const many = new URLSearchParams({ action: 'favourite' });
    for (let count = 0; count < 1001; count += 1) many.append('id', id);
    assert.equal((await post('/videos/selection', many)).status, 400);
  });

  it('in Chromium: a range with Shift, everything, by key, and Escape leads out', async () => {
    const page = await browser.newPage();
    await page.goto(`${site.url}/videos?select`);
    const boxes = page.locator('input[name="id"]');
    await boxes.nth(1).click();
    await boxes.nth(4).click({ modifiers: ['Shift'] });
    await page.locator('.picked', { hasText: '4 picked' }).waitFor();
    await boxes.nth(6).focus();
    await page.keyboard.press('x');
    await page.locator('.picked', { hasText: '5 picked' }).waitFor();
    await page.keyboard.press('Control+a');
    assert.equal(await page.locator('input[name="id"]:checked').count(), await boxes.count());
    await page.keyboard.press('Escape');
    await page.waitForURL(`${site.url}/videos`);
    // From the list, by key on a card; Shift with an arrow goes on from there.
    const third = newest()[2]!.id;
    await page.locator(`.card[data-id="${third}"] a`).focus();
    await page.keyboard.press('x');
    await page.locator('.picked', { hasText: '1 picked' }).waitFor();
    assert.ok(await page.isChecked(`input[value="${third}"]`));
    await page.keyboard.press('Shift+ArrowRight');
    await page.locator('.picked', { hasText: '2 picked' }).waitFor();
    await page.close();
  });
});

describe('lists in Chromium', () => {
  it('have nothing that axe calls serious and nothing sideways, dark and light, on a phone too', async () => {
    const { id } = await folder('A folder with quite a long name that has to be cut somewhere');
    const page = await browser.newPage();
    for (const path of ['/videos', '/videos?select', '/videos?bin&select', `/folders/${id}`]) {
      for (const width of [360, 1280]) {
        await page.setViewportSize({ width, height: 800 });
        if (width === 360) await page.goto(site.url + path);
        const sideways = await page.evaluate('document.documentElement.scrollWidth - innerWidth');
        assert.ok(Number(sideways) <= 0, `${path} at ${width}: ${sideways} px sideways`);
        assert.deepEqual(await seriousFaults(page), [], `${path} at ${width}`);
      }
    }
    await page.close();
  });
});
