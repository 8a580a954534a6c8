// What every store of accounts must do, whichever process asks: what there is once is had once, whoever else asks at the
// same moment in another process. Run by each adapter's own test file.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { AccountData, NewPersonRow } from '../../src/accounts/local/account-data.ts';
import { createId } from '../../src/ids.ts';
import { until } from '../helpers/until.ts';

export type DataUnderTest = {
  readonly data: AccountData;
  /** The same store as another process has it. */
  readonly other: AccountData;
  dispose(): Promise<void>;
};

const now = Date.now();
const dayMs = 86_400_000;

export function newPerson(name: string, more: Partial<NewPersonRow> = {}): NewPersonRow {
  const id = createId();
  return {
    ...{ id, name, email: `${name.toLowerCase()}@example.org`, userName: null, role: 'member' },
    ...{ quotaBytes: null, passwordHash: `hash of ${name}`, createdAtMs: now, ...more },
  };
}

const newInvite = () => ({
  ...({ id: createId(), role: 'guest', quotaBytes: 3_000_000_000, note: 'for Gran' } as const),
  ...{ createdAtMs: now, expiresAtMs: now + dayMs },
});

/** How many of these came to `wanted`. */
async function count<Value>(wanted: Value, results: readonly Promise<Value>[]): Promise<number> {
  return (await Promise.all(results)).filter((result) => result === wanted).length;
}

export function testAccountData(name: string, open: () => Promise<DataUnderTest>): void {
  const within = (title: string, run: (both: DataUnderTest) => Promise<void>) =>
    it(title, async () => {
      const both = await open();
      try {
        await run(both);
      } finally {
        await both.dispose();
      }
    });

  describe(name, () => {
    within('keeps a person as it was given', async ({ data, other }) => {
      const ada = newPerson('Ada', { role: 'owner', quotaBytes: 5_000_000_000, userName: 'ada.l' });
      assert.equal(await data.people.hasOwner(), false);
      assert.equal(await data.people.add(ada, { by: 'first' }), 'added');
      const person = {
        ...{ id: ada.id, name: 'Ada', email: 'ada@example.org', userName: 'ada.l', role: 'owner' },
        ...{ quotaBytes: 5_000_000_000, isDisabled: false, hasPassword: true, hasTwoFactor: false },
        ...{ createdAtMs: now, lastSeenAtMs: null },
      };
      assert.deepEqual(await other.people.get(ada.id), person);
      assert.deepEqual(await other.people.find('email', 'ada@example.org'), person);
      assert.deepEqual(await other.people.find('userName', 'ada.l'), person);
      assert.deepEqual(await other.people.list(), [person]);
      assert.equal(await other.people.hasOwner(), true);
      assert.equal(await data.passwords.hash(ada.id), 'hash of Ada');
      const same = { email: ada.email, userName: 'ada.l' };
      assert.equal(await other.people.add(newPerson('Eve', same), { by: 'nothing' }), 'user-name-taken');
      assert.equal(
        await other.people.add(newPerson('Eve', { email: ada.email }), { by: 'nothing' }),
        'email-taken',
      );
      for (const userName of [null, null, 'eve'])
        assert.equal(
          await other.people.add(newPerson(createId(), { userName, passwordHash: null }), { by: 'nothing' }),
          'added',
        );
      assert.equal((await data.people.list()).filter(({ hasPassword }) => hasPassword).length, 1);
      await data.people.noteUse(ada.id, { sessionId: null, tokenId: null }, now + 5);
      assert.equal((await data.people.get(ada.id))?.lastSeenAtMs, now + 5);
    });

    within(
      'of many first owners at once there is one, and nothing of the others',
      async ({ data, other }) => {
        const people = Array.from({ length: 6 }, (_, n) => newPerson(`First${n}`, { role: 'owner' }));
        const added = people.map((person, n) => (n % 2 ? data : other).people.add(person, { by: 'first' }));
        assert.equal(await count('added', added), 1);
        assert.equal((await data.people.list()).length, 1);
        assert.equal(await data.people.add(newPerson('Late'), { by: 'first' }), 'not-admitted');
        for (const { id } of people)
          assert.equal((await data.passwords.hash(id)) !== null, (await data.people.get(id)) !== null);
      },
    );

    within('of many with one address one is made, and of many with one invite', async ({ data, other }) => {
      const same = { email: 'same@example.org' };
      const added = Array.from({ length: 6 }, (_, n) =>
        (n % 2 ? data : other).people.add(newPerson(`P${n}`, same), { by: 'nothing' }),
      );
      assert.equal(await count('added', added), 1);
      const invite = newInvite();
      assert.equal(await data.invites.add(invite, 'a hash', 10), true);
      const admitted = { by: 'invite', inviteId: invite.id } as const;
      assert.equal(await data.people.add(newPerson('Q', same), admitted), 'email-taken');
      assert.deepEqual(await other.invites.find('a hash', now), invite, 'it was not used up by that');
      const invited = Array.from({ length: 6 }, (_, n) =>
        (n % 2 ? data : other).people.add(newPerson(`I${n}`), admitted),
      );
      assert.equal(await count('added', invited), 1);
      assert.equal((await data.people.list()).length, 2);
      assert.deepEqual([await data.invites.find('a hash', now), await data.invites.list(now)], [null, []]);
    });

    within('an owner who can log in is left, whoever takes it from whom at once', async ({ data, other }) => {
      const owners = Array.from({ length: 4 }, (_, n) => newPerson(`Owner${n}`, { role: 'owner' }));
      for (const owner of owners) await data.people.add(owner, { by: 'nothing' });
      const outcomes = await Promise.all(
        owners.map(async ({ id }, n) => {
          const { people } = n % 2 ? data : other;
          if (n === 0) return people.change(id, { role: 'member' }, now);
          if (n === 1) return people.change(id, { isDisabled: true }, now);
          return n === 2 ? people.remove(id) : people.change(id, { role: 'guest', name: 'Gus' }, now);
        }),
      );
      assert.equal(outcomes.filter((outcome) => outcome === 'last-owner').length, 1);
      const left = (await data.people.list()).filter(
        ({ role, isDisabled }) => role === 'owner' && !isDisabled,
      );
      assert.equal(left.length, 1);
      const { id } = left[0]!;
      assert.equal(await other.people.change(id, { role: 'member' }, now), 'last-owner');
      assert.equal(await other.people.change(id, { isDisabled: true }, now), 'last-owner');
      assert.equal(await other.people.remove(id), 'last-owner');
      assert.deepEqual(await data.people.get(id), left[0], 'nothing of it happened');
      const renamed = await data.people.change(id, { name: 'Olga', quotaBytes: 7 }, now);
      assert.ok(typeof renamed === 'object');
      assert.deepEqual(
        [renamed.after.name, renamed.after.quotaBytes, renamed.after.role],
        ['Olga', 7, 'owner'],
      );
      assert.equal(await data.people.change('nobody', {}, now), 'not-found');
      assert.equal(await data.people.remove('nobody'), 'not-found');
    });

    within('with an owner go what they handed out; with a person all that is theirs', async (both) => {
      const { data, other } = both;
      const [ada, ben] = [newPerson('Ada', { role: 'owner' }), newPerson('Ben', { role: 'owner' })];
      for (const person of [ada, ben]) await data.people.add(person, { by: 'nothing' });
      const session = { ...newSession(ben.id), token: 'ben’s' };
      await data.sessions.add(session);
      await data.tokens.add(newToken(ben.id), 'token hash', 5);
      await data.invites.add(newInvite(), 'invite hash', 5);
      await data.passwords.addReset(ada.id, 'reset hash', now + dayMs, now);
      await data.factors.takeCode(ben.id, '123456', now, now - 1000);
      const before = [data.revision(), await other.sharedRevision()] as const;
      await other.people.change(ben.id, { role: 'member' }, now);
      assert.deepEqual(await data.invites.list(now), []);
      assert.equal(await data.passwords.findReset('reset hash', now), null);
      assert.notEqual((await data.sessions.find('ben’s'))?.id, undefined, 'the session goes on');
      assert.notEqual(await data.sharedRevision(), before[1]);
      assert.notEqual((await other.people.remove(ben.id)) as unknown, 'not-found');
      assert.equal(await data.sessions.find('ben’s'), null);
      assert.equal(await data.tokens.find('token hash'), null);
      assert.deepEqual(await data.tokens.list(null), []);
      assert.equal(await data.passwords.hash(ben.id), null);
      await until(() => data.revision() !== before[0], { timeoutMs: 2000, what: 'word of the other' });
      assert.equal(
        await data.people.add(newPerson('Ben'), { by: 'nothing' }),
        'added',
        'the address is free',
      );
    });

    within('whoever is turned off has no session, and none from before when turned on', async (both) => {
      const { data, other } = both;
      const ada = newPerson('Ada');
      await data.people.add(ada, { by: 'nothing' });
      await data.sessions.add({ ...newSession(ada.id), token: 'before' });
      await data.tokens.add(newToken(ada.id), 'token hash', 5);
      await other.people.change(ada.id, { isDisabled: true }, now);
      assert.deepEqual(
        [await data.sessions.find('before'), await data.tokens.find('token hash')],
        [null, null],
      );
      // A log-in that was under way meanwhile.
      await data.sessions.add({ ...newSession(ada.id), token: 'meanwhile' });
      assert.equal(await data.sessions.find('meanwhile'), null);
      await other.people.change(ada.id, { isDisabled: false }, now);
      assert.equal(await data.sessions.find('before'), null);
      assert.equal(await data.sessions.find('meanwhile'), null);
      assert.equal((await data.tokens.find('token hash'))?.personName, 'Ada');
    });

    within('what is good once is had once', async ({ data, other }) => {
      const ada = newPerson('Ada');
      await data.people.add(ada, { by: 'nothing' });
      const each = <Result>(ask: (data: AccountData) => Promise<Result>) =>
        Array.from({ length: 6 }, (_, n) => ask(n % 2 ? data : other));
      const code = each(({ factors }) => factors.takeCode(ada.id, '654321', now, now - 1000));
      assert.equal(await count(true, code), 1);
      await data.factors.giveBackCode(ada.id, '654321');
      assert.equal(await other.factors.takeCode(ada.id, '654321', now, now - 1000), true);
      assert.equal(await data.factors.takeCode(ada.id, '654321', now + 5000, now - 1000), false);
      assert.equal(await data.factors.takeCode(ada.id, '654321', now + 5000, now + 4000), true, 'long ago');
      const invite = newInvite();
      await data.invites.add(invite, 'a hash', 10);
      assert.equal(
        await count(
          true,
          each(({ invites }) => invites.use(invite.id, now)),
        ),
        1,
      );
      await data.passwords.addReset(ada.id, 'first', now + dayMs, now);
      await data.passwords.addReset(ada.id, 'second', now + dayMs, now);
      assert.deepEqual(
        [await other.passwords.findReset('first', now), await other.passwords.findReset('second', now)],
        [null, ada.id],
      );
      assert.equal(await other.passwords.findReset('second', now + 2 * dayMs), null);
      await data.sessions.add({ ...newSession(ada.id), token: 'old' });
      const resets = each(({ passwords }) => passwords.takeReset('second', 'new hash', now));
      assert.equal(await count(ada.id, resets), 1);
      assert.equal(await data.passwords.hash(ada.id), 'new hash');
      assert.equal(await data.sessions.find('old'), null);
      assert.equal(await data.passwords.change('nobody', 'x', now), false);
      assert.equal(await data.passwords.hash('nobody'), null);
    });

    within('sessions are found, prolonged, bounded and ended', async ({ data, other }) => {
      const ada = newPerson('Ada', { role: 'child' });
      await data.people.add(ada, { by: 'nothing' });
      const sessions = Array.from({ length: 5 }, (_, n) => ({
        ...{ ...newSession(ada.id), token: `t${n}`, createdAtMs: now + n, userAgent: `Browser ${n}` },
      }));
      for (const session of sessions) await data.sessions.add(session);
      const first = sessions[0]!;
      assert.deepEqual(await other.sessions.find('t0'), {
        ...{ id: first.id, token: 't0', personId: ada.id, personName: 'Ada', role: 'child' },
        ...{ createdAtMs: now, expiresAtMs: first.expiresAtMs, lastUsedAtMs: now },
      });
      const listed = await other.sessions.list(ada.id, now);
      assert.deepEqual(
        listed.map(({ userAgent }) => userAgent),
        ['Browser 4', 'Browser 3', 'Browser 2', 'Browser 1', 'Browser 0'],
      );
      await data.sessions.prolong(first.id, first.expiresAtMs - 5, now + 9);
      assert.equal(
        (await data.sessions.find('t0'))?.expiresAtMs,
        first.expiresAtMs,
        'never to an earlier end',
      );
      await data.sessions.prolong(first.id, first.expiresAtMs + dayMs, now + 9);
      assert.equal((await data.sessions.find('t0'))?.expiresAtMs, first.expiresAtMs + dayMs);
      const [, second, third] = sessions;
      await other.sessions.complete({
        ...{ session: { id: second!.id, personId: ada.id }, before: 't4', most: 3, nowMs: now + 7 },
        note: newNote('signed-in', now),
      });
      assert.deepEqual(
        (await data.sessions.list(ada.id, now)).map(({ id }) => id).toSorted(),
        [first.id, second!.id, sessions[3]!.id].toSorted(),
      );
      assert.equal((await data.people.get(ada.id))?.lastSeenAtMs, now + 7);
      assert.equal((await data.audit.list(now + 1, 5)).length, 1);
      assert.equal(await other.sessions.find(third!.token), null);
      assert.deepEqual(await data.sessions.endByToken('t3'), { id: sessions[3]!.id, personId: ada.id });
      assert.equal(await data.sessions.endByToken('t3'), null);
      assert.equal(await data.sessions.end('somebody', first.id, null), 0);
      assert.equal(await data.sessions.end(ada.id, null, first.id), 1);
      assert.deepEqual((await other.sessions.list(ada.id, now)).length, 1);
      assert.deepEqual(await other.sessions.list(ada.id, first.expiresAtMs + 2 * dayMs), []);
      assert.equal(await data.sessions.end(ada.id, first.id, null), 1);
    });

    within('tokens are as many as may be, of people who are there', async ({ data, other }) => {
      const ada = newPerson('Ada');
      await data.people.add(ada, { by: 'nothing' });
      const token = newToken(ada.id);
      assert.equal(await data.tokens.add(token, 'hash', 2), true);
      assert.deepEqual(await other.tokens.find('hash'), { ...token, personName: 'Ada', role: 'member' });
      assert.equal(await other.tokens.add(newToken(ada.id), 'hash 2', 2), true);
      assert.equal(await data.tokens.add(newToken(ada.id), 'hash 3', 2), false);
      assert.equal(await data.tokens.add(newToken('nobody'), 'hash 4', 2), false);
      assert.equal((await data.tokens.list(null)).length, 2);
      await data.people.noteUse(ada.id, { sessionId: null, tokenId: token.id }, now + 3);
      assert.equal((await data.tokens.list(ada.id)).find(({ id }) => id === token.id)?.lastUsedAtMs, now + 3);
      const before = data.revision();
      assert.equal(await data.tokens.remove('nobody', token.id), null);
      assert.equal(await data.tokens.remove(ada.id, token.id), 'backup');
      assert.notEqual(data.revision(), before);
      assert.equal(await data.tokens.remove(ada.id, token.id), null);
      for (let n = 0; n < 3; n += 1) await data.invites.add(newInvite(), `invite ${n}`, 2);
      assert.equal((await other.invites.list(now)).length, 2);
    });

    within('tries are counted by all together, and come back', async ({ data, other }) => {
      const limits = (name: string) => [
        { key: `p ${name}`, burst: 4, everyMs: 600_000 },
        { key: `a ${name}`, burst: 9, everyMs: 600_000 },
      ];
      const all = Array.from({ length: 30 }, (_, n) =>
        (n % 2 ? data : other).attempts.take(limits('at once')),
      );
      // Never more; a write that is seen twice may cost a try.
      const atOnce = await count(0, all);
      assert.ok(atOnce >= 1 && atOnce <= 4, `${atOnce}`);
      const from = limits('one by one');
      for (const [n, { attempts }] of [data, other, data, other].entries())
        assert.equal(await attempts.take(from), 0, `${n}`);
      const waitMs = await data.attempts.take(from);
      assert.ok(waitMs > 500_000 && waitMs <= 600_000, `${waitMs}`);
      await data.attempts.giveBack(from);
      assert.equal(await data.attempts.take(from), 0);
      assert.ok((await data.attempts.take(from)) > 0);
      // Of the other one, five are left: what was refused took none.
      for (let n = 0; n < 9; n += 1)
        assert.equal((await data.attempts.take([from[1]!])) === 0, n < 5, `${n}`);
      await data.attempts.clear(from.map(({ key }) => key));
      assert.equal(await data.attempts.take(from), 0);
      // One that is whole again at once is no limit.
      for (let n = 0; n < 5; n += 1)
        assert.equal(await other.attempts.take([{ key: 'quick', burst: 1, everyMs: 0 }]), 0);
    });

    within('the log is told newest first, and does not grow for ever', async ({ data, other }) => {
      const actions = [
        'sign-in-failed',
        'signed-in',
        'sign-in-failed',
        'signed-out',
        'sign-in-failed',
      ] as const;
      await data.audit.add(actions.map((action, n) => newNote(action, now + n)));
      await data.audit.add([]);
      const listed = await other.audit.list(now + 4, 3);
      assert.deepEqual(
        listed.map(({ action, atMs }) => [action, atMs - now]),
        [
          ['signed-out', 3],
          ['sign-in-failed', 2],
          ['signed-in', 1],
        ],
      );
      assert.deepEqual(listed[2], { ...newNote('signed-in', now + 1), id: listed[2]!.id });
      await data.audit.tidy(now - 1, 1, 5);
      const left = async () =>
        (await data.audit.list(Number.POSITIVE_INFINITY, 10)).map(({ atMs }) => atMs - now);
      assert.deepEqual(await left(), [4, 3, 1]);
      await data.audit.tidy(now + 2, 5, 5);
      assert.deepEqual(await left(), [4, 3]);
    });

    within('what ran out goes, and nothing else', async ({ data }) => {
      const ada = newPerson('Ada');
      await data.people.add(ada, { by: 'nothing' });
      await data.sessions.add({ ...newSession(ada.id), token: 'short', expiresAtMs: now + 5 });
      await data.sessions.add({ ...newSession(ada.id), token: 'long' });
      await data.invites.add({ ...newInvite(), expiresAtMs: now + 5 }, 'short', 5);
      await data.invites.add(newInvite(), 'long', 5);
      await data.tidy(now + 10);
      const rows = await Array.fromAsync(data.rows());
      assert.deepEqual(
        rows.map(({ collection, row }) =>
          `${collection} ${row.token ?? row.secretHash ?? row.name ?? ''}`.trim(),
        ),
        ['user Ada', 'session long', 'account', 'invite long'],
      );
      await data.ping();
    });

    within('what is no text is not asked for', async ({ data }) => {
      await data.people.add(newPerson('Ada'), { by: 'nothing' });
      await data.sessions.add({ ...newSession('x'), token: 'a token' }).catch(() => {});
      const operators = [{ $ne: null }, { $gt: '' }, ['a'], null, 5, undefined] as unknown as string[];
      for (const value of operators) {
        const asked = [
          ...[data.people.get(value), data.people.find('email', value), data.sessions.find(value)],
          ...[data.sessions.endByToken(value), data.tokens.find(value), data.invites.find(value, now)],
          ...[data.passwords.findReset(value, now), data.factors.awaiting(value, now)],
          ...[data.factors.passkeyOwner(value), data.devices.find(value, now), data.passwords.hash(value)],
        ];
        for (const result of await Promise.allSettled(asked))
          assert.ok(result.status === 'rejected' || result.value === null, JSON.stringify(value));
      }
      assert.equal((await data.people.list()).length, 1);
    });
  });
}

function newSession(personId: string) {
  return {
    ...{ id: createId(), token: createId(), personId, address: '192.168.1.2', userAgent: 'Test/1.0' },
    ...{ createdAtMs: now, expiresAtMs: now + 30 * dayMs },
  };
}

function newToken(personId: string) {
  return {
    ...{ id: createId(), personId, name: 'backup', scopes: ['videos:watch', 'videos:add'] as const },
    ...{ createdAtMs: now, expiresAtMs: null, lastUsedAtMs: null },
  };
}

function newNote(action: 'sign-in-failed' | 'signed-in' | 'signed-out', atMs: number) {
  return {
    ...{ id: createId(), atMs, personId: null, personName: 'Ada', action, subject: 's' },
    address: '192.168.1.2',
  };
}
