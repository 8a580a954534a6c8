// How often visitors may knock: passwords that were wrong, counted by address and by link, and ways in by address.
// Windows of a fixed length; memory is bounded, and whoever fills it with addresses pushes out the oldest alone.
import { isIPv6 } from 'node:net';
import type { Clock } from '../clock.ts';
import { AppError } from '../errors.ts';

/** Some 100 bytes each. */
const maxWindows = 10_000;

/** Counts things by a name within a time. */
export class AttemptWindows {
  readonly #most: number;
  readonly #windowMs: number;
  readonly #clock: Clock;
  readonly #windows = new Map<string, { count: number; readonly endsAtMs: number }>();

  constructor(most: number, windowMs: number, clock: Clock) {
    this.#most = most;
    this.#windowMs = windowMs;
    this.#clock = clock;
  }

  /** Counts one. Throws `too-many` with when to come back, and then counts nothing. */
  take(name: string): void {
    const nowMs = this.#clock.monotonicMs();
    let window = this.#windows.get(name);
    if (window && window.endsAtMs <= nowMs) {
      this.#windows.delete(name);
      window = undefined;
    }
    if (window && window.count >= this.#most) {
      const seconds = Math.ceil((window.endsAtMs - nowMs) / 1000);
      throw new AppError('too-many', `Too many attempts. Try again in ${waitOf(seconds)}.`, {
        retryAfterSeconds: seconds,
      });
    }
    if (window) window.count += 1;
    else {
      // All last equally long, so the first one in the map ends first.
      if (this.#windows.size >= maxWindows) this.#windows.delete(this.#windows.keys().next().value!);
      this.#windows.set(name, { count: 1, endsAtMs: nowMs + this.#windowMs });
    }
  }

  /** It was none to be counted. */
  giveBack(name: string): void {
    const window = this.#windows.get(name);
    if (window && window.count > 0) window.count -= 1;
  }
}

function waitOf(seconds: number): string {
  const minutes = Math.ceil(seconds / 60);
  return minutes <= 1 ? 'a minute' : `${minutes} minutes`;
}

/** Whom an address stands for: of IPv6 the network of 64 bits, which one household has as a whole (RFC 6177). */
export function networkOf(address: string): string {
  if (!isIPv6(address)) return address;
  // An IPv4 address in IPv6's clothes (RFC 4291 §2.5.5.2), as a listener for both gives it.
  const [, mapped] = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address) ?? [];
  if (mapped) return mapped;
  const [head = '', tail] = address.split('%', 1)[0]!.toLowerCase().split('::');
  const before = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - before.length - after.length);
  const groups = [...before, ...Array<string>(zeros).fill('0'), ...after];
  return `${groups
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, ''))
    .join(':')}::/64`;
}
