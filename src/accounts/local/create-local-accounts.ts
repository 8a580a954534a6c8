// The accounts of this process: makes what the parts share, puts the parts together to the port, and keeps the store
// tidy. Nothing heavy is loaded for it; better-auth and the dictionaries of passwords come some seconds later.
import { createHmac } from 'node:crypto';
import { join } from 'node:path';
import type { Logger } from 'pino';
import type { Clock } from '../../clock.ts';
import type { Config } from '../../config.ts';
import { AppError } from '../../errors.ts';
import { readOrMakeKey } from '../../key-file.ts';
import type { Accounts } from '../accounts.ts';
import { createPasswordHasher, type PasswordHasher } from '../password-hash.ts';
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
import { openAccounts } from './open-accounts.ts';
import { createOpenId } from './open-id.ts';
import { createOwnAccount } from './own-account.ts';
import { passkeyRoutes } from './passkey-routes.ts';
import { createPasswordStrength } from './password-strength.ts';
import { createPasswords } from './passwords.ts';
import { createPeople } from './people-rows.ts';
import { createRawRequests } from './raw-requests.ts';
import { createSessions } from './sessions.ts';
import { createSignUp } from './sign-up.ts';
import { createStore } from './store.ts';
import { createTwoFactor, twoFactorRoutes } from './two-factor.ts';

/** In the data folder. */
export const accountsFileName = 'accounts.sqlite';
export const authKeyFileName = 'auth.key';

/** After the start, when the first page is out; a log-in before that loads it itself. */
const warmUpMs = 5000;
const tidyEveryMs = 3_600_000;

export type LocalAccountsOptions = {
  /** The data folder. */
  readonly folder: string;
  readonly clock: Clock;
  readonly log: Logger;
  readonly config: Config['auth'];
  /** Shared with whoever else works out passwords, so that together they take two cores at most. */
  readonly hasher?: PasswordHasher;
  /** False: nothing is loaded before it is needed (the command line). */
  readonly warmsUp?: boolean;
};

/** Opens the accounts in the folder, making them at first use. Throws `corrupt`, `conflict`, `unavailable`. */
export async function createLocalAccounts(options: LocalAccountsOptions): Promise<Accounts> {
  const { folder, clock, log, config, hasher = createPasswordHasher(), warmsUp = true } = options;
  const key = await readOrMakeKey(join(folder, authKeyFileName), 'log-ins');
  // One key for each purpose; better-auth takes text.
  const keyFor = (purpose: string) => createHmac('sha256', key).update(purpose).digest('base64url');
  const secret = keyFor('sessions');
  const store = createStore(openAccounts(join(folder, accountsFileName)), clock);
  const closing = new AbortController();
  const people = createPeople(store, clock);
  const strength = createPasswordStrength();
  const core: Core = {
    ...{ config, clock, log, store, hasher, people },
    attempts: createAttempts(clock),
    cookies: createCookieJar(secret, keyFor('devices')),
    sessions: createSessions(store, clock),
    audit: createAuditLog(store, clock, closing.signal),
    engine: createEngine({ store, people, hasher, config, log, secret }),
    judgePassword: (password, about) => strength.judge(password, about),
    async checkPassword(password, about) {
      const { isEnough, reason } = await strength.judge(password, about);
      if (!isEnough) throw new AppError('bad-request', reason ?? 'This password is easy to guess.');
    },
  };
  const tidy = () => {
    core.sessions.tidy();
    core.audit.tidy();
    const nowMs = clock.nowMs();
    const now = new Date(nowMs).toISOString();
    store.run('DELETE FROM verification WHERE expiresAt < ?', now);
    store.run('DELETE FROM "deviceCode" WHERE expiresAt < ?', now);
    store.run('DELETE FROM reset WHERE expires_at_ms < ?', nowMs);
    store.run('DELETE FROM invite WHERE expires_at_ms < ?', nowMs);
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
        tidy();
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
    revision: () => store.revision(),
    async ping() {
      store.get('SELECT 1');
    },
    async close() {
      if (closing.signal.aborted) return;
      closing.abort();
      core.audit.flush();
      store.close();
    },
  };
}
