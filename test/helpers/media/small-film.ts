// The smallest film there is here: one second of H.264 in Matroska, for tests that need a video and not what is in it.
import { readFileSync } from 'node:fs';
import { makeMedia } from './media.ts';

export async function smallFilm(): Promise<Buffer> {
  return readFileSync(
    await makeMedia({
      container: 'matroska',
      video: { codec: 'h264', width: 64, height: 64, fps: 5, seconds: 1 },
    }),
  );
}
