// The scan of an arriving or stored file, made safe to lean on: a file is refused only for not being a video or
// sound at all. Whatever else is wrong with it, or with a parser, is an outcome with a reason, and the original is kept.
import type { Logger } from 'pino';
import type { BlobReader } from '../blobs/blob-store.ts';
import { AppError, isAppError } from '../errors.ts';
import { createMediaScan, type MediaScanResult, scanStored } from '../media/scan.ts';

/** What a file turned out to be. `broken`: a known container that could not be read, and a sentence that says why. */
export type ScanOutcome = MediaScanResult | { readonly kind: 'broken'; readonly reason: string };

export type CarefulScan = {
  /** Bytes that went through it. */
  readonly receivedBytes: number;
  /** Takes the next bytes; they may be reused afterwards. Throws `unsupported-media` and nothing else. */
  push(chunk: Uint8Array): void;
  /** How many of the next bytes need not be given; Infinity where all that is left. */
  readonly passableBytes: number;
  /** Takes the next `count` bytes, at most `passableBytes`, as arrived. */
  pass(count: number): void;
  /** After the last byte. Throws `unsupported-media` and nothing else. */
  finish(): ScanOutcome;
};

export function createCarefulScan(log: Logger): CarefulScan {
  const scan = createMediaScan();
  let receivedBytes = 0;
  let broken: ScanOutcome | null = null;
  return {
    get receivedBytes() {
      return receivedBytes;
    },
    push(chunk) {
      receivedBytes += chunk.length;
      if (broken) return;
      try {
        scan.push(chunk);
      } catch (error) {
        broken = outcomeOf(error, log);
      }
    },
    get passableBytes() {
      return broken ? Number.POSITIVE_INFINITY : scan.passableBytes;
    },
    pass(count) {
      receivedBytes += count;
      if (!broken) scan.pass(count);
    },
    finish() {
      if (broken) return broken;
      try {
        return scan.finish();
      } catch (error) {
        return outcomeOf(error, log);
      }
    },
  };
}

/** Scans a stored file in small reads. Throws `unsupported-media`, and what reading the blob throws. */
export async function scanBlob(reader: BlobReader, log: Logger): Promise<ScanOutcome> {
  let failedRead: unknown = null;
  const readAt = async (into: Uint8Array, position: number): Promise<number> => {
    try {
      return await reader.read(into, position);
    } catch (error) {
      failedRead = error;
      throw error;
    }
  };
  try {
    return await scanStored(readAt, reader.sizeBytes);
  } catch (error) {
    // A disk that does not answer says nothing about the file.
    if (failedRead !== null) throw failedRead;
    return outcomeOf(error, log);
  }
}

/** Large enough that reading is quick, small enough for many at once. */
const replayBytes = 1024 * 1024;
/** Reading over less than this is quicker than going around it. */
const leastPassedBytes = 64 * 1024;

/**
 * Takes a new scan to where the bytes that have arrived end, reading those it looks at: next to nothing of an MP4, most
 * of a Matroska file. Throws `unsupported-media`, and what reading throws.
 */
export async function replay(scan: CarefulScan, reader: BlobReader): Promise<void> {
  const buffer = new Uint8Array(Math.min(replayBytes, reader.sizeBytes));
  // What stands at a place where the parser looks is small, as a rule: reads begin small and grow while it goes on.
  let ahead = leastPassedBytes;
  for (;;) {
    const left = reader.sizeBytes - scan.receivedBytes;
    if (left <= 0) return;
    const passable = Math.min(scan.passableBytes, left);
    if (passable >= leastPassedBytes) {
      scan.pass(passable);
      ahead = leastPassedBytes;
      continue;
    }
    const want = Math.min(ahead, buffer.length, left);
    ahead = Math.min(ahead * 4, replayBytes);
    const read = await reader.read(buffer.subarray(0, want), scan.receivedBytes);
    if (read === 0) throw new AppError('corrupt', 'What had arrived of this upload can no longer be read.');
    scan.push(buffer.subarray(0, read));
  }
}

function outcomeOf(error: unknown, log: Logger): ScanOutcome {
  if (isAppError(error, 'unsupported-media')) throw error;
  if (isAppError(error)) return { kind: 'broken', reason: error.message };
  log.error({ err: error }, 'a parser failed over a file; the file is kept');
  return {
    kind: 'broken',
    reason: 'This file made our reader of it fail. It is kept as it came; the log says more.',
  };
}
