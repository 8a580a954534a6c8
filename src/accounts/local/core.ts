// What the parts of the local accounts share: where they are kept, the clock, who counts attempts, and the parts that every way of
// coming in goes through. `create-local-accounts.ts` makes it; each part takes it and gives some of the port's methods.
import type { Logger } from 'pino';
import type { Clock } from '../../clock.ts';
import type { Config } from '../../config.ts';
import type { PasswordVerdict } from '../accounts.ts';
import type { PasswordHasher } from '../password-hash.ts';
import type { AccountData } from './account-data.ts';
import type { Attempts } from './attempts.ts';
import type { AuditLog } from './audit-log.ts';
import type { CookieJar } from './cookies.ts';
import type { Engine } from './engine.ts';
import type { Sessions } from './sessions.ts';

export type Core = {
  readonly config: Config['auth'];
  readonly clock: Clock;
  readonly log: Logger;
  readonly data: AccountData;
  readonly attempts: Attempts;
  readonly hasher: PasswordHasher;
  readonly cookies: CookieJar;
  readonly sessions: Sessions;
  readonly audit: AuditLog;
  /** For the first account, from another machine. */
  readonly setupCode: string;
  judgePassword(password: string, about: readonly string[]): Promise<PasswordVerdict>;
  /** Throws `bad-request` with the reason for one that is not enough. */
  checkPassword(password: string, about: readonly string[]): Promise<void>;
  /** better-auth; loaded at the first call. */
  readonly engine: Engine;
};
