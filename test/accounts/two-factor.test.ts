// The second factor with a real authenticator's arithmetic: each code once, few attempts, nothing turned on or off by
// somebody who found an open browser.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import {
  createBrowser,
  createHomeBrowser,
  goodPassword,
  openLocalAccounts,
} from '../helpers/local-accounts.ts';
import { totp as codeOf } from '../helpers/totp.ts';

/** The code of the key in the authenticator's address, so many steps of 30 s from a moment. */
function totp(uri: string, steps = 0, atMs = Date.now()): string {
  return codeOf(new URL(uri).searchParams.get('secret')!, atMs + steps * 30_000);
}

/** An owner whose second factor is on; the code of that moment is used up by it. */
async function openWithTwoFactor(login = 'ada@example.org') {
  const accounts = await openLocalAccounts();
  const home = createHomeBrowser(accounts);
  const id = await home.signUp('Ada', login);
  const { uri, recoveryCodes } = await accounts.startTwoFactor(home.asker(), id, goodPassword);
  const atMs = Date.now();
  home.keep(await accounts.confirmTwoFactor(home.asker(), id, totp(uri, 0, atMs)));
  const wrong = () => {
    const right = [-2, -1, 0, 1, 2].map((steps) => totp(uri, steps));
    return ['000000', '111111', '222222', '333333', '444444', '555555'].find(
      (code) => !right.includes(code),
    )!;
  };
  /** The next one, which is good already: it stays so for as long as a slow test can take. */
  const next = totp(uri, 1, atMs);
  return { accounts, home, id, uri, next, recoveryCodes, wrong, close: () => accounts.close() };
}

type Setup = Awaited<ReturnType<typeof openWithTwoFactor>>;

/** A browser elsewhere that gave the right password. */
async function halfway({ accounts }: Setup, from = {}) {
  const browser = createBrowser(accounts, from);
  assert.equal((await browser.signIn('ada@example.org')).kind, 'second-factor');
  assert.equal(await browser.identity(), null, 'the password alone is not enough');
  return browser;
}

describe('the second factor', () => {
  test('is on once a code was confirmed, and then asked for', async () => {
    const accounts = await openLocalAccounts();
    const home = createHomeBrowser(accounts);
    const id = await home.signUp('Ada', 'ada@example.org');
    const { uri, recoveryCodes } = await accounts.startTwoFactor(home.asker(), id, goodPassword);
    assert.match(uri, /^otpauth:\/\/totp\/Kinora%3Aada%40example\.org\?.*secret=[A-Z2-7]{32,}/);
    assert.equal(recoveryCodes.length, 10);
    const before = createBrowser(accounts);
    assert.equal((await before.signIn('ada@example.org')).kind, 'signed-in', 'not confirmed yet');
    await assert.rejects(accounts.confirmTwoFactor(home.asker(), id, '12'), { kind: 'unauthorized' });
    const session = home.session();
    home.keep(
      await accounts.confirmTwoFactor(home.asker(), id, ` ${totp(uri).slice(0, 3)} ${totp(uri).slice(3)}`),
    );
    assert.notEqual(home.session(), session, 'the session goes on under a new secret');
    assert.ok(await home.identity());
    assert.equal((await accounts.getPerson(id))?.hasTwoFactor, true);
    assert.equal((await createBrowser(accounts).signIn('ada@example.org')).kind, 'second-factor');
    const actions = (await accounts.listAudit(Number.MAX_SAFE_INTEGER, 10)).map(({ action }) => action);
    assert.ok(actions.includes('two-factor-on'));
    const secret = new URL(uri).searchParams.get('secret')!;
    await accounts.close();
    const file = readFileSync(join(accounts.folder, 'accounts.sqlite')).toString('latin1');
    assert.ok(!file.includes(secret), 'the secret is encrypted');
    assert.ok(!recoveryCodes.some((code) => file.includes(code)), 'so are the recovery codes');
  });

  test('the authenticator shows the user name of who has no address', async () => {
    const accounts = await openLocalAccounts();
    const home = createHomeBrowser(accounts);
    const id = await home.signUp('Ada', 'ada');
    const { uri } = await accounts.startTwoFactor(home.asker(), id, goodPassword);
    assert.match(uri, /^otpauth:\/\/totp\/Kinora%3Aada\?/);
    assert.ok(!uri.includes('invalid'));
    await accounts.close();
  });

  test('lets in by the code that is shown, once', async () => {
    const setup = await openWithTwoFactor();
    const { accounts, id, next: code, wrong, recoveryCodes } = setup;
    const browser = await halfway(setup);
    await assert.rejects(accounts.proveSecondFactor(browser.asker(), wrong()), { kind: 'unauthorized' });
    const signedIn = await accounts.proveSecondFactor(browser.asker(), code);
    browser.keep(signedIn.cookies);
    assert.equal(signedIn.personId, id);
    assert.equal((await browser.identity())?.viewer.personId, id);
    const other = await halfway(setup);
    await assert.rejects(accounts.proveSecondFactor(other.asker(), code), /was given already/);
    other.keep((await accounts.proveSecondFactor(other.asker(), recoveryCodes[0]!)).cookies);
    assert.ok(await other.identity());
    await setup.close();
  });

  test('of two requests with one code, one gets in', async () => {
    const setup = await openWithTwoFactor();
    const { accounts, next, recoveryCodes } = setup;
    for (const code of [next, recoveryCodes[0]!]) {
      const browsers = [await halfway(setup), await halfway(setup), await halfway(setup)];
      const results = await Promise.allSettled(
        browsers.map((browser) => accounts.proveSecondFactor(browser.asker(), code)),
      );
      assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 1, code);
    }
    await setup.close();
  });

  test('a code is good once after a restart too', async () => {
    const setup = await openWithTwoFactor();
    const { next: code } = setup;
    const browser = await halfway(setup);
    await setup.accounts.proveSecondFactor(browser.asker(), code);
    await setup.close();
    const accounts = await openLocalAccounts({ folder: setup.accounts.folder });
    const again = createBrowser(accounts);
    await again.signIn('ada@example.org');
    await assert.rejects(accounts.proveSecondFactor(again.asker(), code), /was given already/);
    await accounts.close();
  });

  test('a recovery code lets in once, however it is typed', async () => {
    const setup = await openWithTwoFactor();
    const { accounts, recoveryCodes } = setup;
    const browser = await halfway(setup);
    const typed = ` ${recoveryCodes[3]!.replace('-', ' ').toUpperCase()} `;
    browser.keep((await accounts.proveSecondFactor(browser.asker(), typed)).cookies);
    assert.ok(await browser.identity());
    const other = await halfway(setup);
    await assert.rejects(accounts.proveSecondFactor(other.asker(), recoveryCodes[3]!), {
      kind: 'unauthorized',
    });
    await setup.close();
  });

  test('new recovery codes take the place of the old ones', async () => {
    const setup = await openWithTwoFactor();
    const { accounts, home, id, recoveryCodes } = setup;
    await assert.rejects(accounts.renewRecoveryCodes(home.asker(), id, 'wrong'), { kind: 'unauthorized' });
    const renewed = await accounts.renewRecoveryCodes(home.asker(), id, goodPassword);
    assert.equal(new Set([...renewed, ...recoveryCodes]).size, 20);
    const browser = await halfway(setup);
    await assert.rejects(accounts.proveSecondFactor(browser.asker(), recoveryCodes[0]!), {
      kind: 'unauthorized',
    });
    assert.ok(await accounts.proveSecondFactor(browser.asker(), renewed[0]!));
    await setup.close();
  });

  test('codes can be tried a few times, and then not by anybody, from wherever', async () => {
    const setup = await openWithTwoFactor();
    const { accounts, uri, next } = setup;
    const right = [-2, -1, 0, 1, 2].map((steps) => totp(uri, steps));
    let checked = 0;
    for (let attempt = 0; attempt < 40; attempt++) {
      const browser = await halfway(setup, { address: `203.0.113.${attempt}` });
      const guess = String(100_000 + attempt * 7919).slice(-6);
      if (right.includes(guess)) continue;
      const error = await accounts.proveSecondFactor(browser.asker(), guess).then(
        () => assert.fail('a guess got in'),
        (failure) => failure,
      );
      if (error.kind === 'unauthorized') checked++;
      else assert.equal(error.kind, 'too-many');
    }
    assert.ok(checked >= 5 && checked <= 10, `${checked} codes were checked`);
    const browser = await halfway(setup, { address: '198.51.100.1' });
    await assert.rejects(accounts.proveSecondFactor(browser.asker(), next), { kind: 'too-many' });
    await setup.close();
  });

  test('one log-in takes five codes', async () => {
    const setup = await openWithTwoFactor();
    const { accounts, next, wrong } = setup;
    const browser = await halfway(setup);
    const kinds: string[] = [];
    for (let attempt = 0; attempt < 6; attempt++) {
      // The same wrong code again is not even looked at: recovery codes are.
      const guess = attempt === 0 ? wrong() : `aaaaa-aaaa${attempt}`;
      kinds.push(
        await accounts.proveSecondFactor(browser.asker(), guess).then(
          () => 'in',
          ({ kind }) => kind,
        ),
      );
    }
    assert.deepEqual(kinds, [...Array(5).fill('unauthorized'), 'too-many']);
    await assert.rejects(accounts.proveSecondFactor(browser.asker(), next), /taken too long/);
    await setup.close();
  });

  test('nothing is changed without the password, and by nobody else', async () => {
    const setup = await openWithTwoFactor();
    const { accounts, home, id } = setup;
    await assert.rejects(accounts.stopTwoFactor(home.asker(), id, 'wrong'), { kind: 'unauthorized' });
    await assert.rejects(accounts.startTwoFactor(home.asker(), id, goodPassword), { kind: 'conflict' });
    const { secret } = await accounts.invite(home.asker(), id, {
      ...{ role: 'member', quotaBytes: null, note: '', expiresAtMs: Date.now() + 86_400_000 },
    });
    const ben = createBrowser(accounts);
    const benId = await ben.signUp('Ben', 'ben', { invite: secret });
    await assert.rejects(accounts.stopTwoFactor(ben.asker(), id, goodPassword), { kind: 'forbidden' });
    await assert.rejects(accounts.startTwoFactor(ben.asker(), id, goodPassword), { kind: 'forbidden' });
    await assert.rejects(accounts.startTwoFactor(ben.asker(), benId, 'wrong'), { kind: 'unauthorized' });
    await accounts.stopTwoFactor(home.asker(), id, goodPassword);
    assert.equal((await accounts.getPerson(id))?.hasTwoFactor, false);
    assert.equal((await createBrowser(accounts).signIn('ada@example.org')).kind, 'signed-in');
    await setup.close();
  });

  test('stays on with a new password, whoever handed out the way to it', async () => {
    const { accounts, home, id, close } = await openWithTwoFactor();
    const token = await accounts.makeResetToken(home.asker(), id, id);
    const password = 'nine slow herons by the weir';
    await accounts.resetPassword(createBrowser(accounts).asker(), token, password);
    const browser = createBrowser(accounts);
    assert.equal((await accounts.signIn(browser.asker(), 'ada@example.org', password)).kind, 'second-factor');
    await close();
  });

  test('somebody else’s session in the browser does not take the code', async () => {
    const setup = await openWithTwoFactor();
    const { accounts, home, id, next } = setup;
    const { secret } = await accounts.invite(home.asker(), id, {
      ...{ role: 'member', quotaBytes: null, note: '', expiresAtMs: Date.now() + 86_400_000 },
    });
    const shared = createBrowser(accounts);
    const benId = await shared.signUp('Ben', 'ben', { invite: secret });
    const session = shared.session()!;
    await shared.signIn('ada@example.org');
    shared.cookies.set('kinora.session', session);
    assert.equal((await shared.identity())?.viewer.personId, benId);
    shared.keep((await accounts.proveSecondFactor(shared.asker(), next)).cookies);
    assert.equal((await shared.identity())?.viewer.personId, id);
    assert.equal(
      await accounts.identify({ cookie: session, bearer: null }),
      null,
      'the one before has ended',
    );
    await setup.close();
  });

  test('who is turned off between password and code does not get in', async () => {
    const setup = await openWithTwoFactor();
    const { accounts, home, id, next } = setup;
    const ben = await accounts.addPerson(home.asker(), null, {
      ...{ name: 'Ben', login: 'ben', password: goodPassword, role: 'owner', quotaBytes: null },
    });
    const browser = await halfway(setup);
    await accounts.changePerson(home.asker(), ben.id, id, { isDisabled: true });
    await assert.rejects(accounts.proveSecondFactor(browser.asker(), next));
    assert.equal(await browser.identity(), null);
    await setup.close();
  });

  test('by JSON the same holds, and nothing else of it is reachable', async () => {
    const setup = await openWithTwoFactor();
    const { accounts, home, next: code } = setup;
    const browser = await halfway(setup);
    assert.equal((await browser.send('POST', '/two-factor/verify-totp', { code: 'abc' })).status, 401);
    assert.equal((await browser.send('POST', '/two-factor/verify-totp', { code })).status, 200);
    assert.ok(await browser.identity());
    const other = await halfway(setup);
    assert.equal((await other.send('POST', '/two-factor/verify-totp', { code })).status, 401);
    assert.equal(
      (await createBrowser(accounts).send('POST', '/two-factor/verify-totp', { code })).status,
      401,
    );
    for (const path of [
      'enable',
      'disable',
      'get-totp-uri',
      'generate-backup-codes',
      'view-backup-codes',
      'send-otp',
    ])
      assert.equal(
        (await home.send('POST', `/two-factor/${path}`, { password: goodPassword })).status,
        404,
        path,
      );
    await setup.close();
  });
});
