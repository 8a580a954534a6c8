// The samples of an H.264 or H.265 camera since its last key frame, so that whoever comes can begin at once. Memory:
// at most `maxBytes` and `maxMs` of samples; a stretch between key frames that is longer is given up until the next.
import type { LiveSample } from './live-sample.ts';

/** Eight seconds at 16 Mbit/s; the samples are shared with whoever sends them. */
const maxBytes = 16 * 1024 * 1024;

/** Beginning further back than this costs a player more to decode than waiting for the next key frame. */
const maxMs = 15_000;

export class SampleBacklog {
  #samples: LiveSample[] = [];
  #bytes = 0;

  /** Pictures from the newest key frame on and the sound between them, in the order they came. */
  get samples(): readonly LiveSample[] {
    return this.#samples;
  }

  add(sample: LiveSample): void {
    const isPicture = sample.codec === 'avc' || sample.codec === 'hevc';
    if (isPicture && sample.isKey) {
      // A new array: whoever took the old one may still be reading it.
      this.#samples = [sample];
      this.#bytes = sample.data.length;
      return;
    }
    const first = this.#samples[0];
    if (!first) return;
    this.#bytes += sample.data.length;
    const isTooMuch = this.#bytes > maxBytes || sample.takenAtMonotonicMs - first.takenAtMonotonicMs > maxMs;
    if (isTooMuch) this.clear();
    else this.#samples.push(sample);
  }

  clear(): void {
    this.#samples = [];
    this.#bytes = 0;
  }
}
