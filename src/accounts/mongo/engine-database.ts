// The database as better-auth's MongoDB adapter is given it, without its transactions. What it writes is made safe to be
// seen twice (its own writes carry nothing to know themselves by), what it takes is taken by one, what it changes is
// told of, and the indexes it asks for are there already (`collections.ts`; a test holds the two against each other).
import type { Collection, Db, Document, Filter, UpdateFilter } from 'mongodb';
import { createId } from '../../ids.ts';
import { isDuplicate } from '../../mongo/failure.ts';

type Row = Document & { _id: string };

/** Of changes to these an answer about who somebody is may depend. */
const watched: Readonly<Record<string, readonly string[]>> = {
  user: ['name', 'role', 'isDisabled'],
  session: ['expiresAt', 'token', 'userId'],
};

type Options = { readonly includeResultMetadata: true };

export type EngineIndex = {
  readonly collection: string;
  readonly keys: Document;
  readonly isUnique: boolean;
};

/**
 * @param changed tells that answers are wrong by now
 * @param onIndex told of each index that the adapter asks for; for tests
 */
export function engineDatabase(
  db: Db,
  changed: () => Promise<void>,
  onIndex: (index: EngineIndex) => void = () => {},
): Db {
  return {
    collection: (name: string) => engineCollection(db.collection<Row>(name), name, changed, onIndex),
  } as unknown as Db;
}

function engineCollection(
  rows: Collection<Row>,
  name: string,
  changed: () => Promise<void>,
  onIndex: (index: EngineIndex) => void,
) {
  const fields = watched[name] ?? [];
  const tell = (isChanged: boolean) => (isChanged && fields.length > 0 ? changed() : Promise.resolve());
  const touches = (update: Document) =>
    ['$set', '$unset', '$inc'].some((part) =>
      Object.keys(update[part] ?? {}).some((key) => fields.includes(key)),
    );
  const withMark = (update: UpdateFilter<Row>, changeId: string) => ({
    ...update,
    $set: { ...update.$set, changeId },
  });

  return {
    async createIndex(keys: Document, { unique = false } = {}) {
      onIndex({ collection: name, keys, isUnique: unique });
      return name;
    },
    /** The id is random and this write's own: where it is there already, this write was seen twice. */
    async insertOne(values: Row) {
      const row = Object.fromEntries(Object.entries(values).filter(([, value]) => value !== null)) as Row;
      try {
        await rows.insertOne(row as never);
      } catch (error) {
        if (!isDuplicate(error) || !(await rows.findOne({ _id: row._id }))) throw error;
      }
      return { insertedId: row._id };
    },
    aggregate: (stages: Document[]) => rows.aggregate(stages),
    findOne: (filter: Filter<Row>) => rows.findOne(filter),
    async findOneAndUpdate(filter: Filter<Row>, update: UpdateFilter<Row>, _options: Options) {
      const changeId = createId();
      // Written by a first try of this very change, it does not match a second time.
      const value =
        (await rows.findOneAndUpdate(
          { $and: [filter, { changeId: { $ne: changeId } }] } as Filter<Row>,
          withMark(update, changeId),
          { returnDocument: 'after' },
        )) ?? (await rows.findOne({ ...idOf(filter), changeId } as Filter<Row>));
      await tell(value !== null && touches(update));
      return { value };
    },
    async updateMany(filter: Filter<Row>, update: UpdateFilter<Row>) {
      const result = await rows.updateMany(filter, update);
      await tell(result.matchedCount > 0 && touches(update));
      return result;
    },
    async deleteOne(filter: Filter<Row>) {
      const result = await rows.deleteOne(filter);
      await tell(true);
      return result;
    },
    async deleteMany(filter: Filter<Row>) {
      const result = await rows.deleteMany(filter);
      await tell(true);
      return result;
    },
    /** In two steps: marked by whoever takes it, then removed. What a crash leaves in between nobody else takes. */
    async findOneAndDelete(filter: Filter<Row>, _options: Options) {
      const takenBy = createId();
      const value =
        (await rows.findOneAndUpdate(
          { $and: [filter, { takenBy: { $exists: false } }] } as Filter<Row>,
          { $set: { takenBy } } as unknown as UpdateFilter<Row>,
          { returnDocument: 'after' },
        )) ?? (await rows.findOne({ ...idOf(filter), takenBy } as Filter<Row>));
      if (value) await rows.deleteOne({ _id: value._id });
      await tell(value !== null);
      return { value };
    },
  };
}

/** What its filters name a row by, so that a mark is looked for in that row alone. */
function idOf(filter: Filter<Row>): Document {
  const { _id, $and } = filter as { _id?: string; $and?: readonly { _id?: string }[] };
  const id = _id ?? $and?.find((part) => part._id !== undefined)?._id;
  return id === undefined ? {} : { _id: id };
}
