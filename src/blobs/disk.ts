// Blobs as plain files: `blobs/ab/<id>` sealed, `arriving/<id>` unfinished. A name is only ever a checked id, no
// symbolic link is followed, and what a call acknowledges is on the disk, its name included. One process at a time
// uses the folder (`data-lock.ts`).
import fs from 'node:fs';
import { mkdir, opendir, readFile, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../clock.ts';
import { AppError } from '../errors.ts';
import { isId } from '../ids.ts';
import type { BlobEntry, BlobReader, BlobStore, BlobWriter } from './blob-store.ts';
import { type DiskFiles, diskFailure, realFiles, syncFolder, systemCode } from './disk-files.ts';
import { openReader } from './disk-reader.ts';
import { DiskRoom } from './disk-room.ts';
import { DiskWriter } from './disk-writer.ts';
import { Gate } from './gate.ts';

/** Of libuv's four threads: one may write, two may sync, and one is always left to read. */
const writeSlots = 1;
const syncSlots = 2;
/** Linux writes changed folders back within seconds (dirty_expire_centisecs 30 s); ten minutes are on the safe side. */
const unsettledMs = 10 * 60 * 1000;

export type DiskBlobsOptions = {
  /** Absolute path of the data folder; created where it is missing. */
  readonly folder: string;
  /** Writing stops (`no-room`) when less than this would stay free, bytes. */
  readonly reserveBytes: number;
  readonly clock: Clock;
  /** Sealed blobs may be read by the files' group, for a web server that sends them, and readers tell their paths. */
  readonly isShared?: boolean;
  /** The disk; a test puts a full or failing one here. */
  readonly files?: DiskFiles;
};

/** Opens the store, removes leftovers of `put`, and makes the last renames of a killed process durable. */
export async function createDiskBlobs(options: DiskBlobsOptions): Promise<BlobStore> {
  const store = new DiskBlobs(options);
  try {
    await store.prepare();
  } catch (error) {
    throw diskFailure(error);
  }
  return store;
}

class DiskBlobs implements BlobStore {
  readonly #folder: string;
  readonly #sealedFolder: string;
  readonly #arrivingFolder: string;
  readonly #files: DiskFiles;
  readonly #isShared: boolean;
  readonly #clock: Clock;
  readonly #room: DiskRoom;
  readonly #writes = new Gate(writeSlots);
  readonly #syncs = new Gate(syncSlots);
  /** Null while one is being opened. */
  readonly #writers = new Map<string, DiskWriter | null>();
  /** What failed to reach the disk: trying again could only seem to work. */
  readonly #distrusted = new Set<string>();
  readonly #madeShards = new Set<string>();
  #puts = 0;

  constructor({ folder, reserveBytes, clock, isShared = false, files = realFiles }: DiskBlobsOptions) {
    this.#folder = folder;
    this.#sealedFolder = join(folder, 'blobs');
    this.#arrivingFolder = join(folder, 'arriving');
    this.#files = files;
    this.#isShared = isShared;
    this.#clock = clock;
    this.#room = new DiskRoom(files, folder, reserveBytes, clock);
  }

  async prepare(): Promise<void> {
    await mkdir(this.#sealedFolder, { recursive: true, mode: 0o700 });
    await mkdir(this.#arrivingFolder, { recursive: true, mode: 0o700 });
    await this.#openToGroup(this.#sealedFolder);
    for await (const entry of await opendir(this.#arrivingFolder)) {
      if (/^[0-9a-z]{16}\.put-\d+$/.test(entry.name)) await unlink(join(this.#arrivingFolder, entry.name));
    }
    // A process killed between a rename and its fsync leaves a name that a power cut could still undo.
    const settledBeforeMs = this.#clock.nowMs() - unsettledMs;
    for await (const shard of shardsOf(this.#sealedFolder)) {
      this.#madeShards.add(shard);
      const path = join(this.#sealedFolder, shard);
      await this.#openToGroup(path);
      if ((await fs.promises.stat(path)).mtimeMs > settledBeforeMs) await syncFolder(this.#files, path);
    }
    await syncFolder(this.#files, this.#arrivingFolder);
    await syncFolder(this.#files, this.#sealedFolder);
    await syncFolder(this.#files, this.#folder);
  }

  async append(id: string): Promise<BlobWriter> {
    assertId(id);
    if (this.#writers.has(id)) throw new AppError('conflict', 'This upload is being written already.');
    this.#assertTrusted(id);
    this.#writers.set(id, null);
    try {
      if (await isThere(this.#sealedPath(id))) throw new AppError('conflict', 'This upload is complete.');
      const writer = await this.#openWriter(id);
      this.#writers.set(id, writer);
      return writer;
    } catch (error) {
      this.#writers.delete(id);
      throw diskFailure(error);
    }
  }

  async put(id: string, bytes: Uint8Array): Promise<void> {
    assertId(id);
    if (this.#writers.has(id)) throw new AppError('conflict', 'This blob is being written already.');
    this.#assertTrusted(id);
    // The reserve is for these: a video that has arrived must still get its index.
    const path = this.#sealedPath(id);
    const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = fs.constants;
    const temporary = join(this.#arrivingFolder, `${id}.put-${this.#puts++}`);
    try {
      if (await isThere(path)) return await this.#confirm(id, path, bytes);
      const fd = await this.#files.open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
      try {
        for (let done = 0; done < bytes.length; ) {
          done += await this.#files.write(fd, bytes, done, bytes.length - done, done);
        }
        const now = this.#clock.nowMs() / 1000;
        await this.#files.futimes(fd, now, now);
        await this.#syncs.run(() => this.#files.fsync(fd));
      } finally {
        await this.#files.close(fd);
      }
      await this.#syncs.run(() => this.#move(temporary, id));
    } catch (error) {
      await removeFile(temporary);
      throw diskFailure(error);
    }
  }

  async open(id: string): Promise<BlobReader> {
    assertId(id);
    const sharedPath = this.#isShared ? `blobs/${id.slice(0, 2)}/${id}` : undefined;
    const reader = await openReader(this.#sealedPath(id), sharedPath);
    if (!reader) throw new AppError('not-found', 'There is no such stored file.');
    return reader;
  }

  async openUnfinished(id: string): Promise<BlobReader> {
    assertId(id);
    await this.#writers.get(id)?.show();
    const reader = await openReader(this.#arrivingPath(id));
    if (!reader) throw new AppError('not-found', 'There is no such upload.');
    return reader;
  }

  async remove(id: string): Promise<void> {
    assertId(id);
    // A name that comes back after a power cut belongs to no video and is found by the check at start: no fsync.
    await this.#writers.get(id)?.abandon();
    await removeFile(this.#arrivingPath(id));
    await removeFile(this.#sealedPath(id));
    this.#distrusted.delete(id);
  }

  /** Unfinished ones first: one that is sealed meanwhile is told twice, never left out. */
  async *list(): AsyncGenerator<BlobEntry> {
    yield* entriesOf(this.#arrivingFolder, false);
    for await (const shard of shardsOf(this.#sealedFolder)) {
      yield* entriesOf(join(this.#sealedFolder, shard), true);
    }
  }

  room(): Promise<{ freeBytes: number; totalBytes: number }> {
    return this.#room.measure();
  }

  async close(): Promise<void> {
    await Promise.allSettled([...this.#writers.values()].map((writer) => writer?.close()));
  }

  #assertTrusted(id: string): void {
    if (!this.#distrusted.has(id)) return;
    throw new AppError('corrupt', 'The disk failed while this was stored; it cannot go on.');
  }

  /** The group may pass through a folder to a file that it was named, and not list it. */
  async #openToGroup(path: string): Promise<void> {
    if (this.#isShared) await fs.promises.chmod(path, 0o710);
  }

  #sealedPath(id: string): string {
    return join(this.#sealedFolder, id.slice(0, 2), id);
  }

  #arrivingPath(id: string): string {
    return join(this.#arrivingFolder, id);
  }

  async #openWriter(id: string): Promise<DiskWriter> {
    const { O_WRONLY, O_CREAT, O_NOFOLLOW, O_NONBLOCK } = fs.constants;
    const path = this.#arrivingPath(id);
    const fd = await this.#files.open(path, O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0o600);
    try {
      const stat = fs.fstatSync(fd);
      if (!stat.isFile()) throw new AppError('corrupt', 'A stored file is not a plain file.');
      if (stat.size > 0) await this.#trustArrived(fd);
      await this.#syncs.run(() => syncFolder(this.#files, this.#arrivingFolder));
      return new DiskWriter(fd, stat.size, {
        files: this.#files,
        room: this.#room,
        clock: this.#clock,
        writes: this.#writes,
        syncs: this.#syncs,
        moveIntoPlace: () => this.#move(path, id),
        onEnd: (isTrusted) => {
          this.#writers.delete(id);
          if (!isTrusted) this.#distrusted.add(id);
        },
      });
    } catch (error) {
      await this.#files.close(fd);
      throw error;
    }
  }

  /** What a killed process wrote may be in the page cache only. If it cannot be synced, none of it can be trusted. */
  async #trustArrived(fd: number): Promise<void> {
    try {
      await this.#syncs.run(() => this.#files.fdatasync(fd));
    } catch (error) {
      await this.#files.ftruncate(fd, 0);
      throw error;
    }
  }

  /** Renames a synced file to its sealed place and syncs every folder concerned. The data lock makes the check for a
   * taken name safe: nobody else writes here, and ids are not used twice. */
  async #move(from: string, id: string): Promise<void> {
    const shard = id.slice(0, 2);
    const shardFolder = join(this.#sealedFolder, shard);
    if (!this.#madeShards.has(shard)) {
      await mkdir(shardFolder, { recursive: true, mode: 0o700 });
      await this.#openToGroup(shardFolder);
      await syncFolder(this.#files, this.#sealedFolder);
      this.#madeShards.add(shard);
    }
    await this.#files.rename(from, join(shardFolder, id));
    try {
      await syncFolder(this.#files, shardFolder);
      await syncFolder(this.#files, this.#arrivingFolder);
    } catch (error) {
      this.#distrusted.add(id); // a second fsync could succeed without the name being there
      throw error;
    }
  }

  /** `put` again: the same bytes are made durable once more (the first try may have died before), others refused. */
  async #confirm(id: string, path: string, bytes: Uint8Array): Promise<void> {
    const stat = await fs.promises.lstat(path);
    if (!stat.isFile() || stat.size !== bytes.length || !(await readFile(path)).equals(bytes)) {
      throw new AppError('conflict', 'A stored file with other content has this id.');
    }
    await this.#syncs.run(() => syncFolder(this.#files, join(this.#sealedFolder, id.slice(0, 2))));
  }
}

function assertId(id: string): void {
  if (!isId(id)) throw new AppError('bad-request', 'This is not the id of a stored file.');
}

async function isThere(path: string): Promise<boolean> {
  try {
    await fs.promises.lstat(path);
    return true;
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return false;
    throw error;
  }
}

async function removeFile(path: string): Promise<void> {
  try {
    await unlink(path);
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw diskFailure(error);
  }
}

async function* shardsOf(folder: string): AsyncGenerator<string> {
  for await (const entry of await opendir(folder)) {
    if (entry.isDirectory() && /^[0-9a-z]{2}$/.test(entry.name)) yield entry.name;
  }
}

async function* entriesOf(folder: string, isSealed: boolean): AsyncGenerator<BlobEntry> {
  for await (const { name } of await opendir(folder)) {
    if (!isId(name)) continue;
    try {
      const stat = await fs.promises.lstat(join(folder, name));
      if (!stat.isFile()) continue;
      yield { id: name, sizeBytes: stat.size, isSealed, modifiedAtMs: Math.trunc(stat.mtimeMs) };
    } catch (error) {
      if (systemCode(error) !== 'ENOENT') throw error; // removed or sealed while we looked
    }
  }
}
