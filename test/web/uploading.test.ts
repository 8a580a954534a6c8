// Uploading in the page: several files, dropped anywhere; a cut connection, a pause and a reload lose nothing.
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, it } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { launchBrowser } from '../helpers/browser.ts';
import { type FakeSite, startFakeSite } from '../helpers/fake-site.ts';

let browser: Browser;
let site: FakeSite;
let page: Page;

before(async () => {
  browser = await launchBrowser();
  site = await startFakeSite({ videoCount: 10 });
});
after(async () => {
  await browser?.close();
  await site?.close();
});
beforeEach(async () => {
  await page?.context().close();
  page = await (await browser.newContext()).newPage();
  page.on('dialog', (dialog) => dialog.accept());
  site.uploads.uploads.clear();
  site.uploads.cutAfterBytes = null;
});

const file = (name: string, sizeBytes: number) => ({
  ...{ name, mimeType: 'video/x-matroska' },
  buffer: Buffer.alloc(sizeBytes, name),
});
const arrived = () => [...site.uploads.uploads.values()].map((upload) => [upload.name, upload.bytes.length]);

it('several files go up and each ends with a link to watch it', async () => {
  await page.goto(`${site.url}/upload`);
  await page.setInputFiles('#file', [
    file('one.mkv', 300_000),
    file('zwei ü.mkv', 200_000),
    file('3.mkv', 100_000),
  ]);
  await page.waitForFunction(() => document.querySelectorAll('.upload.done a').length === 3);
  assert.deepEqual(arrived().sort(), [
    ['3.mkv', 100_000],
    ['one.mkv', 300_000],
    ['zwei ü.mkv', 200_000],
  ]);
  const first = [...site.uploads.uploads.values()].find((upload) => upload.name === 'one.mkv')!;
  const link = page.locator('.upload:has-text("one.mkv") a');
  assert.equal(await link.getAttribute('href'), `/videos/${first.id}`);
});

it('a file dropped on any page goes up from there', async () => {
  await page.goto(`${site.url}/settings`);
  await page.evaluate(() => {
    const data = new DataTransfer();
    data.items.add(new File(['x'.repeat(50_000)], 'dropped.mkv'));
    document.body.dispatchEvent(
      new DragEvent('drop', { dataTransfer: data, bubbles: true, cancelable: true }),
    );
  });
  await page.waitForSelector('.tray .upload.done');
  assert.deepEqual(arrived(), [['dropped.mkv', 50_000]]);
});

it('a cut connection is taken up again where it was', async () => {
  await page.goto(`${site.url}/upload`);
  site.uploads.cutAfterBytes = 120_000;
  await page.setInputFiles('#file', [file('long.mkv', 400_000)]);
  await page.waitForSelector('.upload.lost');
  assert.deepEqual(arrived(), [['long.mkv', 120_000]]);
  site.uploads.cutAfterBytes = null;
  await page.waitForSelector('.upload.done');
  const [upload] = site.uploads.uploads.values();
  assert.deepEqual(upload!.bytes, file('long.mkv', 400_000).buffer);
});

it('after a reload the same file goes on where it was', async () => {
  // From the disk, as a person's would be: its date is part of what the client knows a file by.
  const folder = await mkdtemp(join(tmpdir(), 'kinora-uploading-'));
  try {
    const path = join(folder, 'long.mkv');
    await writeFile(path, file('long.mkv', 400_000).buffer);
    await page.goto(`${site.url}/upload`);
    site.uploads.cutAfterBytes = 120_000;
    await page.setInputFiles('#file', path);
    await page.waitForSelector('.upload.lost');
    await page.reload();
    await page.waitForSelector('.upload.interrupted');
    assert.deepEqual(arrived(), [['long.mkv', 120_000]]);
    site.uploads.cutAfterBytes = null;
    await page.setInputFiles('#file', path);
    await page.waitForSelector('.upload.done');
    assert.equal(await page.locator('.upload').count(), 1);
    assert.deepEqual(arrived(), [['long.mkv', 400_000]]);
    const [upload] = site.uploads.uploads.values();
    assert.deepEqual(upload!.bytes, file('long.mkv', 400_000).buffer);
  } finally {
    await rm(folder, { recursive: true });
  }
});

it('paused it waits, and goes on when told; cancelled, nothing is left of it', async () => {
  await page.goto(`${site.url}/upload`);
  site.uploads.cutAfterBytes = 100_000;
  await page.setInputFiles('#file', [file('long.mkv', 400_000)]);
  await page.waitForSelector('.upload.lost');
  await page.click('button:has-text("Pause")');
  site.uploads.cutAfterBytes = null;
  assert.equal(await page.locator('.upload.paused .doing').textContent(), 'Paused');
  await page.click('button:has-text("Go on")');
  await page.waitForSelector('.upload.done');
  site.uploads.cutAfterBytes = 100_000;
  await page.setInputFiles('#file', [file('other.mkv', 400_000)]);
  await page.waitForSelector('.upload.lost');
  await page.click('.upload.lost button:has-text("Cancel")');
  await page.waitForFunction(() => document.querySelectorAll('.upload').length === 1);
  const deadline = Date.now() + 5000;
  while (site.uploads.uploads.size > 1 && Date.now() < deadline)
    await page.evaluate(() => fetch('/settings'));
  assert.deepEqual(arrived(), [['long.mkv', 400_000]]);
});

it('links change only the middle of the page while something is going up', async () => {
  await page.goto(`${site.url}/upload`);
  site.uploads.cutAfterBytes = 100_000;
  await page.setInputFiles('#file', [file('long.mkv', 400_000)]);
  await page.waitForSelector('.upload.lost');
  await page.evaluate(() => Object.assign(window, { isSame: true }));
  await page.click('.places a:has-text("Videos")');
  await page.waitForSelector('.card');
  assert.equal(new URL(page.url()).pathname, '/videos');
  assert.equal(await page.evaluate('window.isSame'), true);
  await page.waitForSelector('kinora-uploads .tray .upload');
  site.uploads.cutAfterBytes = null;
  await page.waitForSelector('.upload.done');
});
