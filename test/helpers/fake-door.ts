// A fake site with accounts and everything that its pages can show: invitations, sessions, tokens, a television that
// waits, log-ins that failed, people with hostile names. And one where nobody has an account yet.
import type { Asker } from '../../src/accounts/accounts.ts';
import type { Role } from '../../src/accounts/permissions.ts';
import { fakePassword } from './fake-accounts.ts';
import { type FakeSite, startFakeSite } from './fake-site.ts';

const dayMs = 86_400_000;

/** Names that try the layout and the escaping. */
export const hostileNames: readonly string[] = [
  '<script>alert("name")</script>',
  '\u202Eavoid "quotes"',
  'سارة بنت عبد الله',
  'Abcdefghij'.repeat(20),
];

export type FakeDoor = {
  readonly site: FakeSite;
  /** Nobody has an account there. */
  readonly first: FakeSite;
  /** Ids of people with hostile names. */
  readonly hostileIds: readonly string[];
  readonly inviteSecret: string;
  readonly resetToken: string;
  /** Of a television that waits. */
  readonly userCode: string;
  /** Name and value of a cookie that logs such a person in. */
  session(role: Role): { name: string; value: string };
  close(): Promise<void>;
};

/** Somebody at a television in the house. */
export const fakeAsker: Asker = {
  ...{ address: '192.168.1.23', origin: 'http://192.168.1.5:5000', cookieHeader: null, isThisMachine: false },
  userAgent: 'Mozilla/5.0 (Linux; Android 9; BRAVIA 4K) AppleWebKit/537.36 Chrome/94.0 Safari/537.36',
};

export async function startFakeDoor(): Promise<FakeDoor> {
  // As many as take in every odd one and every hostile title: more cards only take longer to look at.
  const videoCount = 26;
  const doors = { openId: 'the house log-in' };
  const site = await startFakeSite({ mode: 'accounts', videoCount, accounts: { doors } });
  const first = await startFakeSite({ mode: 'accounts', videoCount, accounts: { isEmpty: true } });
  const { accounts, clock } = site.services;
  const { owner, member } = accounts.ids;
  const wanted = {
    role: 'member',
    quotaBytes: null,
    note: 'Uncle Theo',
    expiresAtMs: clock.nowMs() + 7 * dayMs,
  };
  const { secret } = await accounts.invite(fakeAsker, owner, { ...wanted, role: 'member' });
  const hostileIds: string[] = [];
  for (const [index, name] of hostileNames.entries()) {
    const account = { name, login: `hostile-${index}`, password: fakePassword };
    const person = await accounts.addPerson(fakeAsker, owner, { ...account, role: 'child', quotaBytes: 1e9 });
    hostileIds.push(person.id);
    await accounts.changePerson(fakeAsker, owner, person.id, { isDisabled: index === 1 });
  }
  await accounts.signIn(fakeAsker, '"><script>alert(1)</script>', 'wrong').catch(() => {});
  for (const login of ['anna@example.org', 'anna@example.org', 'ben'])
    await accounts.signIn(fakeAsker, login, fakePassword);
  const token = { name: hostileNames[0]!, scopes: ['videos:watch', 'videos:add'] as const };
  await accounts.addToken(fakeAsker, owner, { ...token, expiresAtMs: clock.nowMs() + 90 * dayMs });
  const { userCode } = await accounts.startDevice(fakeAsker);
  return {
    ...{ site, first, hostileIds, userCode, inviteSecret: secret },
    resetToken: await accounts.makeResetToken(fakeAsker, owner, member),
    session(role) {
      const [name, value] = accounts.cookieOf(accounts.ids[role]).split('=');
      return { name: name!, value: value! };
    },
    async close() {
      await site.close();
      await first.close();
    },
  };
}
