// The port to where video bytes live. A blob is immutable, written once, by id; while it arrives it can be
// appended to, left, and taken up again where it was. Adapters: `disk.ts`, `gridfs.ts`; both pass
// `test/contracts/blob-store.ts`.

/** 16 or more characters of `a-z0-9`, made by `createId`; never anything a client sent. */
export type BlobId = string;

/** A stretch of an open file; `length` is at least 1. */
export type FileRange = { readonly fd: number; readonly offset: number; readonly length: number };

/** An open blob (or the arrived part of one). Reads are positional, so one reader serves many requests at once. */
export type BlobReader = {
  /** Bytes that can be read. */
  readonly sizeBytes: number;
  /** When it was sealed (for an unfinished one: last written), milliseconds since the epoch. */
  readonly modifiedAtMs: number;
  /** Where the bytes are a local file of their own, sealed: its path below the data folder (`blobs/ab/abc...`), so that
   * a web server beside us can send it (`http/accel.ts`). */
  readonly filePath?: string | undefined;
  /** The bytes from `position` on, not beyond `end`, where they are a local file's right now, so that they can go to a
   * socket without passing through this process. To be used at once, before anything is awaited: then asked for anew.
   * null: they are in no file (yet), or the reader is closed. Left out in stores without files. */
  fileRange?(position: number, end: number): FileRange | null;
  /** Tells that `position` to `end` will be read in this order, and resolves when the first of it can be had without
   * waiting, which it may take a minute for while the bytes cannot be reached: true where `fileRange` has them, false
   * where only `read` does. Left out where bytes are at hand as soon as the blob is open. Throws what `read` throws. */
  approach?(position: number, end: number): Promise<boolean>;
  /** Fills `into` from byte `position`; resolves to the bytes read, fewer than `into.length` only at the end. */
  read(into: Uint8Array, position: number): Promise<number>;
  /** Idempotent. */
  close(): Promise<void>;
};

/** The one writer of an unfinished blob. Calls are made one after the other. */
export type BlobWriter = {
  /** Bytes taken so far: where the next write goes, and where an interrupted upload goes on. */
  readonly sizeBytes: number;
  /** Appends. Throws AppError `no-room` when the disk is full or under the reserve; what was written before stays. */
  write(chunk: Uint8Array): Promise<void>;
  /** Resolves when everything written so far survives a power cut. */
  sync(): Promise<void>;
  /** Makes it a blob: durable, immutable, readable by `open`. Ends the writer. */
  seal(): Promise<void>;
  /** Ends the writer and keeps what was written as an unfinished blob. Idempotent. */
  close(): Promise<void>;
};

export type BlobEntry = {
  readonly id: BlobId;
  readonly sizeBytes: number;
  readonly isSealed: boolean;
  readonly modifiedAtMs: number;
};

export type BlobStore = {
  /**
   * Creates an unfinished blob, or takes one up where it is. Throws `conflict` when it is sealed, or has a writer in this
   * process. `writerToken` (of the lease it is written under) fences writers of other processes: once a later one has
   * taken it up, all that is done with an older writer throws `conflict`, and an older token takes nothing up. Left out
   * where one process has the store for itself.
   */
  append(id: BlobId, writerToken?: number): Promise<BlobWriter>;
  /** Writes a small blob whole, durable when it resolves. The same id with the same bytes again does no harm. */
  put(id: BlobId, bytes: Uint8Array): Promise<void>;
  /** Opens a sealed blob. Throws `not-found`. */
  open(id: BlobId): Promise<BlobReader>;
  /** Opens what has arrived of an unfinished blob (its size as of now). Throws `not-found`. */
  openUnfinished(id: BlobId): Promise<BlobReader>;
  /** Removes a blob, sealed or not; open readers go on. Nothing there: nothing happens. */
  remove(id: BlobId): Promise<void>;
  /** Every blob, sealed or not, in no order, in constant memory. */
  list(): AsyncIterable<BlobEntry>;
  /** Room where blobs are written, `freeBytes` already less the reserve; null where it has no meaning. */
  room(): Promise<{ freeBytes: number; totalBytes: number } | null>;
  close(): Promise<void>;
};
