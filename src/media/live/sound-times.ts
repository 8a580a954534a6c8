// Times of live sound on the track's own scale: frame follows frame without a crack where the camera's times say so
// give or take, and the track keeps to those times in the long run.

/** Camera times may be off by so much before the sound is moved: half the shortest frame that cameras send. */
const toleranceSeconds = 0.02;

/** Sound so far ahead of its own times is left out, a frame now and then, until both agree. */
const aheadSeconds = 0.1;

export class SoundTimes {
  readonly #timescale: number;
  #end = Number.NaN;

  constructor(timescale: number) {
    this.#timescale = timescale;
  }

  /** Where a frame of `frameTicks` at the common time `micros` begins, in ticks; null: it is to be left out. */
  next(micros: number, frameTicks: number): number | null {
    const told = Math.max(0, Math.round((micros * this.#timescale) / 1e6));
    const gap = told - this.#end;
    let start = told;
    if (Math.abs(gap) <= toleranceSeconds * this.#timescale) start = this.#end;
    else if (gap < 0) {
      if (-gap > aheadSeconds * this.#timescale) return null;
      start = this.#end;
    }
    this.#end = start + frameTicks;
    return start;
  }
}

/** Samples at 48 kHz of an Opus packet (RFC 6716 §3.1); 0 where it is none. */
export function opusFrameTicks(packet: Uint8Array): number {
  const toc = packet[0];
  if (toc === undefined) return 0;
  const configuration = toc >>> 3;
  const ticks =
    configuration < 12
      ? [480, 960, 1920, 2880][configuration & 3]! // SILK: 10, 20, 40, 60 ms
      : configuration < 16
        ? [480, 960][configuration & 1]! //          hybrid: 10, 20 ms
        : [120, 240, 480, 960][configuration & 3]!; // CELT: 2.5, 5, 10, 20 ms
  const code = toc & 3;
  const frames = code === 0 ? 1 : code < 3 ? 2 : (packet[1] ?? 0) & 63;
  const total = ticks * frames;
  return total <= 5760 ? total : 0; //               at most 120 ms
}
