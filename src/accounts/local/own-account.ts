// One's own sessions, tokens and passkeys.
import { AppError } from '../../errors.ts';
import { createId } from '../../ids.ts';
import type { Accounts, Passkey, Token } from '../accounts.ts';
import { grantable } from '../permissions.ts';
import type { Core } from './core.ts';
import { createSecret, hashSecret } from './secrets.ts';

type OwnAccount = Pick<Accounts, 'listSessions' | 'endSessions' | 'listPasskeys' | 'removePasskey'> &
  Pick<Accounts, 'listTokens' | 'addToken' | 'removeToken'>;

/** So that secret scanners know one where it lies about. */
const tokenPrefix = 'kinora_';
const mostTokens = 50;

export function createOwnAccount(core: Core): OwnAccount {
  const { data, sessions, audit, clock } = core;
  const person = (id: string) => data.people.get(id);

  return {
    async listSessions(personId, thisSessionId) {
      return sessions.list(personId, thisSessionId);
    },
    async endSessions(asker, personId, sessionId, exceptId) {
      const ended = await data.sessions.end(personId, sessionId, exceptId);
      const what = ended > 1 ? `${ended} sessions` : '';
      if (ended > 0) await audit.note(asker, await person(personId), 'session-ended', what);
    },

    listTokens: (personId) => data.tokens.list(personId),
    async addToken(asker, personId, { name, scopes, expiresAtMs }) {
      const owner = await person(personId);
      if (!owner) throw new AppError('not-found', 'There is no such person.');
      const called = name.replace(/\s+/gu, ' ').trim();
      if (called === '' || called.length > 80 || /\p{Cc}/u.test(called))
        throw new AppError('bad-request', 'Type a name of 1 to 80 characters for the token.');
      const may = grantable(owner.role);
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
      if (!(await data.tokens.add(token, hashSecret(secret), mostTokens)))
        throw new AppError('conflict', `There are ${mostTokens} tokens. Remove one first.`);
      await audit.note(asker, owner, 'token-added', called);
      return { token, secret };
    },
    async removeToken(asker, personId, tokenId) {
      const name = await data.tokens.remove(personId, tokenId);
      if (name !== null) await audit.note(asker, await person(personId), 'token-removed', name);
      return name !== null;
    },

    async listPasskeys(personId): Promise<Passkey[]> {
      const passkeys = await data.factors.passkeys(personId);
      return passkeys.map((passkey) => ({ ...passkey, name: passkey.name || 'Passkey' }));
    },
    async removePasskey(asker, personId, passkeyId) {
      const removed = await data.factors.removePasskey(personId, passkeyId);
      if (!removed) throw new AppError('not-found', 'There is no such passkey.');
      await audit.note(asker, await person(personId), 'passkey-removed', removed.name);
    },
  };
}
