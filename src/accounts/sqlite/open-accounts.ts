// Opens accounts.sqlite: checks that it is ours and not of a newer program, makes or updates its tables, and sets what
// the connection needs.
import { chmodSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { AppError } from '../../errors.ts';
import { type AccountsHistory, accountsHistory, applicationId } from './schema.ts';

/** `kinora user` holds the file only for moments; longer than this, something is wrong. */
const busyTimeoutMs = 5000;

/** Creates the file (for this user alone), or brings it to `history`'s version. Throws `corrupt`, `unavailable`, and
 * `conflict` for a file of a newer program. */
export function openAccounts(file: string, history: AccountsHistory = accountsHistory): DatabaseSync {
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(file, { timeout: busyTimeoutMs });
    versionOf(database, file, history); // before anything of a file that is not ours is changed
    // Its copies beside it (-wal, -shm) take its mode (SQLite's findCreateFileMode).
    chmodSync(file, 0o600);
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON');
    // What was deleted (sessions, secrets) is overwritten, and the log of changes stays small.
    database.exec('PRAGMA secure_delete = ON; PRAGMA journal_size_limit = 4194304');
    bringUpToDate(database, file, history);
    return database;
  } catch (error) {
    if (database?.isOpen) database.close();
    throw accountsFailure(error);
  }
}

function bringUpToDate(database: DatabaseSync, file: string, history: AccountsHistory): void {
  database.exec('BEGIN IMMEDIATE');
  // Read again: another process may have made it meanwhile.
  const found = versionOf(database, file, history);
  if (found === 0) database.exec(`${history.fresh}; PRAGMA application_id = ${applicationId}`);
  for (let from = found === 0 ? history.version : found; from < history.version; from += 1) {
    const step = history.steps[from];
    if (!step) throw new Error(`No step leads from schema ${from} on.`);
    database.exec(step);
  }
  database.exec(`PRAGMA user_version = ${history.version}`);
  database.exec('COMMIT');
}

/** 0 for a file without anything in it. */
function versionOf(database: DatabaseSync, file: string, { version: known }: AccountsHistory): number {
  const pragma = (name: string) => Number(Object.values(database.prepare(`PRAGMA ${name}`).get()!)[0]);
  const version = pragma('user_version');
  if (version === 0 && !database.prepare('SELECT 1 FROM sqlite_schema').get()) return 0;
  if (version < 1 || pragma('application_id') !== applicationId)
    throw new AppError('corrupt', `${file} is not a file of Kinora's accounts.`);
  if (version > known)
    throw new AppError(
      'conflict',
      `The accounts in ${file} were written by a newer Kinora (schema ${version}; this one knows ${known}).`,
    );
  return version;
}

/** An AppError for what SQLite says (https://www.sqlite.org/rescode.html); anything else comes back as it is. */
export function accountsFailure(cause: unknown): unknown {
  const code = (cause as { errcode?: unknown } | null)?.errcode;
  if (typeof code !== 'number') return cause;
  const primary = code & 255;
  if (primary === 11 || primary === 26)
    return new AppError('corrupt', 'The accounts’ file (accounts.sqlite) is damaged.', { cause });
  if (primary === 13) return new AppError('no-room', 'The disk is full.', { cause });
  // BUSY, LOCKED, READONLY, IOERR, CANTOPEN
  if ([5, 6, 8, 10, 14].includes(primary))
    return new AppError('unavailable', 'The accounts’ file (accounts.sqlite) cannot be read or written.', {
      cause,
    });
  return new AppError('internal', 'The accounts’ file failed.', { cause });
}
