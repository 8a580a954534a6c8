// The writer thread: a commit waits for the disk, 50 ms and more on an SD card, and must not hold up the streams that
// the main thread serves. Writes that wait together share one transaction, so their number costs no more fsyncs.
import type { DatabaseSync } from 'node:sqlite';
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { isAppError } from '../../errors.ts';
import { sqliteFailure } from './failure.ts';
import { openForWriting } from './open-database.ts';
import { WordIndex } from './word-index.ts';
import { createWrites, type WriteOperations } from './writes.ts';

export type WriteRequest = {
  readonly number: number;
  readonly operation: keyof WriteOperations | 'close';
  readonly values: readonly unknown[];
};

/** `error` is an AppError's; the thread has no other kind. Number 0 tells how the opening went. */
export type WriteAnswer =
  | { readonly number: number; readonly value: unknown }
  | { readonly number: number; readonly error: { kind: string; message: string; cause: string } };

/** Writes in one transaction: bounds the memory of the word index and the time the first one waits. */
const mostInTransaction = 4096;

const port = parentPort!;
const { file } = workerData as { file: string };

function failed(number: number, error: unknown): WriteAnswer {
  const failure = sqliteFailure(error, file);
  const cause = failure instanceof Error && failure.cause !== undefined ? failure.cause : error;
  return {
    number,
    error: isAppError(failure)
      ? { kind: failure.kind, message: failure.message, cause: String(cause) }
      : { kind: 'internal', message: 'The catalogue failed.', cause: String(cause) },
  };
}

function serve(database: DatabaseSync): void {
  const words = new WordIndex(database);
  const writes = createWrites(database, words) as Record<string, (...values: unknown[]) => unknown>;

  /** All of them in one transaction. Throws, with nothing changed, when SQLite fails; a refusal is an answer. */
  function commit(requests: readonly WriteRequest[]): WriteAnswer[] {
    database.exec('BEGIN IMMEDIATE');
    try {
      const answers = requests.map(({ number, operation, values }): WriteAnswer => {
        try {
          return { number, value: writes[operation]!(...values) };
        } catch (error) {
          if (isAppError(error)) return failed(number, error);
          throw error;
        }
      });
      words.flush();
      database.exec('COMMIT');
      return answers;
    } catch (error) {
      words.forget();
      if (database.isTransaction) database.exec('ROLLBACK');
      throw error;
    }
  }

  function commitAlone(request: WriteRequest): WriteAnswer {
    try {
      return commit([request])[0]!;
    } catch (error) {
      return failed(request.number, error);
    }
  }

  function commitAll(requests: readonly WriteRequest[]): WriteAnswer[] {
    if (requests.length <= 1) return requests.map(commitAlone);
    try {
      return commit(requests);
    } catch {
      // One of them cannot be written, or the disk is full: each by itself, so that it fails alone.
      return requests.map(commitAlone);
    }
  }

  port.on('message', (first: WriteRequest) => {
    const waiting = [first];
    while (waiting.length < mostInTransaction && waiting.at(-1)!.operation !== 'close') {
      const next = receiveMessageOnPort(port);
      if (!next) break;
      waiting.push(next.message);
    }
    const closing = waiting.find(({ operation }) => operation === 'close');
    const requests = waiting.filter(({ operation }) => operation in writes);
    for (const answer of commitAll(requests)) port.postMessage(answer);
    if (!closing) return;
    try {
      database.exec('PRAGMA optimize');
      database.close(); // the last connection to close moves the WAL into the file and removes it
      port.postMessage({ number: closing.number, value: undefined });
    } catch (error) {
      port.postMessage(failed(closing.number, error));
    }
    port.close();
  });
}

try {
  const database = openForWriting(file);
  serve(database);
  port.postMessage({ number: 0, value: undefined } satisfies WriteAnswer);
} catch (error) {
  port.postMessage(failed(0, error));
}
