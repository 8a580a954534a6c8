// Log-ins that hold: made, found, prolonged and ended, in better-auth's own table and by its own cookie.
import { randomBytes } from 'node:crypto';
import type { Clock } from '../../clock.ts';
import { createId } from '../../ids.ts';
import type { Asker, Session } from '../accounts.ts';
import { sessionSeconds } from './cookies.ts';
import type { Store } from './store.ts';

/** A session is prolonged when a day of its time has passed... */
const renewAfterMs = 86_400_000;
/** ...but never past a year after its log-in (OWASP ASVS 5.0 §7.3.2). */
const longestMs = 365 * 86_400_000;

export type SessionRow = {
  readonly id: string;
  readonly token: string;
  readonly personId: string;
  readonly expiresAtMs: number;
  /** From when on it can be prolonged; Infinity where its year ends before that would help. */
  readonly renewableAtMs: number;
  readonly lastUsedAtMs: number;
};

export type Sessions = {
  /** A new one with a secret of its own. The caller has seen that the person may log in. */
  create(
    asker: Pick<Asker, 'address' | 'userAgent'>,
    personId: string,
  ): { readonly id: string; readonly token: string };
  /** null where it ended or ran out, or its person is disabled. */
  find(token: string): SessionRow | null;
  list(personId: string, thisSessionId: string | null): Session[];
  /** A full time from now on, at most a year from the log-in. */
  prolong(id: string): void;
  noteUsed(id: string): void;
  endByToken(token: string): SessionRow | null;
  /** Ends the person's least used ones past what a household can have. */
  endSurplus(personId: string): void;
  /** One of the person's, or (null) all of them but `exceptId`, and with them what one of them let in and has not come yet. How many ended. */
  end(personId: string, id: string | null, exceptId: string | null): number;
  /** Removes those that ran out. */
  tidy(): void;
};

/** Televisions, phones, browsers and private windows of one person; more is a script that logs in each time. */
const mostOfPerson = 100;

type Row = { id: string; token: string; userId: string } & {
  expiresAt: string;
  updatedAt: string;
  createdAt: string;
};

export function createSessions(store: Store, clock: Clock): Sessions {
  const iso = (ms: number) => new Date(ms).toISOString();
  return {
    create({ address, userAgent }, personId) {
      const [id, token] = [createId(), randomBytes(24).toString('base64url')];
      const nowMs = clock.nowMs();
      store.run(
        `INSERT INTO "session" (id, expiresAt, token, createdAt, updatedAt, ipAddress, userAgent, userId)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
        ...[id, iso(nowMs + sessionSeconds * 1000), token, iso(nowMs), iso(nowMs)],
        ...[address.slice(0, 60), userAgent?.slice(0, 300) ?? '', personId],
      );
      return { id, token };
    },
    find(token) {
      const row = store.get<Row>(
        `SELECT s.id, s.token, s.userId, s.expiresAt, s.updatedAt, s.createdAt FROM "session" s
         JOIN "user" u ON u.id = s.userId WHERE s.token = ? AND s.expiresAt > ? AND u.isDisabled = 0`,
        ...[token, iso(clock.nowMs())],
      );
      return row ? toSessionRow(row) : null;
    },
    list(personId, thisSessionId) {
      const rows = store.all<Row & { createdAt: string; ipAddress: string | null; userAgent: string | null }>(
        `SELECT id, expiresAt, createdAt, updatedAt, ipAddress, userAgent FROM "session"
         WHERE userId = ? AND expiresAt > ? ORDER BY updatedAt DESC, id`,
        ...[personId, iso(clock.nowMs())],
      );
      return rows.map((row) => ({
        id: row.id,
        address: row.ipAddress || null,
        userAgent: row.userAgent || null,
        createdAtMs: Date.parse(row.createdAt),
        lastUsedAtMs: Date.parse(row.updatedAt),
        expiresAtMs: Date.parse(row.expiresAt),
        isThisOne: row.id === thisSessionId,
      }));
    },
    prolong(id) {
      const nowMs = clock.nowMs();
      const session = store.get<{ createdAt: string; expiresAt: string }>(
        'SELECT createdAt, expiresAt FROM "session" WHERE id = ?',
        id,
      );
      if (!session) return;
      const endMs = Math.min(nowMs + sessionSeconds * 1000, Date.parse(session.createdAt) + longestMs);
      if (endMs <= Date.parse(session.expiresAt)) return;
      store.run(
        'UPDATE "session" SET expiresAt = ?, updatedAt = ? WHERE id = ?',
        ...[iso(endMs), iso(nowMs), id],
      );
    },
    noteUsed(id) {
      store.run('UPDATE "session" SET updatedAt = ? WHERE id = ?', iso(clock.nowMs()), id);
    },
    endByToken(token) {
      const row = store.get<Row>(
        'DELETE FROM "session" WHERE token = ? RETURNING id, token, userId, expiresAt, updatedAt, createdAt',
        token,
      );
      return row ? toSessionRow(row) : null;
    },
    endSurplus(personId) {
      store.run(
        `DELETE FROM "session" WHERE userId = ? AND id NOT IN (
           SELECT id FROM "session" WHERE userId = ? ORDER BY updatedAt DESC, rowid DESC LIMIT ?)`,
        ...[personId, personId, mostOfPerson],
      );
    },
    end(personId, id, exceptId) {
      // Which of them said yes to a television is not kept: it asks again.
      store.run('DELETE FROM "deviceCode" WHERE userId = ?', personId);
      if (id !== null) return store.run('DELETE FROM "session" WHERE userId = ? AND id = ?', personId, id);
      return store.run('DELETE FROM "session" WHERE userId = ? AND id <> ?', personId, exceptId ?? '');
    },
    tidy() {
      store.run('DELETE FROM "session" WHERE expiresAt < ?', iso(clock.nowMs()));
    },
  };
}

/** When a session of these times can be prolonged, by which it gains something. */
export function renewableAtMs(createdAtMs: number, expiresAtMs: number): number {
  if (expiresAtMs >= createdAtMs + longestMs) return Number.POSITIVE_INFINITY;
  return expiresAtMs - sessionSeconds * 1000 + renewAfterMs;
}

function toSessionRow({ id, token, userId, expiresAt, updatedAt, createdAt }: Row): SessionRow {
  const expiresAtMs = Date.parse(expiresAt);
  return {
    ...{ id, token, personId: userId, expiresAtMs, lastUsedAtMs: Date.parse(updatedAt) },
    renewableAtMs: renewableAtMs(Date.parse(createdAt), expiresAtMs),
  };
}
