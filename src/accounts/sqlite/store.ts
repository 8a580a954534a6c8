// accounts.sqlite as the accounts use it: statements prepared once, transactions that cannot be interleaved (they are
// synchronous), and a number that changes with everything `identify` depends on.
import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';
import type { Clock } from '../../clock.ts';
import { accountsFailure } from './open-accounts.ts';

/** How often the file is looked at for changes made by another process (`kinora user`). */
const lookEveryMs = 1000;

export type Store = {
  /** For better-auth; everybody else uses the methods. */
  readonly database: DatabaseSync;
  get<Row>(sql: string, ...values: SQLInputValue[]): Row | undefined;
  all<Row>(sql: string, ...values: SQLInputValue[]): Row[];
  /** How many rows were changed. */
  run(sql: string, ...values: SQLInputValue[]): number;
  /**
   * All of it or nothing, with one sync of the disk. `change` is synchronous, so nothing comes in between; one within
   * another is part of it.
   */
  transaction<Result>(change: () => Result): Result;
  /** The same without waiting for the disk: a power cut may undo it, the end of the process does not. */
  lightly<Result>(change: () => Result): Result;
  /** Changes with people, sessions and tokens: at once for what is done here, within a second for another process. */
  revision(): number;
  close(): void;
};

// Temporary triggers are this connection's alone, so the file can be used without the function they call; and they
// see what better-auth does as well. Rows that come in make no given answer wrong.
const watches = `
CREATE TEMP TRIGGER person_changed AFTER UPDATE OF name, role, isDisabled ON main."user"
  BEGIN SELECT kinora_changed(); END;
CREATE TEMP TRIGGER person_gone AFTER DELETE ON main."user" BEGIN SELECT kinora_changed(); END;
CREATE TEMP TRIGGER session_changed AFTER UPDATE OF expiresAt, token, userId ON main."session"
  BEGIN SELECT kinora_changed(); END;
CREATE TEMP TRIGGER session_gone AFTER DELETE ON main."session" BEGIN SELECT kinora_changed(); END;
CREATE TEMP TRIGGER token_changed AFTER UPDATE OF scopes, expires_at_ms, secret_hash ON main.token
  BEGIN SELECT kinora_changed(); END;
CREATE TEMP TRIGGER token_gone AFTER DELETE ON main.token BEGIN SELECT kinora_changed(); END;
`;

export function createStore(database: DatabaseSync, clock: Clock): Store {
  const prepared = new Map<string, StatementSync>();
  let changes = 0;
  database.function('kinora_changed', () => {
    changes += 1;
    return null;
  });
  database.exec(watches);

  function statement(sql: string): StatementSync {
    let found = prepared.get(sql);
    if (!found) {
      found = database.prepare(sql);
      prepared.set(sql, found);
    }
    return found;
  }
  const guarded = <Result>(work: () => Result): Result => {
    try {
      return work();
    } catch (error) {
      throw accountsFailure(error);
    }
  };
  const fileVersion = () => (statement('PRAGMA data_version').get() as { data_version: number }).data_version;
  let seenVersion = fileVersion();
  let lookedAtMs = clock.monotonicMs();

  const transaction = <Result>(change: () => Result): Result =>
    guarded(() => {
      if (database.isTransaction) return change();
      database.exec('BEGIN IMMEDIATE');
      try {
        const result = change();
        database.exec('COMMIT');
        return result;
      } catch (error) {
        if (database.isTransaction) database.exec('ROLLBACK');
        throw error;
      }
    });

  return {
    database,
    // Copied, because SQLite's rows have no prototype and compare with nothing.
    get: <Row>(sql: string, ...values: SQLInputValue[]) =>
      guarded(() => {
        const row = statement(sql).get(...values);
        return row && ({ ...row } as Row);
      }),
    all: <Row>(sql: string, ...values: SQLInputValue[]) =>
      guarded(() => statement(sql).all(...values)).map((row) => ({ ...row }) as Row),
    run: (sql, ...values) => guarded(() => Number(statement(sql).run(...values).changes)),
    transaction,
    lightly(change) {
      // With a log of changes, NORMAL syncs at a checkpoint alone (https://www.sqlite.org/pragma.html#pragma_synchronous).
      guarded(() => database.exec('PRAGMA synchronous = NORMAL'));
      try {
        return transaction(change);
      } finally {
        guarded(() => database.exec('PRAGMA synchronous = FULL'));
      }
    },
    revision() {
      const nowMs = clock.monotonicMs();
      if (nowMs - lookedAtMs >= lookEveryMs) {
        lookedAtMs = nowMs;
        const version = guarded(fileVersion);
        if (version !== seenVersion) changes += 1;
        seenVersion = version;
      }
      return changes;
    },
    close() {
      if (database.isOpen) database.close();
    },
  };
}
