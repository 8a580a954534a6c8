// The port to where the accounts are kept: what is done with them below better-auth, as whole operations. Each is done
// at once or not at all in the sight of everybody else, however many processes share the store; where an adapter needs
// several steps for one, their order and who ends what was left half done stand there. Adapters: `accounts/sqlite/`,
// `accounts/mongo/`; both pass `test/contracts/account-data.ts`. Times are milliseconds since the epoch; whatever comes
// in as text is text. All throw `unavailable`.
import type { BetterAuthOptions } from 'better-auth';
import type { AuditEntry, Invite, Passkey, Person, PersonChanges, Token } from '../accounts.ts';
import type { Role } from '../permissions.ts';
import type { AccountRow } from './account-rows.ts';

export type NewPersonRow = {
  readonly id: string;
  readonly name: string;
  /** An address, or what stands in for one (`people-rows.ts`). Lower case. */
  readonly email: string;
  readonly userName: string | null;
  readonly role: Role;
  readonly quotaBytes: number | null;
  /** null where there is no password. */
  readonly passwordHash: string | null;
  readonly createdAtMs: number;
};

/** Why somebody may be made: nobody is an owner yet, an invite that waits, or no more is to be asked. */
export type Admitted =
  | { readonly by: 'first' | 'nothing' }
  | { readonly by: 'invite'; readonly inviteId: string };

export type PeopleData = {
  get(id: string): Promise<Person | null>;
  /** In the order in which they came. */
  list(): Promise<readonly Person[]>;
  /** By what is unique, lower case. */
  find(by: 'email' | 'userName', text: string): Promise<Person | null>;
  /** Whoever it is, turned off or not. */
  hasOwner(): Promise<boolean>;
  /**
   * Makes a person, password included, and uses the invite up. Of any number who are `first` at once one is made, of
   * those with one invite one. `not-admitted`: there is an owner, or no such invite, by now. What is not made leaves
   * nothing behind.
   */
  add(
    person: NewPersonRow,
    admitted: Admitted,
  ): Promise<'added' | 'user-name-taken' | 'email-taken' | 'not-admitted'>;
  /** "Last seen", and "last used" of the session or the token. Nothing else depends on it. */
  noteUse(
    personId: string,
    used: { readonly sessionId: string | null; readonly tokenId: string | null },
    nowMs: number,
  ): Promise<void>;
  /**
   * The given fields alone. Somebody who is turned off has no sessions afterwards, and none from before when turned on
   * again. With an owner who is none any more, or turned off, go all invites and ways to a new password. However many
   * ask at once, an owner who can log in is left: else `last-owner`, and nothing happens.
   */
  change(
    id: string,
    changes: PersonChanges,
    nowMs: number,
  ): Promise<{ readonly before: Person; readonly after: Person } | 'not-found' | 'last-owner'>;
  /** With all that is theirs. As `change` otherwise. Resolves to who it was. */
  remove(id: string): Promise<Person | 'not-found' | 'last-owner'>;
};

export type NewSessionRow = {
  readonly id: string;
  readonly token: string;
  readonly personId: string;
  readonly address: string;
  readonly userAgent: string;
  readonly createdAtMs: number;
  readonly expiresAtMs: number;
};

/** With its person, who is not turned off. */
export type SessionRow = Pick<NewSessionRow, 'id' | 'token' | 'personId' | 'createdAtMs' | 'expiresAtMs'> & {
  readonly lastUsedAtMs: number;
  readonly personName: string;
  readonly role: Role;
};

export type ListedSessionRow = Omit<NewSessionRow, 'token' | 'personId'> & { readonly lastUsedAtMs: number };

export type SessionData = {
  add(session: NewSessionRow): Promise<void>;
  /** Also one that ran out; null where it ended, or its person is turned off or gone. */
  find(token: string): Promise<SessionRow | null>;
  /** Those that hold, last used first. */
  list(personId: string, nowMs: number): Promise<readonly ListedSessionRow[]>;
  /** Never to an earlier end. */
  prolong(id: string, expiresAtMs: number, nowMs: number): Promise<void>;
  /** Whose it was. */
  endByToken(token: string): Promise<{ readonly id: string; readonly personId: string } | null>;
  /**
   * A log-in was completed: the session the browser had before ends, the person was seen, past `most` the least used
   * of their sessions end (never this one), and it is noted.
   */
  complete(log: {
    readonly session: Pick<SessionRow, 'id' | 'personId'>;
    readonly before: string | null;
    readonly most: number;
    readonly nowMs: number;
    readonly note: AuditEntry | null;
  }): Promise<void>;
  /** One of the person's, or (null) all but `exceptId`; and with them what one of them let in and has not come yet. How many ended. */
  end(personId: string, id: string | null, exceptId: string | null): Promise<number>;
};

export type PasswordData = {
  /** null where there is none. */
  hash(personId: string): Promise<string | null>;
  /** A new one: all sessions and ways to a new password of the person end. False where the person is gone. */
  change(personId: string, hash: string, nowMs: number): Promise<boolean>;
  /** A way to a new password; earlier ones of the person end. */
  addReset(personId: string, secretHash: string, expiresAtMs: number, nowMs: number): Promise<void>;
  /** Whose it is; null where it does not hold, or the person is turned off. */
  findReset(secretHash: string, nowMs: number): Promise<string | null>;
  /** Uses it up and sets the password, as `change`. Of any number at once one gets it; null where it does not hold. */
  takeReset(secretHash: string, hash: string, nowMs: number): Promise<string | null>;
};

export type SecondFactorData = {
  /** Marks a code as given: false where it was since `sinceMs`. Of any number at once one gets true. */
  takeCode(personId: string, code: string, nowMs: number, sinceMs: number): Promise<boolean>;
  giveBackCode(personId: string, code: string): Promise<void>;
  /** Whose log-in awaits its second factor under better-auth's identifier; null where none does (any more). */
  awaiting(identifier: string, nowMs: number): Promise<string | null>;
  /** Removes the authenticator and the recovery codes. */
  turnOff(personId: string): Promise<void>;
  passkeys(personId: string): Promise<readonly Passkey[]>;
  passkeyOwner(credentialId: string): Promise<string | null>;
  /** Its name; null where there is none of that person. */
  removePasskey(personId: string, id: string): Promise<{ readonly name: string } | null>;
};

/** With its person, who is not turned off. */
export type TokenRow = Token & { readonly personName: string; readonly role: Role };

export type TokenData = {
  find(secretHash: string): Promise<TokenRow | null>;
  /** Of one person or of all, newest first. */
  list(personId: string | null): Promise<readonly Token[]>;
  /** False where the person has `most` already, or is gone. */
  add(token: Token, secretHash: string, most: number): Promise<boolean>;
  /** Its name; null where there is none of that person. */
  remove(personId: string, id: string): Promise<string | null>;
};

export type InviteData = {
  /** False where `most` wait already. */
  add(invite: Invite, secretHash: string, most: number): Promise<boolean>;
  /** Those that hold, newest first. */
  list(nowMs: number): Promise<readonly Invite[]>;
  remove(id: string): Promise<void>;
  find(secretHash: string, nowMs: number): Promise<Invite | null>;
  /** Of any number at once one gets true. */
  use(id: string, nowMs: number): Promise<boolean>;
};

export type DeviceData = {
  /** How many wait; those whose time is over are removed. */
  waiting(nowMs: number): Promise<number>;
  /** `scope` is what better-auth was given. */
  find(
    userCode: string,
    nowMs: number,
  ): Promise<{ readonly scope: string | null; readonly expiresAtMs: number } | null>;
  /** False where it was answered, or waits no more. */
  answer(userCode: string, personId: string, isApproved: boolean, nowMs: number): Promise<boolean>;
};

export type AuditData = {
  add(entries: readonly AuditEntry[]): Promise<void>;
  /** Newest first, before `beforeMs`. */
  list(beforeMs: number, limit: number): Promise<readonly AuditEntry[]>;
  /** Removes what is older than `keptFromMs`, and the oldest past so many refused log-ins and so many others. */
  tidy(keptFromMs: number, mostFailures: number, mostOthers: number): Promise<void>;
};

/** One of what is allowed: so many at once, and one more after each `everyMs`. */
export type Allowance = {
  readonly key: string;
  readonly burst: number;
  readonly everyMs: number;
};

export type AttemptData = {
  /**
   * Takes one of each, or of none: then it resolves to how long to wait, milliseconds; 0 where they were taken. By one
   * clock, the machine's or the database's, which nobody else's is compared with.
   */
  take(from: readonly Allowance[]): Promise<number>;
  giveBack(to: readonly Allowance[]): Promise<void>;
  /** They are whole again. */
  clear(keys: readonly string[]): Promise<void>;
};

export type AccountData = {
  readonly people: PeopleData;
  readonly sessions: SessionData;
  readonly passwords: PasswordData;
  readonly factors: SecondFactorData;
  readonly tokens: TokenData;
  readonly invites: InviteData;
  readonly devices: DeviceData;
  readonly audit: AuditData;
  readonly attempts: AttemptData;
  /** Whether other processes may keep accounts in the same store at the same time. */
  readonly isShared: boolean;
  /** How long an answer about who somebody is may be kept without a look, milliseconds: what a process that was killed between a change and telling of it costs. */
  readonly keepMs: number;
  /** What better-auth keeps its rows with. */
  engineDatabase(): Promise<NonNullable<BetterAuthOptions['database']>>;
  /** Changes with whatever makes an answer about who somebody is wrong: at once for what is done here, within 2 s for what other processes do. */
  revision(): number;
  /** The same text, from whichever process of those that share the store, for as long as nothing changes. */
  sharedRevision(): Promise<string>;
  /** How long the store could not be reached as far as is known, milliseconds; 0 while it can. */
  awayMs(): number;
  /** Removes what ran out, and what a crash left. */
  tidy(nowMs: number): Promise<void>;
  /** Every row of every collection, people first; a page at a time. */
  rows(): AsyncIterable<AccountRow>;
  /** Puts rows that `rows` gave, of this store or another; those that are there are replaced. Throws `conflict` where somebody else has the address or the user name. */
  put(rows: readonly AccountRow[]): Promise<void>;
  ping(): Promise<void>;
  close(): Promise<void>;
};
