// A camera driver whose pictures, failures and bad manners a test decides, and JPEG-shaped pictures with a number.
import type { CameraSample, DriverModule } from '../../src/cameras/driver.ts';

/** Bytes with the ends of a JPEG and its number in a comment segment (ITU-T T.81 §B.2.4.5), `sizeBytes` long. */
export function numberedJpeg(number: number, sizeBytes = 200): Uint8Array {
  const comment = Buffer.from(`SEQ=${number}`);
  const head = Buffer.from([0xff, 0xd8, 0xff, 0xfe, 0, comment.length + 2]);
  const filler = Buffer.alloc(Math.max(0, sizeBytes - head.length - comment.length - 2), 0x55);
  return Buffer.concat([head, comment, filler, Buffer.from([0xff, 0xd9])]);
}

/** The number in a picture of `numberedJpeg`; NaN for others. */
export function numberIn(jpeg: Uint8Array): number {
  return Number(/SEQ=(\d+)/.exec(Buffer.from(jpeg.subarray(0, 64)).toString('latin1'))?.[1] ?? Number.NaN);
}

export type PushDriver = DriverModule & {
  /** Gives the running driver something to yield. */
  push(sample: Uint8Array | CameraSample): void;
  /** Makes the running driver throw. */
  fail(error: Error): void;
  /** Makes it return as if the camera had ended. */
  end(): void;
  /** How often it was started, and how often it has released its device. */
  readonly starts: number;
  readonly stops: number;
};

export type PushDriverOptions = {
  /** Goes on after its signal, for ever. */
  readonly ignoresSignal?: boolean;
  /** Throws this instead of starting. */
  readonly failsAtStart?: () => Error | null;
};

export function createPushDriver({
  ignoresSignal = false,
  failsAtStart,
}: PushDriverOptions = {}): PushDriver {
  type Event = { sample: Uint8Array | CameraSample } | { error: Error } | 'end';
  let queue: Event[] = [];
  let wake: (() => void) | null = null;
  let starts = 0;
  let stops = 0;
  const add = (event: Event) => {
    queue.push(event);
    wake?.();
  };
  return {
    async *samples(_options, { signal }) {
      starts += 1;
      queue = [];
      try {
        const error = failsAtStart?.();
        if (error) throw error;
        for (;;) {
          while (queue.length === 0) {
            await new Promise<void>((resolve) => {
              wake = resolve;
              if (ignoresSignal) return;
              if (signal.aborted) resolve();
              else signal.addEventListener('abort', () => resolve(), { once: true });
            });
            if (signal.aborted && !ignoresSignal) return;
          }
          const event = queue.shift()!;
          if (event === 'end') return;
          if ('error' in event) throw event.error;
          yield event.sample;
        }
      } finally {
        stops += 1;
      }
    },
    push: (sample) => add({ sample }),
    fail: (error) => add({ error }),
    end: () => add('end'),
    get starts() {
      return starts;
    },
    get stops() {
      return stops;
    },
  };
}
