// Appends to one unfinished blob in GridFS: whole chunks go out side by side while the next one fills, the last one when
// it is asked for, and again once it is fuller. What is noted as there is only ever what the database has acknowledged
// without a gap. Bound: the chunk that fills, and at most four on their way.
import { AppError } from '../errors.ts';
import { mongoFailure } from '../mongo/failure.ts';
import type { BlobWriter } from './blob-store.ts';
import type { Chunks } from './gridfs-chunks.ts';
import type { Files, Turn } from './gridfs-files.ts';

/** Noted by the way after so much: what a killed process loses at most, besides what is on its way. */
const noteEveryBytes = 16 * 1024 * 1024;
/** Of one writer, and of all together: each has a buffer of its own, and the driver makes a copy. */
const mostOnTheWay = 4;
const mostOfAll = 12;

/** What the store lends to its writers. */
export type WriterTools = {
  readonly chunks: Chunks;
  readonly files: Files;
  /** Writers that are open, this one included. */
  writers(): number;
  /** The writer has ended; told once. */
  onEnd(): void;
};

/** What of the last chunk there is already; it is written anew under this turn, so that no older writer changes it. */
export type Begun = { readonly bytes: Uint8Array };

export class GridFsWriter implements BlobWriter {
  readonly #turn: Turn;
  readonly #tools: WriterTools;
  readonly #chunkBytes: number;
  /** Bytes taken from the caller. */
  #takenBytes: number;
  /** Bytes that are acknowledged without a gap, and those that are noted as there for good. */
  #storedBytes: number;
  #notedBytes: number;
  /** Ends of chunks that were acknowledged before one in front of them. */
  readonly #early = new Map<number, number>();
  #buffer: Buffer | null = null;
  #filledBytes = 0;
  /** Of the chunk that fills: bytes that were written already under this turn. */
  #writtenOfLast = 0;
  readonly #spare: Buffer[] = [];
  readonly #onTheWay = new Set<Promise<void>>();
  #noting: Promise<void> | null = null;
  #failure: AppError | null = null;
  #ended: 'no' | 'sealed' | 'closed' = 'no';
  /** Calls run one after the other; `busy` counts those that have not settled. */
  #queue: Promise<unknown> = Promise.resolve();
  #busy = 0;

  constructor(turn: Turn, begun: Begun | null, tools: WriterTools) {
    this.#turn = turn;
    this.#tools = tools;
    this.#chunkBytes = turn.chunkBytes;
    this.#takenBytes = turn.sizeBytes;
    this.#storedBytes = turn.sizeBytes;
    this.#notedBytes = turn.sizeBytes;
    if (begun) {
      this.#buffer = Buffer.allocUnsafeSlow(this.#chunkBytes);
      this.#buffer.set(begun.bytes);
      this.#filledBytes = begun.bytes.length;
    }
  }

  get sizeBytes(): number {
    return this.#failure ? this.#notedBytes : this.#takenBytes;
  }

  write(chunk: Uint8Array): Promise<void> {
    const fits = this.#filledBytes + chunk.length < this.#chunkBytes && this.#busy === 0;
    if (fits && this.#ended === 'no' && !this.#failure) {
      this.#fill(chunk);
      return Promise.resolve();
    }
    return this.#inTurn(async () => {
      this.#assertOpen();
      for (let at = 0; at < chunk.length; ) {
        const fitting = Math.min(chunk.length - at, this.#chunkBytes - this.#filledBytes);
        this.#fill(chunk.subarray(at, at + fitting));
        at += fitting;
        if (this.#filledBytes === this.#chunkBytes) await this.#sendWhole();
      }
      this.#noteBehind();
      this.#assertOpen();
    });
  }

  sync(): Promise<void> {
    return this.#inTurn(async () => {
      this.#assertOpen();
      await this.#store();
      this.#assertOpen();
    });
  }

  seal(): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#ended === 'sealed') return;
      this.#assertOpen();
      await this.#drain(true);
      this.#assertOpen();
      const { chunks, files } = this.#tools;
      try {
        // What an earlier writer had sent beyond its last note; other programs would take it for a part.
        const count = Math.ceil(this.#takenBytes / this.#chunkBytes);
        if (this.#turn.token > 1) await chunks.remove(this.#turn.id, count);
        await files.seal(this.#turn, this.#takenBytes);
      } catch (error) {
        throw this.#fail(error);
      }
      this.#end('sealed');
    });
  }

  close(): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#ended !== 'no') return;
      const wasTold = this.#failure;
      await this.#store();
      this.#end('closed');
      // Bytes that were taken and could not be written: nobody has heard of it yet.
      if (this.#failure && !wasTold) throw this.#failure;
    });
  }

  /** Stores everything taken, so that a reader finds it. */
  show(): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#ended === 'no' && !this.#failure) await this.#store();
    });
  }

  /** The blob is being removed: the writer's next call fails with `gone`. */
  abandon(): Promise<void> {
    this.#failure ??= new AppError('gone', 'This upload was removed.');
    return this.close();
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    this.#busy += 1;
    const result = this.#queue.then(work).finally(() => {
      this.#busy -= 1;
    });
    this.#queue = result.catch(() => {});
    return result;
  }

  #assertOpen(): void {
    if (this.#failure) throw this.#failure;
    if (this.#ended !== 'no') throw new AppError('internal', 'This upload is not being written any more.');
  }

  #fill(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#buffer ??= this.#spare.pop() ?? Buffer.allocUnsafeSlow(this.#chunkBytes);
    this.#buffer.set(bytes, this.#filledBytes);
    this.#filledBytes += bytes.length;
    this.#takenBytes += bytes.length;
  }

  /** Puts the full chunk on its way, as soon as there is room on it. */
  async #sendWhole(): Promise<void> {
    const share = Math.floor(mostOfAll / this.#tools.writers());
    const most = Math.max(1, Math.min(mostOnTheWay, share));
    while (this.#onTheWay.size >= most) await Promise.race(this.#onTheWay);
    this.#assertOpen();
    const buffer = this.#buffer!;
    const n = this.#takenBytes / this.#chunkBytes - 1;
    this.#buffer = null;
    this.#filledBytes = 0;
    this.#writtenOfLast = 0;
    this.#send(n, buffer, () => this.#spare.push(buffer));
  }

  #send(n: number, bytes: Uint8Array, onSent: () => void): void {
    const { chunks } = this.#tools;
    const { id, token } = this.#turn;
    const sent: Promise<void> = chunks.write(id, n, bytes, token).then(
      () => {
        onSent();
        this.#acknowledge(n, n * this.#chunkBytes + bytes.length);
      },
      (error: unknown) => {
        this.#fail(error);
      },
    );
    this.#onTheWay.add(sent);
    sent.then(() => this.#onTheWay.delete(sent));
  }

  #acknowledge(n: number, end: number): void {
    this.#early.set(n, end);
    for (;;) {
      const next = Math.floor(this.#storedBytes / this.#chunkBytes);
      const nextEnd = this.#early.get(next);
      if (nextEnd === undefined) return;
      this.#early.delete(next);
      this.#storedBytes = Math.max(this.#storedBytes, nextEnd);
    }
  }

  /** Waits for what is on its way, the chunk that fills included. `isLast`: no older writer may change it afterwards. */
  async #drain(isLast = false): Promise<void> {
    const hasNew = this.#storedBytes < this.#takenBytes || isLast;
    if (this.#buffer && hasNew && this.#filledBytes > this.#writtenOfLast && !this.#failure) {
      const length = this.#filledBytes;
      const n = Math.floor(this.#takenBytes / this.#chunkBytes);
      this.#send(n, this.#buffer.subarray(0, length), () => {
        this.#writtenOfLast = length;
      });
    }
    while (this.#onTheWay.size > 0) await Promise.all(this.#onTheWay);
    await this.#noting;
  }

  /** Has what can be stored stored, and noted. Failures are kept. */
  async #store(): Promise<void> {
    await this.#drain();
    // A writer that failed leaves what was acknowledged; one that was overtaken or whose blob is gone has nothing to say.
    const kind = this.#failure?.kind;
    if (kind === 'conflict' || kind === 'gone') return this.#clearAway();
    await this.#note();
  }

  async #note(): Promise<void> {
    const storedBytes = this.#storedBytes;
    if (storedBytes <= this.#notedBytes) return;
    try {
      await this.#tools.files.note(this.#turn, storedBytes);
      this.#notedBytes = storedBytes;
    } catch (error) {
      this.#fail(error);
    }
  }

  #noteBehind(): void {
    if (this.#noting || this.#failure || this.#storedBytes - this.#notedBytes < noteEveryBytes) return;
    this.#noting = this.#note().finally(() => {
      this.#noting = null;
    });
  }

  /** What was written after another had the say is taken away again where that is safe: nobody else would find it soon. */
  async #clearAway(): Promise<void> {
    const { files, chunks } = this.#tools;
    const { id } = this.#turn;
    try {
      if (await files.findUnfinished(id)) return;
      const sealed = await files.find(id);
      await chunks.remove(id, sealed ? Math.ceil(sealed.sizeBytes / sealed.chunkBytes) : 0);
    } catch {
      // Harmless beyond the end of a blob; those of none are found when all blobs are listed.
    }
  }

  /** The first failure is the one that lasts. */
  #fail(error: unknown): AppError {
    const failure = mongoFailure(error);
    this.#failure ??=
      failure instanceof AppError
        ? failure
        : new AppError('internal', 'The database could not be written.', { cause: error });
    return this.#failure;
  }

  #end(how: 'sealed' | 'closed'): void {
    this.#ended = how;
    this.#buffer = null;
    this.#spare.length = 0;
    this.#tools.onEnd();
  }
}
