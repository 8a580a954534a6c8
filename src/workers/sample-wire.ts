// Samples on a pipe between the server and a process that touches codecs, in both directions: a head of 28 bytes,
// the decoder's configuration, the sample. Memory: one sample; each byte of it is copied at most once.
import type { Writable } from 'node:stream';
import { AppError } from '../errors.ts';

/** Codecs by their number on the wire, less one. The same names as a camera driver's. */
const codecs = ['jpeg', 'avc', 'hevc', 'aac', 'opus', 'pcma', 'pcmu'] as const;

/** One coded unit; a camera driver's sample looks the same. */
export type WireSample = {
  readonly codec: (typeof codecs)[number];
  readonly data: Uint8Array;
  /** Presentation time in microseconds on the sender's own clock. */
  readonly ptsMicros: number;
  /** Decode time on the same clock, where it is known and another: only pictures in another order have one. */
  readonly dtsMicros?: number;
  readonly isKey: boolean;
  /** Decoder configuration (avcC, hvcC, AudioSpecificConfig, OpusHead), where it is new. */
  readonly config?: Uint8Array;
};

export type WireLimits = {
  /** Most bytes of one sample; 16 MiB unless told, the most a camera's hub takes. */
  readonly maxDataBytes?: number;
  /** Most bytes of one configuration; 64 KiB unless told: a few parameter sets are some hundred. */
  readonly maxConfigBytes?: number;
};

export type SampleParser = {
  /**
   * Takes the next bytes and yields the samples complete by now. Their bytes are slices of `chunk` where it holds
   * them whole, so `chunk` is the parser's from here on. Throws `internal` where the other side talks nonsense; the
   * parser is of no use after that.
   */
  push(chunk: Uint8Array): Generator<WireSample, void, void>;
  /** Whether the last byte taken was the last one of a sample. */
  readonly isBetweenSamples: boolean;
};

// The head, little-endian.
const headBytes = 28;
const atMark = 0; //    u8   always `mark`: tells a side that has lost its place at once
const atCodec = 1; //   u8   number of the codec
const atFlags = 2; //   u8   1: key
//                      u8   0
const atConfigBytes = 4; // u32
const atDataBytes = 8; //   u32
const atPts = 12; //    f64  microseconds; exact for 285 years
const atDts = 20; //    f64  the same, as the presentation time where there is no other

const mark = 0x4b;
const keyFlag = 1;

const defaultMaxDataBytes = 16 * 1024 * 1024;
const defaultMaxConfigBytes = 64 * 1024;

/** The head of a sample on the wire; its configuration and its data follow. */
export function sampleHead(sample: WireSample): Buffer {
  const head = Buffer.allocUnsafe(headBytes);
  head[atMark] = mark;
  head[atCodec] = codecs.indexOf(sample.codec) + 1;
  head[atFlags] = sample.isKey ? keyFlag : 0;
  head[3] = 0;
  head.writeUInt32LE(sample.config?.length ?? 0, atConfigBytes);
  head.writeUInt32LE(sample.data.length, atDataBytes);
  head.writeDoubleLE(sample.ptsMicros, atPts);
  head.writeDoubleLE(sample.dtsMicros ?? sample.ptsMicros, atDts);
  return head;
}

/**
 * Writes a sample in one system call where the pipe takes it. The bytes must stay as they are until they are
 * written; `data` is not empty. False where the pipe is full: wait for `drain` before the next.
 */
export function writeSample(pipe: Writable, sample: WireSample): boolean {
  pipe.cork();
  pipe.write(sampleHead(sample));
  if (sample.config && sample.config.length > 0) pipe.write(sample.config);
  const hasRoom = pipe.write(sample.data);
  pipe.uncork();
  return hasRoom;
}

export function createSampleParser(limits: WireLimits = {}): SampleParser {
  const { maxDataBytes = defaultMaxDataBytes, maxConfigBytes = defaultMaxConfigBytes } = limits;
  const head = Buffer.alloc(headBytes);
  let headFilled = 0;
  /** A body that began in an earlier chunk, and how much of it is there. */
  let body: Buffer | null = null;
  let bodyFilled = 0;
  let configBytes = 0;
  let dataBytes = 0;

  const checkHead = () => {
    configBytes = head.readUInt32LE(atConfigBytes);
    dataBytes = head.readUInt32LE(atDataBytes);
    const isSane =
      head[atMark] === mark &&
      head[atCodec]! >= 1 &&
      head[atCodec]! <= codecs.length &&
      configBytes <= maxConfigBytes &&
      dataBytes > 0 &&
      dataBytes <= maxDataBytes &&
      Number.isFinite(head.readDoubleLE(atPts)) &&
      Number.isFinite(head.readDoubleLE(atDts));
    if (!isSane)
      throw new AppError('internal', 'The process that touches codecs sent something that is no sample.');
  };

  const finish = (bytes: Buffer): WireSample => {
    headFilled = 0;
    body = null;
    const ptsMicros = head.readDoubleLE(atPts);
    const dtsMicros = head.readDoubleLE(atDts);
    return {
      codec: codecs[head[atCodec]! - 1]!,
      data: bytes.subarray(configBytes),
      ptsMicros,
      ...(dtsMicros !== ptsMicros && { dtsMicros }),
      isKey: (head[atFlags]! & keyFlag) !== 0,
      // A copy: configurations are kept for long and must not hold a picture's bytes with them.
      ...(configBytes > 0 && { config: Buffer.from(bytes.subarray(0, configBytes)) }),
    };
  };

  return {
    get isBetweenSamples() {
      return headFilled === 0;
    },
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
        const bodyBytes = configBytes + dataBytes;
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
