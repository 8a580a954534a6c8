// Where the samples of a camera that sends to us meet the driver that yields them. One sender at a time; while
// nobody watches, what it sends is taken and let go. Memory: `maxQueued` samples, and one configuration a codec.
import type { Clock } from '../clock.ts';
import { AppError } from '../errors.ts';
import type { Arrivals, CameraSample, SenderEvent } from './driver.ts';

/** Samples that wait for the driver before the sender is made to wait. */
const maxQueued = 8;

/** A sender that was silent for so long (a phone that went out of reach) gives way to another. */
const staleMs = 5000;

export type Sender = {
  /** Aborts when another sender took its place, or the camera went. */
  readonly signal: AbortSignal;
  /** Hands over a sample; resolves when there is room for the next. */
  offer(sample: CameraSample): Promise<void>;
  /** Bytes came, though no whole sample yet. */
  noteBytes(): void;
  /** It has sent all it had. Idempotent. */
  end(): void;
};

type Running = {
  readonly controller: AbortController;
  readonly configs: Map<CameraSample['codec'], Uint8Array>;
  lastAtMs: number;
};

export class Senders implements Arrivals {
  readonly #clock: Clock;
  #running: Running | null = null;
  /** There while a driver takes samples. */
  #queue: (CameraSample | 'ended')[] | null = null;
  /** Codecs whose configuration the driver has been given. */
  #told = new Set<CameraSample['codec']>();
  #wakeDriver: (() => void) | null = null;
  #wakeSender: (() => void) | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get isSending(): boolean {
    return this.#running !== null;
  }

  /** A sender begins. Throws `conflict` while another one sends. */
  begin(): Sender {
    const before = this.#running;
    if (before) {
      if (this.#clock.monotonicMs() - before.lastAtMs < staleMs)
        throw new AppError('conflict', 'Something else is sending for this camera already.');
      before.controller.abort(new AppError('conflict', 'Another sender took the place of this one.'));
    }
    const running: Running = {
      controller: new AbortController(),
      configs: new Map(),
      lastAtMs: this.#clock.monotonicMs(),
    };
    this.#running = running;
    this.#told.clear();
    return {
      signal: running.controller.signal,
      noteBytes: () => {
        running.lastAtMs = this.#clock.monotonicMs();
      },
      offer: (sample) => this.#offer(running, sample),
      end: () => {
        if (this.#running !== running) return;
        this.#running = null;
        this.#queue?.push('ended');
        this.#wakeDriver?.();
      },
    };
  }

  async #offer(running: Running, sample: CameraSample): Promise<void> {
    running.controller.signal.throwIfAborted();
    if (sample.config) running.configs.set(sample.codec, sample.config);
    if (!this.#queue) return;
    while (this.#queue && this.#queue.length >= maxQueued) {
      await new Promise<void>((resolve) => {
        this.#wakeSender = resolve;
      });
      running.controller.signal.throwIfAborted();
    }
    const ready = this.#begun(running, sample);
    if (!ready || !this.#queue) return;
    this.#queue.push(ready);
    this.#wakeDriver?.();
  }

  /** The sample as a driver that came in the middle can begin with: a key frame, its configuration with it. */
  #begun(running: Running, sample: CameraSample): CameraSample | null {
    if (this.#told.has(sample.codec)) return sample;
    if (!sample.isKey) return null;
    this.#told.add(sample.codec);
    const config = sample.config ?? running.configs.get(sample.codec);
    return config ? { ...sample, config } : sample;
  }

  /** The driver's side, see `Arrivals.next`. */
  async next(silentMs: number, signal: AbortSignal): Promise<SenderEvent> {
    if (!this.#queue) {
      this.#queue = [];
      this.#told.clear();
      const leave = () => {
        this.#queue = null;
        this.#wakeDriver?.();
        this.#wakeSender?.();
      };
      if (signal.aborted) leave();
      else signal.addEventListener('abort', leave, { once: true });
    }
    // Most of the time there is something: no timer for that.
    const ready = signal.aborted ? undefined : this.#queue?.shift();
    if (ready !== undefined) {
      this.#wakeSender?.();
      return ready;
    }
    const quiet = new AbortController();
    let isSilent = false;
    void this.#clock.sleep(silentMs, quiet.signal).then(
      () => {
        isSilent = true;
        this.#wakeDriver?.();
      },
      () => {},
    );
    try {
      for (;;) {
        if (signal.aborted) return 'stopped';
        const event = this.#queue?.shift();
        if (event !== undefined) {
          this.#wakeSender?.();
          return event;
        }
        if (isSilent) return 'silent';
        await new Promise<void>((resolve) => {
          this.#wakeDriver = resolve;
        });
      }
    } finally {
      this.#wakeDriver = null;
      quiet.abort();
    }
  }

  /** Ends the sender there is: the camera was removed or changed. Idempotent. */
  close(): void {
    const running = this.#running;
    this.#running = null;
    running?.controller.abort(new AppError('conflict', 'This camera was removed or changed.'));
    this.#wakeSender?.();
  }
}
