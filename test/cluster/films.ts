// Films that parsers take and no two of which are the same: a small MP4 with a `free` box of random bytes at its end
// (ISO/IEC 14496-12 §8.1.2), as long as is wanted; and one in a container that a worker has to look into.
import { createHash, randomFillSync } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { makeMedia } from '../helpers/media/media.ts';

export type Film = { readonly bytes: Buffer; readonly digest: string; readonly name: string };

export const digestOf = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

const video = { codec: 'h264', width: 64, height: 64, fps: 5, seconds: 1 } as const;

/** About `sizeBytes` long. */
export async function longFilm(sizeBytes: number): Promise<Film> {
  const film = await readFile(await makeMedia({ container: 'mp4', video }));
  const free = Buffer.alloc(Math.max(8, sizeBytes - film.length));
  free.writeUInt32BE(free.length, 0);
  free.write('free', 4, 'latin1');
  randomFillSync(free, 8);
  const bytes = Buffer.concat([film, free]);
  return { bytes, digest: digestOf(bytes), name: 'film.mp4' };
}

/** What no parser of the library reads: it is kept, and a task describes it. */
export async function otherFilm(): Promise<Film> {
  const bytes = await readFile(
    await makeMedia({ container: 'avi', video: { ...video, codec: 'mpeg4', bFrames: 0 } }),
  );
  return { bytes, digest: digestOf(bytes), name: 'film.avi' };
}
