// A newcomer's first minutes in a real Chromium: upload a Matroska film, press play, jump to 80 %, see the right
// picture, watch the camera move; then all of it again with scripts switched off.
import assert from 'node:assert/strict';
import { basename } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { launchBrowser } from '../helpers/browser.ts';
import { makeMedia, readFrameNumber } from '../helpers/media/media.ts';
import { type Program, startProgram } from '../helpers/program.ts';
import { until } from '../helpers/until.ts';

const fps = 10;
const seconds = 60;

/** `KINORA_TEST_URL`: a program that runs already, empty and with KINORA_AUTH=none, is tried instead (an image, a cluster). */
const running = process.env.KINORA_TEST_URL;
let program: Pick<Program, 'url' | 'close'>;
let browser: Browser;
let film: string;

before(async () => {
  [program, browser, film] = await Promise.all([
    running ? { url: running, close: async () => {} } : startProgram(),
    launchBrowser(),
    makeMedia({
      container: 'matroska',
      video: { codec: 'h264', width: 640, height: 360, fps, seconds, bFrames: 2, keyInterval: 20 },
      audio: { codec: 'aac', sampleRate: 48_000, channels: 2 },
    }),
  ]);
});
after(async () => {
  await browser?.close();
  await program?.close();
});

/** The number burnt into the picture that the page's video shows now; null while there is none. */
async function shownFrame(page: Page): Promise<number | null> {
  const picture = await page.evaluate(() => {
    const video = document.querySelector('video');
    if (!video || video.readyState < 2 || video.seeking) return null;
    const canvas = new OffscreenCanvas(video.videoWidth, video.videoHeight);
    const context = canvas.getContext('2d');
    if (!context) return null;
    context.drawImage(video, 0, 0);
    const { data, width, height } = context.getImageData(0, 0, canvas.width, canvas.height);
    let text = '';
    for (let at = 0; at < data.length; at += 4096)
      text += String.fromCharCode(...data.subarray(at, at + 4096));
    return { base64: btoa(text), width, height };
  });
  if (!picture) return null;
  return readFrameNumber(Buffer.from(picture.base64, 'base64'), picture.width, picture.height);
}

/** What the live picture looks like now, to tell whether it moves: scripts draw it on a canvas, else it is an image. */
async function livePicture(page: Page): Promise<string> {
  const picture = page.locator('main canvas, main img[src*="stream.mjpeg"]').locator('visible=true').first();
  return (await picture.screenshot()).toString('base64');
}

async function newPage(
  options: Parameters<Browser['newContext']>[0] = {},
): Promise<[Page, BrowserContext, string[]]> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  return [page, context, complaints];
}

describe('a newcomer with an ordinary browser', () => {
  test('uploads a film, plays it, jumps to 80 %, and sees the picture that is there', async () => {
    const [page, context, complaints] = await newPage();
    await page.goto(program.url);
    await page.getByRole('link', { name: 'Upload' }).first().click();
    await page.waitForURL('**/upload');
    await page.locator('input[type=file]').setInputFiles(film);
    // Scripts upload at once; the film's page is one click away.
    await page.getByRole('link', { name: 'Watch' }).first().click({ timeout: 60_000 });
    await page.waitForURL(/\/videos\/[0-9a-z]{16}/);
    await page.getByRole('heading', { name: basename(film, '.mkv') }).waitFor();

    await page.waitForFunction(() => (document.querySelector('video')?.readyState ?? 0) >= 2);
    const duration = await page.evaluate(() => document.querySelector('video')!.duration);
    assert.ok(Math.abs(duration - seconds) < 0.1, `the length is told: ${duration}`);

    await page.evaluate(() => document.querySelector('video')!.play());
    await page.waitForFunction(() => document.querySelector('video')!.currentTime > 0.3);

    await page.evaluate(
      (time) => {
        const video = document.querySelector('video')!;
        video.pause();
        // The middle of a picture, so that rounding cannot show its neighbour.
        video.currentTime = time;
      },
      seconds * 0.8 + 0.5 / fps,
    );
    const frame = await until(() => shownFrame(page), {
      timeoutMs: 15_000,
      what: 'a picture after the jump',
    });
    assert.equal(frame, seconds * 0.8 * fps);
    assert.deepEqual(complaints, []);
    await context.close();
  });

  test('goes on where it was after the page is opened again', async () => {
    const [page, context] = await newPage();
    const { items } = (await (await fetch(`${program.url}/api/v1/videos`)).json()) as {
      items: { id: string }[];
    };
    const id = items[0]!.id;
    await fetch(`${program.url}/api/v1/videos/${id}/progress`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ positionMs: 30_000 }),
    });
    await page.goto(`${program.url}/videos/${id}`);
    await page.waitForFunction(() => Math.abs((document.querySelector('video')?.currentTime ?? 0) - 30) < 2);
    await context.close();
  });

  test('sees the camera move', async () => {
    const [page, context] = await newPage();
    await page.goto(`${program.url}/cameras/default`);
    const first = await livePicture(page);
    await until(async () => (await livePicture(page)) !== first, {
      timeoutMs: 10_000,
      what: 'another picture',
    });
    await context.close();
  });
});

describe('a newcomer whose browser runs no scripts', () => {
  test('lists, uploads, watches, and sees the camera move', async () => {
    const [page, context] = await newPage({ javaScriptEnabled: false });
    await page.goto(`${program.url}/upload`);
    await page.locator('input[type=file]').setInputFiles(film);
    await page
      .locator('form[action="/upload"] button[type=submit], form[action="/upload"] button:not([type])')
      .first()
      .click();
    await page.waitForURL(/\/videos\/[0-9a-z]{16}/, { timeout: 60_000 });

    // Without scripts the test cannot ask the player; the page's own sources must answer with bytes that play.
    const source = await page.locator('video source').first().getAttribute('src');
    assert.ok(source, 'the player names its source');
    const head = await fetch(new URL(source, program.url), { headers: { range: 'bytes=0-11' } });
    assert.equal(head.status, 206);
    assert.equal(Buffer.from(await head.arrayBuffer()).toString('latin1', 4, 8), 'ftyp');
    assert.ok(await page.locator('video[controls]').count(), 'the browser draws its own controls');

    await page.goto(`${program.url}/videos`);
    assert.ok((await page.locator('a[href^="/videos/"]').count()) >= 2, 'both uploads are listed');

    await page.goto(`${program.url}/cameras/default`);
    const first = await livePicture(page);
    await until(async () => (await livePicture(page)) !== first, {
      timeoutMs: 10_000,
      what: 'another picture',
    });
    await context.close();
  });
});
