// The scan of an arriving or stored file, made safe to lean on: a file is refused only for not being a video or
// sound at all. Whatever else is wrong with it, or with a parser, is an outcome with a reason, and the original is kept.
import type { Logger } from 'pino';
import type { BlobReader, BlobStore } from '../blobs/blob-store.ts';
import { isAppError } from '../errors.ts';
import { createMediaScan, type MediaScanResult, scanStored } from '../media/scan.ts';

/** What a file turned out to be. `broken`: a known container that could not be read, and a sentence that says why. */
export type ScanOutcome = MediaScanResult | { readonly kind: 'broken'; readonly reason: string };

export type CarefulScan = {
  /** Bytes that went through it. */
  readonly receivedBytes: number;
  /** Takes the next bytes; they may be reused afterwards. Throws `unsupported-media` and nothing else. */
  push(chunk: Uint8Array): void;
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

/** Scans a sealed blob. Throws as `scanBlob`, and `not-found`. */
export async function scanSealed(
  blobId: string,
  { blobs, log }: { readonly blobs: BlobStore; readonly log: Logger },
): Promise<ScanOutcome> {
  const reader = await blobs.open(blobId);
  try {
    return await scanBlob(reader, log);
  } finally {
    await reader.close();
  }
}

/** A new scan that has seen what has arrived so far. Throws `unsupported-media`, and what reading throws. */
export async function scanBeginning(reader: BlobReader, log: Logger): Promise<CarefulScan> {
  const scan = createCarefulScan(log);
  const bytes = new Uint8Array(reader.sizeBytes);
  scan.push(bytes.subarray(0, await reader.read(bytes, 0)));
  return scan;
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
