// The audit log in accounts.sqlite.
import type { AuditEntry } from '../accounts.ts';
import type { AuditData } from '../local/account-data.ts';
import type { Store } from './store.ts';

/** In the caller's transaction, or one of its own. */
export function writeAudit(store: Store, entry: AuditEntry): void {
  const { id, atMs, personId, personName, action, subject, address } = entry;
  store.run(
    `INSERT INTO audit (id, at_ms, person_id, person_name, action, subject, address)
     VALUES (?, ?, ?, ?, ?, ?, ?)`,
    ...[id, atMs, personId, personName, action, subject, address],
  );
}

export function sqliteAudit(store: Store): AuditData {
  return {
    async add(entries) {
      store.transaction(() => {
        for (const entry of entries) writeAudit(store, entry);
      });
    },
    list: async (beforeMs, limit) =>
      store.all<AuditEntry>(
        `SELECT id, at_ms AS atMs, person_id AS personId, person_name AS personName, action, subject, address
         FROM audit WHERE at_ms < ? ORDER BY at_ms DESC, rowid DESC LIMIT ?`,
        ...[beforeMs, limit],
      ),
    async tidy(keptFromMs, mostFailures, mostOthers) {
      store.transaction(() => {
        store.run('DELETE FROM audit WHERE at_ms < ?', keptFromMs);
        for (const [is, most] of [
          ['=', mostFailures],
          ['<>', mostOthers],
        ] as const)
          store.run(
            `DELETE FROM audit WHERE action ${is} 'sign-in-failed' AND rowid <= (
               SELECT rowid FROM audit WHERE action ${is} 'sign-in-failed' ORDER BY rowid DESC LIMIT 1 OFFSET ?)`,
            most,
          );
      });
    },
  };
}
