// The tables of accounts.sqlite, every column explained, and the steps from older ones. Only forward. The first seven
// are better-auth's, as its own migration writes them (a test holds the two against each other), so that nothing of it
// has to be loaded to start; its times are ISO 8601 text. The rest is ours; times are milliseconds since the epoch.

/** Marks a file as Kinora's accounts (`PRAGMA application_id`): "KinA" in ASCII. */
export const applicationId = 0x4b696e41;

const engineTables = `
-- People.
CREATE TABLE "user" (
  "id" text not null primary key,
  -- What the others call them.
  "name" text not null,
  -- Lower case. Of somebody with only a user name: an address below .invalid (RFC 2606 §2), which is never shown.
  "email" text not null unique,
  "emailVerified" integer not null,
  -- Not used.
  "image" text,
  "createdAt" date not null,
  "updatedAt" date not null,
  -- Lower case; null where there is only an address.
  "username" text unique,
  -- 1 once a code was confirmed.
  "twoFactorEnabled" integer,
  -- One of roles in permissions.ts.
  "role" text not null,
  -- Most bytes of videos; null where not limited.
  "quotaBytes" bigint,
  -- 1: logs in no more; there are no sessions then.
  "isDisabled" integer not null,
  -- Milliseconds; written at most once an hour.
  "lastSeenAtMs" bigint
);
-- Log-ins that hold. The cookie carries the token and a signature of it.
CREATE TABLE "session" (
  "id" text not null primary key,
  "expiresAt" date not null,
  "token" text not null unique,
  "createdAt" date not null,
  -- When it was last used; written at most once an hour.
  "updatedAt" date not null,
  "ipAddress" text,
  "userAgent" text,
  "userId" text not null references "user" ("id") on delete cascade
);
-- Ways in: "credential" is a password, others an OpenID provider.
CREATE TABLE "account" (
  "id" text not null primary key,
  "accountId" text not null,
  "providerId" text not null,
  "userId" text not null references "user" ("id") on delete cascade,
  "accessToken" text,
  "refreshToken" text,
  "idToken" text,
  "accessTokenExpiresAt" date,
  "refreshTokenExpiresAt" date,
  "scope" text,
  -- As password-hash.ts writes it.
  "password" text,
  "createdAt" date not null,
  "updatedAt" date not null
);
-- What waits for an answer: second factors, passkey challenges, OpenID's state.
CREATE TABLE "verification" (
  "id" text not null primary key,
  "identifier" text not null,
  "value" text not null,
  "expiresAt" date not null,
  "createdAt" date not null,
  "updatedAt" date not null
);
-- Authenticators; secret and recovery codes are encrypted with the key in auth.key.
CREATE TABLE "twoFactor" (
  "id" text not null primary key,
  "secret" text not null,
  "backupCodes" text not null,
  "userId" text not null references "user" ("id") on delete cascade,
  "verified" integer,
  "failedVerificationCount" integer,
  "lockedUntil" date
);
-- Televisions that wait for a phone.
CREATE TABLE "deviceCode" (
  "id" text not null primary key,
  "deviceCode" text not null,
  "userCode" text not null,
  "userId" text,
  "expiresAt" date not null,
  "status" text not null,
  "lastPolledAt" date,
  "pollingInterval" integer,
  "clientId" text,
  "scope" text
);
CREATE TABLE "passkey" (
  "id" text not null primary key,
  "name" text,
  "publicKey" text not null,
  "userId" text not null references "user" ("id") on delete cascade,
  "credentialID" text not null,
  "counter" integer not null,
  "deviceType" text not null,
  "backedUp" integer not null,
  "transports" text,
  "createdAt" date,
  "aaguid" text
);
CREATE INDEX "session_userId_idx" ON "session" ("userId");
CREATE INDEX "account_userId_idx" ON "account" ("userId");
CREATE INDEX "verification_identifier_idx" ON "verification" ("identifier");
CREATE INDEX "twoFactor_secret_idx" ON "twoFactor" ("secret");
CREATE INDEX "twoFactor_userId_idx" ON "twoFactor" ("userId");
CREATE INDEX "passkey_userId_idx" ON "passkey" ("userId");
CREATE INDEX "passkey_credentialID_idx" ON "passkey" ("credentialID");
CREATE UNIQUE INDEX "deviceCode_deviceCode_uidx" ON "deviceCode" ("deviceCode");
CREATE UNIQUE INDEX "deviceCode_userCode_uidx" ON "deviceCode" ("userCode");
`;

const ownTables = `
-- API tokens.
CREATE TABLE token (
  id TEXT NOT NULL PRIMARY KEY,
  person_id TEXT NOT NULL REFERENCES "user" (id) ON DELETE CASCADE,
  name TEXT NOT NULL,
  -- SHA-256 of the secret, hex.
  secret_hash TEXT NOT NULL UNIQUE,
  -- JSON: a list of permissions.
  scopes TEXT NOT NULL,
  created_at_ms INTEGER NOT NULL,
  -- null where it does not expire.
  expires_at_ms INTEGER,
  -- Written at most once an hour.
  last_used_at_ms INTEGER
);
CREATE INDEX token_of_person ON token (person_id);
-- Invites that wait; gone once used.
CREATE TABLE invite (
  id TEXT NOT NULL PRIMARY KEY,
  -- SHA-256 of the secret, hex.
  secret_hash TEXT NOT NULL UNIQUE,
  role TEXT NOT NULL,
  quota_bytes INTEGER,
  note TEXT NOT NULL,
  created_at_ms INTEGER NOT NULL,
  expires_at_ms INTEGER NOT NULL
);
-- Ways to a new password for one person, once.
CREATE TABLE reset (
  -- SHA-256 of the secret, hex.
  secret_hash TEXT NOT NULL PRIMARY KEY,
  person_id TEXT NOT NULL REFERENCES "user" (id) ON DELETE CASCADE,
  expires_at_ms INTEGER NOT NULL
);
CREATE INDEX reset_of_person ON reset (person_id);
-- Codes of authenticators that were given lately: each is good once (RFC 6238 §5.2).
CREATE TABLE used_code (
  person_id TEXT NOT NULL REFERENCES "user" (id) ON DELETE CASCADE,
  code TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  PRIMARY KEY (person_id, code)
);
-- What was done with accounts; see AuditNote.
CREATE TABLE audit (
  id TEXT NOT NULL PRIMARY KEY,
  at_ms INTEGER NOT NULL,
  -- Stays when the person is gone.
  person_id TEXT,
  person_name TEXT NOT NULL,
  action TEXT NOT NULL,
  subject TEXT NOT NULL,
  address TEXT NOT NULL
);
CREATE INDEX audit_by_time ON audit (at_ms);
`;

const attemptTable = `
-- How often secrets were tried lately: what is whole again has no row (or one whose time has come).
CREATE TABLE attempt (
  -- What is limited: kind, and address, account or browser; see local/attempts.ts.
  key TEXT NOT NULL PRIMARY KEY,
  -- When all that is allowed can be tried again.
  full_at_ms REAL NOT NULL
) WITHOUT ROWID;
CREATE INDEX attempt_by_time ON attempt (full_at_ms);
`;

/** What a fresh file gets, and the step from each version to the next. */
export type AccountsHistory = {
  /** `PRAGMA user_version`. */
  readonly version: number;
  readonly fresh: string;
  /** `steps[n]` is SQL that turns version n into n + 1. */
  readonly steps: Readonly<Record<number, string>>;
};

export const accountsHistory: AccountsHistory = {
  version: 2,
  fresh: engineTables + ownTables + attemptTable,
  steps: { 1: attemptTable },
};
