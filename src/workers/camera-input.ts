// A camera's samples out of a forked process that demuxes (and where it must, encodes): a camera, file or device that
// crashes or hangs FFmpeg takes that process along and nothing else. Memory: what the pipe holds and one sample.
import type { Clock } from '../clock.ts';
import { AppError } from '../errors.ts';
import type { CameraAnswer, CameraRequest, CameraSource, InputFailure } from './camera-messages.ts';
import { type KeptProcess, keepProcess, type ProcessEnd } from './kept-process.ts';
import { createSampleParser, type WireSample } from './sample-wire.ts';

export type CameraInputContext = {
  /** Aborts when the camera is to be released: the generator returns within 1 s. */
  readonly signal: AbortSignal;
  readonly clock: Clock;
  /** One sentence for what went wrong, without addresses; called with what no other sentence fits. */
  readonly describe: (failure: InputFailure) => string;
  /** The sentence where what reads this source is not installed; the engine's where it is not given. */
  readonly missing?: string;
  /** The process's program; a test puts a misbehaving one here. */
  readonly program?: URL;
  /** Most resident memory of the process, bytes. */
  readonly maxMemoryBytes?: number;
};

/** Time to close the connection to a camera, or a device, in order before the process is killed. */
const goodbyeMs = 500;

/** The process says every second that it lives; loading the engine on a slow machine takes some of them. */
const maxSilentSeconds = 8;

/** Node with the engine takes 120 MB, the decoder and encoder of a 4K picture 200 more. */
const defaultMaxMemoryBytes = 600 * 1024 * 1024;

/**
 * Opens the input and yields its samples until the signal aborts. Throws `unavailable` with one sentence where it
 * cannot be opened, ends, or its process crashes, hangs or grows too large, or there is no engine on this machine.
 */
export async function* openCameraInput(
  source: CameraSource,
  { signal, clock, describe, missing, program, maxMemoryBytes }: CameraInputContext,
): AsyncGenerator<WireSample, void, void> {
  if (signal.aborted) return;
  /** What the process said last, where it cannot go on. */
  const answer: { error: AppError | null } = { error: null };
  const kept = keepProcess({
    program: program ?? new URL('./camera-process.ts', import.meta.url),
    clock,
    hasPipe: true,
    maxMemoryBytes: maxMemoryBytes ?? defaultMaxMemoryBytes,
    maxSilentSeconds,
    onMessage(message) {
      const said = message as CameraAnswer | null;
      if (said?.kind === 'failed') answer.error ??= errorOf(said.failure, describe);
      else if (said?.kind === 'no-engine') answer.error ??= unavailable(missing ?? noCameraEngine);
      // The process waits to be ended, so that this message cannot be lost behind its exit.
      if (answer.error) kept.pipe.destroy();
    },
  });
  const release = () => kept.pipe.destroy();
  signal.addEventListener('abort', release, { once: true });
  try {
    kept.send({ kind: 'open', source } satisfies CameraRequest);
    yield* readSamples(kept, signal);
    if (signal.aborted) return;
    throw answer.error ?? unavailable(sentenceOf(await endOf(kept, clock)));
  } finally {
    signal.removeEventListener('abort', release);
    kept.pipe.destroy();
    await kept.end(answer.error ? 0 : goodbyeMs);
  }
}

const noCameraEngine =
  'The engine that reads this camera (node-av) is not installed on this machine; cameras that send JPEG pictures work without it.';

async function* readSamples(kept: KeptProcess, signal: AbortSignal): AsyncGenerator<WireSample, void, void> {
  const parser = createSampleParser();
  try {
    for await (const chunk of kept.pipe) {
      for (const sample of parser.push(chunk as Uint8Array)) {
        if (signal.aborted) return;
        yield sample;
      }
    }
  } catch (error) {
    // A pipe that we closed, or that broke because its process is gone: the process says why.
    if (error instanceof AppError) throw error;
  }
}

/** How it ended, where its pipe has closed: it is about to be gone, or closed the pipe and lives on. */
async function endOf(kept: KeptProcess, clock: Clock): Promise<ProcessEnd> {
  const isGone = new AbortController();
  void kept.ended.then(() => isGone.abort());
  await clock.sleep(goodbyeMs, isGone.signal).catch(() => undefined);
  await kept.end();
  return kept.ended;
}

function sentenceOf(end: ProcessEnd): string {
  switch (end.why) {
    case 'silent':
      return 'The process that reads this camera hung and was ended.';
    case 'too-large':
      return 'The process that reads this camera took too much memory and was ended.';
    case 'missing':
      return 'No process could be started to read this camera.';
    case 'crashed':
      return `The process that reads this camera crashed (${end.how}).`;
    case 'asked':
      return 'The camera stopped sending.';
  }
}

/** The process is believed nothing, not even that it says what it should. */
function errorOf(
  said: Partial<InputFailure> | undefined,
  describe: (failure: InputFailure) => string,
): AppError {
  const stage = said?.stage === 'open' ? 'open' : 'read';
  const detail = String(said?.detail).slice(0, 300);
  return unavailable(describe({ stage, code: String(said?.code).slice(0, 60), detail }), detail);
}

function unavailable(message: string, detail?: string): AppError {
  return new AppError(
    'unavailable',
    message,
    detail === undefined ? undefined : { cause: new Error(detail) },
  );
}
