// The catalogue in one SQLite file (node:sqlite, WAL): reads here and now on the main thread, writes in a thread of
// their own, acknowledged when the commit is on the disk.
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock } from '../../clock.ts';
import { AppError } from '../../errors.ts';
import type {
  Arrival,
  Catalogue,
  ListRequest,
  NewVideo,
  Progress,
  StoredCamera,
  Video,
} from '../catalogue.ts';
import { queryWords } from '../search-words.ts';
import { openForReading } from './open-database.ts';
import { Reads, type Shelf } from './reads.ts';
import { toVideo } from './video-rows.ts';
import { Writer } from './writer.ts';

/** Rows that a stream reads at once: about a millisecond of the main thread. */
const streamPage = 100;
/** More than are watched at once in any home. */
const mostRecent = 100;
/** A commit that takes longer than this means that the disk hangs. */
const pingTimeoutMs = 5000;

/**
 * Opens the catalogue, creating or upgrading its file. Throws `corrupt` for a damaged or foreign file, `conflict` for
 * one of a newer Kinora, `unavailable` where it cannot be opened.
 * @param options.file absolute path; its folder is created
 */
export async function openSqliteCatalogue(options: { file: string; clock: Clock }): Promise<Catalogue> {
  try {
    mkdirSync(dirname(options.file), { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw new AppError('unavailable', `The folder of ${options.file} cannot be made.`, { cause });
  }
  const writer = await Writer.start(options.file);
  try {
    return new SqliteCatalogue(writer, new Reads(openForReading(options.file), options.file), options.clock);
  } catch (error) {
    await writer.close();
    throw error;
  }
}

class SqliteCatalogue implements Catalogue {
  readonly #writer: Writer;
  readonly #reads: Reads;
  readonly #clock: Clock;
  /** How far arriving videos are. Written only at `close`: it changes all the time, wears an SD card, and after a
   * crash the blob store knows. */
  readonly #received = new Map<string, number>();
  /**
   * Videos asked for since the last answer of the writer, which alone changes them: a player asks for range after
   * range, and finding the row costs more than the rest of such an answer.
   */
  readonly #recent = new Map<string, Video>();
  #recentAsOf = 0;
  #closing: Promise<void> | null = null;

  constructor(writer: Writer, reads: Reads, clock: Clock) {
    this.#writer = writer;
    this.#reads = reads;
    this.#clock = clock;
  }

  beginUpload(video: NewVideo): Promise<void> {
    return this.#writer.call('beginUpload', video);
  }

  async noteReceived(id: string, receivedBytes: number): Promise<void> {
    if (this.#received.has(id) || this.#reads.getVideo(id)?.status === 'arriving') {
      this.#received.set(id, receivedBytes);
    }
  }

  setUploadSize(id: string, sizeBytes: number): Promise<void> {
    return this.#writer.call('setUploadSize', id, sizeBytes);
  }

  finishUpload(id: string, arrival: Arrival): Promise<Video> {
    return this.#storeArrival(id, arrival);
  }

  replaceIndex(id: string, arrival: Arrival): Promise<Video> {
    return this.#storeArrival(id, arrival);
  }

  async forgetVideo(id: string): Promise<void> {
    await this.#writer.call('forgetVideo', id);
    this.#received.delete(id);
  }

  async getVideo(id: string): Promise<Video | null> {
    if (this.#recentAsOf !== this.#writer.answers) {
      this.#recent.clear();
      this.#recentAsOf = this.#writer.answers;
    }
    let video: Video | null | undefined = this.#recent.get(id);
    if (!video) {
      video = this.#reads.getVideo(id);
      if (this.#recent.size === mostRecent) this.#recent.clear();
      if (video) this.#recent.set(id, video);
    }
    return this.#withProgress(video);
  }

  async listVideos(request: ListRequest) {
    const { items, next } = this.#reads.listVideos(request);
    return { items: items.map((video) => this.#withProgress(video)), next };
  }

  async listArriving(): Promise<readonly Video[]> {
    return this.#reads.listArriving().map((video) => this.#withProgress(video));
  }

  /** What stays in its place is told once; what is moved to or from the bin meanwhile may be told twice or not at all. */
  async *streamVideos({ query, inBin }: { query: string; inBin: boolean | 'both' }): AsyncGenerator<Video> {
    const words = queryWords(query);
    const shelf: Shelf = inBin === 'both' ? 'both' : inBin ? 'bin' : 'library';
    const shelves: Shelf[] = shelf === 'both' && words.length > 0 ? ['library', 'bin'] : [shelf];
    for (const each of shelves) {
      for (let before = Number.MAX_SAFE_INTEGER; ; ) {
        const rows = this.#reads.page(words, each, before, streamPage);
        for (const row of rows) yield this.#withProgress(toVideo(row));
        if (rows.length < streamPage) break;
        before = rows.at(-1)!.sequence;
        await nextTurn();
      }
    }
  }

  async renameVideo(id: string, title: string): Promise<Video | null> {
    return this.#withProgress(await this.#writer.call('renameVideo', id, title));
  }

  async setBinned(id: string, binnedAtMs: number | null): Promise<Video | null> {
    return this.#withProgress(await this.#writer.call('setBinned', id, binnedAtMs));
  }

  async listBinnedBefore(beforeMs: number, limit: number): Promise<readonly Video[]> {
    return this.#reads.listBinnedBefore(beforeMs, limit).map((video) => this.#withProgress(video));
  }

  /** Those in the library; the bin is not counted. */
  async countVideos(): Promise<number> {
    return this.#reads.countVideos();
  }

  async getProgress(personId: string, videoIds: readonly string[]): Promise<ReadonlyMap<string, Progress>> {
    return this.#reads.getProgress(personId, videoIds);
  }

  setProgress(personId: string, videoId: string, progress: Progress): Promise<void> {
    return this.#writer.call('setProgress', personId, videoId, progress);
  }

  async listCameras(): Promise<readonly StoredCamera[]> {
    return this.#reads.listCameras();
  }

  addCamera(camera: StoredCamera): Promise<void> {
    return this.#writer.call('addCamera', camera);
  }

  updateCamera(camera: Omit<StoredCamera, 'addedAtMs'>): Promise<boolean> {
    return this.#writer.call('updateCamera', camera);
  }

  removeCamera(id: string): Promise<boolean> {
    return this.#writer.call('removeCamera', id);
  }

  async ping(): Promise<void> {
    this.#reads.countVideos();
    const answered = new AbortController();
    const timeout = this.#clock.sleep(pingTimeoutMs, answered.signal).then(
      () => {
        throw new AppError('unavailable', 'The catalogue does not answer.');
      },
      () => {},
    );
    try {
      await Promise.race([this.#writer.call('ping'), timeout]);
    } finally {
      answered.abort();
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    try {
      if (this.#received.size > 0) await this.#writer.call('noteReceived', this.#received);
    } finally {
      this.#recent.clear();
      this.#reads.close();
      await this.#writer.close();
    }
  }

  async #storeArrival(id: string, arrival: Arrival): Promise<Video> {
    const video = await this.#writer.call('storeArrival', id, arrival);
    if (video.status !== 'arriving') this.#received.delete(id);
    return video;
  }

  #withProgress<Found extends Video | null>(video: Found): Found {
    if (video?.status !== 'arriving') return video;
    const receivedBytes = this.#received.get(video.id);
    return receivedBytes === undefined ? video : { ...video, receivedBytes };
  }
}
