// A sample on its way through the hub: numbered, dated, and framed as a multipart part once for all viewers.
import type { CameraSample } from './driver.ts';

/** What separates the parts of every Motion-JPEG stream of this program; the name the old Flask examples used. */
export const boundary = 'frame';

/** Opens a stream: the delimiter before the first part (RFC 2046 §5.1.1). */
export const streamStart: Buffer = Buffer.from(`--${boundary}\r\n`);

// The delimiter goes out with the picture it ends, so that a browser, which shows a part when it sees the next
// delimiter, does not show every picture one late.
const partEnd = Buffer.from(`\r\n--${boundary}\r\n`, 'latin1');

export class LiveSample implements CameraSample {
  readonly codec: CameraSample['codec'];
  readonly data: Uint8Array;
  readonly ptsMicros: number;
  readonly dtsMicros?: number;
  readonly isKey: boolean;
  readonly config?: Uint8Array;
  /** When it reached the hub, milliseconds since the epoch. */
  readonly takenAtMs: number;
  /** The same moment on the monotonic clock. */
  readonly takenAtMonotonicMs: number;
  /** Counts the samples of the camera; never repeats within a run of the program. */
  readonly sequence: number;
  #part: Buffer | null = null;

  constructor(sample: CameraSample, takenAtMs: number, takenAtMonotonicMs: number, sequence: number) {
    this.codec = sample.codec;
    this.data = sample.data;
    this.ptsMicros = sample.ptsMicros;
    if (sample.dtsMicros !== undefined) this.dtsMicros = sample.dtsMicros;
    this.isKey = sample.isKey;
    if (sample.config) this.config = sample.config;
    this.takenAtMs = takenAtMs;
    this.takenAtMonotonicMs = takenAtMonotonicMs;
    this.sequence = sequence;
  }

  /**
   * A JPEG picture as one part of multipart/x-mixed-replace: headers, picture, and the delimiter after it. Made
   * when the first viewer asks and shared by all, so a picture costs one copy however many watch.
   */
  get part(): Buffer {
    this.#part ??= framePicture(this);
    return this.#part;
  }
}

function framePicture(picture: LiveSample): Buffer {
  const head =
    `Content-Type: image/jpeg\r\nContent-Length: ${picture.data.length}\r\n` +
    `X-Timestamp: ${(picture.takenAtMs / 1000).toFixed(3)}\r\nX-Sequence: ${picture.sequence}\r\n\r\n`;
  const part = Buffer.allocUnsafe(head.length + picture.data.length + partEnd.length);
  part.write(head, 0, 'latin1');
  part.set(picture.data, head.length);
  part.set(partEnd, head.length + picture.data.length);
  return part;
}
