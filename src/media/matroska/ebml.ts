// EBML as RFC 8794 has it: element ids and sizes as variable-size integers, and the values of elements that are
// held in memory whole. All of it is hostile: nothing here reads past the bytes it was given.
import type { ByteFeed } from '../feed.ts';

/** The size of an element whose header says "unknown": it ends where its parent or a sibling begins. */
export const unknownSize = -1;

/** An answer of ElementHeader.read: these bytes are no element. */
export const notAnElement = -1;

/** The header of the element at the feed's position; one object serves a whole scan, so that no element costs one. */
export class ElementHeader {
  id = 0;
  /** Bytes of content, or `unknownSize`. */
  size = 0;
  /** Bytes of the header itself. */
  headerBytes = 0;
  /** EBMLMaxIDLength of the file (RFC 8794 §11.2.4): longer ids are garbage. */
  maxIdBytes = 4;

  /**
   * Reads the header at `feed.position` without moving on. 0: it is in the fields. More than 0: so many bytes must
   * be available first. `notAnElement`: this is garbage.
   */
  read(feed: ByteFeed): number {
    const { bytes, at } = feed;
    const available = bytes.length - at;
    if (available < 2) return 2;
    const first = bytes[at]!;
    // RFC 8794 §5: the zeros before the marker tell the width. A byte of zeros means more than 8: never an id.
    const idBytes = first >= 0x80 ? 1 : Math.clz32(first) - 23;
    if (idBytes > this.maxIdBytes) return notAnElement;
    if (available <= idBytes) return idBytes + 1;
    let id = first;
    for (let index = 1; index < idBytes; index += 1) id = id * 256 + bytes[at + index]!;

    const sizeFirst = bytes[at + idBytes]!;
    const sizeBytes = Math.clz32(sizeFirst) - 23;
    // Widths up to 8 are taken whatever EBMLMaxSizeLength says: writers exceed what they declare, readers need not care.
    if (sizeBytes > 8) return notAnElement;
    const headerBytes = idBytes + sizeBytes;
    if (available < headerBytes) return headerBytes;
    const mask = 0xff >> sizeBytes;
    let size = sizeFirst & mask;
    let isUnknown = size === mask;
    for (let index = 1; index < sizeBytes; index += 1) {
      const byte = bytes[at + idBytes + index]!;
      size = size * 256 + byte;
      isUnknown &&= byte === 0xff;
    }
    this.id = id;
    this.size = isUnknown ? unknownSize : size;
    this.headerBytes = headerBytes;
    return 0;
  }
}

/** Width in bytes of the variable-size integer that begins with `first` (RFC 8794 §4); more than 8 where it is none. */
export function vintBytes(first: number): number {
  return Math.clz32(first) - 23;
}

/** The value of the variable-size integer at `at`, `width` bytes wide, without its marker. Exact to 2^53. */
export function vintValue(bytes: Uint8Array, at: number, width: number): number {
  let value = bytes[at]! & (0xff >> width);
  for (let index = 1; index < width; index += 1) value = value * 256 + bytes[at + index]!;
  return value;
}

/** An element inside a parent that is held in memory: where its content lies. */
export type Element = { readonly id: number; readonly data: Uint8Array };

/** The children of a master element held in memory; stops at the first that is damaged or does not fit. */
export function* children(parent: Uint8Array): Generator<Element, void, void> {
  let at = 0;
  while (at < parent.length) {
    const idBytes = vintBytes(parent[at]!);
    if (idBytes > 8 || at + idBytes >= parent.length) return;
    let id = 0;
    for (let index = 0; index < idBytes; index += 1) id = id * 256 + parent[at + index]!;
    at += idBytes;
    const sizeBytes = vintBytes(parent[at]!);
    if (sizeBytes > 8 || at + sizeBytes > parent.length) return;
    const size = vintValue(parent, at, sizeBytes);
    at += sizeBytes;
    if (size > parent.length - at) return;
    yield { id, data: parent.subarray(at, at + size) };
    at += size;
  }
}

/** Unsigned Integer Element (RFC 8794 §7.2). Values past 2^53 lose their lowest bits, which no caller needs. */
export function readUint(data: Uint8Array): number {
  let value = 0;
  for (const byte of data.subarray(0, 8)) value = value * 256 + byte;
  return value;
}

/** Signed Integer Element (RFC 8794 §7.1). */
export function readInt(data: Uint8Array): number {
  const width = Math.min(data.length, 8);
  if (width === 0) return 0;
  const value = readUint(data);
  return data[0]! >= 0x80 ? value - 256 ** width : value;
}

/** Float Element (RFC 8794 §7.3): 0, 4 or 8 bytes; NaN becomes 0, as no field here can use it. */
export function readFloat(data: Uint8Array): number {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const value = data.length === 4 ? view.getFloat32(0) : data.length === 8 ? view.getFloat64(0) : 0;
  return Number.isFinite(value) ? value : 0;
}

/** String and UTF-8 Elements (RFC 8794 §7.4, §7.5): zeros at the end are padding. At most 4 KiB are of use to anyone. */
export function readString(data: Uint8Array): string {
  const end = data.indexOf(0);
  return new TextDecoder().decode(data.subarray(0, Math.min(end < 0 ? data.length : end, 4096)));
}
