// The connection to MongoDB: one for the whole process. Nothing else of the program opens one.
import { type Db, MongoClient } from 'mongodb';
import type { Logger } from 'pino';
import { AppError } from '../errors.ts';
import { mongoFailure } from './failure.ts';

/** How long an operation looks for a server that takes it before it fails: a fail-over of a replica set takes longer, and is tried again by whoever asked. */
const selectionMs = 5000;
/** Making a connection takes a busy server a while. */
const connectionMs = 10_000;
/** A server that answers nothing for so long is taken for gone. Longer than any operation of ours but the building of indexes, which is asked for again. */
const socketMs = 15_000;
const defaultDatabase = 'kinora';

export type Mongo = {
  readonly db: Db;
  readonly client: MongoClient;
  /** Throws `unavailable`. */
  ping(): Promise<void>;
  /** Idempotent. */
  close(): Promise<void>;
};

/**
 * Connects. Writes are acknowledged by a majority and journalled; reads are from the primary, so everybody sees what
 * was acknowledged. Throws `bad-request` for a URL that is none, `unavailable` where nothing answers; the URL's
 * password is in neither.
 */
export async function connectMongo(url: string, tools: { readonly log: Logger }): Promise<Mongo> {
  let client: MongoClient;
  try {
    client = new MongoClient(url, {
      appName: 'kinora',
      writeConcern: { w: 'majority', journal: true },
      readConcern: { level: 'local' },
      readPreference: 'primary',
      serverSelectionTimeoutMS: selectionMs,
      connectTimeoutMS: connectionMs,
      socketTimeoutMS: socketMs,
      // Half of them may be busy with chunks of videos while pages are asked for.
      maxPoolSize: 64,
      // Documents are ours or they are ignored: nothing with a prototype.
      ignoreUndefined: true,
      serializeFunctions: false,
    });
  } catch (cause) {
    throw new AppError('bad-request', 'MONGODB_URL is not the address of a MongoDB (mongodb://host/name).', {
      cause,
    });
  }
  // What happens on its connections in the background is told to whoever asks next.
  client.on('error', (error) => tools.log.warn({ reason: error.message }, 'the database cannot be reached'));
  const named = new URL(url.replace(/^mongodb(\+srv)?:\/\/[^/?]*/, 'http://host')).pathname.slice(1);
  const db = client.db(named || defaultDatabase);
  const mongo: Mongo = {
    db,
    client,
    async ping() {
      try {
        await db.command({ ping: 1 });
      } catch (error) {
        throw mongoFailure(error);
      }
    },
    close: () => client.close(),
  };
  try {
    await mongo.ping();
  } catch (error) {
    await client.close();
    throw error;
  }
  return mongo;
}
