// When each picture is decoded. Matroska stores only when it is shown, in the order of decoding; ISO/IEC 14496-12
// wants both. The shown times, sorted, are a decode timeline that has the same pace: whatever was decoded first gets
// the earliest. Shifted times (`delay`) make every picture shown no earlier than decoded; an edit undoes the shift.

export type DecodeOrder = {
  /** Non-decreasing; the sorted presentation times. */
  readonly dts: Float64Array;
  /** Presentation minus decode time with `delay` added: never negative. Null where every picture is in order. */
  readonly cts: Int32Array | null;
  /** The largest reordering delay in ticks: where presentation time 0 lies on the track's own timeline. */
  readonly delay: number;
};

/** Pictures are shown a few places from where they are decoded; a file that says otherwise is sorted in general. */
const maxMovesPerPicture = 16;

/** Finds decode times from presentation times `pts` (ticks, in decode order). May return `pts` itself. */
export function decodeOrder(pts: Float64Array): DecodeOrder {
  if (isSorted(pts)) return { dts: pts, cts: null, delay: 0 };
  const dts = pts.slice();
  if (!sortNearly(dts)) dts.sort();
  const cts = new Int32Array(pts.length);
  let delay = 0;
  for (let sample = 0; sample < pts.length; sample += 1) {
    const early = dts[sample]! - pts[sample]!;
    if (early > delay) delay = early;
  }
  for (let sample = 0; sample < pts.length; sample += 1) {
    const late = pts[sample]! + delay - dts[sample]!;
    cts[sample] = late < 0x7fffffff ? late : 0x7fffffff;
  }
  return { dts, cts, delay };
}

/** Sorts by insertion; false where that takes too many moves, and the times are in any order. */
function sortNearly(times: Float64Array): boolean {
  let moves = times.length * maxMovesPerPicture;
  for (let index = 1; index < times.length; index += 1) {
    const time = times[index]!;
    let at = index;
    while (at > 0 && times[at - 1]! > time) {
      times[at] = times[at - 1]!;
      at -= 1;
      moves -= 1;
      if (moves < 0) {
        times[at] = time;
        return false;
      }
    }
    times[at] = time;
  }
  return true;
}

function isSorted(times: Float64Array): boolean {
  for (let index = 1; index < times.length; index += 1) if (times[index]! < times[index - 1]!) return false;
  return true;
}
