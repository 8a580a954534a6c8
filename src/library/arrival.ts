// One video while its bytes come in: they are written and scanned side by side, so the index is complete with the
// last byte. The order of writes is that of `design/writes.md`. Memory: one chunk, and what the scan holds.
import type { BlobStore, BlobWriter } from '../blobs/blob-store.ts';
import type { Catalogue, Video } from '../catalogue/catalogue.ts';
import type { Clock } from '../clock.ts';
import { AppError } from '../errors.ts';
import type { CarefulScan, ScanOutcome } from './careful-scan.ts';
import type { ArrivingVideo } from './library.ts';
import type { Allowance } from './quota.ts';
import type { VideoMaker } from './video-maker.ts';

/** How often the catalogue hears how far it is: for the page's progress, so a second is soon enough. */
const noteEveryMs = 1000;

/** What an arrival works with. */
export type ArrivalTools = {
  readonly blobs: BlobStore;
  readonly catalogue: Catalogue;
  readonly clock: Clock;
  readonly maker: VideoMaker;
  readonly maxUploadBytes: number;
  /** Of one of unknown size whose owner's room is limited; null else. */
  readonly allowance: Allowance | null;
  /** Called once when it ends; `scan` is what a later one can go on with, null where nothing will follow. */
  onEnd(arrival: Arrival, scan: CarefulScan | null): void;
};

/** `open` takes bytes; `failed` can only be suspended or cancelled; the others are over. */
type State = 'open' | 'failed' | 'finished' | 'suspended' | 'cancelled';

export class Arrival implements ArrivingVideo {
  readonly id: string;
  readonly blobId: string;
  readonly #announcedBytes: number | null;
  readonly #tools: ArrivalTools;
  readonly #writer: BlobWriter;
  #scan: CarefulScan;
  #state: State = 'open';
  /** Set by `cancel` before its turn comes, so that what is queued before it does no more work. */
  #isGivenUp = false;
  #notedAtMs: number;
  /** The owner's calls come one after the other, but another request may cancel, and the program may end. */
  #turn: Promise<void> = Promise.resolve();

  /** `scan` has seen exactly the bytes that `writer` has. */
  constructor(video: Video, writer: BlobWriter, scan: CarefulScan, tools: ArrivalTools) {
    this.id = video.id;
    this.blobId = video.blobId;
    this.#announcedBytes = video.sizeBytes;
    this.#writer = writer;
    this.#scan = scan;
    this.#tools = tools;
    this.#notedAtMs = tools.clock.monotonicMs();
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
        this.#scan.push(chunk);
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
      let outcome: ScanOutcome;
      try {
        if (sizeBytes === 0)
          throw new AppError('unsupported-media', 'The file is empty: it has not a single byte.');
        outcome = this.#scan.finish();
      } catch (error) {
        return this.#refuse(error);
      }
      try {
        await this.#writer.seal();
        const video = await this.#tools.maker.keep(this, sizeBytes, outcome);
        this.#end('finished', null);
        return video;
      } catch (error) {
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
        await this.#tools.catalogue.noteReceived(this.id, this.receivedBytes);
      } finally {
        this.#end('suspended', rest);
      }
    });
  }

  cancel(): Promise<void> {
    this.#isGivenUp = true;
    return this.#inTurn(async () => {
      if (!this.#isOver) await this.#discard();
    });
  }

  get #isOver(): boolean {
    return this.#state !== 'open' && this.#state !== 'failed';
  }

  #assertOpen(): void {
    if (this.#isGivenUp) throw new AppError('gone', 'This upload was cancelled.');
    if (this.#state === 'suspended')
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
    try {
      // What could not be written need not be told: all of it goes.
      await this.#writer.close().catch(() => undefined);
      await discard(this.#tools, this);
    } finally {
      this.#end('cancelled', null);
    }
  }

  async #note(): Promise<void> {
    // The allowance counts what the catalogue does not know of yet.
    if (this.#tools.allowance) return;
    const nowMs = this.#tools.clock.monotonicMs();
    if (nowMs - this.#notedAtMs < noteEveryMs) return;
    this.#notedAtMs = nowMs;
    await this.#tools.catalogue.noteReceived(this.id, this.receivedBytes);
  }

  #end(state: State, rest: CarefulScan | null): void {
    this.#state = state;
    this.#tools.onEnd(this, rest);
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

/** Removes what there is of an arrival that was refused or given up: its bytes, then its row. */
export async function discard(
  stores: { readonly blobs: BlobStore; readonly catalogue: Catalogue },
  video: Pick<Video, 'id' | 'blobId'>,
): Promise<void> {
  await stores.blobs.remove(video.blobId);
  await stores.catalogue.forgetVideo(video.id);
}
