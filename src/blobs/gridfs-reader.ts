// Reads a blob of GridFS by position. Of a range it touches the chunks that lie in it and no other, two ahead of who
// reads in order; what the cache has in a file is read there.
import { AppError } from '../errors.ts';
import type { BlobReader, FileRange } from './blob-store.ts';
import type { ChunkCache } from './chunk-cache.ts';
import type { ChunkFetcher, WantedChunk } from './gridfs-fetch.ts';
import type { StoredBlob } from './gridfs-files.ts';

/** While one chunk is sent, the next is there and the one after it on its way. */
const chunksAhead = 2;

export type ReaderTools = {
  readonly fetcher: ChunkFetcher;
  /** null: nothing is kept on the disk. */
  readonly cache: ChunkCache | null;
  /** False for what may grow: its last chunk is written again. */
  readonly isSealed: boolean;
  onClose(): void;
};

export class GridFsReader implements BlobReader {
  readonly sizeBytes: number;
  readonly modifiedAtMs: number;
  readonly #blob: StoredBlob;
  readonly #tools: ReaderTools;
  #inFlight = 0;
  #closed: PromiseWithResolvers<void> | null = null;

  constructor(blob: StoredBlob, tools: ReaderTools) {
    this.sizeBytes = blob.sizeBytes;
    this.modifiedAtMs = blob.modifiedAtMs;
    this.#blob = blob;
    this.#tools = tools;
  }

  fileRange(position: number, end: number): FileRange | null {
    const { cache } = this.#tools;
    const length = Math.min(end, this.sizeBytes) - position;
    if (!cache || this.#closed || length <= 0) return null;
    const chunk = this.#chunkAt(position);
    const range = cache.range(chunk, position - chunk.n * chunk.chunkBytes, length);
    if (range) this.#goAhead(chunk.n, end);
    return range;
  }

  /** Nobody who closes it waits for this: it may take a minute. */
  async approach(position: number, end: number): Promise<boolean> {
    if (this.#closed) throw closedAlready();
    if (position >= this.sizeBytes) return false;
    const chunk = this.#chunkAt(position);
    const coming = this.#tools.fetcher.bring(chunk);
    this.#goAhead(chunk.n, end);
    return coming;
  }

  read(into: Uint8Array, position: number): Promise<number> {
    return this.#using(async () => {
      if (!Number.isSafeInteger(position) || position < 0) {
        throw new AppError('internal', 'A read must begin at a byte.');
      }
      const wanted = Math.min(into.length, this.sizeBytes - position);
      let done = 0;
      while (done < wanted) {
        const chunk = this.#chunkAt(position + done);
        done += await this.#readChunk(chunk, into.subarray(done, wanted), position + done, position + wanted);
      }
      return done;
    });
  }

  close(): Promise<void> {
    if (!this.#closed) {
      this.#closed = Promise.withResolvers();
      if (this.#inFlight === 0) this.#end();
    }
    return this.#closed.promise;
  }

  /** At least a byte, at most to the end of the chunk. */
  async #readChunk(chunk: WantedChunk, into: Uint8Array, position: number, end: number): Promise<number> {
    const { cache, fetcher } = this.#tools;
    const offset = position - chunk.n * chunk.chunkBytes;
    const part = into.subarray(0, chunk.sizeBytes - offset);
    const fromFile = (await cache?.read(chunk, offset, part)) ?? 0;
    if (fromFile > 0) return fromFile;
    const coming = fetcher.bytes(chunk);
    this.#goAhead(chunk.n, end);
    part.set((await coming).subarray(offset, offset + part.length));
    return part.length;
  }

  #goAhead(n: number, end: number): void {
    const { chunkBytes } = this.#blob;
    const last = Math.ceil(Math.min(end, this.sizeBytes) / chunkBytes) - 1;
    for (let next = n + 1; next <= Math.min(n + chunksAhead, last); next += 1) {
      this.#tools.fetcher.ahead(this.#chunkAt(next * chunkBytes));
    }
  }

  #chunkAt(position: number): WantedChunk {
    const { id, chunkBytes } = this.#blob;
    const n = Math.floor(position / chunkBytes);
    const sizeBytes = Math.min(chunkBytes, this.sizeBytes - n * chunkBytes);
    const isFinal = this.#tools.isSealed || sizeBytes === chunkBytes;
    return { blobId: id, n, chunkBytes, sizeBytes, isFinal };
  }

  async #using<T>(work: () => Promise<T>): Promise<T> {
    if (this.#closed) throw closedAlready();
    this.#inFlight += 1;
    try {
      return await work();
    } finally {
      this.#inFlight -= 1;
      if (this.#inFlight === 0 && this.#closed) this.#end();
    }
  }

  #end(): void {
    this.#closed?.resolve();
    this.#tools.onClose();
  }
}

function closedAlready(): AppError {
  return new AppError('internal', 'The stored file was closed already.');
}
