// The only place that constructs things: from settings to a listening program, and back.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { createDiskBlobs } from './blobs/disk.ts';
import { createCameras } from './cameras/create-cameras.ts';
import { openSqliteCatalogue } from './catalogue/sqlite/sqlite-catalogue.ts';
import type { Clock } from './clock.ts';
import type { Config } from './config.ts';
import { lockDataFolder } from './data-lock.ts';
import { AppError } from './errors.ts';
import { createServer } from './http/server.ts';
import { createLibrary } from './library/create-library.ts';
import { createMetrics } from './metrics/metrics.ts';
import { createProbe } from './workers/probe.ts';

export type App = {
  /** The address people open, such as `http://localhost:5000`. */
  readonly url: string;
  /** Takes no new work, lets running answers finish (bounded), closes everything. Idempotent. */
  close(): Promise<void>;
};

/** Starts the program. @throws AppError where it cannot start: port taken, data folder in use or not writable. */
export async function createApp(config: Config, { clock, log }: { clock: Clock; log: Logger }): Promise<App> {
  const { folder, reserveBytes } = config.data;
  await makeFolder(folder);
  // Closed in the reverse order, also when the start fails half way.
  const opened: (() => unknown)[] = [];
  const closeAll = async () => {
    for (const close of opened.splice(0).reverse()) await close();
  };
  try {
    const lock = await lockDataFolder(folder);
    opened.push(() => lock.release());
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
    const server = await createServer({ config, clock, log, catalogue, blobs, library, cameras, metrics });
    opened.push(() => server.close());
    const url = await server.listen();
    let closing: Promise<void> | null = null;
    return {
      url,
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
