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
export function addResetSecret({ store, clock }: Core, personId: string, holdsMs: number): string {
  const secret = createSecret();
  store.transaction(() => {
    store.run('DELETE FROM reset WHERE person_id = ? OR expires_at_ms < ?', personId, clock.nowMs());
    store.run(
      'INSERT INTO reset (secret_hash, person_id, expires_at_ms) VALUES (?, ?, ?)',
      ...[hashSecret(secret), personId, clock.nowMs() + holdsMs],
    );
  });
  return secret;
}

/** Whether it is the person's present password; counted like a log-in. Throws `unauthorized`, `too-many`. */
export async function provePassword(
  core: Core,
  asker: Asker,
  personId: string,
  password: string,
): Promise<void> {
  const { attempts, people, hasher, cookies, audit } = core;
  const attempt = attempts.begin('password', {
    ...{ address: asker.address, account: personId, device: cookies.deviceOf(asker, personId) },
  });
  const stored = people.passwordHash(personId);
  if (stored === null) {
    attempt.void();
    throw new AppError('unauthorized', 'This account has no password. Ask the owner for a way to set one.');
  }
  let isRight: boolean;
  try {
    isRight = password.length <= 512 && (await hasher.first(() => hasher.isPassword(password, stored)));
  } catch (error) {
    attempt.void();
    throw error;
  }
  if (!isRight) {
    audit.note(asker, people.get(personId), 'sign-in-failed', 'present password');
    throw new AppError('unauthorized', 'The present password is not right.');
  }
  attempt.succeeded();
}

export function createPasswords(core: Core): Passwords {
  const { store, people, hasher, sessions, audit, clock } = core;
  const about = (personId: string) => {
    const person = people.get(personId);
    return person ? [person.name, person.email ?? '', person.userName ?? ''] : [];
  };
  return {
    judgePassword: (password, known) => core.judgePassword(password, known),
    async changePassword(asker, personId, current, next): Promise<Cookies> {
      await provePassword(core, asker, personId, current);
      await core.checkPassword(next, about(personId));
      if (next === current)
        throw new AppError('bad-request', 'This is the present password. Choose another one.');
      const hash = await hasher.hash(next);
      const person = people.get(personId);
      if (!person) throw new AppError('unauthorized', 'This account is gone.');
      return store.transaction(() => {
        people.setPasswordHash(personId, hash);
        store.run('DELETE FROM reset WHERE person_id = ?', personId);
        // This one as well: it goes on under a new secret (OWASP ASVS 5.0 §7.2.4).
        sessions.end(personId, null, null);
        audit.note(asker, person, 'password-changed');
        return startSession(core, asker, personId, null).cookies;
      });
    },
    confirmPassword: (asker, personId, password) => provePassword(core, asker, personId, password),
    async resetPassword(asker, token, password) {
      const find = () =>
        store.get<{ personId: string }>(
          `SELECT r.person_id AS personId FROM reset r JOIN "user" u ON u.id = r.person_id
           WHERE r.secret_hash = ? AND r.expires_at_ms > ? AND u.isDisabled = 0`,
          ...[hashSecret(token.slice(0, 200)), clock.nowMs()],
        )?.personId ?? null;
      const gone = () =>
        new AppError('forbidden', 'This way to a new password was used or is too old. Ask for another one.');
      const personId = find();
      if (!personId) throw gone();
      await core.checkPassword(password, about(personId));
      const hash = await hasher.hash(password);
      store.transaction(() => {
        if (find() !== personId) throw gone();
        people.setPasswordHash(personId, hash);
        store.run('DELETE FROM reset WHERE person_id = ?', personId);
        sessions.end(personId, null, null);
        audit.note(asker, people.get(personId), 'password-reset');
      });
    },
    async makeResetToken(asker, byId, personId) {
      const person = people.get(personId);
      if (!person) throw new AppError('not-found', 'There is no such person.');
      const secret = addResetSecret(core, personId, resetMs);
      audit.note(
        asker,
        byId ? people.get(byId) : null,
        'person-changed',
        `${person.name}: way to a new password`,
      );
      return secret;
    },
  };
}
