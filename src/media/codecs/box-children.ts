// Finds the boxes inside a box, in bytes that may say anything: every size is checked, and at most 64 are looked at.

/** The first box of each type, size and type included. */
export type Children = ReadonlyMap<string, Uint8Array>;

/** No sample entry has nearly as many; a hostile one could hold millions of empty boxes. */
const maxChildren = 64;

/** The four characters at `at`; the caller has checked that they are there. */
export function readFourCc(bytes: Uint8Array, at: number): string {
  return String.fromCharCode(bytes[at]!, bytes[at + 1]!, bytes[at + 2]!, bytes[at + 3]!);
}

/** Walks the boxes of `bytes` from `at` on (ISO/IEC 14496-12 §4.2); what does not fit ends the walk. */
export function childrenOf(bytes: Uint8Array, at: number): Children {
  const children = new Map<string, Uint8Array>();
  for (let count = 0; count < maxChildren && at + 8 <= bytes.length; count++) {
    const size = bytes[at]! * 2 ** 24 + bytes[at + 1]! * 2 ** 16 + bytes[at + 2]! * 256 + bytes[at + 3]!;
    // 0, "to the end", is allowed only at the top of a file; here it is QuickTime's terminator.
    if (size < 8 || at + size > bytes.length) break;
    const type = readFourCc(bytes, at + 4);
    if (!children.has(type)) children.set(type, bytes.subarray(at, at + size));
    at += size;
  }
  return children;
}
