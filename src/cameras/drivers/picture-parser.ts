// Takes the pictures out of a Motion-JPEG stream (multipart/x-mixed-replace, RFC 2046 §5.1) as cameras really write
// it: any delimiter or none declared, lengths missing or wrong. Memory: one picture and what arrived after it;
// each byte is looked at a bounded number of times.
import { AppError } from '../../errors.ts';
import { PendingBytes } from '../../media/pending-bytes.ts';
import { maxSampleBytes } from '../driver.ts';
import { trimJpeg } from '../jpeg.ts';

/** Headers of one part, and what may stand before the first delimiter. */
const maxHeadBytes = 16 * 1024;

/** RFC 2046 §5.1.1 allows 70 characters; some cameras write more. */
const maxDelimiterBytes = 256;

const lineEnd = 0x0a;

export type PictureParser = {
  /** Takes the next bytes and yields the pictures complete by now. Throws `unavailable` where this is no such stream. */
  push(chunk: Uint8Array): Generator<Uint8Array, void, void>;
};

/**
 * `declared` is the boundary parameter, null where there is none. A part's Content-Length is believed only while the
 * picture ends where it says.
 */
export function createPictureParser(declared: string | null, maxBytes = maxSampleBytes): PictureParser {
  const pending = new PendingBytes(64 * 1024);
  let delimiter: Buffer | null = null;
  let isInBody = false;
  let announced: number | null = null;
  let isLengthTrusted = true;
  let skipped = 0; // since the last part, in search of the next delimiter
  let searched = 0; // where a delimiter has been looked for without success

  const use = (count: number) => {
    pending.drop(count);
    searched = 0;
  };

  /** Reads up to the end of a part's headers; false where more bytes are needed. */
  const readHead = (): boolean => {
    for (;;) {
      const rest = pending.bytes;
      const lineLength = rest.indexOf(lineEnd);
      if (lineLength < 0) {
        if (rest.length > maxHeadBytes) throw notAStream();
        return false;
      }
      delimiter ??= delimiterIn(
        rest.toString('latin1', 0, Math.min(lineLength, maxDelimiterBytes)).trim(),
        declared,
      );
      if (delimiter && startsWith(rest, delimiter)) break;
      // Preamble, the rest of a picture longer than it said, or blank lines between parts.
      skipped += lineLength + 1;
      if (skipped > maxBytes) throw notAStream();
      use(lineLength + 1);
    }
    const rest = pending.bytes;
    const head = endOfHead(rest);
    if (head < 0) {
      if (rest.length > maxHeadBytes)
        throw new AppError('unavailable', 'The camera’s pictures have headers without end.');
      return false;
    }
    announced = lengthIn(rest.toString('latin1', 0, head));
    if (announced !== null && announced > maxBytes) throw tooLarge(maxBytes);
    use(head);
    isInBody = true;
    skipped = 0;
    return true;
  };

  /** The next picture's bytes where they are all there; null where more are needed. */
  const readBody = (): Uint8Array | null => {
    const rest = pending.bytes;
    if (announced !== null && isLengthTrusted) {
      if (rest.length < announced) return null;
      const picture = trimJpeg(rest.subarray(0, announced));
      if (picture) {
        const copy = Buffer.from(picture);
        use(announced);
        return copy;
      }
      // Where the length is wrong the delimiter is looked for, from here on to the end of the stream.
      isLengthTrusted = false;
    }
    const found = rest.indexOf(delimiter!, Math.max(0, searched - delimiter!.length));
    if (found < 0) {
      searched = rest.length;
      if (rest.length > maxBytes) throw tooLarge(maxBytes);
      return null;
    }
    let pictureEnd = found;
    if (rest[pictureEnd - 1] === 0x0a) pictureEnd--;
    if (rest[pictureEnd - 1] === 0x0d) pictureEnd--;
    const copy = Buffer.from(rest.subarray(0, Math.max(0, pictureEnd)));
    use(found);
    return copy;
  };

  return {
    *push(chunk) {
      pending.append(chunk);
      for (;;) {
        if (!isInBody && !readHead()) break;
        const picture = readBody();
        if (picture === null) break;
        isInBody = false;
        // An empty part is a camera's keep-alive; what is no JPEG the hub refuses and says so.
        if (picture.length > 0) yield picture;
      }
    },
  };
}

/**
 * The stream's delimiter where this line is one, else null. The declared boundary is a hint only: cameras declare it
 * with the dashes that only the delimiter has, write it without them, or declare another one.
 */
function delimiterIn(line: string, declared: string | null): Buffer | null {
  const isDelimiter = (line.startsWith('--') && line.length > 2) || (line !== '' && line === declared);
  return isDelimiter ? Buffer.from(line, 'latin1') : null;
}

function startsWith(bytes: Buffer, prefix: Buffer): boolean {
  return bytes.length >= prefix.length && bytes.compare(prefix, 0, prefix.length, 0, prefix.length) === 0;
}

/** Where the body begins: after the first empty line, with either line end; -1 where it is not there yet. */
function endOfHead(bytes: Buffer): number {
  const limit = Math.min(bytes.length, maxHeadBytes);
  for (let at = bytes.indexOf(lineEnd); at >= 0 && at < limit; at = bytes.indexOf(lineEnd, at + 1)) {
    if (bytes[at + 1] === 0x0a) return at + 2;
    if (bytes[at + 1] === 0x0d && bytes[at + 2] === 0x0a) return at + 3;
  }
  return -1;
}

function lengthIn(head: string): number | null {
  const length = /^content-length:[ \t]*(\d{1,15})[ \t]*\r?$/im.exec(head);
  return length ? Number(length[1]) : null;
}

function tooLarge(maxBytes: number): AppError {
  return new AppError(
    'unavailable',
    `The camera sends a picture of more than ${Math.round(maxBytes / 1024 / 1024)} MB.`,
  );
}

function notAStream(): AppError {
  return new AppError('unavailable', 'The camera’s answer has no delimiter between its pictures.');
}
