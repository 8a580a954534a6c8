// The player's keys on a playing video, and the place it keeps: the real program in a real Chromium.
import assert from 'node:assert/strict';
import { openAsBlob } from 'node:fs';
import { after, before, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { launchBrowser } from '../helpers/browser.ts';
import { makeMedia } from '../helpers/media/media.ts';
import { type Program, startProgram } from '../helpers/program.ts';
import { until } from '../helpers/until.ts';

let program: Program;
let browser: Browser;
let address: string;

before(async () => {
  const film = makeMedia({
    container: 'matroska',
    video: { codec: 'h264', width: 320, height: 180, fps: 5, seconds: 75, keyInterval: 10 },
    audio: { codec: 'aac', sampleRate: 48_000, channels: 2 },
  });
  [program, browser] = await Promise.all([startProgram(), launchBrowser()]);
  const form = new FormData();
  form.set('file', await openAsBlob(await film), 'A short film.mkv');
  const headers = { accept: 'application/json' };
  const answer = await fetch(`${program.url}/upload`, { method: 'POST', body: form, headers });
  assert.equal(answer.status, 201);
  const { videos } = (await answer.json()) as { videos: { id: string }[] };
  address = `${program.url}/videos/${videos[0]!.id}`;
});
after(async () => {
  await browser?.close();
  await program?.close();
});

type Player = {
  isPaused: boolean;
  isMuted: boolean;
  volume: number;
  seconds: number;
  isFull: boolean;
  isReady: boolean;
};

function player(page: Page): Promise<Player> {
  return page.evaluate(() => {
    const video = document.querySelector('video')!;
    return {
      isPaused: video.paused,
      isMuted: video.muted,
      volume: video.volume,
      seconds: video.currentTime,
      isFull: document.fullscreenElement !== null,
      isReady: video.readyState >= 2 && !video.seeking,
    };
  });
}

async function openFilm(): Promise<Page> {
  const page = await (await browser.newContext({ viewport: { width: 1280, height: 800 } })).newPage();
  await page.goto(address);
  await until(async () => (await player(page)).isReady, { timeoutMs: 20_000, what: 'a picture' });
  await page.waitForFunction(() => customElements.get('kinora-player') !== undefined);
  return page;
}

test('the keys play, pause, jump, mute, turn up and down and fill the screen', async () => {
  const page = await openFilm();
  const is = (what: string, check: (now: Player) => boolean) =>
    until(async () => check(await player(page)), { timeoutMs: 15_000, what });

  await page.keyboard.press('Space');
  await is('playing after space', (now) => !now.isPaused && now.seconds > 0.3);
  await page.keyboard.press('k');
  await is('a pause after k', (now) => now.isPaused);
  const before = await player(page);

  await page.keyboard.press('ArrowRight');
  await is('ten seconds on', (now) => Math.abs(now.seconds - before.seconds - 10) < 0.5 && now.isReady);
  await page.keyboard.press('ArrowRight');
  await is('twenty seconds on', (now) => Math.abs(now.seconds - before.seconds - 20) < 0.5 && now.isReady);
  await page.keyboard.press('ArrowLeft');
  await is('ten of them back', (now) => Math.abs(now.seconds - before.seconds - 10) < 0.5 && now.isReady);

  await page.keyboard.press('m');
  await is('silence after m', (now) => now.isMuted);
  await page.keyboard.press('m');
  await is('sound after m', (now) => !now.isMuted);

  await page.locator('media-play-button').focus();
  const { volume } = await player(page);
  await page.keyboard.press('ArrowDown');
  await is('softer after the arrow down', (now) => Math.abs(now.volume - (volume - 0.1)) < 0.01);
  await page.keyboard.press('ArrowUp');
  await is('louder after the arrow up', (now) => Math.abs(now.volume - volume) < 0.01);

  await page.keyboard.press('f');
  await is('the whole screen after f', (now) => now.isFull);
  await page.keyboard.press('f');
  await is('the page again after f', (now) => !now.isFull);
  await page.context().close();
});

test('space on a button is the button’s, and keys in a field are text', async () => {
  const page = await openFilm();
  await page.locator('.search input').focus();
  await page.keyboard.type('k m f');
  assert.equal(await page.locator('.search input').inputValue(), 'k m f');
  const now = await player(page);
  assert.deepEqual([now.isPaused, now.isMuted, now.isFull], [true, false, false]);
  await page.locator('media-play-button').focus();
  await page.keyboard.press('Space');
  // Once by the button and not once more by the player, which would pause it again.
  await until(async () => !(await player(page)).isPaused, { what: 'playing' });
  await page.waitForFunction(() => document.querySelector('video')!.currentTime > 0.5);
  await page.context().close();
});

test('where one was is remembered, by the page that is opened next and by the first page', async () => {
  const page = await openFilm();
  await page.evaluate(() => {
    const video = document.querySelector('video')!;
    video.currentTime = 47;
    return video.play();
  });
  await page.waitForFunction(() => document.querySelector('video')!.currentTime > 47.3);
  const kept = page.waitForResponse((response) => response.url().endsWith('/progress') && response.ok());
  await page.keyboard.press('k');
  await kept;
  const { seconds } = await player(page);
  await page.goto(program.url);
  const card = page.locator('section[aria-labelledby="begun"] .card').first();
  await card.locator('progress').waitFor();
  await card.locator('a').click();
  await page.waitForURL('**/videos/*');
  await until(async () => (await player(page)).isReady, { timeoutMs: 20_000, what: 'a picture' });
  const again = await player(page);
  assert.ok(Math.abs(again.seconds - seconds) < 2, `${again.seconds} where it was ${seconds}`);
  await page.context().close();
});
