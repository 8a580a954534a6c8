// Puts the cameras together: those of the settings file and those in the catalogue, one hub each.
import type { Logger } from 'pino';
import type { Catalogue, StoredCamera } from '../catalogue/catalogue.ts';
import type { Clock } from '../clock.ts';
import type { Config } from '../config.ts';
import { AppError, isAppError } from '../errors.ts';
import type { CameraInfo, Cameras, NewCamera } from './cameras.ts';
import type { DriverModule } from './driver.ts';
import { Hub } from './hub.ts';
import { driverNames, isModulePath, loadDriver } from './registry.ts';
import { withoutSecrets } from './secrets.ts';

/** Most cameras of one house: bounds what a visitor can make this program remember. */
const maxCameras = 500;

export type CamerasSetup = {
  readonly settings: Config['cameras'];
  readonly catalogue: Pick<Catalogue, 'listCameras' | 'addCamera' | 'removeCamera'>;
  readonly clock: Clock;
  readonly log: Logger;
  /** From 0 to 1, jitters the pauses before restarts. */
  readonly random?: () => number;
  /** Where drivers come from by name; the registry where it is not given. */
  readonly load?: (driver: string) => Promise<DriverModule>;
};

/**
 * Reads the cameras and checks them; starts none. Throws `bad-request` with one sentence where a camera of the
 * settings is wrong; one in the catalogue that is wrong stays listed and says so when it is watched.
 */
export async function createCameras(setup: CamerasSetup): Promise<Cameras> {
  const { settings, catalogue, clock, log, random = Math.random, load = loadDriver } = setup;
  const hubs = new Map<string, Hub>();
  const listeners = new Set<(camera: CameraInfo) => void>();
  /** Ids between check and store, so that two additions at once cannot both pass. */
  const pending = new Set<string>();
  let isClosed = false;

  const createHub = (camera: NewCamera, isFromSettings: boolean, loadModule: () => Promise<DriverModule>) =>
    new Hub({
      id: camera.id,
      name: camera.name,
      driver: isModulePath(camera.driver) ? 'module' : camera.driver,
      load: loadModule,
      options: camera.options,
      isFromSettings,
      lingerMs: settings.lingerMs,
      clock,
      log,
      random,
      onChange: (info) => {
        for (const listener of listeners) listener(info);
      },
    });
  const getHub = (id: string) => {
    const hub = hubs.get(id);
    if (!hub) throw new AppError('not-found', `There is no camera “${id.slice(0, 64)}”.`);
    return hub;
  };

  for (const camera of settings.list) {
    try {
      checkCamera(camera);
      if (hubs.has(camera.id)) throw new AppError('bad-request', 'This id is there twice.');
      const driver = await loadChecked(camera, load);
      hubs.set(
        camera.id,
        createHub(camera, true, async () => driver),
      );
    } catch (cause) {
      if (!isAppError(cause)) throw cause;
      const reason = withoutSecrets(cause.message, camera.options);
      throw new AppError('bad-request', `Camera “${camera.id}” of the settings: ${reason}`, { cause });
    }
  }
  for (const camera of await catalogue.listCameras()) {
    if (hubs.has(camera.id)) {
      log.warn({ camera: camera.id }, 'a camera of the settings hides the added one of the same id');
      continue;
    }
    hubs.set(
      camera.id,
      createHub(camera, false, () => loadChecked(camera, load)),
    );
  }

  return {
    list: () => Array.from(hubs.values(), (hub) => hub.info),
    get: (id) => hubs.get(id)?.info ?? null,
    figures: () => Array.from(hubs.values(), (hub) => hub.figures),

    async add(camera) {
      if (isClosed) throw new AppError('unavailable', 'The program ends.');
      checkCamera(camera);
      // A module is code of this house's owner: whoever reaches the API must not choose what runs here.
      if (isModulePath(camera.driver)) {
        throw new AppError(
          'bad-request',
          `A module can be a camera only through the settings file; here the driver is one of ${driverNames.join(', ')}.`,
        );
      }
      if (hubs.has(camera.id) || pending.has(camera.id)) {
        throw new AppError('conflict', `There is already a camera “${camera.id}”.`);
      }
      if (hubs.size + pending.size >= maxCameras) {
        throw new AppError('too-many', `There are ${maxCameras} cameras already; remove one first.`);
      }
      pending.add(camera.id);
      try {
        const driver = await loadChecked(camera, load);
        const stored: StoredCamera = { ...camera, addedAtMs: clock.nowMs() };
        await catalogue.addCamera(stored);
        const hub = createHub(camera, false, async () => driver);
        hubs.set(camera.id, hub);
        return hub.info;
      } finally {
        pending.delete(camera.id);
      }
    },

    async remove(id) {
      const hub = getHub(id);
      if (hub.info.isFromSettings) {
        throw new AppError(
          'conflict',
          `Camera “${id}” stands in the settings and can only be removed there.`,
        );
      }
      await catalogue.removeCamera(id);
      hubs.delete(id);
      await hub.close();
    },

    watch: (id, viewer) => getHub(id).watch(viewer),
    snapshot: async (id, maxAgeMs, signal) => getHub(id).snapshot(maxAgeMs, signal),

    onChange(listener) {
      // A function of our own, so that the same listener may be there twice.
      const own = (camera: CameraInfo) => listener(camera);
      listeners.add(own);
      return () => void listeners.delete(own);
    },

    async close() {
      isClosed = true;
      await Promise.all(Array.from(hubs.values(), (hub) => hub.close()));
      listeners.clear();
    },
  };
}

/** The parts every camera has. Throws `bad-request`. */
function checkCamera({ id, name }: NewCamera): void {
  if (!/^[a-z0-9][a-z0-9_-]{0,63}$/.test(id)) {
    throw new AppError(
      'bad-request',
      `The id “${id.slice(0, 80)}” is not one: it takes 1 to 64 small letters, digits, - and _, a letter or digit first.`,
    );
  }
  if (name.trim() === '' || name.length > 200) {
    throw new AppError('bad-request', 'The name of a camera has 1 to 200 characters.');
  }
}

async function loadChecked(
  camera: Pick<NewCamera, 'driver' | 'options'>,
  load: (driver: string) => Promise<DriverModule>,
): Promise<DriverModule> {
  const driver = await load(camera.driver);
  driver.checkOptions?.(camera.options);
  return driver;
}
