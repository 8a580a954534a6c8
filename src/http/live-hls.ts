// A camera as HLS while somebody asks for its playlists: the window over the camera's feed, and those who wait for
// what comes next. Whoever asks counts as one viewer, until some time after the last question.
import type { LiveFeed } from '../cameras/live-feed.ts';
import type { Clock } from '../clock.ts';
import { AppError } from '../errors.ts';
import { HlsWindow } from '../media/live/hls-window.ts';

/** After the last request the camera counts as watched for so long: players ask every target duration at least. */
const keepMs = 15_000;

/** A first playlist waits so long for its segments: three of six seconds, and the key frame before them. */
export const firstPlaylistMs = 30_000;

export class LiveHls {
  readonly feed: LiveFeed;
  readonly window: HlsWindow;
  readonly #clock: Clock;
  readonly #leave: () => void;
  readonly #onOver: () => void;
  readonly #waiting = new Set<() => void>();
  readonly #over = new AbortController();
  #askedMs: number;

  /** Joins the feed. `onOver`: nobody has asked for a while, or the camera is no more. */
  constructor(feed: LiveFeed, clock: Clock, onOver: () => void) {
    this.feed = feed;
    this.#clock = clock;
    this.#onOver = onOver;
    this.#askedMs = clock.monotonicMs();
    this.window = new HlsWindow({
      // Seconds: no segment is shorter than that, so a later window begins behind an earlier one's last.
      firstNumber: Math.floor(clock.nowMs() / 1000),
      nowMs: () => clock.nowMs(),
      onChange: () => this.#tell(),
    });
    this.#leave = feed.join({
      onFragment: (fragment) => this.window.add(fragment),
      onEnd: () => this.#end(),
    });
    for (const fragment of feed.backlog) this.window.add(fragment);
    void this.#endWhenForgotten().catch((error: unknown) => {
      if (!this.#over.signal.aborted) throw error;
    });
  }

  /** Somebody asked for something. */
  touch(): void {
    this.#askedMs = this.#clock.monotonicMs();
  }

  /**
   * Resolves once `condition` holds: asked at once and whenever something was finished. Throws `unavailable` after
   * three target durations (rfc8216bis §6.2.5.2) unless told otherwise, or when the camera is no more, or the
   * signal's reason.
   */
  async until(
    condition: () => boolean,
    signal: AbortSignal,
    waitMs = 3000 * this.window.targetSeconds,
  ): Promise<void> {
    if (condition()) return;
    signal.throwIfAborted();
    if (this.#over.signal.aborted) throw gone();
    const found = Promise.withResolvers<void>();
    const look = () => {
      if (this.#over.signal.aborted) found.reject(gone());
      else if (condition()) found.resolve();
    };
    const waitEnd = new AbortController();
    const onAbort = () => found.reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    this.#waiting.add(look);
    void this.#clock.sleep(waitMs, waitEnd.signal).then(
      () => found.reject(new AppError('unavailable', 'The camera has sent nothing new for a while.')),
      () => {},
    );
    try {
      await found.promise;
    } finally {
      waitEnd.abort();
      this.#waiting.delete(look);
      signal.removeEventListener('abort', onAbort);
    }
  }

  #tell(): void {
    for (const look of this.#waiting) look();
  }

  async #endWhenForgotten(): Promise<void> {
    for (;;) {
      // Whoever waits for an answer still asks.
      if (this.#waiting.size > 0) this.touch();
      const leftMs = this.#askedMs + keepMs - this.#clock.monotonicMs();
      if (leftMs <= 0) return this.#end();
      await this.#clock.sleep(leftMs, this.#over.signal);
    }
  }

  #end(): void {
    if (this.#over.signal.aborted) return;
    this.#over.abort();
    this.#onOver();
    this.#leave();
    this.#tell();
  }
}

function gone(): AppError {
  return new AppError('unavailable', 'This camera was removed, or nobody watched it any more.');
}
