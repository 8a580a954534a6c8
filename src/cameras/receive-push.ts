// Takes what a camera or a phone sends (POST /api/v1/cameras/:id/push) apart into samples: JPEG pictures as multipart
// of any kind or one alone, or fragmented MP4. Told by its declared type, else by its first bytes.
import type { Clock } from '../clock.ts';
import { AppError, isAppError } from '../errors.ts';
import { createFragmentStream } from '../media/mp4/live-fragments.ts';
import type { PushedStream } from './cameras.ts';
import { type CameraSample, maxSampleBytes } from './driver.ts';
import { createPictureParser } from './drivers/picture-parser.ts';
import { trimJpeg } from './jpeg.ts';
import type { Senders } from './senders.ts';

/** A sender that sends nothing for so long is let go: a phone that lost its network says nothing either. */
const silentMs = 30_000;

/** Turns bytes into samples. */
type Splitter = {
  push(chunk: Uint8Array): Iterable<CameraSample>;
  /** What is complete only at the end. */
  end?(): Iterable<CameraSample>;
};

/** Types that say nothing: curl's for `--data-binary`, and what others send for want of a better. */
const vagueTypes = ['', 'application/octet-stream', 'application/x-www-form-urlencoded'];

/**
 * Hands all samples of the stream over; resolves to their number when the body has ended. Throws `conflict`,
 * `unsupported-media`, `bad-request`, or the signal's reason. What came before an error was handed over.
 */
export async function receivePush(
  { type, body }: Pick<PushedStream, 'type' | 'body'>,
  senders: Senders,
  clock: Clock,
  signal: AbortSignal,
): Promise<number> {
  const declared = type.split(';')[0]!.trim().toLowerCase();
  const isVague = vagueTypes.includes(declared);
  let splitter = isVague ? null : splitterFor(declared, type, clock);
  const sender = senders.begin();
  const ended = AbortSignal.any([signal, sender.signal]);
  const bytes = body[Symbol.asyncIterator]();
  let count = 0;
  try {
    for (;;) {
      const chunk = await nextWithin(bytes, clock, ended);
      if (chunk === null) break;
      sender.noteBytes();
      splitter ??= splitterFor(sniff(chunk), type, clock);
      for (const sample of splitter.push(chunk)) {
        count += 1;
        await sender.offer(sample);
      }
    }
    for (const sample of splitter?.end?.() ?? []) {
      count += 1;
      await sender.offer(sample);
    }
    if (count === 0) throw new AppError('bad-request', 'What was sent holds no picture.');
    return count;
  } finally {
    sender.end();
  }
}

/** The next bytes; null at the end. Throws when nothing comes for too long, or the signal's reason. */
async function nextWithin(
  bytes: AsyncIterator<Uint8Array>,
  clock: Clock,
  signal: AbortSignal,
): Promise<Uint8Array | null> {
  const came = new AbortController();
  const failed = Promise.withResolvers<never>();
  const onAbort = () => failed.reject(signal.reason);
  if (signal.aborted) throw signal.reason;
  signal.addEventListener('abort', onAbort, { once: true });
  void clock.sleep(silentMs, came.signal).then(
    () => failed.reject(new AppError('bad-request', 'Nothing was sent for 30 seconds.')),
    () => {},
  );
  try {
    const step = await Promise.race([bytes.next(), failed.promise]);
    return step.done ? null : step.value;
  } finally {
    came.abort();
    signal.removeEventListener('abort', onAbort);
  }
}

/** The type of bytes whose sender declared none. Looks at the first chunk alone. */
function sniff(chunk: Uint8Array): string {
  if (chunk[0] === 0xff && chunk[1] === 0xd8) return 'image/jpeg';
  if (chunk[0] === 0x2d && chunk[1] === 0x2d) return 'multipart/x-mixed-replace';
  const box = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength).toString('latin1', 4, 8);
  if (box === 'ftyp' || box === 'styp') return 'video/mp4';
  return 'something that is no JPEG and no MP4';
}

function splitterFor(type: string, declared: string, clock: Clock): Splitter {
  if (type.startsWith('multipart/')) return splitMultipart(boundaryOf(declared), clock);
  if (type === 'image/jpeg' || type === 'image/jpg') return splitOnePicture(clock);
  if (type === 'video/mp4' || type === 'application/mp4') return createFragmentStream();
  throw new AppError(
    'unsupported-media',
    `A camera sends JPEG pictures (multipart/x-mixed-replace) or fragmented MP4 (video/mp4) here, not ${type.slice(0, 80)}.`,
  );
}

function boundaryOf(type: string): string | null {
  const found = /;\s*boundary=(?:"([^"]{1,200})"|([^\s;"]{1,200}))/i.exec(type.slice(0, 1000));
  return (found?.[1] ?? found?.[2] ?? '').trim() || null;
}

function splitMultipart(boundary: string | null, clock: Clock): Splitter {
  const parser = createPictureParser(boundary);
  let isGood = false;
  return {
    *push(chunk) {
      try {
        for (const part of parser.push(chunk)) {
          const jpeg = trimJpeg(part);
          if (jpeg) {
            isGood = true;
            yield pictureOf(jpeg, clock);
          } else if (!isGood) throw new AppError('bad-request', 'The first part is no JPEG picture.');
          // One broken picture among good ones is left out.
        }
      } catch (error) {
        // The parser speaks of cameras we opened; here it is the request that is wrong.
        if (isAppError(error, 'unavailable'))
          throw new AppError('bad-request', error.message, { cause: error });
        throw error;
      }
    },
  };
}

function splitOnePicture(clock: Clock): Splitter {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  return {
    push(chunk) {
      sizeBytes += chunk.length;
      if (sizeBytes > maxSampleBytes) throw new AppError('bad-request', 'The picture is larger than 16 MB.');
      chunks.push(Buffer.from(chunk));
      return [];
    },
    end() {
      const jpeg = trimJpeg(Buffer.concat(chunks));
      if (!jpeg) throw new AppError('bad-request', 'What was sent is no whole JPEG picture.');
      return [pictureOf(jpeg, clock)];
    },
  };
}

function pictureOf(data: Uint8Array, clock: Clock): CameraSample {
  return { codec: 'jpeg', data, ptsMicros: Math.round(clock.monotonicMs() * 1000), isKey: true };
}
