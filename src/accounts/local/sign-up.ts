// New accounts: who may make one (the first is the owner's), what it needs, and that two who try at once do not both
// get what is there once. Made by us in one transaction; better-auth finds what it would have made itself.
import { timingSafeEqual } from 'node:crypto';
import { AppError } from '../../errors.ts';
import type { Accounts, Asker, NewAccount, SignedIn } from '../accounts.ts';
import type { Role } from '../permissions.ts';
import type { Core } from './core.ts';
import { startSession } from './log-in.ts';
import { type Login, parseLogin, parseName } from './people-rows.ts';
import { createSetupCode, hashSecret, readSetupCode } from './secrets.ts';

/** Of every refused sign-up: it does not tell whether there is such an address, or which invites there are. */
const refusedSignUp =
  'This account cannot be made. If you have one, log in; else ask the owner of this Kinora for an invite.';

/** What the newcomer becomes, and the invite that is used up by it. */
type Admission = {
  readonly role: Role;
  readonly quotaBytes: number | null;
  readonly inviteId: string | null;
};

type SignUp = Pick<Accounts, 'signUp' | 'doors' | 'setupCode' | 'addPerson'>;

export function createSignUp(core: Core): SignUp {
  const { store, people, config, attempts, audit, hasher } = core;
  /** Another one at each start; kept in memory alone. */
  const setupCode = createSetupCode();

  function admit(asker: Asker, { setupCode: given, invite }: NewAccount): Admission {
    if (!people.hasOwner()) {
      if (!asker.isThisMachine) checkSetupCode(asker, given ?? '');
      return { role: 'owner', quotaBytes: null, inviteId: null };
    }
    if (invite && config.signUp !== 'closed') {
      const row = store.get<{ inviteId: string; role: Role; quotaBytes: number | null }>(
        `SELECT id AS inviteId, role, quota_bytes AS quotaBytes FROM invite
         WHERE secret_hash = ? AND expires_at_ms > ?`,
        ...[hashSecret(invite.slice(0, 200)), core.clock.nowMs()],
      );
      if (row) return row;
    } else if (config.signUp === 'open') {
      return { role: 'member', quotaBytes: config.quotaBytes, inviteId: null };
    }
    throw new AppError('forbidden', refusedSignUp);
  }
  function checkSetupCode(asker: Asker, given: string): void {
    if (given === '')
      throw new AppError(
        'forbidden',
        'Type the code for the first account. It stands where Kinora was started (the console or its log).',
      );
    const attempt = attempts.begin('setup-code', { address: asker.address, account: 'first' });
    const [typed, right] = [given, setupCode].map((code) => Buffer.from(hashSecret(readSetupCode(code))));
    if (!timingSafeEqual(typed!, right!)) {
      audit.note(asker, null, 'sign-in-failed', 'code for the first account');
      throw new AppError(
        'forbidden',
        'This is not the code for the first account. It stands where Kinora was started (the console or its log).',
      );
    }
    attempt.succeeded();
  }
  async function checked({ name, login, password }: NewAccount): Promise<{ name: string; login: Login }> {
    const parsed = { name: parseName(name), login: parseLogin(login) };
    await core.checkPassword(password, [parsed.name, parsed.login.email ?? parsed.login.userName]);
    return parsed;
  }

  return {
    async signUp(asker, account): Promise<SignedIn> {
      admit(asker, account);
      const { name, login } = await checked(account);
      attempts.begin('sign-up', { address: asker.address });
      // Also for an address that is taken, so that both take the same time.
      const passwordHash = await hasher.hash(account.password);
      return store.transaction(() => {
        // Asked again: while the password was worked out, somebody else may have been the first or used the invite.
        const { role, quotaBytes, inviteId } = admit(asker, account);
        const id = people.add({ name, login, role, quotaBytes, passwordHash }, refusedSignUp);
        if (inviteId) store.run('DELETE FROM invite WHERE id = ?', inviteId);
        audit.note(asker, people.get(id), 'signed-up');
        return startSession(core, asker, id, null);
      });
    },
    async doors() {
      return {
        ...{ hasOwner: people.hasOwner(), signUp: config.signUp },
        ...{ openId: config.openId?.name ?? null, canMail: config.mail !== null },
      };
    },
    async setupCode() {
      return people.hasOwner() ? null : setupCode;
    },
    async addPerson(asker, byId, account) {
      const { name, login } = await checked(account);
      const passwordHash = await hasher.hash(account.password);
      const { role, quotaBytes } = account;
      const id = store.transaction(() =>
        people.add(
          { name, login, role, quotaBytes, passwordHash },
          'There is an account with this address already.',
        ),
      );
      const person = people.get(id)!;
      audit.note(asker, byId ? people.get(byId) : null, 'signed-up', `${person.name}, ${role}`);
      return person;
    },
  };
}
