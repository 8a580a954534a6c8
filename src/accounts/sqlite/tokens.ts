// API tokens, invites and televisions that wait, in accounts.sqlite.
import type { Invite, Token } from '../accounts.ts';
import type { DeviceData, InviteData, TokenData } from '../local/account-data.ts';
import type { Permission, Role } from '../permissions.ts';
import type { Store } from './store.ts';

type Stored = Omit<Token, 'scopes'> & { scopes: string };

const tokenColumns = `t.id, t.person_id AS personId, t.name, t.scopes, t.created_at_ms AS createdAtMs,
  t.expires_at_ms AS expiresAtMs, t.last_used_at_ms AS lastUsedAtMs`;

export function sqliteTokens(store: Store): TokenData {
  const withScopes = <Row extends { scopes: string }>(row: Row) => ({
    ...row,
    scopes: JSON.parse(row.scopes) as Permission[],
  });
  return {
    async find(secretHash) {
      const row = store.get<Stored & { personName: string; role: Role }>(
        `SELECT ${tokenColumns}, u.name AS personName, u.role
         FROM token t JOIN "user" u ON u.id = t.person_id WHERE t.secret_hash = ? AND u.isDisabled = 0`,
        secretHash,
      );
      return row ? withScopes(row) : null;
    },
    list: async (personId) =>
      store
        .all<Stored>(
          `SELECT ${tokenColumns} FROM token t WHERE t.person_id = coalesce(?, t.person_id)
           ORDER BY t.created_at_ms DESC, t.id`,
          personId,
        )
        .map(withScopes),
    add: async ({ id, personId, name, scopes, createdAtMs, expiresAtMs }, secretHash, most) =>
      store.transaction(
        () =>
          store.run(
            `INSERT INTO token (id, person_id, name, secret_hash, scopes, created_at_ms, expires_at_ms)
             SELECT ?, u.id, ?, ?, ?, ?, ? FROM "user" u
             WHERE u.id = ? AND (SELECT count(*) FROM token WHERE person_id = u.id) < ?`,
            ...[id, name, secretHash, JSON.stringify(scopes), createdAtMs, expiresAtMs, personId, most],
          ) === 1,
      ),
    async remove(personId, id) {
      const row = store.get<{ name: string }>(
        'DELETE FROM token WHERE id = ? AND person_id = ? RETURNING name',
        ...[id, personId],
      );
      return row?.name ?? null;
    },
  };
}

const inviteColumns =
  'id, role, quota_bytes AS quotaBytes, note, created_at_ms AS createdAtMs, expires_at_ms AS expiresAtMs';

export function sqliteInvites(store: Store): InviteData {
  return {
    add: async ({ id, role, quotaBytes, note, createdAtMs, expiresAtMs }, secretHash, most) =>
      store.transaction(() => {
        store.run('DELETE FROM invite WHERE expires_at_ms <= ?', createdAtMs);
        return (
          store.run(
            `INSERT INTO invite (id, secret_hash, role, quota_bytes, note, created_at_ms, expires_at_ms)
             SELECT ?, ?, ?, ?, ?, ?, ? WHERE (SELECT count(*) FROM invite) < ?`,
            ...[id, secretHash, role, quotaBytes, note, createdAtMs, expiresAtMs, most],
          ) === 1
        );
      }),
    list: async (nowMs) =>
      store.all<Invite>(
        `SELECT ${inviteColumns} FROM invite WHERE expires_at_ms > ? ORDER BY created_at_ms DESC, id`,
        nowMs,
      ),
    async remove(id) {
      store.run('DELETE FROM invite WHERE id = ?', id);
    },
    find: async (secretHash, nowMs) =>
      store.get<Invite>(
        `SELECT ${inviteColumns} FROM invite WHERE secret_hash = ? AND expires_at_ms > ?`,
        ...[secretHash, nowMs],
      ) ?? null,
    use: async (id, nowMs) =>
      store.run('DELETE FROM invite WHERE id = ? AND expires_at_ms > ?', id, nowMs) === 1,
  };
}

const iso = (ms: number) => new Date(ms).toISOString();

export function sqliteDevices(store: Store): DeviceData {
  return {
    async waiting(nowMs) {
      store.run('DELETE FROM "deviceCode" WHERE expiresAt < ?', iso(nowMs));
      return store.get<{ waiting: number }>('SELECT count(*) AS waiting FROM "deviceCode"')!.waiting;
    },
    async find(userCode, nowMs) {
      const row = store.get<{ scope: string | null; expiresAt: string }>(
        `SELECT scope, expiresAt FROM "deviceCode" WHERE userCode = ? AND status = 'pending' AND expiresAt > ?`,
        ...[userCode, iso(nowMs)],
      );
      return row ? { scope: row.scope, expiresAtMs: Date.parse(row.expiresAt) } : null;
    },
    answer: async (userCode, personId, isApproved, nowMs) =>
      store.run(
        `UPDATE "deviceCode" SET status = ?, userId = ? WHERE userCode = ? AND status = 'pending' AND expiresAt > ?`,
        ...[isApproved ? 'approved' : 'denied', personId, userCode, iso(nowMs)],
      ) === 1,
  };
}
