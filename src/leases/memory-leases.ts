// Leases in memory, for the keepers of one process: tests, and what has to go on the same way without a database.
import { checkName, noteJson } from './lease-limits.ts';
import type { LeaseRow, LeaseStore } from './lease-store.ts';

/** Memory: a small record for each name until it is forgotten. */
export function createMemoryLeases(): LeaseStore {
  const rows = new Map<string, LeaseRow>();

  const heldAs = (name: string, token: number): LeaseRow | null => {
    const row = rows.get(name);
    return row && row.token === token && row.holder !== null ? row : null;
  };
  const copied = (row: LeaseRow): LeaseRow => ({ ...row, note: structuredClone(row.note) });

  return {
    async read(name) {
      const row = rows.get(name);
      return row ? copied(row) : null;
    },
    async list(prefix) {
      return [...rows.values()]
        .filter((row) => row.holder !== null && row.name.startsWith(prefix))
        .map(copied);
    },
    async take({ name, holder, lengthMs, note }, seen) {
      checkName(name);
      const plain = JSON.parse(noteJson(note));
      const row = rows.get(name) ?? null;
      const token = (seen?.token ?? 0) + 1;
      if (row && row.holder === holder && row.token === token) return copied(row);
      const isAsSeen =
        row === null || seen === null
          ? row === seen
          : row.token === seen.token && row.beat === seen.beat && row.holder === seen.holder;
      if (!isAsSeen) return null;
      const taken = { name, token, holder, beat: 0, lengthMs, note: plain, asked: 0 };
      rows.set(name, taken);
      return copied(taken);
    },
    async beat({ name, token }, note) {
      const plain = note && JSON.parse(noteJson(note));
      const row = heldAs(name, token);
      if (!row) return null;
      const beaten = { ...row, beat: row.beat + 1, note: plain ?? row.note };
      rows.set(name, beaten);
      return copied(beaten);
    },
    async ask({ name, token }) {
      const row = heldAs(name, token);
      if (row) rows.set(name, { ...row, asked: row.asked + 1 });
    },
    async release({ name, token }) {
      const row = heldAs(name, token);
      if (row) rows.set(name, { ...row, holder: null });
    },
    async forget(name) {
      if (rows.get(name)?.holder === null) rows.delete(name);
    },
  };
}
