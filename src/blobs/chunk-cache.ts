// Chunks of blobs that were fetched from afar, kept on this machine's disk: whole ones, by blob and number, in one sparse
// file for each stretch of a blob. The files have no name once they are open, so that nobody else can change them, and
// nothing is left of them when the process ends, however it ends. A chunk is written once and never over another, so
// what a socket still sends of it stays as it was; what has not been read for the longest is forgotten by the file.
// Bound: `maxBytes` on the disk; in memory 4 bytes a chunk.
import fs from 'node:fs';
import { mkdir, readdir, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from 'pino';
import type { Clock } from '../clock.ts';
import { createId, isId } from '../ids.ts';
import type { FileRange } from './blob-store.ts';
import { type DiskFiles, realFiles, systemCode } from './disk-files.ts';

/** Of the whole: fine enough to forget little at a time, coarse enough that few ranges lie in two files. */
const segmentShare = 32;
/** Of a small whole: making and removing a file for every few chunks costs as much as bringing them. */
const smallSegmentShare = 8;
const smallSegmentBytes = 16 * 1024 * 1024;
/** A file of the usual chunk size: less would hold no chunk. */
const leastSegmentBytes = 1024 * 1024;
/** Open files, whatever their size: many small videos have one each. */
const mostSegments = 1024;
/** After a write that failed (a full disk, as a rule) nothing is kept for so long. */
const pauseMs = 5000;
/** A file between its making and the removal of its name. */
const suffix = '.chunks';

/** Where a chunk belongs: `chunkBytes` is that of all chunks of this blob but its last. */
export type ChunkPlace = { readonly blobId: string; readonly n: number; readonly chunkBytes: number };

export type ChunkCache = {
  /** Bytes on the disk, or on the way there. */
  readonly usedBytes: number;
  readonly maxBytes: number;
  /** How often since the start a chunk was there, besides for whoever had it brought. */
  readonly hits: number;
  has(place: ChunkPlace): boolean;
  /** What the file has from byte `offset` of the chunk on, later chunks included, at most `mostBytes`. See `BlobReader.fileRange`. */
  range(place: ChunkPlace, offset: number, mostBytes: number): FileRange | null;
  /** Fills `into` from byte `offset` of the chunk; 0 where it is not there (any more), or less than it should be. */
  read(place: ChunkPlace, offset: number, into: Uint8Array): Promise<number>;
  /** Keeps a chunk; false where it could not be. Never throws. Not twice at once for one chunk. */
  put(place: ChunkPlace, bytes: Uint8Array): Promise<boolean>;
  /** Forgets a blob. */
  drop(blobId: string): void;
  close(): Promise<void>;
};

export type ChunkCacheOptions = {
  /** Made where it is missing; of this program alone. */
  readonly folder: string;
  readonly maxBytes: number;
  readonly clock: Clock;
  readonly log: Pick<Logger, 'warn'>;
  /** The disk; a test puts a full or failing one here. */
  readonly files?: DiskFiles;
};

/** Opens a cache with nothing in it. A folder that cannot be written makes one that keeps nothing. */
export async function createChunkCache(options: ChunkCacheOptions): Promise<ChunkCache> {
  const cache = new DiskChunkCache(options);
  await cache.prepare();
  return cache;
}

type Segment = {
  readonly blobId: string;
  readonly index: number;
  readonly opening: Promise<number>;
  /** -1 until it is open, and once it is forgotten. */
  fd: number;
  /** Bytes of each chunk; 0: not there. */
  readonly sizes: Uint32Array;
  /** 1: nobody has read it since it was brought. */
  readonly fresh: Uint8Array;
  /** The chunk that was read last: a slow reader asks for the same one many times. */
  lastRead: number;
  /** What it takes of the bound. */
  bytes: number;
  /** Reads and writes under way in threads. */
  inFlight: number;
  usedAt: number;
  isForgotten: boolean;
};

class DiskChunkCache implements ChunkCache {
  readonly #folder: string;
  readonly maxBytes: number;
  readonly #segmentBytes: number;
  readonly #clock: Clock;
  readonly #log: Pick<Logger, 'warn'>;
  readonly #files: DiskFiles;
  readonly #blobs = new Map<string, Map<number, Segment>>();
  readonly #segments = new Set<Segment>();
  /** Forgotten ones whose bytes are still on the disk. */
  readonly #closing = new Map<Segment, PromiseWithResolvers<void>>();
  #usedBytes = 0;
  #closingBytes = 0;
  #tick = 0;
  #hits = 0;
  #pausedUntilMs = Number.NEGATIVE_INFINITY;
  #isClosed = false;

  constructor({ folder, maxBytes, clock, log, files = realFiles }: ChunkCacheOptions) {
    this.#folder = folder;
    this.maxBytes = maxBytes;
    this.#segmentBytes = Math.max(
      leastSegmentBytes,
      Math.min(smallSegmentBytes, Math.floor(maxBytes / smallSegmentShare)),
      Math.floor(maxBytes / segmentShare),
    );
    this.#clock = clock;
    this.#log = log;
    this.#files = files;
  }

  get usedBytes(): number {
    return this.#usedBytes;
  }

  get hits(): number {
    return this.#hits;
  }

  /** What a process leaves that is killed between the making of a file and the removal of its name. */
  async prepare(): Promise<void> {
    try {
      await mkdir(this.#folder, { recursive: true, mode: 0o700 });
      for (const name of await readdir(this.#folder)) {
        const isOurs = name.endsWith(suffix) && isId(name.slice(0, -suffix.length));
        if (isOurs) await unlink(join(this.#folder, name)).catch(() => {});
      }
    } catch (error) {
      this.#pause(error);
    }
  }

  has({ blobId, n, chunkBytes }: ChunkPlace): boolean {
    const perSegment = this.#perSegment(chunkBytes);
    const segment = this.#blobs.get(blobId)?.get(Math.floor(n / perSegment));
    return segment !== undefined && segment.sizes[n % perSegment]! > 0;
  }

  range({ blobId, n, chunkBytes }: ChunkPlace, offset: number, mostBytes: number): FileRange | null {
    const perSegment = this.#perSegment(chunkBytes);
    const segment = this.#blobs.get(blobId)?.get(Math.floor(n / perSegment));
    if (!segment) return null;
    const first = n % perSegment;
    let length = segment.sizes[first]! - offset;
    if (length <= 0) return null;
    for (let at = first; length < mostBytes && segment.sizes[at] === chunkBytes; at += 1) {
      length += segment.sizes[at + 1] ?? 0;
    }
    segment.usedAt = ++this.#tick;
    if (segment.fresh[first] === 1) segment.fresh[first] = 0;
    else if (segment.lastRead !== first) this.#hits += 1;
    segment.lastRead = first;
    return {
      fd: segment.fd,
      offset: first * chunkBytes + offset,
      length: Math.min(length, mostBytes),
    };
  }

  async read(place: ChunkPlace, offset: number, into: Uint8Array): Promise<number> {
    const range = this.range(place, offset, into.length);
    if (!range) return 0;
    const segment = this.#segmentOf(place)!;
    segment.inFlight += 1;
    try {
      let done = 0;
      while (done < range.length) {
        const count = await readOnce(range.fd, into, done, range.length - done, range.offset + done);
        if (count === 0) break;
        done += count;
      }
      if (done === range.length) return done;
    } catch (error) {
      this.#pause(error);
    } finally {
      this.#leave(segment);
    }
    // Somebody, or the disk, took away what was written.
    this.#forget(segment);
    return 0;
  }

  async put(place: ChunkPlace, bytes: Uint8Array): Promise<boolean> {
    const { n, chunkBytes } = place;
    const isFit = bytes.length > 0 && bytes.length <= chunkBytes && chunkBytes <= this.#segmentBytes;
    if (!isFit || this.#isClosed || this.#clock.monotonicMs() < this.#pausedUntilMs) return false;
    if (this.has(place)) return true;
    if (!(await this.#takeRoom(bytes.length))) return false;
    const segment = this.#segmentOf(place) ?? this.#openSegment(place);
    segment.bytes += bytes.length;
    segment.usedAt = ++this.#tick;
    segment.inFlight += 1;
    try {
      const fd = await segment.opening;
      const inSegment = n % segment.sizes.length;
      for (let done = 0; done < bytes.length; ) {
        const at = inSegment * chunkBytes + done;
        const count = await this.#files.write(fd, bytes, done, bytes.length - done, at);
        if (count <= 0) throw new Error('the disk takes nothing more');
        done += count;
      }
      if (segment.isForgotten) return false;
      segment.sizes[inSegment] = bytes.length;
      segment.fresh[inSegment] = 1;
      return true;
    } catch (error) {
      if (!segment.isForgotten) this.#pause(error);
      // What is left of the write takes room, and others may need it more.
      this.#forget(segment);
      this.#forgetOldest();
      return false;
    } finally {
      this.#leave(segment);
    }
  }

  drop(blobId: string): void {
    for (const segment of this.#blobs.get(blobId)?.values() ?? []) this.#forget(segment);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const segment of this.#segments) this.#forget(segment);
    await Promise.all([...this.#closing.values()].map(({ promise }) => promise));
  }

  #perSegment(chunkBytes: number): number {
    return Math.max(1, Math.floor(this.#segmentBytes / chunkBytes));
  }

  #segmentOf({ blobId, n, chunkBytes }: ChunkPlace): Segment | undefined {
    return this.#blobs.get(blobId)?.get(Math.floor(n / this.#perSegment(chunkBytes)));
  }

  #openSegment({ blobId, n, chunkBytes }: ChunkPlace): Segment {
    const perSegment = this.#perSegment(chunkBytes);
    const segment: Segment = {
      blobId,
      index: Math.floor(n / perSegment),
      opening: this.#openNameless(),
      fd: -1,
      sizes: new Uint32Array(perSegment),
      fresh: new Uint8Array(perSegment),
      lastRead: -1,
      bytes: 0,
      inFlight: 0,
      usedAt: 0,
      isForgotten: false,
    };
    segment.opening.then(
      (fd) => {
        segment.fd = fd;
      },
      () => {}, // told to those who write
    );
    const ofBlob = this.#blobs.get(blobId) ?? new Map<number, Segment>();
    ofBlob.set(segment.index, segment);
    this.#blobs.set(blobId, ofBlob);
    this.#segments.add(segment);
    return segment;
  }

  async #openNameless(): Promise<number> {
    const { O_RDWR, O_CREAT, O_EXCL, O_NOFOLLOW } = fs.constants;
    const path = join(this.#folder, `${createId()}${suffix}`);
    const open = () => this.#files.open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
    const fd = await open().catch(async (error: unknown) => {
      if (systemCode(error) !== 'ENOENT') throw error;
      // The folder was cleared away under us.
      await mkdir(this.#folder, { recursive: true, mode: 0o700 });
      return open();
    });
    await unlink(path).catch(() => {});
    return fd;
  }

  /** Forgets the oldest until there is room for so much more, and takes it. */
  async #takeRoom(moreBytes: number): Promise<boolean> {
    if (moreBytes > this.maxBytes) return false;
    while (!this.#isClosed) {
      const isCrowded = this.#segments.size >= mostSegments;
      const overBytes = this.#usedBytes + moreBytes - this.maxBytes;
      if (overBytes <= 0 && !isCrowded) {
        this.#usedBytes += moreBytes;
        return true;
      }
      const mustForget = isCrowded || overBytes > this.#closingBytes;
      if (mustForget && !this.#forgetOldest()) return false;
      // The room is there once the disk has it back.
      if (overBytes > 0) await Promise.race([...this.#closing.values()].map(({ promise }) => promise));
    }
    return false;
  }

  /** False where everything is being used this moment. */
  #forgetOldest(): boolean {
    let oldest: Segment | null = null;
    for (const segment of this.#segments) {
      if (segment.inFlight === 0 && (!oldest || segment.usedAt < oldest.usedAt)) oldest = segment;
    }
    if (oldest) this.#forget(oldest);
    return oldest !== null;
  }

  #forget(segment: Segment): void {
    if (segment.isForgotten) return;
    segment.isForgotten = true;
    this.#segments.delete(segment);
    const ofBlob = this.#blobs.get(segment.blobId);
    ofBlob?.delete(segment.index);
    if (ofBlob?.size === 0) this.#blobs.delete(segment.blobId);
    this.#closingBytes += segment.bytes;
    this.#closing.set(segment, Promise.withResolvers());
    if (segment.inFlight === 0) this.#shut(segment);
  }

  #leave(segment: Segment): void {
    segment.inFlight -= 1;
    if (segment.inFlight === 0 && segment.isForgotten) this.#shut(segment);
  }

  #shut(segment: Segment): void {
    segment.fd = -1;
    segment.opening
      .then((fd) => this.#files.close(fd))
      .catch(() => {}) // it never was open, or the disk failed: there is nothing to lose
      .then(() => {
        this.#usedBytes -= segment.bytes;
        this.#closingBytes -= segment.bytes;
        this.#closing.get(segment)?.resolve();
        this.#closing.delete(segment);
      });
  }

  #pause(error: unknown): void {
    const nowMs = this.#clock.monotonicMs();
    if (nowMs >= this.#pausedUntilMs) {
      this.#log.warn(
        { err: error },
        'the disk keeps no bytes of videos right now; they come from the database',
      );
    }
    this.#pausedUntilMs = nowMs + pauseMs;
  }
}

function readOnce(
  fd: number,
  into: Uint8Array,
  at: number,
  length: number,
  position: number,
): Promise<number> {
  return new Promise((resolve, reject) => {
    fs.read(fd, into, at, length, position, (error, count) => (error ? reject(error) : resolve(count)));
  });
}
