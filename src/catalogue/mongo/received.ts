// How far arriving videos are: kept in memory and written once a second for those who look from another process. May be
// lost in a crash: the blob store knows.
import type { Clock } from '../../clock.ts';
import type { Video } from '../catalogue.ts';
import type { Collections } from './documents.ts';

const everyMs = 1000;

export class Received {
  readonly #videos: Collections['videos'];
  readonly #clock: Clock;
  readonly #closing = new AbortController();
  /** What is not written yet. */
  #bytes = new Map<string, number>();
  #writing: Promise<void> | null = null;

  constructor({ videos }: Collections, clock: Clock) {
    this.#videos = videos;
    this.#clock = clock;
  }

  note(id: string, receivedBytes: number): void {
    this.#bytes.set(id, receivedBytes);
    this.#writing ??= this.#writeOn().finally(() => {
      this.#writing = null;
    });
  }

  /** It is known by other ways. */
  forget(id: string): void {
    this.#bytes.delete(id);
  }

  /** The video with what came since it was written last. */
  upToDate<Found extends Video | null>(video: Found): Found {
    if (video?.status !== 'arriving') return video;
    const receivedBytes = this.#bytes.get(video.id);
    return receivedBytes === undefined ? video : { ...video, receivedBytes };
  }

  /** Writes what is not written yet. */
  async write(): Promise<void> {
    for (const [id, receivedBytes] of [...this.#bytes]) {
      // What is the owner's never shrinks before the end: a retry that comes late does no harm.
      await this.#videos.updateOne(
        { _id: id, status: 'arriving' },
        { $set: { receivedBytes }, $max: { storedBytes: receivedBytes } },
      );
      if (this.#bytes.get(id) === receivedBytes) this.#bytes.delete(id);
    }
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#writing;
  }

  async #writeOn(): Promise<void> {
    while (this.#bytes.size > 0) {
      await this.#clock.sleep(everyMs, this.#closing.signal).catch(() => {});
      // The database is away: once more later, or never.
      await this.write().catch(() => {});
      if (this.#closing.signal.aborted) return;
    }
  }
}
