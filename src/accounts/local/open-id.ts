// Not there yet: each method says so.
import { AppError } from '../../errors.ts';
import type { Accounts } from '../accounts.ts';
import type { Core } from './core.ts';
import type { RawRoutes } from './raw-requests.ts';

const away = async (): Promise<never> => {
  throw new AppError('unavailable', 'This is not possible yet.');
};

type OpenId = Pick<Accounts, 'startOpenId'>;

export function createOpenId(_core: Core): OpenId {
  return { startOpenId: away };
}

export function openIdRoutes(_core: Core, _methods?: unknown): RawRoutes {
  return {};
}
