// Decode times for pictures of which only the presentation time is known, as they come: the presentation times in
// ascending order, late by as many pictures as the stream reorders. Memory: that many numbers.

export class DecodeTimes {
  readonly #depth: number;
  readonly #mayReorder: boolean;
  /** The newest presentation times, ascending; at most `depth` between two calls. */
  #waiting: number[] = [];
  #last = Number.NEGATIVE_INFINITY;

  /** `reorderDepth` as in `PictureFormat`. */
  constructor(reorderDepth: number | null) {
    this.#depth = reorderDepth ?? 0;
    this.#mayReorder = reorderDepth !== 0;
  }

  /**
   * The decode and presentation time of the next picture in decode order, in ticks. Decode times ascend by one at
   * least. `interval`: ticks from one picture to the next, a guess, for the first ones.
   */
  next(presentation: number, interval: number): { readonly decode: number; readonly presentation: number } {
    const waiting = this.#waiting;
    let place = waiting.length;
    while (place > 0 && waiting[place - 1]! > presentation) place--;
    waiting.splice(place, 0, presentation);
    const lacking = this.#depth + 1 - waiting.length;
    // The first ones: before the earliest of all, which is the key frame's own in a stream that begins with one.
    const wanted = lacking > 0 ? waiting[0]! - lacking * interval : waiting.shift()!;
    const decode = Math.max(wanted, this.#last + 1);
    this.#last = decode;
    // A stream that does not reorder has no business going back: its picture is shown a tick later than the last.
    return { decode, presentation: this.#mayReorder ? presentation : Math.max(presentation, decode) };
  }
}
