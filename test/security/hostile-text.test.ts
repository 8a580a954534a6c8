// Names, titles and other texts that want to be script: made over every way in, then every page that shows them is
// opened in Chromium, which must run nothing and find nothing against the content security policy.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Browser } from 'playwright-core';
import { launchBrowser } from '../helpers/browser.ts';
import { smallFilm } from '../helpers/media/small-film.ts';
import { type House, startHouse, upload } from '../helpers/people.ts';

/** Breaks out of text, of attributes, of addresses, of inline data; each would call `pwned`. */
const hostile = [
  '<script>pwned()</script>"><img src=x onerror=pwned()>',
  'javascript:pwned()\' onfocus=pwned() autofocus=\'{{constructor.constructor("pwned()")()}}',
  '\u202e</title></textarea><svg onload=pwned()><script>pwned()</script>',
];

let house: House;
let browser: Browser;
const pages: string[] = [];

before(async () => {
  [house, browser] = await Promise.all([
    startHouse({ settings: { KINORA_SIGN_UP: 'open' } }),
    launchBrowser(),
  ]);
  const film = await smallFilm();
  const { owner } = house;
  for (const [index, text] of hostile.entries()) {
    const id = await upload(owner, film, `${text.replaceAll('/', '∕')}.mkv`);
    await owner.read(`/api/v1/videos/${id}`, { method: 'PATCH', body: { title: text } });
    const folder = await owner.read<{ id: string }>('/api/v1/folders', {
      method: 'POST',
      body: { name: text.replaceAll('/', '∕') },
    });
    await owner.read('/api/v1/cameras', {
      method: 'POST',
      // Its pictures are of no interest here: few and small ones.
      body: {
        id: `hostile-${index}`,
        name: text,
        driver: 'test',
        width: 320,
        height: 180,
        fps: 2,
      },
    });
    await house.ask('/api/auth/sign-up/email', {
      method: 'POST',
      body: { name: text, email: `hostile${index}@example.org`, password: 'seven wet herons on a raft' },
    });
    pages.push(`/videos/${id}`, `/videos/${id}/share`, `/folders/${folder.id}`, `/cameras/hostile-${index}`);
    pages.push(`/videos?q=${encodeURIComponent(text)}`, `/login?next=${encodeURIComponent(`/${text}`)}`);
    // Problem pages repeat parts of what was asked.
    pages.push(`/nothing/${encodeURIComponent(text)}`, `/cameras/${encodeURIComponent(text)}`);
    pages.push(`/l/${encodeURIComponent(text)}`, `/videos/${id}?t=${encodeURIComponent(text)}`);
  }
  pages.push(
    '/',
    '/videos',
    '/videos?bin',
    '/cameras',
    '/upload',
    '/settings',
    '/account',
    '/people',
    '/audit',
  );
  pages.push(
    '/account/links',
    '/account/data',
    '/cameras/add',
    '/api/docs',
    '/tv?code=%3Cscript%3Epwned()%3C/script%3E',
  );
});
after(async () => {
  await browser?.close();
  await house?.close();
});

test('no page runs what is in a name, and none breaks its own policy', { timeout: 280_000 }, async () => {
  const context = await browser.newContext();
  const { hostname } = new URL(house.url);
  await context.addCookies(
    house.owner.cookie.split('; ').map((pair) => {
      const at = pair.indexOf('=');
      return { name: pair.slice(0, at), value: pair.slice(at + 1), domain: hostname, path: '/' };
    }),
  );
  const found: string[] = [];
  await context.exposeFunction('pwned', () => found.push('a name was run as script'));
  const page = await context.newPage();
  page.on('dialog', (dialog) => {
    found.push(`a dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on('console', (message) => {
    // A frame that the policy does not let in says so as well.
    if (/Content Security Policy|Content-Security-Policy/.test(message.text()))
      found.push(`${page.url()}: ${message.text()}`);
  });
  let shown = 0;
  for (const path of pages) {
    const answer = await page.goto(`${house.url}${path}`, { waitUntil: 'domcontentloaded' });
    const headers = answer?.headers() ?? {};
    const policy = headers['content-security-policy'] ?? '';
    assert.doesNotMatch(policy, /unsafe-(inline|eval)|\*|https?:|script-src[^;]*data:/, path);
    assert.match(policy, /default-src 'none'/, path);
    assert.match(policy, /base-uri 'none'/, path);
    const text = (await page.textContent('body')) ?? '';
    if (text.includes('pwned()')) shown++;
    assert.deepEqual(found, [], path);
  }
  assert.ok(shown > 9, `the texts were on ${shown} of ${pages.length} pages`);
  await context.close();
});
