// A database whose calls a test looks at, holds up or does twice.
import type { Db } from 'mongodb';

/** One call of a collection's method that writes or reads. */
export type DatabaseCall = {
  readonly collection: string;
  readonly method: string;
  readonly args: readonly unknown[];
  /** Does it; as often as wanted. */
  run(): Promise<unknown>;
};

const methods = ['insertOne', 'updateOne', 'findOneAndUpdate', 'deleteOne', 'deleteMany', 'findOne'];

/** The same database, where `onCall` answers every write and every `findOne`. */
export function oddDatabase(db: Db, onCall: (call: DatabaseCall) => Promise<unknown>): Db {
  const collectionOf = (name: string) =>
    new Proxy(db.collection(name), {
      get(target, property) {
        const found: unknown = Reflect.get(target, property, target);
        if (typeof found !== 'function') return found;
        const method = String(property);
        if (!methods.includes(method)) return found.bind(target);
        return (...args: unknown[]) =>
          onCall({ collection: name, method, args, run: () => found.apply(target, args) });
      },
    });
  return new Proxy(db, {
    get(target, property) {
      if (property === 'collection') return collectionOf;
      const found: unknown = Reflect.get(target, property, target);
      return typeof found === 'function' ? found.bind(target) : found;
    },
  });
}

/** Every write arrives twice, and only the second answer comes back, of whose errors nothing but the code is told. */
export function doublingDatabase(db: Db): Db {
  return oddDatabase(db, async ({ method, run }) => {
    if (method !== 'findOne') await run().catch(() => {});
    return run().catch((error: { code?: number; name?: string }) => {
      throw Object.assign(new Error('refused'), { name: error.name, code: error.code });
    });
  });
}
