// The pages of people in a real Chromium: nothing that axe calls serious, nothing that the policy refuses, nothing
// sideways on a phone, large enough to be touched; by keyboard alone; with scripts off from the log-in to the log-out.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { seriousFaults } from '../helpers/axe.ts';
import { launchBrowser } from '../helpers/browser.ts';
import { fakeCode, fakePassword } from '../helpers/fake-accounts.ts';
import { type FakeDoor, startFakeDoor } from '../helpers/fake-door.ts';
import { type DoorPage, doorPages } from '../look/door-pages.ts';

let browser: Browser;
let door: FakeDoor;

before(async () => {
  [browser, door] = await Promise.all([launchBrowser(), startFakeDoor()]);
});
after(async () => {
  await browser?.close();
  await door?.close();
});

/** A page in a context of its own; what the console complains of is collected. */
async function withPage<Result>(
  options: BrowserContextOptions,
  use: (page: Page, problems: string[]) => Promise<Result>,
): Promise<Result> {
  const context = await browser.newContext({
    viewport: { width: 1280, height: 800 },
    locale: 'en-GB',
    ...options,
  });
  const page = await context.newPage();
  const problems: string[] = [];
  page.on('console', (message) => {
    if (/Content Security Policy|Refused to/i.test(message.text())) problems.push(message.text());
  });
  page.on('pageerror', (error) => problems.push(error.message));
  page.on('dialog', (dialog) => {
    problems.push(`a script ran: ${dialog.message()}`);
    void dialog.dismiss();
  });
  try {
    return await use(page, problems);
  } finally {
    await context.close();
  }
}

/** Opens one of the pages as whom it is for. */
async function open(page: Page, entry: DoorPage): Promise<void> {
  await page.context().clearCookies();
  const base = entry.who === 'first' ? door.first.url : door.site.url;
  if (entry.who !== 'nobody' && entry.who !== 'first')
    await page.context().addCookies([{ ...door.session(entry.who), url: base }]);
  const answer = await page.goto(base + entry.path(door), { waitUntil: 'domcontentloaded' });
  assert.equal(answer?.status(), entry.status, entry.name);
}

describe('every page of people', () => {
  // Each is loaded once, as on a phone, and then made wide.
  it('never scrolls sideways, has targets of 44 pixels and nothing that axe calls serious, dark and light, and runs nothing that a name says', async () => {
    await withPage({}, async (page, problems) => {
      for (const entry of doorPages) {
        await page.setViewportSize({ width: 360, height: 740 });
        await open(page, entry);
        await page.waitForFunction(() => document.documentElement.classList.contains('has-scripts'));
        // What is folded is looked at as well.
        await page.evaluate(() => {
          for (const part of document.querySelectorAll('details:not(.account)'))
            part.setAttribute('open', '');
        });
        const found = await page.evaluate(() => ({
          width: document.documentElement.scrollWidth,
          small: [
            ...document.querySelectorAll(
              'a.button, button, summary, select, label.option, .leads a, .asides a, input:not([type=radio], [type=checkbox], [type=hidden])',
            ),
          ]
            .filter((element) => {
              const { width, height } = element.getBoundingClientRect();
              // A field of one pixel is out of sight: its label is what is touched.
              return width > 1 && height < 43.5;
            })
            .map((element) => element.outerHTML.slice(0, 120)),
        }));
        assert.equal(found.width, 360, entry.name);
        assert.deepEqual(found.small, [], entry.name);

        await page.setViewportSize({ width: 1280, height: 800 });
        await page.evaluate(() => document.querySelector('details.account')?.setAttribute('open', ''));
        assert.deepEqual(await seriousFaults(page), [], entry.name);
        assert.deepEqual(problems, [], entry.name);
      }
    });
  });
});

describe('what was wrong with a form', () => {
  it('is tied to its field, which has the focus, with scripts off', async () => {
    await withPage({ javaScriptEnabled: false }, async (page) => {
      await page.goto(`${door.site.url}/login`);
      await page.getByLabel('User name or e-mail').fill('ben');
      await page.getByLabel('Password').fill('not it');
      await page.getByRole('button', { name: 'Log in', exact: true }).click();
      const field = page.getByLabel('Password');
      assert.equal(await field.getAttribute('aria-invalid'), 'true');
      assert.equal(await field.getAttribute('aria-describedby'), 'password-error');
      assert.match(await page.locator('#password-error').innerText(), /not right/);
      assert.equal(await field.inputValue(), '');
      assert.equal(await page.getByLabel('User name or e-mail').inputValue(), 'ben');
      await page.keyboard.type(fakePassword);
      await page.keyboard.press('Enter');
      await page.waitForURL(`${door.site.url}/`);
    });
  });
});

describe('with scripts off', () => {
  it('one logs in, switches the second step on, comes in with it, and logs out', async () => {
    await withPage({ javaScriptEnabled: false }, async (page) => {
      const logIn = async () => {
        await page.goto(`${door.site.url}/login?next=/account`);
        await page.getByLabel('User name or e-mail').fill('kim');
        await page.getByLabel('Password').fill(fakePassword);
        await page.getByRole('button', { name: 'Log in', exact: true }).click();
      };
      await logIn();
      await page.getByText('Switch it on').click();
      await page.locator('form[action$="two-factor/start"]').getByLabel('Password').fill(fakePassword);
      await page.getByRole('button', { name: 'Go on' }).click();
      assert.equal(await page.getByRole('img', { name: 'The key for an authenticator app' }).count(), 1);
      assert.equal(await page.locator('.codes li').count(), 10);
      await page.getByLabel('Code that the app shows').fill('000000');
      await page.getByRole('button', { name: 'Switch it on' }).click();
      await page.getByText('This code is not right').waitFor();
      await page.getByLabel('Code that the app shows').fill(fakeCode);
      await page.getByRole('button', { name: 'Switch it on' }).click();
      await page.getByText('The second step is on.').waitFor();

      await page.getByText('Kim', { exact: true }).first().click();
      await page.getByRole('button', { name: 'Log out', exact: true }).first().click();
      await page.getByText('You are logged out.').waitFor();
      await logIn();
      await page.getByRole('heading', { name: 'One more step' }).waitFor();
      await page.getByLabel('Code').fill(fakeCode);
      await page.getByRole('button', { name: 'Log in' }).click();
      await page.waitForURL(`${door.site.url}/account`);
    });
  });

  it('an owner invites, changes and switches off, and a link is shown once', async () => {
    await withPage({ javaScriptEnabled: false }, async (page) => {
      await page.context().addCookies([{ ...door.session('owner'), url: door.site.url }]);
      await page.goto(`${door.site.url}/people`);
      await page.getByRole('link', { name: 'Invite somebody' }).click();
      await page.getByLabel('For whom').fill('Ada');
      await page.getByText('Guest', { exact: true }).click();
      await page.getByLabel('Room for videos').fill('lots');
      await page.getByRole('button', { name: 'Make the link' }).click();
      await page.getByText('Room is a number of gigabytes').waitFor();
      assert.equal(await page.getByLabel('For whom').inputValue(), 'Ada');
      await page.getByLabel('Room for videos').fill('2,5');
      await page.getByRole('button', { name: 'Make the link' }).click();
      assert.match(await page.getByLabel('Link').inputValue(), /\/sign-up\?invite=[\w-]{20,}$/);
      await page.getByRole('link', { name: 'Done' }).click();
      await page.getByText('Ada').waitFor();
      const invites = await door.site.services.accounts.listInvites();
      assert.equal(invites.find(({ note }) => note === 'Ada')?.quotaBytes, 2_500_000_000);

      await page.getByRole('link', { name: 'Change Grandmother' }).click();
      await page.getByRole('button', { name: 'Switch it off' }).click();
      await page.getByText('Nobody can log in with this account').waitFor();
    });
  });
});

describe('by keyboard alone', () => {
  it('the menu of the account opens, goes away by Escape, and logs out', async () => {
    await withPage({}, async (page) => {
      await page.context().addCookies([{ ...door.session('member'), url: door.site.url }]);
      await page.goto(`${door.site.url}/account`);
      await page.waitForFunction(() => document.documentElement.classList.contains('has-scripts'));
      const menu = page.locator('details.account');
      await menu.locator('summary').focus();
      await page.keyboard.press('Enter');
      assert.equal(await menu.getAttribute('open'), '');
      await page.keyboard.press('Tab');
      await page.keyboard.press('Escape');
      assert.equal(await menu.getAttribute('open'), null);
      await page.keyboard.press('Enter');
      for (let steps = 0; steps < 3; steps += 1) await page.keyboard.press('Tab');
      assert.equal(await page.evaluate(() => document.activeElement?.textContent), 'Log out');
      await page.keyboard.press('Enter');
      await page.getByText('You are logged out.').waitFor();
    });
  });
});

describe('with scripts', () => {
  it('a new password is judged by the server while it is typed', async () => {
    await withPage({}, async (page) => {
      await page.goto(`${door.first.url}/sign-up`);
      await page.getByLabel('Password', { exact: true }).pressSequentially('password1');
      await page.getByText('A password has at least 12 characters.').waitFor();
      await page.getByLabel('Password', { exact: true }).fill(fakePassword);
      await page.getByText('A good password.').waitFor();
      assert.equal(await page.locator('meter').evaluate((meter) => (meter as HTMLMeterElement).value), 4);
    });
  });

  it('a television that waits does not reload, and comes in once somebody said yes', async () => {
    await withPage({}, async (page) => {
      const { accounts } = door.site.services;
      await page.clock.install();
      await page.goto(`${door.site.url}/login/tv`);
      const code = (await page.locator('p.code').innerText()).replace('-', '');
      await page.evaluate(() => document.documentElement.classList.add('same-document'));
      await page.clock.runFor(5_100);
      await page.waitForFunction(() => document.documentElement.classList.contains('same-document'));
      await accounts.answerDevice({ ...fakeMember }, accounts.ids.member, code, true);
      await page.clock.runFor(10_000);
      await page.waitForURL(`${door.site.url}/`);
      assert.equal(await page.locator('html[data-tv]').count(), 1);
    });
  });
});

const fakeMember = {
  ...{ address: '192.168.1.9', userAgent: null, origin: 'http://192.168.1.5:5000', cookieHeader: null },
  isThisMachine: false,
};
