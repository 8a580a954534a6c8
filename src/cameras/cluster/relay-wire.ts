// What a camera's owner sends a relay: frames of a head of 24 bytes and a body, which is a sample as on the pipe of a
// camera's process, or a word about the camera as JSON. Memory: one frame; each byte of it is copied at most once.
import { AppError } from '../../errors.ts';
import { createSampleParser, sampleHead } from '../../workers/sample-wire.ts';
import type { CameraInfo } from '../cameras.ts';
import { type CameraSample, maxSampleBytes } from '../driver.ts';
import type { LiveSample } from '../live-sample.ts';
import { countIn, readKinds, readMessage, readState } from './notes.ts';

/** What a relay is told of its camera, once a second at least. */
export type RelayWord = Pick<CameraInfo, 'state' | 'message' | 'kinds' | 'viewers'> & {
  /** Of the viewers, those this relay told of last. */
  readonly yours: number;
  /** Made up for each life of the camera at an owner: within one, samples' numbers grow. */
  readonly run: string;
  /** The lease's token; a new one where the same owner took it anew. */
  readonly token: number;
  /** Why nothing more will come: the camera goes to another owner, or is no more; null while it stays. */
  readonly ends: 'moves' | 'removed' | null;
};

export type RelayFrame =
  | {
      readonly kind: 'sample';
      readonly sample: CameraSample;
      /** The owner's number of the sample; grows. */
      readonly sequence: number;
      /** How long ago it was taken when it was sent, milliseconds: no two clocks are compared. */
      readonly ageMs: number;
    }
  | { readonly kind: 'word'; readonly word: RelayWord };

export type RelayParser = {
  /** The frames complete by now; `chunk` is the parser's from here on. Throws `unavailable` at what is none. */
  push(chunk: Uint8Array): Generator<RelayFrame, void, void>;
};

/** The Content-Type of the stream. */
export const relayType = 'application/vnd.kinora.samples';

// The head, little-endian.
const headBytes = 24;
const atMark = 0; //     u8   always `mark`
const atKind = 1; //     u8   1: sample, 2: word
//                       u16  0
const atBodyBytes = 4; //  u32
const atSequence = 8; //   f64  of a sample
const atAge = 16; //     f64  of a sample, milliseconds

const mark = 0x52;
const sampleKind = 1;
const wordKind = 2;

const maxConfigBytes = 64 * 1024;
/** A sample of the largest size with its configuration and its own head. */
const maxBodyBytes = maxSampleBytes + maxConfigBytes + 64;
const maxWordBytes = 8 * 1024;
/** Nobody sends what is older; a larger one is nonsense. */
const maxAgeMs = 3_600_000;

/** Everything of a sample's frame but its data, which follows. */
export function frameHead(sample: LiveSample, ageMs: number): Buffer {
  const inner = sampleHead(sample);
  const config = sample.config ?? noBytes;
  const frame = Buffer.allocUnsafe(headBytes + inner.length + config.length);
  writeHead(frame, sampleKind, inner.length + config.length + sample.data.length, sample.sequence, ageMs);
  frame.set(inner, headBytes);
  frame.set(config, headBytes + inner.length);
  return frame;
}

export function wordFrame(word: RelayWord): Buffer {
  const body = Buffer.from(JSON.stringify(word));
  const frame = Buffer.allocUnsafe(headBytes + body.length);
  writeHead(frame, wordKind, body.length, 0, 0);
  frame.set(body, headBytes);
  return frame;
}

function writeHead(frame: Buffer, kind: number, bodyBytes: number, sequence: number, ageMs: number): void {
  frame[atMark] = mark;
  frame[atKind] = kind;
  frame.writeUInt16LE(0, 2);
  frame.writeUInt32LE(bodyBytes, atBodyBytes);
  frame.writeDoubleLE(sequence, atSequence);
  frame.writeDoubleLE(Math.max(0, ageMs), atAge);
}

export function createRelayParser(): RelayParser {
  const head = Buffer.alloc(headBytes);
  let headFilled = 0;
  let bodyBytes = 0;
  /** A body that began in an earlier chunk, and how much of it is there. */
  let body: Buffer | null = null;
  let bodyFilled = 0;

  const checkHead = () => {
    bodyBytes = head.readUInt32LE(atBodyBytes);
    const kind = head[atKind];
    const sequence = head.readDoubleLE(atSequence);
    const ageMs = head.readDoubleLE(atAge);
    const isSane =
      head[atMark] === mark &&
      bodyBytes > 0 &&
      ((kind === wordKind && bodyBytes <= maxWordBytes) ||
        (kind === sampleKind &&
          bodyBytes <= maxBodyBytes &&
          Number.isSafeInteger(sequence) &&
          sequence > 0 &&
          ageMs >= 0 &&
          ageMs <= maxAgeMs));
    if (!isSane) throw nonsense();
  };

  const finish = (bytes: Buffer): RelayFrame => {
    headFilled = 0;
    body = null;
    if (head[atKind] === wordKind) return { kind: 'word', word: readWord(bytes) };
    const [sample, more] = parseSample(bytes);
    if (!sample || more) throw nonsense();
    return {
      kind: 'sample',
      sample,
      sequence: head.readDoubleLE(atSequence),
      ageMs: head.readDoubleLE(atAge),
    };
  };

  return {
    *push(given) {
      const chunk = Buffer.from(given.buffer, given.byteOffset, given.byteLength);
      let at = 0;
      while (at < chunk.length) {
        if (headFilled < headBytes) {
          const taken = chunk.copy(head, headFilled, at, at + headBytes - headFilled);
          headFilled += taken;
          at += taken;
          if (headFilled < headBytes) return;
          checkHead();
        }
        if (!body && chunk.length - at >= bodyBytes) {
          at += bodyBytes;
          yield finish(chunk.subarray(at - bodyBytes, at));
          continue;
        }
        if (!body) {
          // Not from the pool, and not filled: memory a hostile length asks for is never touched.
          body = Buffer.allocUnsafeSlow(bodyBytes);
          bodyFilled = 0;
        }
        const taken = chunk.copy(body, bodyFilled, at, at + bodyBytes - bodyFilled);
        bodyFilled += taken;
        at += taken;
        if (bodyFilled === bodyBytes) yield finish(body);
      }
    },
  };
}

const noBytes = Buffer.alloc(0);

/** The samples of one body: one, where all is well. */
function parseSample(bytes: Buffer): CameraSample[] {
  try {
    const parser = createSampleParser({ maxDataBytes: maxSampleBytes, maxConfigBytes });
    const samples = [...parser.push(bytes)];
    if (!parser.isBetweenSamples) throw nonsense();
    return samples;
  } catch (cause) {
    throw nonsense(cause);
  }
}

function readWord(bytes: Buffer): RelayWord {
  let given: unknown;
  try {
    given = JSON.parse(bytes.toString());
  } catch (cause) {
    throw nonsense(cause);
  }
  if (typeof given !== 'object' || given === null) throw nonsense();
  const { state, message, kinds, viewers, yours, run, token, ends } = given as Readonly<
    Record<string, unknown>
  >;
  return {
    state: readState(state),
    message: readMessage(message),
    kinds: readKinds(kinds),
    viewers: countIn(viewers),
    yours: countIn(yours),
    run: typeof run === 'string' ? run.slice(0, 64) : '',
    token: countIn(token),
    ends: ends === 'moves' || ends === 'removed' ? ends : null,
  };
}

function nonsense(cause?: unknown): AppError {
  return new AppError('unavailable', 'The process that runs this camera sent something that is no sample.', {
    cause,
  });
}
