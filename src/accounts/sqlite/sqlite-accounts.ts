// Accounts in accounts.sqlite: the adapter for one machine. Every operation is a transaction on one connection, on the
// main thread: a request that is let in writes nothing, and a log-in commits twice.
import { randomUUID } from 'node:crypto';
import type { Clock } from '../../clock.ts';
import type { AccountData } from '../local/account-data.ts';
import { sqliteAttempts } from './attempts.ts';
import { sqliteAudit } from './audit.ts';
import { openAccounts } from './open-accounts.ts';
import { sqlitePasswords } from './passwords.ts';
import { sqlitePeople } from './people.ts';
import { putRows, readRows } from './rows.ts';
import { sqliteSecondFactors } from './second-factors.ts';
import { sqliteSessions } from './sessions.ts';
import { createStore, type Store } from './store.ts';
import { sqliteDevices, sqliteInvites, sqliteTokens } from './tokens.ts';

/** Opens the file, or makes it. Throws `corrupt`, `conflict`, `unavailable`. */
export function openSqliteAccounts(file: string, clock: Clock): AccountData {
  return sqliteAccounts(createStore(openAccounts(file), clock), clock);
}

export function sqliteAccounts(store: Store, clock: Clock): AccountData {
  // Revisions are counted from the start of a process: those of another one say nothing.
  const instance = randomUUID();
  return {
    people: sqlitePeople(store),
    sessions: sqliteSessions(store),
    passwords: sqlitePasswords(store),
    factors: sqliteSecondFactors(store),
    tokens: sqliteTokens(store),
    invites: sqliteInvites(store),
    devices: sqliteDevices(store),
    audit: sqliteAudit(store),
    attempts: sqliteAttempts(store, clock),
    ...{ isShared: false, keepMs: Number.POSITIVE_INFINITY },
    async engineDatabase() {
      const { NodeSqliteDialect } = await import('@better-auth/kysely-adapter/node-sqlite-dialect');
      // Its own transactions span turns of the event loop: on the one connection they would take in what others write
      // meanwhile, and undo it with themselves.
      return {
        dialect: new NodeSqliteDialect({ database: store.database }),
        ...{ type: 'sqlite', transaction: false },
      };
    },
    revision: () => store.revision(),
    sharedRevision: async () => `${instance} ${store.revision()}`,
    awayMs: () => 0,
    async tidy(nowMs) {
      const now = new Date(nowMs).toISOString();
      store.transaction(() => {
        store.run('DELETE FROM "session" WHERE expiresAt < ?', now);
        store.run('DELETE FROM verification WHERE expiresAt < ?', now);
        store.run('DELETE FROM "deviceCode" WHERE expiresAt < ?', now);
        store.run('DELETE FROM reset WHERE expires_at_ms < ?', nowMs);
        store.run('DELETE FROM invite WHERE expires_at_ms < ?', nowMs);
        store.run('DELETE FROM attempt WHERE full_at_ms < ?', nowMs);
      });
    },
    rows: () => readRows(store),
    put: async (rows) => putRows(store, rows),
    async ping() {
      store.get('SELECT 1');
    },
    async close() {
      store.close();
    },
  };
}
