// The accounts of a process in a folder of the test's own, a browser that keeps its cookies, and passwords that are
// quickly worked out (the real scrypt takes a third of a second each).
import { createHash, randomBytes, scryptSync } from 'node:crypto';
import { after } from 'node:test';
import type { Db } from 'mongodb';
import { pino } from 'pino';
import type { Accounts, Asker, Cookies, Identity } from '../../src/accounts/accounts.ts';
import { createLocalAccounts } from '../../src/accounts/local/create-local-accounts.ts';
import { createPasswordHasher, type PasswordHasher } from '../../src/accounts/password-hash.ts';
import { type Clock, systemClock } from '../../src/clock.ts';
import type { Config } from '../../src/config.ts';
import type { Keys } from '../../src/keys.ts';
import { createMongoKeys } from '../../src/mongo/keys.ts';
import { temporaryFolder } from './temporary-folder.ts';

export const goodPassword = 'plum kettle orbit sandal';
export const otherPassword = 'violet anchor mosaic 41 tundra';

export const authConfig: Config['auth'] = {
  ...{ mode: 'accounts', signUp: 'invite', header: 'remote-user', quotaBytes: null },
  ...{ serviceUrl: null, serviceSecret: null, mail: null, openId: null },
};

/** Counts how many passwords were worked out. */
export function createQuickHasher(): PasswordHasher & { worked: number } {
  const hash = (password: string) =>
    `quick$${createHash('sha256').update(password.normalize('NFC')).digest('hex')}`;
  const hasher = {
    worked: 0,
    first: <Result>(work: () => Result) => work(),
    async hash(password: string) {
      hasher.worked += 1;
      return hash(password);
    },
    async isPassword(password: string, stored: string) {
      hasher.worked += 1;
      return hash(password) === stored;
    },
  };
  return hasher;
}

/**
 * Hashes that the program's own hasher reads, with hardly any work (what it takes stands in a stored
 * hash): for people who are there before the program starts, and for tests that try many passwords of a link.
 */
export function createCheapHasher(): PasswordHasher {
  const real = createPasswordHasher();
  return {
    ...real,
    async hash(password) {
      const salt = randomBytes(16);
      const key = scryptSync(password.normalize('NFC'), salt, 32, { N: 16, r: 1, p: 1 });
      return ['scrypt', 4, 1, 1, salt.toString('base64url'), key.toString('base64url')].join('$');
    },
  };
}

export type OpenOptions = {
  readonly folder?: string;
  /** In this database, and nothing in the folder. */
  readonly db?: Db;
  /** Left out: those of the place. */
  readonly keys?: Keys;
  readonly clock?: Clock;
  readonly config?: Partial<Config['auth']>;
  /** null: the real one. */
  readonly hasher?: PasswordHasher | null;
};

/** Call inside a test or a describe block: its folder goes when that ends. */
export async function openLocalAccounts({
  folder,
  db,
  keys,
  clock = systemClock,
  config = {},
  hasher = createQuickHasher(),
}: OpenOptions = {}): Promise<Accounts & { readonly folder: string }> {
  const where = folder ?? (db ? '' : await temporaryFolder());
  const accounts = await createLocalAccounts({
    ...(db ? { db, keys: keys ?? createMongoKeys(db) } : { folder: where, ...(keys && { keys }) }),
    ...{ clock, log: pino({ level: 'silent' }) },
    config: { ...authConfig, ...config },
    ...(hasher ? { hasher } : {}),
    warmsUp: false,
  });
  // Also where the test fails before it closes them: their timers would keep the process.
  after(() => accounts.close());
  return { ...accounts, folder: where };
}

/** Somebody's browser: what it is answered with, it sends along. */
export function createBrowser(accounts: Accounts, from: Partial<Asker> = {}) {
  const cookies = new Map<string, string>();
  const browser = {
    cookies,
    asker(): Asker {
      const header = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
      return {
        ...{ address: '192.168.1.20', userAgent: 'Test/1.0', origin: 'http://kinora.local:5000' },
        ...{ isThisMachine: false, ...from },
        cookieHeader: header === '' ? null : header,
      };
    },
    keep(given: Cookies): void {
      for (const cookie of given) {
        const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(cookie) ?? [];
        if (/;\s*max-age=0\s*(;|$)/i.test(cookie)) cookies.delete(name);
        else cookies.set(name, value);
      }
    },
    /** The session cookie's value. */
    session: (): string | null => {
      for (const [name, value] of cookies) if (/^(__Host-)?kinora\.session$/.test(name)) return value;
      return null;
    },
    identity: (): Promise<Identity | null> => accounts.identify({ cookie: browser.session(), bearer: null }),
    async signUp(
      name: string,
      login: string,
      more: { password?: string; invite?: string; setupCode?: string } = {},
    ) {
      const signedIn = await accounts.signUp(browser.asker(), {
        name,
        login,
        password: goodPassword,
        ...more,
      });
      browser.keep(signedIn.cookies);
      return signedIn.personId;
    },
    async signIn(login: string, password = goodPassword) {
      const signedIn = await accounts.signIn(browser.asker(), login, password);
      browser.keep(signedIn.cookies);
      return signedIn;
    },
    /** A JSON request below /api/auth. */
    async send(method: string, path: string, body?: object, headers: Record<string, string> = {}) {
      const answer = await accounts.handle(browser.asker(), {
        ...{ method, path: `/api/auth${path}`, body: body ? JSON.stringify(body) : null },
        headers: body ? { 'content-type': 'application/json', ...headers } : headers,
      });
      browser.keep(answer.headers.filter(([name]) => name === 'set-cookie').map(([, value]) => value));
      return { ...answer, json: JSON.parse(answer.body || 'null') };
    },
  };
  return browser;
}

/** The browser on the machine itself, which makes the first account. */
export function createHomeBrowser(accounts: Accounts) {
  return createBrowser(accounts, {
    ...{ address: '127.0.0.1', origin: 'http://localhost:5000', isThisMachine: true },
  });
}
