// Where the program's random keys are: what signs log-ins and guests' passes, what seals cameras' passwords, what the
// processes of a cluster prove themselves with. Adapters: files in the data folder (here), and `mongo/keys.ts`.
import { join } from 'node:path';
import { readOrMakeKey } from './key-file.ts';

export const keyNames = ['auth', 'links', 'camera', 'service'] as const;
export type KeyName = (typeof keyNames)[number];

export type Keys = {
  /**
   * The key of 32 bytes, made at its first use; two that make it at once agree on one. Throws `unavailable`, with what
   * the key is for (`guest links`) in its sentence.
   */
  get(name: KeyName, forWhat: string): Promise<Buffer>;
};

/** Keys as files `NAME.key` of a folder, for this user alone. */
export function createFileKeys(folder: string): Keys {
  return createKeptKeys((name, forWhat) => readOrMakeKey(join(folder, `${name}.key`), forWhat));
}

/** Asks `read` once for each key, and again after a failure. */
export function createKeptKeys(read: Keys['get']): Keys {
  const kept = new Map<KeyName, Promise<Buffer>>();
  return {
    get(name, forWhat) {
      let key = kept.get(name);
      if (!key) {
        key = read(name, forWhat);
        kept.set(name, key);
        key.catch(() => kept.delete(name));
      }
      return key;
    },
  };
}
