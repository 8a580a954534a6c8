// The cameras of the settings and those of the catalogue as this process knows them, and what changes them here or in
// another process.
import { isDeepStrictEqual } from 'node:util';
import type { Logger } from 'pino';
import type { Catalogue, StoredCamera } from '../catalogue/catalogue.ts';
import type { Clock } from '../clock.ts';
import type { CameraSettings } from '../config.ts';
import { AppError, isAppError } from '../errors.ts';
import { checkCamera, loadChecked, openStored } from './camera-entry.ts';
import { changedOptions } from './camera-options.ts';
import type { CameraChanges, NewCamera } from './cameras.ts';
import type { DriverModule } from './driver.ts';
import { driverNames, isModulePath } from './registry.ts';
import type { SecretBox } from './secret-box.ts';
import { withoutSecrets } from './secrets.ts';

/** Most cameras of one house: bounds what a visitor can make this program remember. */
const maxCameras = 500;

/** A camera as it is set up now, its options open. */
export type ListedCamera = {
  readonly camera: NewCamera;
  readonly isFromSettings: boolean;
  /** Its driver; rejects where it cannot be run. */
  readonly load: () => Promise<DriverModule>;
};

export type CameraListSetup = {
  readonly settings: readonly CameraSettings[];
  readonly catalogue: Pick<Catalogue, 'listCameras' | 'addCamera' | 'updateCamera' | 'removeCamera'>;
  readonly box: SecretBox;
  readonly clock: Clock;
  readonly log: Logger;
  readonly load: (driver: string) => Promise<DriverModule>;
  /** Called before the list's own functions resolve; must not throw. */
  readonly onAdded: (camera: ListedCamera) => void;
  /** `isOther`: it has another driver or other options, and not only another name. */
  readonly onChanged: (camera: ListedCamera, isOther: boolean) => void;
  readonly onRemoved: (cameraId: string) => Promise<void>;
};

export type CameraList = {
  /** Those of the settings first. */
  list(): readonly ListedCamera[];
  /** Throws `not-found`. */
  get(id: string): ListedCamera;
  find(id: string): ListedCamera | null;
  /** Throws `bad-request` where one of the settings is wrong; one in the catalogue that is wrong rejects in its `load`. */
  start(): Promise<void>;
  /** Reads what other processes have changed. Throws `unavailable`. */
  sync(): Promise<void>;
  /** As those of `Cameras`. */
  add(camera: NewCamera): Promise<void>;
  edit(id: string, changes: CameraChanges): Promise<void>;
  remove(id: string): Promise<void>;
  /** Of the catalogue. Throws `not-found`, `conflict`. */
  getOwn(id: string, verb: string): ListedCamera;
};

export function createCameraList(setup: CameraListSetup): CameraList {
  const { catalogue, box, clock, log, load, onAdded, onChanged, onRemoved } = setup;
  const entries = new Map<string, ListedCamera>();
  /** Of those of the catalogue: what was read of it, as text. */
  const read = new Map<string, string>();
  /** Ids between check and store, so that two additions at once cannot both pass. */
  const pending = new Set<string>();
  const hidden = new Set<string>();
  /** Moves with each change made here: a list that was read meanwhile may be from before. */
  let moves = 0;
  let syncing: Promise<void> | null = null;
  let isSyncDue = false;

  const put = (camera: ListedCamera): void => {
    const before = entries.get(camera.camera.id);
    entries.set(camera.camera.id, camera);
    if (!before) {
      onAdded(camera);
      return;
    }
    const isSame =
      before.camera.driver === camera.camera.driver &&
      isDeepStrictEqual(before.camera.options, camera.camera.options);
    if (!isSame || before.camera.name !== camera.camera.name) onChanged(camera, !isSame);
  };
  const putStored = async (stored: StoredCamera): Promise<ListedCamera> => {
    const { camera, failure } = await openStored(stored, box, catalogue);
    const loadModule = failure ? () => Promise.reject(failure) : () => loadChecked(camera, load);
    return { camera, isFromSettings: false, load: loadModule };
  };
  const take = async (id: string): Promise<void> => {
    entries.delete(id);
    read.delete(id);
    await onRemoved(id);
  };
  /** Whether it stands in the settings; said once. */
  const isHidden = ({ id }: StoredCamera): boolean => {
    if (!entries.get(id)?.isFromSettings) return false;
    if (!hidden.has(id))
      log.warn({ camera: id }, 'a camera of the settings hides the added one of the same id');
    hidden.add(id);
    return true;
  };

  const syncOnce = async (): Promise<void> => {
    const before = moves;
    const stored = await catalogue.listCameras();
    const isOld = () => moves !== before || pending.size > 0;
    const here = new Set(stored.map(({ id }) => id));
    for (const id of [...read.keys()]) {
      if (isOld()) break;
      if (!here.has(id)) await take(id);
    }
    for (const each of stored) {
      const text = JSON.stringify([each.name, each.driver, each.options]);
      if (read.get(each.id) === text || isHidden(each)) continue;
      const camera = await putStored(each);
      // What was changed here meanwhile is newer than what was read.
      if (isOld()) break;
      read.set(each.id, text);
      put(camera);
    }
    if (isOld()) isSyncDue = true;
  };
  const sync = async (): Promise<void> => {
    isSyncDue = true;
    syncing ??= (async () => {
      while (isSyncDue && pending.size === 0) {
        isSyncDue = false;
        await syncOnce();
      }
    })().finally(() => {
      syncing = null;
    });
    await syncing;
  };
  /** What this process is changing is no other's to change here. */
  const change = async <Result>(id: string, work: () => Promise<Result>): Promise<Result> => {
    pending.add(id);
    try {
      return await work();
    } finally {
      pending.delete(id);
      moves += 1;
    }
  };

  const get = (id: string): ListedCamera => {
    const entry = entries.get(id);
    if (!entry) throw new AppError('not-found', `There is no camera “${id.slice(0, 64)}”.`);
    return entry;
  };
  const getOwn = (id: string, verb: string): ListedCamera => {
    const entry = get(id);
    if (entry.isFromSettings)
      throw new AppError('conflict', `Camera “${id}” stands in the settings and can only be ${verb} there.`);
    return entry;
  };

  return {
    list: () => [...entries.values()],
    get,
    getOwn,
    find: (id) => entries.get(id) ?? null,
    async start() {
      for (const camera of setup.settings) {
        try {
          checkCamera(camera);
          if (entries.has(camera.id)) throw new AppError('bad-request', 'This id is there twice.');
          const driver = await loadChecked(camera, load);
          put({ camera, isFromSettings: true, load: async () => driver });
        } catch (cause) {
          if (!isAppError(cause)) throw cause;
          const reason = withoutSecrets(cause.message, camera.options);
          throw new AppError('bad-request', `Camera “${camera.id}” of the settings: ${reason}`, { cause });
        }
      }
      await sync();
    },
    sync,
    async add(camera) {
      checkCamera(camera);
      refuseModule(camera.driver);
      if (entries.has(camera.id) || pending.has(camera.id))
        throw new AppError('conflict', `There is already a camera “${camera.id}”.`);
      if (entries.size + pending.size >= maxCameras)
        throw new AppError('too-many', `There are ${maxCameras} cameras already; remove one first.`);
      await change(camera.id, async () => {
        const driver = await loadChecked(camera, load);
        const options = await box.seal(camera.id, camera.options);
        await catalogue.addCamera({ ...camera, options, addedAtMs: clock.nowMs() });
        read.set(camera.id, JSON.stringify([camera.name, camera.driver, options]));
        put({ camera, isFromSettings: false, load: async () => driver });
      });
    },
    async edit(id, { name, driver, options = {} }) {
      const { camera } = getOwn(id, 'changed');
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
      await change(id, async () => {
        const module = await loadChecked(changed, load);
        const sealed = await box.seal(id, changed.options);
        const isThere = await catalogue.updateCamera({ ...changed, options: sealed });
        if (!isThere) {
          // Another process has removed it.
          await take(id);
          throw new AppError('not-found', `There is no camera “${id}”.`);
        }
        read.set(id, JSON.stringify([changed.name, changed.driver, sealed]));
        put({ camera: changed, isFromSettings: false, load: async () => module });
      });
    },
    async remove(id) {
      getOwn(id, 'removed');
      if (pending.has(id)) throw new AppError('conflict', `Camera “${id}” is being changed right now.`);
      await change(id, async () => {
        await catalogue.removeCamera(id);
        await take(id);
      });
    },
  };
}

/** Throws `bad-request`. A module is code of this house's owner: whoever reaches the API must not choose what runs here. */
export function refuseModule(driver: string): void {
  if (!isModulePath(driver)) return;
  throw new AppError(
    'bad-request',
    `A module can be a camera only through the settings file; here the driver is one of ${driverNames.join(', ')}.`,
  );
}
