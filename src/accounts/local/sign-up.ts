// New accounts: who may make one (the first is the owner's), what it needs, and that two who try at once do not both
// get what is there once. Made by us in one operation; better-auth finds what it would have made itself.
import { timingSafeEqual } from 'node:crypto';
import { AppError } from '../../errors.ts';
import { createId } from '../../ids.ts';
import type { Accounts, Asker, NewAccount, SignedIn } from '../accounts.ts';
import type { Role } from '../permissions.ts';
import type { Admitted } from './account-data.ts';
import type { Core } from './core.ts';
import { startSession } from './log-in.ts';
import { engineAddress, type Login, parseLogin, parseName } from './people-rows.ts';
import { hashSecret, readSetupCode } from './secrets.ts';

/** Of every refused sign-up: it does not tell whether there is such an address, or which invites there are. */
const refusedSignUp =
  'This account cannot be made. If you have one, log in; else ask the owner of this Kinora for an invite.';

/** What the newcomer becomes, and why. */
type Admission = {
  readonly role: Role;
  readonly quotaBytes: number | null;
  readonly admitted: Admitted;
};

/** How often somebody asks anew to be let in because others were quicker: the first account, then an invite. */
const mostRounds = 3;

type SignUp = Pick<Accounts, 'signUp' | 'doors' | 'setupCode' | 'addPerson'>;

export function createSignUp(core: Core): SignUp {
  const { data, config, attempts, audit, hasher, clock, setupCode } = core;

  async function admit(asker: Asker, { setupCode: given, invite }: NewAccount): Promise<Admission> {
    if (!(await data.people.hasOwner())) {
      if (!asker.isThisMachine) await checkSetupCode(asker, given ?? '');
      return { role: 'owner', quotaBytes: null, admitted: { by: 'first' } };
    }
    if (invite && config.signUp !== 'closed') {
      const found = await data.invites.find(hashSecret(invite.slice(0, 200)), clock.nowMs());
      if (found) {
        const { id: inviteId, role, quotaBytes } = found;
        return { role, quotaBytes, admitted: { by: 'invite', inviteId } };
      }
    } else if (config.signUp === 'open') {
      return { role: 'member', quotaBytes: config.quotaBytes, admitted: { by: 'nothing' } };
    }
    throw new AppError('forbidden', refusedSignUp);
  }
  async function checkSetupCode(asker: Asker, given: string): Promise<void> {
    if (given === '')
      throw new AppError(
        'forbidden',
        'Type the code for the first account. It stands where Kinora was started (the console or its log).',
      );
    const attempt = await attempts.begin('setup-code', { address: asker.address, account: 'first' });
    const [typed, right] = [given, setupCode].map((code) => Buffer.from(hashSecret(readSetupCode(code))));
    if (!timingSafeEqual(typed!, right!)) {
      await audit.note(asker, null, 'sign-in-failed', 'code for the first account');
      throw new AppError(
        'forbidden',
        'This is not the code for the first account. It stands where Kinora was started (the console or its log).',
      );
    }
    await attempt.succeeded();
  }
  async function checked({ name, login, password }: NewAccount): Promise<{ name: string; login: Login }> {
    const parsed = { name: parseName(name), login: parseLogin(login) };
    await core.checkPassword(password, [parsed.name, parsed.login.email ?? parsed.login.userName]);
    return parsed;
  }

  /** Resolves to the id, or null where it was not admitted (any more). Throws `conflict` for a user name, `forbidden` with `takenSentence` for an address that is taken. */
  async function add(
    person: { readonly name: string; readonly login: Login; readonly passwordHash: string },
    { role, quotaBytes, admitted }: Admission,
    takenSentence: string,
  ): Promise<string | null> {
    const { name, login, passwordHash } = person;
    const id = createId();
    const { userName, email } = login;
    const outcome = await data.people.add(
      {
        ...{ id, name, userName, role, quotaBytes, passwordHash, createdAtMs: clock.nowMs() },
        email: engineAddress({ id, email }),
      },
      admitted,
    );
    if (outcome === 'user-name-taken')
      throw new AppError('conflict', 'This user name is taken. Choose another one.');
    if (outcome === 'email-taken') throw new AppError('forbidden', takenSentence);
    return outcome === 'added' ? id : null;
  }

  return {
    async signUp(asker, account): Promise<SignedIn> {
      let admission = await admit(asker, account);
      const { name, login } = await checked(account);
      await attempts.begin('sign-up', { address: asker.address });
      // Also for an address that is taken, so that both take the same time.
      const passwordHash = await hasher.hash(account.password);
      for (let round = 1; round <= mostRounds; round += 1) {
        const id = await add({ name, login, passwordHash }, admission, refusedSignUp);
        if (id) {
          await audit.note(asker, { id, name }, 'signed-up');
          return startSession(core, asker, id, null);
        }
        // While the password was worked out, somebody else was the first or used the invite.
        admission = await admit(asker, account);
      }
      throw new AppError('forbidden', refusedSignUp);
    },
    async doors() {
      return {
        ...{ hasOwner: await data.people.hasOwner(), signUp: config.signUp },
        ...{ openId: config.openId?.name ?? null, canMail: config.mail !== null },
      };
    },
    async setupCode() {
      return (await data.people.hasOwner()) ? null : setupCode;
    },
    async addPerson(asker, byId, account) {
      const { name, login } = await checked(account);
      const passwordHash = await hasher.hash(account.password);
      const { role, quotaBytes } = account;
      const admission: Admission = { role, quotaBytes, admitted: { by: 'nothing' } };
      const taken = 'There is an account with this address already.';
      const id = await add({ name, login, passwordHash }, admission, taken);
      const person = id ? await data.people.get(id) : null;
      if (!person) throw new AppError('unavailable', 'The account could not be made right now. Try again.');
      await audit.note(
        asker,
        byId ? await data.people.get(byId) : null,
        'signed-up',
        `${person.name}, ${role}`,
      );
      return person;
    },
  };
}
