// Watches the free room on the disk without asking before every write: the answer of the last question, less what
// was written since, serves until 16 MiB or a second have passed, or it comes near the reserve.
import type { Clock } from '../clock.ts';
import { AppError } from '../errors.ts';
import type { DiskFiles } from './disk-files.ts';

/** Other programs write to the disk too; so the answer is taken anew after this much of our own writing... */
const askAfterBytes = 16 * 1024 * 1024;
/** ...or this long. */
const askAfterMs = 1000;

export class DiskRoom {
  readonly #files: DiskFiles;
  readonly #folder: string;
  readonly #reserveBytes: number;
  readonly #clock: Clock;
  #freeBytes = 0;
  #takenBytes = 0;
  #askedAtMs = Number.NEGATIVE_INFINITY;
  #asking: Promise<void> | null = null;

  constructor(files: DiskFiles, folder: string, reserveBytes: number, clock: Clock) {
    this.#files = files;
    this.#folder = folder;
    this.#reserveBytes = reserveBytes;
    this.#clock = clock;
  }

  /** Whether `sizeBytes` more fit by what is known; counts them if so. False: ask `admit`. */
  take(sizeBytes: number): boolean {
    const taken = this.#takenBytes + sizeBytes;
    if (taken > askAfterBytes || this.#freeBytes - taken < this.#reserveBytes + askAfterBytes) return false;
    if (this.#clock.monotonicMs() - this.#askedAtMs > askAfterMs) return false;
    this.#takenBytes = taken;
    return true;
  }

  /** Asks the disk, then counts `sizeBytes`. Throws `no-room` where they would go into the reserve. */
  async admit(sizeBytes: number): Promise<void> {
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = null;
    });
    await this.#asking;
    if (this.#freeBytes - this.#takenBytes - sizeBytes < this.#reserveBytes) {
      throw new AppError('no-room', 'There is not enough room left on the disk.');
    }
    this.#takenBytes += sizeBytes;
  }

  /** Room less the reserve, as of now, bytes. */
  async measure(): Promise<{ freeBytes: number; totalBytes: number }> {
    const { freeBytes, totalBytes } = await this.#files.statfs(this.#folder);
    return { freeBytes: Math.max(0, freeBytes - this.#reserveBytes), totalBytes };
  }

  async #ask(): Promise<void> {
    const { freeBytes } = await this.#files.statfs(this.#folder);
    this.#freeBytes = freeBytes;
    this.#takenBytes = 0;
    this.#askedAtMs = this.#clock.monotonicMs();
  }
}
