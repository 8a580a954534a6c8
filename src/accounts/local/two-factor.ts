// Not there yet: each method says so.
import { AppError } from '../../errors.ts';
import type { Accounts } from '../accounts.ts';
import type { Core } from './core.ts';
import type { RawRoutes } from './raw-requests.ts';

const away = async (): Promise<never> => {
  throw new AppError('unavailable', 'This is not possible yet.');
};

type TwoFactor = Pick<
  Accounts,
  'proveSecondFactor' | 'startTwoFactor' | 'confirmTwoFactor' | 'stopTwoFactor' | 'renewRecoveryCodes'
>;

export function createTwoFactor(_core: Core): TwoFactor {
  return {
    proveSecondFactor: away,
    startTwoFactor: away,
    confirmTwoFactor: away,
    stopTwoFactor: away,
    renewRecoveryCodes: away,
  };
}

export function twoFactorRoutes(_core: Core, _methods?: unknown): RawRoutes {
  return {};
}
