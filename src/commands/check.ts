// `kinora check [--repair]`: opens the stores, runs the check, ends with 1 where anything disagrees.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createDiskBlobs } from '../blobs/disk.ts';
import { openSqliteCatalogue } from '../catalogue/sqlite/sqlite-catalogue.ts';
import { runCheck } from '../check/run-check.ts';
import { systemClock } from '../clock.ts';
import { lockDataFolder } from '../data-lock.ts';
import { isAppError } from '../errors.ts';
import { createLog } from '../log.ts';
import { commandSettings } from './command-settings.ts';

/** Resolves to the exit status: 0 fine, 1 something disagrees (still), 2 could not be run. */
export async function check(words: readonly string[]): Promise<number> {
  const unknown = words.find((word) => word !== '--repair');
  if (unknown !== undefined) {
    console.error(`kinora: check takes --repair and nothing else, got "${unknown}"`);
    return 2;
  }
  const config = commandSettings();
  const { folder } = config.data;
  if (!existsSync(join(folder, 'kinora.sqlite'))) {
    console.error(`kinora: there is no catalogue in ${folder}; KINORA_DATA names the data folder`);
    return 2;
  }
  const opened: (() => unknown)[] = [];
  try {
    const lock = await lockDataFolder(folder);
    opened.push(() => lock.release());
    // The check writes next to nothing, and must run on a disk that is full.
    const blobs = await createDiskBlobs({ folder, reserveBytes: 0, clock: systemClock });
    opened.push(() => blobs.close());
    const catalogue = await openSqliteCatalogue({ file: join(folder, 'kinora.sqlite'), clock: systemClock });
    opened.push(() => catalogue.close());
    const repair = words.includes('--repair');
    const log = await createLog({ ...config.log, level: 'error' });
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
