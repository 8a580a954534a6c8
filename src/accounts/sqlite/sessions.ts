// Sessions in accounts.sqlite, in better-auth's own table.
import type { ListedSessionRow, SessionData, SessionRow } from '../local/account-data.ts';
import { writeAudit } from './audit.ts';
import type { Store } from './store.ts';

type Times = Record<'expiresAt' | 'createdAt' | 'updatedAt', string>;
type FoundRow = Pick<SessionRow, 'id' | 'token' | 'personId' | 'personName' | 'role'> & Times;
type ListRow = { id: string; ipAddress: string | null; userAgent: string | null } & Times;

const iso = (ms: number) => new Date(ms).toISOString();

function timesOf({ createdAt, expiresAt, updatedAt }: Times) {
  return {
    createdAtMs: Date.parse(createdAt),
    expiresAtMs: Date.parse(expiresAt),
    lastUsedAtMs: Date.parse(updatedAt),
  };
}

/** In the caller's transaction, as `SessionData.end`. Which of them said yes to a television is not kept: it asks again. */
export function endSessions(
  store: Store,
  personId: string,
  id: string | null,
  exceptId: string | null,
): number {
  store.run('DELETE FROM "deviceCode" WHERE userId = ?', personId);
  if (id !== null) return store.run('DELETE FROM "session" WHERE userId = ? AND id = ?', personId, id);
  return store.run('DELETE FROM "session" WHERE userId = ? AND id <> ?', personId, exceptId ?? '');
}

export function sqliteSessions(store: Store): SessionData {
  return {
    async add({ id, token, personId, address, userAgent, createdAtMs, expiresAtMs }) {
      store.run(
        `INSERT INTO "session" (id, expiresAt, token, createdAt, updatedAt, ipAddress, userAgent, userId)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
        ...[id, iso(expiresAtMs), token, iso(createdAtMs), iso(createdAtMs), address, userAgent, personId],
      );
    },
    async find(token) {
      const row = store.get<FoundRow>(
        `SELECT s.id, s.token, s.expiresAt, s.updatedAt, s.createdAt, u.id AS personId, u.name AS personName, u.role
         FROM "session" s JOIN "user" u ON u.id = s.userId WHERE s.token = ? AND u.isDisabled = 0`,
        token,
      );
      if (!row) return null;
      const { id, personId, personName, role } = row;
      return { id, token, personId, personName, role, ...timesOf(row) };
    },
    list: async (personId, nowMs) =>
      store
        .all<ListRow>(
          `SELECT id, expiresAt, createdAt, updatedAt, ipAddress, userAgent FROM "session"
           WHERE userId = ? AND expiresAt > ? ORDER BY updatedAt DESC, id`,
          ...[personId, iso(nowMs)],
        )
        .map(
          (row): ListedSessionRow => ({
            ...{ id: row.id, address: row.ipAddress ?? '', userAgent: row.userAgent ?? '' },
            ...timesOf(row),
          }),
        ),
    async prolong(id, expiresAtMs, nowMs) {
      store.run(
        'UPDATE "session" SET expiresAt = ?, updatedAt = ? WHERE id = ? AND expiresAt < ?',
        ...[iso(expiresAtMs), iso(nowMs), id, iso(expiresAtMs)],
      );
    },
    async endByToken(token) {
      return (
        store.get<{ id: string; personId: string }>(
          'DELETE FROM "session" WHERE token = ? RETURNING id, userId AS personId',
          token,
        ) ?? null
      );
    },
    async complete({ session, before, most, nowMs, note }) {
      store.transaction(() => {
        if (before) store.run('DELETE FROM "session" WHERE token = ? AND id <> ?', before, session.id);
        store.run(
          `DELETE FROM "session" WHERE userId = ? AND id <> ? AND id NOT IN (
             SELECT id FROM "session" WHERE userId = ? AND id <> ? ORDER BY updatedAt DESC, rowid DESC LIMIT ?)`,
          ...[session.personId, session.id, session.personId, session.id, most - 1],
        );
        store.run('UPDATE "user" SET lastSeenAtMs = ? WHERE id = ?', nowMs, session.personId);
        if (note) writeAudit(store, note);
      });
    },
    end: async (personId, id, exceptId) =>
      store.transaction(() => endSessions(store, personId, id, exceptId)),
  };
}
