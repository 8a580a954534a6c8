// Every row of accounts.sqlite as `account-rows.ts` forms it, and back.
import type { SQLInputValue } from 'node:sqlite';
import { AppError, isAppError } from '../../errors.ts';
import {
  type AccountCollection,
  type AccountRow,
  accountCollections,
  type FieldKind,
  type RowForm,
  type RowValue,
  rowFormOf,
} from '../local/account-rows.ts';
import type { Store } from './store.ts';

/** Rows read at once. */
const page = 200;

const snakeCase = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

function tableOf(collection: AccountCollection): {
  readonly table: string;
  readonly form: RowForm;
  readonly columns: readonly string[];
} {
  const form = rowFormOf(collection);
  const name = (text: string) => `"${form.isEngines ? text : snakeCase(text)}"`;
  return { table: name(collection), form, columns: Object.keys(form.fields).map(name) };
}

function read(kind: FieldKind, value: unknown): RowValue {
  if (value === null || value === undefined) return null;
  if (kind === 'flag') return value === 1;
  if (kind === 'list') return JSON.parse(value as string) as string[];
  if (kind === 'date') return new Date(value as string).toISOString();
  return value as string | number;
}

function write(kind: FieldKind, value: RowValue | undefined): SQLInputValue {
  if (value === null || value === undefined) return null;
  if (kind === 'flag') return value ? 1 : 0;
  if (kind === 'list') return JSON.stringify(value);
  return value as string | number;
}

export async function* readRows(store: Store): AsyncGenerator<AccountRow> {
  for (const collection of accountCollections) {
    const { table, form, columns } = tableOf(collection);
    const fields = Object.entries(form.fields);
    const keys = columns.slice(0, form.keys).join(', ');
    let last: SQLInputValue[] | null = null;
    for (;;) {
      const after: string = last ? `WHERE (${keys}) > (${last.map(() => '?').join(', ')})` : '';
      const rows: Record<string, unknown>[] = store.all(
        `SELECT ${columns.map((column, index) => `${column} AS c${index}`).join(', ')}
         FROM ${table} ${after} ORDER BY ${keys} LIMIT ${page}`,
        ...(last ?? []),
      );
      for (const row of rows)
        yield {
          collection,
          row: Object.fromEntries(
            fields.map(([name, kind], index) => [name, read(kind, row[`c${index}`])] as const),
          ),
        };
      if (rows.length < page) break;
      const end = rows.at(-1)!;
      last = Array.from({ length: form.keys }, (_, index) => end[`c${index}`] as SQLInputValue);
    }
  }
}

/** All of them or none. */
export function putRows(store: Store, rows: readonly AccountRow[]): void {
  try {
    store.transaction(() => {
      for (const { collection, row } of rows) {
        const { table, form, columns } = tableOf(collection);
        const keys = columns.slice(0, form.keys);
        const rest = columns.slice(form.keys);
        store.run(
          `INSERT INTO ${table} (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')})
           ON CONFLICT (${keys.join(', ')}) DO UPDATE SET ${rest.map((column) => `${column} = excluded.${column}`).join(', ')}`,
          ...Object.entries(form.fields).map(([name, kind]) => write(kind, row[name])),
        );
      }
    });
  } catch (error) {
    // SQLITE_CONSTRAINT
    const code = isAppError(error) ? ((error.cause as { errcode?: number } | undefined)?.errcode ?? 0) : 0;
    if ((code & 255) !== 19) throw error;
    throw new AppError('conflict', 'There are other accounts here already, with the same log-ins.', {
      cause: error,
    });
  }
}
