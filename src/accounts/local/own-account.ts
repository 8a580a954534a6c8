// One's own sessions, tokens and passkeys.
import { AppError } from '../../errors.ts';
import { createId } from '../../ids.ts';
import type { Accounts, Passkey, Token } from '../accounts.ts';
import { grantable, type Permission } from '../permissions.ts';
import type { Core } from './core.ts';
import { createSecret, hashSecret } from './secrets.ts';

type OwnAccount = Pick<Accounts, 'listSessions' | 'endSessions' | 'listPasskeys' | 'removePasskey'> &
  Pick<Accounts, 'listTokens' | 'addToken' | 'removeToken'>;

/** So that secret scanners know one where it lies about. */
const tokenPrefix = 'kinora_';
const mostTokens = 50;

type TokenRow = Omit<Token, 'scopes'> & { scopes: string };
const tokenColumns = `id, person_id AS personId, name, scopes, created_at_ms AS createdAtMs,
  expires_at_ms AS expiresAtMs, last_used_at_ms AS lastUsedAtMs`;

export function createOwnAccount(core: Core): OwnAccount {
  const { store, people, sessions, audit, clock } = core;

  return {
    async listSessions(personId, thisSessionId) {
      return sessions.list(personId, thisSessionId);
    },
    async endSessions(asker, personId, sessionId, exceptId) {
      const ended = sessions.end(personId, sessionId, exceptId);
      if (ended > 0)
        audit.note(asker, people.get(personId), 'session-ended', ended > 1 ? `${ended} sessions` : '');
    },

    async listTokens(personId) {
      const rows = store.all<TokenRow>(
        `SELECT ${tokenColumns} FROM token WHERE person_id = coalesce(?, person_id) ORDER BY created_at_ms DESC, id`,
        personId,
      );
      return rows.map((row) => ({ ...row, scopes: JSON.parse(row.scopes) as Permission[] }));
    },
    async addToken(asker, personId, { name, scopes, expiresAtMs }) {
      const person = people.get(personId);
      if (!person) throw new AppError('not-found', 'There is no such person.');
      const called = name.replace(/\s+/gu, ' ').trim();
      if (called === '' || called.length > 80 || /\p{Cc}/u.test(called))
        throw new AppError('bad-request', 'Type a name of 1 to 80 characters for the token.');
      const may = grantable(person.role);
      const given = [...new Set(scopes)];
      if (given.length === 0)
        throw new AppError('bad-request', 'Choose at least one thing the token may do.');
      if (!given.every((scope) => may.includes(scope)))
        throw new AppError('forbidden', 'A token cannot do more than the person it is for.');
      const nowMs = clock.nowMs();
      if (expiresAtMs !== null && !(Number.isSafeInteger(expiresAtMs) && expiresAtMs > nowMs))
        throw new AppError('bad-request', 'Choose a time to come for the token to end.');
      const secret = tokenPrefix + createSecret();
      const token: Token = {
        ...{ id: createId(), personId, name: called, scopes: given },
        ...{ createdAtMs: nowMs, expiresAtMs, lastUsedAtMs: null },
      };
      store.transaction(() => {
        const { held } = store.get<{ held: number }>(
          'SELECT count(*) AS held FROM token WHERE person_id = ?',
          personId,
        )!;
        if (held >= mostTokens)
          throw new AppError('conflict', `There are ${mostTokens} tokens. Remove one first.`);
        store.run(
          `INSERT INTO token (id, person_id, name, secret_hash, scopes, created_at_ms, expires_at_ms)
           VALUES (?, ?, ?, ?, ?, ?, ?)`,
          ...[token.id, personId, called, hashSecret(secret), JSON.stringify(given), nowMs, expiresAtMs],
        );
      });
      audit.note(asker, person, 'token-added', called);
      return { token, secret };
    },
    async removeToken(asker, personId, tokenId) {
      const row = store.get<{ name: string }>(
        'DELETE FROM token WHERE id = ? AND person_id = ? RETURNING name',
        ...[tokenId, personId],
      );
      if (row) audit.note(asker, people.get(personId), 'token-removed', row.name);
      return row !== undefined;
    },

    async listPasskeys(personId): Promise<Passkey[]> {
      const rows = store.all<{ id: string; name: string | null; createdAt: string | null }>(
        'SELECT id, name, createdAt FROM passkey WHERE userId = ? ORDER BY createdAt, id',
        personId,
      );
      return rows.map(({ id, name, createdAt }) => ({
        ...{ id, name: name || 'Passkey', createdAtMs: createdAt ? Date.parse(createdAt) : 0 },
      }));
    },
    async removePasskey(asker, personId, passkeyId) {
      const row = store.get<{ name: string | null }>(
        'DELETE FROM passkey WHERE id = ? AND userId = ? RETURNING name',
        ...[passkeyId, personId],
      );
      if (!row) throw new AppError('not-found', 'There is no such passkey.');
      audit.note(asker, people.get(personId), 'passkey-removed', row.name ?? '');
    },
  };
}
