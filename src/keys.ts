// Where the program's random keys are: what signs log-ins and guests' passes, what seals cameras' passwords, what the
// processes of a cluster prove themselves with. Adapters: files in the data folder (here), and `mongo/keys.ts`.
import { timingSafeEqual } from 'node:crypto';
import { join } from 'node:path';
import { AppError } from './errors.ts';
import { makeKey, readKey, readOrMakeKey } from './key-file.ts';

export const keyNames = ['auth', 'links', 'camera', 'service'] as const;
export type KeyName = (typeof keyNames)[number];

export type Keys = {
  /**
   * The key of 32 bytes, made at its first use; two that make it at once agree on one. Throws `unavailable`, with what
   * the key is for (`guest links`) in its sentence.
   */
  get(name: KeyName, forWhat: string): Promise<Buffer>;
  /** As it stands; null where there is none (`kinora move`). Throws `unavailable`. */
  peek(name: KeyName): Promise<Buffer | null>;
  /** Puts one from elsewhere. Again: nothing happens. Throws `conflict` where another stands there, `unavailable`. */
  put(name: KeyName, key: Uint8Array): Promise<void>;
};

/** Keys as files `NAME.key` of a folder, for this user alone. */
export function createFileKeys(folder: string): Keys {
  const pathOf = (name: KeyName) => join(folder, `${name}.key`);
  return createKeptKeys({
    get: (name, forWhat) => readOrMakeKey(pathOf(name), forWhat),
    peek: (name) => readKey(pathOf(name), name),
    put: (name, key) => makeKey(pathOf(name), name, key),
  });
}

/** Asks once for each key, and again after a failure. `put` makes one where there is none. */
export function createKeptKeys({ get, peek, put }: Keys): Keys {
  const kept = new Map<KeyName, Promise<Buffer>>();
  return {
    peek,
    get(name, forWhat) {
      let key = kept.get(name);
      if (!key) {
        key = get(name, forWhat);
        kept.set(name, key);
        key.catch(() => kept.delete(name));
      }
      return key;
    },
    async put(name, key) {
      await put(name, key);
      const there = await peek(name);
      if (there === null || !timingSafeEqual(there, key))
        throw new AppError('conflict', `There is another key (${name}) there already.`);
    },
  };
}
