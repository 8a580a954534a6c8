// `kinora check [--repair]`: opens the stores, runs the check, ends with 1 where anything disagrees.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { runCheck } from '../check/run-check.ts';
import { systemClock } from '../clock.ts';
import type { Config } from '../config.ts';
import { lockDataFolder } from '../data-lock.ts';
import { isAppError } from '../errors.ts';
import { createLog } from '../log.ts';
import { openLocalStores } from '../stores/local-stores.ts';
import type { Stores } from '../stores/stores.ts';
import { commandSettings } from './command-settings.ts';

/** Resolves to the exit status: 0 fine, 1 something disagrees (still), 2 could not be run. */
export async function check(words: readonly string[]): Promise<number> {
  const unknown = words.find((word) => word !== '--repair');
  if (unknown !== undefined) {
    console.error(`kinora: check takes --repair and nothing else, got "${unknown}"`);
    return 2;
  }
  const config = commandSettings();
  const opened: (() => unknown)[] = [];
  try {
    const log = await createLog({ ...config.log, level: 'error' });
    const stores = await openStores(config, log, opened);
    if (stores === null) {
      console.error(
        `kinora: there is no catalogue in ${config.data.folder}; KINORA_DATA names the data folder`,
      );
      return 2;
    }
    const [catalogue, blobs] = [await stores.openCatalogue(), await stores.openBlobs()];
    const repair = words.includes('--repair');
    const result = await runCheck({
      ...{ blobs, catalogue, clock: systemClock, log, repair },
      out: (line) => console.log(line),
    });
    console.log(summary(result));
    return result.problems === 0 ? 0 : 1;
  } catch (error) {
    if (!isAppError(error)) throw error;
    console.error(`kinora: ${error.message}`);
    return error.kind === 'corrupt' ? 1 : 2;
  } finally {
    for (const close of opened.reverse()) await close();
  }
}

/** Those of MONGODB_URL, or of the data folder; null where there are none in it. */
async function openStores(
  config: Config,
  log: Logger,
  opened: (() => unknown)[],
): Promise<Pick<Stores, 'openCatalogue' | 'openBlobs'> | null> {
  // The check writes next to nothing, and must run on a disk that is full.
  const data = { ...config.data, reserveBytes: 0, cacheBytes: 0 };
  const tools = { clock: systemClock, log };
  const { mongoUrl } = config.cluster;
  if (mongoUrl === null) {
    if (!existsSync(join(data.folder, 'kinora.sqlite'))) return null;
    const lock = await lockDataFolder(data.folder);
    opened.push(() => lock.release());
  }
  const stores =
    mongoUrl === null
      ? openLocalStores({ ...config, data }, tools)
      : await (await import('../stores/cluster-stores.ts')).openClusterStores(
          { ...config, data, cluster: { ...config.cluster, mongoUrl } },
          tools,
        );
  opened.push(() => stores.close());
  return stores;
}

function summary({
  videos,
  problems,
  repaired,
}: {
  videos: number;
  problems: number;
  repaired: number;
}): string {
  const walked = `${videos} ${videos === 1 ? 'video' : 'videos'} checked`;
  const mended = repaired > 0 ? `, ${repaired} mended` : '';
  return problems === 0 ? `${walked}${mended}: all is well` : `${walked}${mended}: ${problems} disagree`;
}
