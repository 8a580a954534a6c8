// Opens the catalogue's file: checks that it is ours and not of a newer program, brings an older one up to date, and
// sets what every connection needs.
import { DatabaseSync } from 'node:sqlite';
import { AppError } from '../../errors.ts';
import { sqliteFailure } from './failure.ts';
import { applicationId, type SchemaHistory, schemaHistory } from './schema.ts';

/** Another connection holds the file only for moments; longer than this, something is wrong. */
const busyTimeoutMs = 10_000;

/** The one connection that writes. Creates the file, or brings it to `history`'s version. Throws `corrupt`,
 * `unavailable`, and `conflict` for a file of a newer program. */
export function openForWriting(file: string, history: SchemaHistory = schemaHistory): DatabaseSync {
  return open(file, false, (database) => {
    checkVersion(database, file, history); // before anything of a file that is not ours is changed
    // WAL lets readers go on while a commit waits for the disk; FULL makes a commit wait for it (the default in WAL
    // of some builds is NORMAL, which can lose the last commits in a power cut).
    database.exec('PRAGMA journal_mode = WAL');
    database.exec('PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON');
    database.exec('PRAGMA journal_size_limit = 67108864; PRAGMA cache_size = -8192');
    database.exec('BEGIN IMMEDIATE');
    const version = checkVersion(database, file, history);
    if (version === 0) {
      database.exec(history.fresh);
      database.exec(`PRAGMA application_id = ${applicationId}`);
    }
    for (let from = version || history.version; from < history.version; from++) {
      const step = history.steps[from];
      if (step === undefined) throw new Error(`There is no step from schema ${from}.`);
      if (typeof step === 'string') database.exec(step);
      else step(database);
    }
    database.exec(`PRAGMA user_version = ${history.version}; COMMIT`);
  });
}

/** A connection that cannot write; the file must have been opened for writing before. */
export function openForReading(file: string): DatabaseSync {
  return open(file, true, (database) => {
    database.exec('PRAGMA query_only = ON; PRAGMA cache_size = -8192');
  });
}

function open(file: string, readOnly: boolean, prepare: (database: DatabaseSync) => void): DatabaseSync {
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(file, { readOnly, timeout: busyTimeoutMs });
    prepare(database);
    return database;
  } catch (error) {
    if (database?.isOpen) database.close();
    throw sqliteFailure(error, file);
  }
}

/** The file's version; 0 for a new one. */
function checkVersion(database: DatabaseSync, file: string, history: SchemaHistory): number {
  const value = (pragma: string) =>
    Number(Object.values(database.prepare(`PRAGMA ${pragma}`).get() ?? {})[0]);
  const version = value('user_version');
  const isEmpty = database.prepare('SELECT 1 FROM sqlite_schema LIMIT 1').get() === undefined;
  if (version === 0 && isEmpty) return 0;
  if (value('application_id') !== applicationId || version < 1) {
    throw new AppError('corrupt', `${file} is not a catalogue of Kinora's.`);
  }
  if (version > history.version) {
    throw new AppError(
      'conflict',
      `The catalogue ${file} was written by a newer Kinora (schema ${version}; this one knows ${history.version}).`,
    );
  }
  return version;
}
