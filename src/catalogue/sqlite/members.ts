// A set of numbers from 0 to 4095 as bytes: which videos of one bucket have a word or a facet. Few members are a sorted list of
// 16-bit numbers (little-endian), 256 or more a bitmap of 512 bytes; the length tells which. Pure.

/** Videos in one bucket: a bitmap of it (512 bytes) stays within one page of the B-tree. */
export const bucketSize = 4096;
const bitmapBytes = bucketSize / 8;

/** The members of stored bytes, as a bitmap; a list is unpacked into `into` where one is given. */
export function readMembers(stored: Uint8Array, into = new Uint8Array(bitmapBytes)): Uint8Array {
  if (stored.length === bitmapBytes) return stored;
  into.fill(0);
  for (let i = 0; i + 1 < stored.length; i += 2) addMember(into, (stored[i]! | (stored[i + 1]! << 8)) & 4095);
  return into;
}

/** The shorter of the two forms; null for the empty set. */
export function writeMembers(bitmap: Uint8Array): Uint8Array | null {
  const count = countMembers(bitmap);
  if (count === 0) return null;
  if (count * 2 >= bitmapBytes) return bitmap;
  const list = new Uint8Array(count * 2);
  let at = 0;
  for (let i = 0; i < bitmapBytes; i++) {
    for (let byte = bitmap[i]!; byte > 0; byte &= byte - 1) {
      const member = i * 8 + (31 - Math.clz32(byte & -byte));
      list[at++] = member & 255;
      list[at++] = member >> 8;
    }
  }
  return list;
}

export function addMember(bitmap: Uint8Array, member: number): void {
  bitmap[member >> 3]! |= 1 << (member & 7);
}

export function dropMember(bitmap: Uint8Array, member: number): void {
  bitmap[member >> 3]! &= ~(1 << (member & 7));
}

export function countMembers(bitmap: Uint8Array): number {
  let count = 0;
  for (let i = 0; i < bitmapBytes; i++) for (let byte = bitmap[i]!; byte > 0; byte &= byte - 1) count++;
  return count;
}

export function hasMember(bitmap: Uint8Array, member: number): boolean {
  return (bitmap[member >> 3]! & (1 << (member & 7))) !== 0;
}

/** Adds the members of `from`. */
export function uniteMembers(bitmap: Uint8Array, from: Uint8Array): void {
  for (let i = 0; i < bitmapBytes; i++) bitmap[i]! |= from[i]!;
}

/** Keeps the members that `other` has too; false where none is left. */
export function intersectMembers(bitmap: Uint8Array, other: Uint8Array): boolean {
  let left = 0;
  for (let i = 0; i < bitmapBytes; i++) left |= bitmap[i]! &= other[i]!;
  return left !== 0;
}

/** Takes the members of `other` away; false where none is left. */
export function subtractMembers(bitmap: Uint8Array, other: Uint8Array): boolean {
  let left = 0;
  for (let i = 0; i < bitmapBytes; i++) left |= bitmap[i]! &= ~other[i]!;
  return left !== 0;
}

/** Calls `take` with the members from `start` on, the lowest first, until it returns false. */
export function eachMemberUp(bitmap: Uint8Array, start: number, take: (member: number) => boolean): void {
  for (let i = start >> 3; i < bitmapBytes; i++) {
    let byte = bitmap[i]!;
    if (i === start >> 3) byte &= -1 << (start & 7);
    for (; byte > 0; byte &= byte - 1) if (!take(i * 8 + (31 - Math.clz32(byte & -byte)))) return;
  }
}

/** Calls `take` with the members below `end`, the highest first, until it returns false. */
export function eachMemberDown(bitmap: Uint8Array, end: number, take: (member: number) => boolean): void {
  for (let i = (end - 1) >> 3; i >= 0; i--) {
    let byte = bitmap[i]!;
    if (i === end >> 3) byte &= (1 << (end & 7)) - 1;
    while (byte > 0) {
      const bit = 31 - Math.clz32(byte);
      byte ^= 1 << bit;
      if (!take(i * 8 + bit)) return;
    }
  }
}
