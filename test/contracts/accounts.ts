// What accounts must do, in one process and over HTTP. Run by each adapter's own test file with a way to make one.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Accounts } from '../../src/accounts/accounts.ts';
import type { Role } from '../../src/accounts/permissions.ts';
import type { Config } from '../../src/config.ts';
import { createBrowser, createHomeBrowser, goodPassword, otherPassword } from '../helpers/local-accounts.ts';
import { until } from '../helpers/until.ts';

export type AccountsUnderTest = { readonly accounts: Accounts; dispose(): Promise<void> };

const dayMs = 86_400_000;

/** `open` makes accounts without anybody in them, by the clock of the machine. */
export function testAccounts(
  name: string,
  open: (config?: Partial<Config['auth']>) => Promise<AccountsUnderTest>,
): void {
  /** With an owner, Ada, logged in on the machine itself. */
  const household = (
    title: string,
    run: (home: {
      accounts: Accounts;
      owner: ReturnType<typeof createBrowser>;
      ownerId: string;
      /** Invited and signed up, in a browser elsewhere. */
      join(
        name: string,
        login: string,
        role?: Role,
      ): Promise<{ id: string; browser: ReturnType<typeof createBrowser> }>;
    }) => Promise<void>,
    config: Partial<Config['auth']> = {},
  ) =>
    it(title, async () => {
      const { accounts, dispose } = await open(config);
      try {
        const owner = createHomeBrowser(accounts);
        const ownerId = await owner.signUp('Ada', 'ada@example.org');
        await run({
          ...{ accounts, owner, ownerId },
          async join(called, login, role = 'member') {
            const { secret } = await accounts.invite(owner.asker(), ownerId, {
              ...{ role, quotaBytes: null, note: '', expiresAtMs: Date.now() + dayMs },
            });
            const browser = createBrowser(accounts);
            const id = await browser.signUp(called, login, { invite: secret });
            return { id, browser };
          },
        });
      } finally {
        await dispose();
      }
    });

  describe(name, () => {
    it('has no owner at first; the first account, made on this machine, is the owner’s', async () => {
      const { accounts, dispose } = await open();
      try {
        assert.deepEqual(await accounts.doors(), {
          ...{ hasOwner: false, signUp: 'invite', openId: null, canMail: false },
        });
        const home = createHomeBrowser(accounts);
        const id = await home.signUp('  Ada  Lovelace ', 'Ada@Example.org');
        const { createdAtMs, lastSeenAtMs, ...person } = (await accounts.getPerson(id))!;
        assert.deepEqual(person, {
          ...{ id, name: 'Ada Lovelace', email: 'ada@example.org', userName: null, role: 'owner' },
          ...{ quotaBytes: null, isDisabled: false, hasPassword: true, hasTwoFactor: false },
        });
        assert.ok(Math.abs(createdAtMs - Date.now()) < 60_000);
        assert.ok(lastSeenAtMs !== null);
        assert.equal((await accounts.doors()).hasOwner, true);
        const { viewer, expiresAtMs, isRenewable } = (await home.identity())!;
        assert.deepEqual(
          { ...viewer, sessionId: null },
          {
            ...{ personId: id, name: 'Ada Lovelace', role: 'owner', scopes: null },
            ...{ sessionId: null, tokenId: null },
          },
        );
        assert.match(viewer.sessionId!, /^[0-9a-z]{16}$/);
        assert.ok(expiresAtMs - Date.now() > 29 * dayMs);
        assert.equal(isRenewable, false);
        assert.deepEqual(await accounts.renew(home.asker()), []);
      } finally {
        await dispose();
      }
    });

    it('without an owner, somebody from elsewhere who does not know the code makes no account', async () => {
      const { accounts, dispose } = await open({ signUp: 'open' });
      try {
        const elsewhere = createBrowser(accounts);
        await assert.rejects(elsewhere.signUp('Eve', 'eve'), { kind: 'forbidden', message: /code/ });
        await assert.rejects(elsewhere.signUp('Eve', 'eve', { setupCode: 'AAAA-AAAA' }), {
          kind: 'forbidden',
        });
        assert.equal((await accounts.doors()).hasOwner, false);
        assert.deepEqual(await accounts.listPeople(), []);
      } finally {
        await dispose();
      }
    });

    household('knows nobody by what is not a cookie or a token of its own', async ({ accounts, owner }) => {
      const cookie = owner.session()!;
      const [token, signature] = decodeURIComponent(cookie).split('.');
      const forged = [
        ...['', 'x', '.', '%', '%00', token!, `${token}.`, `.${signature}`, `${token}x.${signature}`],
        ...[
          `${token}.${signature!.startsWith('A') ? 'B' : 'A'}${signature!.slice(1)}`,
          `${token}.${signature}`.toUpperCase(),
          'a'.repeat(100_000),
        ],
      ];
      for (const value of forged)
        assert.equal(await accounts.identify({ cookie: value, bearer: null }), null, value.slice(0, 80));
      for (const value of ['', 'kinora_', `${token}`, cookie])
        assert.equal(await accounts.identify({ cookie: null, bearer: value }), null, value);
      assert.equal(await accounts.identify({ cookie: null, bearer: null }), null);
      // A request asks as its token; a good cookie does not help a bad one.
      assert.equal(await accounts.identify({ cookie, bearer: 'kinora_no' }), null);
      assert.notEqual(await accounts.identify({ cookie: decodeURIComponent(cookie), bearer: null }), null);
    });

    household(
      'logs in by address or user name, case aside, and tells nobody what was wrong',
      async (home) => {
        const { accounts, join } = home;
        const { id } = await join('Ben', 'Ben.99');
        const browser = createBrowser(accounts);
        assert.deepEqual((await browser.signIn(' BEN.99 ')).kind, 'signed-in');
        assert.equal((await browser.identity())?.viewer.personId, id);
        assert.equal((await accounts.getPerson(id))?.email, null);
        const said = new Set<string>();
        for (const [login, password] of [
          ...([
            ['ben.99', 'wrong'],
            ['nobody', 'wrong'],
            ['nobody@example.org', 'wrong'],
            ['', 'wrong'],
          ] as const),
          ...([
            ['ben.99', ''],
            ['ben.99', 'x'.repeat(5000)],
            [`${id}@user-name.invalid`, goodPassword],
          ] as const),
          ...([
            ["' OR 1=1 --", 'wrong'],
            ['ada@example.org', goodPassword.toUpperCase()],
          ] as const),
        ])
          await assert.rejects(
            createBrowser(accounts).signIn(login, password),
            (error: Error & { kind: string }) => {
              said.add(`${error.kind}: ${error.message}`);
              return true;
            },
          );
        assert.equal(said.size, 1, [...said].join('\n'));
        assert.match([...said][0]!, /^unauthorized: /);
      },
    );

    household(
      'a log-in ends the session that the browser had before, and never goes on under it',
      async (home) => {
        const { accounts, owner } = home;
        const before = owner.session();
        await owner.signIn('ada@example.org');
        assert.notEqual(owner.session(), before);
        assert.equal(await accounts.identify({ cookie: before, bearer: null }), null);
        assert.notEqual(await owner.identity(), null);
        // One that somebody slipped in is not taken over.
        const victim = createBrowser(accounts);
        victim.cookies.set('kinora.session', 'slipped.AAAA');
        await victim.signIn('ada@example.org');
        assert.notEqual(victim.session(), 'slipped.AAAA');
        assert.notEqual(await victim.identity(), null);
      },
    );

    household('logging out ends the session, not only the cookie', async ({ accounts, owner }) => {
      const before = owner.session();
      owner.keep(await accounts.signOut(owner.asker()));
      assert.equal(owner.session(), null);
      assert.equal(await accounts.identify({ cookie: before, bearer: null }), null);
      assert.equal((await accounts.signOut(owner.asker())).length, 1);
    });

    household('says in a sentence what an account needs', async ({ accounts, owner, ownerId }) => {
      const refused = [
        [{ name: '', login: 'ben', password: goodPassword }, /name of 1 to 80/],
        [{ name: 'x'.repeat(81), login: 'ben', password: goodPassword }, /name of 1 to 80/],
        [{ name: 'B\u202Een', login: 'ben', password: goodPassword }, /name of 1 to 80/],
        [{ name: 'Ben', login: 'be', password: goodPassword }, /3 to 30/],
        [{ name: 'Ben', login: 'ben smith', password: goodPassword }, /3 to 30/],
        [{ name: 'Ben', login: 'ben@', password: goodPassword }, /not an e-mail address/],
        [{ name: 'Ben', login: `ben@x.invalid`, password: goodPassword }, /not an e-mail address/],
        [{ name: 'Ben', login: 'ben', password: 'short' }, /at least 8/],
        [{ name: 'Ben', login: 'ben', password: 'password1' }, /used password|guess/],
        [{ name: 'Benedict', login: 'ben', password: 'benedict1' }, /./],
        [{ name: 'Ben', login: 'ben', password: 'x'.repeat(129) }, /at most 128/],
      ] as const;
      for (const [account, message] of refused) {
        const rest = { role: 'member', quotaBytes: null } as const;
        const reason = { kind: 'bad-request', message } as const;
        await assert.rejects(accounts.addPerson(owner.asker(), ownerId, { ...account, ...rest }), reason);
      }
      const emoji = await accounts.addPerson(owner.asker(), ownerId, {
        ...{ name: 'Zoë 🎬', login: 'zoe_1', password: `${goodPassword} 🎬 ${'ü'.repeat(60)}` },
        ...{ role: 'child', quotaBytes: 5 },
      });
      assert.deepEqual([emoji.name, emoji.role, emoji.quotaBytes], ['Zoë 🎬', 'child', 5]);
      const composed = `${goodPassword} 🎬 ${'u\u0308'.repeat(60)}`;
      await createBrowser(accounts).signIn('ZOE_1', composed);
    });

    household('a sign-up that is refused does not tell whether there is such an address', async (home) => {
      const { accounts, owner, ownerId } = home;
      const { secret } = await accounts.invite(owner.asker(), ownerId, {
        ...{ role: 'member', quotaBytes: null, note: 'for Ben', expiresAtMs: Date.now() + dayMs },
      });
      const said = new Set<string>();
      for (const [login, invite] of [
        ['ben', undefined],
        ['ben', 'no such invite'],
        ['ada@example.org', undefined],
        ['ada@example.org', secret],
      ] as const)
        await assert.rejects(
          createBrowser(accounts).signUp('Ben', login, invite === undefined ? {} : { invite }),
          (error: Error & { kind: string }) => {
            said.add(`${error.kind}: ${error.message}`);
            return true;
          },
        );
      assert.equal(said.size, 1, [...said].join('\n'));
      assert.match([...said][0]!, /^forbidden: /);
      assert.notEqual(
        await accounts.findInvite(secret),
        null,
        'the invite was not used up by what was refused',
      );
    });

    household('an invite gives its role and quota, once', async ({ accounts, owner, ownerId }) => {
      const expiresAtMs = Date.now() + dayMs;
      const wanted = { role: 'guest', quotaBytes: 1000, note: 'for Gran', expiresAtMs } as const;
      const { invite, secret } = await accounts.invite(owner.asker(), ownerId, wanted);
      const { id: _, createdAtMs, ...rest } = invite;
      assert.deepEqual(rest, wanted);
      assert.deepEqual(await accounts.listInvites(), [invite]);
      assert.deepEqual(await accounts.findInvite(secret), invite);
      assert.equal(await accounts.findInvite('x'), null);
      const id = await createBrowser(accounts).signUp('Gran', 'gran', { invite: secret });
      const person = (await accounts.getPerson(id))!;
      assert.deepEqual([person.role, person.quotaBytes], ['guest', 1000]);
      assert.deepEqual([await accounts.findInvite(secret), await accounts.listInvites()], [null, []]);
      await assert.rejects(createBrowser(accounts).signUp('Eve', 'eve', { invite: secret }), {
        kind: 'forbidden',
      });
      const second = await accounts.invite(owner.asker(), ownerId, wanted);
      await accounts.removeInvite(second.invite.id);
      await assert.rejects(createBrowser(accounts).signUp('Eve', 'eve', { invite: second.secret }), {
        kind: 'forbidden',
      });
      const past = { ...wanted, expiresAtMs: Date.now() - 1 };
      await assert.rejects(accounts.invite(owner.asker(), ownerId, past), { kind: 'bad-request' });
    });

    household(
      'where sign-up is open, newcomers are members with the quota of the settings; a user name is there once',
      async ({ accounts }) => {
        const id = await createBrowser(accounts).signUp('Ben', 'ben');
        const person = (await accounts.getPerson(id))!;
        assert.deepEqual([person.role, person.quotaBytes], ['member', 7_000]);
        await assert.rejects(createBrowser(accounts).signUp('Ben', 'BEN'), {
          kind: 'conflict',
          message: /taken/,
        });
      },
      { signUp: 'open', quotaBytes: 7_000 },
    );

    household(
      'where sign-up is closed nobody makes an account, with an invite from before neither',
      async ({ accounts, join }) => {
        await assert.rejects(createBrowser(accounts).signUp('Ben', 'ben'), { kind: 'forbidden' });
        await assert.rejects(join('Ben', 'ben'), { kind: 'forbidden' });
      },
      { signUp: 'closed' },
    );

    household(
      'lists one’s sessions and ends them one by one, or all but this',
      async ({ accounts, join }) => {
        const { id, browser } = await join('Ben', 'ben');
        const television = createBrowser(accounts, { userAgent: 'Television', address: '192.168.1.30' });
        await television.signIn('ben');
        const here = (await browser.identity())!.viewer.sessionId;
        const sessions = await accounts.listSessions(id, here);
        assert.deepEqual(
          sessions
            .map(({ userAgent, address, isThisOne }) => ({ userAgent, address, isThisOne }))
            .sort(byAgent),
          [
            { userAgent: 'Television', address: '192.168.1.30', isThisOne: false },
            { userAgent: 'Test/1.0', address: '192.168.1.20', isThisOne: true },
          ],
        );
        const other = sessions.find((session) => !session.isThisOne)!;
        const { id: ada } = (await accounts.listPeople()).find((person) => person.name === 'Ada')!;
        await accounts.endSessions(browser.asker(), ada, other.id, null);
        assert.notEqual(await television.identity(), null, 'nobody ends another’s');
        await accounts.endSessions(browser.asker(), id, other.id, null);
        assert.equal(await television.identity(), null);
        await television.signIn('ben');
        await accounts.endSessions(browser.asker(), id, null, here);
        assert.equal(await television.identity(), null);
        assert.notEqual(await browser.identity(), null);
      },
    );

    household(
      'a changed password ends the other sessions and the old password',
      async ({ accounts, join }) => {
        const { id, browser } = await join('Ben', 'ben');
        const other = createBrowser(accounts);
        await other.signIn('ben');
        const before = browser.session();
        const change = (current: string, next: string) =>
          accounts.changePassword(browser.asker(), id, current, next);
        await assert.rejects(change('wrong', otherPassword), { kind: 'unauthorized' });
        await assert.rejects(change(goodPassword, 'weak'), { kind: 'bad-request' });
        await assert.rejects(change(goodPassword, goodPassword), { kind: 'bad-request' });
        browser.keep(await change(goodPassword, otherPassword));
        assert.equal(await other.identity(), null);
        assert.equal(
          await accounts.identify({ cookie: before, bearer: null }),
          null,
          'this session has a new secret',
        );
        assert.equal((await browser.identity())?.viewer.personId, id);
        await assert.rejects(other.signIn('ben', goodPassword), { kind: 'unauthorized' });
        await other.signIn('ben', otherPassword);
        await accounts.confirmPassword(browser.asker(), id, otherPassword);
        await assert.rejects(accounts.confirmPassword(browser.asker(), id, goodPassword), {
          kind: 'unauthorized',
        });
      },
    );

    household(
      'the owner hands over a way to a new password, good once',
      async ({ accounts, owner, ownerId, join }) => {
        const { id, browser } = await join('Ben', 'ben');
        const first = await accounts.makeResetToken(owner.asker(), ownerId, id);
        const second = await accounts.makeResetToken(owner.asker(), ownerId, id);
        const stranger = createBrowser(accounts).asker();
        const gone = { kind: 'forbidden', message: /used or is too old/ } as const;
        await assert.rejects(
          accounts.resetPassword(stranger, first, otherPassword),
          gone,
          'a newer one was made',
        );
        await assert.rejects(accounts.resetPassword(stranger, 'x', otherPassword), gone);
        await assert.rejects(accounts.resetPassword(stranger, second, 'weak'), { kind: 'bad-request' });
        await accounts.resetPassword(stranger, second, otherPassword);
        assert.equal(await browser.identity(), null);
        await assert.rejects(accounts.resetPassword(stranger, second, goodPassword), gone);
        await browser.signIn('ben', otherPassword);
        await assert.rejects(accounts.makeResetToken(owner.asker(), ownerId, 'x'), { kind: 'not-found' });
      },
    );

    household('tokens do what they were made for, and no more than their person may', async (home) => {
      const { accounts, owner, ownerId, join } = home;
      const { id, browser } = await join('Ben', 'ben');
      const add = (scopes: readonly string[], expiresAtMs: number | null = null) =>
        accounts.addToken(browser.asker(), id, { name: ' backup ', scopes: scopes as never, expiresAtMs });
      for (const scopes of [['people:manage'], ['self'], ['videos:watch', 'metrics:read'], ['nonsense']])
        await assert.rejects(add(scopes), { kind: 'forbidden' }, scopes.join());
      await assert.rejects(add([]), { kind: 'bad-request' });
      await assert.rejects(add(['videos:watch'], Date.now() - 1), { kind: 'bad-request' });
      const { token, secret } = await add(['videos:watch', 'videos:add', 'videos:watch'], Date.now() + dayMs);
      assert.match(secret, /^kinora_[0-9a-hjkmnp-tv-z]{32}$/);
      const { createdAtMs, expiresAtMs, id: tokenId, lastUsedAtMs, ...rest } = token;
      assert.deepEqual(rest, { personId: id, name: 'backup', scopes: ['videos:watch', 'videos:add'] });
      const identity = await accounts.identify({ cookie: null, bearer: secret });
      assert.deepEqual(identity, {
        viewer: {
          ...{ personId: id, name: 'Ben', role: 'member', scopes: ['videos:watch', 'videos:add'] },
          ...{ sessionId: null, tokenId },
        },
        ...{ expiresAtMs, isRenewable: false },
      });
      assert.ok(!JSON.stringify(await accounts.listTokens(null)).includes(secret), 'the secret is told once');
      const forever = await add(['videos:watch']);
      const endless = await accounts.identify({ cookie: null, bearer: forever.secret });
      assert.ok(JSON.parse(JSON.stringify(endless)).expiresAtMs > Date.now() + 1000 * dayMs);
      assert.equal((await accounts.listTokens(id)).length, 2);
      assert.deepEqual(await accounts.listTokens(ownerId), []);
      assert.equal(await accounts.removeToken(owner.asker(), ownerId, tokenId), false, 'it is not hers');
      assert.equal(await accounts.removeToken(browser.asker(), id, tokenId), true);
      assert.equal(await accounts.removeToken(browser.asker(), id, tokenId), false);
      assert.equal(await accounts.identify({ cookie: null, bearer: secret }), null);
      await accounts.changePerson(owner.asker(), ownerId, id, { isDisabled: true });
      assert.equal(await accounts.identify({ cookie: null, bearer: forever.secret }), null);
      await accounts.changePerson(owner.asker(), ownerId, id, { isDisabled: false });
      assert.notEqual(await accounts.identify({ cookie: null, bearer: forever.secret }), null);
    });

    household(
      'what the owner changes with a person holds at once, and shows in the revision',
      async (home) => {
        const { accounts, owner, ownerId, join } = home;
        const { id, browser } = await join('Ben', 'ben');
        const change = (changes: Parameters<Accounts['changePerson']>[3]) =>
          accounts.changePerson(owner.asker(), ownerId, id, changes);
        const moves = async (what: string, act: () => Promise<unknown>) => {
          const before = accounts.revision();
          await act();
          await until(() => accounts.revision() !== before, {
            timeoutMs: 2000,
            what: `a new revision for: ${what}`,
          });
        };
        await moves('role', () => change({ role: 'child', name: 'Benny', quotaBytes: 9 }));
        assert.deepEqual(
          await browser.identity().then((identity) => [identity?.viewer.role, identity?.viewer.name]),
          ['child', 'Benny'],
        );
        assert.equal((await accounts.getPerson(id))?.quotaBytes, 9);
        assert.equal((await change({ quotaBytes: null })).quotaBytes, null);
        await assert.rejects(change({ role: 'king' as Role }), { kind: 'bad-request' });
        await assert.rejects(change({ quotaBytes: -1 }), { kind: 'bad-request' });
        await assert.rejects(accounts.changePerson(owner.asker(), ownerId, 'x', {}), { kind: 'not-found' });
        await moves('disabled', () => change({ isDisabled: true }));
        assert.equal(await browser.identity(), null);
        await assert.rejects(browser.signIn('ben'), { kind: 'unauthorized', message: /not right/ });
        const reset = await accounts.makeResetToken(owner.asker(), ownerId, id);
        await assert.rejects(accounts.resetPassword(browser.asker(), reset, otherPassword), {
          kind: 'forbidden',
        });
        await change({ isDisabled: false });
        assert.equal(await browser.identity(), null, 'the old session stays ended');
        await browser.signIn('ben');
        const session = (await browser.identity())!.viewer.sessionId;
        await moves('session', () => accounts.endSessions(browser.asker(), id, session, null));
      },
    );

    household('there is always an owner who can log in', async ({ accounts, owner, ownerId, join }) => {
      const asker = owner.asker();
      const last = { kind: 'conflict', message: /last owner/ } as const;
      await assert.rejects(accounts.changePerson(asker, ownerId, ownerId, { role: 'member' }), last);
      await assert.rejects(accounts.changePerson(asker, ownerId, ownerId, { isDisabled: true }), last);
      await assert.rejects(accounts.removePerson(asker, ownerId, ownerId), last);
      assert.equal((await owner.identity())?.viewer.role, 'owner', 'nothing of it happened');
      const { id } = await join('Ben', 'ben');
      await accounts.changePerson(asker, ownerId, id, { role: 'owner' });
      await accounts.changePerson(asker, ownerId, ownerId, { role: 'member' });
      assert.equal((await owner.identity())?.viewer.role, 'member');
    });

    household(
      'a removed person is gone with sessions and tokens',
      async ({ accounts, owner, ownerId, join }) => {
        const { id, browser } = await join('Ben', 'ben');
        const { secret } = await accounts.addToken(browser.asker(), id, {
          ...{ name: 'x', scopes: ['videos:watch'], expiresAtMs: null },
        });
        await accounts.removePerson(owner.asker(), ownerId, id);
        assert.equal(await browser.identity(), null);
        assert.equal(await accounts.identify({ cookie: null, bearer: secret }), null);
        assert.equal(await accounts.getPerson(id), null);
        assert.deepEqual(await accounts.listTokens(null), []);
        await assert.rejects(browser.signIn('ben'), { kind: 'unauthorized' });
        await assert.rejects(accounts.removePerson(owner.asker(), ownerId, id), { kind: 'not-found' });
        await join('Another', 'ben');
      },
    );

    it('somebody whom a trusted proxy names has an account from the first time on, the first one the owner’s', async () => {
      const { accounts, dispose } = await open({ quotaBytes: 3 });
      try {
        const ada = await accounts.identifyNamed('Ada@example.org', 'Ada');
        assert.deepEqual([ada.viewer.role, ada.viewer.name], ['owner', 'Ada']);
        const ben = await accounts.identifyNamed('ben', null);
        assert.deepEqual([ben.viewer.role, ben.viewer.name], ['member', 'ben']);
        assert.deepEqual(
          await accounts.identifyNamed('BEN', 'Else').then(({ viewer }) => viewer),
          ben.viewer,
        );
        assert.equal((await accounts.getPerson(ben.viewer.personId))?.quotaBytes, 3);
        await assert.rejects(accounts.identifyNamed('a b', null), { kind: 'bad-request' });
        const asker = createBrowser(accounts).asker();
        await accounts.changePerson(asker, ada.viewer.personId, ben.viewer.personId, { isDisabled: true });
        await assert.rejects(accounts.identifyNamed('ben', null), { kind: 'unauthorized' });
      } finally {
        await dispose();
      }
    });

    household('better-auth’s clients sign up, log in, ask who they are and log out', async (home) => {
      const { accounts, owner, ownerId } = home;
      const { secret } = await accounts.invite(owner.asker(), ownerId, {
        ...{ role: 'member', quotaBytes: null, note: '', expiresAtMs: Date.now() + dayMs },
      });
      const browser = createBrowser(accounts);
      const fields = { name: 'Ben', email: 'ben@example.org', password: goodPassword };
      const refused = await browser.send('POST', '/sign-up/email', fields);
      assert.deepEqual([refused.status, refused.json.code], [403, 'FORBIDDEN']);
      const made = await browser.send('POST', '/sign-up/email', { ...fields, invite: secret, role: 'owner' });
      assert.deepEqual([made.status, made.json.user.name, made.json.user.role], [200, 'Ben', 'member']);
      assert.equal((await browser.identity())?.viewer.personId, made.json.user.id);
      const { json: mine } = await browser.send('GET', '/get-session');
      assert.deepEqual([mine.user.email, mine.session.userId], ['ben@example.org', made.json.user.id]);
      const before = browser.session();
      const entered = await browser.send('POST', '/sign-in/email', {
        email: fields.email,
        password: goodPassword,
      });
      assert.deepEqual([entered.status, entered.json.user.id], [200, made.json.user.id]);
      assert.equal(await accounts.identify({ cookie: before, bearer: null }), null);
      const wrong = await browser.send('POST', '/sign-in/email', { email: fields.email, password: 'x' });
      assert.equal(wrong.status, 401);
      const out = await browser.send('POST', '/sign-out', {});
      assert.deepEqual(out.json, { success: true });
      assert.deepEqual((await browser.send('GET', '/get-session')).json, null);
    });

    household(
      'below /api/auth nothing answers that is not meant to, and no page from elsewhere',
      async (home) => {
        const { accounts, owner } = home;
        for (const [method, path] of [
          ...([
            ['POST', '/update-user'],
            ['POST', '/delete-user'],
            ['POST', '/change-email'],
          ] as const),
          ...([
            ['POST', '/is-username-available'],
            ['GET', '/list-sessions'],
            ['POST', '/sign-in/social'],
          ] as const),
          ...([
            ['POST', '/set-password'],
            ['GET', '/sign-in/email'],
            ['GET', '/x'],
            ['POST', '/../../v1/people'],
          ] as const),
        ])
          assert.ok(
            [400, 404].includes((await owner.send(method, path, method === 'GET' ? undefined : {})).status),
            path,
          );
        const body = { email: 'ada@example.org', password: goodPassword };
        const from = async (headers: Record<string, string>) =>
          (await createBrowser(accounts).send('POST', '/sign-in/email', body, headers)).status;
        assert.equal(await from({ origin: 'https://evil.example' }), 403);
        assert.equal(await from({ origin: 'null' }), 403);
        assert.equal(await from({ 'sec-fetch-site': 'cross-site' }), 403);
        assert.equal(await from({ 'sec-fetch-site': 'same-site' }), 403);
        assert.equal(await from({ 'content-type': 'text/plain' }), 415);
        assert.equal(await from({ 'content-type': 'application/x-www-form-urlencoded' }), 415);
        assert.equal(
          await from({ origin: 'http://kinora.local:5000', 'sec-fetch-site': 'same-origin' }),
          200,
        );
        const asker = createBrowser(accounts).asker();
        const raw = {
          method: 'POST',
          path: '/api/auth/sign-in/email',
          headers: { 'content-type': 'application/json' },
        };
        for (const text of ['{', '[]', 'null', '"x"'])
          assert.equal((await accounts.handle(asker, { ...raw, body: text })).status, 400, text);
        assert.equal(
          (await accounts.handle(asker, { ...raw, body: `{"x":"${'x'.repeat(30_000)}"}` })).status,
          413,
        );
      },
    );

    household('notes who did what, and no secret', async ({ accounts, owner, ownerId, join }) => {
      const { id, browser } = await join('Ben', 'ben');
      await browser.signIn('ben');
      await assert.rejects(createBrowser(accounts).signIn('ben', 'a wrong password'));
      await accounts.changePerson(owner.asker(), ownerId, id, { role: 'guest' });
      await accounts.removePerson(owner.asker(), ownerId, id);
      const log = await accounts.listAudit(Date.now() + 1000, 100);
      const lines = log.map((entry) => `${entry.personName} ${entry.action} ${entry.subject}`.trim());
      assert.deepEqual(lines.toSorted(), [
        'Ada person-changed Ben: member to guest',
        'Ada person-invited member',
        'Ada person-removed Ben',
        'Ada signed-up',
        'Ben sign-in-failed',
        'Ben signed-in',
        'Ben signed-up',
      ]);
      const failed = log.find((entry) => entry.action === 'sign-in-failed')!;
      assert.deepEqual([failed.personId, failed.address], [id, '192.168.1.20']);
      assert.ok(!/wrong password|plum kettle/.test(JSON.stringify(log)));
      assert.equal((await accounts.listAudit(Date.now() + 1000, 2)).length, 2);
      assert.deepEqual(await accounts.listAudit(log.at(-1)!.atMs, 100), []);
    });

    household('says what a password is worth while it is typed', async ({ accounts }) => {
      const weak = await accounts.judgePassword('ada12345', ['Ada', 'ada@example.org']);
      assert.deepEqual([weak.isEnough, typeof weak.reason], [false, 'string']);
      const good = await accounts.judgePassword(goodPassword, ['Ada']);
      assert.deepEqual([good.isEnough, good.score], [true, 4]);
    });

    household('closes more than once', async ({ accounts }) => {
      await accounts.ping();
      await accounts.close();
      await accounts.close();
    });
  });
}

function byAgent(a: { userAgent: string | null }, b: { userAgent: string | null }): number {
  return (a.userAgent ?? '').localeCompare(b.userAgent ?? '');
}
