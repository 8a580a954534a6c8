// The order of one process' writes: those that touch the same thing are done one after the other, as they were called;
// others at the same time. Between processes nothing is ordered: there the database's own conditions decide.
import { isAppError } from '../../errors.ts';

/** What a write touches. Shared ones do not wait for each other. */
export type Touched = { readonly key: string; readonly isShared?: boolean };

type Line = {
  /** Ends when the last that wanted it alone has ended. */
  alone: Promise<unknown> | null;
  /** Those that share it since then. */
  readonly sharing: Set<Promise<unknown>>;
};

export class WriteOrder {
  readonly #lines = new Map<string, Line>();
  #calls = 0;
  /** Who waited when the database was found away is not made to wait for its own turn to find out. */
  #failure: { readonly upTo: number; readonly error: unknown } = { upTo: 0, error: null };

  run<Result>(touched: readonly Touched[], work: () => Promise<Result>): Promise<Result> {
    const number = ++this.#calls;
    const lines = touched.map(({ key, isShared = false }) => ({ key, isShared, line: this.#line(key) }));
    const waits = lines.flatMap(({ isShared, line }) => [
      ...(line.alone ? [line.alone] : []),
      ...(isShared ? [] : line.sharing),
    ]);
    const done = waits.length === 0 ? this.#work(work) : this.#after(waits, number, work);
    const ended = done.then(
      () => {},
      () => {},
    );
    for (const { isShared, line } of lines) {
      if (isShared) line.sharing.add(ended);
      else {
        line.alone = ended;
        line.sharing.clear();
      }
    }
    void ended.then(() => {
      for (const { key, line } of lines) {
        line.sharing.delete(ended);
        if (line.alone === ended) line.alone = null;
        if (!line.alone && line.sharing.size === 0 && this.#lines.get(key) === line) this.#lines.delete(key);
      }
    });
    return done;
  }

  async #after<Result>(
    waits: readonly Promise<unknown>[],
    number: number,
    work: () => Promise<Result>,
  ): Promise<Result> {
    await Promise.all(waits);
    if (number <= this.#failure.upTo) throw this.#failure.error;
    return this.#work(work);
  }

  async #work<Result>(work: () => Promise<Result>): Promise<Result> {
    try {
      return await work();
    } catch (error) {
      if (isAppError(error, 'unavailable')) this.#failure = { upTo: this.#calls, error };
      throw error;
    }
  }

  #line(key: string): Line {
    let line = this.#lines.get(key);
    if (!line) {
      line = { alone: null, sharing: new Set() };
      this.#lines.set(key, line);
    }
    return line;
  }
}
