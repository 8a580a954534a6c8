// Not there yet: each method says so.
import { AppError } from '../../errors.ts';
import type { Accounts } from '../accounts.ts';
import type { Core } from './core.ts';
import type { RawRoutes } from './raw-requests.ts';

const away = async (): Promise<never> => {
  throw new AppError('unavailable', 'This is not possible yet.');
};

type Devices = Pick<Accounts, 'startDevice' | 'pollDevice' | 'findDevice' | 'answerDevice'>;

export function createDevices(_core: Core): Devices {
  return { startDevice: away, pollDevice: away, findDevice: away, answerDevice: away };
}

export function devicesRoutes(_core: Core, _methods?: unknown): RawRoutes {
  return {};
}
