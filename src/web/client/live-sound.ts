// A camera's sound beside its pictures: plays sound.mp4 and tells which moment is heard, so that pictures can be shown
// in step. Comes back by itself until it is stopped.
import { playLive } from './live-video.ts';

/** Waits between attempts, the last one for ever. */
const waitsMs = [500, 2000, 5000, 15_000];

/** Sound that has stood still for so long is not waited for. */
const standstillMs = 1500;

/** Pictures and sound further apart than this are not late: the server's time of day was set. */
const apartMs = 5000;
/** Where that does not help, it is the line: not tried again soon. */
const reopenMs = 30_000;

export class LiveSound {
  readonly #address: string;
  readonly #onChange: () => void;
  readonly #audio = new Audio();
  readonly #over = new AbortController();
  #stream: AbortController | null = null;
  /** The time 0 of the stream, milliseconds since the epoch on the server's clock. */
  #originMs = Number.NaN;
  #isPlaying = false;
  #isStill = false;
  #lastTime = 0;
  #lastMovedMs = 0;
  #openedMs = 0;
  #attempt = 0;

  /** Begins at once; call it where somebody has asked for sound. `onChange`: `isHeard` may have changed. */
  constructor(address: string, onChange: () => void) {
    this.#address = address;
    this.#onChange = onChange;
    const listening = { signal: this.#over.signal };
    this.#audio.addEventListener('playing', () => this.#setPlaying(true), listening);
    // Some browsers let only those begin to play that were asked to within the very click.
    void this.#audio.play().catch(() => {});
    void this.#run();
  }

  get isHeard(): boolean {
    return this.#isPlaying && !this.#isStill;
  }

  /** The time that is heard now, on the clock that dates the pictures; null while nothing is heard. */
  heardMs(): number | null {
    if (!this.#isPlaying) return null;
    const { currentTime } = this.#audio;
    const nowMs = performance.now();
    if (currentTime !== this.#lastTime) {
      this.#lastTime = currentTime;
      this.#lastMovedMs = nowMs;
    }
    this.#setStill(nowMs - this.#lastMovedMs > standstillMs);
    if (this.#isStill) return null;
    const heardMs = this.#originMs + currentTime * 1000;
    return Number.isNaN(heardMs) ? null : heardMs;
  }

  /** Takes note of a picture that has come: where the sound cannot belong to it, the sound is opened anew. */
  compare(takenAtMs: number): void {
    const heardMs = this.heardMs();
    if (heardMs === null || !(Math.abs(takenAtMs - heardMs) > apartMs)) return;
    if (performance.now() - this.#openedMs > reopenMs) this.#stream?.abort();
  }

  /** For good. Idempotent. */
  stop(): void {
    if (this.#over.signal.aborted) return;
    this.#over.abort();
    this.#stream?.abort();
    this.#audio.pause();
    this.#audio.removeAttribute('src');
    this.#setPlaying(false);
  }

  async #run(): Promise<void> {
    while (!this.#over.signal.aborted) {
      this.#stream = new AbortController();
      this.#openedMs = performance.now();
      try {
        await playLive(this.#audio, this.#address, {
          signal: this.#stream.signal,
          onHead: (headers) => {
            this.#originMs = Number(headers.get('x-time-origin') ?? Number.NaN) * 1000;
          },
          onData: () => {
            this.#attempt = 0;
          },
        });
      } catch {
        // Broken or refused: what follows is the same as after an end.
      }
      this.#setPlaying(false);
      const waitMs = waitsMs[Math.min(this.#attempt, waitsMs.length - 1)]!;
      this.#attempt += 1;
      await passed(waitMs, this.#over.signal);
    }
  }

  #setPlaying(isPlaying: boolean): void {
    this.#isPlaying = isPlaying && !this.#over.signal.aborted;
    this.#lastMovedMs = performance.now();
    this.#isStill = false;
    this.#onChange();
  }

  #setStill(isStill: boolean): void {
    if (this.#isStill === isStill) return;
    this.#isStill = isStill;
    this.#onChange();
  }
}

/** Resolves after that time, or when the signal aborts. */
function passed(waitMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const timer = setTimeout(resolve, waitMs);
    signal.addEventListener(
      'abort',
      () => {
        clearTimeout(timer);
        resolve();
      },
      { once: true },
    );
  });
}
