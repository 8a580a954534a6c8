// Somebody who watches a film again and again at the pace of a player, and goes on elsewhere by Range where the replica
// that sent it dies, as players do. Whatever came short, wrong or with an error from a living replica is a fault.
import { createHash } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { Film } from './films.ts';
import { isGone, type Round, send } from './round.ts';

export type FileViewer = {
  /** Films that were seen whole. */
  readonly views: number;
  readonly bytes: number;
  /** How often the rest was asked of another replica. */
  readonly resumed: number;
  readonly faults: readonly string[];
  /** Whom the film that is being watched comes from, and how much of it is here; null between two. */
  readonly reading: { readonly url: string; readonly at: number } | null;
  /** Resolves when the film that is being watched is over. */
  stop(): Promise<void>;
};

export type FileViewing = {
  readonly round: Round;
  /** Of the film. */
  readonly path: string;
  readonly film: Film;
  /** As fast as it comes where left out. */
  readonly bytesPerSecond?: number;
  /** Who breaks off must be gone; false: any replica may (it drains). */
  readonly mayBreak?: boolean;
};

export function watchFile({ round, path, film, bytesPerSecond, mayBreak = false }: FileViewing): FileViewer {
  const faults: string[] = [];
  let [views, bytes, resumed, isOver] = [0, 0, 0, false];
  let reading: FileViewer['reading'] = null;

  /** From `offset` on, as far as it goes; null after something that is no event to a player. */
  const read = async (offset: number, onBytes: (piece: Buffer) => void): Promise<void> => {
    const replica = round.next();
    const { pid } = replica;
    let at = offset;
    try {
      const headers = { cookie: round.cookie, ...(offset > 0 && { range: `bytes=${offset}-` }) };
      const answer = await send(`${replica.url}${path}`, { headers }).answer;
      const wanted = offset > 0 ? 206 : 200;
      if (answer.statusCode !== wanted) {
        answer.resume();
        faults.push(`${answer.statusCode} instead of ${wanted} at ${offset} from ${replica.url}`);
        return void (await pause(200));
      }
      const begunAtMs = performance.now();
      for await (const piece of answer as AsyncIterable<Buffer>) {
        onBytes(piece);
        at += piece.length;
        reading = { url: replica.url, at };
        if (bytesPerSecond === undefined) continue;
        const dueMs = ((at - offset) / bytesPerSecond) * 1000 - (performance.now() - begunAtMs);
        if (dueMs > 5) await pause(dueMs);
      }
      if (at < film.bytes.length) throw new Error('short');
    } catch (error) {
      resumed += 1;
      if (!mayBreak && !(await isGone(replica, pid)))
        faults.push(`${(error as Error).message} at ${at} of ${film.bytes.length} from ${replica.url}`);
    }
    reading = null;
  };

  const watching = (async () => {
    while (!isOver) {
      const hash = createHash('sha256');
      let offset = 0;
      for (let tries = 0; offset < film.bytes.length; tries += 1) {
        if (tries > 50) return void faults.push(`given up at ${offset}`);
        await read(offset, (piece) => {
          offset += piece.length;
          bytes += piece.length;
          hash.update(piece);
        });
      }
      if (hash.digest('hex') !== film.digest) faults.push('other bytes than were sent in');
      views += 1;
    }
  })();

  return {
    get views() {
      return views;
    },
    get bytes() {
      return bytes;
    },
    get resumed() {
      return resumed;
    },
    get reading() {
      return reading;
    },
    faults,
    async stop() {
      isOver = true;
      await watching;
    },
  };
}
