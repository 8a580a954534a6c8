// Appends to one unfinished blob on the disk. Small chunks are gathered in one of two 256 KiB buffers while the other
// is being written, large ones go out as they are; data is sent to the disk every 32 MiB, so that sealing a large
// file finds little left to do. At most 512 KiB are held, and at most 128 MiB are in the page cache only.
import type { Clock } from '../clock.ts';
import { AppError } from '../errors.ts';
import type { BlobWriter } from './blob-store.ts';
import { type DiskFiles, diskFailure } from './disk-files.ts';
import type { DiskRoom } from './disk-room.ts';
import type { Gate } from './gate.ts';

/** Uploads come in pieces of 16 to 64 KiB: a system call for each cost twice the time of one for 256 KiB. */
const bufferBytes = 256 * 1024;
/** A sync in the background begins whenever this much is new... */
const syncEveryBytes = 32 * 1024 * 1024;
/** ...and writing waits for it when this much is not on the disk yet. */
const unsyncedLimitBytes = 128 * 1024 * 1024;

/** What the store lends to its writers. */
export type WriterTools = {
  readonly files: DiskFiles;
  readonly room: DiskRoom;
  readonly clock: Clock;
  readonly writes: Gate;
  readonly syncs: Gate;
  /** Renames the synced file into place, durably. */
  moveIntoPlace(): Promise<void>;
  /** The writer has ended; told once. `isTrusted` false: what is stored may differ from what was taken. */
  onEnd(isTrusted: boolean): void;
};

export class DiskWriter implements BlobWriter {
  readonly #fd: number;
  readonly #tools: WriterTools;
  /** Bytes handed to the system, and how many of them are known to be on the disk. */
  #writtenBytes: number;
  #syncedBytes: number;
  /** Bytes taken from the caller, the buffered ones included. */
  #takenBytes: number;
  #buffer: Uint8Array | null = null;
  #spare: Uint8Array | null = null;
  #filledBytes = 0;
  #flushing: Promise<void> | null = null;
  #syncing: Promise<void> | null = null;
  /** The one write under way; it never rejects. */
  #writing: Promise<void> = Promise.resolve();
  #failure: AppError | null = null;
  #isTrusted = true;
  #ended: 'no' | 'sealed' | 'closed' = 'no';
  /** Calls run one after the other; `busy` counts those that have not settled. */
  #queue: Promise<unknown> = Promise.resolve();
  #busy = 0;

  /** @param fd open for writing; the writer closes it  @param sizeBytes of the file, all of it synced */
  constructor(fd: number, sizeBytes: number, tools: WriterTools) {
    this.#fd = fd;
    this.#tools = tools;
    this.#writtenBytes = sizeBytes;
    this.#syncedBytes = sizeBytes;
    this.#takenBytes = sizeBytes;
  }

  get sizeBytes(): number {
    return this.#failure ? this.#writtenBytes : this.#takenBytes;
  }

  write(chunk: Uint8Array): Promise<void> {
    // Most chunks only fill the buffer: no queue, no waiting.
    const fits = this.#filledBytes + chunk.length < bufferBytes && this.#busy === 0;
    if (fits && this.#ended === 'no' && !this.#failure && this.#tools.room.take(chunk.length)) {
      this.#fill(chunk);
      return Promise.resolve();
    }
    return this.#inTurn(async () => {
      this.#assertOpen();
      if (!this.#tools.room.take(chunk.length)) await this.#tools.room.admit(chunk.length);
      if (chunk.length >= bufferBytes) {
        await this.#drain();
        this.#takenBytes += chunk.length;
        await this.#toDisk(chunk, chunk.length);
      } else {
        const fitting = bufferBytes - this.#filledBytes;
        this.#fill(chunk.subarray(0, fitting));
        if (this.#filledBytes === bufferBytes) await this.#flush();
        this.#fill(chunk.subarray(fitting));
      }
      await this.#syncBehind();
      this.#assertOpen();
    });
  }

  sync(): Promise<void> {
    return this.#inTurn(async () => {
      this.#assertOpen();
      await this.#drain();
      await this.#syncing;
      if (this.#syncedBytes < this.#writtenBytes) await this.#syncNow();
      this.#assertOpen();
    });
  }

  seal(): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#ended === 'sealed') return;
      this.#assertOpen();
      await this.#drain();
      await this.#syncing;
      this.#assertOpen();
      const { files, clock, syncs } = this.#tools;
      try {
        const sealedAt = clock.nowMs() / 1000;
        await files.futimes(this.#fd, sealedAt, sealedAt);
      } catch (error) {
        throw this.#fail(error);
      }
      await this.#syncNow(() => files.fsync(this.#fd));
      try {
        await syncs.run(() => this.#tools.moveIntoPlace());
      } catch (error) {
        throw this.#fail(error);
      }
      await this.#end('sealed');
    });
  }

  close(): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#ended !== 'no') return;
      const wasTold = this.#failure;
      if (!wasTold) await this.#drain().catch(() => {});
      await this.#syncing;
      await this.#end('closed');
      // Bytes that were taken and could not be written: nobody has heard of it yet.
      if (this.#failure && !wasTold) throw this.#failure;
    });
  }

  /** Hands everything taken to the system, so that a reader of the file sees it. */
  show(): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#ended === 'no' && !this.#failure) await this.#drain();
    });
  }

  /** The blob is being removed: the writer's next call fails with `gone`. */
  abandon(): Promise<void> {
    this.#failure ??= new AppError('gone', 'This upload was removed.');
    return this.close();
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    this.#busy++;
    const result = this.#queue.then(work).finally(() => {
      this.#busy--;
    });
    this.#queue = result.catch(() => {});
    return result;
  }

  #assertOpen(): void {
    if (this.#failure) throw this.#failure;
    if (this.#ended !== 'no') throw new AppError('internal', 'This upload is not being written any more.');
  }

  #fill(chunk: Uint8Array): void {
    if (chunk.length === 0) return;
    this.#buffer ??= Buffer.allocUnsafeSlow(bufferBytes);
    this.#buffer.set(chunk, this.#filledBytes);
    this.#filledBytes += chunk.length;
    this.#takenBytes += chunk.length;
  }

  /** Begins to write the filled buffer and takes the other one; waits only for the write before. */
  async #flush(): Promise<void> {
    await this.#flushing;
    this.#assertOpen();
    const full = this.#buffer;
    if (full === null || this.#filledBytes === 0) return;
    const length = this.#filledBytes;
    this.#buffer = this.#spare;
    this.#spare = null;
    this.#filledBytes = 0;
    // Its failure is kept, and told by the next call.
    this.#flushing = this.#toDisk(full, length).then(
      () => {
        this.#spare = full;
        this.#flushing = null;
      },
      () => {
        this.#flushing = null;
      },
    );
  }

  async #drain(): Promise<void> {
    await this.#flush();
    await this.#flushing;
    this.#assertOpen();
  }

  /** Never called while another call is under way. */
  async #toDisk(bytes: Uint8Array, length: number): Promise<void> {
    const { files, writes } = this.#tools;
    try {
      const writing = writes.run(async () => {
        for (let done = 0; done < length; ) {
          // A sync that failed meanwhile cuts the file back; writing on would leave a hole.
          if (this.#failure) throw this.#failure;
          const count = await files.write(this.#fd, bytes, done, length - done, this.#writtenBytes);
          if (count <= 0) throw new AppError('internal', 'The disk takes nothing more.');
          done += count;
          this.#writtenBytes += count;
        }
      });
      this.#writing = writing.catch(() => {});
      await writing;
    } catch (error) {
      throw this.#fail(error);
    }
  }

  async #syncBehind(): Promise<void> {
    const unsynced = this.#writtenBytes - this.#syncedBytes;
    if (unsynced < syncEveryBytes) return;
    this.#syncing ??= this.#syncNow()
      .catch(() => {}) // kept in #failure
      .finally(() => {
        this.#syncing = null;
      });
    if (unsynced >= unsyncedLimitBytes) await this.#syncing;
  }

  async #syncNow(sync = () => this.#tools.files.fdatasync(this.#fd)): Promise<void> {
    try {
      await this.#tools.syncs.run(async () => {
        const writtenBytes = this.#writtenBytes;
        await sync();
        this.#syncedBytes = writtenBytes;
      });
    } catch (error) {
      // The system may have dropped the pages it could not write and calls them clean now, so a second fsync would
      // succeed without them (LWN 752063). Back to what is known to be there.
      const failure = this.#fail(error);
      try {
        await this.#writing;
        await this.#tools.files.ftruncate(this.#fd, this.#syncedBytes);
        this.#writtenBytes = this.#syncedBytes;
      } catch {
        this.#isTrusted = false;
      }
      throw failure;
    }
  }

  /** The first failure is the one that lasts. */
  #fail(error: unknown): AppError {
    this.#failure ??= diskFailure(error);
    return this.#failure;
  }

  async #end(how: 'sealed' | 'closed'): Promise<void> {
    this.#ended = how;
    this.#buffer = null;
    this.#spare = null;
    await this.#flushing;
    try {
      await this.#tools.files.close(this.#fd);
    } catch (error) {
      // NFS tells of a failed write here (close(2)); after a successful fsync there is nothing to tell.
      if (how === 'closed') this.#fail(error);
    }
    this.#tools.onEnd(this.#isTrusted);
  }
}
