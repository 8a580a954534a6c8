// Log-ins that hold: made, found, prolonged and ended, in better-auth's own rows and by its own cookie.
import { randomBytes } from 'node:crypto';
import type { Clock } from '../../clock.ts';
import { createId } from '../../ids.ts';
import type { Asker, Session } from '../accounts.ts';
import type { AccountData, SessionRow } from './account-data.ts';
import { sessionSeconds } from './cookies.ts';

/** A session is prolonged when a day of its time has passed... */
const renewAfterMs = 86_400_000;
/** ...but never past a year after its log-in (OWASP ASVS 5.0 §7.3.2). */
const longestMs = 365 * 86_400_000;

/** Televisions, phones, browsers and private windows of one person; more is a script that logs in each time. */
export const mostSessions = 100;

export type Sessions = {
  /** A new one with a secret of its own. The caller has seen that the person may log in. */
  create(
    asker: Pick<Asker, 'address' | 'userAgent'>,
    personId: string,
  ): Promise<{ readonly id: string; readonly token: string }>;
  /** null where it ended or ran out, or its person is disabled. */
  find(token: string): Promise<SessionRow | null>;
  list(personId: string, thisSessionId: string | null): Promise<Session[]>;
  /** A full time from now on, at most a year from the log-in. */
  prolong(session: SessionRow): Promise<void>;
};

export function createSessions({ sessions }: Pick<AccountData, 'sessions'>, clock: Clock): Sessions {
  return {
    async create({ address, userAgent }, personId) {
      const [id, token] = [createId(), randomBytes(24).toString('base64url')];
      const createdAtMs = clock.nowMs();
      await sessions.add({
        ...{ id, token, personId, createdAtMs, expiresAtMs: createdAtMs + sessionSeconds * 1000 },
        ...{ address: address.slice(0, 60), userAgent: userAgent?.slice(0, 300) ?? '' },
      });
      return { id, token };
    },
    async find(token) {
      const session = await sessions.find(token);
      return session && session.expiresAtMs > clock.nowMs() ? session : null;
    },
    async list(personId, thisSessionId) {
      const rows = await sessions.list(personId, clock.nowMs());
      return rows.map(({ address, userAgent, ...row }) => ({
        ...row,
        ...{ address: address || null, userAgent: userAgent || null, isThisOne: row.id === thisSessionId },
      }));
    },
    async prolong({ id, createdAtMs, expiresAtMs }) {
      const nowMs = clock.nowMs();
      const endMs = Math.min(nowMs + sessionSeconds * 1000, createdAtMs + longestMs);
      if (endMs > expiresAtMs) await sessions.prolong(id, endMs, nowMs);
    },
  };
}

/** When a session of these times can be prolonged, by which it gains something; Infinity where its year ends before. */
export function renewableAtMs({
  createdAtMs,
  expiresAtMs,
}: Pick<SessionRow, 'createdAtMs' | 'expiresAtMs'>): number {
  if (expiresAtMs >= createdAtMs + longestMs) return Number.POSITIVE_INFINITY;
  return expiresAtMs - sessionSeconds * 1000 + renewAfterMs;
}
