// Reads an open blob by position. This is the hot path of every byte served: one promise and one request to libuv a
// read, no FileHandle. The descriptor is closed once, after the last read that is under way.
import fs from 'node:fs';
import { AppError } from '../errors.ts';
import type { BlobReader, FileRange } from './blob-store.ts';
import { systemCode } from './disk-files.ts';

/** Of a file's mode: the group may read it. */
const groupReads = 0o040;

/**
 * Opens a regular file, never through a symbolic link. Null where there is none. `sharedPath`: what its reader tells
 * as `filePath`; the group of the file (a web server's) may read it from then on.
 */
export async function openReader(path: string, sharedPath?: string): Promise<BlobReader | null> {
  const fd = await new Promise<number | null>((resolve, reject) => {
    // O_NONBLOCK: a FIFO put in the place of a blob must not hang the open.
    const flags = fs.constants.O_RDONLY | fs.constants.O_NOFOLLOW | fs.constants.O_NONBLOCK;
    fs.open(path, flags, (error, opened) => {
      if (!error) resolve(opened);
      else if (systemCode(error) === 'ENOENT') resolve(null);
      else reject(new AppError('internal', 'A stored file could not be opened.', { cause: error }));
    });
  });
  if (fd === null) return null;
  const stat = await new Promise<fs.Stats | Error>((resolve) => {
    fs.fstat(fd, (error, found) => resolve(error ?? found));
  });
  if (stat instanceof Error || !stat.isFile()) {
    fs.close(fd, () => {});
    throw new AppError('corrupt', 'A stored file is not a plain file.', { cause: stat });
  }
  // Whatever the umask was when it was written, and before this was asked for.
  if (sharedPath !== undefined && (stat.mode & groupReads) === 0)
    await new Promise<void>((resolve) => fs.fchmod(fd, (stat.mode & 0o777) | groupReads, () => resolve()));
  return new DiskReader(fd, stat.size, Math.trunc(stat.mtimeMs), sharedPath);
}

class DiskReader implements BlobReader {
  readonly sizeBytes: number;
  readonly modifiedAtMs: number;
  readonly filePath: string | undefined;
  readonly #fd: number;
  #inFlight = 0;
  #closed: { promise: Promise<void>; resolve: () => void } | null = null;

  constructor(fd: number, sizeBytes: number, modifiedAtMs: number, filePath: string | undefined) {
    this.#fd = fd;
    this.filePath = filePath;
    this.sizeBytes = sizeBytes;
    this.modifiedAtMs = modifiedAtMs;
  }

  fileRange(position: number, end: number): FileRange | null {
    const length = Math.min(end, this.sizeBytes) - position;
    return this.#closed || length <= 0 ? null : { fd: this.#fd, offset: position, length };
  }

  read(into: Uint8Array, position: number): Promise<number> {
    return new Promise((resolve, reject) => {
      if (this.#closed) return reject(new AppError('internal', 'The stored file was closed already.'));
      if (!Number.isSafeInteger(position) || position < 0) {
        return reject(new AppError('internal', 'A read must begin at a byte.'));
      }
      // An unfinished blob may have grown; its reader keeps to the size that it told.
      const wanted = Math.min(into.length, this.sizeBytes - position);
      if (wanted <= 0) return resolve(0);
      let done = 0;
      this.#inFlight++;
      const onRead = (error: Error | null, count: number) => {
        if (!error) {
          done += count;
          // read(2) may give less than asked for; only 0 is the end (the file was cut short under us).
          if (count > 0 && done < wanted) {
            fs.read(this.#fd, into, done, wanted - done, position + done, onRead);
            return;
          }
        }
        if (--this.#inFlight === 0 && this.#closed) this.#closeNow();
        if (error) reject(new AppError('internal', 'A stored file could not be read.', { cause: error }));
        else resolve(done);
      };
      fs.read(this.#fd, into, 0, wanted, position, onRead);
    });
  }

  close(): Promise<void> {
    if (!this.#closed) {
      this.#closed = Promise.withResolvers<void>();
      if (this.#inFlight === 0) this.#closeNow();
    }
    return this.#closed.promise;
  }

  #closeNow(): void {
    // Nothing was written through it, so a failure to close loses nothing.
    fs.close(this.#fd, () => this.#closed?.resolve());
  }
}
