// Blobs in MongoDB's GridFS (bucket `blobs`), for any number of processes at once. What a call acknowledges has been
// written by a majority; every write may be seen twice; of two that write one blob the later one has the say.
import type { Db } from 'mongodb';
import type { Logger } from 'pino';
import type { Clock } from '../clock.ts';
import { AppError, isAppError } from '../errors.ts';
import { isId } from '../ids.ts';
import { withFailures } from '../mongo/failure.ts';
import { ensureIndexes } from '../mongo/indexes.ts';
import type { BlobEntry, BlobReader, BlobStore, BlobWriter } from './blob-store.ts';
import { type ChunkCache, createChunkCache } from './chunk-cache.ts';
import { type Chunks, chunkIndexes, createChunks } from './gridfs-chunks.ts';
import { type ChunkFetcher, createChunkFetcher } from './gridfs-fetch.ts';
import { createFiles, type Files, type StoredBlob, type Turn } from './gridfs-files.ts';
import { GridFsReader } from './gridfs-reader.ts';
import { type Begun, GridFsWriter } from './gridfs-writer.ts';

/** Asked for at once in `list`. */
const pageSize = 500;
/** How often a `put` begins again that another of the same blob has overtaken. */
const mostPuts = 5;

export type GridFsBlobsOptions = {
  /** Whose writes are acknowledged by a majority and journalled (`connectMongo`). */
  readonly db: Db;
  readonly clock: Clock;
  readonly log: Pick<Logger, 'warn'>;
  /** Where chunks that were read are kept on this machine's disk, and how much of them; 0 bytes or null: nowhere. */
  readonly cache: { readonly folder: string; readonly maxBytes: number } | null;
};

/** The store, and what it did. */
export type GridFsBlobs = BlobStore & {
  readonly figures: {
    /** Chunks since the start that were in the cache, and that were asked of the database. */
    readonly hits: number;
    readonly misses: number;
    /** Bytes of them on the disk now, and at most. */
    readonly bytes: number;
    readonly limitBytes: number;
  };
};

/** Opens the store; makes its indexes where they are missing. Throws `unavailable`. */
export async function createGridFsBlobs({ db, clock, log, cache }: GridFsBlobsOptions): Promise<GridFsBlobs> {
  await withFailures(() => ensureIndexes(db, { 'blobs.chunks': chunkIndexes }));
  const kept =
    cache && cache.maxBytes > 0
      ? await createChunkCache({ folder: cache.folder, maxBytes: cache.maxBytes, clock, log })
      : null;
  return new GridFsStore(createFiles(db, clock), createChunks(db), kept, clock, log);
}

class GridFsStore implements GridFsBlobs {
  readonly #files: Files;
  readonly #chunks: Chunks;
  readonly #cache: ChunkCache | null;
  readonly #fetcher: ChunkFetcher;
  readonly #log: Pick<Logger, 'warn'>;
  /** Null while one is being opened. */
  readonly #writers = new Map<string, GridFsWriter | null>();
  /** How many readers of a blob are open here, and whether it was removed meanwhile. */
  readonly #readers = new Map<string, { count: number; isRemoved: boolean }>();
  /** Removals that waited for the last reader. */
  readonly #removing = new Set<Promise<void>>();

  constructor(
    files: Files,
    chunks: Chunks,
    cache: ChunkCache | null,
    clock: Clock,
    log: Pick<Logger, 'warn'>,
  ) {
    this.#files = files;
    this.#chunks = chunks;
    this.#cache = cache;
    this.#log = log;
    this.#fetcher = createChunkFetcher({
      read: chunks.read,
      isThere: async (id) => ((await files.find(id)) ?? (await files.findUnfinished(id))) !== null,
      cache,
      clock,
    });
  }

  get figures(): GridFsBlobs['figures'] {
    const cache = this.#cache;
    return {
      hits: cache?.hits ?? 0,
      misses: this.#fetcher.fetched,
      bytes: cache?.usedBytes ?? 0,
      limitBytes: cache?.maxBytes ?? 0,
    };
  }

  async append(id: string): Promise<BlobWriter> {
    assertId(id);
    if (this.#writers.has(id)) throw new AppError('conflict', 'This upload is being written already.');
    this.#writers.set(id, null);
    try {
      const turn = await this.#files.take(id);
      const begun = await this.#begunOf(turn);
      const writer = new GridFsWriter(turn, begun, {
        chunks: this.#chunks,
        files: this.#files,
        writers: () => this.#writers.size,
        onEnd: () => this.#writers.delete(id),
      });
      this.#writers.set(id, writer);
      return writer;
    } catch (error) {
      this.#writers.delete(id);
      throw error;
    }
  }

  async put(id: string, bytes: Uint8Array): Promise<void> {
    assertId(id);
    for (let attempt = 1; ; attempt += 1) {
      const there = await this.#files.find(id);
      if (there) return this.#assertSame(there, bytes, true);
      // A document of an unfinished blob stands there first, so that its chunk is never taken for nobody's.
      let writer: BlobWriter | null = null;
      try {
        writer = await this.append(id);
        const begun = await this.#files.findUnfinished(id);
        if (begun && begun.sizeBytes > 0) await this.#assertSame(begun, bytes, false);
        await writer.write(bytes.subarray(writer.sizeBytes));
        await writer.seal();
        return;
      } catch (error) {
        await writer?.close().catch(() => {});
        // The same put twice at once: the other one has come further.
        const mayBeDone = isAppError(error, 'conflict') && !this.#writers.has(id);
        if (!mayBeDone || attempt === mostPuts) throw error;
      }
    }
  }

  async open(id: string): Promise<BlobReader> {
    assertId(id);
    const found = await this.#files.find(id);
    if (!found) throw new AppError('not-found', 'There is no such stored file.');
    return this.#openReader(found, true);
  }

  async openUnfinished(id: string): Promise<BlobReader> {
    assertId(id);
    await this.#writers.get(id)?.show();
    const found = await this.#files.findUnfinished(id);
    if (!found) throw new AppError('not-found', 'There is no such upload.');
    return this.#openReader(found, false);
  }

  /** The documents first: chunks without one are found when all blobs are listed, a blob without chunks would be broken. */
  async remove(id: string): Promise<void> {
    assertId(id);
    await this.#writers.get(id)?.abandon();
    await this.#files.remove(id);
    const readers = this.#readers.get(id);
    if (readers) readers.isRemoved = true;
    else await this.#removeChunks(id);
  }

  /** Unfinished ones first: one that is sealed meanwhile is told as sealed. Chunks that belong to no blob are told as
   * unfinished ones of 1970, for whoever removes those that nobody knows. */
  async *list(): AsyncGenerator<BlobEntry> {
    for await (const page of this.#pages('unfinished')) yield* page.filter((entry) => !entry.isSealed);
    let after = '';
    for await (const page of this.#pages('sealed')) {
      yield* page;
      const last = page.at(-1)?.id ?? after;
      yield* this.#strangers(after, last, page);
      after = last;
    }
    yield* this.#strangers(after, null, []);
  }

  async room(): Promise<null> {
    return null;
  }

  async close(): Promise<void> {
    this.#fetcher.close();
    await Promise.allSettled([...this.#writers.values()].map((writer) => writer?.close()));
    await Promise.allSettled(this.#removing);
    await this.#cache?.close();
  }

  async *#pages(kind: 'sealed' | 'unfinished'): AsyncGenerator<readonly BlobEntry[]> {
    for (let after = ''; ; ) {
      const page = await this.#files.list(kind, after, pageSize);
      const last = page.at(-1);
      if (!last) return;
      yield page.filter((entry) => isId(entry.id));
      after = last.id;
    }
  }

  async *#strangers(from: string, to: string | null, page: readonly BlobEntry[]): AsyncGenerator<BlobEntry> {
    const known = page.map((entry) => entry.id);
    for (let after = from; ; ) {
      const id = await this.#chunks.findStranger(after, to, known);
      if (id === null) return;
      after = id;
      // Its document, had it one, stood there before its first chunk; and it is in the second place before it leaves the first.
      if (!isId(id) || this.#readers.has(id)) continue;
      if ((await this.#files.findUnfinished(id)) || (await this.#files.find(id))) continue;
      yield { id, sizeBytes: 0, isSealed: false, modifiedAtMs: 0 };
    }
  }

  /** The part of the last chunk that is there for good. */
  async #begunOf({ id, sizeBytes, chunkBytes }: Turn): Promise<Begun | null> {
    const length = sizeBytes % chunkBytes;
    if (length === 0) return null;
    const found = await this.#chunks.read(id, Math.floor(sizeBytes / chunkBytes));
    if (!found || found.length < length) {
      throw new AppError('corrupt', 'What had arrived of this upload can no longer be read.');
    }
    return { bytes: found.subarray(0, length) };
  }

  #openReader(blob: StoredBlob, isSealed: boolean): BlobReader {
    const { id } = blob;
    const readers = this.#readers.get(id) ?? { count: 0, isRemoved: false };
    readers.count += 1;
    this.#readers.set(id, readers);
    return new GridFsReader(blob, {
      fetcher: this.#fetcher,
      cache: this.#cache,
      isSealed,
      onClose: () => {
        readers.count -= 1;
        if (readers.count > 0) return;
        this.#readers.delete(id);
        if (!readers.isRemoved) return;
        const removing = this.#removeChunks(id)
          .catch((error: unknown) => {
            this.#log.warn(
              { err: error, blobId: id },
              'the bytes of a removed video stay until the next clean-up',
            );
          })
          .finally(() => this.#removing.delete(removing));
        this.#removing.add(removing);
      },
    });
  }

  async #removeChunks(id: string): Promise<void> {
    this.#fetcher.drop(id);
    await this.#chunks.remove(id);
  }

  /** `put` again: what is there must be (the begin of) the same bytes. */
  async #assertSame(there: StoredBlob, bytes: Uint8Array, isSealed: boolean): Promise<void> {
    const { sizeBytes } = there;
    const reader = this.#openReader(there, isSealed);
    try {
      const isSize = isSealed ? sizeBytes === bytes.length : sizeBytes <= bytes.length;
      const stored = new Uint8Array(isSize ? sizeBytes : 0);
      await reader.read(stored, 0);
      if (isSize && Buffer.compare(stored, bytes.subarray(0, sizeBytes)) === 0) return;
      throw new AppError('conflict', 'A stored file with other content has this id.');
    } finally {
      await reader.close();
    }
  }
}

function assertId(id: string): void {
  if (!isId(id)) throw new AppError('bad-request', 'This is not the id of a stored file.');
}
