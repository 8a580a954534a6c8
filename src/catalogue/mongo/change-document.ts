// Changes a document that was read, only while it is as it was read: compare and set by its revision. Safe when a write
// is seen twice: the second time the document has moved on, is read again, and found to be as wanted.
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { Collection, Filter, MatchKeysAndValues, UpdateFilter, WithId } from 'mongodb';
import { AppError } from '../../errors.ts';

type Revised = { readonly _id: string; readonly revision: number };

/** Somebody else changed it so often in between that something must be wrong. */
const attempts = 100;

/**
 * @param decide what fields should be, from what they are; null leaves all as it is. Called again when somebody else was quicker.
 * @returns the document as it is then and whether it was written; null where there is none
 */
export async function changeDocument<Doc extends Revised>(
  collection: Collection<Doc>,
  filter: Filter<Doc>,
  decide: (doc: WithId<Doc>) => Partial<Doc> | null,
): Promise<{ readonly doc: WithId<Doc>; readonly isWritten: boolean } | null> {
  let isWritten = false;
  for (let attempt = 1; attempt <= attempts; attempt++) {
    const doc = await collection.findOne(filter);
    if (!doc) return null;
    const fields = decide(doc);
    const differing = Object.entries(fields ?? {}).filter(
      ([name, value]) => !isDeepStrictEqual(doc[name as keyof typeof doc], value),
    );
    if (differing.length === 0) return { doc, isWritten };
    isWritten = true;
    const changes = Object.fromEntries(differing) as MatchKeysAndValues<Doc>;
    const changed = await collection.findOneAndUpdate(
      { _id: doc._id, revision: doc.revision } as unknown as Filter<Doc>,
      { $set: { ...changes, revision: doc.revision + 1 } } as unknown as UpdateFilter<Doc>,
      { returnDocument: 'after' },
    );
    if (changed) return { doc: changed, isWritten };
    // Those that got into each other's way do not all come again at once.
    if (attempt > 1) await sleep(Math.random() * Math.min(50, 2 * attempt));
  }
  throw new AppError('unavailable', 'Too many change this at once.', { retryAfterSeconds: 1 });
}
