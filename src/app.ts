// The only place that constructs things: from settings to a listening program, and back.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from 'pino';
import type { Accounts } from './accounts/accounts.ts';
import { createAccess } from './accounts/create-access.ts';
import { createGuestLinks } from './accounts/create-guest-links.ts';
import { createLocalAccounts } from './accounts/local/create-local-accounts.ts';
import { createPasswordHasher, type PasswordHasher } from './accounts/password-hash.ts';
import { createRemoteAccounts } from './accounts/remote/create-remote-accounts.ts';
import { createDiskBlobs } from './blobs/disk.ts';
import { createCameras } from './cameras/create-cameras.ts';
import { openSqliteCatalogue } from './catalogue/sqlite/sqlite-catalogue.ts';
import type { Clock } from './clock.ts';
import type { Config } from './config.ts';
import { lockDataFolder } from './data-lock.ts';
import { AppError } from './errors.ts';
import { createAccountsServer } from './http/accounts-server.ts';
import { createServer, type Server } from './http/server.ts';
import { createFileKeys } from './keys.ts';
import { createLibrary } from './library/create-library.ts';
import { createMetrics } from './metrics/metrics.ts';
import { openTracing } from './tracing/open-tracing.ts';
import { traced, tracedBlobs } from './tracing/traced.ts';
import type { Tracing } from './tracing/tracing.ts';
import { createProbe } from './workers/probe.ts';

export type App = {
  /** The address people open, such as `http://localhost:5000`. */
  readonly url: string;
  /** The code for the first account; null where there is an owner, or the accounts are elsewhere, or there are none. */
  setupCode(): Promise<string | null>;
  /** Takes no new work, lets running answers finish (bounded), closes everything. Idempotent. */
  close(): Promise<void>;
};

type Tools = { readonly clock: Clock; readonly log: Logger };
/** null where OTEL_* asks for no traces: then nothing of them is loaded. */
type Traced = Tools & { readonly tracing: Tracing | null };
/** Log-ins and guest links work out passwords with one, so that together they take two cores at most. */
type Shared = Traced & { readonly passwords: PasswordHasher };
/** What was made so far and has to be closed, in the reverse order. */
type Opened = (() => unknown)[];

/** Starts the program. @throws AppError where it cannot start: port taken, data folder in use or not writable. */
export async function createApp(config: Config, tools: Tools): Promise<App> {
  const { folder } = config.data;
  await makeFolder(folder);
  // Closed in the reverse order, also when the start fails half way.
  const opened: Opened = [];
  const closeAll = async () => {
    for (const close of opened.splice(0).reverse()) await close();
  };
  try {
    const lock = await lockDataFolder(folder);
    opened.push(() => lock.release());
    const tracing = await openTracing(process.env, { log: tools.log, roles: config.roles });
    opened.push(() => tracing?.close());
    const shared: Shared = { ...tools, tracing, passwords: createPasswordHasher() };
    const accounts = await openAccounts(config, shared);
    opened.push(() => accounts.close());
    const server = !config.roles.has('web')
      ? await createAuthRole(config, shared, accounts)
      : await createMediaRoles(config, shared, accounts, opened);
    opened.push(() => server.close());
    const url = await server.listen();
    let closing: Promise<void> | null = null;
    return {
      url,
      setupCode: async () => (config.auth.mode === 'accounts' ? accounts.setupCode() : null),
      close() {
        closing ??= closeAll();
        return closing;
      },
    };
  } catch (error) {
    await closeAll();
    throw error;
  }
}

async function openAccounts(
  { data, auth }: Config,
  { clock, log, tracing, passwords }: Shared,
): Promise<Accounts> {
  const { serviceUrl, serviceSecret } = auth;
  return serviceUrl !== null && serviceSecret !== null && auth.mode !== 'none'
    ? createRemoteAccounts({ url: serviceUrl, secret: serviceSecret, clock, log, tracing })
    : createLocalAccounts({
        ...{ folder: data.folder, clock, log, config: auth, hasher: passwords },
        // Nobody logs in where everybody is everybody.
        warmsUp: auth.mode === 'accounts',
      });
}

/** No library and no cameras: it answers for accounts alone. */
function createAuthRole(
  config: Config,
  { clock, log, tracing }: Traced,
  accounts: Accounts,
): Promise<Server> {
  const { roles } = config;
  const metrics = createMetrics({ cameras: { list: () => [], figures: () => [] }, clock, roles });
  return createAccountsServer({
    config,
    clock,
    log,
    accounts: traced(accounts, 'accounts', tracing),
    metrics,
    tracing,
  });
}

async function createMediaRoles(
  config: Config,
  { clock, log, tracing, passwords }: Shared,
  accounts: Accounts,
  opened: Opened,
): Promise<Server> {
  const { folder, reserveBytes } = config.data;
  const keys = createFileKeys(folder);
  const stored = await createDiskBlobs({ folder, reserveBytes, clock, isShared: config.server.accel });
  opened.push(() => stored.close());
  const blobs = tracedBlobs(stored, tracing);
  const rows = await openSqliteCatalogue({ file: join(folder, 'kinora.sqlite'), clock });
  opened.push(() => rows.close());
  const catalogue = traced(rows, 'catalogue', tracing);
  const probe = createProbe({ clock, log });
  opened.push(() => probe.close());
  const library = createLibrary({ blobs, catalogue, clock, log, config: config.data, probe });
  opened.push(() => library.close());
  await library.start();
  const cameras = await createCameras({
    ...{ settings: config.cameras, catalogue, clock, log },
    dataFolder: folder,
  });
  opened.push(() => cameras.close());
  const metrics = createMetrics({ cameras, clock, roles: config.roles });
  const access = createAccess({ catalogue });
  const links = createGuestLinks({ catalogue, accounts, access, cameras, clock, keys, passwords });
  return createServer({
    ...{ config, clock, log, catalogue, blobs, library },
    ...{ accounts, access, links, cameras, metrics, tracing },
  });
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
