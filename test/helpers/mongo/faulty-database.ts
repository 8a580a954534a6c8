// Databases as networks and servers make them: writes that are seen twice, answers that are lost, a process that dies
// between two writes, and what it had sent seen once more much later.
import type { Collection, Db } from 'mongodb';

const writes = [
  ...['insertOne', 'updateOne', 'updateMany', 'deleteOne', 'deleteMany', 'findOneAndUpdate', 'replaceOne'],
];

type Write = { readonly collection: string; readonly method: string; run(): Promise<unknown> };

/** A database whose writes go by `onWrite`, which may do them as often as it likes. */
export function throughHands(db: Db, onWrite: (write: Write) => Promise<unknown>): Db {
  return new Proxy(db, {
    get(target, name) {
      const value = Reflect.get(target, name, target);
      if (name !== 'collection') return typeof value === 'function' ? value.bind(target) : value;
      return (collectionName: string) =>
        new Proxy(target.collection(collectionName), {
          get(collection, method) {
            const inner = Reflect.get(collection, method, collection);
            if (typeof inner !== 'function') return inner;
            if (!writes.includes(String(method))) return inner.bind(collection);
            return (...values: unknown[]) => {
              const run = () => inner.apply(collection, structuredClone(values)) as Promise<unknown>;
              return onWrite({ collection: collectionName, method: String(method), run });
            };
          },
        }) as Collection;
    },
  });
}

/** Each write is done twice, the answer of the first is lost, and duplicates are told by their code alone. */
export function seenTwice(db: Db): Db {
  return throughHands(db, async ({ run }) => {
    await run().catch(() => {});
    return run().catch((error: { code?: number }) => {
      throw error.code === 11000 ? Object.assign(new Error('duplicate'), { code: 11000 }) : error;
    });
  });
}

/** The process dies before its write of that number (from 1): neither that one nor any after it is done. */
export function dyingAt(db: Db, number: number): { db: Db; readonly isDead: () => boolean } {
  let count = 0;
  const dead = () => Object.assign(new Error('dead'), { name: 'MongoNetworkError' });
  const dying = throughHands(db, async ({ run }) => {
    count++;
    if (count >= number) throw dead();
    return run();
  });
  return { db: dying, isDead: () => count >= number };
}

/** Keeps what was written, to be seen once more. */
export function remembered(db: Db): { db: Db; readonly written: Write[] } {
  const written: Write[] = [];
  return {
    written,
    db: throughHands(db, (write) => {
      written.push(write);
      return write.run();
    }),
  };
}
