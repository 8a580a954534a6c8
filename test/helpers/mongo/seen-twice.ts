// A database where every write is seen twice, and only the second answer comes back: what a driver's retried write is on
// a server that does not know its own retries.
import type { Collection, Db, Document } from 'mongodb';

const writes = [
  ...['insertOne', 'insertMany', 'updateOne', 'updateMany', 'replaceOne', 'deleteOne', 'deleteMany'],
  ...['findOneAndUpdate', 'findOneAndDelete', 'findOneAndReplace', 'bulkWrite'],
];

export function seenTwice(db: Db): Db & { readonly writes: number } {
  let seen = 0;
  return new Proxy(db, {
    get(target, name) {
      if (name === 'writes') return seen;
      if (name !== 'collection') return bound(target, name);
      return (...given: Parameters<Db['collection']>) =>
        new Proxy(target.collection(...given) as Collection<Document>, {
          get(collection, method) {
            const found = bound(collection, method) as (...args: unknown[]) => Promise<unknown>;
            if (!writes.includes(String(method))) return found;
            return async (...args: unknown[]) => {
              seen += 1;
              // One that is refused the first time is told at once.
              await found(...args);
              return found(...args);
            };
          },
        });
    },
  }) as Db & { readonly writes: number };
}

function bound(target: object, name: string | symbol): unknown {
  const value: unknown = Reflect.get(target, name, target);
  return typeof value === 'function' ? value.bind(target) : value;
}
