// Cuts JPEG pictures that follow each other without anything between them (`rpicam-vid --codec mjpeg`, FFmpeg's
// `-f mjpeg`) at their ends, walking the segments (ITU-T T.81 §B.1) so that a thumbnail inside a picture, or an EOI
// that only looks like one, cuts nothing. Memory: one picture and what arrived after it; each byte is walked once.
import { AppError } from '../../errors.ts';
import { PendingBytes } from '../../media/pending-bytes.ts';
import { maxSampleBytes } from '../driver.ts';

export type JpegSplitter = {
  /** Takes the next bytes and yields the pictures complete by now; copies. Throws `unavailable`. */
  push(chunk: Uint8Array): Generator<Buffer, void, void>;
};

/** Bytes between two pictures that are no picture: more of them is another format. */
const maxJunkBytes = 64 * 1024;

export function createJpegSplitter(maxBytes = maxSampleBytes): JpegSplitter {
  const pending = new PendingBytes(256 * 1024);
  /** How far the present picture has been walked; 0: it has not begun. */
  let walked = 0;
  let isInScan = false;
  let junk = 0;

  /** Steps over what stands before the next SOI; true where it is there. */
  const begin = (): boolean => {
    const at = pending.bytes.indexOf('\xff\xd8\xff', 0, 'latin1');
    const skipped = at < 0 ? Math.max(0, pending.length - 2) : at;
    junk += skipped;
    pending.drop(skipped);
    if (junk > maxJunkBytes)
      throw new AppError('unavailable', 'The camera sends something that is no JPEG picture.');
    if (at < 0) return false;
    junk = 0;
    walked = 2;
    isInScan = false;
    return true;
  };

  /** Where the present picture ends; 0 where more bytes are needed, -1 where it is none. */
  const findEnd = (): number => {
    const { bytes } = pending;
    for (;;) {
      if (isInScan) {
        const at = bytes.indexOf(0xff, walked);
        if (at < 0 || at + 1 >= bytes.length) {
          walked = at < 0 ? bytes.length : at;
          return 0;
        }
        const next = bytes[at + 1]!;
        // Stuffed zero, RST0 to RST7, fill bytes: still the scan (§B.1.1.5).
        if (next === 0 || (next >= 0xd0 && next <= 0xd7)) walked = at + 2;
        else if (next === 0xff) walked = at + 1;
        else {
          walked = at;
          isInScan = false;
        }
        continue;
      }
      if (walked + 4 > bytes.length) {
        const isEnd = walked + 2 <= bytes.length && bytes[walked] === 0xff && bytes[walked + 1] === 0xd9;
        return isEnd ? walked + 2 : 0;
      }
      if (bytes[walked] !== 0xff) return -1;
      const marker = bytes[walked + 1]!;
      if (marker === 0xd9) return walked + 2; //                 EOI
      if (marker === 0xff) walked += 1;
      else if (marker === 0xd8 || marker < 0xc0) return -1;
      else {
        const length = bytes.readUInt16BE(walked + 2);
        if (length < 2) return -1;
        walked += 2 + length;
        isInScan = marker === 0xda; //                           SOS
      }
    }
  };

  return {
    *push(chunk) {
      pending.append(chunk);
      for (;;) {
        if (walked === 0 && !begin()) return;
        const end = findEnd();
        if (end === 0) {
          if (pending.length > maxBytes) {
            throw new AppError(
              'unavailable',
              `The camera sends a picture of more than ${Math.round(maxBytes / 1024 / 1024)} MB.`,
            );
          }
          return;
        }
        walked = 0;
        if (end < 0) {
          // Damaged: on with what looks like the next picture.
          pending.drop(2);
          junk += 2;
          continue;
        }
        const picture = Buffer.from(pending.bytes.subarray(0, end));
        pending.drop(end);
        yield picture;
      }
    },
  };
}
