// Processes of one house that share cameras, all in the test's own: each with its own cameras, keeper, routes and real
// HTTP on a port of its own, its own view of time and of the store of leases, so that one can be killed or stopped.

import type { TestContext } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { fastify } from 'fastify';
import pino from 'pino';
import { household } from '../../src/accounts/permissions.ts';
import type { Viewer, Viewing } from '../../src/cameras/cameras.ts';
import type { ClusterTimings } from '../../src/cameras/cluster/cluster-setup.ts';
import { createCameras, type HouseCameras } from '../../src/cameras/create-cameras.ts';
import type { DriverModule } from '../../src/cameras/driver.ts';
import type { LiveSample } from '../../src/cameras/live-sample.ts';
import type { StoredCamera } from '../../src/catalogue/catalogue.ts';
import type { Clock } from '../../src/clock.ts';
import type { CameraSettings, Config } from '../../src/config.ts';
import { AppError } from '../../src/errors.ts';
import { installErrors } from '../../src/http/errors.ts';
import { cameraPushRoutes } from '../../src/http/routes/camera-push.ts';
import { cameraStreamRoutes } from '../../src/http/routes/camera-streams.ts';
import { camerasApiRoutes } from '../../src/http/routes/cameras-api.ts';
import { serviceCameraRoutes } from '../../src/http/routes/service-cameras.ts';
import type { Services } from '../../src/http/services.ts';
import { createFileKeys } from '../../src/keys.ts';
import { createLeaseKeeper } from '../../src/leases/create-lease-keeper.ts';
import type { LeaseStore } from '../../src/leases/lease-store.ts';
import { createMemoryLeases } from '../../src/leases/memory-leases.ts';
import { createCameraCatalogue } from './camera-catalogue.ts';
import { createFakeClock, type FakeClock } from './fake-clock.ts';
import { installFakeViewer } from './fake-viewer.ts';
import { createPushDriver, numberIn, type PushDriver } from './push-driver.ts';
import { temporaryFolder } from './temporary-folder.ts';

export type ClusterProcess = {
  readonly name: string;
  readonly cameras: HouseCameras;
  readonly url: string;
  readonly port: number;
  /** The driver of all its cameras, where the test gave no other. */
  readonly driver: PushDriver;
  /** As `kill -9` does: its sockets close, and nothing of it goes on. */
  kill(): Promise<void>;
  /** As SIGSTOP and SIGCONT do: no timer of it fires and no answer of the store reaches it, but its sockets stay. */
  stop(): void;
  go(): void;
};

export type CameraCluster = {
  readonly clock: FakeClock;
  readonly store: LeaseStore;
  readonly stored: StoredCamera[];
  /** Lines of the logs of all processes. */
  readonly lines: string[];
  readonly secret: string;
  /** Bodies of the questions that processes were asked at an address that ends so. */
  sent(path: string): readonly unknown[];
  /** While true the store of leases answers nobody. */
  isStoreAway: boolean;
  start(
    name: string,
    roles: readonly ('web' | 'camera')[],
    options?: ProcessOptions,
  ): Promise<ClusterProcess>;
  /** Lets so much time pass, and what goes over sockets meanwhile arrive. */
  pass(ms: number): Promise<void>;
  /** Lets time pass until the condition holds; resolves to how much did, milliseconds. */
  passUntil(condition: () => boolean, what: string, mostMs?: number): Promise<number>;
};

export type ProcessOptions = {
  readonly settings?: readonly CameraSettings[];
  readonly load?: (driver: string) => Promise<DriverModule>;
  readonly secret?: string;
  readonly discovery?: NonNullable<Parameters<typeof createCameras>[0]['discovery']>;
};

/** Steps of the fake clock, and how long real sockets get at each. */
const stepMs = 50;
const socketsMs = 2;

export const door: CameraSettings = { id: 'door', name: 'Door', driver: 'push', options: {} };

export async function createCameraCluster(
  t: TestContext,
  timings: Partial<ClusterTimings> = {},
): Promise<CameraCluster> {
  const clock = createFakeClock();
  const store = createMemoryLeases();
  const stored: StoredCamera[] = [];
  const catalogue = createCameraCatalogue(stored);
  const lines: string[] = [];
  const keys = createFileKeys(await temporaryFolder());
  const processes: ClusterProcess[] = [];
  const secret = 'the secret of this house, 32 characters and more';
  const state = { isStoreAway: false };
  const asked: { readonly url: string; readonly body: unknown }[] = [];
  const pass = async (ms: number) => {
    for (let passed = 0; passed < ms; passed += stepMs) {
      await clock.advance(stepMs);
      await pause(socketsMs);
    }
  };

  const start: CameraCluster['start'] = async (name, roles, options = {}) => {
    const driver = createPushDriver();
    const life = createLife(clock);
    const log = pino(
      { level: 'debug', base: { process: name } },
      { write: (line: string) => void lines.push(line) },
    );
    const reach = async <Answer>(work: () => Promise<Answer>): Promise<Answer> => {
      await life.awake();
      if (state.isStoreAway) throw new AppError('unavailable', 'The database cannot be reached right now.');
      const answer = await work();
      await life.awake();
      return answer;
    };
    const leases: LeaseStore = {
      read: (lease) => reach(() => store.read(lease)),
      list: (prefix) => reach(() => store.list(prefix)),
      take: (lease, seen) => reach(() => store.take(lease, seen)),
      beat: (lease, note) => reach(() => store.beat(lease, note)),
      ask: (lease) => reach(() => store.ask(lease)),
      release: (lease) => reach(() => store.release(lease)),
      forget: (lease) => reach(() => store.forget(lease)),
    };
    let url = '';
    const keeper = createLeaseKeeper({ store: leases, clock: life.clock, log, holder: `holder-${name}` });
    const own = options.secret ?? secret;
    const cameras = await createCameras({
      settings: { list: options.settings ?? [door], lingerMs: 10_000 },
      ...{ catalogue, clock: life.clock, log, dataFolder: '/nowhere', keys, random: () => 1 },
      load: options.load ?? (async () => driver),
      cluster: {
        ...{ keeper, leases, serviceUrl: () => url, secret: own, timings },
        ...{ isOwner: roles.includes('camera'), isWeb: roles.includes('web') },
      },
      ...(options.discovery && { discovery: options.discovery }),
    });
    const app = fastify();
    const services = {
      ...{ cameras, clock, log, config: { server: { publicUrl: null } } as Config },
      access: { camera: async () => {}, cameras: async (_: unknown, all: unknown) => all },
      catalogue: { noteAudit: async () => {} },
      running: { watch: () => {}, close: () => {} },
    } as unknown as Services;
    installErrors(app, services);
    installFakeViewer(app, household);
    app.addHook('preHandler', async (request) => void asked.push({ url: request.url, body: request.body }));
    await serviceCameraRoutes(app, { service: cameras.service!, secret: own, clock: life.clock });
    cameraStreamRoutes(app, services);
    camerasApiRoutes(app, services);
    await cameraPushRoutes(app, services);
    await app.listen({ port: 0, host: '127.0.0.1' });
    const { port } = app.server.address() as { port: number };
    url = `http://127.0.0.1:${port}`;
    await cameras.join();
    let isOver = false;
    const process: ClusterProcess = {
      ...{ name, cameras, url, port, driver },
      async kill() {
        isOver = true;
        life.end();
        app.server.closeAllConnections();
        await new Promise((resolve) => app.server.close(resolve));
      },
      stop: life.stop,
      go: life.go,
    };
    processes.push(process);
    t.after(async () => {
      if (isOver) return;
      life.go();
      state.isStoreAway = false;
      const closed = cameras.close();
      await pass(1500);
      await closed;
      await keeper.close();
      app.server.closeAllConnections();
      await app.close();
    });
    return process;
  };

  return {
    ...{ clock, store, stored, lines, secret, start, pass },
    sent: (path) => asked.filter(({ url }) => url.endsWith(path)).map(({ body }) => body),
    get isStoreAway() {
      return state.isStoreAway;
    },
    set isStoreAway(isAway) {
      state.isStoreAway = isAway;
    },
    async passUntil(condition, what, mostMs = 20_000) {
      const startMs = clock.monotonicMs();
      while (!condition()) {
        const passedMs = clock.monotonicMs() - startMs;
        if (passedMs > mostMs) throw new Error(`${what}: not within ${mostMs} ms`);
        await pass(stepMs);
      }
      return clock.monotonicMs() - startMs;
    },
  };
}

/** A process' own time: it stands still while the process is stopped, and for ever once it is dead. */
function createLife(clock: Clock) {
  let isStopped = false;
  let isDead = false;
  let waiting: (() => void)[] = [];
  const awake = async (): Promise<void> => {
    while (isStopped || isDead)
      await new Promise<void>((resolve) => {
        waiting.push(resolve);
      });
  };
  return {
    awake,
    clock: {
      nowMs: () => clock.nowMs(),
      monotonicMs: () => clock.monotonicMs(),
      async sleep(ms: number, signal?: AbortSignal) {
        await clock.sleep(ms, signal);
        if (isStopped || isDead) await awake();
        signal?.throwIfAborted();
      },
    } satisfies Clock,
    stop() {
      isStopped = true;
    },
    go() {
      isStopped = false;
      const before = waiting;
      waiting = [];
      for (const wake of before) wake();
    },
    end() {
      isDead = true;
    },
  };
}

export type Watcher = {
  readonly samples: LiveSample[];
  /** Numbers of the pictures that came (`numberedJpeg`). */
  numbers(): number[];
  readonly states: string[];
  readonly viewing: Viewing;
  ends(): number;
};

/** Watches a camera at one process. */
export function watch({ cameras }: ClusterProcess, id = 'door'): Watcher {
  const samples: LiveSample[] = [];
  const states: string[] = [];
  let ends = 0;
  const viewer: Viewer = {
    onSample: (sample) => samples.push(sample),
    onState: ({ state, message }) => states.push(message === null ? state : `${state}: ${message}`),
    onEnd: () => (ends += 1),
  };
  const viewing = cameras.watch(id, viewer);
  return {
    samples,
    states,
    viewing,
    numbers: () => samples.map(({ data }) => numberIn(data)),
    ends: () => ends,
  };
}
