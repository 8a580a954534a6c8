// Thirty cameras at five pictures a second in one page of the real program, in a real Chromium: every tile in view
// moves, over one connection, and none of the others is sent or even on. Prints what it costs.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { launchBrowser } from '../helpers/browser.ts';
import { type Program, startProgram } from '../helpers/program.ts';
import { until } from '../helpers/until.ts';

/** With the default camera, which is there by itself. */
const cameraCount = 30;
const fps = 5;

let folder: string;
let program: Program;
let browser: Browser;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'kinora-wall-'));
  const settings = Array.from(
    { length: cameraCount - 1 },
    (_, index) =>
      `[[camera]]\nid = "c${index}"\nname = "Camera ${index}"\ndriver = "emulated"\nfps = ${fps}\n`,
  ).join('\n');
  writeFileSync(join(folder, 'kinora.toml'), settings);
  [program, browser] = await Promise.all([
    // What nobody looks at any more goes off soon: two tests begin with all of them off.
    startProgram({
      settings: { KINORA_CONFIG: join(folder, 'kinora.toml'), KINORA_CAMERA_LINGER_SECONDS: '1' },
    }),
    launchBrowser(),
  ]);
});
after(async () => {
  await browser?.close();
  await program?.close();
  rmSync(folder, { recursive: true, force: true });
});

type Wall = {
  readonly page: Page;
  readonly context: BrowserContext;
  /** Addresses of the requests for the wall's stream that are open now. */
  open(): string[];
  readonly snapshots: string[];
};

async function openWall(path: string, viewport: { width: number; height: number }): Promise<Wall> {
  const context = await browser.newContext({ viewport });
  const page = await context.newPage();
  const open = new Set<string>();
  const snapshots: string[] = [];
  const requests = new Map<unknown, string>();
  page.on('request', (request) => {
    if (request.url().includes('/cameras/wall.multipart')) {
      requests.set(request, request.url());
      open.add(request.url());
    }
    if (/snapshot\.jpg|stream\.mjpeg/.test(request.url())) snapshots.push(request.url());
  });
  const onEnd = (request: unknown) => {
    const url = requests.get(request);
    if (url) open.delete(url);
  };
  page.on('requestfinished', onEnd);
  page.on('requestfailed', onEnd);
  await page.goto(program.url + path, { waitUntil: 'domcontentloaded' });
  return { page, context, open: () => [...open], snapshots };
}

/** Ids of the cameras whose tiles are at least half in view. */
function inView(page: Page): Promise<string[]> {
  return page.$$eval('kinora-wall .camera', (cards) =>
    cards
      .filter((card) => {
        const { top, bottom, height } = card.getBoundingClientRect();
        return Math.min(bottom, innerHeight) - Math.max(top, 0) > height / 2;
      })
      .map((card) => (card as HTMLElement).dataset.id!),
  );
}

/** How often each tile's canvas was drawn on since this was first called. */
function drawings(page: Page): Promise<Record<string, number>> {
  return page.evaluate(() => {
    const own = window as unknown as { drawn?: Record<string, number> };
    if (!own.drawn) {
      const drawn: Record<string, number> = {};
      own.drawn = drawn;
      const { drawImage } = CanvasRenderingContext2D.prototype;
      CanvasRenderingContext2D.prototype.drawImage = function (
        this: CanvasRenderingContext2D,
        ...all: never[]
      ) {
        const id = this.canvas.closest<HTMLElement>('.camera')?.dataset.id;
        if (id) drawn[id] = (drawn[id] ?? 0) + 1;
        return (drawImage as (...all: never[]) => void).apply(this, all);
      } as typeof drawImage;
    }
    return { ...own.drawn };
  });
}

/** What is in the canvas of each tile, to tell whether it changes. */
function contents(page: Page): Promise<Record<string, string>> {
  return page.evaluate(() =>
    Object.fromEntries(
      [...document.querySelectorAll<HTMLCanvasElement>('kinora-wall canvas')].map((canvas) => [
        canvas.closest<HTMLElement>('.camera')!.dataset.id!,
        canvas.toDataURL('image/jpeg', 0.5),
      ]),
    ),
  );
}

type State = { id: string; state: string; viewers: number };
async function cameras(): Promise<State[]> {
  return ((await (await fetch(`${program.url}/api/v1/cameras`)).json()) as { items: State[] }).items;
}

/** Processor time of the program so far, milliseconds (proc_pid_stat(5): fields 14 and 15, hundredths). */
function processorMs(): number {
  const stat = readFileSync(`/proc/${program.pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

test('thirty cameras move in one page over one connection', async (context) => {
  const wall = await openWall('/cameras', { width: 1920, height: 1400 });
  const { page } = wall;
  await page.waitForFunction(
    (count) => document.querySelectorAll('.camera canvas').length >= count,
    cameraCount,
    {
      timeout: 30_000,
    },
  );
  assert.equal((await inView(page)).length, cameraCount, 'all of them are in view');
  const before = await contents(page);
  const shown = await drawings(page);
  await until(
    async () => {
      // What is in thirty canvases is dear to ask for: first each has been drawn on.
      const drawn = await drawings(page);
      if (!Object.keys(before).every((id) => (drawn[id] ?? 0) > (shown[id] ?? 0))) return false;
      const now = await contents(page);
      return Object.keys(before).every((id) => now[id] !== before[id]);
    },
    { timeoutMs: 15_000, what: 'another picture on every tile' },
  );
  assert.equal(wall.open().length, 1, wall.open().join('\n'));
  assert.deepEqual(wall.snapshots, [], 'nothing else is asked for');

  const first = await drawings(page);
  const startMs = performance.now();
  const startProcessorMs = processorMs();
  // Ten pictures of each: two seconds where the machine has them to spare.
  await until(
    async () => {
      const now = await drawings(page);
      return Object.keys(before).every((id) => (now[id] ?? 0) - (first[id] ?? 0) >= 10);
    },
    { timeoutMs: 30_000, what: 'ten more pictures on every tile' },
  );
  const seconds = (performance.now() - startMs) / 1000;
  const now = await drawings(page);
  const drawn = Object.keys(before).reduce((sum, id) => sum + (now[id] ?? 0) - (first[id] ?? 0), 0);
  const cost = (processorMs() - startProcessorMs) / 1000 / seconds;
  context.diagnostic(
    `${(drawn / seconds / cameraCount).toFixed(1)} pictures a second and tile; the program took ` +
      `${(cost * 100).toFixed(1)} % of a core for ${cameraCount} cameras and their wall`,
  );
  assert.ok(drawn / seconds / cameraCount <= fps * 1.3, 'no picture is drawn twice');
  await wall.context.close();
});

test('tiles out of view are neither sent nor on, and show when they are scrolled to', async () => {
  // Cameras of the test before are still warm; those must be off that nobody has asked for.
  await until(async () => (await cameras()).every((camera) => camera.state === 'off'), {
    timeoutMs: 20_000,
    what: 'the rest of all cameras',
  });
  const wall = await openWall('/cameras', { width: 1280, height: 800 });
  const { page } = wall;
  await page.waitForFunction(() => document.querySelectorAll('.camera canvas').length >= 12, null, {
    timeout: 30_000,
  });
  const seen = await inView(page);
  assert.ok(seen.length >= 12 && seen.length < cameraCount, `${seen.length} are in view`);
  const watched = async () => (await cameras()).filter((camera) => camera.viewers > 0).map(({ id }) => id);
  assert.ok((await watched()).length < cameraCount);
  const last = `c${cameraCount - 2}`;
  assert.equal((await cameras()).find(({ id }) => id === last)?.state, 'off');

  await page.keyboard.press('End');
  await page.evaluate(() => scrollTo(0, document.body.scrollHeight));
  await page.locator(`.camera[data-id="${last}"] canvas`).waitFor({ timeout: 15_000 });
  await until(() => wall.open().length === 1, { what: 'one connection again' });
  assert.match(wall.open()[0]!, new RegExp(`[=,]${last}:`));
  assert.doesNotMatch(wall.open()[0]!, /[=,]default:/, 'what was scrolled away is let go');
  await until(async () => !(await watched()).includes('default'), {
    what: 'the leaving of the first camera',
  });

  await page.evaluate(() => {
    Object.defineProperty(document, 'hidden', { value: true, configurable: true });
    document.dispatchEvent(new Event('visibilitychange'));
  });
  await until(async () => (await watched()).length === 0, {
    what: 'a hidden page letting go of all cameras',
  });
  await until(() => wall.open().length === 0, { what: 'the end of its connection' });
  await wall.context.close();
});

test('arrows move over the wall and Enter opens the large picture', async () => {
  const wall = await openWall('/cameras', { width: 1280, height: 800 });
  const { page } = wall;
  await page.waitForFunction(() => document.documentElement.classList.contains('has-scripts'));
  await page.locator('.camera a').first().focus();
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('ArrowDown');
  const address = await page.evaluate(() => {
    const columns = getComputedStyle(document.querySelector('.wall')!).gridTemplateColumns.split(' ').length;
    return document.querySelectorAll<HTMLAnchorElement>('.camera a')[1 + columns]!.href;
  });
  await page.keyboard.press('Enter');
  await page.waitForURL(address, { waitUntil: 'commit' });
  await wall.context.close();
});

test('the first page shows a row of cameras and starts no other', async () => {
  await until(async () => (await cameras()).every((camera) => camera.state === 'off'), {
    timeoutMs: 20_000,
    what: 'the rest of all cameras',
  });
  const wall = await openWall('/', { width: 1280, height: 2000 });
  await wall.page.locator('.camera canvas').first().waitFor({ timeout: 15_000 });
  assert.ok((await cameras()).filter((camera) => camera.state !== 'off').length <= 4);
  await wall.context.close();
});

test('without scripts the wall is snapshots, and the page renews itself', async () => {
  const context = await browser.newContext({ javaScriptEnabled: false });
  const page = await context.newPage();
  await page.goto(`${program.url}/cameras`, { waitUntil: 'domcontentloaded' });
  assert.equal(await page.locator('.camera noscript img, .camera img').count(), cameraCount);
  assert.equal(await page.locator('meta[http-equiv="refresh"]').count(), 1);
  await page.waitForFunction(
    () => {
      const image = document.querySelector<HTMLImageElement>('.camera img');
      return image?.complete && image.naturalWidth > 0;
    },
    null,
    { timeout: 15_000 },
  );
  await context.close();
});

test('a wall that loses the server says so, greys its pictures, and comes back by itself', async () => {
  const wall = await openWall('/cameras', { width: 1280, height: 800 });
  const { page } = wall;
  await page.locator('.camera.live canvas').first().waitFor({ timeout: 15_000 });
  await page.route('**/cameras/wall.multipart*', (route) => route.abort());
  await page.evaluate(() => scrollTo(0, 400));
  await page.locator('.camera.offline.still').first().waitFor({ timeout: 10_000 });
  assert.match((await page.locator('.said').textContent()) ?? '', /does not answer/);
  assert.match((await page.locator('.camera.offline .taken:visible').first().textContent()) ?? '', /\d:\d\d/);
  await page.unroute('**/cameras/wall.multipart*');
  await page.locator('.camera.live').first().waitFor({ timeout: 15_000 });
  assert.equal(await page.locator('.camera.offline').count(), 0);
  await wall.context.close();
});
