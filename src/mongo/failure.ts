// What the driver's errors are to the rest of the program.
import { AppError, isAppError } from '../errors.ts';

/** The code of a write that would make a second one of what there may be one of. */
const duplicateKey = 11000;

/** Whether a unique index (or the _id) refused it. Some servers tell only the code. */
export function isDuplicate(error: unknown): boolean {
  return (error as { code?: unknown } | null)?.code === duplicateKey;
}

/**
 * An AppError for what the driver throws: `unavailable` where the database cannot be reached or is changing its
 * primary, `no-room` where it has no disk left, else `internal`. AppErrors come back as they are.
 */
export function mongoFailure(cause: unknown): unknown {
  if (isAppError(cause)) return cause;
  const { name = '', code = null } = (cause ?? {}) as { name?: string; code?: unknown };
  if (!name.startsWith('Mongo')) return cause;
  // OutOfDiskSpace, and what Atlas says of it.
  if (code === 14031 || code === 8000) return new AppError('no-room', 'The database is full.', { cause });
  if (isAway(cause, name, code))
    return new AppError('unavailable', 'The database cannot be reached right now.', { cause });
  return new AppError('internal', 'The database failed.', { cause });
}

/** Runs `work`, and throws its failures as `mongoFailure` has them. */
export async function withFailures<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    throw mongoFailure(error);
  }
}

const awayNames = [
  ...['MongoNetworkError', 'MongoNetworkTimeoutError', 'MongoServerSelectionError', 'MongoNotConnectedError'],
  ...['MongoPoolClearedError', 'MongoPoolClosedError', 'MongoTopologyClosedError', 'MongoClientClosedError'],
  ...['MongoWaitQueueTimeoutError', 'MongoOperationTimeoutError', 'MongoExpiredSessionError'],
];
/** Of servers that are not, or no longer, the primary, or are going down (SERVER "retryable" error codes). */
const awayCodes = [6, 7, 89, 91, 189, 262, 9001, 10107, 11600, 11602, 13435, 13436, 50, 64, 100];

function isAway(cause: unknown, name: string, code: unknown): boolean {
  if (awayNames.includes(name) || awayCodes.includes(code as number)) return true;
  const labels = (cause as { hasErrorLabel?: (label: string) => boolean }).hasErrorLabel;
  return typeof labels === 'function' && labels.call(cause, 'RetryableWriteError');
}
