// People in accounts.sqlite.
import type { Person, PersonChanges } from '../accounts.ts';
import type { Admitted, PeopleData } from '../local/account-data.ts';
import { isStandIn } from '../local/people-rows.ts';
import { setPasswordHash } from './passwords.ts';
import { endSessions } from './sessions.ts';
import type { Store } from './store.ts';

type Row = Omit<Person, 'isDisabled' | 'hasPassword' | 'hasTwoFactor' | 'createdAtMs' | 'email'> & {
  email: string;
  isDisabled: number;
  hasPassword: number;
  hasTwoFactor: number;
  createdAt: string;
};

const columns = `
  u.id, u.name, u.email, u.username AS userName, u.role, u.quotaBytes, u.isDisabled, u.createdAt,
  u.lastSeenAtMs, coalesce(u.twoFactorEnabled, 0) AS hasTwoFactor,
  EXISTS (SELECT 1 FROM account a WHERE a.userId = u.id AND a.providerId = 'credential' AND a.password IS NOT NULL)
    AS hasPassword`;

const findBy = {
  email: `SELECT ${columns} FROM "user" u WHERE u.email = ?`,
  userName: `SELECT ${columns} FROM "user" u WHERE u.username = ?`,
} as const;

export function sqlitePeople(store: Store): PeopleData {
  const get = (id: string): Person | null => {
    const row = store.get<Row>(`SELECT ${columns} FROM "user" u WHERE u.id = ?`, id);
    return row ? toPerson(row) : null;
  };
  const hasOwner = () => store.get(`SELECT 1 FROM "user" WHERE role = 'owner' LIMIT 1`) !== undefined;
  /** In a transaction, after the change. */
  const isOwnerLost = (before: Person): boolean =>
    before.role === 'owner' &&
    !before.isDisabled &&
    store.get(`SELECT 1 FROM "user" WHERE role = 'owner' AND isDisabled = 0 LIMIT 1`) === undefined;
  /** In a transaction, after the change: what somebody handed out as an owner would let them back in. Whose they are is not kept, so all of them end. */
  const takeBack = (before: Person): void => {
    const now = get(before.id);
    if (before.role !== 'owner' || (now?.role === 'owner' && !now.isDisabled)) return;
    store.run('DELETE FROM invite');
    store.run('DELETE FROM reset');
  };
  /** In a transaction, before anything is written. */
  function isAdmitted(admitted: Admitted, nowMs: number): boolean {
    if (admitted.by !== 'invite') return admitted.by === 'nothing' || !hasOwner();
    return (
      store.get('SELECT 1 FROM invite WHERE id = ? AND expires_at_ms > ?', admitted.inviteId, nowMs) !==
      undefined
    );
  }

  return {
    get: async (id) => get(id),
    list: async () =>
      store.all<Row>(`SELECT ${columns} FROM "user" u ORDER BY u.createdAt, u.id`).map(toPerson),
    async find(by, text) {
      const row = store.get<Row>(findBy[by], text);
      return row ? toPerson(row) : null;
    },
    hasOwner: async () => hasOwner(),
    add: async (person, admitted) =>
      store.transaction(() => {
        if (!isAdmitted(admitted, person.createdAtMs)) return 'not-admitted';
        if (person.userName !== null && store.get(findBy.userName, person.userName)) return 'user-name-taken';
        if (store.get(findBy.email, person.email)) return 'email-taken';
        const at = new Date(person.createdAtMs).toISOString();
        const { id, name, email, userName, role, quotaBytes, passwordHash } = person;
        store.run(
          `INSERT INTO "user" (id, name, email, emailVerified, createdAt, updatedAt, username, twoFactorEnabled,
             role, quotaBytes, isDisabled) VALUES (?, ?, ?, 0, ?, ?, ?, 0, ?, ?, 0)`,
          ...[id, name, email, at, at, userName, role, quotaBytes],
        );
        if (passwordHash !== null) setPasswordHash(store, id, passwordHash, person.createdAtMs);
        if (admitted.by === 'invite') store.run('DELETE FROM invite WHERE id = ?', admitted.inviteId);
        return 'added';
      }),
    async noteUse(personId, { sessionId, tokenId }, nowMs) {
      store.transaction(() => {
        if (sessionId)
          store.run(
            'UPDATE "session" SET updatedAt = ? WHERE id = ?',
            new Date(nowMs).toISOString(),
            sessionId,
          );
        if (tokenId) store.run('UPDATE token SET last_used_at_ms = ? WHERE id = ?', nowMs, tokenId);
        store.run('UPDATE "user" SET lastSeenAtMs = ? WHERE id = ?', nowMs, personId);
      });
    },
    change: async (id, changes, nowMs) =>
      undone(() =>
        store.transaction(() => {
          const before = get(id);
          if (!before) return 'not-found';
          write(store, before, changes, nowMs);
          const after = get(id)!;
          if (after.isDisabled !== before.isDisabled) endSessions(store, id, null, null);
          if (isOwnerLost(before)) throw new LastOwner();
          takeBack(before);
          return { before, after };
        }),
      ),
    remove: async (id) =>
      undone(() =>
        store.transaction(() => {
          const person = get(id);
          if (!person) return 'not-found';
          store.run('DELETE FROM "session" WHERE userId = ?', id);
          store.run('DELETE FROM token WHERE person_id = ?', id);
          store.run('DELETE FROM verification WHERE value = ?', id);
          store.run('DELETE FROM "deviceCode" WHERE userId = ?', id);
          store.run('DELETE FROM "user" WHERE id = ?', id); // the rest goes with it
          if (isOwnerLost(person)) throw new LastOwner();
          takeBack(person);
          return person;
        }),
      ),
  };
}

/** Undoes the transaction it is thrown in. */
class LastOwner extends Error {}

function undone<Result>(work: () => Result): Result | 'last-owner' {
  try {
    return work();
  } catch (error) {
    if (error instanceof LastOwner) return 'last-owner';
    throw error;
  }
}

function write(store: Store, before: Person, changes: PersonChanges, nowMs: number): void {
  const { hasTwoFactor, ...given } = changes;
  const { name, role, quotaBytes, isDisabled } = { ...before, ...given };
  store.run(
    'UPDATE "user" SET name = ?, role = ?, quotaBytes = ?, isDisabled = ?, updatedAt = ? WHERE id = ?',
    ...[name, role, quotaBytes, isDisabled ? 1 : 0, new Date(nowMs).toISOString(), before.id],
  );
  if (hasTwoFactor === false) turnOffSecondFactor(store, before.id);
}

/** In the caller's transaction. */
export function turnOffSecondFactor(store: Store, personId: string): void {
  store.run('DELETE FROM "twoFactor" WHERE userId = ?', personId);
  store.run('UPDATE "user" SET twoFactorEnabled = 0 WHERE id = ?', personId);
}

function toPerson({ email, isDisabled, hasPassword, hasTwoFactor, createdAt, ...row }: Row): Person {
  return {
    ...row,
    email: isStandIn(email) ? null : email,
    isDisabled: isDisabled === 1,
    hasPassword: hasPassword === 1,
    hasTwoFactor: hasTwoFactor === 1,
    createdAtMs: Date.parse(createdAt),
  };
}
