// What a camera must be before it gets a hub: its id and name, its driver and options, its passwords opened.
import type { Catalogue, StoredCamera } from '../catalogue/catalogue.ts';
import { AppError, isAppError } from '../errors.ts';
import type { NewCamera } from './cameras.ts';
import type { DriverModule } from './driver.ts';
import { isSealed, type SecretBox } from './secret-box.ts';
import { isSecretOption } from './secrets.ts';

/** Addresses beside those of cameras: /cameras/add, /api/v1/cameras/discover, ... */
const reservedIds = ['add', 'discover'];

/**
 * A stored camera with its passwords open. One of a time when they were stored as they are is sealed now; where they
 * cannot be opened any more the camera stays listed, and `failure` says so when it is watched.
 */
export async function openStored(
  stored: StoredCamera,
  box: SecretBox,
  catalogue: Pick<Catalogue, 'updateCamera'>,
): Promise<{ camera: NewCamera; failure: AppError | null }> {
  const { id, name, driver } = stored;
  const isPlain = Object.entries(stored.options).some(
    ([option, value]) => typeof value === 'string' && value !== '' && isSecretOption(option, value),
  );
  if (isPlain)
    await catalogue.updateCamera({ id, name, driver, options: await box.seal(id, stored.options) });
  try {
    return { camera: { id, name, driver, options: await box.open(id, stored.options) }, failure: null };
  } catch (error) {
    if (!isAppError(error, 'unavailable')) throw error;
    const readable = Object.entries(stored.options).filter(([, value]) => !isSealed(value));
    return { camera: { id, name, driver, options: Object.fromEntries(readable) }, failure: error };
  }
}

/** The parts every camera has. Throws `bad-request`. */
export function checkCamera({ id, name }: NewCamera): void {
  if (!/^[a-z0-9][a-z0-9_-]{0,63}$/.test(id)) {
    throw new AppError(
      'bad-request',
      `The id “${id.slice(0, 80)}” is not one: it takes 1 to 64 small letters, digits, - and _, a letter or digit first.`,
    );
  }
  if (reservedIds.includes(id)) {
    throw new AppError('bad-request', `The id “${id}” is the address of a page; take another one.`);
  }
  if (name.trim() === '' || name.length > 200) {
    throw new AppError('bad-request', 'The name of a camera has 1 to 200 characters.');
  }
}

/** The camera's driver. Throws `bad-request` where there is none or it takes no such options. */
export async function loadChecked(
  camera: Pick<NewCamera, 'driver' | 'options'>,
  load: (driver: string) => Promise<DriverModule>,
): Promise<DriverModule> {
  const driver = await load(camera.driver);
  driver.checkOptions?.(camera.options);
  return driver;
}
