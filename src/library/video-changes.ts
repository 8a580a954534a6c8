// Tells that some video is another than before: began to arrive, became what it is, was renamed, moved, binned or went.
// Here at once; in other processes by whatever carries word between them. How far arriving ones are is not told.
import type { Logger } from 'pino';
import type { Catalogue } from '../catalogue/catalogue.ts';

/** Carries word between processes (`mongo/changes.ts`): a number that moves, here at once, elsewhere within 2 s. */
export type Word = {
  bump(topic: string): Promise<void>;
  revision(topic: string): number;
};

const topic = 'videos';

const changing: ReadonlySet<string | symbol> = new Set<keyof Catalogue>([
  ...(['beginUpload', 'setUploadSize', 'finishUpload', 'replaceIndex', 'finishTask'] as const),
  ...(['renameVideo', 'moveVideo', 'setBinned', 'startRemoval', 'forgetVideo', 'giveVideos'] as const),
]);

export type VideoChanges = {
  /** The same catalogue, whose changes of videos are told. */
  readonly catalogue: Catalogue;
  /** Counts a change that the catalogue does not show. */
  tell(): void;
  /** Another number after every change. */
  revision(): number;
};

/** `word` null: nobody else changes anything. */
export function watchVideoChanges(
  catalogue: Catalogue,
  word: Word | null,
  log: Pick<Logger, 'debug'>,
): VideoChanges {
  let changes = 1;
  const tell = () => {
    changes += 1;
    // Word that does not get through is made up for: the number moves by itself every 10 s.
    word
      ?.bump(topic)
      .catch((error) => log.debug({ err: error }, 'other processes were not told of a change'));
  };
  return {
    catalogue: new Proxy(catalogue, {
      get(of, name) {
        const value = Reflect.get(of, name, of);
        if (typeof value !== 'function') return value;
        if (!changing.has(name)) return value.bind(of);
        return async (...values: unknown[]) => {
          try {
            return await value.apply(of, values);
          } finally {
            tell();
          }
        };
      },
    }),
    tell,
    revision: () => (word ? word.revision(topic) : changes),
  };
}
