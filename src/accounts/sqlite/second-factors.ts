// Second factors and passkeys in accounts.sqlite.
import type { SecondFactorData } from '../local/account-data.ts';
import { turnOffSecondFactor } from './people.ts';
import type { Store } from './store.ts';

export function sqliteSecondFactors(store: Store): SecondFactorData {
  return {
    takeCode: async (personId, code, nowMs, sinceMs) =>
      store.transaction(() => {
        store.run('DELETE FROM used_code WHERE at_ms < ?', sinceMs);
        return (
          store.run(
            'INSERT OR IGNORE INTO used_code (person_id, code, at_ms) VALUES (?, ?, ?)',
            ...[personId, code, nowMs],
          ) === 1
        );
      }),
    async giveBackCode(personId, code) {
      store.run('DELETE FROM used_code WHERE person_id = ? AND code = ?', personId, code);
    },
    async awaiting(identifier, nowMs) {
      const row = store.get<{ value: string }>(
        'SELECT value FROM verification WHERE identifier = ? AND expiresAt > ?',
        ...[identifier, new Date(nowMs).toISOString()],
      );
      return row?.value ?? null;
    },
    async turnOff(personId) {
      store.transaction(() => turnOffSecondFactor(store, personId));
    },
    passkeys: async (personId) =>
      store
        .all<{ id: string; name: string | null; createdAt: string | null }>(
          'SELECT id, name, createdAt FROM passkey WHERE userId = ? ORDER BY createdAt, id',
          personId,
        )
        .map(({ id, name, createdAt }) => ({
          ...{ id, name: name ?? '', createdAtMs: createdAt ? Date.parse(createdAt) : 0 },
        })),
    async passkeyOwner(credentialId) {
      const row = store.get<{ userId: string }>(
        'SELECT userId FROM passkey WHERE credentialID = ?',
        credentialId,
      );
      return row?.userId ?? null;
    },
    async removePasskey(personId, id) {
      const row = store.get<{ name: string | null }>(
        'DELETE FROM passkey WHERE id = ? AND userId = ? RETURNING name',
        ...[id, personId],
      );
      return row ? { name: row.name ?? '' } : null;
    },
  };
}
