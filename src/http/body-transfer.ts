// Moves the body of one answer to its client, at the client's pace. A file's bytes go from the page cache to the
// socket inside the kernel where that works, else through recycled buffers. Memory per answer: 4 KiB while the
// kernel sends, two buffers of the pool's choosing otherwise.
import { readSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import type { BlobReader, FileRange } from '../blobs/blob-store.ts';
import { AppError } from '../errors.ts';
import { idleDescriptor, type KernelSend, queuedBytes } from './kernel-send.ts';
import type { Piece } from './representation.ts';
import type { Slice } from './response-plan.ts';
import { maxBufferBytes, type SendPool } from './send-pool.ts';

/** Handed to the kernel at a time before other answers get their turn. */
const turnBytes = 1024 * 1024;
/**
 * While a socket is full, this little goes through it in the usual way: that it went says that there is room again,
 * and a client that never reads holds no more memory than this.
 */
const waitBytes = 4096;
/** Up to here one write with the headers is cheaper than a call to the kernel after them. */
const smallBytes = 16 * 1024;
/** How often in a row what was brought into a file may be gone before it is used. */
const mostMisses = 3;

type Filled = { readonly buffer: Buffer<ArrayBuffer>; readonly count: number };

/** One body on its way. `run` is called once. */
export class BodyTransfer {
  /** Bytes of the body that the system has taken. */
  bytesSent = 0;
  /** True once the whole body, and the end of the answer, have been handed to the system. */
  isCompleted = false;
  readonly #response: ServerResponse;
  readonly #pool: SendPool;
  #isHeadSent = false;
  #isKernelRefused = false;
  #isWaiting = false;
  #isGone: boolean;
  /** What the kernel may queue for this answer. */
  #queueBytes = 0;
  /** Settles what waits for the client when it goes away. */
  #abandon: (() => void) | null = null;
  /** The same for what waits for a reader to bring its bytes. */
  #leave: (() => void) | null = null;

  constructor(response: ServerResponse, pool: SendPool) {
    this.#response = response;
    this.#pool = pool;
    this.#isGone = response.destroyed;
  }

  /** Sends all slices and ends the answer. Returns early when the client goes away. Throws what reading throws. */
  async run(pieces: readonly Piece[], slices: readonly Slice[]): Promise<void> {
    const response = this.#response;
    const onClose = () => {
      this.#isGone = true;
      this.#abandon?.();
      this.#leave?.();
    };
    response.on('close', onClose);
    // Every error of a response is followed by its 'close'; unheard, it would end the process.
    response.on('error', () => {});
    const unwatch = this.#pool.watch({
      progress: () => this.bytesSent - (response.socket ? queuedBytes(response.socket) : 0),
      isWaiting: () => this.#isWaiting,
      onStall: () => response.destroy(),
    });
    try {
      for (const slice of slices) {
        if (slice.kind === 'text') await this.#write(Buffer.from(slice.text, 'latin1'));
        else await this.#sendRange(pieces, slice.start, slice.end);
        if (this.#isGone) return;
      }
      if (!this.#isGone)
        this.isCompleted = await this.#untilTaken((settle) =>
          response.end((error?: Error) => settle(!error)),
        );
    } finally {
      unwatch();
      this.#pool.queues?.release(this.#queueBytes);
      response.off('close', onClose);
    }
  }

  async #sendRange(pieces: readonly Piece[], start: number, end: number): Promise<void> {
    let pieceStart = 0;
    for (const piece of pieces) {
      const size = piece.kind === 'bytes' ? piece.bytes.length : piece.end - piece.start;
      const from = Math.max(start - pieceStart, 0);
      const to = Math.min(end - pieceStart, size);
      pieceStart += size;
      if (from >= to) continue;
      if (piece.kind === 'bytes') await this.#write(piece.bytes.subarray(from, to));
      else await this.#sendBlob(piece.reader, piece.start + from, piece.start + to);
      if (this.#isGone || pieceStart >= end) return;
    }
    if (pieceStart < end) throw new AppError('corrupt', 'A representation has fewer bytes than it said.');
  }

  async #sendBlob(reader: BlobReader, start: number, end: number): Promise<void> {
    let position = start;
    let misses = 0;
    while (position < end && !this.#isGone && !this.#response.destroyed) {
      if (!this.#pool.kernel || this.#isKernelRefused || !reader.fileRange) {
        return this.#pump(reader, position, end);
      }
      const range = reader.fileRange(position, end);
      if (!range) {
        if (!reader.approach) return this.#pump(reader, position, end);
        // What was brought may be gone again by now; what goes again and again is read instead.
        misses += 1;
        const isInFile = await this.#approach(reader, position, end);
        if (this.#isGone) return;
        if (isInFile && misses < mostMisses) continue;
        position += await this.#sendFilled(await this.#fill(reader, position, end));
        continue;
      }
      misses = 0;
      if (!this.#isCached(range)) {
        // A thread waits for the disk, not this one, which serves everybody. Meanwhile the kernel reads ahead.
        position += await this.#sendFilled(await this.#fill(reader, position, end));
      } else if (end - position <= smallBytes) {
        position += await this.#sendAtOnce(reader, range, position, smallBytes);
      } else {
        const wanted = Math.min(turnBytes, range.length);
        const taken = this.#handToKernel(range.fd, range.offset, wanted);
        position += taken;
        if (position >= end) return;
        if (taken === wanted) await new Promise((resolve) => setImmediate(resolve));
        // Nothing was awaited: the rest of the range is where it was.
        else position += await this.#sendAtOnce(reader, shorten(range, taken), position, waitBytes);
      }
    }
  }

  /** Settles early when the client goes: others may go on waiting for the same bytes. */
  async #approach(reader: BlobReader, position: number, end: number): Promise<boolean> {
    if (!reader.approach) return false;
    const left = Promise.withResolvers<boolean>();
    this.#leave = () => left.resolve(false);
    try {
      return await Promise.race([reader.approach(position, end), left.promise]);
    } finally {
      this.#leave = null;
    }
  }

  /** Whether the next turn's last byte is in memory. A gap before it is rare, and costs one read of the disk. */
  #isCached({ fd, offset, length }: FileRange): boolean {
    return this.#pool.kernel?.isCached(fd, offset + Math.min(turnBytes, length) - 1) ?? false;
  }

  /** Returns the bytes that the kernel took; 0 where the socket is full, or is not the kernel's to fill right now. */
  #handToKernel(fileFd: number, offset: number, length: number): number {
    const { kernel, queues } = this.#pool;
    const { socket } = this.#response;
    // A pipelined request's answer has no socket until the one before it has ended.
    if (!kernel || !queues || !socket) return 0;
    const socketFd = idleDescriptor(socket);
    if (socketFd === null) return 0;
    if (!this.#isHeadSent) {
      this.#isHeadSent = true;
      this.#queueBytes = queues.limit(socket, socketFd);
      if (!this.#isHeadGone(kernel, socketFd)) {
        this.#response.flushHeaders();
        if (idleDescriptor(socket) !== socketFd) return 0;
      }
    }
    const taken = kernel.send(socketFd, fileFd, offset, length);
    if (taken < 0) {
      this.#isKernelRefused = true;
      return 0;
    }
    this.bytesSent += taken;
    return taken;
  }

  /**
   * Hands the head to the kernel, which holds it back for the first bytes of the body; through the socket it would cost
   * a queue, a callback and two more system calls. False: it has not, or not all of it.
   */
  #isHeadGone(kernel: KernelSend, socketFd: number): boolean {
    // Node has no documented way to its own head. These two are as old as its streams; anything else turns this off.
    const head = this.#response as unknown as { _header?: unknown; _headerSent?: unknown };
    if (typeof head._header !== 'string' || head._headerSent !== false) return false;
    const taken = kernel.sendHead(socketFd, head._header);
    if (taken <= 0) return false;
    head._headerSent = true;
    if (taken === head._header.length) return true;
    // A socket that is full of earlier answers: the rest waits in the usual way.
    this.#response.socket?.write(head._header.slice(taken), 'latin1');
    return false;
  }

  /** Reads and writes, the next buffer being read while the last is written. */
  async #pump(reader: BlobReader, start: number, end: number): Promise<void> {
    let position = start;
    let next: Promise<Filled | null> | null = this.#fillNext(reader, position, end);
    try {
      while (next) {
        const filled: Filled | null = await next;
        next = null;
        if (!filled) return;
        position += filled.count;
        const sent = this.#sendFilled(filled);
        if (position < end && !this.#isGone) {
          next = this.#fillNext(reader, position, end);
          // It is awaited below, but maybe long after it failed.
          next.catch(() => {});
        }
        await sent;
        if (this.#isGone) return;
      }
    } finally {
      // The reader is not touched once this has returned.
      const unsent = await next?.catch(() => null);
      if (unsent) this.#pool.give(unsent.buffer, true);
    }
  }

  /** null: the client left while the bytes were being brought. */
  async #fillNext(reader: BlobReader, position: number, end: number): Promise<Filled | null> {
    if (reader.approach) await this.#approach(reader, position, end);
    return this.#isGone ? null : this.#fill(reader, position, end);
  }

  async #fill(reader: BlobReader, position: number, end: number): Promise<Filled> {
    const buffer = this.#pool.take(Math.min(maxBufferBytes, end - position));
    try {
      const into = buffer.length > end - position ? buffer.subarray(0, end - position) : buffer;
      const count = await reader.read(into, position);
      if (count === 0) throw endedEarly();
      return { buffer, count };
    } catch (error) {
      // A failed read may still be writing to it.
      this.#pool.give(buffer, false);
      throw error;
    }
  }

  /** As `#fill` and `#sendFilled`, for what is known to be in memory. */
  async #sendAtOnce(
    reader: BlobReader,
    { fd, offset, length }: FileRange,
    position: number,
    mostBytes: number,
  ): Promise<number> {
    const buffer = this.#pool.take(Math.min(mostBytes, length));
    const count = readSync(fd, buffer, 0, Math.min(buffer.length, length), offset);
    if (count > 0) return this.#sendFilled({ buffer, count });
    this.#pool.give(buffer, true);
    // The file was cut short under us; its reader knows whether the bytes are to be had elsewhere.
    return this.#sendFilled(await this.#fill(reader, position, position + length));
  }

  /** Writes what was read and gives the buffer back. Resolves to the bytes written. */
  async #sendFilled({ buffer, count }: Filled): Promise<number> {
    const isTaken = await this.#write(count === buffer.length ? buffer : buffer.subarray(0, count));
    // Of a broken write the system may still hold the memory.
    this.#pool.give(buffer, isTaken);
    return count;
  }

  /** Resolves to true once the system has taken all the bytes, to false when the client is gone. */
  async #write(bytes: Uint8Array): Promise<boolean> {
    this.#isHeadSent = true;
    const isTaken = await this.#untilTaken((settle) =>
      this.#response.write(bytes, (error) => settle(!error)),
    );
    if (isTaken) this.bytesSent += bytes.length;
    return isTaken;
  }

  #untilTaken(begin: (settle: (isTaken: boolean) => void) => void): Promise<boolean> {
    if (this.#isGone || this.#response.destroyed) {
      this.#isGone = true;
      return Promise.resolve(false);
    }
    this.#isWaiting = true;
    return new Promise((resolve) => {
      const settle = (isTaken: boolean) => {
        this.#isWaiting = false;
        this.#abandon = null;
        // A broken write is told before the 'close' is.
        if (!isTaken) this.#isGone = true;
        resolve(isTaken);
      };
      this.#abandon = () => settle(false);
      begin(settle);
    });
  }
}

function shorten({ fd, offset, length }: FileRange, taken: number): FileRange {
  return { fd, offset: offset + taken, length: length - taken };
}

function endedEarly(): AppError {
  return new AppError('corrupt', 'A stored file ends before its last byte.');
}
