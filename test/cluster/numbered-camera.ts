// A camera whose pictures carry numbers, and viewers who read them back. The camera is a device of its own: it counts on
// whoever takes its pictures, so that what nobody was shown is seen as a gap.
import type { IncomingMessage } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { type MjpegCamera, startMjpegCamera } from '../helpers/mjpeg-camera.ts';
import { multipart, part } from '../helpers/mjpeg-parts.ts';
import { isGone, type Round, send } from './round.ts';

export type NumberedCamera = Pick<MjpegCamera, 'url' | 'connections' | 'close'> & {
  /** The picture of now. */
  readonly number: number;
};

/** Motion-JPEG over HTTP; every connection gets the same pictures at the same time. */
export async function startNumberedCamera(everyMs = 100): Promise<NumberedCamera> {
  let number = 0;
  const ends = new Set<(picture: Buffer) => void>();
  const timer = setInterval(() => {
    number += 1;
    const picture = part(number, { delimiter: '--picture', length: String });
    for (const give of ends) give(picture);
  }, everyMs);
  const camera = await startMjpegCamera((socket) => {
    socket.write(multipart('picture'));
    const give = (picture: Buffer) => void socket.write(picture);
    ends.add(give);
    socket.once('close', () => ends.delete(give));
  });
  return {
    url: camera.url,
    get connections() {
      return camera.connections;
    },
    get number() {
      return number;
    },
    async close() {
      clearInterval(timer);
      await camera.close();
    },
  };
}

/** A stretch without pictures of one connection that went on. */
export type Gap = {
  readonly missed: number;
  /** From the last picture before it to the first after it, by the clock of `performance.now()`. */
  readonly fromMs: number;
  readonly untilMs: number;
};

export type CameraViewer = {
  readonly pictures: number;
  readonly gaps: readonly Gap[];
  /** When the newest picture came. */
  readonly lastAtMs: number;
  /** How often it went to another replica because its own was gone. */
  readonly moved: number;
  readonly faults: readonly string[];
  stop(): Promise<void>;
};

export function watchCamera(round: Round, path: string, { mayBreak = false } = {}): CameraViewer {
  const faults: string[] = [];
  const gaps: Gap[] = [];
  let [pictures, lastAtMs, moved, isOver] = [0, performance.now(), 0, false];
  let running: IncomingMessage | null = null;

  const read = async (answer: IncomingMessage): Promise<void> => {
    let [rest, last, seenAtMs] = ['', 0, 0];
    for await (const piece of answer as AsyncIterable<Buffer>) {
      const text = rest + piece.toString('latin1');
      let end = 0;
      // The number ends where the filler begins (`numberedJpeg`).
      for (const { 1: digits, 0: all, index } of text.matchAll(/SEQ=(\d+)U/g)) {
        const number = Number(digits);
        end = index + all.length;
        lastAtMs = performance.now();
        if (last > 0 && number <= last) faults.push(`picture ${number} after ${last}`);
        if (last > 0 && number > last + 1)
          gaps.push({ missed: number - last - 1, fromMs: seenAtMs, untilMs: lastAtMs });
        [last, seenAtMs] = [Math.max(last, number), lastAtMs];
        pictures += 1;
      }
      rest = text.slice(Math.max(end, text.length - 24));
    }
  };

  const watching = (async () => {
    while (!isOver) {
      const replica = round.next();
      const { pid } = replica;
      try {
        const answer = await send(`${replica.url}${path}`, { headers: { cookie: round.cookie } }).answer;
        running = answer;
        if (isOver) answer.destroy();
        if (answer.statusCode !== 200) {
          faults.push(`${answer.statusCode} from ${replica.url}`);
          answer.destroy();
          await pause(200);
          continue;
        }
        await read(answer);
        throw new Error('the stream ended');
      } catch (error) {
        if (isOver) return;
        moved += 1;
        if (!mayBreak && !(await isGone(replica, pid)))
          faults.push(`${(error as Error).message} at ${replica.url}`);
      }
    }
  })();

  return {
    get pictures() {
      return pictures;
    },
    get lastAtMs() {
      return lastAtMs;
    },
    get moved() {
      return moved;
    },
    ...{ gaps, faults },
    async stop() {
      isOver = true;
      running?.destroy();
      await watching;
    },
  };
}
