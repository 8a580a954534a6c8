// Sound in exact time. Blocks carry times rounded to the file's ticks (a millisecond as a rule), but a browser hears a
// gap where frames do not meet to the sample; so time runs on by frame lengths and is set anew from a Block's own time
// only where the two part by more than rounding explains: a gap in the recording, or a clock that drifts.

/** Frames may be off by this before time is set anew: more than rounding and jitter, less than a lost frame. */
const toleranceSeconds = 0.005;

/** How long frames of sound are in samples: all alike, or each as its column says. */
export type FrameLengths = number | Uint16Array | Uint32Array;

export type AudioClock = {
  /** Hz; the ticks of the times that come out. */
  readonly sampleRate: number;
  /** Seconds that one tick of the file stands for. */
  readonly tickSeconds: number;
  readonly lengths: FrameLengths;
};

/**
 * Turns `ticks` (Block times in ticks of the file, from 0 up; NaN for those in a lace that have none) into times of
 * frames in samples, in place: non-decreasing. Returns the last frame's end.
 */
export function audioTimes(ticks: Float64Array, { sampleRate, tickSeconds, lengths }: AudioClock): number {
  const tolerance = Math.max(toleranceSeconds, 1.5 * tickSeconds) * sampleRate;
  const scale = tickSeconds * sampleRate;
  const each = typeof lengths === 'number' ? lengths : 0;
  const column = typeof lengths === 'number' ? nothing : lengths;
  let now = Number.NaN;
  let last = 0;
  for (let sample = 0; sample < ticks.length; sample += 1) {
    const said = ticks[sample]! * scale;
    // A frame without a time of its own (NaN) compares false, and goes on where the one before ended.
    const off = said - now;
    if (off > tolerance || off < -tolerance) now = Math.round(said);
    else if (Number.isNaN(now)) now = Number.isNaN(said) ? 0 : Math.round(said);
    if (now < last) now = last;
    ticks[sample] = now;
    last = now;
    now += sample < column.length ? column[sample]! : each;
  }
  return ticks.length === 0 ? 0 : now;
}

const nothing = new Uint16Array(0);
