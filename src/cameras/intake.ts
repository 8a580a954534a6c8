// What a hub takes from its driver: checks each sample, completes it, and keeps what late comers need of the stream
// (the newest picture, the samples since the last key frame, the configurations that hold). Memory: those, bounded.
import type { Clock } from '../clock.ts';
import { type CameraKinds, learnKinds, noKinds } from './camera-kinds.ts';
import { type CameraSample, maxSampleBytes } from './driver.ts';
import { trimJpeg } from './jpeg.ts';
import { LiveSample } from './live-sample.ts';
import { SampleBacklog } from './sample-backlog.ts';

export class Intake {
  readonly #clock: Clock;
  #kinds: CameraKinds = noKinds;
  /** What was learned elsewhere, for as long as nothing else was seen here. */
  #seeded: CameraKinds | null = null;
  #newest: LiveSample | null = null;
  readonly #backlog = new SampleBacklog();
  /** The decoder configuration that holds now, by codec: every key frame and every sound sample is given it. */
  readonly #configs = new Map<CameraSample['codec'], Uint8Array>();
  #lastPictureAtMs: number | null = null;
  #sequence = 0;
  readonly figures = { samplesIn: 0, bytesIn: 0, picturesIn: 0, refused: 0 };

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The same object as long as nothing new is known. */
  get kinds(): CameraKinds {
    return this.#kinds;
  }

  /** The newest JPEG picture; null where there is none, or it is of before the signal was lost. */
  get newest(): LiveSample | null {
    return this.#newest;
  }

  /** See `SampleBacklog.samples`. */
  get backlog(): readonly LiveSample[] {
    return this.#backlog.samples;
  }

  get lastPictureAtMs(): number | null {
    return this.#lastPictureAtMs;
  }

  /** Takes what the driver yielded; a sentence where it is nothing that can be shown. */
  take(given: Uint8Array | CameraSample): LiveSample | string {
    const isBare = given instanceof Uint8Array;
    const data = isBare ? given : given?.data;
    if (!(data instanceof Uint8Array)) return this.#refuse('The driver gave something that is no picture.');
    if (data.length > maxSampleBytes) {
      return this.#refuse(`The camera sent a picture of more than ${maxSampleBytes / 1024 / 1024} MB.`);
    }
    const isJpeg = isBare || given.codec === 'jpeg';
    const whole = isJpeg ? trimJpeg(data) : data;
    if (!whole) return this.#refuse('The camera sends something that is no whole JPEG picture.');
    const nowMonotonicMs = this.#clock.monotonicMs();
    const sample = new LiveSample(
      isBare
        ? { codec: 'jpeg', data: whole, ptsMicros: Math.round(nowMonotonicMs * 1000), isKey: true }
        : { ...given, data: whole, ...this.#configOf(given) },
      (isBare ? undefined : given.takenAtMs) ?? this.#clock.nowMs(),
      (isBare ? undefined : given.takenAtMonotonicMs) ?? nowMonotonicMs,
      ++this.#sequence,
    );
    this.figures.samplesIn += 1;
    this.figures.bytesIn += whole.length;
    this.#kinds = learnKinds(this.#kinds, sample);
    if (isJpeg) this.#newest = sample;
    else this.#backlog.add(sample);
    if (isPicture(sample)) {
      this.figures.picturesIn += 1;
      this.#lastPictureAtMs = sample.takenAtMs;
    }
    return sample;
  }

  /** Nothing comes any more: what there was is not shown as if it were now. */
  loseSignal(): void {
    this.#newest = null;
    this.#backlog.clear();
  }

  /** The driver's next life tells its own configurations. */
  forgetStream(): void {
    this.#backlog.clear();
    this.#configs.clear();
  }

  /** Learned elsewhere; what is seen here counts for more. */
  seedKinds(kinds: CameraKinds): void {
    if (kinds === noKinds || (this.#kinds !== noKinds && this.#kinds !== this.#seeded)) return;
    this.#kinds = kinds;
    this.#seeded = kinds;
  }

  /** Another driver, or other options: it may send something else. */
  forgetKinds(): void {
    this.#kinds = noKinds;
  }

  /** Drivers tell a configuration once; whoever begins at a later key frame needs it as well. */
  #configOf({ codec, config, isKey }: CameraSample): { config?: Uint8Array } {
    if (codec === 'jpeg') return {};
    if (config) this.#configs.set(codec, config);
    const known = isKey ? this.#configs.get(codec) : undefined;
    return known ? { config: known } : {};
  }

  #refuse(message: string): string {
    this.figures.refused += 1;
    return message;
  }
}

function isPicture({ codec }: CameraSample): boolean {
  return codec === 'jpeg' || codec === 'avc' || codec === 'hevc';
}
