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
/** Log-ins and guest links work out passwords with one, so that together they take two cores at most. */
type Shared = Tools & { readonly passwords: PasswordHasher };
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
    const shared: Shared = { ...tools, passwords: createPasswordHasher() };
    const accounts = await openAccounts(config, shared);
    opened.push(() => accounts.close());
    const server =
      config.roles === 'auth'
        ? await createAuthRole(config, tools, accounts)
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

async function openAccounts({ data, auth }: Config, { clock, log, passwords }: Shared): Promise<Accounts> {
  const { serviceUrl, serviceSecret } = auth;
  return serviceUrl !== null && serviceSecret !== null && auth.mode !== 'none'
    ? createRemoteAccounts({ url: serviceUrl, secret: serviceSecret, clock, log })
    : createLocalAccounts({
        ...{ folder: data.folder, clock, log, config: auth, hasher: passwords },
        // Nobody logs in where everybody is everybody.
        warmsUp: auth.mode === 'accounts',
      });
}

/** No library and no cameras: it answers for accounts alone. */
function createAuthRole(config: Config, { clock, log }: Tools, accounts: Accounts): Promise<Server> {
  const metrics = createMetrics({ cameras: { list: () => [], figures: () => [] }, clock });
  return createAccountsServer({ config, clock, log, accounts, metrics });
}

async function createMediaRoles(
  config: Config,
  { clock, log, passwords }: Shared,
  accounts: Accounts,
  opened: Opened,
): Promise<Server> {
  const { folder, reserveBytes } = config.data;
  const keys = createFileKeys(folder);
  const blobs = await createDiskBlobs({ folder, reserveBytes, clock });
  opened.push(() => blobs.close());
  const catalogue = await openSqliteCatalogue({ file: join(folder, 'kinora.sqlite'), clock });
  opened.push(() => catalogue.close());
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
  const metrics = createMetrics({ cameras, clock });
  const access = createAccess({ catalogue });
  const links = createGuestLinks({ catalogue, accounts, access, cameras, clock, keys, passwords });
  return createServer({
    ...{ config, clock, log, catalogue, blobs, library },
    ...{ accounts, access, links, cameras, metrics },
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
