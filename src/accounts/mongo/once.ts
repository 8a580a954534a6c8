// Writes that may be seen twice (a driver tries again what it got no answer to), as what they were meant as: once.
import type { Collection, Document, Filter, OptionalUnlessRequiredId, UpdateFilter } from 'mongodb';
import { AppError } from '../../errors.ts';
import { isDuplicate } from '../../mongo/failure.ts';

/** A value of a client's that goes into a query. Throws `bad-request` for what is no text, so that nothing in it is an operator. */
export function text(value: unknown): string {
  if (typeof value !== 'string') throw new AppError('bad-request', 'This is not a text.');
  return value;
}

/** Whether it stands there now: false where another one has what has to be unique. Its `_id` is random and this caller's own. */
export async function insertOnce<Row extends Document & { _id: string }>(
  collection: Collection<Row>,
  row: Row,
): Promise<boolean> {
  try {
    await collection.insertOne(row as unknown as OptionalUnlessRequiredId<Row>);
    return true;
  } catch (error) {
    if (!isDuplicate(error)) throw error;
    return (await collection.findOne({ _id: row._id } as Filter<Row>)) !== null;
  }
}

/** Whether this very change was written: `mark` is a field that `update` sets to a value of this change alone. */
export async function updateOnce<Row extends Document>(
  collection: Collection<Row>,
  filter: Filter<Row>,
  update: UpdateFilter<Row>,
  mark: { readonly _id: string } & Readonly<Record<string, unknown>>,
): Promise<boolean> {
  const { matchedCount } = await collection.updateOne(filter, update);
  return matchedCount > 0 || (await collection.findOne(mark as unknown as Filter<Row>)) !== null;
}
