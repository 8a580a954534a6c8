// How often secrets were tried, in accounts.sqlite: one number for each thing that is limited, the moment at which it is
// whole again (the "theoretical arrival time" of the generic cell rate algorithm, ITU-T I.371). By the machine's clock,
// because it outlives the process; where that is set back, what was tried counts from then on anew. Nothing waits for
// the disk: a power cut may give back the tries of the last moments. At most so many entries as are said.
import type { Clock } from '../../clock.ts';
import type { Allowance, AttemptData } from '../local/account-data.ts';
import type { Store } from './store.ts';

/** Some MB on the disk. When full, those that would be whole soonest go first: who tries much stays. */
const mostEntries = 80_000;
/** Looked at every so many entries that are made. */
const lookEvery = 500;

export function sqliteAttempts(
  store: Store,
  clock: Pick<Clock, 'nowMs'>,
  most: number = mostEntries,
): AttemptData {
  let made = 0;
  function fullAt({ key, burst, everyMs }: Allowance, nowMs: number): number {
    const row = store.get<{ atMs: number }>('SELECT full_at_ms AS atMs FROM attempt WHERE key = ?', key);
    const lastMs = nowMs + burst * everyMs;
    if (!row || row.atMs <= lastMs) return Math.max(row?.atMs ?? nowMs, nowMs);
    // The clock was set back: it is as far away as it can be, and from now on comes nearer.
    store.run('UPDATE attempt SET full_at_ms = ? WHERE key = ?', lastMs, key);
    return lastMs;
  }
  function write(key: string, atMs: number, nowMs: number): void {
    if (atMs <= nowMs) {
      store.run('DELETE FROM attempt WHERE key = ?', key);
      return;
    }
    store.run(
      'INSERT INTO attempt (key, full_at_ms) VALUES (?, ?) ON CONFLICT DO UPDATE SET full_at_ms = excluded.full_at_ms',
      ...[key, atMs],
    );
    made += 1;
    if (made % Math.min(lookEvery, Math.ceil(most / 10)) === 0) makeRoom(nowMs);
  }
  /** Gives up what is over, and where that is not enough a tenth. */
  function makeRoom(nowMs: number): void {
    store.run('DELETE FROM attempt WHERE full_at_ms <= ?', nowMs);
    const { held } = store.get<{ held: number }>('SELECT count(*) AS held FROM attempt')!;
    if (held <= most) return;
    store.run(
      'DELETE FROM attempt WHERE key IN (SELECT key FROM attempt ORDER BY full_at_ms LIMIT ?)',
      Math.ceil(held - most * 0.9),
    );
  }

  return {
    async take(from) {
      const nowMs = clock.nowMs();
      let waitMs = 0;
      // Looked at first: what is refused writes nothing.
      for (const allowance of from) {
        const { burst, everyMs } = allowance;
        waitMs = Math.max(waitMs, fullAt(allowance, nowMs) - nowMs - (burst - 1) * everyMs);
      }
      if (waitMs > 0) return waitMs;
      store.lightly(() => {
        for (const allowance of from)
          write(allowance.key, fullAt(allowance, nowMs) + allowance.everyMs, nowMs);
      });
      return 0;
    },
    async giveBack(to) {
      const nowMs = clock.nowMs();
      store.lightly(() => {
        for (const allowance of to) write(allowance.key, fullAt(allowance, nowMs) - allowance.everyMs, nowMs);
      });
    },
    async clear(keys) {
      store.lightly(() => {
        for (const key of keys) store.run('DELETE FROM attempt WHERE key = ?', key);
      });
    },
  };
}
