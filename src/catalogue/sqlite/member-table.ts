// One table of member sets, `title_words` or `facets`: changes are gathered in memory and written by `flush`, once for
// each row however many videos of the transaction share it. Memory is bounded by the transaction.
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { addMember, bucketSize, dropMember, readMembers, writeMembers } from './members.ts';

const nothing = new Uint8Array(0);

export type MemberKey = string | number;

export class MemberTable {
  readonly #find: StatementSync;
  readonly #store: StatementSync;
  readonly #remove: StatementSync;
  /** By shelf, then the key's first part, then its second: members that come, and as their complement (~member) those that go. */
  readonly #changes = [
    new Map<MemberKey, Map<MemberKey, number[]>>(),
    new Map<MemberKey, Map<MemberKey, number[]>>(),
  ] as const;

  /** @param first, second the columns of the primary key after `in_bin`, in its order */
  constructor(database: DatabaseSync, table: string, first: string, second: string) {
    const key = `in_bin = ? AND ${first} = ? AND ${second} = ?`;
    this.#find = database.prepare(`SELECT members FROM ${table} WHERE ${key}`);
    this.#store = database.prepare(
      `INSERT INTO ${table} (in_bin, ${first}, ${second}, members) VALUES (?, ?, ?, ?)
       ON CONFLICT (in_bin, ${first}, ${second}) DO UPDATE SET members = excluded.members`,
    );
    this.#remove = database.prepare(`DELETE FROM ${table} WHERE ${key}`);
  }

  add(shelf: 0 | 1, first: MemberKey, second: MemberKey, member: number): void {
    this.#change(shelf, first, second, member);
  }

  drop(shelf: 0 | 1, first: MemberKey, second: MemberKey, member: number): void {
    this.#change(shelf, first, second, ~member);
  }

  /** Writes what was changed; to be called before the commit, and before the table itself is read. */
  flush(): void {
    const scratch = new Uint8Array(bucketSize / 8);
    for (const shelf of [0, 1] as const) {
      for (const [first, changes] of this.#changes[shelf]) {
        // In the order of the key, so that each page of the B-tree is met once.
        for (const second of [...changes.keys()].sort((a, b) => (a < b ? -1 : 1))) {
          const bitmap = this.read(shelf, first, second, scratch);
          for (const change of changes.get(second)!) {
            if (change >= 0) addMember(bitmap, change);
            else dropMember(bitmap, ~change);
          }
          this.write(shelf, first, second, bitmap);
        }
      }
    }
    this.forget();
  }

  /** Forgets what was changed; to be called after a rollback. */
  forget(): void {
    for (const changes of this.#changes) changes.clear();
  }

  /** As stored, without what was not flushed; unpacked into `scratch` where it is a list. */
  read(shelf: 0 | 1, first: MemberKey, second: MemberKey, scratch?: Uint8Array<ArrayBuffer>): Uint8Array {
    const stored = this.#find.get(shelf, first, second) as { members: Uint8Array } | undefined;
    return readMembers(stored?.members ?? nothing, scratch);
  }

  write(shelf: 0 | 1, first: MemberKey, second: MemberKey, bitmap: Uint8Array): void {
    const members = writeMembers(bitmap);
    if (members) this.#store.run(shelf, first, second, members);
    else this.#remove.run(shelf, first, second);
  }

  #change(shelf: 0 | 1, first: MemberKey, second: MemberKey, change: number): void {
    let changes = this.#changes[shelf].get(first);
    if (!changes) {
      changes = new Map();
      this.#changes[shelf].set(first, changes);
    }
    const before = changes.get(second);
    if (before) before.push(change);
    else changes.set(second, [change]);
  }
}
