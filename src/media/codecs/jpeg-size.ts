// The size of a JPEG picture from its frame header (ITU-T T.81 §B.2.2), without decoding it.

/** Markers looked at before the frame header; cameras write fewer than ten. */
const maxSegments = 64;

/** Width and height in pixels; null where there is no frame header among the first segments. */
export function readJpegSize(bytes: Uint8Array): { width: number; height: number } | null {
  let at = 2; //                                                 past SOI
  for (let segment = 0; segment < maxSegments && at + 9 <= bytes.length; segment++) {
    if (bytes[at] !== 0xff) return null;
    const marker = bytes[at + 1]!;
    if (marker === 0xff) {
      at += 1; //                                                fill byte (§B.1.1.2)
      continue;
    }
    // SOF0 to SOF15 without DHT, JPG and DAC, which share their range (§B.1.1.3).
    if (marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc) {
      const height = bytes[at + 5]! * 256 + bytes[at + 6]!; //   Y
      const width = bytes[at + 7]! * 256 + bytes[at + 8]!; //    X
      return width > 0 && height > 0 ? { width, height } : null;
    }
    if (marker === 0xda) return null; //                         SOS: the picture itself
    const length = bytes[at + 2]! * 256 + bytes[at + 3]!;
    if (length < 2) return null;
    at += 2 + length;
  }
  return null;
}
