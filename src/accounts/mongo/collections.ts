// The accounts' collections in MongoDB: better-auth's by its adapter's own names, ours beside them. Fields are those of
// `local/account-rows.ts` (explained in `sqlite/schema.ts`), with what is not there left out; `_id` is the first of
// them, always a text made by us. What only stands here is explained here.
import type { Db } from 'mongodb';
import type { WantedIndex } from '../../mongo/indexes.ts';
import type { AuditEntry, Invite, Token } from '../accounts.ts';
import type { Role } from '../permissions.ts';

export type UserDocument = {
  _id: string;
  name: string;
  email: string;
  emailVerified: boolean;
  createdAt: Date;
  updatedAt: Date;
  /** Left out, never null, where there is none: the index is sparse. */
  username?: string;
  twoFactorEnabled?: boolean | null;
  role: Role;
  quotaBytes?: number | null;
  isDisabled: boolean;
  lastSeenAtMs?: number | null;
  /** Grows with every change of name, role, quota and whether it is turned off; left out: 0. */
  rev?: number;
  /** Of the change that was written last: how a write that is seen twice knows itself. */
  changeId?: string;
  /** Of who was made as the first owner: unique, so that there is one. */
  isFirst?: true;
};

export type SessionDocument = {
  _id: string;
  token: string;
  userId: string;
  expiresAt: Date;
  createdAt: Date;
  updatedAt: Date;
  ipAddress?: string | null;
  userAgent?: string | null;
};

export type AccountDocument = {
  /** Of a password that was made here: the person's id. */
  _id: string;
  accountId: string;
  providerId: string;
  userId: string;
  password?: string | null;
  createdAt: Date;
  updatedAt: Date;
};

export type DeviceDocument = {
  _id: string;
  userCode: string;
  userId?: string | null;
  expiresAt: Date;
  status: string;
  scope?: string | null;
  /** Of the answer that was written. */
  answerId?: string;
};

export type TokenDocument = Omit<Token, 'id'> & { _id: string; secretHash: string };
export type InviteDocument = Omit<Invite, 'id'> & {
  _id: string;
  secretHash: string;
  /** Whom it is being used up for: an id, of somebody who is being made. */
  usedBy?: string;
};
export type ResetDocument = {
  /** The hash of the secret. */
  _id: string;
  personId: string;
  expiresAtMs: number;
  /** Of the request that uses it up. */
  takenBy?: string;
};
export type UsedCodeDocument = {
  /** The person's id, a space, the code. */
  _id: string;
  personId: string;
  code: string;
  atMs: number;
  /** Of the request that gave it. */
  takenBy: string;
};
export type AuditDocument = Omit<AuditEntry, 'id'> & {
  _id: string;
  /** The order of what one process wrote in one millisecond. */
  n: number;
};
export type AttemptDocument = {
  /** What is limited. */
  _id: string;
  /** By the database's clock. */
  fullAtMs: number;
  /** The same moment, for the index that removes it then, where the server does that. */
  goneAt: Date;
  /** Of the change that was written last. */
  changeId: string;
};

/** An owner who is to be one no longer: what is decided, and is ended by whoever finds it (`owner-log.ts`). */
export type OwnerChange = {
  readonly changeId: string;
  readonly personId: string;
  /** Of the person's row, as it was decided upon. */
  readonly rev: number;
  /** null: the person is removed. */
  readonly set: Readonly<Record<string, unknown>> | null;
};

/** The one row about all accounts. */
export type StateDocument = {
  _id: 'accounts';
  /** Of this store, so that revisions of two are not taken for each other. */
  store: string;
  /** The revision: grows with whatever makes an answer about who somebody is wrong. */
  n: number;
  /** Grows with every change of an owner who is one no longer. */
  v: number;
  pending: OwnerChange | null;
};

export type Collections = ReturnType<typeof accountCollectionsOf>;

export function accountCollectionsOf(db: Db) {
  return {
    user: db.collection<UserDocument>('user'),
    session: db.collection<SessionDocument>('session'),
    account: db.collection<AccountDocument>('account'),
    verification: db.collection<{ _id: string; identifier: string; value: string; expiresAt: Date }>(
      'verification',
    ),
    twoFactor: db.collection<{ _id: string; userId: string }>('twoFactor'),
    deviceCode: db.collection<DeviceDocument>('deviceCode'),
    passkey: db.collection<{
      _id: string;
      userId: string;
      name?: string | null;
      credentialID: string;
      createdAt?: Date | null;
    }>('passkey'),
    token: db.collection<TokenDocument>('accountTokens'),
    invite: db.collection<InviteDocument>('accountInvites'),
    reset: db.collection<ResetDocument>('accountResets'),
    usedCode: db.collection<UsedCodeDocument>('accountCodes'),
    audit: db.collection<AuditDocument>('accountAudit'),
    // What a fail-over forgets of them is a few tries more: nobody waits for a majority.
    attempt: db.collection<AttemptDocument>('accountAttempts', { writeConcern: { w: 1 } }),
    state: db.collection<StateDocument>('accountState'),
  };
}

const unique = { unique: true } as const;

/** What is looked up on every request or has to be there once; the rest are rows of a household. */
export const accountIndexes: Readonly<Record<string, readonly WantedIndex[]>> = {
  user: [
    { name: 'email', keys: { email: 1 }, options: unique },
    { name: 'username', keys: { username: 1 }, options: { ...unique, sparse: true } },
    { name: 'isFirst', keys: { isFirst: 1 }, options: { ...unique, sparse: true } },
  ],
  session: [
    { name: 'token', keys: { token: 1 }, options: unique },
    { name: 'userId_updatedAt', keys: { userId: 1, updatedAt: -1 } },
  ],
  account: [
    { name: 'userId', keys: { userId: 1 } },
    // Two first log-ins of one person of elsewhere are one account, and nobody has two passwords.
    { name: 'providerId_accountId', keys: { providerId: 1, accountId: 1 }, options: unique },
  ],
  verification: [{ name: 'identifier', keys: { identifier: 1 } }],
  twoFactor: [{ name: 'userId', keys: { userId: 1 } }],
  deviceCode: [
    { name: 'deviceCode', keys: { deviceCode: 1 }, options: unique },
    { name: 'userCode', keys: { userCode: 1 }, options: unique },
  ],
  passkey: [{ name: 'credentialID', keys: { credentialID: 1 } }],
  accountTokens: [
    { name: 'secretHash', keys: { secretHash: 1 }, options: unique },
    { name: 'personId', keys: { personId: 1 } },
  ],
  accountAudit: [{ name: 'atMs', keys: { atMs: -1 } }],
  accountAttempts: [{ name: 'goneAt', keys: { goneAt: 1 }, options: { expireAfterSeconds: 60 } }],
};
