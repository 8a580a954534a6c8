// How a parser gets its bytes. A parser is a generator that yields how many bytes it needs at `feed.position`;
// the same parser runs on bytes as they arrive (`createPushScan`) and over a stored blob in small reads
// (`scanByReading`). Memory: the bytes the parser has asked for and not used, never more than `maxNeedBytes`.
import { AppError } from '../errors.ts';

/**
 * Yields a number of bytes; it is resumed when that many are buffered at `feed.position`, or `feed.ended` is true.
 * A parser that is resumed short after the end must finish: asking again would never be answered.
 */
export type Parser<Result> = Generator<number, Result, void>;

/** The most bytes a parser may ask for at once: the largest header box or element we are willing to hold. */
export const maxNeedBytes = 256 * 1024 * 1024;

/** A window over the bytes of a file. A parser reads through `bytes`/`at` and moves on with `skip`. */
export class ByteFeed {
  /** The buffered window; `bytes[at]` is the byte at `position`. Valid until the parser's next yield. */
  bytes: Uint8Array = new Uint8Array(0);
  /** May lie beyond the window after a `skip`. */
  at = 0;
  /** Absolute position in the file of the next unread byte. May lie beyond what has arrived after a `skip`. */
  position = 0;
  /** No more bytes will come. */
  ended = false;
  /** Size of the whole file: known from the start when reading, once `ended` when pushed (Infinity before). */
  sizeBytes = Number.POSITIVE_INFINITY;

  /** Bytes buffered at `position`. */
  get available(): number {
    return Math.max(0, this.bytes.length - this.at);
  }

  /** Moves on by `count` bytes, buffered or not. */
  skip(count: number): void {
    this.at += count;
    this.position += count;
  }

  /** The next `count` bytes as a view into the window (copy to keep); they must be available. Moves on. */
  take(count: number): Uint8Array {
    const taken = this.bytes.subarray(this.at, this.at + count);
    this.skip(count);
    return taken;
  }
}

export type PushScan<Result> = {
  /** Takes the next bytes of the file. The chunk is not kept: it may be reused when this returns. */
  push(chunk: Uint8Array): void;
  /** How many of the next bytes the parser will not look at; Infinity where it is over. */
  readonly passableBytes: number;
  /** Takes the next `count` bytes, at most `passableBytes`, as arrived without being given them. */
  pass(count: number): void;
  /** No more bytes: returns what the parser made of them. Throws what the parser throws (AppError). */
  finish(): Result;
};

/**
 * Runs a parser on bytes as they arrive. An error of the parser is thrown by the `push` (or `finish`) that met
 * it; later pushes are ignored and `finish` throws it again.
 *
 * Bytes are copied only where a need straddles chunks: the parser then reads from the carry, which is topped up
 * to exactly what was asked for, until it has moved past it; from there it reads in the chunk itself.
 */
export function createPushScan<Result>(parse: (feed: ByteFeed) => Parser<Result>): PushScan<Result> {
  const feed = new ByteFeed();
  const parser = parse(feed);
  const carry = new Carry();
  let arrivedBytes = 0;
  let need = 0;
  let result: { value: Result } | null = null;
  let failure: { error: unknown } | null = null;

  /** Resumes the parser for as long as the window holds what it asks for. */
  const resume = () => {
    while (result === null && (feed.available >= need || feed.ended)) {
      const step = parser.next();
      if (step.done) result = { value: step.value };
      else need = checkedNeed(step.value);
    }
  };

  const readChunk = (chunk: Uint8Array, chunkStart: number) => {
    let copiedBytes = 0;
    while (result === null && feed.position < chunkStart) {
      const missing = Math.min(need - feed.available, chunk.length - copiedBytes);
      carry.append(feed, chunk.subarray(copiedBytes, copiedBytes + missing));
      copiedBytes += missing;
      if (feed.available < need) return;
      resume();
    }
    feed.bytes = chunk;
    feed.at = feed.position - chunkStart;
    resume();
    if (result === null && feed.available > 0) carry.replace(feed);
    else feed.bytes = nothing;
  };

  /** Errors end the scan for good: the generator is over once it threw. */
  const guarded = (run: () => void) => {
    try {
      run();
    } catch (error) {
      failure = { error };
      feed.bytes = nothing;
      carry.release();
      throw error;
    }
  };

  return {
    push(chunk) {
      if (result !== null || failure !== null) return;
      const chunkStart = arrivedBytes;
      arrivedBytes += chunk.length;
      // A Buffer's slice() is no copy, so a parser that slices what it keeps would keep the chunk, which is reused.
      const plain = Buffer.isBuffer(chunk)
        ? new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.length)
        : chunk;
      guarded(() => readChunk(plain, chunkStart));
    },
    get passableBytes() {
      if (result !== null || failure !== null) return Number.POSITIVE_INFINITY;
      return Math.max(0, feed.position - arrivedBytes);
    },
    pass(count) {
      if (count > this.passableBytes)
        throw new AppError('internal', 'a scan was not given bytes that it needs');
      arrivedBytes += count;
    },
    finish() {
      if (failure !== null) throw failure.error;
      feed.ended = true;
      feed.sizeBytes = arrivedBytes;
      if (result === null) guarded(resume);
      return (result as unknown as { value: Result }).value;
    },
  };
}

/** Fills `into` from byte `position` of the file; gives the bytes read, fewer only at the end. */
export type ReadAt = (into: Uint8Array, position: number) => Promise<number> | number;

/**
 * Runs a parser over a stored file, reading only where the parser looks: `windowBytes` at least at once, and more
 * while the parser goes from one near place to the next. A `readAt` that answers with a number is not waited for.
 */
export async function scanByReading<Result>(
  parse: (feed: ByteFeed) => Parser<Result>,
  readAt: ReadAt,
  sizeBytes: number,
  windowBytes = 256,
): Promise<Result> {
  const feed = new ByteFeed();
  feed.sizeBytes = sizeBytes;
  const parser = parse(feed);
  let window = new Uint8Array(windowBytes);
  let readEnd = 0;
  let ahead = windowBytes;
  let step = parser.next();
  while (!step.done) {
    const need = checkedNeed(step.value);
    if (feed.available < need && !feed.ended) {
      const isNear = feed.position - readEnd <= nearBytes;
      ahead = isNear ? Math.max(windowBytes, Math.min(ahead * 4, maxAheadBytes)) : windowBytes;
      const want = Math.min(Math.max(need, ahead), Math.max(0, sizeBytes - feed.position));
      if (window.length < want) window = new Uint8Array(want);
      const reading = want > 0 ? readAt(window.subarray(0, want), feed.position) : 0;
      const readBytes = typeof reading === 'number' ? reading : await reading;
      feed.bytes = window.subarray(0, readBytes);
      feed.at = 0;
      readEnd = feed.position + readBytes;
      if (readBytes < need) {
        feed.ended = true;
        // The file is shorter than was said: what was read is all there is.
        if (readBytes < want) feed.sizeBytes = feed.position + readBytes;
      }
    }
    step = parser.next();
  }
  return step.value;
}

/**
 * A read through the thread pool costs what copying some 80 KB does: gaps up to this are read over rather than
 * around. (610 MB of Matroska with a Block every 14 KB: 0.8 s by reads of 256 bytes, 0.12 s so.)
 */
const nearBytes = 64 * 1024;
const maxAheadBytes = 1024 * 1024;

const nothing = new Uint8Array(0);

function checkedNeed(needBytes: number): number {
  if (needBytes <= maxNeedBytes) return needBytes;
  throw new AppError('unsupported-media', 'a header of this file is too large to read');
}

/** Keeps unread bytes from one chunk to the next, in one buffer that grows by doubling (linear copying in all). */
class Carry {
  #buffer: Uint8Array<ArrayBuffer> = new Uint8Array(0);

  /** Adds bytes behind the unread ones, which the feed's window is already in here; sets the window anew. */
  append(feed: ByteFeed, more: Uint8Array): void {
    const unread = feed.available;
    const end = feed.at + unread;
    if (end + more.length <= this.#buffer.length) {
      this.#buffer.set(more, end);
      feed.bytes = this.#buffer.subarray(0, end + more.length);
      return;
    }
    this.#hold(feed.bytes.subarray(feed.at), more);
    feed.bytes = this.#buffer.subarray(0, unread + more.length);
    feed.at = 0;
  }

  /** Copies the feed's unread bytes in here, so that the chunk they are in can go; sets the window anew. */
  replace(feed: ByteFeed): void {
    const unread = feed.available;
    this.#hold(feed.bytes.subarray(feed.at), nothing);
    feed.bytes = this.#buffer.subarray(0, unread);
    feed.at = 0;
  }

  release(): void {
    this.#buffer = new Uint8Array(0);
  }

  #hold(first: Uint8Array, second: Uint8Array): void {
    const total = first.length + second.length;
    const old = this.#buffer;
    // Back to a small buffer after a large header was read, so that it is not held to the end of the upload.
    const size = Math.max(minCarryBytes, total > old.length ? total * 2 : total * 8);
    if (total > old.length || (old.length > 64 * minCarryBytes && size < old.length)) {
      this.#buffer = new Uint8Array(size);
    }
    this.#buffer.set(first);
    this.#buffer.set(second, first.length);
  }
}

/** Enough for any run of small headers. */
const minCarryBytes = 4096;
