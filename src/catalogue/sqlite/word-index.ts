// Keeps `title_words` in step with the titles. Changes are gathered in memory and written by `flush`, once for each
// beginning and bucket however many videos of the transaction share it; memory is bounded by the transaction.
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { beginningsOf, titleWords } from '../search-words.ts';
import { addMember, bucketSize, dropMember, readMembers, writeMembers } from './members.ts';

export class WordIndex {
  readonly #find: StatementSync;
  readonly #store: StatementSync;
  readonly #remove: StatementSync;
  /** By shelf and bucket, then beginning: the bitmap as it will be. */
  readonly #changed = new Map<string, Map<string, Uint8Array>>();

  constructor(database: DatabaseSync) {
    this.#find = database.prepare(
      'SELECT members FROM title_words WHERE in_bin = ? AND beginning = ? AND bucket = ?',
    );
    this.#store = database.prepare(
      `INSERT INTO title_words (in_bin, beginning, bucket, members) VALUES (?, ?, ?, ?)
       ON CONFLICT (in_bin, beginning, bucket) DO UPDATE SET members = excluded.members`,
    );
    this.#remove = database.prepare(
      'DELETE FROM title_words WHERE in_bin = ? AND beginning = ? AND bucket = ?',
    );
  }

  add(sequence: number, title: string, inBin: boolean): void {
    this.#change(sequence, title, inBin, addMember);
  }

  drop(sequence: number, title: string, inBin: boolean): void {
    this.#change(sequence, title, inBin, dropMember);
  }

  /** Writes what was changed; to be called before the commit. */
  flush(): void {
    for (const [key, changed] of this.#changed) {
      const [inBin = 0, bucket = 0] = key.split(' ').map(Number);
      for (const [beginning, bitmap] of changed) {
        const members = writeMembers(bitmap);
        if (members) this.#store.run(inBin, beginning, bucket, members);
        else this.#remove.run(inBin, beginning, bucket);
      }
    }
    this.#changed.clear();
  }

  /** Forgets what was changed; to be called after a rollback. */
  forget(): void {
    this.#changed.clear();
  }

  #change(
    sequence: number,
    title: string,
    inBin: boolean,
    change: (bitmap: Uint8Array, member: number) => void,
  ): void {
    const shelf = inBin ? 1 : 0;
    const bucket = Math.floor(sequence / bucketSize);
    const key = `${shelf} ${bucket}`;
    let changed = this.#changed.get(key);
    if (!changed) {
      changed = new Map();
      this.#changed.set(key, changed);
    }
    for (const beginning of beginningsOf(titleWords(title))) {
      let bitmap = changed.get(beginning);
      if (!bitmap) {
        const stored = this.#find.get(shelf, beginning, bucket) as { members: Uint8Array } | undefined;
        bitmap = readMembers(stored?.members ?? new Uint8Array(0));
        changed.set(beginning, bitmap);
      }
      change(bitmap, sequence % bucketSize);
    }
  }
}
