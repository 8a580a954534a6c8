// Lacing: several frames in one Block (RFC 9559 §10.3). The sizes of all but the last frame stand before the frames.
import { vintBytes, vintValue } from './ebml.ts';

/** The two lacing bits of a Block's flags (RFC 9559 §10.1). */
export const lacings = { none: 0, xiph: 1, fixed: 2, ebml: 3 } as const;

/** An answer of Lace.read: the sizes cannot be right. */
const damagedLace = -1;

/** The frame sizes of one Block; one object serves a whole scan. */
export class Lace {
  /** Frames in the Block, 1 to 256. */
  count = 0;
  readonly sizes = new Float64Array(256);
  /** Bytes of the lacing head; the first frame follows it. */
  headBytes = 0;

  /**
   * Reads the lacing head at `bytes[at]`; `size` bytes of the Block are left from there. 0: it is in the fields.
   * More than 0: so many bytes from `at` on are needed. `damagedLace`: the sizes do not fit the Block.
   */
  read(lacing: number, bytes: Uint8Array, at: number, size: number): number {
    const available = Math.min(bytes.length - at, size);
    if (size < 1) return damagedLace;
    if (available < 1) return 1;
    this.count = bytes[at]! + 1;
    this.headBytes = 1;
    if (lacing === lacings.fixed) return this.#fixed(size - 1);
    const answer =
      lacing === lacings.xiph ? this.#xiph(bytes, at, available) : this.#ebml(bytes, at, available);
    if (answer === 0) return this.#last(size);
    // Asking for twice as much each time reaches the end of any head in a few steps.
    return answer > 0 && available < size ? Math.min(size, Math.max(answer, available * 2)) : damagedLace;
  }

  /** RFC 9559 §10.3.4: all frames are of one size. */
  #fixed(total: number): number {
    if (total % this.count !== 0) return damagedLace;
    this.sizes.fill(total / this.count, 0, this.count);
    return 0;
  }

  /** RFC 9559 §10.3.2: each size is a run of 255s and a byte below 255. */
  #xiph(bytes: Uint8Array, at: number, available: number): number {
    let head = 1;
    for (let frame = 0; frame < this.count - 1; frame += 1) {
      let size = 0;
      for (;;) {
        if (head >= available) return head + 1;
        const byte = bytes[at + head]!;
        head += 1;
        size += byte;
        if (byte < 255) break;
      }
      this.sizes[frame] = size;
    }
    this.headBytes = head;
    return 0;
  }

  /** RFC 9559 §10.3.3: the first size is a variable-size integer, the next are signed differences to the one before. */
  #ebml(bytes: Uint8Array, at: number, available: number): number {
    let head = 1;
    let size = 0;
    for (let frame = 0; frame < this.count - 1; frame += 1) {
      if (head >= available) return head + 1;
      const width = vintBytes(bytes[at + head]!);
      if (width > 8) return damagedLace;
      if (head + width > available) return head + width;
      const value = vintValue(bytes, at + head, width);
      // The difference is stored with half the range added (the bias of its width).
      size = frame === 0 ? value : size + value - (2 ** (7 * width - 1) - 1);
      if (size < 0) return damagedLace;
      this.sizes[frame] = size;
      head += width;
    }
    this.headBytes = head;
    return 0;
  }

  /** The last frame has what the others leave. */
  #last(size: number): number {
    let rest = size - this.headBytes;
    for (let frame = 0; frame < this.count - 1; frame += 1) rest -= this.sizes[frame]!;
    if (rest < 0) return damagedLace;
    this.sizes[this.count - 1] = rest;
    return 0;
  }
}
