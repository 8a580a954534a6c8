// A television without scripts is logged in by a phone, on the real program: the code, who asks, yes and no.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { launchBrowser } from '../helpers/browser.ts';
import { type House, startHouse } from '../helpers/people.ts';

const userAgent =
  'Mozilla/5.0 (Web0S; Linux/SmartTV) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/94.0 Safari/537.36';

let browser: Browser;
let house: House;
before(async () => {
  [browser, house] = await Promise.all([launchBrowser(), startHouse()]);
});
after(async () => {
  await browser?.close();
  await house?.close();
});

/** A set in the living room that runs no scripts, with the code it shows. */
async function television(): Promise<{ screen: Page; code: string }> {
  const context = await browser.newContext({
    ...{ javaScriptEnabled: false, userAgent, viewport: { width: 1920, height: 1080 } },
  });
  const screen = await context.newPage();
  await screen.goto(`${house.url}/login`);
  await screen.getByRole('link', { name: 'Log in with your phone' }).click();
  await screen.getByRole('img', { name: 'Opens the same on the phone' }).waitFor();
  return { screen, code: await screen.locator('p.code').innerText() };
}

async function phone(): Promise<Page> {
  const context = await browser.newContext({ viewport: { width: 360, height: 740 } });
  const [name, ...value] = house.member.cookie.split('; ')[0]!.split('=');
  await context.addCookies([{ name: name!, value: value.join('='), url: house.url }]);
  return context.newPage();
}

test('typed on the phone, the code logs the television in by itself, as a television', async () => {
  const { screen, code } = await television();
  const page = await phone();
  await page.goto(`${house.url}/tv`);
  // As people type it.
  await page.getByLabel('Code on the television').fill(` ${code.toLowerCase()} `);
  await page.getByRole('button', { name: 'Go on' }).click();
  await page.getByText('an LG television').waitFor();
  await page.getByRole('button', { name: 'Yes, log it in' }).click();
  await page.getByRole('heading', { name: 'The television is logged in' }).waitFor();

  // Nobody touches the television: its page asks again by itself.
  await screen.waitForURL(`${house.url}/`, { timeout: 60_000 });
  assert.equal(await screen.locator('html[data-tv]').count(), 1);
  assert.equal(await screen.locator('details.account .who').innerText(), house.member.name);

  await page.goto(`${house.url}/account`);
  await page.getByRole('button', { name: /^Log out .*LG television/ }).click();
  await page.getByText('Logged out there.').waitFor();
  await screen.goto(`${house.url}/videos`);
  await screen.waitForURL('**/login?next=%2Fvideos');
  await screen.context().close();
  await page.context().close();
});

test('refused on the phone, the television says so and offers a new code', async () => {
  const { screen, code } = await television();
  const page = await phone();
  await page.goto(`${house.url}/tv?code=${code}`);
  await page.getByRole('button', { name: 'No', exact: true }).click();
  await page.getByRole('heading', { name: 'The television was refused' }).waitFor();
  await screen.getByRole('heading', { name: 'It was refused' }).waitFor({ timeout: 60_000 });
  await screen.getByRole('link', { name: 'Show a new code' }).click();
  assert.notEqual(await screen.locator('p.code').innerText(), code);
  // The answer was given once.
  const again = await page.goto(`${house.url}/tv?code=${code}`);
  assert.equal(again?.status(), 404);
  await screen.context().close();
  await page.context().close();
});

test('a phone that is not logged in is asked to, and comes back with the code', async () => {
  const { screen, code } = await television();
  const page = await (await browser.newContext({ javaScriptEnabled: false })).newPage();
  await page.goto(`${house.url}/tv?code=${code}`);
  const next = new URL(page.url()).searchParams.get('next');
  assert.equal(next, `/tv?code=${code}`);
  await screen.context().close();
  await page.context().close();
});
