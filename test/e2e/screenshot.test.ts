// The README's screenshot: the first page of a real library, in the dark theme. KINORA_TEST_RENEW=1 writes it anew.
import assert from 'node:assert/strict';
import { openAsBlob, readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { launchBrowser } from '../helpers/browser.ts';
import { makeMedia } from '../helpers/media/media.ts';
import { startProgram } from '../helpers/program.ts';

const kept = fileURLToPath(new URL('../../design/screenshot.png', import.meta.url));
const size = { width: 1280, height: 800 };
const titles = [
  'The garden in June',
  'Grandmother tells of the harbour',
  'Wedding, the whole film',
  'First steps',
  'The long way over the pass',
  'Snow, at last',
  'Birthday number four',
  'A walk to the lighthouse',
];

/** Width and height of a PNG (PNG specification §11.2.2). */
function pngSize(bytes: Buffer): { width: number; height: number } {
  return { width: bytes.readUInt32BE(16), height: bytes.readUInt32BE(20) };
}

test('the screenshot in the README can be taken from the program as it is', async () => {
  const program = await startProgram();
  const browser = await launchBrowser();
  try {
    for (const [index, title] of titles.entries()) {
      const path = await makeMedia({
        container: 'matroska',
        video: { codec: 'h264', width: 320, height: 180, fps: 1, seconds: 60 + 37 * index },
      });
      const form = new FormData();
      form.set('file', await openAsBlob(path), `${title}.mkv`);
      const answer = await fetch(`${program.url}/upload`, {
        method: 'POST',
        body: form,
        headers: { accept: 'application/json' },
      });
      assert.equal(answer.status, 201);
    }
    const page = await browser.newPage({ viewport: size, colorScheme: 'dark' });
    await page.goto(program.url);
    for (const title of titles) await page.getByText(title).first().waitFor();
    await page.waitForFunction(
      () =>
        document.querySelector('[data-state="live"]') &&
        [...document.images].every((image) => image.complete),
    );
    const picture = await page.screenshot();
    assert.deepEqual(pngSize(picture), size);
    if (process.env.KINORA_TEST_RENEW === '1') writeFileSync(kept, picture);
    assert.deepEqual(pngSize(readFileSync(kept)), size, 'the one in the README is of the same size');
  } finally {
    await browser.close();
    await program.close();
  }
});
