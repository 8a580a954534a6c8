// Finds the length and the codecs of a file whose container no parser of ours reads (AVI, MPEG-TS, MP3, ...), in a
// forked process: whatever such a file does to a demuxer, the server does not feel it. The process sees only the
// bytes it asks for, is given a bounded time and memory, and is ended after one file.
import type { Logger } from 'pino';
import type { Clock } from '../clock.ts';
import { AppError } from '../errors.ts';
import type { ReadAt } from '../media/feed.ts';
import { type KeptProcess, keepProcess, type ProcessEnd } from './kept-process.ts';
import type { ProbeAnswer, Probed, ProbeRequest } from './probe-messages.ts';

export type { Probed, ProbedTrack } from './probe-messages.ts';

export type Probe = {
  /**
   * Looks into a file of `sizeBytes` that `readAt` reads. Throws `unavailable` where there is no engine on this
   * machine (the message says so) or after `close`, `unsupported-media` where nothing can be made of the file or it
   * took too long, too much memory or the process with it.
   */
  describe(readAt: ReadAt, sizeBytes: number): Promise<Probed>;
  /** Ends the running process. Idempotent. */
  close(): Promise<void>;
};

export type ProbeOptions = {
  readonly clock: Clock;
  readonly log: Logger;
  /** The process's program; a test puts a misbehaving one here. */
  readonly program?: URL;
  /** Whole time for one file, milliseconds: a demuxer that needs longer is going round in circles. */
  readonly timeoutMs?: number;
  /** Resident memory of the process: Node with the engine takes 120 MB, large indexes of AVI files some more. */
  readonly maxMemoryBytes?: number;
};

/** Most bytes of one file that are handed out: headers, the first second, the end. */
const maxReadBytes = 64 * 1024 * 1024;
/** Most bytes handed out at once. */
const maxChunkBytes = 1024 * 1024;
/** How often the memory of the process is looked at. */
const watchEveryMs = 100;

export function createProbe({ clock, log, ...options }: ProbeOptions): Probe {
  const program = options.program ?? new URL('./probe-process.ts', import.meta.url);
  const timeoutMs = options.timeoutMs ?? 20_000;
  const maxMemoryBytes = options.maxMemoryBytes ?? 600 * 1024 * 1024;
  const closing = new AbortController();
  /** One at a time: on a small machine the second would only slow the first. */
  let queue: Promise<unknown> = Promise.resolve();

  const run = async (readAt: ReadAt, sizeBytes: number): Promise<Probed> => {
    if (closing.signal.aborted) throw closed();
    const heard: { listener: (message: unknown) => void } = { listener: () => undefined };
    const kept = keepProcess({
      program,
      clock,
      onMessage: (message) => heard.listener(message),
      maxMemoryBytes,
      watchEveryMs,
    });
    const over = new AbortController();
    const onClosing = () => over.abort();
    closing.signal.addEventListener('abort', onClosing, { once: true });
    try {
      return await Promise.race([
        converse(kept, heard, readAt, sizeBytes),
        kept.ended.then((end): never => {
          throw errorOf(end);
        }),
        clock.sleep(timeoutMs, over.signal).then(
          () => {
            throw new AppError('unsupported-media', 'Looking into this file took too long.');
          },
          () => {
            throw closed();
          },
        ),
      ]);
    } catch (error) {
      log.debug({ err: error }, 'a file could not be looked into');
      throw error;
    } finally {
      over.abort();
      closing.signal.removeEventListener('abort', onClosing);
      await kept.end();
    }
  };

  return {
    describe(readAt, sizeBytes) {
      const answer = queue.then(() => run(readAt, sizeBytes));
      queue = answer.catch(() => undefined);
      return answer;
    },
    async close() {
      closing.abort();
      await queue;
    },
  };
}

function closed(): AppError {
  return new AppError('unavailable', 'The program is ending.');
}

/** Hands out the bytes the process asks for until it answers. */
function converse(
  kept: KeptProcess,
  heard: { listener: (message: unknown) => void },
  readAt: ReadAt,
  sizeBytes: number,
): Promise<Probed> {
  let readBytes = 0;
  const { promise, resolve, reject } = Promise.withResolvers<Probed>();
  const fail = (message: string) => reject(new AppError('unsupported-media', message));

  const handOut = async ({ id, position, length }: Extract<ProbeAnswer, { kind: 'read' }>) => {
    const isSane = [position, length].every((number) => Number.isSafeInteger(number) && number >= 0);
    const bytes = Buffer.alloc(
      isSane ? Math.min(length, maxChunkBytes, Math.max(0, sizeBytes - position)) : 0,
    );
    readBytes += bytes.length;
    if (readBytes > maxReadBytes) return fail('Too much of this file has to be read to tell what is in it.');
    const got = bytes.length === 0 ? 0 : await readAt(bytes, position);
    kept.send({ kind: 'bytes', id, bytes: bytes.subarray(0, got) } satisfies ProbeRequest);
  };

  heard.listener = (message) => {
    const answer = message as ProbeAnswer | null;
    if (!answer) return;
    if (answer.kind === 'read') handOut(answer).catch(reject);
    else if (answer.kind === 'found') resolve(answer.found);
    else if (answer.kind === 'no-engine') reject(new AppError('unavailable', noEngine));
    else fail(`Nothing could be made of this file: ${answer.message}`);
  };
  kept.send({ kind: 'describe', sizeBytes } satisfies ProbeRequest);
  return promise;
}

const noEngine =
  'The engine for other formats (node-av) is not installed on this machine, so their length and codecs are not known.';

function errorOf(end: ProcessEnd): AppError {
  switch (end.why) {
    case 'missing':
      return new AppError('unavailable', 'No process could be started to look into this file.', {
        cause: end.error,
      });
    case 'too-large':
      return new AppError('unsupported-media', 'Looking into this file took too much memory.');
    case 'crashed':
      return new AppError(
        'unsupported-media',
        `Looking into this file ended the process that did it (${end.how}).`,
      );
    default:
      return closed();
  }
}
