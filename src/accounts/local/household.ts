// The owner's part: people, what they may do, and invites. What changes holds at once: sessions of somebody who is
// turned off or gone end in the same transaction.
import { AppError } from '../../errors.ts';
import { createId } from '../../ids.ts';
import type { Accounts, Invite, Person, PersonChanges } from '../accounts.ts';
import { roles } from '../permissions.ts';
import type { Core } from './core.ts';
import { parseName } from './people-rows.ts';
import { createSecret, hashSecret } from './secrets.ts';
import { removeTwoFactor } from './two-factor.ts';

type Household = Pick<Accounts, 'getPerson' | 'listPeople' | 'changePerson' | 'removePerson'> &
  Pick<Accounts, 'invite' | 'listInvites' | 'removeInvite' | 'findInvite' | 'listAudit'>;

const inviteColumns =
  'id, role, quota_bytes AS quotaBytes, note, created_at_ms AS createdAtMs, expires_at_ms AS expiresAtMs';
/** More than a house can need; a bound on what an owner's stolen session can fill the disk with. */
const mostInvites = 200;

export function createHousehold(core: Core): Household {
  const { store, people, sessions, audit, clock } = core;
  const by = (id: string | null) => (id ? people.get(id) : null);

  function found(id: string): Person {
    const person = people.get(id);
    if (!person) throw new AppError('not-found', 'There is no such person.');
    return person;
  }
  /** In a transaction, after the change. */
  function keepAnOwner(before: Person): void {
    if (before.role === 'owner' && !before.isDisabled && people.countOwners() === 0)
      throw new AppError('conflict', 'This is the last owner. Make somebody else an owner first.');
  }
  /**
   * In a transaction, after the change: invites and ways to a new password that somebody handed out as an owner would
   * let them back in. Whose they are is not kept, so all of them end.
   */
  function takeBack(before: Person): void {
    const now = people.get(before.id);
    if (before.role !== 'owner' || (now?.role === 'owner' && !now.isDisabled)) return;
    store.run('DELETE FROM invite');
    store.run('DELETE FROM reset');
  }

  return {
    async getPerson(id) {
      return people.get(id);
    },
    async listPeople() {
      return people.list();
    },
    async changePerson(asker, byId, id, changes) {
      const { before, after } = store.transaction(() => {
        const before = found(id);
        const { name, role, quotaBytes, isDisabled } = checkedChanges(before, changes);
        store.run(
          'UPDATE "user" SET name = ?, role = ?, quotaBytes = ?, isDisabled = ?, updatedAt = ? WHERE id = ?',
          ...[name, role, quotaBytes, isDisabled ? 1 : 0, new Date(clock.nowMs()).toISOString(), id],
        );
        if (isDisabled) sessions.end(id, null, null);
        if (changes.hasTwoFactor === false) removeTwoFactor(store, id);
        // A token never does more than its person; what is over is taken from it when it is used (`permits`).
        keepAnOwner(before);
        takeBack(before);
        return { before, after: found(id) };
      });
      const what = describeChanges(before, after);
      if (what) audit.note(asker, by(byId), 'person-changed', `${after.name}: ${what}`);
      return after;
    },
    async removePerson(asker, byId, id) {
      const who = by(byId); // read before, in case they remove themselves
      const person = store.transaction(() => {
        const person = found(id);
        store.run('DELETE FROM "session" WHERE userId = ?', id);
        store.run('DELETE FROM token WHERE person_id = ?', id);
        store.run('DELETE FROM verification WHERE value = ?', id);
        store.run('DELETE FROM "deviceCode" WHERE userId = ?', id);
        store.run('DELETE FROM "user" WHERE id = ?', id); // the rest goes with it
        keepAnOwner(person);
        takeBack(person);
        return person;
      });
      audit.note(asker, who, 'person-removed', person.name);
    },

    async invite(asker, byId, { role, quotaBytes, note, expiresAtMs }) {
      if (!roles.includes(role)) throw new AppError('bad-request', 'There is no such role.');
      const nowMs = clock.nowMs();
      if (!Number.isSafeInteger(expiresAtMs) || expiresAtMs <= nowMs)
        throw new AppError('bad-request', 'Choose a time to come for the invite to end.');
      const invite: Invite = {
        ...{ id: createId(), role, quotaBytes: checkedQuota(quotaBytes), note: noteOf(note) },
        ...{ createdAtMs: nowMs, expiresAtMs },
      };
      const secret = createSecret();
      store.transaction(() => {
        store.run('DELETE FROM invite WHERE expires_at_ms <= ?', nowMs);
        const { waiting } = store.get<{ waiting: number }>('SELECT count(*) AS waiting FROM invite')!;
        if (waiting >= mostInvites)
          throw new AppError('conflict', 'Too many invites wait already. Take some back first.');
        store.run(
          `INSERT INTO invite (id, secret_hash, role, quota_bytes, note, created_at_ms, expires_at_ms)
           VALUES (?, ?, ?, ?, ?, ?, ?)`,
          ...[invite.id, hashSecret(secret), role, invite.quotaBytes, invite.note, nowMs, expiresAtMs],
        );
      });
      audit.note(asker, by(byId), 'person-invited', invite.note || role);
      return { invite, secret };
    },
    async listInvites() {
      return store.all<Invite>(
        `SELECT ${inviteColumns} FROM invite WHERE expires_at_ms > ? ORDER BY created_at_ms DESC, id`,
        clock.nowMs(),
      );
    },
    async removeInvite(id) {
      store.run('DELETE FROM invite WHERE id = ?', id);
    },
    async findInvite(secret) {
      return (
        store.get<Invite>(
          `SELECT ${inviteColumns} FROM invite WHERE secret_hash = ? AND expires_at_ms > ?`,
          ...[hashSecret(secret.slice(0, 200)), clock.nowMs()],
        ) ?? null
      );
    },
    async listAudit(beforeMs, limit) {
      return audit.list(beforeMs, limit);
    },
  };
}

function checkedChanges(
  person: Person,
  changes: PersonChanges,
): Required<Omit<PersonChanges, 'hasTwoFactor'>> {
  const role = changes.role ?? person.role;
  if (!roles.includes(role)) throw new AppError('bad-request', 'There is no such role.');
  return {
    name: changes.name === undefined ? person.name : parseName(changes.name),
    role,
    quotaBytes: changes.quotaBytes === undefined ? person.quotaBytes : checkedQuota(changes.quotaBytes),
    isDisabled: changes.isDisabled ?? person.isDisabled,
  };
}

/** One line of text, for the log as well: nothing that breaks it or turns it about. */
function noteOf(text: string): string {
  return text
    .replace(/[\s\p{Cc}\p{Bidi_Control}]+/gu, ' ')
    .trim()
    .slice(0, 200);
}

function checkedQuota(quotaBytes: number | null): number | null {
  if (quotaBytes !== null && !(Number.isSafeInteger(quotaBytes) && quotaBytes >= 0))
    throw new AppError('bad-request', 'A quota is a whole number of bytes.');
  return quotaBytes;
}

function describeChanges(before: Person, after: Person): string {
  const parts = [
    before.name !== after.name && `called ${before.name} before`,
    before.hasTwoFactor && !after.hasTwoFactor && 'second factor off',
    before.role !== after.role && `${before.role} to ${after.role}`,
    before.quotaBytes !== after.quotaBytes && 'quota',
    before.isDisabled !== after.isDisabled && (after.isDisabled ? 'turned off' : 'turned on'),
  ];
  return parts.filter(Boolean).join(', ');
}
