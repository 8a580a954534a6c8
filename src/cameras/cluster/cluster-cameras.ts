// The cameras of a house that many processes run: puts together who owns them, how the others show them, and what each
// process does for the rest.
import { createHmac } from 'node:crypto';
import type { Logger } from 'pino';
import type { Clock } from '../../clock.ts';
import { AppError } from '../../errors.ts';
import { noKinds } from '../camera-kinds.ts';
import type { CameraInfo, NewCamera, PushedStream } from '../cameras.ts';
import type { DriverModule } from '../driver.ts';
import { Hub, type HubSetup } from '../hub.ts';
import { receivePush } from '../receive-push.ts';
import { isModulePath } from '../registry.ts';
import {
  type ClusterFigures,
  type ClusterSetup,
  type ClusterTimings,
  defaultTimings,
} from './cluster-setup.ts';
import { createDirectory } from './directory.ts';
import type { CameraProcess, Owner } from './notes.ts';
import type { RelayRequest } from './owned-camera.ts';
import { createOwners, type OwnableCamera } from './owners.ts';
import { Relay } from './relay.ts';
import type { RelaySocket } from './relay-sender.ts';
import { createServiceCalls, type ServiceCalls } from './service-calls.ts';

/** A camera as this process knows it. */
export type KnownCamera = {
  readonly camera: NewCamera;
  readonly isFromSettings: boolean;
  readonly load: () => Promise<DriverModule>;
};

export type ClusterCamerasSetup = {
  readonly cluster: ClusterSetup;
  readonly lingerMs: number;
  readonly clock: Clock;
  readonly log: Logger;
  readonly random: () => number;
  /** Somebody else's state or number of viewers has changed. */
  readonly onChange: (cameraId: string) => void;
};

export type ClusterCameras = {
  readonly calls: ServiceCalls;
  readonly timings: ClusterTimings;
  /** The hub that shows a camera here, whoever owns it. */
  createShown(camera: KnownCamera, onChange: (info: CameraInfo) => void): Hub;
  /** As it is in the whole house; `hub` is the one that shows it here. */
  info(hub: Hub): CameraInfo;
  /** A camera was added, or is another one now: where this process owns it, it starts again. */
  set(camera: KnownCamera): void;
  remove(cameraId: string): Promise<void>;
  /** The hub with the camera's own driver; null where another process owns it. */
  ownHub(cameraId: string): Hub | null;
  ownHubs(): readonly Hub[];
  /** Other processes with the role `camera`. */
  others(): readonly CameraProcess[];
  /** See `CameraService`. */
  relay(cameraId: string, socket: RelaySocket, request: RelayRequest): void;
  setAudience(cameraId: string, request: Pick<RelayRequest, 'relay' | 'token' | 'audience'>): void;
  receiveHere(
    cameraId: string,
    token: number,
    stream: Pick<PushedStream, 'type' | 'body'>,
    signal: AbortSignal,
  ): Promise<number>;
  /** To whoever owns the camera. Throws `unavailable` where nobody does, else as `Cameras.receive`. */
  receive(
    cameraId: string,
    stream: Pick<PushedStream, 'type' | 'body'>,
    signal: AbortSignal,
  ): Promise<number>;
  lookAt(cameraIds: readonly string[], leaving: string | null): Promise<void>;
  readonly figures: ClusterFigures;
  start(): Promise<void>;
  drain(): Promise<void>;
  close(): Promise<void>;
};

/** A process that is told to look need not answer for long. */
const tellMs = 1000;

export function createClusterCameras(setup: ClusterCamerasSetup): ClusterCameras {
  const { cluster, lingerMs, clock, log, random, onChange } = setup;
  const { keeper, secret, isOwner } = cluster;
  const timings = { ...defaultTimings, ...cluster.timings };
  const directory = createDirectory({ cluster, timings, clock, log });
  const calls = createServiceCalls({ secret, clock });
  const known = new Map<string, KnownCamera & { readonly mark: string }>();
  const shown = new Map<string, { readonly hub: Hub; readonly relay: Relay; told: string }>();
  const warned = new Set<string>();
  let isStarted = false;

  const markOf = ({ camera: { driver, options } }: KnownCamera) =>
    createHmac('sha256', secret)
      .update(JSON.stringify(['camera setup', driver, sorted(options)]))
      .digest('hex')
      .slice(0, 16);
  const hubSetup = ({ camera, isFromSettings }: KnownCamera) => ({
    ...{ id: camera.id, name: camera.name, isFromSettings, lingerMs, clock, log, random },
    driver: isModulePath(camera.driver) ? 'module' : camera.driver,
  });
  const ownable = (camera: KnownCamera & { readonly mark: string }): OwnableCamera => ({
    id: camera.camera.id,
    setup: camera.mark,
    createHub(changed: HubSetup['onChange']) {
      const { options } = camera.camera;
      return new Hub({ ...hubSetup(camera), load: camera.load, options, onChange: changed });
    },
  });
  const owners = isOwner
    ? createOwners({
        ...{ cluster, directory, timings, clock, log },
        cameras: () => [...known.values()].map(ownable),
        async tellFree(cameras, urls, leaving) {
          const question = { cameras, leaving };
          // Who does not hear it sees it with the next look.
          await Promise.allSettled(
            urls.map((url) => calls.ask(url, 'calls/look', question, { timeoutMs: tellMs })),
          );
        },
      })
    : null;
  const getOwned = (cameraId: string) => {
    const owned = owners?.get(cameraId);
    if (!owned) throw new AppError('unavailable', 'This process does not run this camera.');
    return owned;
  };
  /** Whoever owns it now; asked of the store itself, since what is sent cannot be sent again. */
  const findOwner = async (cameraId: string): Promise<Owner> => {
    const owner = await directory.find(cameraId);
    if (owner) return owner;
    throw new AppError('unavailable', 'No process runs this camera at the moment; try again.', {
      retryAfterSeconds: 5,
    });
  };
  const receiveHere = async (
    cameraId: string,
    token: number,
    stream: Pick<PushedStream, 'type' | 'body'>,
    signal: AbortSignal,
  ) => {
    const owned = getOwned(cameraId);
    owned.assertToken(token);
    try {
      return await receivePush(stream, owned.hub.senders, clock, signal);
    } catch (error) {
      if (owners?.get(cameraId) === owned) throw error;
      throw new AppError('unavailable', 'Another process takes this camera over; send again.', {
        cause: error,
        retryAfterSeconds: 1,
      });
    }
  };

  const infoOf = (hub: Hub): CameraInfo => {
    const own = hub.info;
    const owner = directory.owner(own.id);
    if (own.state !== 'off') {
      const others = shown.get(own.id)?.relay.others ?? owner?.note.viewers ?? 0;
      return { ...own, viewers: own.viewers + others };
    }
    if (!owner) return own;
    const { state, stateSinceMs, kinds, viewers, message, lastPictureAtMs } = owner.note;
    return {
      ...{ ...own, state, stateSinceMs, message, viewers: own.viewers + viewers },
      kinds: kinds === noKinds ? own.kinds : kinds,
      lastPictureAtMs: Math.max(lastPictureAtMs ?? 0, own.lastPictureAtMs ?? 0) || null,
    };
  };

  /** Says once what is not as it should be with the settings of the processes. */
  const compare = ({ cameraId: camera, note }: Owner) => {
    const own = known.get(camera);
    if (own && own.mark === note.setup) return;
    if (!note.isFromSettings || warned.has(`${camera} ${note.setup}`)) return;
    warned.add(`${camera} ${note.setup}`);
    if (!own) log.warn({ camera }, 'a camera of another process’ settings is not in the settings here');
    else if (own.isFromSettings)
      log.warn({ camera }, 'a camera is set up differently in another process’ settings');
  };
  directory.onLook(() => {
    for (const owner of directory.owners().values()) {
      if (owner.holder !== keeper.holder) compare(owner);
      const isSame = known.get(owner.cameraId)?.mark === owner.note.setup;
      if (isSame) shown.get(owner.cameraId)?.hub.seedKinds(owner.note.kinds);
    }
    for (const [id, place] of shown) {
      const { state, viewers, message, kinds } = infoOf(place.hub);
      const told = JSON.stringify([state, viewers, message, kinds]);
      if (told === place.told) continue;
      place.told = told;
      onChange(id);
    }
  });

  return {
    calls,
    timings,
    createShown(camera, changed) {
      const { id } = camera.camera;
      const relay = new Relay({
        ...{ id, holder: keeper.holder, directory, calls, timings, clock, log },
        local: (cameraId) => owners?.get(cameraId) ?? null,
        onKinds: (kinds) => hub.seedKinds(kinds),
        onViewers: () => onChange(id),
      });
      const hub: Hub = new Hub({
        ...{ ...hubSetup(camera), options: {}, load: async () => relay.module },
        onChange(info) {
          relay.setAudience(info.viewers);
          changed(info);
        },
      });
      shown.set(id, { hub, relay, told: '' });
      return hub;
    },
    info: infoOf,
    set(camera) {
      const { id, name, driver, options } = camera.camera;
      const before = known.get(id);
      const mark = markOf(camera);
      known.set(id, { ...camera, mark });
      const owned = owners?.get(id);
      if (!before) {
        if (isStarted) void owners?.lookAt([id]);
      } else if (before.mark === mark) owned?.hub.change({ name });
      else {
        owned?.hub.change({ name, driver, options, load: camera.load });
        owned?.setSetup(mark);
        shown.get(id)?.hub.forgetKinds();
      }
      shown.get(id)?.hub.change({ name, driver: isModulePath(driver) ? 'module' : driver });
    },
    async remove(id) {
      known.delete(id);
      shown.delete(id);
      await owners?.remove(id);
    },
    ownHub: (id) => owners?.get(id)?.hub ?? null,
    ownHubs: () => owners?.list().map(({ hub }) => hub) ?? [],
    others: () => directory.processes().filter(({ holder }) => holder !== keeper.holder),
    relay: (id, socket, request) => getOwned(id).relay(socket, request),
    setAudience: (id, request) => getOwned(id).setAudience(request),
    receiveHere,
    async receive(id, stream, signal) {
      const owner = await findOwner(id);
      if (owner.holder === keeper.holder) return receiveHere(id, owner.token, stream, signal);
      const { type, body: bytes } = stream;
      const path = `owned/${encodeURIComponent(id)}/push?token=${owner.token}`;
      return Number(await calls.send(owner.note.url, path, { type, bytes }, signal));
    },
    async lookAt(ids, leaving) {
      if (owners) await owners.lookAt(ids, leaving);
      else await directory.look();
    },
    get figures() {
      let relaysServed = 0;
      let relaysTaken = 0;
      const owned = owners?.list() ?? [];
      for (const camera of owned) relaysServed += camera.figures.relays;
      for (const { relay } of shown.values()) if (relay.isLinked) relaysTaken += 1;
      const { takeOvers = 0, lost = 0, dropped = 0, sentBytes = 0 } = owners?.figures ?? {};
      return {
        ...{ owned: owned.length, relaysServed, relaysTaken, takeOvers, lost },
        ...{ relayDropped: dropped, relayedBytes: sentBytes },
      };
    },
    async start() {
      isStarted = true;
      if (owners) await owners.start();
      else await directory.look();
    },
    async drain() {
      await owners?.drain();
    },
    async close() {
      await owners?.close();
      directory.close();
      calls.close();
    },
  };
}

/** With its names in one order, at every depth. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return entries.map(([name, each]) => [name, sorted(each)]);
}
