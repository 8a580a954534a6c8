// One video while its bytes come in: they are written and scanned side by side, so the index is complete with the
// last byte; or only written, and scanned as a whole at the end. The order of writes is that of `design/writes.md`.
// Memory: one chunk, and what the scan holds.
import type { Logger } from 'pino';
import type { BlobStore, BlobWriter } from '../blobs/blob-store.ts';
import type { Catalogue, Video } from '../catalogue/catalogue.ts';
import type { Clock } from '../clock.ts';
import { AppError, isAppError } from '../errors.ts';
import { type CarefulScan, type ScanOutcome, scanSealed } from './careful-scan.ts';
import type { ArrivingVideo } from './library.ts';
import type { Lock } from './locks.ts';
import type { Allowance } from './quota.ts';
import type { VideoMaker } from './video-maker.ts';

/** How often the catalogue hears how far it is: for the page's progress, so a second is soon enough. */
const noteEveryMs = 1000;

/** What an arrival works with. */
export type ArrivalTools = {
  readonly blobs: BlobStore;
  readonly catalogue: Catalogue;
  readonly clock: Clock;
  readonly log: Logger;
  readonly maker: VideoMaker;
  readonly maxUploadBytes: number;
  /** Nobody else writes the video while it is held. Given back when the arrival ends. */
  readonly lock: Lock;
  /** Other processes read from the lock's note how far it is; the catalogue need not be told all the time. */
  readonly isToldByLock: boolean;
  /** Of one of unknown size whose owner's room is limited; null else. */
  readonly allowance: Allowance | null;
  /** How far it is stays so for a while, and those who follow it are told. */
  onPause(): void;
  /** Called once when it ends; `scan` is what a later one can go on with, null where nothing will follow. */
  onEnd(arrival: Arrival, scan: CarefulScan | null): void;
};

/**
 * `open` takes bytes; `failed` can only be suspended or cancelled; the others are over. One whose lock is lost is
 * `suspended`: what is to become of it is for others to say.
 */
type State = 'open' | 'failed' | 'finished' | 'suspended' | 'cancelled';

export class Arrival implements ArrivingVideo {
  readonly id: string;
  readonly blobId: string;
  readonly #announcedBytes: number | null;
  readonly #tools: ArrivalTools;
  readonly #writer: BlobWriter;
  /** null: the bytes before were not seen here, so the whole is scanned when it is complete. */
  readonly #scan: CarefulScan | null;
  #state: State = 'open';
  /** Set by `cancel` before its turn comes, so that what is queued before it does no more work. */
  #isGivenUp = false;
  #notedAtMs: number;
  /** The owner's calls come one after the other, but another request may cancel, and the program may end. */
  #turn: Promise<void> = Promise.resolve();

  /** `scan` has seen exactly the bytes that `writer` has; null where none has. */
  constructor(video: Video, writer: BlobWriter, scan: CarefulScan | null, tools: ArrivalTools) {
    this.id = video.id;
    this.blobId = video.blobId;
    this.#announcedBytes = video.sizeBytes;
    this.#writer = writer;
    this.#scan = scan;
    this.#tools = tools;
    this.#notedAtMs = tools.clock.monotonicMs();
    tools.lock.setNote({ receivedBytes: writer.sizeBytes });
    // Another process is asked for it: a client that lost its connection came back there, or it is to be given up.
    tools.lock.onAsked(() => this.#leave());
    tools.lock.signal.addEventListener('abort', () => this.#leave(), { once: true });
  }

  get receivedBytes(): number {
    return this.#writer.sizeBytes;
  }

  /** Bytes that were announced and have not come: room that is spoken for. */
  get awaitedBytes(): number {
    return Math.max(0, (this.#announcedBytes ?? 0) - this.receivedBytes);
  }

  write(chunk: Uint8Array): Promise<void> {
    return this.#inTurn(async () => {
      this.#assertOpen();
      this.#assertFits(chunk.length);
      await this.#tools.allowance?.growTo(this.receivedBytes + chunk.length);
      // The disk works while the scan looks at the same bytes.
      const writing = this.#writer.write(chunk);
      let refusal: unknown = null;
      try {
        this.#scan?.push(chunk);
      } catch (error) {
        refusal = error;
      }
      try {
        await writing;
      } catch (error) {
        // Part of the chunk may be stored and all of it was scanned: the scan is of no use to a later attempt.
        this.#state = 'failed';
        throw error;
      }
      if (refusal !== null) await this.#refuse(refusal);
      await this.#note();
    });
  }

  sync(): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#state !== 'failed') this.#assertOpen();
      await this.#writer.sync();
    });
  }

  finish(): Promise<Video> {
    return this.#inTurn(async () => {
      this.#assertOpen();
      const sizeBytes = this.receivedBytes;
      let outcome: ScanOutcome | null;
      try {
        if (sizeBytes === 0)
          throw new AppError('unsupported-media', 'The file is empty: it has not a single byte.');
        outcome = this.#scan?.finish() ?? null;
      } catch (error) {
        return this.#refuse(error);
      }
      try {
        await this.#writer.seal();
        outcome ??= await scanSealed(this.blobId, this.#tools);
        const video = await this.#tools.maker.keep(this, sizeBytes, outcome, this.#tools.lock);
        await this.#end('finished', null);
        return video;
      } catch (error) {
        if (isAppError(error, 'unsupported-media')) return this.#refuse(error);
        this.#state = 'failed';
        throw error;
      }
    });
  }

  suspend(): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#isOver) return;
      const rest = this.#state === 'open' ? this.#scan : null;
      try {
        await this.#writer.close();
        if (!this.#isLost) {
          await this.#tools.catalogue.noteReceived(this.id, this.receivedBytes);
          this.#tools.onPause();
        }
      } finally {
        await this.#end('suspended', rest);
      }
    });
  }

  cancel(): Promise<void> {
    this.#isGivenUp = true;
    return this.#inTurn(async () => {
      if (!this.#isOver) await this.#discard();
    });
  }

  /** Somebody else may have the video by now. */
  get #isLost(): boolean {
    return this.#tools.lock.signal.aborted;
  }

  /** Nobody waits for it: a request that goes on writing is told. */
  #leave(): void {
    this.suspend().catch((error) =>
      this.#tools.log.warn({ err: error, video: this.id }, 'an upload could not be left in good order'),
    );
  }

  get #isOver(): boolean {
    return this.#state !== 'open' && this.#state !== 'failed';
  }

  #assertOpen(): void {
    if (this.#isGivenUp) throw new AppError('gone', 'This upload was cancelled.');
    if (this.#state === 'suspended' || (this.#state === 'open' && this.#isLost))
      throw new AppError('unavailable', 'This upload was stopped; it can be gone on with.');
    if (this.#state !== 'open')
      throw new AppError('conflict', 'This upload has failed or ended and takes no more bytes.');
  }

  #assertFits(moreBytes: number): void {
    const { maxUploadBytes } = this.#tools;
    const after = this.receivedBytes + moreBytes;
    if (after > maxUploadBytes) {
      throw new AppError('too-large', `Larger than the ${maxUploadBytes} bytes that are taken here.`);
    }
    if (this.#announcedBytes !== null && after > this.#announcedBytes) {
      throw new AppError(
        'bad-request',
        `More bytes came than the ${this.#announcedBytes} that were announced.`,
      );
    }
  }

  async #refuse(reason: unknown): Promise<never> {
    await this.#discard();
    throw reason;
  }

  async #discard(): Promise<void> {
    let isMine = true;
    try {
      // What could not be written need not be told: all of it goes.
      await this.#writer.close().catch(() => undefined);
      isMine = isHeld(this.#tools.lock);
      if (isMine) await discard(this.#tools, this);
    } finally {
      await this.#end(isMine ? 'cancelled' : 'suspended', null);
    }
  }

  async #note(): Promise<void> {
    if (this.#tools.isToldByLock) return this.#tools.lock.setNote({ receivedBytes: this.receivedBytes });
    // The allowance counts what the catalogue does not know of yet.
    if (this.#tools.allowance) return;
    const nowMs = this.#tools.clock.monotonicMs();
    if (nowMs - this.#notedAtMs < noteEveryMs) return;
    this.#notedAtMs = nowMs;
    await this.#tools.catalogue.noteReceived(this.id, this.receivedBytes);
  }

  async #end(state: State, rest: CarefulScan | null): Promise<void> {
    this.#state = state;
    this.#tools.onEnd(this, rest);
    await this.#tools.lock.release(state !== 'suspended');
  }

  async #inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const before = this.#turn;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#turn = promise;
    await before;
    try {
      return await work();
    } finally {
      resolve();
    }
  }
}

function isHeld(lock: Lock): boolean {
  try {
    lock.assertHeld();
    return true;
  } catch {
    return false;
  }
}

/** Removes what there is of an arrival that was refused or given up: its bytes, then its row. Its lock is held. */
export async function discard(
  stores: { readonly blobs: BlobStore; readonly catalogue: Catalogue },
  video: Pick<Video, 'id' | 'blobId'>,
): Promise<void> {
  await stores.blobs.remove(video.blobId);
  await stores.catalogue.forgetVideo(video.id);
}
