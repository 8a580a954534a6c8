// People as they stand in the store: found by id or by what they type at the log-in, made, and their password. Also
// which names and log-ins are taken at all.

import type { Clock } from '../../clock.ts';
import { AppError } from '../../errors.ts';
import { createId } from '../../ids.ts';
import type { Person } from '../accounts.ts';
import type { Role } from '../permissions.ts';
import type { Store } from './store.ts';

/** RFC 2606 §2: no mail ever goes there. The address of people who have only a user name is ID@ this. */
const noMailDomain = 'user-name.invalid';
/** An address that is nobody's, for log-ins that cannot be anybody's. */
export const nobody = `nobody@${noMailDomain}`;

/** As better-auth checks it (zod's `email`), and no longer than SMTP allows (RFC 5321 §4.5.3.1.3). */
const emailForm =
  /^(?!\.)(?!.*\.\.)([A-Za-z0-9_'+\-.]*)[A-Za-z0-9_+-]@([A-Za-z0-9][A-Za-z0-9-]*\.)+[A-Za-z]{2,}$/;
const userNameForm = /^[a-z0-9._-]{3,30}$/;

export type Login =
  | { readonly email: string; readonly userName: null }
  | { readonly email: null; readonly userName: string };

/** What was typed as an address or a user name, lower case. Throws `bad-request`. */
export function parseLogin(text: string): Login {
  const login = text.trim().toLowerCase();
  if (login.includes('@')) {
    if (login.length > 254 || !emailForm.test(login) || login.endsWith('.invalid'))
      throw new AppError(
        'bad-request',
        'This is not an e-mail address. Type it again, or take a user name without @.',
      );
    return { email: login, userName: null };
  }
  if (!userNameForm.test(login))
    throw new AppError(
      'bad-request',
      'A user name has 3 to 30 letters (a to z), digits, dots, hyphens or underscores.',
    );
  return { email: null, userName: login };
}

/** What a person is called, tidied. Throws `bad-request`. */
export function parseName(text: string): string {
  const name = text.normalize('NFC').replace(/\s+/gu, ' ').trim();
  // Joiners and variation selectors are part of words and emoji; a name of nothing else cannot be seen.
  const isSeen = name.replace(/[\s\p{Default_Ignorable_Code_Point}]/gu, '') !== '';
  if (!isSeen || [...name].length > 80 || /[\p{Cc}\p{Bidi_Control}]/u.test(name))
    throw new AppError('bad-request', 'Type a name of 1 to 80 characters.');
  return name;
}

export type NewPerson = {
  readonly name: string;
  readonly login: Login;
  readonly role: Role;
  readonly quotaBytes: number | null;
  /** null where there is no password (a proxy names the person). */
  readonly passwordHash: string | null;
};

export type People = {
  get(id: string): Person | null;
  list(): Person[];
  /** By e-mail address or user name, case aside; null for nobody. */
  find(login: string): Person | null;
  /** The address that better-auth knows somebody by; `nobody` where there is no such log-in. */
  engineAddress(login: string): string;
  hasOwner(): boolean;
  /** Owners who can log in. */
  countOwners(): number;
  /** In the caller's transaction. Throws `conflict` for a user name, `forbidden` with `takenSentence` for an address that is taken. */
  add(person: NewPerson, takenSentence: string): string;
  passwordHash(id: string): string | null;
  setPasswordHash(id: string, hash: string): void;
  noteSeen(id: string): void;
};

type Row = Omit<Person, 'isDisabled' | 'hasPassword' | 'hasTwoFactor' | 'createdAtMs' | 'email'> & {
  email: string;
  isDisabled: number;
  hasPassword: number;
  hasTwoFactor: number;
  createdAt: string;
};

const columns = `
  u.id, u.name, u.email, u.username AS userName, u.role, u.quotaBytes, u.isDisabled, u.createdAt,
  u.lastSeenAtMs, u.twoFactorEnabled = 1 AS hasTwoFactor,
  EXISTS (SELECT 1 FROM account a WHERE a.userId = u.id AND a.providerId = 'credential' AND a.password IS NOT NULL)
    AS hasPassword`;

export function createPeople(store: Store, clock: Clock): People {
  const people: People = {
    get(id) {
      const row = store.get<Row>(`SELECT ${columns} FROM "user" u WHERE u.id = ?`, id);
      return row ? toPerson(row) : null;
    },
    list: () => store.all<Row>(`SELECT ${columns} FROM "user" u ORDER BY u.createdAt, u.id`).map(toPerson),
    find(login) {
      const text = login.trim().toLowerCase();
      if (text.length > 254 || text.endsWith('.invalid')) return null;
      const column = text.includes('@') ? 'email' : 'username';
      const row = store.get<Row>(`SELECT ${columns} FROM "user" u WHERE u.${column} = ?`, text);
      return row ? toPerson(row) : null;
    },
    engineAddress(login) {
      const person = people.find(login);
      if (!person) return nobody;
      return person.email ?? addressOf(person.id);
    },
    hasOwner: () => store.get(`SELECT 1 FROM "user" WHERE role = 'owner' LIMIT 1`) !== undefined,
    countOwners: () =>
      store.get<{ owners: number }>(
        `SELECT count(*) AS owners FROM "user" WHERE role = 'owner' AND isDisabled = 0`,
      )!.owners,
    add({ name, login, role, quotaBytes, passwordHash }, takenSentence) {
      const id = createId();
      const now = new Date(clock.nowMs()).toISOString();
      const isTaken = (column: string, value: string) =>
        store.get(`SELECT 1 FROM "user" WHERE ${column} = ?`, value) !== undefined;
      if (login.userName !== null && isTaken('username', login.userName))
        throw new AppError('conflict', 'This user name is taken. Choose another one.');
      if (login.email !== null && isTaken('email', login.email))
        throw new AppError('forbidden', takenSentence);
      store.run(
        `INSERT INTO "user" (id, name, email, emailVerified, createdAt, updatedAt, username, twoFactorEnabled,
           role, quotaBytes, isDisabled) VALUES (?, ?, ?, 0, ?, ?, ?, 0, ?, ?, 0)`,
        ...[id, name, login.email ?? addressOf(id), now, now, login.userName, role, quotaBytes],
      );
      if (passwordHash !== null) people.setPasswordHash(id, passwordHash);
      return id;
    },
    passwordHash: (id) =>
      store.get<{ password: string | null }>(
        `SELECT password FROM account WHERE userId = ? AND providerId = 'credential'`,
        id,
      )?.password ?? null,
    setPasswordHash(id, hash) {
      const now = new Date(clock.nowMs()).toISOString();
      const isSet = store.run(
        `UPDATE account SET password = ?, updatedAt = ? WHERE userId = ? AND providerId = 'credential'`,
        ...[hash, now, id],
      );
      if (isSet > 0) return;
      store.run(
        `INSERT INTO account (id, accountId, providerId, userId, password, createdAt, updatedAt)
         VALUES (?, ?, 'credential', ?, ?, ?, ?)`,
        ...[createId(), id, id, hash, now, now],
      );
    },
    noteSeen(id) {
      store.run('UPDATE "user" SET lastSeenAtMs = ? WHERE id = ?', clock.nowMs(), id);
    },
  };
  return people;
}

function addressOf(id: string): string {
  return `${id}@${noMailDomain}`;
}

function toPerson({ email, isDisabled, hasPassword, hasTwoFactor, createdAt, ...row }: Row): Person {
  return {
    ...row,
    email: email.endsWith(`@${noMailDomain}`) ? null : email,
    isDisabled: isDisabled === 1,
    hasPassword: hasPassword === 1,
    hasTwoFactor: hasTwoFactor === 1,
    createdAtMs: Date.parse(createdAt),
  };
}
