// The only place that constructs things: from settings to a listening program, and back. What it constructs follows
// from the roles of the process.
import { mkdir } from 'node:fs/promises';
import type { Logger } from 'pino';
import type { Accounts } from './accounts/accounts.ts';
import { createAccess } from './accounts/create-access.ts';
import { createGuestLinks } from './accounts/create-guest-links.ts';
import { createLocalAccounts } from './accounts/local/create-local-accounts.ts';
import { createPasswordHasher, type PasswordHasher } from './accounts/password-hash.ts';
import { createRemoteAccounts } from './accounts/remote/create-remote-accounts.ts';
import type { BlobStore } from './blobs/blob-store.ts';
import { createCameras, type HouseCameras } from './cameras/create-cameras.ts';
import type { Catalogue } from './catalogue/catalogue.ts';
import type { Clock } from './clock.ts';
import type { Config } from './config.ts';
import { lockDataFolder } from './data-lock.ts';
import { AppError, isAppError } from './errors.ts';
import { createEnding, type Ending } from './http/ending.ts';
import { addressesAt } from './http/house-addresses.ts';
import { createRoleServer } from './http/role-server.ts';
import { createServer, type Server } from './http/server.ts';
import { createLibrary } from './library/create-library.ts';
import type { Library } from './library/library.ts';
import { createMetrics, type Metrics } from './metrics/metrics.ts';
import { openLocalStores } from './stores/local-stores.ts';
import type { Stores } from './stores/stores.ts';
import { openTracing } from './tracing/open-tracing.ts';
import { traced, tracedBlobs } from './tracing/traced.ts';
import type { Tracing } from './tracing/tracing.ts';
import { createProbe } from './workers/probe.ts';

export type App = {
  /** The address people open, such as `http://localhost:5000`. */
  readonly url: string;
  /** The code for the first account; null where there is an owner, or the accounts are elsewhere, or there are none. */
  setupCode(): Promise<string | null>;
  /**
   * Resolves where the stores in the data folder answer. A database is not asked: what runs goes on without it, and a
   * start of this program would not bring it back.
   */
  isWell(): Promise<unknown>;
  /** Takes no new work, lets running answers finish (bounded), closes everything. Idempotent. */
  close(): Promise<void>;
};

type Tools = { readonly clock: Clock; readonly log: Logger };
type Shared = Tools & {
  /** null where OTEL_* asks for no traces: then nothing of them is loaded. */
  readonly tracing: Tracing | null;
  /** Log-ins and guest links work out passwords with one, so that together they take two cores at most. */
  readonly passwords: PasswordHasher;
  readonly stores: Stores;
  readonly ending: Ending;
  /** Where the other processes reach this one; known once it listens. */
  readonly serviceUrl: () => string;
};
/** What was made so far and has to be closed, in the reverse order. */
type Opened = (() => unknown)[];

/** A database that is started with the program, or changes its primary, is waited for so long. */
const databasePatienceMs = 60_000;
const databaseAgainMs = 1000;

/**
 * Starts the program. @throws AppError where it cannot start: port taken, data folder in use or not writable, the
 * database away for a minute.
 */
export async function createApp(settings: Config, tools: Tools): Promise<App> {
  const { clock, log } = tools;
  const startedAtMs = clock.monotonicMs();
  for (;;) {
    try {
      return await startApp(settings, tools);
    } catch (error) {
      const isPatient = settings.cluster.mongoUrl !== null && isAppError(error, 'unavailable');
      if (!isPatient || clock.monotonicMs() - startedAtMs > databasePatienceMs) throw error;
      log.warn(`${error.message} It is asked again.`);
      await clock.sleep(databaseAgainMs);
    }
  }
}

async function startApp(settings: Config, tools: Tools): Promise<App> {
  const { folder } = settings.data;
  await makeFolder(folder);
  // Closed in the reverse order, also when the start fails half way.
  const opened: Opened = [];
  const closeAll = async () => {
    for (const close of opened.splice(0).reverse()) await close();
  };
  try {
    const lock = await lockDataFolder(folder);
    opened.push(() => lock.release());
    const tracing = await openTracing(process.env, { log: tools.log, roles: settings.roles });
    opened.push(() => tracing?.close());
    const stores = await openStores(settings, tools);
    opened.push(() => stores.close());
    const config = withSecret(settings, stores);
    const ending = createEnding();
    let url = '';
    const shared: Shared = {
      ...{ ...tools, tracing, passwords: createPasswordHasher(), stores, ending },
      serviceUrl: () => serviceUrlOf(config, url),
    };
    const accounts = await openAccounts(config, shared);
    opened.push(() => accounts.close());
    const { server, cameras, isWell } = await createParts(config, shared, accounts, opened);
    opened.push(() => server.close());
    url = await server.listen();
    // Others may ask it from here on.
    await cameras?.join();
    let closing: Promise<void> | null = null;
    return {
      url,
      isWell,
      setupCode: async () =>
        config.auth.mode === 'accounts' && config.roles.has('auth') ? accounts.setupCode() : null,
      close() {
        closing ??= drainThen(closeAll, config, { ...shared, cameras });
        return closing;
      },
    };
  } catch (error) {
    await closeAll();
    throw error;
  }
}

/** Says that it is about to end and gives its cameras away, while it still answers; then ends. */
async function drainThen(
  closeAll: () => Promise<void>,
  config: Config,
  { ending, clock, log, cameras }: Tools & { readonly ending: Ending; readonly cameras: HouseCameras | null },
): Promise<void> {
  ending.begin();
  try {
    await Promise.all([cameras?.drain(), clock.sleep(config.server.drainWaitMs)]);
  } catch (error) {
    log.warn({ err: error }, 'the cameras of this process could not be given to others');
  }
  await closeAll();
}

async function openStores(config: Config, tools: Tools): Promise<Stores> {
  const { cluster } = config;
  if (cluster.mongoUrl === null) return openLocalStores(config, tools);
  const { mongoUrl } = cluster;
  // The database's driver is loaded where there is a database.
  const { openClusterStores } = await import('./stores/cluster-stores.ts');
  return openClusterStores({ ...config, cluster: { ...cluster, mongoUrl } }, tools);
}

/** Where no secret was set the processes have one from their database. */
function withSecret(config: Config, { shared }: Stores): Config {
  return shared ? { ...config, auth: { ...config.auth, serviceSecret: shared.secret } } : config;
}

/** The one of the settings, else this machine's address in the network, else the loopback one it listens on. */
function serviceUrlOf(config: Config, url: string): string {
  if (config.cluster.serviceUrl !== null) return config.cluster.serviceUrl;
  const port = Number(new URL(url).port || 80);
  const { host } = config.server;
  if (host === 'localhost') return `http://127.0.0.1:${port}`;
  const direct = { ...config, server: { ...config.server, publicUrl: null } };
  return (
    addressesAt(port, { ...direct, auth: { ...config.auth, mode: 'none' } })[0] ?? `http://127.0.0.1:${port}`
  );
}

async function openAccounts(config: Config, shared: Shared): Promise<Accounts> {
  const { clock, log, tracing, passwords, stores } = shared;
  const { serviceUrl, serviceSecret, mode } = config.auth;
  if (serviceUrl !== null && serviceSecret !== null && mode !== 'none')
    return createRemoteAccounts({ url: serviceUrl, secret: serviceSecret, clock, log, tracing });
  return createLocalAccounts({
    ...{ ...stores.accounts, clock, log, config: config.auth, hasher: passwords },
    // Nobody logs in where everybody is everybody, nor where this process only asks who somebody is.
    warmsUp: mode === 'accounts' && config.roles.has('auth'),
  });
}

/** What the roles need, and no more. */
async function createParts(
  config: Config,
  shared: Shared,
  accounts: Accounts,
  opened: Opened,
): Promise<{
  readonly server: Server;
  readonly cameras: HouseCameras | null;
  readonly isWell: App['isWell'];
}> {
  const { clock, log, tracing, stores, ending, passwords } = shared;
  const { roles } = config;
  const isWeb = roles.has('web');
  const hasCameras = isWeb || roles.has('camera');
  const hasLibrary = isWeb || roles.has('worker');

  const catalogue =
    hasCameras || hasLibrary ? traced(await stores.openCatalogue(), 'catalogue', tracing) : null;
  const blobs = hasLibrary ? tracedBlobs(await stores.openBlobs(), tracing) : null;
  const isLocal = config.cluster.mongoUrl === null;
  const isWell = async () => isLocal && Promise.all([catalogue?.ping(), blobs?.room()]);
  const cameras = catalogue && hasCameras ? await openCameras(config, shared, catalogue, opened) : null;
  const metrics = createMetrics({ cameras: cameras ?? noCameras, clock, roles });
  if (catalogue) metrics.cluster.watch({ tasks: () => waitingTasks(catalogue) });
  metrics.cluster.watch(stores.figures);
  stores.onLeaseLost(metrics.cluster.leaseLost);
  const library =
    catalogue && blobs ? await openLibrary(config, shared, { catalogue, blobs, metrics }, opened) : null;
  const services = { config, clock, log, metrics, tracing, ending };
  const cameraService = cameras?.service ?? null;

  if (!(isWeb && catalogue && blobs && library && cameras)) {
    const server = await createRoleServer({
      ...{ ...services, accounts: traced(accounts, 'accounts', tracing), cameraService },
      stores: { ...(catalogue && { catalogue }), ...(blobs && { blobs }) },
    });
    return { server, cameras, isWell };
  }
  const access = createAccess({ catalogue });
  const { keys } = stores;
  const links = createGuestLinks({ catalogue, accounts, access, cameras, clock, keys, passwords });
  const server = await createServer({
    ...{ ...services, catalogue, blobs, library },
    ...{ accounts, access, links, cameras, cameraService },
  });
  return { server, cameras, isWell };
}

/** More are counted as so many. */
const mostTasks = 10_000;

async function waitingTasks(catalogue: Pick<Catalogue, 'listTasks'>): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>();
  for (const { kind } of await catalogue.listTasks(mostTasks)) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  return counts;
}

const noCameras = { list: () => [], figures: () => [] };

async function openLibrary(
  config: Config,
  { clock, log, stores }: Shared,
  {
    metrics,
    ...parts
  }: { readonly catalogue: Catalogue; readonly blobs: BlobStore; readonly metrics: Metrics },
  opened: Opened,
): Promise<Library> {
  const isWorker = config.roles.has('worker');
  // Codecs run where the workers are.
  const probe = isWorker ? createProbe({ clock, log }) : null;
  opened.push(() => probe?.close());
  const library = createLibrary({
    ...{ ...parts, clock, log, config: config.data, isWorker },
    onTaskEnded: metrics.cluster.taskEnded,
    ...{ leases: stores.shared?.keeper ?? null, word: stores.shared?.changes ?? null },
    ...(probe && { probe }),
  });
  opened.push(() => library.close());
  await library.start();
  return library;
}

async function openCameras(
  config: Config,
  { clock, log, stores, serviceUrl }: Shared,
  catalogue: Catalogue,
  opened: Opened,
): Promise<HouseCameras> {
  const { roles } = config;
  const cameras = await createCameras({
    ...{ settings: config.cameras, catalogue, clock, log, keys: stores.keys },
    dataFolder: config.data.folder,
    cluster: stores.shared && {
      ...{ ...stores.shared, serviceUrl, isOwner: roles.has('camera'), isWeb: roles.has('web') },
    },
  });
  opened.push(() => cameras.close());
  return cameras;
}

async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o750 });
  } catch (error) {
    throw new AppError(
      'unavailable',
      `the data folder ${folder} cannot be made: ${(error as Error).message}`,
      {
        cause: error,
      },
    );
  }
}
