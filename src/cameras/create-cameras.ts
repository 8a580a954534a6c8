// Puts the cameras together: those of the settings file and those in the catalogue, one hub each.
import { isDeepStrictEqual } from 'node:util';
import type { Logger } from 'pino';
import type { Catalogue } from '../catalogue/catalogue.ts';
import type { Clock } from '../clock.ts';
import type { Config } from '../config.ts';
import { AppError, isAppError } from '../errors.ts';
import { checkCamera, loadChecked, openStored } from './camera-entry.ts';
import { changedOptions } from './camera-options.ts';
import { CameraPictures } from './camera-pictures.ts';
import type { CameraInfo, Cameras, NewCamera } from './cameras.ts';
import { type DiscoverySetup, discoverCameras } from './discovery/discover-cameras.ts';
import type { DriverModule } from './driver.ts';
import { keyOf } from './drivers/push.ts';
import { listV4l2Modes } from './drivers/v4l2.ts';
import { Hub } from './hub.ts';
import { isSameKey } from './key-check.ts';
import { receivePush } from './receive-push.ts';
import { driverNames, isModulePath, loadDriver } from './registry.ts';
import { createSecretBox } from './secret-box.ts';
import { shownOptions, withoutSecrets } from './secrets.ts';
import { tryCamera } from './try-camera.ts';

/** Most cameras of one house: bounds what a visitor can make this program remember. */
const maxCameras = 500;

/** Most cameras tried out at once: each runs a driver. */
const maxTests = 4;

export type CamerasSetup = {
  readonly settings: Config['cameras'];
  readonly catalogue: Pick<Catalogue, 'listCameras' | 'addCamera' | 'updateCamera' | 'removeCamera'>;
  /** Holds the key for stored passwords; it is made with the first one. */
  readonly dataFolder: string;
  readonly clock: Clock;
  readonly log: Logger;
  /** From 0 to 1, jitters the pauses before restarts. */
  readonly random?: () => number;
  /** Where drivers come from by name; the registry where it is not given. */
  readonly load?: (driver: string) => Promise<DriverModule>;
  /** Where cameras are looked for; the real places where it is not given. */
  readonly discovery?: Omit<DiscoverySetup, 'clock'>;
};

/** A camera as it is set up now, its options open. */
type Entry = { readonly camera: NewCamera; readonly hub: Hub };

/**
 * Reads the cameras and checks them; starts none. Throws `bad-request` with one sentence where a camera of the
 * settings is wrong; one in the catalogue that is wrong stays listed and says so when it is watched.
 */
export async function createCameras(setup: CamerasSetup): Promise<Cameras> {
  const { settings, catalogue, clock, log, random = Math.random, load = loadDriver } = setup;
  const box = createSecretBox(setup.dataFolder);
  const entries = new Map<string, Entry>();
  const listeners = new Set<(camera: CameraInfo) => void>();
  /** Ids between check and store, so that two additions at once cannot both pass. */
  const pending = new Set<string>();
  const closing = new AbortController();
  let tests = 0;
  let isClosed = false;

  /** Of each hub: its pictures in other sizes. */
  const pictures = new WeakMap<Hub, CameraPictures>();
  const countAll = () => {
    let streams = 0;
    for (const { hub } of entries.values()) streams += pictures.get(hub)!.figures.streams;
    return streams;
  };
  const createHub = (
    camera: NewCamera,
    isFromSettings: boolean,
    loadModule: () => Promise<DriverModule>,
  ): Hub => {
    const hub = new Hub({
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
    const { lingerMs } = settings;
    pictures.set(hub, new CameraPictures({ source: hub, lingerMs, clock, log, random, countAll }));
    return hub;
  };
  const closeHub = async (hub: Hub) => {
    await Promise.all([pictures.get(hub)!.close(), hub.close()]);
  };
  const getEntry = (id: string) => {
    const entry = entries.get(id);
    if (!entry) throw new AppError('not-found', `There is no camera “${id.slice(0, 64)}”.`);
    return entry;
  };
  const getHub = (id: string) => getEntry(id).hub;
  const refuseModule = (driver: string) => {
    // A module is code of this house's owner: whoever reaches the API must not choose what runs here.
    if (!isModulePath(driver)) return;
    throw new AppError(
      'bad-request',
      `A module can be a camera only through the settings file; here the driver is one of ${driverNames.join(', ')}.`,
    );
  };
  const ownEntry = (id: string, verb: string) => {
    const entry = getEntry(id);
    if (entry.hub.info.isFromSettings) {
      throw new AppError('conflict', `Camera “${id}” stands in the settings and can only be ${verb} there.`);
    }
    return entry;
  };

  for (const camera of settings.list) {
    try {
      checkCamera(camera);
      if (entries.has(camera.id)) throw new AppError('bad-request', 'This id is there twice.');
      const driver = await loadChecked(camera, load);
      entries.set(camera.id, { camera, hub: createHub(camera, true, async () => driver) });
    } catch (cause) {
      if (!isAppError(cause)) throw cause;
      const reason = withoutSecrets(cause.message, camera.options);
      throw new AppError('bad-request', `Camera “${camera.id}” of the settings: ${reason}`, { cause });
    }
  }
  for (const stored of await catalogue.listCameras()) {
    if (entries.has(stored.id)) {
      log.warn({ camera: stored.id }, 'a camera of the settings hides the added one of the same id');
      continue;
    }
    const { camera, failure } = await openStored(stored, box, catalogue);
    const loadModule = failure ? () => Promise.reject(failure) : () => loadChecked(camera, load);
    entries.set(camera.id, { camera, hub: createHub(camera, false, loadModule) });
  }

  return {
    list: () => Array.from(entries.values(), ({ hub }) => hub.info),
    get: (id) => entries.get(id)?.hub.info ?? null,
    figures: () =>
      Array.from(entries.values(), ({ hub }) => {
        const { streams, picturesMade, dropped } = pictures.get(hub)!.figures;
        const { figures } = hub;
        return { ...figures, dropped: figures.dropped + dropped, derivedStreams: streams, picturesMade };
      }),

    setup(id) {
      const entry = entries.get(id);
      if (!entry || entry.hub.info.isFromSettings) return null;
      const { name, driver, options } = entry.camera;
      return { id, name, driver, ...shownOptions(options) };
    },

    async add(camera) {
      if (isClosed) throw new AppError('unavailable', 'The program ends.');
      checkCamera(camera);
      refuseModule(camera.driver);
      if (entries.has(camera.id) || pending.has(camera.id)) {
        throw new AppError('conflict', `There is already a camera “${camera.id}”.`);
      }
      if (entries.size + pending.size >= maxCameras) {
        throw new AppError('too-many', `There are ${maxCameras} cameras already; remove one first.`);
      }
      pending.add(camera.id);
      try {
        const driver = await loadChecked(camera, load);
        const options = await box.seal(camera.id, camera.options);
        await catalogue.addCamera({ ...camera, options, addedAtMs: clock.nowMs() });
        const hub = createHub(camera, false, async () => driver);
        entries.set(camera.id, { camera, hub });
        return hub.info;
      } finally {
        pending.delete(camera.id);
      }
    },

    async edit(id, { name, driver, options = {} }) {
      const { camera } = ownEntry(id, 'changed');
      if (pending.has(id)) throw new AppError('conflict', `Camera “${id}” is being changed already.`);
      const isOther = driver !== undefined && driver !== camera.driver;
      const changed: NewCamera = {
        id,
        name: name ?? camera.name,
        driver: driver ?? camera.driver,
        options: changedOptions(isOther ? {} : camera.options, options),
      };
      checkCamera(changed);
      refuseModule(changed.driver);
      pending.add(id);
      try {
        const module = await loadChecked(changed, load);
        await catalogue.updateCamera({ ...changed, options: await box.seal(id, changed.options) });
        const { hub } = getEntry(id);
        entries.set(id, { camera: changed, hub });
        const isSame = !isOther && isDeepStrictEqual(changed.options, camera.options);
        hub.change(
          isSame
            ? { name: changed.name }
            : {
                ...{ name: changed.name, driver: changed.driver, options: changed.options },
                load: async () => module,
              },
        );
        return hub.info;
      } finally {
        pending.delete(id);
      }
    },

    async test({ driver, options, likeId }, signal) {
      if (isClosed) throw new AppError('unavailable', 'The program ends.');
      refuseModule(driver);
      const like = likeId === undefined ? null : ownEntry(likeId, 'tested').camera;
      const candidate = {
        driver,
        options:
          like?.driver === driver ? changedOptions(like.options, options) : changedOptions({}, options),
      };
      const module = await loadChecked(candidate, load);
      if (tests >= maxTests)
        throw new AppError('too-many', 'Other cameras are being tested; try again in a moment.');
      tests += 1;
      try {
        return await tryCamera(module, candidate.options, clock, AbortSignal.any([signal, closing.signal]));
      } finally {
        tests -= 1;
      }
    },

    async deviceModes(device, signal) {
      return listV4l2Modes(device, { clock, signal: AbortSignal.any([signal, closing.signal]) });
    },

    discover: (signal) =>
      discoverCameras({ ...setup.discovery, clock }, AbortSignal.any([signal, closing.signal])),

    async receive(id, stream, signal) {
      const { camera, hub } = getEntry(id);
      if (camera.driver !== 'push')
        throw new AppError('conflict', `Nothing can be sent to camera “${id}”: its driver is not push.`);
      const key = keyOf(camera.options);
      if (key === null && stream.sender === 'stranger')
        throw new AppError(
          'unauthorized',
          'This camera has no key yet: whoever manages the cameras can set one.',
        );
      if (key !== null && stream.sender !== 'manager' && !isSameKey(stream.key ?? '', key))
        throw new AppError('unauthorized', 'The key of this camera is missing or wrong.');
      return receivePush(stream, hub.senders, clock, AbortSignal.any([signal, closing.signal]));
    },

    async remove(id) {
      const { hub } = ownEntry(id, 'removed');
      if (pending.has(id)) throw new AppError('conflict', `Camera “${id}” is being changed right now.`);
      await catalogue.removeCamera(id);
      entries.delete(id);
      await closeHub(hub);
    },

    watch(id, viewer, variant) {
      const hub = getHub(id);
      return variant ? pictures.get(hub)!.watch(viewer, variant.pictures) : hub.watch(viewer);
    },
    snapshot: async (id, maxAgeMs, signal, width = null) =>
      pictures.get(getHub(id))!.snapshot(maxAgeMs, signal, width),

    onChange(listener) {
      // A function of our own, so that the same listener may be there twice.
      const own = (camera: CameraInfo) => listener(camera);
      listeners.add(own);
      return () => void listeners.delete(own);
    },

    async close() {
      isClosed = true;
      closing.abort(new AppError('unavailable', 'The program ends.'));
      await Promise.all(Array.from(entries.values(), ({ hub }) => closeHub(hub)));
      listeners.clear();
    },
  };
}
