// Tells MPEG audio and ADTS, which have no signature: a plausible header is believed only when another one stands
// where the first frame ends.

const rates = [44100, 48000, 32000];
/** kbit/s by bitrate_index (ISO/IEC 11172-3 §2.4.2.3, 13818-3 §2.4.2.3). */
const kilobits = {
  v1l2: [0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384],
  v1l3: [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
  v2: [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
};

/** Bytes of the MPEG audio frame at `at` and its layer; null where there is none. */
function mpegFrame(bytes: Uint8Array, at: number): { length: number; layer: 2 | 3 } | null {
  if (at + 4 > bytes.length || bytes[at] !== 0xff || (bytes[at + 1]! & 0xe0) !== 0xe0) return null;
  const version = (bytes[at + 1]! >>> 3) & 3; //                 0: 2.5, 2: 2, 3: 1
  const layer = 4 - ((bytes[at + 1]! >>> 1) & 3);
  const rateIndex = (bytes[at + 2]! >>> 2) & 3;
  if (version === 1 || (layer !== 2 && layer !== 3) || rateIndex === 3) return null;
  const table = version === 3 ? (layer === 3 ? kilobits.v1l3 : kilobits.v1l2) : kilobits.v2;
  const bitrate = table[bytes[at + 2]! >>> 4]; //                free format is not believed
  if (!bitrate) return null;
  const rate = rates[rateIndex]! / (version === 3 ? 1 : version === 2 ? 2 : 4);
  const perFrame = layer === 3 && version !== 3 ? 72 : 144;
  const padding = (bytes[at + 2]! >>> 1) & 1;
  return { length: Math.floor((perFrame * bitrate * 1000) / rate) + padding, layer };
}

/** The layer of the MPEG audio that `bytes` begin with, or 0. */
export function looksLikeMpegAudio(bytes: Uint8Array, isWhole: boolean): 0 | 2 | 3 {
  const first = mpegFrame(bytes, 0);
  if (!first) return 0;
  if (isWhole && first.length === bytes.length) return first.layer;
  return mpegFrame(bytes, first.length)?.layer === first.layer ? first.layer : 0;
}

/** Bytes of the ADTS frame at `at` (ISO/IEC 13818-7 §6.2); 0 where there is none. */
function adtsFrame(bytes: Uint8Array, at: number): number {
  if (at + 7 > bytes.length || bytes[at] !== 0xff || (bytes[at + 1]! & 0xf6) !== 0xf0) return 0;
  if (((bytes[at + 2]! >>> 2) & 15) > 12) return 0; //           sampling_frequency_index
  const length = ((bytes[at + 3]! & 3) << 11) | (bytes[at + 4]! << 3) | (bytes[at + 5]! >>> 5);
  return length > 7 ? length : 0;
}

/** Whether `bytes` begin with AAC in ADTS frames. */
export function looksLikeAdts(bytes: Uint8Array, isWhole: boolean): boolean {
  const length = adtsFrame(bytes, 0);
  if (length === 0) return false;
  return (isWhole && length === bytes.length) || adtsFrame(bytes, length) > 0;
}

/** Whether an ID3v2 tag (id3.org, "ID3 tag version 2.4.0" §3.1) stands in front. */
export function startsWithId3(bytes: Uint8Array): boolean {
  if (bytes[0] !== 0x49 || bytes[1] !== 0x44 || bytes[2] !== 0x33) return false;
  return bytes[3]! < 0xff && bytes[4]! < 0xff && bytes.subarray(6, 10).every((byte) => byte < 0x80);
}
