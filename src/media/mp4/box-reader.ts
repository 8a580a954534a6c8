// Reads ISO BMFF boxes (ISO/IEC 14496-12 §4.2) inside bytes that are held already. Everything read is hostile: a
// box never reaches past the bytes it is in, and every loop over boxes moves on by at least eight bytes.

/** A box within some bytes: its content is `start` .. `end` (end-exclusive), its header begins at `boxStart`. */
export type Box = {
  readonly type: string;
  readonly boxStart: number;
  readonly start: number;
  readonly end: number;
};

/** More children than this in one box are not looked at: no writer makes so many, and each costs an object. */
const maxChildren = 10_000;

/** The bytes of a box tree and a big-endian view of them. */
export class BoxBytes {
  readonly bytes: Uint8Array;
  readonly view: DataView;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Four characters, one byte each. */
  type(at: number): string {
    const { bytes } = this;
    return String.fromCharCode(bytes[at]!, bytes[at + 1]!, bytes[at + 2]!, bytes[at + 3]!);
  }

  u64(at: number): number {
    return this.view.getUint32(at) * 2 ** 32 + this.view.getUint32(at + 4);
  }

  i64(at: number): number {
    return this.view.getInt32(at) * 2 ** 32 + this.view.getUint32(at + 4);
  }

  /** The boxes in `start` .. `end`; a last one that claims more than there is ends at `end`. */
  children(start: number, end: number): Box[] {
    const found: Box[] = [];
    let at = start;
    while (at + 8 <= end && found.length < maxChildren) {
      let size = this.view.getUint32(at);
      let header = 8;
      if (size === 1 && at + 16 <= end) {
        size = this.u64(at + 8);
        header = 16;
      } else if (size === 0) {
        size = end - at;
      }
      const type = this.type(at + 4);
      // A size below the header's is nonsense; padding written that way is stepped over, all else ends the list
      // (QuickTime ends some lists with four zero bytes).
      if (size < header) {
        if (!isPadding(type)) break;
        size = header;
      }
      found.push({ type, boxStart: at, start: at + header, end: Math.min(end, at + size) });
      at += size;
    }
    return found;
  }

  /** The first child of that type with at least `leastBytes` of content; null where there is none. */
  child(parent: Box, type: string, leastBytes = 0): Box | null {
    for (const box of this.children(parent.start, parent.end))
      if (box.type === type && box.end - box.start >= leastBytes) return box;
    return null;
  }

  /** Goes down a path of first children. */
  descend(parent: Box, ...path: string[]): Box | null {
    let box: Box | null = parent;
    for (const type of path) box = box && this.child(box, type);
    return box;
  }

  /** A null-terminated or filling UTF-8 text, at most 1,000 bytes of it. */
  text(start: number, end: number): string {
    const slice = this.bytes.subarray(start, Math.min(end, start + 1000));
    const zero = slice.indexOf(0);
    return new TextDecoder().decode(zero < 0 ? slice : slice.subarray(0, zero)).trim();
  }
}

/** Boxes that hold nothing: `free`, `skip` (§8.1.2), QuickTime's `wide`. */
export function isPadding(type: string): boolean {
  return type === 'free' || type === 'skip' || type === 'wide';
}
