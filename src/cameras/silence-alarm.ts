// Lines in the log when a camera that is watched falls silent, for each new reason, and when it is back: what people
// who run this alert on. A camera that comes and goes all the time does not fill the log.
import type { Logger } from 'pino';
import type { Clock } from '../clock.ts';
import type { CameraState } from './cameras.ts';

/** Most lines of one camera in a minute; those left out are counted in the next one. */
const maxLines = 6;
const windowMs = 60_000;

export class SilenceAlarm {
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #id: string;
  #silentSinceMs: number | null = null;
  /** When the latest lines were written, on the monotonic clock; at most `maxLines`. */
  #toldAtMs: number[] = [];
  #leftOut = 0;

  constructor({ clock, log, id }: { clock: Clock; log: Logger; id: string }) {
    this.#clock = clock;
    this.#log = log;
    this.#id = id;
  }

  /** The camera's state or the reason for it has changed. */
  note(state: CameraState, reason: string | null): void {
    if (state === 'no-signal') {
      this.#silentSinceMs ??= this.#clock.monotonicMs();
      this.#tell({ reason }, 'camera without signal');
    } else if (state === 'live' && this.#silentSinceMs !== null) {
      this.#tell({ silentMs: Math.round(this.#clock.monotonicMs() - this.#silentSinceMs) }, 'camera is back');
      this.#silentSinceMs = null;
    } else if (state === 'off') {
      this.#silentSinceMs = null;
    }
  }

  #tell(facts: Readonly<Record<string, unknown>>, line: string): void {
    const nowMs = this.#clock.monotonicMs();
    this.#toldAtMs = this.#toldAtMs.filter((atMs) => nowMs - atMs < windowMs);
    if (this.#toldAtMs.length >= maxLines) {
      this.#leftOut += 1;
      return;
    }
    this.#toldAtMs.push(nowMs);
    const leftOut = this.#leftOut > 0 ? { linesLeftOut: this.#leftOut } : {};
    this.#leftOut = 0;
    this.#log.warn({ camera: this.#id, ...facts, ...leftOut }, line);
  }
}
