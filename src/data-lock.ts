// Keeps a second copy of the program off a data folder. The lock is SQLite's own on a tiny file, held by an open
// transaction: the system lets go of it however the process ends, so a kill leaves nothing to clean up.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { AppError } from './errors.ts';

/** SQLITE_BUSY, https://www.sqlite.org/rescode.html#busy */
const sqliteBusy = 5;

/**
 * Takes the folder (created where it is missing) for this process, until `release` (idempotent) or the process' end.
 * Throws `conflict`, naming the process that has it, and `unavailable` where the folder cannot be written.
 */
export async function lockDataFolder(folder: string): Promise<{ release(): void }> {
  // Who has it is told by a file of its own: POSIX drops a process' locks on a file as soon as it closes any
  // descriptor of that file (fcntl(2)), so nothing but SQLite may ever open lock.sqlite.
  const holderPath = join(folder, 'lock.json');
  let database: DatabaseSync | undefined;
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    database = new DatabaseSync(join(folder, 'lock.sqlite'), { timeout: 0 });
    // A rollback journal: in WAL mode even an exclusive transaction would let others in to read.
    database.exec('PRAGMA journal_mode = DELETE; BEGIN EXCLUSIVE');
    writeFileSync(holderPath, JSON.stringify({ pid: process.pid, host: hostname() }), { mode: 0o600 });
  } catch (error) {
    database?.close();
    if ((error as { errcode?: number }).errcode === sqliteBusy) {
      throw new AppError('conflict', `Kinora already runs on ${folder}${describeHolder(holderPath)}.`);
    }
    throw new AppError('unavailable', `The data folder ${folder} cannot be written.`, { cause: error });
  }
  const held = database;
  return {
    release() {
      if (held.isOpen) held.close();
    },
  };
}

/** The holder writes the file just after it got the lock, so it may be missing or name the one before. */
function describeHolder(path: string): string {
  try {
    const { pid, host } = JSON.parse(readFileSync(path, 'utf8'));
    if (!Number.isSafeInteger(pid)) return '';
    return host === hostname() ? ` (process ${pid})` : ` (process ${pid} on ${String(host).slice(0, 100)})`;
  } catch {
    return '';
  }
}
