// The port to people in memory: a household of four with sessions, tokens and invites, so that pages and routes can be
// built, looked at and tested without a store. Passwords are plain and codes are fixed; what is refused is refused as
// the port says.
import { randomBytes } from 'node:crypto';
import {
  type Accounts,
  type Asker,
  type AuditAction,
  type AuditEntry,
  type Doors,
  type Identity,
  type Invite,
  type NewAccount,
  type Passkey,
  type Person,
  type Session,
  type SignedIn,
  sessionCookie,
  type Token,
  type WaitingDevice,
} from '../../src/accounts/accounts.ts';
import { grantable, type Role, type Viewer } from '../../src/accounts/permissions.ts';
import { type Clock, systemClock } from '../../src/clock.ts';
import { AppError } from '../../src/errors.ts';
import { createId } from '../../src/ids.ts';
import { cookieIn } from './fake-viewer.ts';

const dayMs = 86_400_000;
const sessionMs = 30 * dayMs;
const intervalMs = 5000;

/** Of everybody in the fake household. */
export const fakePassword = 'correct horse battery staple';
/** What the authenticator of everybody shows. */
export const fakeCode = '123456';
/** What stands on the console while there is no owner. */
export const fakeSetupCode = 'ABCD-2345';

/** Wrong passwords for one log-in before the next is refused. */
const attemptLimit = 5;

type Row = { person: Person; password: string | null; recoveryCodes: string[] };
type Pass = Session & { personId: string; secret: string };
type Device = WaitingDevice & {
  deviceCode: string /** `pending`, `denied`, or the id of who said yes. */;
  state: string;
};

export type FakeAccountsOptions = {
  readonly clock?: Clock;
  readonly doors?: Partial<Doors>;
  /** Nobody has an account yet. */
  readonly isEmpty?: boolean;
};

export type FakeAccounts = Accounts & {
  /** The ids of the household. */
  readonly ids: Readonly<Record<Role, string>>;
  /** The Cookie header of a new session of that person. */
  cookieOf(personId: string): string;
  viewerOf(personId: string): Viewer;
  /** The audit log, oldest first, for tests that add to it. */
  readonly audit: AuditEntry[];
  readonly devices: readonly Device[];
};

/** A household in memory. */
export function createFakeAccounts(options: FakeAccountsOptions = {}): FakeAccounts {
  const clock = options.clock ?? systemClock;
  const ids = { owner: createId(), member: createId(), guest: createId(), child: createId() };
  const rows = new Map<string, Row>();
  const sessions: Pass[] = [];
  const tokens: (Token & { secret: string })[] = [];
  const invites: (Invite & { secret: string })[] = [];
  const resets = new Map<string, { personId: string; expiresAtMs: number }>();
  const passkeys: (Passkey & { personId: string })[] = [];
  const devices: Device[] = [];
  const audit: AuditEntry[] = [];
  const failures = new Map<string, number>();
  let revision = 0;

  const add = (
    name: string,
    login: string,
    role: Role,
    more: Partial<Person> = {},
    password: string | null = fakePassword,
  ) => {
    const isEmail = login.includes('@');
    const person: Person = {
      ...{ id: createId(), name, role, email: isEmail ? login : null, userName: isEmail ? null : login },
      ...{ quotaBytes: null, isDisabled: false, hasPassword: password !== null, hasTwoFactor: false },
      ...{ createdAtMs: clock.nowMs(), lastSeenAtMs: null, ...more },
    };
    rows.set(person.id, { person, password, recoveryCodes: [] });
    return person;
  };
  if (!options.isEmpty) {
    const ago = (days: number) => ({
      createdAtMs: clock.nowMs() - 200 * dayMs,
      lastSeenAtMs: clock.nowMs() - days * dayMs,
    });
    add('Anna', 'anna@example.org', 'owner', { id: ids.owner, ...ago(0) });
    add('Ben', 'ben', 'member', { id: ids.member, quotaBytes: 50_000_000_000, ...ago(2) });
    add('Grandmother', 'grandmother', 'guest', { id: ids.guest, ...ago(40) });
    add('Kim', 'kim', 'child', { id: ids.child, quotaBytes: 5_000_000_000, ...ago(1) });
  }

  const note = (asker: Asker | null, personId: string | null, action: AuditAction, subject = '') => {
    const personName = personId === null ? '' : (rows.get(personId)?.person.name ?? '');
    audit.push({
      id: createId(),
      atMs: clock.nowMs(),
      personId,
      personName,
      action,
      subject,
      address: asker?.address ?? '',
    });
  };
  const rowOf = (id: string): Row => {
    const row = rows.get(id);
    if (!row) throw new AppError('not-found', 'There is no such person here.');
    return row;
  };
  const change = (id: string, part: Partial<Person>): Person => {
    const row = rowOf(id);
    row.person = { ...row.person, ...part };
    revision += 1;
    return row.person;
  };
  const byLogin = (login: string) =>
    [...rows.values()].find(({ person }) =>
      [person.email, person.userName].includes(login.trim().toLowerCase()),
    );
  const begin = (personId: string, asker: Pick<Asker, 'address' | 'userAgent'> | null): Pass => {
    const nowMs = clock.nowMs();
    const session: Pass = {
      ...{ id: createId(), personId, secret: randomBytes(16).toString('hex'), isThisOne: false },
      ...{ address: asker?.address ?? '192.168.1.7', userAgent: asker?.userAgent ?? null },
      ...{ createdAtMs: nowMs, lastUsedAtMs: nowMs, expiresAtMs: nowMs + sessionMs },
    };
    sessions.push(session);
    return session;
  };
  const signedIn = (personId: string, asker: Asker): SignedIn => {
    const { secret } = begin(personId, asker);
    change(personId, { lastSeenAtMs: clock.nowMs() });
    note(asker, personId, 'signed-in');
    const cookies = [
      `${sessionCookie}=${secret}; Path=/; HttpOnly; SameSite=Lax; Max-Age=${sessionMs / 1000}`,
      'kinora.two=; Path=/; Max-Age=0',
    ];
    return { kind: 'signed-in', personId, cookies };
  };
  const sessionIn = (header: string | null) => {
    const secret = cookieIn(header, sessionCookie);
    return sessions.find((session) => session.secret === secret && session.expiresAtMs > clock.nowMs());
  };
  const endOf = (keep: (session: Pass) => boolean) => {
    sessions.splice(0, sessions.length, ...sessions.filter(keep));
    revision += 1;
  };
  const checkStrength = (password: string) => {
    const verdict = judge(password);
    if (!verdict.isEnough)
      throw new AppError('bad-request', verdict.reason ?? 'Please take another password.');
  };
  const checkPassword = (personId: string, password: string): Row => {
    const row = rowOf(personId);
    if (row.password !== password) throw new AppError('unauthorized', 'The present password is not right.');
    return row;
  };
  const viewerOf = (personId: string, part: Partial<Viewer> = {}): Viewer => {
    const { id, name, role } = rowOf(personId).person;
    return { personId: id, name, role, scopes: null, sessionId: null, tokenId: null, ...part };
  };
  const keepAnOwner = (id: string) => {
    const others = [...rows.values()].filter(
      ({ person }) => person.role === 'owner' && !person.isDisabled && person.id !== id,
    );
    if (others.length === 0)
      throw new AppError('conflict', 'There has to be an owner: make somebody else one first.');
  };
  const findInvite = (secret: string) =>
    invites.find((invite) => invite.secret === secret && invite.expiresAtMs > clock.nowMs()) ?? null;
  const waiting = (typed: string) => {
    const code = typed.toUpperCase().replaceAll(/[^A-Z0-9]/g, '');
    return devices.find(
      ({ userCode, state, expiresAtMs }) =>
        userCode === code && state === 'pending' && expiresAtMs > clock.nowMs(),
    );
  };
  const codes = () =>
    Array.from({ length: 10 }, () =>
      `${randomBytes(3).toString('hex')}-${randomBytes(3).toString('hex')}`.slice(0, 11),
    );

  return {
    ids,
    audit,
    devices,
    viewerOf: (personId) => viewerOf(personId),
    cookieOf: (personId) => `${sessionCookie}=${begin(rowOf(personId).person.id, null).secret}`,

    async identify({ cookie, bearer }) {
      if (bearer !== null) {
        const token = tokens.find((candidate) => candidate.secret === bearer);
        const endsAtMs = token?.expiresAtMs ?? Number.MAX_SAFE_INTEGER;
        if (!token || endsAtMs <= clock.nowMs() || rowOf(token.personId).person.isDisabled) return null;
        const viewer = viewerOf(token.personId, { scopes: token.scopes, tokenId: token.id });
        return { viewer, expiresAtMs: endsAtMs, isRenewable: false };
      }
      const session = sessions.find(
        ({ secret, expiresAtMs }) => secret === cookie && expiresAtMs > clock.nowMs(),
      );
      if (!session || rowOf(session.personId).person.isDisabled) return null;
      return {
        viewer: viewerOf(session.personId, { sessionId: session.id }),
        expiresAtMs: session.expiresAtMs,
        isRenewable: false,
      };
    },
    renew: async () => [],
    doors: async () => ({
      ...{ hasOwner: rows.size > 0, signUp: 'invite', openId: null, canMail: false },
      ...options.doors,
    }),
    setupCode: async () => (rows.size > 0 ? null : fakeSetupCode),

    async signUp(asker, account) {
      const invite = account.invite ? findInvite(account.invite) : null;
      const isFirst = rows.size === 0;
      if (
        isFirst
          ? !asker.isThisMachine && account.setupCode !== fakeSetupCode
          : !invite && options.doors?.signUp !== 'open'
      )
        throw new AppError(
          'forbidden',
          isFirst ? 'That is not the code on the console.' : 'This invitation does not hold (any more).',
        );
      checkNew(account);
      checkStrength(account.password);
      if (byLogin(account.login)) throw new AppError('conflict', 'This user name is taken.');
      const person = add(
        account.name,
        account.login.toLowerCase(),
        isFirst ? 'owner' : (invite?.role ?? 'member'),
        { quotaBytes: invite?.quotaBytes ?? null },
        account.password,
      );
      if (invite) invites.splice(invites.indexOf(invite), 1);
      note(asker, person.id, 'signed-up');
      return signedIn(person.id, asker);
    },
    async signIn(asker, login, password) {
      const row = byLogin(login);
      const failed = failures.get(login) ?? 0;
      if (failed >= attemptLimit)
        throw new AppError('too-many', 'Too many wrong passwords. Try again in 2 minutes.', {
          retryAfterSeconds: 120,
        });
      if (!row || row.password !== password || row.person.isDisabled) {
        failures.set(login, failed + 1);
        note(asker, null, 'sign-in-failed', login);
        throw new AppError('unauthorized', 'The name or the password is not right.');
      }
      failures.delete(login);
      if (!row.person.hasTwoFactor) return signedIn(row.person.id, asker);
      return {
        kind: 'second-factor',
        cookies: [`kinora.two=${row.person.id}; Path=/; HttpOnly; SameSite=Lax`],
      };
    },
    async proveSecondFactor(asker, code) {
      const row = rows.get(cookieIn(asker.cookieHeader, 'kinora.two') ?? '');
      if (!row) throw new AppError('unauthorized', 'Please log in again: the code came too late.');
      const at = row.recoveryCodes.indexOf(code);
      if (code !== fakeCode && at < 0) throw new AppError('unauthorized', 'This code is not right.');
      if (at >= 0) row.recoveryCodes.splice(at, 1);
      return signedIn(row.person.id, asker);
    },
    async signOut(asker) {
      const session = sessionIn(asker.cookieHeader);
      if (session) {
        note(asker, session.personId, 'signed-out');
        endOf((other) => other !== session);
      }
      return [`${sessionCookie}=; Path=/; Max-Age=0`];
    },
    async startOpenId(_asker, next, { invite = null, connect = null } = {}) {
      if (!options.doors?.openId) throw new AppError('not-found', 'No other log-in is set here.');
      if (connect) checkPassword(connect.personId, connect.password);
      const state = JSON.stringify({ next, invite, connects: connect !== null });
      const location = `https://id.example/authorize?${new URLSearchParams({ state })}`;
      return { location, cookies: ['state=1; Path=/'] };
    },
    async identifyNamed(login, name): Promise<Identity> {
      const row = byLogin(login);
      const person =
        row?.person ??
        add(name ?? login, login.toLowerCase(), rows.size === 0 ? 'owner' : 'member', {}, null);
      if (person.isDisabled) throw new AppError('forbidden', 'This account is switched off.');
      return { viewer: viewerOf(person.id), expiresAtMs: Number.MAX_SAFE_INTEGER, isRenewable: false };
    },
    handle: async () => ({ status: 404, headers: [], body: '{}' }),

    async startDevice(asker) {
      const userCode = [...randomBytes(8)].map((byte) => 'BCDFGHJKLMNPQRSTVWXZ'[byte % 20]).join('');
      const device = {
        deviceCode: randomBytes(16).toString('hex'),
        userCode,
        expiresAtMs: clock.nowMs() + 600_000,
        ...{ state: 'pending', address: asker.address, userAgent: asker.userAgent },
      };
      devices.push(device);
      return { deviceCode: device.deviceCode, userCode, expiresAtMs: device.expiresAtMs, intervalMs };
    },
    async pollDevice(asker, deviceCode) {
      const device = devices.find((candidate) => candidate.deviceCode === deviceCode);
      if (!device || device.expiresAtMs <= clock.nowMs()) return { kind: 'expired' };
      if (device.state === 'pending' || device.state === 'denied') return { kind: device.state };
      devices.splice(devices.indexOf(device), 1);
      return signedIn(device.state, asker);
    },
    async findDevice(_asker, _personId, userCode) {
      const device = waiting(userCode);
      if (!device) return null;
      const { address, userAgent, expiresAtMs } = device;
      return { userCode: device.userCode, address, userAgent, expiresAtMs };
    },
    async answerDevice(asker, personId, userCode, isApproved) {
      const device = waiting(userCode);
      if (!device) throw new AppError('not-found', 'No television waits with this code.');
      device.state = isApproved ? personId : 'denied';
      if (isApproved) note(asker, personId, 'device-approved');
    },

    askReset: async () => {},
    async resetPassword(asker, token, password) {
      const reset = resets.get(token);
      if (!reset || reset.expiresAtMs <= clock.nowMs())
        throw new AppError('unauthorized', 'This link does not hold any more.');
      checkStrength(password);
      resets.delete(token);
      rowOf(reset.personId).password = password;
      change(reset.personId, { hasPassword: true });
      endOf((session) => session.personId !== reset.personId);
      note(asker, reset.personId, 'password-reset');
    },
    judgePassword: async (password) => judge(password),

    getPerson: async (id) => rows.get(id)?.person ?? null,
    async confirmPassword(_asker, personId, password) {
      checkPassword(personId, password);
    },
    async changePassword(asker, personId, current, next) {
      const row = checkPassword(personId, current);
      checkStrength(next);
      row.password = next;
      const here = sessionIn(asker.cookieHeader);
      endOf((session) => session.personId !== personId || session === here);
      note(asker, personId, 'password-changed');
      return [];
    },
    listSessions: async (personId, thisSessionId) =>
      sessions
        .filter((session) => session.personId === personId)
        .map(({ personId: _personId, secret: _secret, ...session }) => ({
          ...session,
          isThisOne: session.id === thisSessionId,
        })),
    async endSessions(asker, personId, sessionId, exceptId) {
      endOf(
        (session) =>
          session.personId !== personId ||
          (sessionId === null ? session.id === exceptId : session.id !== sessionId),
      );
      note(asker, personId, 'session-ended');
    },
    async startTwoFactor(_asker, personId, password) {
      const row = checkPassword(personId, password);
      row.recoveryCodes = codes();
      const uri = `otpauth://totp/Kinora:${encodeURIComponent(row.person.userName ?? row.person.email ?? '')}?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=Kinora`;
      return { uri, recoveryCodes: row.recoveryCodes };
    },
    async confirmTwoFactor(asker, personId, code) {
      if (code !== fakeCode) throw new AppError('unauthorized', 'This code is not right.');
      change(personId, { hasTwoFactor: true });
      note(asker, personId, 'two-factor-on');
      return [];
    },
    async stopTwoFactor(asker, personId, password) {
      checkPassword(personId, password);
      change(personId, { hasTwoFactor: false });
      note(asker, personId, 'two-factor-off');
    },
    async renewRecoveryCodes(_asker, personId, password) {
      const row = checkPassword(personId, password);
      row.recoveryCodes = codes();
      return row.recoveryCodes;
    },
    listPasskeys: async (personId) => passkeys.filter((passkey) => passkey.personId === personId),
    async removePasskey(asker, personId, passkeyId) {
      const at = passkeys.findIndex((passkey) => passkey.id === passkeyId && passkey.personId === personId);
      if (at >= 0) passkeys.splice(at, 1);
      note(asker, personId, 'passkey-removed');
    },

    listTokens: async (personId) =>
      tokens
        .filter((token) => personId === null || token.personId === personId)
        .map(({ secret: _secret, ...token }) => token),
    async addToken(asker, personId, { name, scopes, expiresAtMs }) {
      const allowed = grantable(rowOf(personId).person.role);
      if (scopes.length === 0 || scopes.some((scope) => !allowed.includes(scope)))
        throw new AppError('bad-request', 'A token takes at least one scope, of those its person has.');
      if (!name.trim() || name.length > 100)
        throw new AppError('bad-request', 'A name has 1 to 100 characters.');
      const token: Token = {
        id: createId(),
        personId,
        name,
        scopes,
        createdAtMs: clock.nowMs(),
        expiresAtMs,
        lastUsedAtMs: null,
      };
      const secret = `kinora_${randomBytes(24).toString('base64url')}`;
      tokens.push({ ...token, secret });
      note(asker, personId, 'token-added', name);
      return { token, secret };
    },
    async removeToken(asker, personId, tokenId) {
      const at = tokens.findIndex((token) => token.id === tokenId && token.personId === personId);
      if (at < 0) return false;
      note(asker, personId, 'token-removed', tokens.splice(at, 1)[0]!.name);
      revision += 1;
      return true;
    },

    listPeople: async () => [...rows.values()].map(({ person }) => person),
    async changePerson(asker, byId, id, changes) {
      const { person } = rowOf(id);
      if (person.role === 'owner' && ((changes.role ?? 'owner') !== 'owner' || changes.isDisabled))
        keepAnOwner(id);
      if (changes.isDisabled) endOf((session) => session.personId !== id);
      if (changes.name !== undefined) checkName(changes.name);
      note(asker, byId, 'person-changed', person.name);
      return change(id, changes);
    },
    async removePerson(asker, byId, id) {
      const { person } = rowOf(id);
      if (person.role === 'owner') keepAnOwner(id);
      note(asker, byId, 'person-removed', person.name);
      endOf((session) => session.personId !== id);
      rows.delete(id);
    },
    async addPerson(_asker, _byId, account) {
      checkNew(account);
      if (byLogin(account.login)) throw new AppError('conflict', 'This user name is taken.');
      return add(
        account.name,
        account.login.toLowerCase(),
        account.role,
        { quotaBytes: account.quotaBytes },
        account.password,
      );
    },
    async makeResetToken(_asker, _byId, personId) {
      const token = randomBytes(16).toString('hex');
      resets.set(token, { personId: rowOf(personId).person.id, expiresAtMs: clock.nowMs() + dayMs });
      return token;
    },
    async invite(asker, byId, wanted) {
      const invite: Invite = { id: createId(), createdAtMs: clock.nowMs(), ...wanted };
      const secret = randomBytes(16).toString('base64url');
      invites.push({ ...invite, secret });
      note(asker, byId, 'person-invited', wanted.note);
      return { invite, secret };
    },
    listInvites: async () =>
      invites
        .filter(({ expiresAtMs }) => expiresAtMs > clock.nowMs())
        .map(({ secret: _secret, ...invite }) => invite),
    async removeInvite(id) {
      const at = invites.findIndex((invite) => invite.id === id);
      if (at >= 0) invites.splice(at, 1);
    },
    findInvite: async (secret) => findInvite(secret),

    listAudit: async (beforeMs, limit) =>
      audit
        .filter(({ atMs }) => atMs < beforeMs)
        .sort((a, b) => b.atMs - a.atMs)
        .slice(0, limit),
    revision: () => revision,
    sharedRevision: async () => String(revision),
    ping: async () => {},
    close: async () => {},
  };
}

function judge(password: string) {
  const score = Math.min(4, Math.floor(password.length / 4));
  const isEnough = password.length >= 12 && !/^password/i.test(password);
  const reason =
    password.length < 12
      ? 'A password has at least 12 characters.'
      : isEnough
        ? null
        : 'This is one of the first that would be tried.';
  return { isEnough, score: isEnough ? score : Math.min(1, score), reason };
}

function checkName(name: string): void {
  if (!name.trim() || name.length > 200) throw new AppError('bad-request', 'A name has 1 to 200 characters.');
}

function checkNew({ name, login }: NewAccount): void {
  checkName(name);
  if (!/^[\w.-]{3,30}$/.test(login) && !/^[^@\s]{1,64}@[^@\s]{1,190}$/.test(login))
    throw new AppError(
      'bad-request',
      'A user name has 3 to 30 letters, digits, dots, dashes or underscores.',
    );
}
