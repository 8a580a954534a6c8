// The process behind `picture-maker.ts`: takes samples from descriptor 3, sends JPEG pictures of one width back
// through it. JPEG: only the newest that waits is decoded. H.264 and H.265: all are decoded, and of what waits only
// the newest wanted is encoded. Nothing it says is trusted by the server.
import { flushCompileCache } from 'node:module';
import { Socket } from 'node:net';
import { readJpegSize } from '../media/codecs/jpeg-size.ts';
import type { Size } from './picture-decoder.ts';
import { isMarkedWanted, type PictureAnswer, type PictureRequest } from './picture-messages.ts';
import { createSampleParser, type WireSample, writeSample } from './sample-wire.ts';

/** Decoded in one go before the process looks whether anything newer has come. */
const samplesPerTurn = 8;

/** Where more comes than can be decoded, a picture is encoded this often all the same. */
const leastEveryMs = 400;

/** As `picture-decoder.ts`: a JPEG that claims more is not even tried. */
const maxPixels = 64 * 1024 * 1024;

/** By then it has loaded and used what it needs. */
const compiledAfterMs = 2500;

const pipe = new Socket({ fd: 3, readable: true, writable: true });
const parser = createSampleParser();
let inbox: WireSample[] = [];
let take: ((samples: readonly WireSample[], hasMore: boolean) => void) | null = null;
let isScheduled = false;

// The server has gone, however it did.
process.on('disconnect', () => process.exit());
pipe.on('error', () => process.exit());
pipe.on('data', (chunk: Buffer) => {
  for (const sample of parser.push(chunk)) inbox.push(sample);
  schedule();
});
process.on('message', (request: PictureRequest) => {
  if (request.kind !== 'make') return;
  createTaker(request.width).then(
    (taker) => {
      if (!taker) return say({ kind: 'no-engine' });
      take = taker;
      say({ kind: 'ready' });
      schedule();
    },
    (error: unknown) => fail(error),
  );
});
setInterval(() => say({ kind: 'alive' }), 1000);
// Kept for the next such process. This one is killed in the end, when Node would do it by itself.
setTimeout(flushCompileCache, compiledAfterMs).unref();

function say(answer: PictureAnswer): void {
  process.send?.(answer, undefined, undefined, () => undefined);
}

function fail(error: unknown): void {
  // The server ends this process once it has read that.
  say({ kind: 'failed', detail: String(error).slice(0, 300) });
}

/** A turn begins after everything that has come is read: only then it is known what is the newest. */
function schedule(): void {
  if (isScheduled || !take || inbox.length === 0) return;
  isScheduled = true;
  setImmediate(() => {
    isScheduled = false;
    const samples = inbox.slice(0, samplesPerTurn);
    inbox = inbox.slice(samplesPerTurn);
    try {
      take?.(samples, inbox.length > 0);
      say({ kind: 'done', samples: samples.length });
    } catch (error) {
      fail(error);
    }
    schedule();
  });
}

async function createTaker(width: number | null) {
  try {
    await import('node-av/lib');
  } catch {
    return null;
  }
  const { Frame } = await import('node-av/lib');
  const { createPictureDecoder, createPictureScaler } = await import('./picture-decoder.ts');
  const { createJpegEncoder } = await import('./jpeg-maker.ts');
  const decoder = createPictureDecoder(width);
  const scaler = width === null ? null : createPictureScaler(width);
  const encoder = createJpegEncoder();
  /** The newest frame that is wanted and not yet encoded; where there is none it is empty. */
  const newest = new Frame();
  newest.alloc();
  let newestSize: Size | null = null;
  let encodedAtMs = performance.now();

  const send = (data: Buffer, mark: number) => {
    // The server takes no notice of a full pipe: it sends no more JPEG than it has had pictures for.
    writeSample(pipe, { codec: 'jpeg', data, ptsMicros: mark, isKey: true });
  };
  const encode = () => {
    if (!newestSize) return;
    const isSmaller = scaler !== null && width !== null && width < newestSize.width;
    const frame = isSmaller ? scaler.scale(newest, newestSize) : newest;
    const jpeg = frame && encoder.encode(frame);
    if (jpeg) send(jpeg, Number(newest.pts));
    newest.unref();
    newestSize = null;
    encodedAtMs = performance.now();
  };
  const takeJpeg = (sample: WireSample) => {
    const size = readJpegSize(sample.data);
    if (!size || size.width * size.height > maxPixels) return;
    // Nothing to make smaller: it goes back as it came.
    if (width === null || width >= size.width) return send(Buffer.from(sample.data), sample.ptsMicros);
    decoder.push(sample, size, (frame) => {
      newest.unref();
      if (newest.ref(frame) >= 0) newestSize = size;
    });
    encode();
  };

  return (samples: readonly WireSample[], hasMore: boolean) => {
    const lastJpeg = samples.findLastIndex(({ codec }) => codec === 'jpeg');
    for (const [index, sample] of samples.entries()) {
      if (sample.codec === 'jpeg') {
        if (index === lastJpeg && !hasMore) takeJpeg(sample);
        continue;
      }
      decoder.push(sample, null, (frame) => {
        if (!isMarkedWanted(Number(frame.pts))) return;
        newest.unref();
        if (newest.ref(frame) >= 0) newestSize = { width: frame.width, height: frame.height };
      });
    }
    if (!hasMore || performance.now() - encodedAtMs >= leastEveryMs) encode();
  };
}
