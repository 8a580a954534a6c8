// The library as a tus data store: what @tus/server calls to create, append to, ask for and end an upload. An
// offset is told to the client only when the bytes before it survive a power cut.
import type { Readable } from 'node:stream';
import { DataStore, ERRORS, Metadata, Upload } from '@tus/server';
import type { Video } from '../catalogue/catalogue.ts';
import { AppError, isAppError } from '../errors.ts';
import type { ArrivingVideo, Library } from '../library/library.ts';
import type { Metrics } from '../metrics/metrics.ts';
import type { UploadPlace } from './upload-place.ts';

/** The name where the client sends none in `filename` (or `name`, as some clients call it). */
const unnamed = 'Upload';

export class LibraryTusStore extends DataStore {
  readonly #library: Library;
  readonly #metrics: Metrics;
  readonly #expirationMs: number;
  /** Of the request that is running: whose, where, and how much of theirs there may be. */
  readonly #place: () => UploadPlace;

  constructor(library: Library, metrics: Metrics, expirationMs: number, place: () => UploadPlace) {
    super();
    this.#library = library;
    this.#metrics = metrics;
    this.#place = place;
    this.#expirationMs = Number.isFinite(expirationMs) ? expirationMs : 0;
    this.extensions = [
      'creation',
      'creation-with-upload',
      'creation-defer-length',
      'termination',
      'expiration',
    ];
  }

  /** Gives the upload the id of its video. */
  override async create(upload: Upload): Promise<Upload> {
    if (upload.size === 0) {
      throw new AppError('unsupported-media', 'The file is empty: it has not a single byte.');
    }
    const metadata = upload.metadata ?? {};
    const arrival = await this.#library.beginArrival({
      ...this.#place(),
      fileName: metadata.filename || metadata.name || unnamed,
      sizeBytes: upload.size ?? null,
      uploadMetadata: Metadata.stringify(metadata),
    });
    await arrival.suspend();
    upload.id = arrival.id;
    return upload;
  }

  /** Appends a request's body; resolves to the offset that is safe. At the last byte the video is finished. */
  override async write(stream: Readable, id: string, offset: number): Promise<number> {
    const video = await this.#find(id);
    // Asked to add nothing to what is complete already: the answer to a lost answer.
    if (video.status !== 'arriving') return this.#offsetOf(video);
    const arrival = await this.#library.resumeArrival(id, this.#place().quotaBytes);
    try {
      if (arrival.receivedBytes !== offset) throw ERRORS.INVALID_OFFSET;
      for await (const chunk of stream) await arrival.write(chunk as Uint8Array);
      await arrival.sync();
      return await this.#settle(arrival);
    } catch (error) {
      // A connection that broke, or a full disk: what came before counts, and is made safe for the next HEAD.
      await keep(arrival);
      throw error;
    }
  }

  async #settle(arrival: ArrivingVideo): Promise<number> {
    const { receivedBytes } = arrival;
    const { sizeBytes } = await this.#library.getVideo(arrival.id);
    if (receivedBytes === sizeBytes) {
      const video = await arrival.finish();
      this.#metrics.arrived(video.status);
    } else await arrival.suspend();
    return receivedBytes;
  }

  override async getUpload(id: string): Promise<Upload> {
    const video = await this.#find(id);
    return new Upload({
      id,
      ...(video.sizeBytes !== null && { size: video.sizeBytes }),
      offset: this.#offsetOf(video),
      ...(video.uploadMetadata && { metadata: Metadata.parse(video.uploadMetadata) }),
      creation_date: new Date(video.addedAtMs).toISOString(),
    });
  }

  override async declareUploadLength(id: string, sizeBytes: number): Promise<void> {
    await this.#library.announceSize(id, sizeBytes, this.#place().quotaBytes);
  }

  override async remove(id: string): Promise<void> {
    await this.#find(id);
    await this.#library.cancelArrival(id);
  }

  override getExpiration(): number {
    return this.#expirationMs;
  }

  #offsetOf(video: Video): number {
    return video.status === 'arriving' ? video.receivedBytes : (video.sizeBytes ?? video.receivedBytes);
  }

  /** The video of an upload that began as one. */
  async #find(id: string): Promise<Video> {
    try {
      const video = await this.#library.getVideo(id);
      if (video.uploadMetadata !== null) return video;
    } catch (error) {
      if (!isAppError(error, 'not-found')) throw error;
    }
    throw ERRORS.FILE_NOT_FOUND;
  }
}

async function keep(arrival: ArrivingVideo): Promise<void> {
  try {
    await arrival.sync();
  } catch (error) {
    // `conflict`: it was refused and is gone; anything else is the disk's, and the client hears of the first failure.
    if (!isAppError(error)) throw error;
  } finally {
    await arrival.suspend();
  }
}
