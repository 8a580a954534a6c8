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

/** Finds decode times from presentation times `pts` (ticks, in decode order). */
export function decodeOrder(pts: Float64Array): DecodeOrder {
  if (isSorted(pts)) return { dts: pts, cts: null, delay: 0 };
  const dts = pts.slice().sort();
  let delay = 0;
  for (let sample = 0; sample < pts.length; sample += 1) delay = Math.max(delay, dts[sample]! - pts[sample]!);
  const cts = new Int32Array(pts.length);
  for (let sample = 0; sample < pts.length; sample += 1) {
    cts[sample] = Math.min(pts[sample]! + delay - dts[sample]!, 0x7fffffff);
  }
  return { dts, cts, delay };
}

function isSorted(times: Float64Array): boolean {
  for (let index = 1; index < times.length; index += 1) if (times[index]! < times[index - 1]!) return false;
  return true;
}
