// The few file operations that the disk store writes with, on raw descriptors, so that a test can put a full or
// failing disk in their place; and what their failures mean.
import fs from 'node:fs';
import { promisify } from 'node:util';
import { AppError } from '../errors.ts';

/** Every member settles as the system call of its name does; failures carry the call's `code`. */
export type DiskFiles = {
  open(path: string, flags: number, mode?: number): Promise<number>;
  /** Bytes written, which may be fewer than `length`. */
  write(fd: number, bytes: Uint8Array, offset: number, length: number, position: number): Promise<number>;
  fdatasync(fd: number): Promise<void>;
  fsync(fd: number): Promise<void>;
  ftruncate(fd: number, sizeBytes: number): Promise<void>;
  futimes(fd: number, atimeSeconds: number, mtimeSeconds: number): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  close(fd: number): Promise<void>;
  /** Room for this user and in all, bytes. */
  statfs(path: string): Promise<{ freeBytes: number; totalBytes: number }>;
};

/** The machine's own disk. */
export const realFiles: DiskFiles = {
  open: promisify(fs.open) as DiskFiles['open'],
  write: (fd, bytes, offset, length, position) =>
    new Promise((resolve, reject) => {
      fs.write(fd, bytes, offset, length, position, (error, written) =>
        error ? reject(error) : resolve(written),
      );
    }),
  fdatasync: promisify(fs.fdatasync),
  fsync: promisify(fs.fsync),
  ftruncate: promisify(fs.ftruncate),
  futimes: promisify(fs.futimes),
  rename: promisify(fs.rename),
  close: promisify(fs.close),
  async statfs(path) {
    const { bavail, blocks, bsize } = await fs.promises.statfs(path);
    return { freeBytes: bavail * bsize, totalBytes: blocks * bsize };
  },
};

/** The `code` of a failed system call, else undefined. */
export function systemCode(error: unknown): string | undefined {
  return error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
}

/** What a failed write or sync means to the person who uploads. An AppError stays as it is. */
export function diskFailure(error: unknown): AppError {
  if (error instanceof AppError) return error;
  switch (systemCode(error)) {
    case 'ENOSPC':
    case 'EDQUOT':
      return new AppError('no-room', 'The disk is full.', { cause: error });
    case 'EFBIG': // FAT32 stops at 4 GiB
      return new AppError('too-large', 'The disk cannot hold a file this large.', { cause: error });
    case 'EROFS':
      return new AppError('unavailable', 'The disk can only be read, not written.', { cause: error });
    default:
      return new AppError('internal', 'The disk could not be written.', { cause: error });
  }
}

/** Makes the names in a folder (created, renamed, removed) survive a power cut: fsync(2), "does not necessarily
 * ensure that the entry in the directory … has also reached disk. For that an explicit fsync() … is also needed". */
export async function syncFolder(files: DiskFiles, path: string): Promise<void> {
  const fd = await files.open(path, fs.constants.O_RDONLY | fs.constants.O_DIRECTORY);
  try {
    await files.fsync(fd);
  } finally {
    await files.close(fd);
  }
}
