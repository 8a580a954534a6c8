// The program's keys in MongoDB, so that every replica has the same: one document each, written once.
import { randomBytes } from 'node:crypto';
import { Binary, type Db } from 'mongodb';
import { AppError } from '../errors.ts';
import { createKeptKeys, type Keys } from '../keys.ts';
import { isDuplicate, withFailures } from './failure.ts';

/** 256 bits: for AES-256 and HMAC-SHA-256 alike. */
const keyBytes = 32;

type KeyRow = { readonly _id: string; readonly key: Binary };

/** See `Keys`. Whoever can read the database can read them: it is to be as well guarded as the data folder of a house. */
export function createMongoKeys(db: Db): Keys {
  const rows = db.collection<KeyRow>('keys');
  const peek: Keys['peek'] = (name) =>
    withFailures(async () => {
      const found = await rows.findOne({ _id: name });
      return found && bytesOf(found);
    });
  const put: Keys['put'] = (name, key) =>
    withFailures(async () => {
      await rows.insertOne({ _id: name, key: new Binary(key) }).catch((error: unknown) => {
        // Another replica was quicker, or this very write was seen twice.
        if (!isDuplicate(error)) throw error;
      });
    });
  return createKeptKeys({
    ...{ peek, put },
    async get(name, forWhat) {
      try {
        const found = await peek(name);
        if (found) return found;
        await put(name, randomBytes(keyBytes));
        const kept = await peek(name);
        if (!kept) throw new Error('it was removed meanwhile');
        return kept;
      } catch (cause) {
        throw new AppError('unavailable', `The key for ${forWhat} cannot be read from the database.`, {
          cause,
        });
      }
    },
  });
}

function bytesOf({ key }: KeyRow): Buffer {
  const bytes = Buffer.from(key.buffer);
  if (bytes.length !== keyBytes) throw new Error(`${bytes.length} bytes instead of ${keyBytes}`);
  return bytes;
}
