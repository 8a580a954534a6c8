// Whether bytes are a whole JPEG picture, told by its two ends alone: no camera's picture is decoded here.

/** Zeros after the end that webcams leave in their fixed-size buffers; more than this is not padding. */
const maxPaddingBytes = 64 * 1024;

/**
 * The picture without padding after its end, or null where these bytes are no whole JPEG: SOI and another marker
 * first (ITU-T T.81 §B.2.1), EOI last. Costs a look at both ends; nothing is copied.
 */
export function trimJpeg(bytes: Uint8Array): Uint8Array | null {
  if (bytes.length < 4 || bytes[0] !== 0xff || bytes[1] !== 0xd8 || bytes[2] !== 0xff) return null;
  let end = bytes.length;
  const least = Math.max(4, end - maxPaddingBytes);
  while (end > least && bytes[end - 1] === 0) end--;
  if (bytes[end - 2] !== 0xff || bytes[end - 1] !== 0xd9) {
    // Some cameras end their parts with a line break that their Content-Length counts.
    while (end > least && (bytes[end - 1] === 0x0a || bytes[end - 1] === 0x0d)) end--;
    if (bytes[end - 2] !== 0xff || bytes[end - 1] !== 0xd9) return null;
  }
  return end === bytes.length ? bytes : bytes.subarray(0, end);
}
