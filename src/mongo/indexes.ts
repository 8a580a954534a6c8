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
  // At once: each build may take a second, and who starts waits for all of them.
  await Promise.all(
    Object.entries(wanted).map(([name, indexes]) => ensureOfOne(db.collection(name), indexes)),
  );
}

async function ensureOfOne(collection: Collection<Document>, indexes: readonly WantedIndex[]): Promise<void> {
  const there = await indexesOf(collection);
  // One that is being built is among them: what must be unique is waited for.
  const missing = indexes.filter(
    ({ name, keys, options }) => there.get(name) !== JSON.stringify(keys) || options?.unique,
  );
  if (missing.length === 0) return;
  try {
    // One walk of the collection for all of them.
    await collection.createIndexes(
      missing.map(({ keys, name, options }) => ({ ...options, name, key: keys as Record<string, 1 | -1> })),
    );
  } catch {
    // One of them is being built by another replica, or the answer took too long: each by itself, and waited for.
    for (const index of missing) await ensureIndex(collection, index);
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
