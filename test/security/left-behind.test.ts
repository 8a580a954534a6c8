// What a browser keeps of a page to go back to is not shown to who sits down after a log-out: in Chromium, over HTTP, where
// the header that empties caches counts for nothing.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Browser } from 'playwright-core';
import { launchBrowser } from '../helpers/browser.ts';
import { type House, startHouse } from '../helpers/people.ts';

let house: House;
let browser: Browser;
before(async () => {
  [house, browser] = await Promise.all([startHouse(), launchBrowser()]);
});
after(async () => {
  await browser?.close();
  await house?.close();
});

test('a page that comes back whole is asked for anew after the log-out, and only then', async () => {
  const context = await browser.newContext();
  const at = house.member.cookie.indexOf('=');
  const value = house.member.cookie.split('; ')[0]!.slice(at + 1);
  await context.addCookies([{ name: house.member.cookie.slice(0, at), value, url: house.url }]);
  const page = await context.newPage();
  await page.goto(`${house.url}/videos`);
  let loads = 0;
  page.on('load', () => {
    loads += 1;
  });
  // What the browser does when it takes a page out of that cache; with a debugger at it, it keeps none.
  const comeBack = () =>
    page.evaluate(() => void dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true })));
  await comeBack();
  await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(resolve)));
  assert.equal(loads, 0, 'nobody has logged out');

  const other = await context.newPage();
  await other.goto(`${house.url}/account`);
  await other
    .locator('form[action="/logout"] button')
    .first()
    .evaluate((button) => {
      (button as HTMLButtonElement).click();
    });
  await other.waitForURL(/\/login\?after=out/);
  const led = page.waitForURL(/\/login\?next=%2Fvideos/, { timeout: 20_000 });
  await comeBack();
  await led;
});
