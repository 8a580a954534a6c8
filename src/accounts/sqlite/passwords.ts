// Passwords and ways to new ones in accounts.sqlite.
import { createId } from '../../ids.ts';
import type { PasswordData } from '../local/account-data.ts';
import { endSessions } from './sessions.ts';
import type { Store } from './store.ts';

/** In the caller's transaction: in better-auth's table, made where there is none. */
export function setPasswordHash(store: Store, personId: string, hash: string, nowMs: number): void {
  const now = new Date(nowMs).toISOString();
  const isSet = store.run(
    `UPDATE account SET password = ?, updatedAt = ? WHERE userId = ? AND providerId = 'credential'`,
    ...[hash, now, personId],
  );
  if (isSet > 0) return;
  store.run(
    `INSERT INTO account (id, accountId, providerId, userId, password, createdAt, updatedAt)
     VALUES (?, ?, 'credential', ?, ?, ?, ?)`,
    ...[createId(), personId, personId, hash, now, now],
  );
}

export function sqlitePasswords(store: Store): PasswordData {
  /** In a transaction. */
  function change(personId: string, hash: string, nowMs: number): boolean {
    if (!store.get('SELECT 1 FROM "user" WHERE id = ?', personId)) return false;
    setPasswordHash(store, personId, hash, nowMs);
    store.run('DELETE FROM reset WHERE person_id = ?', personId);
    endSessions(store, personId, null, null);
    return true;
  }
  const findReset = (secretHash: string, nowMs: number): string | null =>
    store.get<{ personId: string }>(
      `SELECT r.person_id AS personId FROM reset r JOIN "user" u ON u.id = r.person_id
       WHERE r.secret_hash = ? AND r.expires_at_ms > ? AND u.isDisabled = 0`,
      ...[secretHash, nowMs],
    )?.personId ?? null;
  return {
    async hash(personId) {
      const row = store.get<{ password: string | null }>(
        `SELECT password FROM account WHERE userId = ? AND providerId = 'credential'`,
        personId,
      );
      return row?.password ?? null;
    },
    change: async (personId, hash, nowMs) => store.transaction(() => change(personId, hash, nowMs)),
    async addReset(personId, secretHash, expiresAtMs, nowMs) {
      store.transaction(() => {
        store.run('DELETE FROM reset WHERE person_id = ? OR expires_at_ms < ?', personId, nowMs);
        // Nothing where the person is gone by now.
        store.run(
          `INSERT INTO reset (secret_hash, person_id, expires_at_ms) SELECT ?, id, ? FROM "user" WHERE id = ?`,
          ...[secretHash, expiresAtMs, personId],
        );
      });
    },
    findReset: async (secretHash, nowMs) => findReset(secretHash, nowMs),
    takeReset: async (secretHash, hash, nowMs) =>
      store.transaction(() => {
        const personId = findReset(secretHash, nowMs);
        if (personId) change(personId, hash, nowMs);
        return personId;
      }),
  };
}
