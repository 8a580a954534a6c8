// JPEG pictures of one width out of a camera's samples (JPEG, H.264, H.265), decoded, scaled and encoded in a forked
// process: a picture that crashes or hangs a decoder takes that process along and nothing else. Never a queue of
// pictures: where the process is behind, the newest wins. Memory: two JPEG under way, or `maxBehindBytes` of video.
import type { Clock } from '../clock.ts';
import { AppError } from '../errors.ts';
import { type KeptProcess, keepProcess, type ProcessEnd } from './kept-process.ts';
import { type PictureAnswer, type PictureRequest, sampleMark } from './picture-messages.ts';
import { createSampleParser, type WireSample, writeSample } from './sample-wire.ts';

/** When a sample was taken; a picture carries what the sample it was made of had. */
export type SampleTimes = {
  readonly ptsMicros: number;
  readonly takenAtMs: number;
  readonly takenAtMonotonicMs: number;
};

export type MadePicture = SampleTimes & { readonly jpeg: Uint8Array };

/**
 * Hands over a sample; returns at once. `isWanted`: whether a picture is to be made of it (video that is not wanted
 * is decoded all the same). Video begins at a key frame with its decoder's `config`. Sound is left out.
 */
export type PushSample = (sample: WireSample & SampleTimes, isWanted: boolean) => void;

export type PictureMakerSetup = {
  /** In pixels; null for that of the source. Pictures that are not wider than this stay as they are. */
  readonly width: number | null;
  /** Called when the process takes samples; gives back what is to be called when it takes no more. */
  readonly attach: (push: PushSample) => () => void;
  /** Aborts when no more pictures are wanted: the generator returns within 1 s. */
  readonly signal: AbortSignal;
  readonly clock: Clock;
  /** The process's program; a test puts a misbehaving one here. */
  readonly program?: URL;
  /** Most resident memory of the process, bytes. */
  readonly maxMemoryBytes?: number;
};

/** One that is worked on and one that is there when it is done. */
const maxJpegUnderWay = 2;

/** Video that waits to be decoded: beyond it, or after so long, it goes on at the next key frame. */
const maxBehindBytes = 16 * 1024 * 1024;
const maxBehindMs = 2000;

/** Samples that went in for so long without a picture that came out cannot be decoded. */
const hopelessMs = 10_000;

/** Times of samples that are kept for their pictures: more than a decoder holds back. */
const maxKeptTimes = 512;

/** The process says every second that it lives; loading the engine on a slow machine takes some of them. */
const maxSilentSeconds = 8;

/** Node with the engine takes 120 MB, the decoder of a 4K picture 200 more. */
const defaultMaxMemoryBytes = 600 * 1024 * 1024;

const noPictureEngine =
  'The engine that makes pictures of other sizes, or of H.264 and H.265 (node-av), is not installed on this machine.';

/**
 * Yields pictures as they are made, until the signal aborts. Throws `unavailable` with one sentence where there is
 * no engine, nothing can be decoded, or the process crashes, hangs or grows too large.
 */
export async function* makePictures(setup: PictureMakerSetup): AsyncGenerator<MadePicture, void, void> {
  const { signal, clock, width } = setup;
  if (signal.aborted) return;
  const answer: { error: AppError | null } = { error: null };
  const fail = (error: AppError) => {
    answer.error ??= error;
    kept.pipe.destroy();
  };
  const kept = keepProcess({
    program: setup.program ?? new URL('./picture-process.ts', import.meta.url),
    clock,
    hasPipe: true,
    maxMemoryBytes: setup.maxMemoryBytes ?? defaultMaxMemoryBytes,
    maxSilentSeconds,
    onMessage(message) {
      const said = message as PictureAnswer | null;
      if (said?.kind === 'ready') feed.noteReady();
      else if (said?.kind === 'done') feed.noteDone(Number(said.samples));
      else if (said?.kind === 'no-engine') fail(unavailable(noPictureEngine));
      else if (said?.kind === 'failed') fail(undecodable(String(said.detail).slice(0, 300)));
    },
  });
  const feed = new Feed(kept, clock, () => fail(undecodable('no picture came of it')));
  const release = () => kept.pipe.destroy();
  signal.addEventListener('abort', release, { once: true });
  let detach: (() => void) | null = null;
  try {
    kept.send({ kind: 'make', width } satisfies PictureRequest);
    detach = setup.attach((sample, isWanted) => feed.push(sample, isWanted));
    yield* readPictures(kept, feed, signal);
    if (signal.aborted) return;
    throw answer.error ?? unavailable(sentenceOf(await endOf(kept, clock)));
  } finally {
    detach?.();
    signal.removeEventListener('abort', release);
    kept.pipe.destroy();
    // There is no device to say goodbye to.
    await kept.end();
  }
}

/** What goes to the process, and what is known of it meanwhile. */
class Feed {
  readonly #kept: KeptProcess;
  readonly #clock: Clock;
  readonly #onHopeless: () => void;
  /** Sent and not dealt with, oldest first. */
  #underWay: { readonly bytes: number; readonly sentAtMs: number }[] = [];
  #underWayBytes = 0;
  readonly #times = new Map<number, SampleTimes>();
  #nextNumber = 1;
  /** The newest JPEG that came while the process was busy. */
  #waiting: (WireSample & SampleTimes) | null = null;
  #needsKey = true;
  #readyAtMs: number | null = null;
  /** Since when samples go in without a picture coming out; null while none was sent since the last. */
  #hopingSinceMs: number | null = null;

  constructor(kept: KeptProcess, clock: Clock, onHopeless: () => void) {
    this.#kept = kept;
    this.#clock = clock;
    this.#onHopeless = onHopeless;
    // It closes when the process goes; why is told elsewhere.
    kept.pipe.on('error', () => undefined);
  }

  push(sample: WireSample & SampleTimes, isWanted: boolean): void {
    if (sample.codec === 'jpeg') {
      if (!isWanted) return;
      if (this.#underWay.length < maxJpegUnderWay) this.#send(sample, true);
      else this.#waiting = sample;
    } else if (sample.codec === 'avc' || sample.codec === 'hevc') {
      if (this.#isBehind()) this.#needsKey = true;
      else if (sample.isKey) this.#needsKey = false;
      if (!this.#needsKey) this.#send(sample, isWanted);
    }
  }

  noteReady(): void {
    this.#readyAtMs ??= this.#clock.monotonicMs();
  }

  noteDone(samples: number): void {
    if (!(samples > 0)) return;
    for (const { bytes } of this.#underWay.splice(0, samples)) this.#underWayBytes -= bytes;
    const waiting = this.#waiting;
    this.#waiting = null;
    if (waiting) this.#send(waiting, true);
    const { monotonicMs } = this.#clock;
    if (this.#hopingSinceMs !== null && monotonicMs() - this.#hopingSinceMs > hopelessMs) this.#onHopeless();
  }

  /** The times of the sample a picture was made of; null where the process made its number up. */
  timesOf(mark: number): SampleTimes | null {
    this.#hopingSinceMs = null;
    return this.#times.get(mark) ?? null;
  }

  #isBehind(): boolean {
    const oldest = this.#underWay[0];
    if (!oldest) return false;
    if (this.#underWayBytes > maxBehindBytes) return true;
    // What waits while the engine is loaded is dealt with in one go.
    if (this.#readyAtMs === null) return false;
    return this.#clock.monotonicMs() - Math.max(oldest.sentAtMs, this.#readyAtMs) > maxBehindMs;
  }

  #send(sample: WireSample & SampleTimes, isWanted: boolean): void {
    const { pipe } = this.#kept;
    if (pipe.destroyed) return;
    const sentAtMs = this.#clock.monotonicMs();
    const mark = sampleMark(this.#nextNumber++, isWanted);
    if (isWanted) {
      const { ptsMicros, takenAtMs, takenAtMonotonicMs } = sample;
      this.#times.set(mark, { ptsMicros, takenAtMs, takenAtMonotonicMs });
      if (this.#times.size > maxKeptTimes) this.#times.delete(this.#times.keys().next().value!);
      this.#hopingSinceMs ??= sentAtMs;
    }
    this.#underWay.push({ bytes: sample.data.length, sentAtMs });
    this.#underWayBytes += sample.data.length;
    writeSample(pipe, {
      codec: sample.codec,
      data: sample.data,
      ptsMicros: mark,
      isKey: sample.isKey,
      ...(sample.config && { config: sample.config }),
    });
  }
}

async function* readPictures(
  kept: KeptProcess,
  feed: Feed,
  signal: AbortSignal,
): AsyncGenerator<MadePicture, void, void> {
  const parser = createSampleParser();
  try {
    for await (const chunk of kept.pipe) {
      for (const { codec, data, ptsMicros: mark } of parser.push(chunk as Uint8Array)) {
        if (signal.aborted) return;
        const times = feed.timesOf(mark);
        if (codec === 'jpeg' && times) yield { ...times, jpeg: data };
      }
    }
  } catch (error) {
    // A pipe that we closed, or that broke because its process is gone: the process says why.
    if (error instanceof AppError) throw error;
  }
}

/** Between the end of the pipe and that of the process. */
const endedByItselfMs = 500;

/** How it ended, where its pipe has closed: it is about to be gone, or closed the pipe and lives on. */
async function endOf(kept: KeptProcess, clock: Clock): Promise<ProcessEnd> {
  const isGone = new AbortController();
  void kept.ended.then(() => isGone.abort());
  await clock.sleep(endedByItselfMs, isGone.signal).catch(() => undefined);
  await kept.end();
  return kept.ended;
}

function sentenceOf(end: ProcessEnd): string {
  const what = 'The process that makes pictures of this camera';
  switch (end.why) {
    case 'silent':
      return `${what} hung and was ended.`;
    case 'too-large':
      return `${what} took too much memory and was ended.`;
    case 'missing':
      return 'No process could be started to make pictures of this camera.';
    case 'crashed':
      return `${what} crashed (${end.how}).`;
    case 'asked':
      return `${what} stopped.`;
  }
}

function undecodable(detail: string): AppError {
  return unavailable('The pictures of this camera cannot be decoded.', detail);
}

function unavailable(message: string, detail?: string): AppError {
  return new AppError(
    'unavailable',
    message,
    detail === undefined ? undefined : { cause: new Error(detail) },
  );
}
