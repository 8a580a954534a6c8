// What better-auth is set up with, for those who start it (`engine.ts`) and for its options (`engine-options.ts`), which
// are loaded only then.
import type { Logger } from 'pino';
import type { Config } from '../../config.ts';
import type { PasswordHasher } from '../password-hash.ts';
import type { AccountData } from './account-data.ts';

/** Where better-auth answers. */
export const basePath = '/api/auth';

/** How better-auth is told the client's address: set here alone, never taken from the client. */
export const addressHeader = 'x-kinora-address';

export type EngineOpenId = {
  readonly provider: NonNullable<Config['auth']['openId']>;
  /** What somebody new becomes. Throws an APIError where nobody may be. */
  admit(user: {
    readonly name: string;
  }): Promise<{ readonly name: string } & Readonly<Record<string, unknown>>>;
  /** Somebody new has come to be. */
  admitted(personId: string): Promise<void>;
};

export type EngineParts = {
  readonly data: Pick<AccountData, 'people' | 'engineDatabase'>;
  readonly hasher: PasswordHasher;
  readonly config: Config['auth'];
  readonly log: Logger;
  /** Signs cookies and encrypts authenticators' secrets. */
  readonly secret: string;
  readonly openId?: EngineOpenId;
};
