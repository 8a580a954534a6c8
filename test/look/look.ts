// Writes a picture of every page at three sizes, dark and light, to look/: what is to be called done is looked at.
// Arguments are names of pages, sizes or schemes to limit it to (`video 360 dark`).
import { existsSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { launchBrowser } from '../helpers/browser.ts';
import { startFakeDoor } from '../helpers/fake-door.ts';
import { type FakeSite, startFakeSite } from '../helpers/fake-site.ts';
import { doorPages } from './door-pages.ts';
import { type LookPage, lookPages } from './pages.ts';
import { drawPicture } from './picture.ts';

const root = join(import.meta.dirname, '..', '..');
const sizes = [
  { width: 360, height: 740 },
  { width: 1280, height: 800 },
  { width: 3840, height: 2160 },
];
const schemes = ['dark', 'light'] as const;
const folder = join(root, 'look');

const wanted = process.argv.slice(2);
const isWanted = (kind: readonly string[], value: string) => {
  const limits = wanted.filter((word) => kind.includes(word));
  return limits.length === 0 || limits.includes(value);
};

const movie = await findMovie();
const browser = await launchBrowser();
const jpeg = await drawPicture(browser);
const full = await startFakeSite({ jpeg, ...(movie ? { movie } : {}) });
const empty = await startFakeSite({ videoCount: 0, cameraCount: 0 });
const door = await startFakeDoor();
const crowded = await startFakeSite({ jpeg, cameraCount: 30 });
await mkdir(folder, { recursive: true });
try {
  await lookAtAll(browser);
} finally {
  await browser.close();
  await full.close();
  await empty.close();
  await crowded.close();
  await door.close();
}

async function findMovie(): Promise<{ bytes: Uint8Array; type: string } | null> {
  const shared = process.env.KINORA_SHARED_MEDIA ?? join(root, '..', 'shared', 'media');
  const path = join(shared, 'play', 'video.mp4');
  if (existsSync(path)) return { bytes: await readFile(path), type: 'video/mp4' };
  console.log('No shared media here: the player is looked at without a picture.');
  return null;
}

async function lookAtAll(chromium: Browser): Promise<void> {
  const names = [...lookPages, ...doorPages].map((page) => page.name);
  for (const size of sizes.filter((entry) =>
    isWanted(
      sizes.map((other) => `${other.width}`),
      `${entry.width}`,
    ),
  )) {
    for (const scheme of schemes.filter((entry) => isWanted(schemes, entry))) {
      const options = { viewport: size, colorScheme: scheme, locale: 'en-GB' } as const;
      const context = await chromium.newContext(options);
      const tvContext = await chromium.newContext(options);
      for (const page of lookPages.filter((entry) => isWanted(names, entry.name))) {
        const tab = await (page.isTv ? tvContext : context).newPage();
        const path = join(folder, `${page.name}-${size.width}-${scheme}.png`);
        await lookAt(tab, page.isEmpty ? empty : page.isCrowded ? crowded : full, page, path);
        await tab.close();
      }
      for (const page of doorPages.filter((entry) => isWanted(names, entry.name))) {
        const { site, first } = door;
        const of = await chromium.newContext(options);
        if (page.who !== 'nobody' && page.who !== 'first')
          await of.addCookies([{ ...door.session(page.who), url: site.url }]);
        const path = join(folder, `${page.name}-${size.width}-${scheme}.png`);
        const shown = { name: page.name, path: page.path(door) };
        await lookAt(await of.newPage(), page.who === 'first' ? first : site, shown, path);
        await of.close();
      }
      await context.close();
      await tvContext.close();
    }
  }
  console.log(`The pictures are in ${folder}`);
}

async function lookAt(
  tab: Awaited<ReturnType<Browser['newPage']>>,
  site: FakeSite,
  page: LookPage,
  path: string,
): Promise<void> {
  await tab.goto(site.url + page.path, { waitUntil: 'domcontentloaded' });
  // What the eye would wait for: pictures decoded, the player's first frame. A live stream never goes idle.
  await tab.evaluate(() => document.fonts.ready);
  await tab
    .waitForFunction(
      () =>
        [...document.images].every((image) => image.complete && !image.src.includes('stream')) &&
        [...document.querySelectorAll('video')].every(
          (video) => video.readyState >= 2 || video.networkState === 3,
        ) &&
        // Tiles out of view get no picture.
        [...document.querySelectorAll('kinora-wall .camera.live .poster:not(:has(canvas))')].every(
          (poster) => poster.getBoundingClientRect().top > innerHeight,
        ),
      null,
      { timeout: 5000 },
    )
    .catch(() => console.log(`${page.name}: not all pictures came`));
  // A stream that an image shows is never decoded whole.
  await tab.evaluate(() =>
    Promise.allSettled(
      [...document.images]
        .filter((image) => image.complete && !image.src.includes('stream'))
        .map((image) => image.decode()),
    ),
  );
  if (page.isTv) await tab.keyboard.press('ArrowDown');
  await tab.screenshot({ path, fullPage: false });
}
