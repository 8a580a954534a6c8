// From the bytes of any file to what it is: sniffed from its beginning, then read by the parser of its kind, while it
// arrives or from where it is stored. Memory: the first 4 KiB, then what the parser holds.
import { AppError } from '../errors.ts';
import {
  type ByteFeed,
  createPushScan,
  type Parser,
  type PushScan,
  type ReadAt,
  scanByReading,
} from './feed.ts';
import { parseMatroska } from './matroska/scan.ts';
import { parseMp4 } from './mp4/parse-mp4.ts';
import { maxSniffBytes, type Sniffed, sniff } from './sniff.ts';
import type { MediaIndex } from './track.ts';

export type MediaScanResult =
  | { readonly kind: 'index'; readonly index: MediaIndex }
  /** Video or sound of a kind that has no index here. */
  | { readonly kind: 'other'; readonly sniffed: Sniffed };

export type MediaScan = {
  /** What the file is; null until enough of it has arrived. */
  readonly sniffed: Sniffed | null;
  /**
   * Takes the next bytes; they may be reused when this returns. Throws AppError `unsupported-media` as soon as it is
   * known that the file is neither video nor sound, and what the parsers throw where it is one that cannot be read.
   */
  push(chunk: Uint8Array): void;
  /** How many of the next bytes need not be given; Infinity where all that is left. */
  readonly passableBytes: number;
  /** Takes the next `count` bytes, at most `passableBytes`, as arrived. */
  pass(count: number): void;
  /** After the last byte. Throws as `push` does; what `push` threw before, again. */
  finish(): MediaScanResult;
};

const notMedia = 'This is neither a video nor sound, or of a kind that is not known.';

function parserOf({ kind }: Sniffed): ((feed: ByteFeed) => Parser<MediaIndex>) | null {
  if (kind === 'matroska' || kind === 'webm') return (feed) => parseMatroska(feed);
  if (kind === 'mp4' || kind === 'mov') return parseMp4;
  return null;
}

/** Scans a file as its bytes arrive. */
export function createMediaScan(): MediaScan {
  const head = new Uint8Array(maxSniffBytes);
  let headBytes = 0;
  let sniffed: Sniffed | null = null;
  let parsing: PushScan<MediaIndex> | null = null;
  let failure: { error: unknown } | null = null;

  /** Looks at the beginning; once it is known what it is, hands it on. */
  const look = (isWhole: boolean) => {
    const found = sniff(head.subarray(0, headBytes), isWhole);
    if (found === 'need-more') return;
    if (found === 'unknown') throw new AppError('unsupported-media', notMedia);
    sniffed = found;
    const parser = parserOf(found);
    if (!parser) return;
    parsing = createPushScan(parser);
    parsing.push(head.subarray(0, headBytes));
  };
  const guarded = <Result>(run: () => Result): Result => {
    if (failure) throw failure.error;
    try {
      return run();
    } catch (error) {
      failure = { error };
      throw error;
    }
  };

  return {
    get sniffed() {
      return sniffed;
    },
    push(chunk) {
      if (failure) return;
      guarded(() => {
        let rest = chunk;
        while (!sniffed && rest.length > 0) {
          const taken = rest.subarray(0, maxSniffBytes - headBytes);
          head.set(taken, headBytes);
          headBytes += taken.length;
          rest = rest.subarray(taken.length);
          look(false);
        }
        if (rest.length > 0) parsing?.push(rest);
      });
    },
    get passableBytes() {
      if (failure || (sniffed && !parsing)) return Number.POSITIVE_INFINITY;
      return parsing?.passableBytes ?? 0;
    },
    pass(count) {
      if (count > this.passableBytes)
        throw new AppError('internal', 'a scan was not given bytes that it needs');
      if (!failure) parsing?.pass(count);
    },
    finish() {
      return guarded(() => {
        if (!sniffed) look(true);
        if (parsing) return { kind: 'index', index: parsing.finish() };
        return { kind: 'other', sniffed: sniffed! };
      });
    },
  };
}

/** The same from a stored file, in small reads where the parser looks. Throws what `createMediaScan` does, and `readAt`. */
export async function scanStored(readAt: ReadAt, sizeBytes: number): Promise<MediaScanResult> {
  const head = new Uint8Array(Math.min(maxSniffBytes, sizeBytes));
  let headBytes = 0;
  while (headBytes < head.length) {
    const readBytes = await readAt(head.subarray(headBytes), headBytes);
    if (readBytes <= 0) break;
    headBytes += readBytes;
  }
  const sniffed = sniff(head.subarray(0, headBytes), headBytes < maxSniffBytes || headBytes >= sizeBytes);
  if (typeof sniffed === 'string') throw new AppError('unsupported-media', notMedia);
  const parser = parserOf(sniffed);
  if (!parser) return { kind: 'other', sniffed };
  return { kind: 'index', index: await scanByReading(parser, readAt, sizeBytes) };
}
