// Sound beside pictures: the real program with a Motion-JPEG camera that flashes white for 100 ms at each whole second,
// a stand-in for `arecord` that beeps at the same moments, and a real Chromium whose page is looked at and listened to.
// Prints the figures; asserts only what a busy machine can keep.
import assert from 'node:assert/strict';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { launchBrowser } from '../helpers/browser.ts';
import { type Program, startProgram } from '../helpers/program.ts';
import { until } from '../helpers/until.ts';

let browser: Browser;
let program: Program;
let folder: string;

/** Pictures at 25 a second, at whole multiples of 40 ms of the time of day. */
const driver = `import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
const picture = (name) => readFileSync(new URL('./' + name + '.jpg', import.meta.url));
export async function* samples(options, { signal }) {
  const [black, white] = [picture('black'), picture('white')];
  let dueMs = Math.ceil(Date.now() / 40) * 40;
  while (!signal.aborted) {
    await pause(Math.max(0, dueMs - Date.now()), undefined, { signal }).catch(() => {});
    yield Buffer.from(dueMs % 1000 < 100 ? white : black);
    dueMs = Math.max(dueMs + 40, Math.floor(Date.now() / 40) * 40);
  }
}
`;

/** 48 kHz, one channel of 16 bits, 20 ms at a time once they are over: silence, and 1 kHz for 100 ms each second. */
const recorder = `#!${process.execPath}
process.stdout.on('error', () => process.exit());
const startedAtMs = Date.now();
const startedAt = performance.now();
let sent = 0;
setInterval(() => {
  const due = Math.floor((performance.now() - startedAt) / 20);
  for (; sent < due; sent += 1) {
    const piece = Buffer.alloc(1920);
    for (let i = 0; i < 960; i += 1) {
      const atMs = startedAtMs + sent * 20 + i / 48;
      if (atMs % 1000 < 100) piece.writeInt16LE(Math.round(20_000 * Math.sin((atMs % 1000) * 2 * Math.PI)), 2 * i);
    }
    process.stdout.write(piece);
  }
}, 5);
`;

before(async () => {
  browser = await launchBrowser();
  folder = await mkdtemp(join(tmpdir(), 'kinora-beside-'));
  const page = await browser.newPage();
  for (const colour of ['black', 'white']) {
    const url = (await page.evaluate(`(() => {
      const canvas = Object.assign(document.createElement('canvas'), { width: 640, height: 360 });
      const context = canvas.getContext('2d');
      context.fillStyle = '${colour}';
      context.fillRect(0, 0, 640, 360);
      return canvas.toDataURL('image/jpeg');
    })()`)) as string;
    await writeFile(join(folder, `${colour}.jpg`), Buffer.from(url.split(',')[1]!, 'base64'));
  }
  await page.close();
  await writeFile(join(folder, 'flash.mjs'), driver);
  await writeFile(join(folder, 'arecord'), recorder);
  await chmod(join(folder, 'arecord'), 0o755);
  await writeFile(
    join(folder, 'kinora.toml'),
    '[[camera]]\nid = "nursery"\nname = "Nursery"\ndriver = "./flash.mjs"\nsound = "plughw:7"\n',
  );
  const settings = { PATH: `${folder}${delimiter}${process.env.PATH}` };
  program = await startProgram({ settings, dataFolder: folder });
});
after(async () => {
  await browser?.close();
  await program?.close();
  if (folder) await rm(folder, { recursive: true, force: true });
});

type Moments = { flashes: number[]; beeps: number[] };

/**
 * Looks at the canvas and listens to the page's <audio> for so long: when white was first seen and when a beep began,
 * milliseconds since the epoch. What is listened to is half a second of samples at a time, so that a page that is
 * held up hears no later.
 */
const lookAndListen = (lastingMs: number) => `new Promise(async (resolve) => {
  if (!window.ear) {
    const context = new AudioContext();
    await context.resume();
    window.ear = context.createAnalyser();
    window.ear.fftSize = 32768;
    context.createMediaElementSource(window.lastAudio).connect(window.ear).connect(context.destination);
  }
  const { ear } = window;
  const rate = ear.context.sampleRate;
  const samples = new Float32Array(ear.fftSize);
  const small = Object.assign(document.createElement('canvas'), { width: 1, height: 1 });
  const eye = small.getContext('2d', { willReadFrequently: true });
  const [flashes, beeps] = [[], []];
  let wasWhite = true;
  const beganAt = performance.now();
  const look = () => {
    const now = performance.timeOrigin + performance.now();
    const canvas = document.querySelector('kinora-live > canvas');
    if (canvas) eye.drawImage(canvas, 0, 0, 1, 1);
    const isWhite = eye.getImageData(0, 0, 1, 1).data[0] > 128;
    if (isWhite && !wasWhite) flashes.push(now);
    wasWhite = isWhite;
    ear.getFloatTimeDomainData(samples);
    let quiet = 0;
    for (let i = 0; i < samples.length; i += 1) {
      if (Math.abs(samples[i]) < 0.1) quiet += 1;
      else {
        const atMs = now - ((samples.length - i) / rate) * 1000;
        const isNew = beeps.length === 0 || atMs - beeps[beeps.length - 1] > 500;
        if (quiet > 0.1 * rate && isNew) beeps.push(atMs);
        quiet = 0;
      }
    }
    if (performance.now() - beganAt < ${lastingMs}) requestAnimationFrame(look);
    else resolve({ flashes, beeps });
  };
  requestAnimationFrame(look);
})`;

/** Notes the page's <audio>, which is in no document, for those who listen. */
const noteAudio = `window.Audio = class extends Audio { constructor() { super(); window.lastAudio = this; } }`;

const median = (values: readonly number[]) =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

/** How long after the whole second it was. */
const lateMs = (moments: readonly number[]) => moments.map((atMs) => atMs % 1000);

/** For each flash, how much later than its beep it was. */
function apartMs({ flashes, beeps }: Moments): number[] {
  return flashes.flatMap((flash) => {
    const near = beeps.filter((beep) => Math.abs(flash - beep) < 500);
    return near.length === 0 ? [] : [flash - near[0]!];
  });
}

async function openPage(options: { javaScriptEnabled?: boolean } = {}): Promise<Page> {
  const context = await browser.newContext({ viewport: { width: 640, height: 400 }, ...options });
  await context.addInitScript(noteAudio);
  const page = await context.newPage();
  await page.goto(`${program.url}/cameras/nursery`);
  return page;
}

test('with a click the sound plays beside the pictures, in step; with another the pictures are of now again', async (context) => {
  const page = await openPage();
  const button = page.locator('#camera-sound');
  await button.waitFor({ state: 'visible', timeout: 30_000 });
  assert.equal(await page.locator('#camera-plain-sound:visible').count(), 0);
  assert.equal(await button.innerText(), 'Play sound');
  await button.click();
  await until(async () => (await button.innerText()) === 'Stop sound', {
    timeoutMs: 20_000,
    what: 'sound that is heard',
  });
  const settling = (await page.evaluate(lookAndListen(3000))) as Moments;
  context.diagnostic(`first seconds, flash after beep: ${apartMs(settling).map(Math.round).join(', ')} ms`);
  const moments = (await page.evaluate(lookAndListen(12_000))) as Moments;
  const apart = apartMs(moments);
  const sizes = apart.map(Math.abs).sort((a, b) => a - b);
  context.diagnostic(
    `flash after beep: median ${Math.round(median(apart))} ms (wanted: within ±80), worst ` +
      `${Math.round(sizes.at(-1) ?? Number.NaN)} ms of ${apart.length}: ${apart.map(Math.round).join(', ')}`,
  );
  context.diagnostic(
    `behind the camera: pictures ${Math.round(median(lateMs(moments.flashes)))} ms, ` +
      `sound ${Math.round(median(lateMs(moments.beeps)))} ms`,
  );
  assert.ok(apart.length >= 6, `${moments.flashes.length} flashes, ${moments.beeps.length} beeps`);
  assert.ok(Math.abs(median(apart)) < 150, `pictures are ${median(apart)} ms from the sound`);
  const answer = await fetch(`${program.url}/api/v1/cameras`);
  const { items } = (await answer.json()) as { items: { id: string; viewers: number }[] };
  const viewers = items.find(({ id }) => id === 'nursery')!.viewers;
  assert.equal(viewers, 1, 'one who looks and listens is one viewer');

  await button.click();
  assert.equal(await button.innerText(), 'Play sound');
  const silent = (await page.evaluate(lookAndListen(4000))) as Moments;
  assert.ok(silent.flashes.length >= 2);
  assert.ok(silent.beeps.length <= 1, 'nothing is heard any more');
  context.diagnostic(`pictures without sound: ${Math.round(median(lateMs(silent.flashes)))} ms behind`);
  await page.context().close();
});

test('without scripts the page has a plain <audio> that plays', async () => {
  // The camera has run: the page knows what it sends.
  const page = await openPage({ javaScriptEnabled: false });
  assert.equal(await page.locator('#camera-plain-sound:visible').count(), 1);
  assert.equal(await page.locator('#camera-sound:visible').count(), 0);
  // Scripts of the page are off; these are the test's own.
  const session = await page.context().newCDPSession(page);
  const ask = async (expression: string) =>
    (await session.send('Runtime.evaluate', { expression, returnByValue: true })).result.value;
  await ask("void document.querySelector('#camera-plain-sound').play()");
  await until(
    async () =>
      Number(
        await ask(
          "(({ played }) => played.length && played.end(0) - played.start(0))(document.querySelector('audio'))",
        ),
      ) > 1,
    { timeoutMs: 20_000, what: 'the plain player plays' },
  );
  await page.context().close();
});
