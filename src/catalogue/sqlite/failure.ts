// What SQLite's result codes mean to the rest of the program (https://www.sqlite.org/rescode.html).
import { AppError } from '../../errors.ts';

/** An AppError for what `node:sqlite` throws; anything else comes back as it is. */
export function sqliteFailure(error: unknown, file: string): unknown {
  const code = (error as { errcode?: unknown } | null)?.errcode;
  if (typeof code !== 'number') return error;
  // The low byte is the primary code, the rest says more.
  switch (code & 255) {
    case 11: // SQLITE_CORRUPT
    case 26: // SQLITE_NOTADB
      return new AppError('corrupt', `The catalogue ${file} is damaged, or no catalogue at all.`, {
        cause: error,
      });
    case 13: // SQLITE_FULL
      return new AppError('no-room', 'The disk is full.', { cause: error });
    case 5: // SQLITE_BUSY
    case 6: // SQLITE_LOCKED
      return new AppError('unavailable', 'The catalogue is in use by another program.', { cause: error });
    case 8: // SQLITE_READONLY
    case 10: // SQLITE_IOERR
    case 14: // SQLITE_CANTOPEN
      return new AppError('unavailable', `The catalogue ${file} cannot be read or written.`, {
        cause: error,
      });
    default:
      return new AppError('internal', 'The catalogue failed.', { cause: error });
  }
}
