// The cameras this process owns among all that there are: its presence, what it takes, what it gives to others, and
// what it does when the database is away. Only a process with the role `camera` has one.
import type { Logger } from 'pino';
import type { Clock } from '../../clock.ts';
import { isAppError } from '../../errors.ts';
import type { HeldLease } from '../../leases/keeper.ts';
import type { CameraInfo } from '../cameras.ts';
import type { Hub } from '../hub.ts';
import { plainCost } from './camera-cost.ts';
import type { ClusterSetup, ClusterTimings } from './cluster-setup.ts';
import type { Directory } from './directory.ts';
import { type CameraNote, cameraLease, type ProcessNote, processLease } from './notes.ts';
import { OwnedCamera } from './owned-camera.ts';
import { type ShareCamera, shareCameras } from './share.ts';
import { createWakefulness } from './wakefulness.ts';

/** Cameras that are taken at a time: each is a write. */
const takesAtOnce = 8;

/** So many looks after the database is back all who own cameras have taken their leases anew. */
const settleLooks = 3;

/** A camera this process could own. */
export type OwnableCamera = {
  readonly id: string;
  /** See `CameraNote.setup`. */
  readonly setup: string;
  readonly createHub: (onChange: (info: CameraInfo) => void) => Hub;
};

export type OwnersSetup = {
  readonly cluster: Pick<ClusterSetup, 'keeper' | 'serviceUrl'>;
  readonly directory: Directory;
  readonly timings: ClusterTimings;
  readonly clock: Clock;
  readonly log: Logger;
  /** All cameras this process knows. */
  readonly cameras: () => readonly OwnableCamera[];
  /**
   * Tells other camera processes that these cameras are free; `leaving`: who takes none any more. Resolves when they
   * have heard, or could not be told in a second; never rejects.
   */
  readonly tellFree: (
    cameraIds: readonly string[],
    urls: readonly string[],
    leaving: string | null,
  ) => Promise<void>;
};

export type Owners = {
  get(cameraId: string): OwnedCamera | null;
  list(): readonly OwnedCamera[];
  readonly figures: {
    readonly takeOvers: number;
    readonly lost: number;
    readonly dropped: number;
    readonly sentBytes: number;
  };
  /** Shows itself, takes its share, and goes on doing so. */
  start(): Promise<void>;
  /**
   * Looks again now, at these cameras above all: somebody said they are free, or they were just added. `leaving`: the
   * holder who said so and takes none any more.
   */
  lookAt(cameraIds: readonly string[], leaving?: string | null): Promise<void>;
  /** The camera is no more. */
  remove(cameraId: string): Promise<void>;
  /** Gives all cameras to other processes, and takes none any more. Idempotent. */
  drain(): Promise<void>;
  /** `drain`, and is gone. Idempotent. */
  close(): Promise<void>;
};

export function createOwners(setup: OwnersSetup): Owners {
  const { cluster, directory, timings, clock, log } = setup;
  const { keeper } = cluster;
  let url = '';
  const self = keeper.holder;
  const owned = new Map<string, OwnedCamera>();
  const taking = new Set<string>();
  /** Since when nobody has owned a camera, monotonic; of those that are free. */
  const freeSince = new Map<string, number>();
  /** Given away, to whom, and until when that is believed without being seen. */
  const promised = new Map<string, { readonly to: string; readonly untilMs: number }>();
  /** Processes that said they leave; their notes say so later. */
  const leavers = new Set<string>();
  /** What was last said of a camera by whoever owned it. */
  const lastNotes = new Map<string, CameraNote>();
  const closing = new AbortController();
  const wakefulness = createWakefulness(clock, closing.signal);
  const figures = { takeOvers: 0, lost: 0, dropped: 0, sentBytes: 0 };
  let presence: HeldLease | null = null;
  let isLeaving = false;
  let watchedMovedAtMs = Number.NEGATIVE_INFINITY;
  /** When the database was away last, monotonic. */
  let awayAtMs = Number.NEGATIVE_INFINITY;
  let stepping: Promise<void> | null = null;
  let isStepDue = false;
  let draining: Promise<void> | null = null;

  const note = (): ProcessNote => {
    let load = 0;
    for (const { cost } of owned.values()) load += cost;
    return { url, cameras: owned.size, load: Math.round(load * 10) / 10, isLeaving };
  };

  const showPresence = async () => {
    if (presence?.signal.aborted) presence = null;
    presence?.setNote(note());
    if (presence || closing.signal.aborted) return;
    const { processLeaseMs: lengthMs, beatMs } = timings;
    presence = await keeper.take(`${processLease}${self}`, {
      ...{ lengthMs, beatMs: Math.min(beatMs, lengthMs / 3), note: note() },
    });
  };

  const take = async (camera: OwnableCamera) => {
    const { id } = camera;
    if (owned.has(id) || taking.has(id) || isLeaving) return;
    taking.add(id);
    try {
      const { leaseMs: lengthMs, beatMs } = timings;
      const lease = await keeper.take(`${cameraLease}${id}`, { lengthMs, beatMs, note: { url } });
      if (!lease) return;
      const isKnown = setup.cameras().some((known) => known.id === id);
      if (isLeaving || !isKnown || closing.signal.aborted) return await lease.release();
      if (lease.token > 1) figures.takeOvers += 1;
      freeSince.delete(id);
      promised.delete(id);
      own(camera, lease);
    } finally {
      taking.delete(id);
    }
  };

  const own = ({ id, setup: mark, createHub }: OwnableCamera, lease: HeldLease) => {
    const camera = new OwnedCamera({
      ...{ id, lease, createHub, url, setup: mark, timings, clock, log },
      // Nobody can have taken it where the database answers nobody; but who has slept cannot know.
      mayGoOn: () => !wakefulness.hasSlept() && directory.isStoreAway(),
      onLost: () => {
        figures.lost += 1;
        forget(camera);
        log.warn({ camera: id }, 'a camera was lost to another process');
      },
      onDropped: (samples) => {
        figures.dropped += samples;
      },
    });
    owned.set(id, camera);
    const last = lastNotes.get(id);
    if (last?.setup === mark) camera.hub.seedKinds(last.kinds);
  };

  const forget = (camera: OwnedCamera) => {
    figures.sentBytes += camera.figures.sentBytes;
    if (owned.get(camera.id) === camera) owned.delete(camera.id);
  };

  const give = async (camera: OwnedCamera, ends: 'moves' | 'removed') => {
    forget(camera);
    await camera.give(ends);
  };

  /** The database answers again: what could not be renewed is taken anew, or was taken by another. */
  const settle = async (camera: OwnedCamera) => {
    const { leaseMs: lengthMs, beatMs } = timings;
    const lease = await keeper.take(`${cameraLease}${camera.id}`, { lengthMs, beatMs, note: { url } });
    if (lease) camera.renew(lease);
    else if ((await directory.find(camera.id))?.holder !== self) camera.lose();
  };

  const view = (): ShareCamera[] => {
    const nowMs = clock.monotonicMs();
    const rows = directory.owners();
    const cameras: ShareCamera[] = [];
    for (const { id } of setup.cameras()) {
      const own = owned.get(id);
      const owner = rows.get(id);
      const promise = promised.get(id);
      const isTrue = promise !== undefined && promise.untilMs > nowMs && (!owner || owner.holder === self);
      if (promise && !isTrue) promised.delete(id);
      const seen = owner && owner.holder !== self ? owner.holder : null;
      const holder = own ? self : isTrue ? promise.to : seen;
      const cost = own?.cost ?? owner?.note.cost ?? lastNotes.get(id)?.cost ?? plainCost;
      if (holder === null && !freeSince.has(id)) freeSince.set(id, nowMs);
      if (holder !== null) freeSince.delete(id);
      const freeMs = nowMs - (freeSince.get(id) ?? nowMs);
      cameras.push({ id, cost: cost || plainCost, holder, isWatched: own?.isWatched ?? false, freeMs });
    }
    // Those of other processes' settings count for their load.
    const known = new Set(cameras.map(({ id }) => id));
    for (const {
      cameraId: id,
      holder,
      note: { cost },
    } of rows.values())
      if (!known.has(id) && holder !== self) cameras.push({ id, cost, holder, isWatched: true, freeMs: 0 });
    return cameras;
  };

  const share = async () => {
    const others = directory
      .processes()
      .filter(({ holder, isLeaving: leaves }) => !leaves && !leavers.has(holder) && holder !== self);
    const mayMoveWatched = clock.monotonicMs() - watchedMovedAtMs >= timings.moveWatchedMs;
    const processes = [...(presence && !isLeaving ? [self] : []), ...others.map(({ holder }) => holder)];
    const plan = shareCameras({ self, processes, cameras: view(), mayMoveWatched });
    const known = new Map(setup.cameras().map((camera) => [camera.id, camera]));
    const wanted = plan.take.flatMap((id) => known.get(id) ?? []);
    const takeOn = async () => {
      for (let next = wanted.shift(); next; next = wanted.shift()) await take(next);
    };
    await Promise.all(Array.from({ length: takesAtOnce }, takeOn));
    const given = new Map<string, string[]>();
    await Promise.all(
      plan.give.map(async ({ id, to }) => {
        const camera = owned.get(id);
        if (!camera) return;
        if (camera.isWatched) watchedMovedAtMs = clock.monotonicMs();
        promised.set(id, { to, untilMs: clock.monotonicMs() + timings.leaseMs });
        await give(camera, 'moves');
        given.set(to, [...(given.get(to) ?? []), id]);
      }),
    );
    for (const [to, ids] of given) {
      const target = others.find(({ holder }) => holder === to);
      if (target) void setup.tellFree(ids, [target.url], null);
    }
  };

  const stepOnce = async () => {
    try {
      for (const { cameraId, holder, note: told } of directory.owners().values())
        if (holder !== self) lastNotes.set(cameraId, told);
      for (const camera of owned.values()) camera.tellNote();
      if (directory.isStoreAway()) awayAtMs = clock.monotonicMs();
      else {
        await Promise.all([...owned.values()].filter(({ isAdrift }) => isAdrift).map(settle));
        await showPresence();
        // Leases whose holders could not renew them look free now: their holders come first.
        const isSettled = clock.monotonicMs() - awayAtMs > settleLooks * timings.lookMs;
        if (!isLeaving && isSettled) await share();
        presence?.setNote(note());
      }
    } catch (error) {
      // Away again; it goes on with the next step.
      if (!isAppError(error, 'unavailable')) log.error({ err: error }, 'cameras could not be shared out');
    }
  };
  /** One at a time; asked for while one is under way, another follows. */
  const step = async (): Promise<void> => {
    isStepDue = true;
    stepping ??= (async () => {
      while (isStepDue && !closing.signal.aborted) {
        isStepDue = false;
        await stepOnce();
      }
    })().finally(() => {
      stepping = null;
    });
    await stepping;
  };

  const drain = async () => {
    isLeaving = true;
    presence?.setNote(note());
    const ids = [...owned.keys()];
    await Promise.all(
      [...owned.values()].map(async (camera) => {
        lastNotes.delete(camera.id);
        await give(camera, 'moves');
      }),
    );
    const urls = directory.processes().filter(({ holder, isLeaving: leaves }) => holder !== self && !leaves);
    if (ids.length > 0)
      await setup.tellFree(
        ids,
        urls.map((process) => process.url),
        self,
      );
  };

  return {
    get: (cameraId) => owned.get(cameraId) ?? null,
    list: () => [...owned.values()],
    get figures() {
      let { sentBytes } = figures;
      for (const camera of owned.values()) sentBytes += camera.figures.sentBytes;
      return { ...figures, sentBytes };
    },
    async start() {
      url = cluster.serviceUrl();
      await directory.look();
      await step();
      directory.onLook(() => void step());
    },
    async lookAt(cameraIds, leaving = null) {
      if (leaving !== null) leavers.add(leaving);
      for (const id of cameraIds) {
        promised.delete(id);
        await directory.refresh(id);
      }
      await step();
    },
    async remove(cameraId) {
      const camera = owned.get(cameraId);
      freeSince.delete(cameraId);
      lastNotes.delete(cameraId);
      if (camera) await give(camera, 'removed');
    },
    drain() {
      draining ??= drain();
      return draining;
    },
    async close() {
      draining ??= drain();
      await draining;
      closing.abort();
      await stepping;
      await presence?.release();
    },
  };
}
