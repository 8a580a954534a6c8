// The pages in a real Chromium: nothing that axe calls serious, nothing the policy refuses, nothing sideways on a
// phone; by keyboard alone, by a remote's arrows alone, and with scripts off.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { seriousFaults } from '../helpers/axe.ts';
import { launchBrowser } from '../helpers/browser.ts';
import { fakeId } from '../helpers/fake-services.ts';
import { type FakeSite, startFakeSite } from '../helpers/fake-site.ts';
import { lookPages } from '../look/pages.ts';
import { drawPicture } from '../look/picture.ts';

let browser: Browser;
let site: FakeSite;
let empty: FakeSite;

before(async () => {
  browser = await launchBrowser();
  site = await startFakeSite({ jpeg: await drawPicture(browser) });
  empty = await startFakeSite({ videoCount: 0, cameraCount: 0 });
});
after(async () => {
  await browser?.close();
  await site?.close();
  await empty?.close();
});

/** Opens pages in a context of their own, collects what the console complains of, closes it all. */
async function withPage(
  options: BrowserContextOptions,
  use: (page: Page, problems: string[]) => Promise<void>,
) {
  const context = await browser.newContext({
    viewport: { width: 1280, height: 800 },
    locale: 'en-GB',
    ...options,
  });
  const page = await context.newPage();
  const problems: string[] = [];
  page.on('console', (message) => {
    if (/Content Security Policy|Refused to/i.test(message.text())) problems.push(message.text());
  });
  page.on('pageerror', (error) => problems.push(error.message));
  page.on('request', (request) => {
    const { origin, protocol } = new URL(request.url());
    if (protocol === 'http:' && origin !== site.url && origin !== empty.url) problems.push(`asked ${origin}`);
  });
  try {
    await use(page, problems);
  } finally {
    await context.close();
  }
}

describe('every page', () => {
  // Each is loaded once, as on a phone, and then made wide.
  it('never scrolls sideways, has targets of 44 pixels and nothing that axe calls serious, dark and light, and breaks no policy', async () => {
    await withPage({ bypassCSP: false }, async (page, problems) => {
      for (const entry of lookPages.filter((candidate) => !candidate.isTv && !candidate.isCrowded)) {
        await page.setViewportSize({ width: 360, height: 740 });
        await page.goto((entry.isEmpty ? empty : site).url + entry.path, { waitUntil: 'domcontentloaded' });
        await page.waitForFunction(() => document.documentElement.classList.contains('has-scripts'));
        const found = await page.evaluate(() => ({
          width: document.documentElement.scrollWidth,
          small: [
            ...document.querySelectorAll(
              'a.button, button, summary, .places a, .card > a, input:not([type=file])',
            ),
          ]
            .map((element) => ({
              rect: element.getBoundingClientRect(),
              html: element.outerHTML.slice(0, 100),
            }))
            .filter(({ rect }) => rect.width > 0 && rect.height < 43.5)
            .map(({ html }) => html),
        }));
        assert.equal(found.width, 360, entry.name);
        assert.deepEqual(found.small, [], entry.name);

        await page.setViewportSize({ width: 1280, height: 800 });
        // The first cards are all that are odd, those after them ever the same.
        const exclude = ['.card:nth-child(n+27)'];
        assert.deepEqual(await seriousFaults(page, { exclude }), [], entry.name);
        assert.deepEqual(problems, [], entry.name);
      }
    });
  });
});

describe('by keyboard alone', () => {
  it('one goes from the first page to a video, moving in the grid by arrows', async () => {
    await withPage({}, async (page) => {
      await page.goto(`${site.url}/videos`);
      await page.keyboard.press('Tab');
      assert.equal(await page.evaluate(() => document.activeElement?.textContent), 'Skip to the content');
      await page.keyboard.press('Enter');
      const focused = () => page.evaluate(() => document.activeElement?.getAttribute('href'));
      // Past the list's own tools: what is shown, in which order, a new folder.
      for (let tabs = 0; tabs < 20 && (await focused()) !== `/videos/${fakeId(0)}`; tabs += 1)
        await page.keyboard.press('Tab');
      assert.equal(await focused(), `/videos/${fakeId(0)}`);
      await page.keyboard.press('ArrowRight');
      assert.equal(await focused(), `/videos/${fakeId(1)}`);
      const columns = await page.evaluate(
        () => getComputedStyle(document.querySelector('.grid')!).gridTemplateColumns.split(' ').length,
      );
      await page.keyboard.press('ArrowDown');
      assert.equal(await focused(), `/videos/${fakeId(1 + columns)}`);
      // The grid is one tab stop: back and forth lands where one was.
      await page.keyboard.press('Shift+Tab');
      await page.keyboard.press('Tab');
      assert.equal(await focused(), `/videos/${fakeId(1 + columns)}`);
      await page.keyboard.press('Enter');
      await page.waitForURL(`**/videos/${fakeId(1 + columns)}`);
    });
  });

  it('? shows the keys and / goes to the search', async () => {
    await withPage({}, async (page) => {
      await page.goto(site.url);
      await page.keyboard.press('?');
      await page.waitForSelector('dialog#keys[open]');
      await page.keyboard.press('Escape');
      await page.waitForSelector('dialog#keys:not([open])', { state: 'attached' });
      await page.keyboard.press('/');
      assert.equal(await page.evaluate(() => document.activeElement?.getAttribute('name')), 'q');
    });
  });

  it('a remote’s arrows reach every link and button of a page on a television', async () => {
    await withPage({ viewport: { width: 1920, height: 1080 } }, async (page) => {
      for (const path of ['/?tv', '/settings', `/videos/${fakeId(6)}`, '/cameras', '/videos?bin']) {
        await page.goto(site.url + path, { waitUntil: 'domcontentloaded' });
        await page.waitForFunction(() => document.documentElement.classList.contains('has-scripts'));
        const unreached = await page.evaluate(() => {
          const all = [
            ...document.querySelectorAll<HTMLElement>('header a, main a, main button, main summary'),
          ].filter((element) => element.checkVisibility());
          const press = (key: string) =>
            (document.activeElement ?? document.body).dispatchEvent(
              new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true }),
            );
          press('ArrowDown');
          const seen = new Set<Element>();
          const open = [document.activeElement as HTMLElement];
          while (open.length > 0) {
            const from = open.pop()!;
            if (seen.has(from)) continue;
            seen.add(from);
            for (const key of ['ArrowUp', 'ArrowDown', 'ArrowLeft', 'ArrowRight']) {
              from.focus();
              press(key);
              if (document.activeElement instanceof HTMLElement) open.push(document.activeElement);
            }
          }
          return all
            .filter((element) => !seen.has(element))
            .map((element) => element.outerHTML.slice(0, 120));
        });
        assert.deepEqual(unreached, [], path);
      }
    });
  });
});

describe('with scripts', () => {
  it('search finds as one types, and More comes by itself', async () => {
    await withPage({}, async (page) => {
      await page.goto(`${site.url}/videos`);
      await page.locator('.more').scrollIntoViewIfNeeded();
      await page.waitForFunction(() => document.querySelectorAll('.card').length > 100);
      const ids = await page.$$eval('.card', (cards) =>
        cards.map((card) => (card as HTMLElement).dataset.id),
      );
      assert.equal(new Set(ids).size, ids.length);
      await page.locator('.search input').pressSequentially('pia');
      await page.waitForFunction(() => location.search === '?q=pia');
      const names = await page.$$eval('.card .name', (all) => all.map((name) => name.textContent ?? ''));
      assert.ok(names.length > 0);
      for (const name of names) assert.match(name, /Piano/);
      assert.equal(await page.locator('h1').textContent(), '“pia”');
    });
  });

  it('a card that was arriving becomes an ordinary one when it has landed', async () => {
    await withPage({}, async (page) => {
      await page.goto(`${site.url}/videos`);
      await page.waitForSelector('.card.arriving');
      const video = site.services.videos[0]!;
      const playback = { viewType: 'video/mp4', originalType: null };
      site.services.videos[0] = { ...video, status: 'ready', durationMs: 60_000, playback };
      await page.waitForSelector(`.card.ready[data-id="${video.id}"] .length`);
      site.services.videos[0] = video;
    });
  });

  it('a camera’s picture moves onto a canvas and stays there, greyed, when the signal is lost', async () => {
    await withPage({}, async (page) => {
      await page.goto(`${site.url}/cameras/garage`, { waitUntil: 'domcontentloaded' });
      await page.waitForSelector('kinora-live canvas');
      assert.equal(await page.locator('.stage-message h2').textContent(), 'No signal');
      const grey = await page
        .locator('kinora-live canvas')
        .evaluate((canvas) => getComputedStyle(canvas).filter);
      assert.match(grey, /grayscale\(1\)/);
    });
  });

  it('says so when the browser can play none of the sources', async () => {
    await withPage({}, async (page) => {
      await page.goto(`${site.url}/videos/${fakeId(4)}`);
      await page.waitForSelector('.stage-message:not([hidden])');
      assert.equal(await page.locator('.stage-message h2').textContent(), 'This browser cannot play it');
      assert.equal(
        await page.locator('.stage-message a').getAttribute('href'),
        `/videos/${fakeId(4)}/original`,
      );
    });
  });
});

describe('with scripts off', () => {
  it('list, search, watching, renaming, the bin and undoing work', async () => {
    await withPage({ javaScriptEnabled: false }, async (page) => {
      await page.goto(`${site.url}/videos`);
      await page.click('text=More');
      assert.match(page.url(), /after=/);
      await page.fill('.search input', 'bread');
      await page.press('.search input', 'Enter');
      await page.click('.card a');
      assert.equal(await page.locator('video[controls] source').count(), 1);
      await page.click('summary:has-text("More")');
      await page.fill('#title', 'Bread, renamed');
      await page.click('button:has-text("Rename")');
      assert.equal(await page.locator('h1').textContent(), 'Bread, renamed');
      await page.click('summary:has-text("More")');
      await page.click('button:has-text("Move to the bin")');
      assert.match(
        (await page.locator('.notice').textContent()) ?? '',
        /Bread, renamed is in the bin for 30 days/,
      );
      await page.click('button:has-text("Undo")');
      assert.equal(await page.locator('h1').textContent(), 'Bread, renamed');
      await page.goto(`${site.url}/upload`);
      assert.ok(await page.locator('input[type=file]').isVisible());
      assert.ok(await page.locator('button:has-text("Upload")').isVisible());
      await page.goto(`${site.url}/settings`);
      await page.click('button:has-text("Light")');
      assert.equal(await page.locator('html').getAttribute('data-theme'), 'light');
    });
  });
});
