// Glass to glass: the real program, its camera `test`, and a real Chromium whose page reads from the playing video the
// wall-clock time that was drawn into each picture. Prints the figures; asserts only what a busy machine can keep.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { launchBrowser } from '../helpers/browser.ts';
import { type Program, startProgram } from '../helpers/program.ts';
import { until } from '../helpers/until.ts';

let browser: Browser;
let program: Program;

before(async () => {
  browser = await launchBrowser();
  program = await startProgram({ settings: { CAMERA: 'test' } });
});
after(async () => {
  await browser?.close();
  await program?.close();
});

type Seen = { lateMs: number; number: number };

/**
 * Reads `count` pictures of the page's <video> as they are shown: how late each is, and its number. The rows of
 * squares are those of `src/workers/test-picture.ts`: a row of bits and below it its complement.
 */
const readPictures = (count: number) => `new Promise((resolve) => {
  const video = document.querySelector('video');
  const canvas = document.createElement('canvas');
  const context = canvas.getContext('2d', { willReadFrequently: true });
  const seen = [];
  // Small, and read once: the squares are ten pixels wide, and the middle of each is looked at.
  canvas.width = 240;
  canvas.height = 136;
  const readBits = ({ data, width, height }, bits, eighth) => {
    const redAt = (x, y) => data[(Math.floor(y * height / 8) * width + Math.floor(x)) * 4];
    let value = 0;
    for (let bit = 0; bit < bits; bit += 1) {
      const x = ((bit + 0.5) * width) / bits;
      const [white, black] = [redAt(x, eighth + 0.5), redAt(x, eighth + 1.5)];
      if (Math.abs(white - black) < 60) return null;
      value = value * 2 + (white > black ? 1 : 0);
    }
    return value;
  };
  const look = (now, { expectedDisplayTime }) => {
    const shownAtMs = performance.timeOrigin + Math.max(performance.now(), expectedDisplayTime);
    context.drawImage(video, 0, 0, canvas.width, canvas.height);
    const picture = context.getImageData(0, 0, canvas.width, canvas.height);
    const number = readBits(picture, 16, 0);
    const drawnAt = readBits(picture, 24, 2);
    if (number !== null && drawnAt !== null) {
      let lateMs = (Math.floor(shownAtMs) % 2 ** 24) - drawnAt;
      if (lateMs < -(2 ** 23)) lateMs += 2 ** 24;
      seen.push({ lateMs, number });
    }
    if (seen.length < ${count}) video.requestVideoFrameCallback(look);
    else resolve(seen);
  };
  video.requestVideoFrameCallback(look);
})`;

async function openPage(path: string, options: { javaScriptEnabled?: boolean } = {}): Promise<Page> {
  const context = await browser.newContext({ viewport: { width: 640, height: 400 }, ...options });
  const page = await context.newPage();
  await page.goto(`${program.url}${path}`);
  return page;
}

const openCamera = (options?: { javaScriptEnabled?: boolean }) => openPage('/cameras/default', options);

function describe(seen: readonly Seen[]): string {
  const late = seen.map(({ lateMs }) => lateMs).sort((a, b) => a - b);
  const at = (share: number) => Math.round(late[Math.min(late.length - 1, Math.floor(share * late.length))]!);
  return `median ${at(0.5)} ms, p95 ${at(0.95)} ms, worst ${at(1)} ms of ${seen.length} pictures`;
}

test('the camera page shows H.264 with sound as video, soon after it was taken, and goes on doing so', async (context) => {
  const openedAtMs = performance.now();
  const page = await openCamera();
  await until(() => page.evaluate("document.querySelector('kinora-live > video')?.currentTime > 0"), {
    timeoutMs: 20_000,
    what: 'a video that plays in the page',
  });
  context.diagnostic(
    `from opening to playing ${Math.round(performance.now() - openedAtMs)} ms, the camera off before`,
  );
  const first = (await page.evaluate(readPictures(25))) as Seen[];
  const seen = (await page.evaluate(readPictures(100))) as Seen[];
  context.diagnostic(`glass to glass: first second ${describe(first)}`);
  context.diagnostic(`glass to glass: then ${describe(seen)}`);
  const late = seen.map(({ lateMs }) => lateMs).sort((a, b) => a - b);
  assert.ok(late[50]! < 1500, `the median picture is ${late[50]} ms late`);
  assert.ok(late[0]! > 0, 'no picture is shown before it was drawn');
  const numbers = seen.map(({ number }) => number);
  assert.ok(
    numbers.every((number, i) => i === 0 || number > numbers[i - 1]!),
    'no picture twice, none backwards',
  );
  const state = (await page.evaluate(
    "(() => { const v = document.querySelector('video'); return { kept: v.currentTime - v.buffered.start(0), sound: v.webkitAudioDecodedByteCount } })()",
  )) as { kept: number; sound: number };
  assert.ok(state.kept < 20, `${state.kept} s are kept behind the picture`);
  assert.equal(state.sound, 0, 'muted, it comes without sound');

  // With a click on the speaker the sound comes along.
  await page.evaluate("document.querySelector('kinora-live > video').muted = false");
  await until(() => page.evaluate("document.querySelector('video').webkitAudioDecodedByteCount > 0"), {
    timeoutMs: 20_000,
    what: 'sound that is decoded',
  });
  await page.evaluate(readPictures(25));
  const heard = (await page.evaluate(readPictures(50))) as Seen[];
  context.diagnostic(`glass to glass with sound: ${describe(heard)}`);
  assert.ok(heard.map(({ lateMs }) => lateMs).sort((a, b) => a - b)[25]! < 1500);
  await page.context().close();
});

test('a player that was held up jumps to now instead of showing late pictures', async (context) => {
  const page = await openCamera();
  await until(() => page.evaluate("document.querySelector('kinora-live > video')?.currentTime > 0"), {
    timeoutMs: 20_000,
  });
  await page.evaluate(readPictures(10));
  await page.evaluate('{ const end = performance.now() + 3000; while (performance.now() < end); }');
  const after = (await page.evaluate(readPictures(60))) as Seen[];
  context.diagnostic(`after three seconds held up: ${describe(after)}`);
  const late = after
    .slice(30)
    .map(({ lateMs }) => lateMs)
    .sort((a, b) => a - b);
  assert.ok(late[15]! < 1500, `the median picture is ${late[15]} ms late`);
  await page.context().close();
});

test('without scripts the page plays live.mp4 in a plain <video>', async (context) => {
  // Once the camera has run the page knows what it sends.
  const stream = await fetch(`${program.url}/cameras/default/live.mp4`);
  assert.equal(stream.status, 200);
  await stream.body!.cancel();
  const page = await openCamera({ javaScriptEnabled: false });
  const html = await page.content();
  assert.match(html, /<video[^>]+controls[^>]*>\s*<source src="\/cameras\/default\/live\.mp4"/);
  // Scripts of the page are off; this one is the test's own, in the browser's own context.
  const session = await page.context().newCDPSession(page);
  const ask = async (expression: string) =>
    (await session.send('Runtime.evaluate', { expression, returnByValue: true, awaitPromise: true })).result
      .value;
  await until(async () => Number(await ask("document.querySelector('video').currentTime")) > 1.5, {
    timeoutMs: 20_000,
    what: 'the plain video plays',
  });
  const played = await ask(
    "(() => { const v = document.querySelector('video'); return JSON.stringify([v.currentSrc, v.videoWidth, v.currentTime, v.error]) })()",
  );
  context.diagnostic(String(played));
  assert.match(String(played), /live\.mp4",1280/);
  await page.context().close();
});

test('the HLS playlist plays in a browser that knows HLS by itself', async (context) => {
  const page = await openPage('/settings');
  const begun = await page.evaluate(`(() => {
    const video = document.createElement('video');
    if (!video.canPlayType('application/vnd.apple.mpegurl')) return false;
    video.id = 'hls';
    video.muted = true;
    video.autoplay = true;
    document.body.append(video);
    video.src = '/cameras/default/live.m3u8';
    return true;
  })()`);
  // Resolves to the width once three seconds were played, or to what went wrong.
  const outcome = `(() => {
    const { error, played, videoWidth } = document.querySelector('#hls');
    if (error) return error.message;
    return played.length > 0 && played.end(0) - played.start(0) > 3 ? videoWidth : null;
  })()`;
  const played = begun
    ? await until(() => page.evaluate(outcome), { timeoutMs: 30_000, what: 'three seconds of HLS' })
    : 'unknown here';
  if (played === 'unknown here') context.diagnostic('this Chromium knows no HLS: played by none here');
  else assert.equal(played, 1280);
  await page.context().close();
});
