// Changing a password, and a new one for who forgot it: by a secret that the owner or a mail hands over, good once.
import { AppError } from '../../errors.ts';
import type { Accounts, Asker, Cookies } from '../accounts.ts';
import type { Core } from './core.ts';
import { startSession } from './log-in.ts';
import { createSecret, hashSecret } from './secrets.ts';

/** For the secret that an owner hands over. */
const resetMs = 86_400_000;

type Passwords = Pick<
  Accounts,
  'changePassword' | 'confirmPassword' | 'resetPassword' | 'makeResetToken' | 'judgePassword'
>;

/** A secret for `resetPassword`, good once and for `holdsMs`; earlier ones of the person are not any more. */
export async function addResetSecret(
  { data, clock }: Core,
  personId: string,
  holdsMs: number,
): Promise<string> {
  const secret = createSecret();
  const nowMs = clock.nowMs();
  await data.passwords.addReset(personId, hashSecret(secret), nowMs + holdsMs, nowMs);
  return secret;
}

/** Whether it is the person's present password; counted like a log-in. Throws `unauthorized`, `too-many`. */
export async function provePassword(
  core: Core,
  asker: Asker,
  personId: string,
  password: string,
): Promise<void> {
  const { data, attempts, hasher, cookies, audit } = core;
  const attempt = await attempts.begin('password', {
    ...{ address: asker.address, account: personId, device: cookies.deviceOf(asker, personId) },
  });
  const stored = await data.passwords.hash(personId);
  if (stored === null) {
    await attempt.void();
    throw new AppError('unauthorized', 'This account has no password. Ask the owner for a way to set one.');
  }
  let isRight: boolean;
  try {
    isRight = password.length <= 512 && (await hasher.first(() => hasher.isPassword(password, stored)));
  } catch (error) {
    await attempt.void();
    throw error;
  }
  if (!isRight) {
    await audit.note(asker, await data.people.get(personId), 'sign-in-failed', 'present password');
    throw new AppError('unauthorized', 'The present password is not right.');
  }
  await attempt.succeeded();
}

export function createPasswords(core: Core): Passwords {
  const { data, hasher, audit, clock } = core;
  const about = async (personId: string) => {
    const person = await data.people.get(personId);
    return person ? [person.name, person.email ?? '', person.userName ?? ''] : [];
  };
  return {
    judgePassword: (password, known) => core.judgePassword(password, known),
    async changePassword(asker, personId, current, next): Promise<Cookies> {
      await provePassword(core, asker, personId, current);
      await core.checkPassword(next, await about(personId));
      if (next === current)
        throw new AppError('bad-request', 'This is the present password. Choose another one.');
      const hash = await hasher.hash(next);
      // This session as well: it goes on under a new secret (OWASP ASVS 5.0 §7.2.4).
      if (!(await data.passwords.change(personId, hash, clock.nowMs())))
        throw new AppError('unauthorized', 'This account is gone.');
      await audit.note(asker, await data.people.get(personId), 'password-changed');
      return (await startSession(core, asker, personId, null)).cookies;
    },
    confirmPassword: (asker, personId, password) => provePassword(core, asker, personId, password),
    async resetPassword(asker, token, password) {
      const secretHash = hashSecret(token.slice(0, 200));
      const gone = () =>
        new AppError('forbidden', 'This way to a new password was used or is too old. Ask for another one.');
      const personId = await data.passwords.findReset(secretHash, clock.nowMs());
      if (!personId) throw gone();
      await core.checkPassword(password, await about(personId));
      const hash = await hasher.hash(password);
      if ((await data.passwords.takeReset(secretHash, hash, clock.nowMs())) === null) throw gone();
      await audit.note(asker, await data.people.get(personId), 'password-reset');
    },
    async makeResetToken(asker, byId, personId) {
      const person = await data.people.get(personId);
      if (!person) throw new AppError('not-found', 'There is no such person.');
      const secret = await addResetSecret(core, personId, resetMs);
      const by = byId ? await data.people.get(byId) : null;
      await audit.note(asker, by, 'person-changed', `${person.name}: way to a new password`);
      return secret;
    },
  };
}
