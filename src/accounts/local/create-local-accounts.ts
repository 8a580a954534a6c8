// The accounts of this process: makes what the parts share, puts the parts together to the port, and keeps the store
// tidy. Nothing heavy is loaded for it; better-auth and the dictionaries of passwords come some seconds later.
import { createHmac } from 'node:crypto';
import { join } from 'node:path';
import type { Db } from 'mongodb';
import type { Logger } from 'pino';
import type { Clock } from '../../clock.ts';
import type { Config } from '../../config.ts';
import { AppError } from '../../errors.ts';
import { createFileKeys, type Keys } from '../../keys.ts';
import type { Accounts } from '../accounts.ts';
import { createPasswordHasher, type PasswordHasher } from '../password-hash.ts';
import { openSqliteAccounts } from '../sqlite/sqlite-accounts.ts';
import type { AccountData } from './account-data.ts';
import { createAttempts } from './attempts.ts';
import { createAuditLog } from './audit-log.ts';
import { createCookieJar } from './cookies.ts';
import type { Core } from './core.ts';
import { createDevices } from './devices.ts';
import { createEngine } from './engine.ts';
import { createHousehold } from './household.ts';
import { createIdentity } from './identity.ts';
import { createLogIn } from './log-in.ts';
import { createMailReset, mailResetRoutes } from './mail-reset.ts';
import { createOpenId } from './open-id.ts';
import { createOwnAccount } from './own-account.ts';
import { passkeyRoutes } from './passkey-routes.ts';
import { createPasswordStrength } from './password-strength.ts';
import { createPasswords } from './passwords.ts';
import { createRawRequests } from './raw-requests.ts';
import { createSetupCode } from './secrets.ts';
import { createSessions } from './sessions.ts';
import { createSignUp } from './sign-up.ts';
import { createTwoFactor, twoFactorRoutes } from './two-factor.ts';

/** In the data folder. */
export const accountsFileName = 'accounts.sqlite';
export const authKeyFileName = 'auth.key';

/** After the start, when the first page is out; a log-in before that loads it itself. */
const warmUpMs = 5000;
const tidyEveryMs = 3_600_000;

/** Where accounts are kept: a file of the data folder, or a database that other processes share. */
export type AccountsPlace =
  | {
      readonly folder: string;
      /** Left out: a file of the folder. */
      readonly keys?: Keys;
    }
  | { readonly db: Db; readonly keys: Keys };

export type LocalAccountsOptions = AccountsPlace & {
  readonly clock: Clock;
  readonly log: Logger;
  readonly config: Config['auth'];
  /** Shared with whoever else works out passwords, so that together they take two cores at most. */
  readonly hasher?: PasswordHasher;
  /** False: nothing is loaded before it is needed (the command line). */
  readonly warmsUp?: boolean;
};

/** Opens the store alone: for `kinora move`. Throws as `createLocalAccounts`. */
export async function openAccountData(
  place: AccountsPlace,
  tools: { readonly clock: Clock; readonly log: Logger },
): Promise<AccountData> {
  if ('folder' in place) return openSqliteAccounts(join(place.folder, accountsFileName), tools.clock);
  const { openMongoAccounts } = await import('../mongo/mongo-accounts.ts');
  return openMongoAccounts(place.db, tools);
}

/** Opens the accounts, making them at first use. Throws `corrupt`, `conflict`, `unavailable`. */
export async function createLocalAccounts(options: LocalAccountsOptions): Promise<Accounts> {
  const { clock, log, config, hasher = createPasswordHasher(), warmsUp = true } = options;
  const keys = 'folder' in options ? (options.keys ?? createFileKeys(options.folder)) : options.keys;
  const key = await keys.get('auth', 'log-ins');
  // One key for each purpose; better-auth takes text.
  const mac = (purpose: string) => createHmac('sha256', key).update(purpose);
  const keyFor = (purpose: string) => mac(purpose).digest('base64url');
  const secret = keyFor('sessions');
  const data = await openAccountData(options, { clock, log });
  const closing = new AbortController();
  const strength = createPasswordStrength();
  const core: Core = {
    ...{ config, clock, log, data, hasher },
    attempts: createAttempts(data),
    cookies: createCookieJar(secret, keyFor('devices')),
    sessions: createSessions(data, clock),
    audit: createAuditLog(data, { clock, log, signal: closing.signal }),
    engine: createEngine({ data, hasher, config, log, secret }),
    // Another one at each start, but the same for all processes that may be asked.
    setupCode: createSetupCode(data.isShared ? mac('first account').digest() : undefined),
    judgePassword: (password, about) => strength.judge(password, about),
    async checkPassword(password, about) {
      const { isEnough, reason } = await strength.judge(password, about);
      if (!isEnough) throw new AppError('bad-request', reason ?? 'This password is easy to guess.');
    },
  };
  const background = async () => {
    await clock.sleep(warmUpMs, closing.signal);
    if (warmsUp)
      await core.engine
        .load()
        .then(() => strength.load())
        .catch(failed);
    for (; !closing.signal.aborted; await clock.sleep(tidyEveryMs, closing.signal)) {
      try {
        await core.audit.tidy();
        await data.tidy(clock.nowMs());
      } catch (error) {
        failed(error); // in an hour again
      }
    }
  };
  const failed = (error: unknown) => {
    if (!closing.signal.aborted) log.error({ err: error }, 'the accounts could not be tidied up');
  };
  background().catch(failed);

  const logIn = createLogIn(core);
  const signUp = createSignUp(core);
  const passwords = createPasswords(core);
  const ownAccount = createOwnAccount(core);
  const mailReset = createMailReset(core);
  const twoFactor = createTwoFactor(core);
  const devices = createDevices(core);
  const openId = createOpenId(core);
  return {
    ...createIdentity(core),
    ...{ ...signUp, ...logIn, ...passwords, ...ownAccount },
    ...createHousehold(core),
    ...{ ...twoFactor, ...devices, ...mailReset, startOpenId: openId.startOpenId },
    ...createRawRequests(core, { ...signUp, ...logIn, ...passwords, ...ownAccount }, [
      passkeyRoutes(core, ownAccount),
      twoFactorRoutes(core, twoFactor),
      openId.routes,
      mailResetRoutes(core, { ...passwords, ...mailReset }),
    ]),
    revision: () => data.revision(),
    sharedRevision: () => data.sharedRevision(),
    ping: () => data.ping(),
    async close() {
      if (closing.signal.aborted) return;
      closing.abort();
      await core.audit
        .flush()
        .catch((error: unknown) => log.warn({ err: error }, 'refused log-ins are lost'));
      await data.close();
    },
  };
}
