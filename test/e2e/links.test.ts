// A guest's way in, in a real browser over the real routes: the button, the film, the folder and the camera; with scripts
// off, by a remote's arrows, on a phone; and nothing that axe calls serious or the policy refuses.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { seriousFaults } from '../helpers/axe.ts';
import { launchBrowser } from '../helpers/browser.ts';
import { type LinkHouse, type MadeLink, startLinkHouse } from '../helpers/link-house.ts';
import { makeMedia } from '../helpers/media/media.ts';

let house: LinkHouse;
let browser: Browser;
let links: { video: MadeLink; stretch: MadeLink; folder: MadeLink; camera: MadeLink; locked: MadeLink };

before(async () => {
  browser = await launchBrowser();
  house = await startLinkHouse();
  const path = await makeMedia({
    container: 'matroska',
    video: { codec: 'h264', seconds: 8, bFrames: 2 },
    audio: { codec: 'aac' },
  });
  const { id: folderId } = await house.addFolder('Trips');
  const { id } = await house.addVideo({ path, title: 'Summer at the lake', folderId });
  const of = { subject: 'video', subjectId: id } as const;
  const expiresAtMs = house.clock.nowMs() + 3_600_000;
  links = {
    video: await house.makeLink({ ...of, allowsDownload: true }),
    stretch: await house.makeLink({ ...of, startSeconds: 3, endSeconds: 5 }),
    folder: await house.makeLink({ subject: 'folder', subjectId: folderId }),
    camera: await house.makeLink({ subject: 'camera', subjectId: 'door', expiresAtMs }),
    locked: await house.makeLink({ ...of, password: 'goose' }),
  };
});
after(async () => {
  await browser?.close();
  await house?.close();
});

/** A browser of its own, and what its console complained of. */
async function withPage(
  options: BrowserContextOptions,
  use: (page: Page, problems: string[]) => Promise<void>,
): Promise<void> {
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
    const { pathname } = new URL(request.url());
    if (!/^\/(l|assets)\//.test(pathname)) problems.push(`asked for ${pathname}`);
  });
  try {
    await use(page, problems);
  } finally {
    await context.close();
  }
}

const open = (page: Page, { path }: MadeLink) =>
  page.goto(house.url + path, { waitUntil: 'domcontentloaded' });
const press = (page: Page) =>
  Promise.all([
    page.waitForURL(/\/l\//, { waitUntil: 'domcontentloaded' }),
    page.click('main .button.primary'),
  ]);

test('a film plays behind the button, its stretch as a film that begins at 0, and only the link is asked', async () => {
  for (const [link, seconds] of [
    [links.video, 8],
    [links.stretch, 2],
  ] as const) {
    await withPage({}, async (page, problems) => {
      await open(page, link);
      await press(page);
      await page.waitForSelector('kinora-player .controls');
      await page.evaluate(() => document.querySelector('video')!.play());
      await page.waitForFunction(() => document.querySelector('video')!.currentTime > 0.3);
      const { duration, start } = await page.evaluate(() => {
        const video = document.querySelector('video')!;
        return { duration: video.duration, start: video.seekable.start(0) };
      });
      assert.ok(Math.abs(duration - seconds) < 0.2, `${duration} s`);
      assert.equal(start, 0);
      // Leaving would keep one's place, if one were anybody.
      await page.goto('about:blank');
      assert.deepEqual(problems, []);
    });
  }
});

test('a television without scripts gets in by password and plays', async () => {
  await withPage({ javaScriptEnabled: false }, async (page, problems) => {
    await page.goto(`${house.url}${links.locked.path}?tv`, { waitUntil: 'domcontentloaded' });
    assert.equal(await page.locator('html[data-tv]').count(), 1);
    // The field has the focus, so the remote types and presses OK.
    await page.keyboard.type('goose');
    await Promise.all([page.waitForSelector('video[controls]'), page.keyboard.press('Enter')]);
    assert.equal(await page.locator('h1').innerText(), 'Summer at the lake');
    assert.equal(await page.locator('a[href="/videos"], nav').count(), 0);
    assert.deepEqual(problems, []);
  });
});

test('a folder leads to its film and back by keyboard', async () => {
  await withPage({}, async (page, problems) => {
    await open(page, links.folder);
    await Promise.all([page.waitForSelector('.grid .card'), page.keyboard.press('Enter')]);
    await Promise.all([page.waitForSelector('kinora-player'), page.click('.card a')]);
    await Promise.all([page.waitForSelector('.grid .card'), page.click('text=All videos')]);
    assert.deepEqual(problems, []);
  });
});

test('the pages of links have nothing that axe calls serious, and fit a phone', async () => {
  await withPage({ viewport: { width: 360, height: 740 } }, async (page, problems) => {
    for (const [name, link] of Object.entries(links)) {
      await page.context().clearCookies();
      const look = async (step: string) => {
        assert.deepEqual(await seriousFaults(page), [], `${name}, ${step}`);
        const isWide = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
        assert.equal(isWide, false, `${name}, ${step} scrolls sideways`);
      };
      await open(page, link);
      await look('door');
      if (name === 'locked') await page.fill('#password', 'goose');
      await press(page);
      await page.waitForFunction(() => !document.querySelector('.guest-door'));
      await look('inside');
      // Leaving would keep one's place, if one were anybody.
      await page.goto('about:blank');
      assert.deepEqual(problems, []);
    }
  });
});

test('the page that makes links works by keyboard and without scripts, and shows the link', async () => {
  const video = (await house.links.list(house.anna)).find(({ subject }) => subject === 'video')!;
  for (const javaScriptEnabled of [true, false]) {
    const context = await browser.newContext({ viewport: { width: 360, height: 740 }, javaScriptEnabled });
    const [name, value] = house.accounts.cookieOf(house.anna.personId).split('=') as [string, string];
    await context.addCookies([{ name, value, url: house.url }]);
    const page = await context.newPage();
    await page.goto(`${house.url}/videos/${video.subjectId}/links`, { waitUntil: 'domcontentloaded' });
    await page.fill('#note', 'For Aunt Mia');
    await Promise.all([page.waitForSelector('.made-link svg.qr'), page.keyboard.press('Enter')]);
    const address = await page.inputValue('.made-link input');
    assert.match(address, new RegExp(`^${house.url}/l/[\\w-]{27}$`));
    assert.equal(await page.locator('.made-link button').isVisible(), javaScriptEnabled);
    if (javaScriptEnabled) {
      assert.deepEqual(await seriousFaults(page), []);
      const isWide = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
      assert.equal(isWide, false);
    }
    assert.equal((await fetch(address)).status, 200);
    await context.close();
  }
});
