// Sound in exact time. Blocks carry times rounded to the file's ticks (a millisecond as a rule), but a browser hears a
// gap where frames do not meet to the sample; so time runs on by frame lengths and is set anew from a Block's own time
// only where the two part by more than rounding explains: a gap in the recording, or a clock that drifts.

/** Frames may be off by this before time is set anew: more than rounding and jitter, less than a lost frame. */
const toleranceSeconds = 0.005;

export type AudioClock = {
  /** Hz; the ticks of the times that come out. */
  readonly sampleRate: number;
  /** Seconds that one tick of the file stands for. */
  readonly tickSeconds: number;
  /** Length of frame `sample` in samples. */
  lengthOf(sample: number): number;
};

/**
 * Times of frames in samples. `ticks`: Block times in ticks of the file, from 0 up; NaN for those in a lace that have
 * none. Returns non-decreasing times and the last frame's end.
 */
export function audioTimes(ticks: Float64Array, clock: AudioClock): { dts: Float64Array; end: number } {
  const { sampleRate, tickSeconds } = clock;
  const dts = new Float64Array(ticks.length);
  const tolerance = Math.max(toleranceSeconds, 1.5 * tickSeconds) * sampleRate;
  const scale = tickSeconds * sampleRate;
  let now = Number.NaN;
  let last = 0;
  for (let sample = 0; sample < ticks.length; sample += 1) {
    const said = ticks[sample]! * scale;
    // A frame without a time of its own (NaN) compares false, and goes on where the one before ended.
    if (Number.isNaN(now)) now = Number.isNaN(said) ? 0 : Math.round(said);
    else if (Math.abs(said - now) > tolerance) now = Math.round(said);
    if (now < last) now = last;
    dts[sample] = now;
    last = now;
    now += clock.lengthOf(sample);
  }
  return { dts, end: ticks.length === 0 ? 0 : now };
}
