// One camera's fragmented MP4, made once however many watch it: a viewer of the hub that hands fragments on. It lives
// while somebody has joined. Memory: the fragments since the last key frame, at most `maxBytes`.
import type { Clock } from '../clock.ts';
import { AppError } from '../errors.ts';
import { type LiveFragment, type LiveInit, LiveMuxer } from '../media/live/live-muxer.ts';
import { SoundMuxer } from '../media/live/sound-muxer.ts';
import type { CameraInfo, Cameras, Viewing } from './cameras.ts';
import type { LiveSample } from './live-sample.ts';

/** As the hub's own backlog: whoever comes in a longer stretch between key frames waits for the next. */
const maxBytes = 16 * 1024 * 1024;
const maxMs = 15_000;

/** How long whoever comes waits for a camera's first key frame. */
const readyMs = 10_000;

export type FeedViewer = {
  /** Every fragment in order. Must return at once. */
  onFragment(fragment: LiveFragment): void;
  /** The camera is no more. Called once, never after leaving. */
  onEnd(): void;
};

export const noVideoSentence =
  'This camera sends single pictures and no H.264 or H.265 video: watch it at stream.mjpeg.';

const noSoundSentence = 'This camera sends no sound that browsers know.';

/** `all`: the video with its sound where there is some. `silent`: the video. `sound`: the sound alone. */
export type FeedContent = 'all' | 'silent' | 'sound';

export class LiveFeed {
  readonly #viewers = new Set<FeedViewer>();
  readonly #viewing: Viewing;
  readonly #muxer: LiveMuxer | SoundMuxer;
  readonly #content: FeedContent;
  readonly #clock: Clock;
  readonly #info: () => CameraInfo | null;
  readonly #onOver: () => void;
  #backlog: LiveFragment[] = [];
  #backlogBytes = 0;
  #isOver = false;
  /** Whether a picture has come that this carries not. */
  #sawPicture = false;
  /** Called when the answer to `ready` may have changed. */
  readonly #waiting = new Set<() => void>();

  /** Joins the hub. Throws what `Cameras.watch` throws. `onOver`: the last viewer left or the camera is no more. */
  constructor(cameras: Cameras, id: string, content: FeedContent, clock: Clock, onOver: () => void) {
    this.#content = content;
    this.#clock = clock;
    this.#onOver = onOver;
    this.#info = () => cameras.get(id);
    const kinds = this.#info()?.kinds;
    const onFragment = (fragment: LiveFragment) => this.#onFragment(fragment);
    const isSilent = content === 'silent' || (kinds?.video != null && kinds.sound === null);
    this.#muxer = content === 'sound' ? new SoundMuxer(onFragment) : new LiveMuxer({ isSilent, onFragment });
    this.#viewing = cameras.watch(id, {
      onSample: (sample) => this.#onSample(sample),
      onState: ({ state }) => {
        if (state !== 'live') this.#muxer.interrupt();
        this.#tellWaiting();
      },
      onEnd: () => this.#end(),
      // Who listens beside the pictures is one viewer, not two.
      audience: () => (content === 'sound' ? 0 : this.#viewers.size),
    });
    // So that sound knows the pictures' time at once.
    const newest = content === 'sound' ? this.#viewing.newest() : null;
    if (newest) this.#onSample(newest);
    for (const sample of this.#viewing.backlog()) this.#onSample(sample);
  }

  /** The fragments since the last key frame, oldest first; their sequence numbers follow each other. */
  get backlog(): readonly LiveFragment[] {
    return this.#backlog;
  }

  /** What the newest fragments belong to; null before the first. */
  get init(): LiveInit | null {
    return this.#muxer.init;
  }

  /** Of sound alone: see `SoundMuxer.originMs`. */
  get originMs(): number | null {
    return this.#muxer instanceof SoundMuxer ? this.#muxer.originMs : null;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /**
   * Adds a viewer, who gets what comes from now on. Returns the way to leave, which may be called again. Throws
   * `unavailable` once the feed is over.
   */
  join(viewer: FeedViewer): () => void {
    if (this.#isOver) throw overError();
    // Each call is a viewing of its own, also where the same object joins twice.
    const own: FeedViewer = {
      onFragment: (fragment) => viewer.onFragment(fragment),
      onEnd: () => viewer.onEnd(),
    };
    this.#viewers.add(own);
    this.#viewing.audienceChanged();
    return () => {
      if (!this.#viewers.delete(own) || this.#isOver) return;
      if (this.#viewers.size === 0) this.#end();
      else this.#viewing.audienceChanged();
    };
  }

  countDropped(fragments: number): void {
    this.#viewing.countDropped(fragments);
  }

  /**
   * Resolves when there is something to play. Throws `unplayable` where the camera has no video (or sound, where that
   * is wanted) that MP4 carries, `unavailable` without a signal or after 10 s, or the signal's reason.
   */
  async ready(signal: AbortSignal): Promise<LiveInit> {
    const found = Promise.withResolvers<LiveInit>();
    const look = () => {
      const camera = this.#info();
      if (this.#isOver || !camera) return found.reject(overError());
      if (camera.state === 'no-signal')
        return found.reject(new AppError('unavailable', camera.message ?? 'The camera has no signal.'));
      const { init } = this;
      const isDated = this.#content !== 'sound' || this.originMs !== null;
      if (init && isDated && this.#backlog.length > 0) return found.resolve(init);
      if (this.#content !== 'sound' && this.#sawPicture && camera.kinds.video === null)
        return found.reject(new AppError('unplayable', noVideoSentence));
    };
    const over = new AbortController();
    const onAbort = () => found.reject(signal.reason);
    signal.throwIfAborted();
    signal.addEventListener('abort', onAbort, { once: true });
    this.#waiting.add(look);
    void this.#clock.sleep(readyMs, over.signal).then(
      // A microphone may begin some seconds after the pictures; where it has not by now there is none.
      () => {
        const isDeaf = this.#content === 'sound' && this.#sawPicture;
        if (isDeaf) found.reject(new AppError('unplayable', noSoundSentence));
        else found.reject(new AppError('unavailable', nothingSentence));
      },
      () => {},
    );
    look();
    try {
      return await found.promise;
    } finally {
      over.abort();
      this.#waiting.delete(look);
      signal.removeEventListener('abort', onAbort);
    }
  }

  #onSample(sample: LiveSample): void {
    const isVideo = sample.codec === 'avc' || sample.codec === 'hevc';
    const isJpeg = sample.codec === 'jpeg';
    if (this.#content === 'sound') {
      this.#sawPicture ||= isVideo || isJpeg;
      this.#muxer.push(sample);
    } else if (isVideo || (this.#content === 'all' && !isJpeg)) this.#muxer.push(sample);
    else if (isJpeg && !this.#sawPicture) {
      this.#sawPicture = true;
      this.#tellWaiting();
    }
  }

  #onFragment(fragment: LiveFragment): void {
    if (fragment.isKey) {
      this.#backlog = [];
      this.#backlogBytes = 0;
    }
    const first = this.#backlog[0];
    this.#backlogBytes += fragment.part.length;
    const isTooMuch =
      this.#backlogBytes > maxBytes ||
      (first !== undefined && fragment.takenAtMonotonicMs - first.takenAtMonotonicMs > maxMs);
    if (isTooMuch) this.#backlog = [];
    else if (first || fragment.isKey) this.#backlog.push(fragment);
    for (const viewer of this.#viewers) viewer.onFragment(fragment);
    if (this.#waiting.size > 0) this.#tellWaiting();
  }

  #tellWaiting(): void {
    for (const look of this.#waiting) look();
  }

  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#onOver();
    const viewers = [...this.#viewers];
    this.#viewers.clear();
    this.#viewing.close();
    for (const viewer of viewers) viewer.onEnd();
    this.#tellWaiting();
  }
}

const nothingSentence = 'The camera has sent nothing to begin with within 10 seconds.';

function overError(): AppError {
  return new AppError('unavailable', 'This camera was removed or the program ends.');
}

export type LiveFeeds = {
  /** The camera's feed, begun where there is none: join it at once. Throws what `Cameras.watch` throws. */
  open(id: string, content?: FeedContent): LiveFeed;
};

/** The feeds of all cameras, one for each content that somebody watches. */
export function createLiveFeeds(cameras: Cameras, clock: Clock): LiveFeeds {
  const feeds = new Map<string, LiveFeed>();
  return {
    open(id, content = 'all') {
      const key = `${id} ${content}`;
      const known = feeds.get(key);
      if (known) return known;
      const feed = new LiveFeed(cameras, id, content, clock, () => {
        if (feeds.get(key) === feed) feeds.delete(key);
      });
      feeds.set(key, feed);
      return feed;
    },
  };
}
