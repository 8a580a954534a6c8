// The port to people: who they are, how they prove it, what they were given, and what was done with it. In one process
// a function call (`local/`), else HTTP to the `auth` role (`remote/`): so everything here is plain JSON in and out,
// and every failure an AppError. Both pass `test/contracts/accounts.ts`. Times are milliseconds since the epoch.
import type { AuditNote } from '../catalogue/audit-note.ts';
import type { Permission, Role, Viewer } from './permissions.ts';

/** What a request brought to prove who sends it. */
export type Credentials = {
  /** The session cookie's value; null where there is none. */
  readonly cookie: string | null;
  /** `Authorization: Bearer`; null where there is none. Goes before the cookie. */
  readonly bearer: string | null;
};

/** The name of the session cookie; with the prefix `__Host-` over HTTPS. */
export const sessionCookie = 'kinora.session';

export type Identity = {
  readonly viewer: Viewer;
  /** When the session or token ends. */
  readonly expiresAtMs: number;
  /** The session's cookie is to be renewed with the next page (`renew`). */
  readonly isRenewable: boolean;
};

export type IdentifyOptions = {
  /**
   * For bytes and answers that run already, never for anything else: while the process that keeps the accounts, or the
   * database, cannot be reached, the last good answer will do, for 5 minutes.
   */
  readonly mayBeOld?: boolean;
  /** For another process that keeps answers itself: nothing that this one has kept, unless it hears of every change at once. */
  readonly mustBeFresh?: boolean;
};

/** Where a request about accounts comes from. */
export type Asker = {
  /** The client's address, the proxy's word for it where that is trusted. */
  readonly address: string;
  readonly userAgent: string | null;
  /** The address the person sees: `https://videos.example.org`. No path. */
  readonly origin: string;
  /** The whole Cookie header; null where there is none. */
  readonly cookieHeader: string | null;
  /** It comes from this very machine by a loopback address, with nothing in between (`http/local-request.ts`). */
  readonly isThisMachine: boolean;
};

/** Set-Cookie values for the answer. */
export type Cookies = readonly string[];

/** What a password is worth, as `signUp`, `changePassword` and `resetPassword` decide it. */
export type PasswordVerdict = {
  readonly isEnough: boolean;
  /** 0 to 4, for a bar beside the field. */
  readonly score: number;
  /** Why it is not enough, or how it could be better; a sentence, null where there is nothing to say. */
  readonly reason: string | null;
};

export type SignedIn = { readonly kind: 'signed-in'; readonly personId: string; readonly cookies: Cookies };
/** The password was right, a code of the second factor is awaited; the cookies carry that. */
export type SecondFactor = { readonly kind: 'second-factor'; readonly cookies: Cookies };

export type NewAccount = {
  readonly name: string;
  /** An e-mail address or a user name (3 to 30 of a-z, 0-9, `.`, `_`, `-`; case aside). */
  readonly login: string;
  readonly password: string;
  /** The code on the console, for the first account from another machine. */
  readonly setupCode?: string | null;
  readonly invite?: string | null;
};

export type OpenIdOptions = {
  /** For somebody without an account here, where KINORA_SIGN_UP asks for one. */
  readonly invite?: string | null;
  /** Connects it with the account of this person, who is logged in and gives the password (where there is one), from a form of ours alone: else somebody could have their own log-in connected. */
  readonly connect?: { readonly personId: string; readonly password: string } | null;
};

/** What stands open, for the pages before the log-in. */
export type Doors = {
  /** False until the first account was made. */
  readonly hasOwner: boolean;
  readonly signUp: 'open' | 'invite' | 'closed';
  /** The name of the OpenID provider; null where none is set. */
  readonly openId: string | null;
  /** Whether passwords can be reset by mail. */
  readonly canMail: boolean;
};

export type Person = {
  readonly id: string;
  readonly name: string;
  /** null where there is only a user name. */
  readonly email: string | null;
  readonly userName: string | null;
  readonly role: Role;
  /** Most bytes of videos; null where not limited. */
  readonly quotaBytes: number | null;
  readonly isDisabled: boolean;
  readonly hasPassword: boolean;
  readonly hasTwoFactor: boolean;
  readonly createdAtMs: number;
  readonly lastSeenAtMs: number | null;
};

export type PersonChanges = {
  readonly name?: string;
  readonly role?: Role;
  readonly quotaBytes?: number | null;
  /** Logs nobody in any more, ends all sessions; tokens do not work meanwhile. */
  readonly isDisabled?: boolean;
  /** Turns the second factor off, for somebody who lost the authenticator and the recovery codes. */
  readonly hasTwoFactor?: false;
};

export type Session = {
  readonly id: string;
  readonly address: string | null;
  readonly userAgent: string | null;
  readonly createdAtMs: number;
  readonly lastUsedAtMs: number;
  readonly expiresAtMs: number;
  readonly isThisOne: boolean;
};

export type Passkey = { readonly id: string; readonly name: string; readonly createdAtMs: number };

export type Token = {
  readonly id: string;
  readonly personId: string;
  readonly name: string;
  readonly scopes: readonly Permission[];
  readonly createdAtMs: number;
  readonly expiresAtMs: number | null;
  readonly lastUsedAtMs: number | null;
};

export type NewToken = {
  readonly name: string;
  /** At least one, of those `grantable` to the role. */
  readonly scopes: readonly Permission[];
  readonly expiresAtMs: number | null;
};

export type Invite = {
  readonly id: string;
  readonly role: Role;
  readonly quotaBytes: number | null;
  /** For whom, as the owner noted it. */
  readonly note: string;
  readonly createdAtMs: number;
  readonly expiresAtMs: number;
};

/** A television that waits for a phone (RFC 8628 §3.2). */
export type DeviceLogIn = {
  /** The television's secret. */
  readonly deviceCode: string;
  /** What a person types: 8 letters and digits. */
  readonly userCode: string;
  readonly expiresAtMs: number;
  readonly intervalMs: number;
};

/** Who asks to be let in by a code, for the person who is to say yes or no. */
export type WaitingDevice = {
  readonly userCode: string;
  readonly address: string;
  readonly userAgent: string | null;
  readonly expiresAtMs: number;
};

export type DeviceState = { readonly kind: 'pending' | 'denied' | 'expired' } | SignedIn;

/** One line of the audit log. */
export type AuditEntry = Omit<AuditNote, 'action'> & { readonly action: AuditAction };

export const auditActions = [
  ...([
    'signed-up',
    'signed-in',
    'sign-in-failed',
    'signed-out',
    'session-ended',
    'device-approved',
  ] as const),
  ...([
    'password-changed',
    'password-reset',
    'two-factor-on',
    'two-factor-off',
    'passkey-added',
    'passkey-removed',
  ] as const),
  ...(['person-invited', 'person-changed', 'person-removed', 'token-added', 'token-removed'] as const),
  ...(['video-added', 'video-shared', 'video-binned', 'video-restored', 'video-removed'] as const),
  ...(['folder-shared', 'folder-removed', 'link-made', 'link-opened', 'link-refused', 'link-ended'] as const),
  ...(['camera-added', 'camera-changed', 'camera-removed', 'camera-shared'] as const),
  ...(['settings-changed', 'data-exported', 'data-imported'] as const),
] as const;
export type AuditAction = (typeof auditActions)[number];

/** A request to better-auth's own addresses below `/api/auth/`, and its answer. Bodies are text. */
export type RawRequest = {
  readonly method: string;
  /** With the query, from `/api/auth/` on. */
  readonly path: string;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | null;
};
export type RawAnswer = {
  readonly status: number;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: string;
};

export type Accounts = {
  /** null where the credentials are nobody's: expired, ended, disabled, never were. Throws `unavailable` only. */
  identify(credentials: Credentials, options?: IdentifyOptions): Promise<Identity | null>;
  /** Cookies that prolong the session; empty where it cannot be. */
  renew(asker: Asker): Promise<Cookies>;
  doors(): Promise<Doors>;
  /** The code for the first account, printed on the console; null where there is an owner. In the process that keeps the accounts only; elsewhere null. */
  setupCode(): Promise<string | null>;

  // --- Coming in. All throw `too-many` (with `retryAfterSeconds`) where there were too many attempts, `unauthorized` for what is wrong without
  // saying which part of it, and are noted in the audit log.

  /** Makes an account and logs it in. Throws `forbidden` (sign-up is not open, wrong invite or code), `bad-request` (name, log-in, or a weak password, with the reason), `conflict` (user name taken). An e-mail address that exists answers as if it were made: `forbidden` with the sentence that every refused sign-up gets. */
  signUp(asker: Asker, account: NewAccount): Promise<SignedIn>;
  signIn(asker: Asker, login: string, password: string): Promise<SignedIn | SecondFactor>;
  /** `code` of the authenticator or a recovery code, which is then used up. */
  proveSecondFactor(asker: Asker, code: string): Promise<SignedIn>;
  signOut(asker: Asker): Promise<Cookies>;
  /** Where to send the browser for the OpenID provider, with cookies to set. Throws `not-found` where none is set. */
  startOpenId(
    asker: Asker,
    next: string,
    options?: OpenIdOptions,
  ): Promise<{ readonly location: string; readonly cookies: Cookies }>;
  /** Person that a trusted proxy names (KINORA_AUTH=header); made as a member at the first time, the very first one as the owner. */
  identifyNamed(login: string, name: string | null, options?: IdentifyOptions): Promise<Identity>;
  /** Whatever better-auth answers itself (JSON, passkeys, OpenID's way back). The same limits and rules hold. */
  handle(asker: Asker, request: RawRequest): Promise<RawAnswer>;

  startDevice(asker: Asker): Promise<DeviceLogIn>;
  /** Not more often than `intervalMs`. Once approved it gives the session, once. */
  pollDevice(asker: Asker, deviceCode: string): Promise<DeviceState>;
  /** What waits with this code; null where nothing does. Case and what stands between the characters do not matter, here and below. Throws `too-many` for somebody who tries codes. */
  findDevice(asker: Asker, personId: string, userCode: string): Promise<WaitingDevice | null>;
  /** By the person on the phone. Throws `not-found` for a code that waits for nobody. */
  answerDevice(asker: Asker, personId: string, userCode: string, isApproved: boolean): Promise<void>;

  /** Sends a mail where there is such an address and SMTP is set; the answer and its time are the same where not. */
  askReset(asker: Asker, login: string): Promise<void>;
  /** With the token of the mail or of `makeResetLink`. Ends all sessions of the person. */
  resetPassword(asker: Asker, token: string, password: string): Promise<void>;

  /** For the field it is being typed into. `about`: what is known of the person (name, log-in), which is easily guessed. */
  judgePassword(password: string, about: readonly string[]): Promise<PasswordVerdict>;

  // --- One's own account.

  getPerson(id: string): Promise<Person | null>;
  /** Before what cannot be undone. Throws `unauthorized` for a wrong password, `too-many`; a person without a password is never right. */
  confirmPassword(asker: Asker, personId: string, password: string): Promise<void>;
  /** Throws `unauthorized` for a wrong present password, `bad-request` for a weak new one. Ends the other sessions. */
  changePassword(asker: Asker, personId: string, current: string, next: string): Promise<Cookies>;
  listSessions(personId: string, thisSessionId: string | null): Promise<readonly Session[]>;
  /** `sessionId` null ends all but `exceptId`. */
  endSessions(
    asker: Asker,
    personId: string,
    sessionId: string | null,
    exceptId: string | null,
  ): Promise<void>;
  /** The authenticator's secret as an `otpauth:` address and recovery codes; it holds once a code was confirmed. */
  startTwoFactor(
    asker: Asker,
    personId: string,
    password: string,
  ): Promise<{ readonly uri: string; readonly recoveryCodes: readonly string[] }>;
  confirmTwoFactor(asker: Asker, personId: string, code: string): Promise<Cookies>;
  stopTwoFactor(asker: Asker, personId: string, password: string): Promise<void>;
  /** The old ones hold no more. */
  renewRecoveryCodes(asker: Asker, personId: string, password: string): Promise<readonly string[]>;
  /** They are added by scripts through `handle` (WebAuthn needs them). */
  listPasskeys(personId: string): Promise<readonly Passkey[]>;
  removePasskey(asker: Asker, personId: string, passkeyId: string): Promise<void>;

  /** Of one person, or of all. */
  listTokens(personId: string | null): Promise<readonly Token[]>;
  /** `secret` is shown once and kept as a hash. */
  addToken(
    asker: Asker,
    personId: string,
    token: NewToken,
  ): Promise<{ readonly token: Token; readonly secret: string }>;
  /** False where there was none of that person. */
  removeToken(asker: Asker, personId: string, tokenId: string): Promise<boolean>;

  // --- The owner's.

  listPeople(): Promise<readonly Person[]>;
  /** Throws `not-found`; `conflict` where no owner would be left. Holds at once. `byId` null: the command line. */
  changePerson(asker: Asker, byId: string | null, id: string, changes: PersonChanges): Promise<Person>;
  /** The account is gone; its videos are the caller's to see to before. Throws as `changePerson`. */
  removePerson(asker: Asker, byId: string | null, id: string): Promise<void>;
  /** An account with a password given for it (the command line). */
  addPerson(
    asker: Asker,
    byId: string | null,
    account: NewAccount & { readonly role: Role; readonly quotaBytes: number | null },
  ): Promise<Person>;
  /** A token for `resetPassword` that holds for a day. */
  makeResetToken(asker: Asker, byId: string | null, personId: string): Promise<string>;
  invite(
    asker: Asker,
    byId: string,
    invite: Pick<Invite, 'role' | 'quotaBytes' | 'note' | 'expiresAtMs'>,
  ): Promise<{ readonly invite: Invite; readonly secret: string }>;
  listInvites(): Promise<readonly Invite[]>;
  removeInvite(id: string): Promise<void>;
  /** What an invite's secret is good for; null where it is not (any more). */
  findInvite(secret: string): Promise<Invite | null>;

  /** Newest first, those before `beforeMs`. What is done to videos and cameras is in the catalogue's. */
  listAudit(beforeMs: number, limit: number): Promise<readonly AuditEntry[]>;

  /** Changes whenever an answer of `identify` given by this process may hold no longer; elsewhere's changes show within 2 s. */
  revision(): number;
  /** For the processes that ask this one: the same text for as long as nothing changes, from whichever of those that share a store. Throws `unavailable`. */
  sharedRevision(): Promise<string>;
  /** Throws `unavailable`. */
  ping(): Promise<void>;
  close(): Promise<void>;
};
