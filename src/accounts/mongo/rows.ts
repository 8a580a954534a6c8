// Every row of the accounts in MongoDB as `local/account-rows.ts` forms it, and back. A row that is put takes the place
// of the one with its id, so that whoever was interrupted begins again.
import type { Collection, Document } from 'mongodb';
import { AppError } from '../../errors.ts';
import { isDuplicate } from '../../mongo/failure.ts';
import {
  type AccountCollection,
  type AccountRow,
  accountCollections,
  type FieldKind,
  type RowValue,
  rowFormOf,
} from '../local/account-rows.ts';
import type { Collections } from './collections.ts';

type Row = Document & { _id: string };

/** Rows read at once. */
const page = 200;

function read(kind: FieldKind, value: unknown): RowValue {
  if (value === null || value === undefined) return null;
  if (kind === 'date') return (value as Date).toISOString();
  if (kind === 'number') return Number(value);
  if (kind === 'flag') return value === true;
  return value as string | readonly string[];
}

function write(kind: FieldKind, value: RowValue): unknown {
  return kind === 'date' ? new Date(value as string) : value;
}

/** Without the fields that have no value; null where the collection has rows that only stand here. */
function toDocument(collection: AccountCollection, row: AccountRow['row']): Row {
  const { fields, keys } = rowFormOf(collection);
  const names = Object.keys(fields);
  const document: Row = {
    _id: names
      .slice(0, keys)
      .map((name) => row[name])
      .join(' '),
  };
  for (const name of keys === 1 ? names.slice(1) : names) {
    const value = row[name] ?? null;
    if (value !== null) document[name] = write(fields[name]!, value);
  }
  if (collection === 'usedCode') document.takenBy = 'moved';
  if (collection === 'audit') document.n = 0;
  if (collection === 'attempt') {
    document.goneAt = new Date(row.fullAtMs as number);
    document.changeId = 'moved';
  }
  return document;
}

export async function* readRows(collections: Collections): AsyncGenerator<AccountRow> {
  for (const collection of accountCollections) {
    const rows = collections[collection] as unknown as Collection<Row>;
    const { fields, keys } = rowFormOf(collection);
    const [first] = Object.keys(fields);
    let last: string | null = null;
    for (;;) {
      const filter: Document = last === null ? {} : { _id: { $gt: last } };
      const found: Row[] = await rows.find(filter).sort({ _id: 1 }).limit(page).toArray();
      for (const document of found) {
        const source = keys === 1 ? { ...document, [first!]: document._id } : document;
        const row = Object.fromEntries(
          Object.entries(fields).map(([name, kind]) => [name, read(kind, (source as Document)[name])]),
        );
        yield { collection, row };
      }
      if (found.length < page) break;
      last = found.at(-1)!._id;
    }
  }
}

export async function putRows(collections: Collections, rows: readonly AccountRow[]): Promise<void> {
  for (const collection of accountCollections) {
    const mine = rows.filter((row) => row.collection === collection);
    if (mine.length === 0) continue;
    const target = collections[collection] as unknown as Collection<Row>;
    const documents = mine.map(({ row }) => toDocument(collection, row));
    try {
      await target.bulkWrite(
        documents.map((replacement) => ({
          replaceOne: { filter: { _id: replacement._id }, replacement, upsert: true },
        })),
        { ordered: false },
      );
    } catch (error) {
      if (!isDuplicate(error)) throw error;
      await putOneByOne(target, documents);
    }
  }
}

/** Where one was refused: by its own first try, or because somebody else has what has to be unique. */
async function putOneByOne(target: Collection<Row>, documents: readonly Row[]): Promise<void> {
  for (const document of documents) {
    const isMine = { _id: document._id };
    try {
      await target.replaceOne(isMine, document, { upsert: true });
    } catch (cause) {
      if (!isDuplicate(cause)) throw cause;
      const { matchedCount } = await target
        .replaceOne(isMine, document)
        .catch((error: unknown) => (isDuplicate(error) ? { matchedCount: 0 } : Promise.reject(error)));
      if (matchedCount === 0)
        throw new AppError('conflict', 'There are other accounts here already, with the same log-ins.', {
          cause,
        });
    }
  }
}
