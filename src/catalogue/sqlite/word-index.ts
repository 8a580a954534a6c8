// Keeps `title_words` in step with the titles. Changes are gathered in memory and written by `flush`, once for each
// beginning and bucket however many videos of the transaction share it; memory is bounded by the transaction.
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { beginningsOf, titleWords } from '../search-words.ts';
import { addMember, bucketSize, dropMember, readMembers, writeMembers } from './members.ts';

const nothing = new Uint8Array(0);

export class WordIndex {
  readonly #find: StatementSync;
  readonly #store: StatementSync;
  readonly #remove: StatementSync;
  /** By shelf and bucket, then beginning: members that come, and as their complement (~member) those that go. */
  readonly #changes = new Map<string, Map<string, number[]>>();

  constructor(database: DatabaseSync) {
    this.#find = database.prepare(
      'SELECT members FROM title_words WHERE in_bin = ? AND bucket = ? AND beginning = ?',
    );
    this.#store = database.prepare(
      `INSERT INTO title_words (in_bin, bucket, beginning, members) VALUES (?, ?, ?, ?)
       ON CONFLICT (in_bin, bucket, beginning) DO UPDATE SET members = excluded.members`,
    );
    this.#remove = database.prepare(
      'DELETE FROM title_words WHERE in_bin = ? AND bucket = ? AND beginning = ?',
    );
  }

  add(sequence: number, title: string, inBin: boolean): void {
    this.#change(sequence, title, inBin, sequence % bucketSize);
  }

  drop(sequence: number, title: string, inBin: boolean): void {
    this.#change(sequence, title, inBin, ~(sequence % bucketSize));
  }

  /** Writes what was changed; to be called before the commit. */
  flush(): void {
    const scratch = new Uint8Array(bucketSize / 8);
    for (const [key, changes] of this.#changes) {
      const [inBin = 0, bucket = 0] = key.split(' ').map(Number);
      // In the order of the key, so that each page of the B-tree is met once.
      for (const beginning of [...changes.keys()].sort()) {
        const stored = this.#find.get(inBin, bucket, beginning) as { members: Uint8Array } | undefined;
        const bitmap = readMembers(stored?.members ?? nothing, scratch);
        for (const change of changes.get(beginning)!) {
          if (change >= 0) addMember(bitmap, change);
          else dropMember(bitmap, ~change);
        }
        const members = writeMembers(bitmap);
        if (members) this.#store.run(inBin, bucket, beginning, members);
        else if (stored) this.#remove.run(inBin, bucket, beginning);
      }
    }
    this.#changes.clear();
  }

  /** Forgets what was changed; to be called after a rollback. */
  forget(): void {
    this.#changes.clear();
  }

  #change(sequence: number, title: string, inBin: boolean, change: number): void {
    const key = `${inBin ? 1 : 0} ${Math.floor(sequence / bucketSize)}`;
    let changes = this.#changes.get(key);
    if (!changes) {
      changes = new Map();
      this.#changes.set(key, changes);
    }
    for (const beginning of beginningsOf(titleWords(title))) {
      const before = changes.get(beginning);
      if (before) before.push(change);
      else changes.set(beginning, [change]);
    }
  }
}
