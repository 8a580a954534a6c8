// The first minutes of a house with accounts, on the real program in a real Chromium with scripts off: whoever sits at
// the machine makes the owner's account, nobody else can, and the next person comes in by a link.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { launchBrowser } from '../helpers/browser.ts';
import { type Program, startProgram } from '../helpers/program.ts';

const password = 'four brown otters under the mill';

let browser: Browser;
before(async () => {
  browser = await launchBrowser();
});
after(() => browser?.close());

const plain: BrowserContextOptions = { javaScriptEnabled: false };
/** As through a tunnel: not at the machine. */
const elsewhere: BrowserContextOptions = { ...plain, extraHTTPHeaders: { 'x-real-ip': '203.0.113.9' } };

async function fillIn(page: Page, fields: Readonly<Record<string, string>>): Promise<void> {
  for (const [label, value] of Object.entries(fields)) await page.getByLabel(label).fill(value);
}

describe('the first start', () => {
  let program: Program;
  before(async () => {
    program = await startProgram({ settings: { KINORA_AUTH: 'accounts' } });
  });
  after(() => program?.close());

  test('welcomes whoever sits at the machine, and then is over; the next one comes in by a link', async () => {
    const atMachine = await browser.newContext(plain);
    const page = await atMachine.newPage();
    await page.goto(program.url);
    await page.getByRole('heading', { name: 'Welcome to Kinora' }).waitFor();
    assert.equal(await page.getByLabel('Code on the console').count(), 0, 'no code is asked for here');

    await fillIn(page, { 'Your name': 'Anna', 'User name or e-mail': 'anna', Password: 'password1' });
    await page.getByRole('button', { name: 'Make my account' }).click();
    assert.ok((await page.locator('#password-error').innerText()).length > 10, 'it says why it is refused');
    assert.equal(await page.getByLabel('Your name').inputValue(), 'Anna');
    assert.equal(await page.getByLabel('Password').inputValue(), '');
    await fillIn(page, { Password: password });
    await page.getByRole('button', { name: 'Make my account' }).click();
    await page.waitForURL(`${program.url}/`);
    await page.getByText('No videos yet').waitFor();

    // Over: a second browser at the same machine is asked to log in.
    const other = await browser.newContext(plain);
    const guestPage = await other.newPage();
    await guestPage.goto(`${program.url}/videos`);
    await guestPage.waitForURL('**/login?next=%2Fvideos');
    await guestPage.goto(`${program.url}/sign-up`);
    await guestPage.getByRole('heading', { name: 'By invitation' }).waitFor();

    await page.goto(`${program.url}/people/invite`);
    await fillIn(page, { 'For whom': '<b>Ben</b>' });
    await page.getByRole('button', { name: 'Make the link' }).click();
    const link = new URL(await page.getByLabel('Link').inputValue());
    await guestPage.goto(`${program.url}${link.pathname}${link.search}`);
    await guestPage.getByText('You are invited as a member').waitFor();
    const name = '<script>alert(1)</script>';
    await fillIn(guestPage, {
      'Your name': name,
      'User name or e-mail': 'ben@example.org',
      Password: password,
    });
    await guestPage.getByRole('button', { name: 'Make my account' }).click();
    await guestPage.waitForURL(`${program.url}/`);
    assert.equal(await guestPage.locator('details.account .who').innerText(), name);
    const forbidden = await guestPage.goto(`${program.url}/people`);
    assert.equal(forbidden?.status(), 403);

    // The link worked once.
    const third = await (await browser.newContext(plain)).newPage();
    const over = await third.goto(`${program.url}${link.pathname}${link.search}`);
    assert.equal(over?.status(), 410);

    await page.goto(`${program.url}/people`);
    await page.getByRole('link', { name, exact: true }).waitFor();
    await page.goto(`${program.url}/audit`);
    await page.getByText('invited somebody').waitFor();
    for (const context of browser.contexts()) await context.close();
  });
});

describe('the first start from elsewhere', () => {
  let program: Program;
  before(async () => {
    program = await startProgram({ settings: { KINORA_AUTH: 'accounts' } });
  });
  after(() => program?.close());

  test('asks for the code on the console, and takes no other', async () => {
    const page = await (await browser.newContext(elsewhere)).newPage();
    await page.goto(program.url);
    const account = { 'Your name': 'Anna', 'User name or e-mail': 'anna', Password: password };
    await fillIn(page, { ...account, 'Code on the console': 'AAAA-AAAA' });
    await page.getByRole('button', { name: 'Make my account' }).click();
    assert.match(await page.locator('#code-error').innerText(), /not the code/);

    const [, code] = /"setupCode":"([^"]+)"/.exec(program.output()) ?? [];
    assert.ok(code, 'the console shows the code');
    await fillIn(page, { Password: password, 'Code on the console': code });
    await page.getByRole('button', { name: 'Make my account' }).click();
    await page.waitForURL(`${program.url}/`);
    await page.context().close();
  });
});
