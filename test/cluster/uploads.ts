// Uploads that never end: as soon as one is in, its people begin the next, until they are told to stop.
import { type Film, longFilm } from './films.ts';
import type { House } from './house.ts';
import type { Uploaded, Uploading } from './uploader.ts';

export type Uploads = {
  readonly done: readonly (Uploaded & { readonly film: Film })[];
  /** Resolves when a piece has just begun to go to this replica. Rejects where none does within a minute. */
  untilPieceAt(url: string): Promise<void>;
  /** Lets those that are under way come to their end. Rejects where one could not. */
  stop(): Promise<void>;
};

export function keepUploading(
  house: House,
  { people, sizeBytes = 1_600_000, ...options }: { people: number; sizeBytes?: number } & Partial<Uploading>,
): Uploads {
  const done: (Uploaded & { film: Film })[] = [];
  const waiting = new Set<{ url: string; resolve: () => void }>();
  let isOver = false;
  const one = async () => {
    while (!isOver) {
      const film = await longFilm(sizeBytes);
      const onPiece = (url: string) => {
        for (const each of waiting) if (each.url === url) each.resolve();
      };
      done.push({ ...(await house.upload(film, { ...options, onPiece })), film });
    }
  };
  const all = Promise.all(Array.from({ length: people }, one));
  all.catch(() => {});
  return {
    done,
    async untilPieceAt(url) {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const late = setTimeout(() => reject(new Error(`no piece goes to ${url}`)), 60_000);
      const each = { url, resolve };
      waiting.add(each);
      await Promise.race([promise, all]).finally(() => clearTimeout(late));
      waiting.delete(each);
    },
    async stop() {
      isOver = true;
      await all;
    },
  };
}
