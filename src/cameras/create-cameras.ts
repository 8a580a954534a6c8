// Puts the cameras together: those of the settings file and those in the catalogue, one hub each; in a cluster with
// what other processes own and show (`cluster/`).
import type { Logger } from 'pino';
import type { Catalogue } from '../catalogue/catalogue.ts';
import type { Clock } from '../clock.ts';
import type { Config } from '../config.ts';
import { AppError, isAppError } from '../errors.ts';
import { createFileKeys, type Keys } from '../keys.ts';
import { loadChecked } from './camera-entry.ts';
import { createCameraList, type ListedCamera, refuseModule } from './camera-list.ts';
import { changedOptions } from './camera-options.ts';
import { CameraPictures } from './camera-pictures.ts';
import type { CameraInfo, Cameras } from './cameras.ts';
import { type CameraService, createCameraService } from './cluster/camera-service.ts';
import { createClusterCameras } from './cluster/cluster-cameras.ts';
import type { ClusterSetup } from './cluster/cluster-setup.ts';
import type { DiscoverySetup } from './discovery/discover-cameras.ts';
import type { DriverModule } from './driver.ts';
import { keyOf } from './drivers/push.ts';
import { Hub } from './hub.ts';
import { isSameKey } from './key-check.ts';
import { receivePush } from './receive-push.ts';
import { isModulePath, loadDriver } from './registry.ts';
import { createSecretBox } from './secret-box.ts';
import { shownOptions } from './secrets.ts';
import { createTrials } from './trials.ts';

export type CamerasSetup = {
  readonly settings: Config['cameras'];
  readonly catalogue: Pick<Catalogue, 'listCameras' | 'addCamera' | 'updateCamera' | 'removeCamera'>;
  /** Holds the key for stored passwords where `keys` is not given; it is made with the first one. */
  readonly dataFolder: string;
  readonly keys?: Keys;
  readonly clock: Clock;
  readonly log: Logger;
  /** From 0 to 1, jitters the pauses before restarts. */
  readonly random?: () => number;
  /** Where drivers come from by name; the registry where it is not given. */
  readonly load?: (driver: string) => Promise<DriverModule>;
  /** Where cameras are looked for; the real places where it is not given. */
  readonly discovery?: Omit<DiscoverySetup, 'clock'>;
  /** What is shared with other processes; left out where this one is alone. */
  readonly cluster?: ClusterSetup | null;
};

/** The cameras, and what only this process' own end needs of them. */
export type HouseCameras = Cameras & {
  /** What the routes between processes call (`http/routes/service-cameras.ts`); null where there are no others. */
  readonly service: CameraService | null;
  /**
   * Takes part in the cluster, to be called once this process can be reached at its `serviceUrl`; before that it owns
   * nothing. Does nothing where there is no cluster.
   */
  join(): Promise<void>;
  /**
   * Gives the cameras this process owns to others and takes none any more; what it shows goes on, from their new
   * owners. Idempotent.
   */
  drain(): Promise<void>;
};

/**
 * Reads the cameras and checks them; starts none. Throws `bad-request` with one sentence where a camera of the
 * settings is wrong; one in the catalogue that is wrong stays listed and says so when it is watched.
 */
export async function createCameras(setup: CamerasSetup): Promise<HouseCameras> {
  const { settings, catalogue, clock, log, random = Math.random, load = loadDriver } = setup;
  const { lingerMs } = settings;
  const box = createSecretBox(setup.keys ?? createFileKeys(setup.dataFolder));
  const hubs = new Map<string, Hub>();
  const listeners = new Set<(camera: CameraInfo) => void>();
  const closing = new AbortController();

  /** Of each hub: its pictures in other sizes. */
  const pictures = new WeakMap<Hub, CameraPictures>();
  const countAll = () => {
    let streams = 0;
    for (const hub of hubs.values()) streams += pictures.get(hub)!.figures.streams;
    return streams;
  };
  const infoOf = (hub: Hub): CameraInfo => cluster?.info(hub) ?? hub.info;
  const tell = (hub: Hub | undefined): void => {
    if (!hub) return;
    const info = infoOf(hub);
    for (const listener of listeners) listener(info);
  };
  const cluster = setup.cluster
    ? createClusterCameras({
        ...{ cluster: setup.cluster, lingerMs, clock, log, random },
        onChange: (id) => tell(hubs.get(id)),
      })
    : null;
  const createHub = (listed: ListedCamera): Hub => {
    const { camera, isFromSettings } = listed;
    if (cluster) {
      const hub: Hub = cluster.createShown(listed, () => tell(hub));
      return hub;
    }
    const hub: Hub = new Hub({
      ...{ id: camera.id, name: camera.name, options: camera.options, load: listed.load, isFromSettings },
      driver: isModulePath(camera.driver) ? 'module' : camera.driver,
      ...{ lingerMs, clock, log, random, onChange: () => tell(hub) },
    });
    return hub;
  };
  const closeHub = async (hub: Hub) => {
    await Promise.all([pictures.get(hub)!.close(), hub.close()]);
  };
  const cameras = createCameraList({
    ...{ settings: settings.list, catalogue, box, clock, log, load },
    onAdded(listed) {
      const hub = createHub(listed);
      pictures.set(hub, new CameraPictures({ source: hub, lingerMs, clock, log, random, countAll }));
      hubs.set(listed.camera.id, hub);
      cluster?.set(listed);
    },
    onChanged(listed, isOther) {
      const { id, name, driver, options } = listed.camera;
      if (cluster) cluster.set(listed);
      else if (!isOther) hubs.get(id)?.change({ name });
      else hubs.get(id)?.change({ name, driver, options, load: listed.load });
    },
    async onRemoved(id) {
      const hub = hubs.get(id);
      hubs.delete(id);
      await Promise.all([cluster?.remove(id), hub && closeHub(hub)]);
    },
  });
  const hubOf = (id: string): Hub => {
    cameras.get(id);
    return hubs.get(id)!;
  };
  const trials = createTrials({
    ...{ clock, load, box, cluster, closing: closing.signal },
    isOwner: setup.cluster?.isOwner ?? true,
    ...(setup.discovery && { discovery: setup.discovery }),
  });
  const assertOpen = () => {
    if (closing.signal.aborted) throw new AppError('unavailable', 'The program ends.');
  };

  /** What others have changed; while the catalogue cannot be read it stays as it is. */
  const sync = async () => {
    try {
      await cameras.sync();
    } catch (error) {
      if (isAppError(error, 'unavailable')) log.debug({ err: error }, 'the cameras could not be read');
      else log.error({ err: error }, 'the cameras could not be read');
    }
  };
  let stopListening = () => {};
  const syncOn = async () => {
    while (!closing.signal.aborted) {
      await clock.sleep(cluster!.timings.catalogueMs, closing.signal).catch(() => undefined);
      if (!closing.signal.aborted) await sync();
    }
  };
  /** Other processes are told after each change. */
  const announce = async (id: string) => {
    if (!setup.cluster || !cluster) return;
    trials.tellOwners([id]);
    await setup.cluster.changes?.bump('cameras').catch((error: unknown) => {
      // They look every while by themselves.
      log.warn({ err: error }, 'other processes could not be told of a changed camera');
    });
  };

  await cameras.start();

  return {
    service: cluster && createCameraService({ cluster, trials, sync }),
    list: () => Array.from(hubs.values(), infoOf),
    here: () =>
      (setup.cluster?.isWeb === false ? cluster!.ownHubs() : [...hubs.values()]).map(({ info }) => info),
    get: (id) => {
      const hub = hubs.get(id);
      return hub ? infoOf(hub) : null;
    },
    figures: () =>
      (setup.cluster?.isWeb === false ? cluster!.ownHubs() : [...hubs.values()]).map((hub) => {
        const made = pictures.get(hub)?.figures;
        // What came from the camera itself, where that comes to this process.
        const own = cluster?.ownHub(hub.info.id)?.figures ?? hub.figures;
        return {
          ...own,
          dropped: hub.figures.dropped + (made?.dropped ?? 0),
          derivedStreams: made?.streams ?? 0,
          picturesMade: made?.picturesMade ?? 0,
        };
      }),
    clusterFigures: () => cluster?.figures ?? null,

    setup(id) {
      const listed = cameras.find(id);
      if (!listed || listed.isFromSettings) return null;
      const { name, driver, options } = listed.camera;
      return { id, name, driver, ...shownOptions(options) };
    },

    async add(camera) {
      assertOpen();
      await cameras.add(camera);
      await announce(camera.id);
      return infoOf(hubOf(camera.id));
    },
    async edit(id, changes) {
      await cameras.edit(id, changes);
      await announce(id);
      return infoOf(hubOf(id));
    },
    async remove(id) {
      await cameras.remove(id);
      await announce(id);
    },

    async test({ driver, options, likeId }, signal) {
      assertOpen();
      refuseModule(driver);
      const like = likeId === undefined ? null : cameras.getOwn(likeId, 'tested').camera;
      const before = like?.driver === driver ? like.options : {};
      const candidate = { driver, options: changedOptions(before, options) };
      await loadChecked(candidate, load);
      return trials.test(candidate, signal);
    },
    deviceModes: (device, signal) => trials.deviceModes(device, signal),
    discover: (signal) => trials.discover(signal),

    async receive(id, stream, signal) {
      const { camera } = cameras.get(id);
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
      const ended = AbortSignal.any([signal, closing.signal]);
      if (cluster) return cluster.receive(id, stream, ended);
      return receivePush(stream, hubOf(id).senders, clock, ended);
    },

    watch(id, viewer, variant) {
      const hub = hubOf(id);
      return variant ? pictures.get(hub)!.watch(viewer, variant.pictures) : hub.watch(viewer);
    },
    snapshot: async (id, maxAgeMs, signal, width = null) =>
      pictures.get(hubOf(id))!.snapshot(maxAgeMs, signal, width),

    onChange(listener) {
      // A function of our own, so that the same listener may be there twice.
      const own = (camera: CameraInfo) => listener(camera);
      listeners.add(own);
      return () => void listeners.delete(own);
    },

    async join() {
      if (!cluster || closing.signal.aborted) return;
      await cluster.start();
      if (setup.cluster?.changes) stopListening = setup.cluster.changes.on('cameras', () => void sync());
      else void syncOn();
    },
    async drain() {
      await cluster?.drain();
    },
    async close() {
      closing.abort(new AppError('unavailable', 'The program ends.'));
      stopListening();
      await Promise.all(Array.from(hubs.values(), closeHub));
      await cluster?.close();
      listeners.clear();
    },
  };
}
