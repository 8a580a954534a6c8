// `kinora move --to mongodb|disk`: carries everything between the data folder and MONGODB_URL.
import { parseArgs } from 'node:util';
import { systemClock } from '../clock.ts';
import type { Config } from '../config.ts';
import { lockDataFolder } from '../data-lock.ts';
import { AppError, isAppError } from '../errors.ts';
import type { LeaseStore } from '../leases/lease-store.ts';
import { createLog } from '../log.ts';
import { type MoveSide, move } from '../move/move.ts';
import { openClusterStores } from '../stores/cluster-stores.ts';
import { openLocalStores } from '../stores/local-stores.ts';
import type { Stores } from '../stores/stores.ts';
import { commandSettings } from './command-settings.ts';

/** A process that lives beats at least every second. */
const watchMs = 3000;

const usage = `kinora move --to mongodb   carries everything from KINORA_DATA into the database of MONGODB_URL
kinora move --to disk      carries everything from there into KINORA_DATA

No Kinora may run on either of them meanwhile. Nothing is removed where it was. Stopped half way, the same command goes
on: each video is read back and compared with its digest before it counts as moved. guide/moving.md says more.`;

/** Resolves to the exit status: 0 moved, 1 not (all of it), 2 not understood. */
export async function moveCommand(words: readonly string[]): Promise<number> {
  let to: string | undefined;
  try {
    const { values } = parseArgs({
      ...{ args: [...words], strict: true },
      options: { to: { type: 'string' }, help: { type: 'boolean', short: 'h' } },
    });
    if (values.help) {
      console.log(usage);
      return 0;
    }
    ({ to } = values);
  } catch (error) {
    console.error(`kinora: ${(error as Error).message}`);
    return 2;
  }
  if (to !== 'mongodb' && to !== 'disk') {
    console.error(`kinora: move takes --to mongodb or --to disk\n\n${usage}`);
    return 2;
  }
  const config = commandSettings();
  const { mongoUrl } = config.cluster;
  if (mongoUrl === null) {
    console.error('kinora: MONGODB_URL is not set: it names the database to move to or from');
    return 2;
  }
  const closers: (() => unknown)[] = [];
  try {
    const log = await createLog({ ...config.log, level: 'warn' });
    const lock = await lockDataFolder(config.data.folder);
    closers.push(() => lock.release());
    const tools = { clock: systemClock, log };
    // All of the disk may be used, and nothing is watched meanwhile that could be kept.
    const data = { ...config.data, reserveBytes: 0, cacheBytes: 0 };
    const open: Config = { ...config, data };
    const local = openLocalStores(open, tools);
    closers.push(() => local.close());
    const shared = await openClusterStores({ ...open, cluster: { ...config.cluster, mongoUrl } }, tools);
    closers.push(() => shared.close());
    if (shared.shared) await assertNobodyRuns(shared.shared.leases);
    const [folder, database] = [await sideOf(local), await sideOf(shared)];
    const [from, target] = to === 'mongodb' ? [folder, database] : [database, folder];
    const cameraIds = config.cameras.list.map(({ id }) => id);
    const moved = await move(from, target, { ...tools, cameraIds, out: (line) => console.log(line) });
    const left = moved.left > 0 ? `; ${moved.left} stay behind` : '';
    console.log(
      `moved ${moved.videos} videos (${moved.bytes} bytes, each compared) and ${moved.people} people${left}`,
    );
    console.log(
      to === 'mongodb'
        ? 'From now on start Kinora with MONGODB_URL. What is in KINORA_DATA is not touched any more; keep it until you are sure.'
        : 'From now on start Kinora without MONGODB_URL. What is in the database is not touched any more.',
    );
    return 0;
  } catch (error) {
    if (!isAppError(error)) throw error;
    console.error(`kinora: ${error.message}`);
    return 1;
  } finally {
    for (const close of closers.reverse()) await close();
  }
}

async function sideOf(stores: Stores): Promise<MoveSide> {
  const { keys, accounts } = stores;
  return { keys, accounts, catalogue: await stores.openCatalogue(), blobs: await stores.openBlobs() };
}

/** Throws `conflict` where a lease still beats. A process that only serves pages holds none and is not seen. */
async function assertNobodyRuns(leases: LeaseStore): Promise<void> {
  const beats = async () =>
    new Map((await leases.list('')).map(({ name, token, beat }) => [name, `${token} ${beat}`]));
  const before = await beats();
  if (before.size === 0) return;
  await systemClock.sleep(watchMs);
  for (const [name, beat] of await beats()) {
    if (before.get(name) !== beat)
      throw new AppError('conflict', `A Kinora runs on this database (it holds “${name}”): stop it first.`);
  }
}
