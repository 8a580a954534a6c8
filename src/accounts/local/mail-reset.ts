// Not there yet: each method says so.
import { AppError } from '../../errors.ts';
import type { Accounts } from '../accounts.ts';
import type { Core } from './core.ts';
import type { RawRoutes } from './raw-requests.ts';

const away = async (): Promise<never> => {
  throw new AppError('unavailable', 'This is not possible yet.');
};

type MailReset = Pick<Accounts, 'askReset'>;

export function createMailReset(_core: Core): MailReset {
  return { askReset: away };
}

export function mailResetRoutes(_core: Core, _methods?: unknown): RawRoutes {
  return {};
}
