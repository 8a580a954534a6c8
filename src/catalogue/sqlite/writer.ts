// The main thread's side of the writer thread: calls by name, answered when they are durable.
import { Worker } from 'node:worker_threads';
import { AppError, type ErrorKind, errorStatus } from '../../errors.ts';
import type { WriteAnswer, WriteRequest } from './writer-worker.ts';
import type { WriteOperations } from './writes.ts';

type Pending = { resolve(value: unknown): void; reject(error: Error): void };

export class Writer {
  readonly #worker: Worker;
  readonly #pending = new Map<number, Pending>();
  #calls = 0;
  #answers = 0;
  /** Why no call can be made any more. */
  #end: AppError | null = null;
  #closing: Promise<void> | null = null;

  constructor(file: string) {
    this.#worker = new Worker(new URL('./writer-worker.ts', import.meta.url), { workerData: { file } });
    this.#worker.on('message', (answer: WriteAnswer) => {
      this.#answers++;
      const call = this.#pending.get(answer.number);
      this.#pending.delete(answer.number);
      if ('error' in answer) call?.reject(toAppError(answer.error));
      else call?.resolve(answer.value);
    });
    this.#worker.on('error', (cause) => this.#fail(cause));
    this.#worker.on('exit', () => this.#fail(undefined));
  }

  /** Starts the thread, which opens (or creates, or upgrades) the file. Throws what `openForWriting` does. */
  static async start(file: string): Promise<Writer> {
    const writer = new Writer(file);
    try {
      await writer.#wait(writer.#calls++);
    } catch (error) {
      await writer.#worker.terminate();
      throw error;
    }
    return writer;
  }

  /** Resolves when what it did survives a power cut. */
  async call<Name extends keyof WriteOperations>(
    operation: Name,
    ...values: Parameters<WriteOperations[Name]>
  ): Promise<ReturnType<WriteOperations[Name]>> {
    return (await this.#send(operation, values)) as ReturnType<WriteOperations[Name]>;
  }

  /** Calls answered so far: what was read when there were as many still holds. */
  get answers(): number {
    return this.#answers;
  }

  /** Lets the calls before it finish. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#send('close', []).then(() => {});
    this.#end ??= new AppError('unavailable', 'The catalogue is closed.');
    return this.#closing;
  }

  #send(operation: WriteRequest['operation'], values: readonly unknown[]): Promise<unknown> {
    if (this.#end) return Promise.reject(this.#end);
    const number = this.#calls++;
    this.#worker.postMessage({ number, operation, values } satisfies WriteRequest);
    return this.#wait(number);
  }

  #wait(number: number): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#pending.set(number, { resolve, reject });
    });
  }

  #fail(cause: unknown): void {
    this.#end ??= new AppError('unavailable', 'The catalogue has stopped.', { cause });
    for (const call of this.#pending.values()) call.reject(this.#end);
    this.#pending.clear();
  }
}

function toAppError({ kind, message, cause }: { kind: string; message: string; cause: string }): AppError {
  return new AppError(kind in errorStatus ? (kind as ErrorKind) : 'internal', message, { cause });
}
