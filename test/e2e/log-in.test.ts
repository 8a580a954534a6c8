// Coming in and going out, on the real program in a real Chromium: passwords right and wrong, where it goes on, a second
// factor, a passkey (Chromium's virtual authenticator), a session that is ended from another browser.
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { launchBrowser } from '../helpers/browser.ts';
import { smallFilm } from '../helpers/media/small-film.ts';
import { type House, housePassword, startHouse, upload } from '../helpers/people.ts';
import { totp } from '../helpers/totp.ts';
import { until } from '../helpers/until.ts';

let browser: Browser;
let house: House;
/** By its name: passkeys belong to names. */
let url: string;
/** Two browsers without scripts, for all tests: each that uses one begins as nobody. */
let page: Page;
let other: Page;
before(async () => {
  [browser, house] = await Promise.all([launchBrowser(), startHouse()]);
  url = house.url.replace('127.0.0.1', 'localhost');
  const options = { viewport: { width: 1280, height: 800 }, javaScriptEnabled: false };
  [page, other] = await Promise.all([browser.newPage(options), browser.newPage(options)]);
});
beforeEach(() => Promise.all([forget(page), forget(other)]));
after(async () => {
  await browser?.close();
  await house?.close();
});

/** As a browser that was never here. */
const forget = (one: Page) => one.context().clearCookies();

async function logIn(page: Page, login: string, password = housePassword): Promise<void> {
  await page.getByLabel('User name or e-mail').fill(login);
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Log in', exact: true }).click();
}

describe('a password', () => {
  test('leads on to where one wanted to go, and to no other site', async () => {
    await page.goto(`${url}/cameras`);
    await page.waitForURL('**/login?next=%2Fcameras');
    await logIn(page, house.member.login, 'not the password');
    assert.equal(await page.getByLabel('Password').getAttribute('aria-invalid'), 'true');
    await logIn(page, house.member.login);
    await page.waitForURL(`${url}/cameras`);

    const answer = await page.goto(`${url}/login?next=/videos`);
    assert.equal(answer?.url(), `${url}/videos`, 'who is in is sent on');
    for (const next of ['https://evil.example/', '//evil.example', '/\\evil.example', '/%09/evil.example']) {
      await forget(other);
      await other.goto(`${url}/login?next=${encodeURIComponent(next)}`);
      await logIn(other, house.member.login);
      await other.waitForLoadState();
      assert.equal(new URL(other.url()).host, new URL(url).host, next);
    }
    await page.getByText(house.member.name, { exact: true }).first().click();
    await page.getByRole('button', { name: 'Log out' }).first().click();
    await page.getByText('You are logged out.').waitFor();
    await page.goto(`${url}/cameras`);
    await page.waitForURL('**/login?next=%2Fcameras');
  });

  test('that is wrong too often is told when to try again', async () => {
    const ask = () =>
      house.ask('/login', {
        method: 'POST',
        headers: { accept: 'text/html', 'x-real-ip': '203.0.113.7' },
        body: new URLSearchParams({ login: 'nobody@example.org', password: 'wrong' }),
      });
    const answer = await until(
      async () => {
        const tried = await ask();
        if (tried.status === 429) return tried;
        await tried.text();
        return null;
      },
      { timeoutMs: 60_000, what: 'the limit' },
    );
    assert.ok(Number(answer.headers.get('retry-after')) > 0);
    const text = await answer.text();
    assert.match(text, /role="alert"[\s\S]*again/i);
    assert.match(answer.headers.get('cache-control') ?? '', /no-store/);
  });
});

describe('a second factor', () => {
  test('is switched on, asked for, and let be by a recovery code once', async () => {
    const person = house.guest;
    await page.goto(`${url}/login?next=/account`);
    await logIn(page, person.login);
    await page.getByText('Switch it on').click();
    await page.locator('form[action$="two-factor/start"]').getByLabel('Password').fill(housePassword);
    await page.getByRole('button', { name: 'Go on' }).click();
    const key = await page.locator('code.secret').innerText();
    const [recovery] = await page.locator('.codes code').allInnerTexts();
    const used = totp(key);
    await page.getByLabel('Code that the app shows').fill(used);
    await page.getByRole('button', { name: 'Switch it on' }).click();
    await page.getByText('The second step is on.').waitFor();

    for (const isFirst of [true, false]) {
      await forget(other);
      await other.goto(`${url}/login?next=/account`);
      await logIn(other, person.login);
      await other.getByRole('heading', { name: 'One more step' }).waitFor();
      assert.equal((await other.goto(`${url}/account`))?.url().includes('/login'), true, 'not in yet');
      await other.goto(`${url}/login/code?next=/account`);
      await other.getByLabel('Code').fill(recovery!);
      await other.getByRole('button', { name: 'Log in' }).click();
      if (isFirst) await other.waitForURL(`${url}/account`);
      else assert.match(await other.locator('.wrong, .problem').first().innerText(), /code/i);
    }
  });
});

describe('a passkey', () => {
  test('is added in the account, and logs in without a password', async () => {
    const person = house.owner;
    const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
    const devices = await page.context().newCDPSession(page);
    await devices.send('WebAuthn.enable');
    await devices.send('WebAuthn.addVirtualAuthenticator', {
      options: {
        ...{ protocol: 'ctap2', transport: 'internal', hasResidentKey: true, hasUserVerification: true },
        ...{ isUserVerified: true, automaticPresenceSimulation: true },
      },
    });
    await page.goto(`${url}/login?next=/account`);
    await logIn(page, person.login);
    await page.getByLabel('Name of the new passkey').fill('My <phone>');
    await page.getByRole('button', { name: 'Add a passkey' }).click();
    await page.getByText('The passkey is added.').waitFor();
    await page.getByText('My <phone>').waitFor();

    await page.getByText(person.name, { exact: true }).first().click();
    await page.getByRole('button', { name: 'Log out' }).first().click();
    await page.getByText('You are logged out.').waitFor();
    await page.goto(`${url}/login?next=/cameras`);
    await page.getByRole('button', { name: 'Log in with a passkey' }).click();
    await page.waitForURL(`${url}/cameras`);
    assert.equal(await page.locator('details.account .who').innerText(), person.name);

    await page.goto(`${url}/account`);
    await page.getByRole('button', { name: 'Remove the passkey My <phone>' }).click();
    await page.getByText('The passkey is removed.').waitFor();
    await page.context().close();
  });
});

describe('a session', () => {
  test('that is ended from another browser lets nobody in any more', async () => {
    const person = house.child;
    const [phone, laptop] = [page, other];
    for (const one of [phone, laptop]) {
      await one.goto(`${url}/login?next=/account`);
      await logIn(one, person.login);
      await one.waitForURL(`${url}/account`);
    }
    await laptop.getByRole('button', { name: 'Log out everywhere else' }).click();
    await laptop.getByText('Logged out there.').waitFor();
    await phone.goto(`${url}/videos`);
    await phone.waitForURL('**/login?next=%2Fvideos');
    assert.equal((await laptop.goto(`${url}/account`))?.url(), `${url}/account`);

    // A new password ends the others as well, and this one goes on.
    await phone.goto(`${url}/login?next=/account`);
    await logIn(phone, person.login);
    await laptop.getByText('Change the password').click();
    await laptop.getByLabel('Present password').fill(housePassword);
    await laptop.getByLabel('New password').fill('seven quiet herons by the weir');
    await laptop.getByRole('button', { name: 'Change it' }).click();
    await laptop.getByText('Your password is changed.').waitFor();
    await phone.goto(`${url}/videos`);
    await phone.waitForURL('**/login?next=%2Fvideos');
  });

  test('of one who leaves ends with the account, and the videos stay with the owners', async () => {
    const person = house.member;
    const id = await upload(person, await smallFilm(), 'lake.mkv');
    const asOwner = async () => (await house.owner.ask(`/api/v1/videos/${id}`)).status;
    assert.equal(await asOwner(), 404, 'it is private');
    await page.goto(`${url}/login?next=/account/remove`);
    await logIn(page, person.login);
    await page.getByLabel('Password').fill('wrong');
    await page.getByRole('button', { name: 'Remove my account' }).click();
    assert.match(await page.locator('#password-error').innerText(), /not right/);
    await page.getByLabel('Password').fill(housePassword);
    await page.getByRole('button', { name: 'Remove my account' }).click();
    await page.getByText('Your account is removed.').waitFor();
    assert.equal(await asOwner(), 200, 'it is the household’s now');
    await logIn(page, person.login);
    assert.match(await page.locator('#password-error').innerText(), /not right/);
  });
});
