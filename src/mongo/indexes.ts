// Indexes, made at the start by however many replicas start at once.

import { setTimeout as sleep } from 'node:timers/promises';
import type { Collection, CreateIndexesOptions, Db, Document, IndexSpecification } from 'mongodb';
import { isAppError } from '../errors.ts';
import { mongoFailure } from './failure.ts';

export type WantedIndex = {
  readonly keys: IndexSpecification;
  /** Ours, so that a newer program can replace one by another with a newer name. */
  readonly name: string;
  readonly options?: Omit<CreateIndexesOptions, 'name'>;
};

/** Another replica is building it, or has the same under way. */
const inProgress = [12587, 12586, 276, 40333];
const attempts = 20;
const slowAttempts = 3;
/** One of that name, or of those keys, is there with other options. */
const others = [85, 86];

/**
 * Makes those that are missing; there already: nothing happens. Older ones of other names stay, since an older replica
 * may need them. Throws `unavailable`.
 */
export async function ensureIndexes(
  db: Db,
  wanted: Readonly<Record<string, readonly WantedIndex[]>>,
): Promise<void> {
  // Collections one after the other: an index build may take a second, and locks what it builds on.
  for (const [name, indexes] of Object.entries(wanted)) {
    const collection = db.collection(name);
    const there = await indexesOf(collection);
    for (const index of indexes) {
      // One that is being built is among them: what must be unique is waited for.
      const isThere = there.get(index.name) === JSON.stringify(index.keys) && !index.options?.unique;
      if (!isThere) await ensureIndex(collection, index);
    }
  }
}

/** Names and keys of those that are there, so that a start where nothing is missing asks once. */
async function indexesOf(collection: Collection<Document>): Promise<ReadonlyMap<string, string>> {
  try {
    const found = await collection.listIndexes().toArray();
    return new Map(found.map(({ name, key }) => [String(name), JSON.stringify(key)]));
  } catch {
    // There is no such collection yet, or it will be told by the first that is made.
    return new Map();
  }
}

async function ensureIndex(
  collection: Collection<Document>,
  { keys, name, options }: WantedIndex,
): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await collection.createIndex(keys, { ...options, name });
      return;
    } catch (error) {
      const code = (error as { code?: number }).code ?? 0;
      if (others.includes(code))
        throw new Error(`the index ${name} of ${collection.collectionName} is another one there`, {
          cause: error,
        });
      const failure = mongoFailure(error);
      // Building it may take longer than an answer is waited for; it goes on meanwhile.
      const isSlow = isAppError(failure, 'unavailable') && attempt < slowAttempts;
      if (!isSlow && (!inProgress.includes(code) || attempt === attempts)) throw failure;
      await sleep(100 * attempt);
    }
  }
}
