// How a parser gets its bytes. A parser is a generator that yields how many bytes it needs at `feed.position`;
// the same parser runs on bytes as they arrive (`createPushScan`) and over a stored blob in small reads
// (`scanByReading`). Memory: the bytes the parser has asked for and not used, never more than `maxNeedBytes`.
import { AppError } from '../errors.ts';

/** Yields a number of bytes; it is resumed when that many are buffered at `feed.position`, or `feed.ended` is true. */
export type Parser<Result> = Generator<number, Result, void>;

/** The most bytes a parser may ask for at once: the largest header box or element we are willing to hold. */
export const maxNeedBytes = 256 * 1024 * 1024;

/** A window over the bytes of a file. A parser reads through `bytes`/`at` and moves on with `skip`. */
export class ByteFeed {
  /** The buffered window; `bytes[at]` is the byte at `position`. Valid until the parser's next yield. */
  bytes: Uint8Array = new Uint8Array(0);
  at = 0;
  /** Absolute position in the file of the next unread byte. May lie beyond what has arrived after a `skip`. */
  position = 0;
  /** No more bytes will come. */
  ended = false;

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
  /** No more bytes: returns what the parser made of them. Throws what the parser throws (AppError). */
  finish(): Result;
};

/** Runs a parser on bytes as they arrive. Errors of the parser surface in `push` or `finish`, once. */
export function createPushScan<Result>(parse: (feed: ByteFeed) => Parser<Result>): PushScan<Result> {
  const feed = new ByteFeed();
  const parser = parse(feed);
  let step = parser.next();
  // Unread bytes carried from one chunk to the next; grown by doubling so that a large box costs one copy in all.
  let carry = new Uint8Array(0);
  let carried = 0;

  const resume = () => {
    while (!step.done && (feed.available >= step.value || feed.ended)) step = parser.next();
  };
  const keepRest = () => {
    const rest = step.done ? 0 : feed.available;
    if (rest > 0 && feed.bytes.buffer !== carry.buffer) {
      if (carry.length < rest) carry = new Uint8Array(Math.max(4096, rest * 2));
      carry.set(feed.bytes.subarray(feed.at));
      carried = rest;
      feed.bytes = carry.subarray(0, carried);
      feed.at = 0;
    } else if (rest > 0) {
      carry.copyWithin(0, feed.at, feed.bytes.length);
      carried = rest;
      feed.bytes = carry.subarray(0, carried);
      feed.at = 0;
    } else {
      // A skip may reach past this chunk: keep the distance as a negative availability.
      feed.at -= feed.bytes.length;
      feed.bytes = new Uint8Array(0);
      carried = 0;
    }
  };

  return {
    push(chunk) {
      if (step.done) return;
      if (step.value > maxNeedBytes)
        throw new AppError('unsupported-media', 'a header of this file is too large to read');
      if (carried > 0) {
        // Complete what was asked for first, then go on in the chunk itself without copying it.
        const missing = Math.min(step.value - carried, chunk.length);
        if (carry.length < carried + missing) {
          const grown = new Uint8Array(Math.max(carried + missing, carry.length * 2));
          grown.set(carry.subarray(0, carried));
          carry = grown;
        }
        carry.set(chunk.subarray(0, missing), carried);
        carried += missing;
        feed.bytes = carry.subarray(0, carried);
        feed.at = 0;
        if (carried < step.value) return;
        const before = feed.position;
        const atChunk = before + carried - missing; // absolute position of chunk[0]
        step = parser.next();
        // Whatever it did with the carried bytes, the chunk holds everything from `atChunk` on; bytes before
        // it that are still unread stay in front.
        while (!step.done && feed.position < atChunk) {
          const unread = atChunk - feed.position;
          if (unread >= step.value) {
            step = parser.next();
            continue;
          }
          const joined = new Uint8Array(unread + chunk.length);
          joined.set(carry.subarray(carried - missing - unread, carried - missing));
          joined.set(chunk, unread);
          feed.bytes = joined;
          feed.at = 0;
          break;
        }
        if (!step.done && feed.position >= atChunk) {
          feed.bytes = chunk;
          feed.at = feed.position - atChunk;
        }
        carried = 0;
      } else {
        feed.bytes = chunk; // `at` may be beyond the chunk after a skip
      }
      resume();
      keepRest();
    },
    finish() {
      feed.ended = true;
      resume();
      if (!step.done) throw new AppError('internal', 'the parser asked for more after the end');
      return step.value;
    },
  };
}

/** Fills `into` from byte `position` of the file; resolves to the bytes read, fewer only at the end. */
export type ReadAt = (into: Uint8Array, position: number) => Promise<number>;

/**
 * Runs a parser over a stored file, reading only where the parser looks.
 * `windowBytes` is the least that is read at once: 256 suits Block headers (larger windows read the frames too).
 */
export async function scanByReading<Result>(
  parse: (feed: ByteFeed) => Parser<Result>,
  readAt: ReadAt,
  sizeBytes: number,
  windowBytes = 256,
): Promise<Result> {
  const feed = new ByteFeed();
  const parser = parse(feed);
  let window = new Uint8Array(windowBytes);
  let step = parser.next();
  while (!step.done) {
    if (step.value > maxNeedBytes)
      throw new AppError('unsupported-media', 'a header of this file is too large to read');
    if (feed.available < step.value && !feed.ended) {
      const want = Math.min(Math.max(step.value, windowBytes), Math.max(0, sizeBytes - feed.position));
      if (window.length < want) window = new Uint8Array(want);
      const read = want > 0 ? await readAt(window.subarray(0, want), feed.position) : 0;
      feed.bytes = window.subarray(0, read);
      feed.at = 0;
      if (read < step.value) feed.ended = true;
    }
    step = parser.next();
  }
  return step.value;
}
