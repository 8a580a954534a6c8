// The audit log of accounts. Refused log-ins are gathered and written once a second, so that somebody who tries
// passwords does not make the disk sync for each; everything else is on the disk when the method resolves.
import type { Clock } from '../../clock.ts';
import { createId } from '../../ids.ts';
import type { Asker, AuditAction, AuditEntry } from '../accounts.ts';
import type { Store } from './store.ts';

/** A year and a month: enough to look back at a whole year. */
const keptMs = 396 * 86_400_000;
/** Past these the oldest go, refused log-ins apart, so that trying passwords pushes nothing else out. */
const mostEntries = 50_000;
const mostFailures = 10_000;
const gatherMs = 1000;

export type AuditLog = {
  note(
    asker: Pick<Asker, 'address'>,
    person: { readonly id: string; readonly name: string } | null,
    action: AuditAction,
    subject?: string,
  ): void;
  list(beforeMs: number, limit: number): AuditEntry[];
  /** Removes what is too old or too much. */
  tidy(): void;
  /** Writes what was gathered. */
  flush(): void;
};

export function createAuditLog(store: Store, clock: Clock, signal: AbortSignal): AuditLog {
  let gathered: AuditEntry[] = [];
  let isWaiting = false;

  function write(entry: AuditEntry): void {
    const { id, atMs, personId, personName, action, subject, address } = entry;
    store.run(
      `INSERT INTO audit (id, at_ms, person_id, person_name, action, subject, address)
       VALUES (?, ?, ?, ?, ?, ?, ?)`,
      ...[id, atMs, personId, personName, action, subject, address],
    );
  }
  function flush(): void {
    if (gathered.length === 0) return;
    const entries = gathered;
    gathered = [];
    store.transaction(() => entries.forEach(write));
  }
  function gather(entry: AuditEntry): void {
    // More than this in a second is noise, and the limits of attempts let no more through.
    if (gathered.length < 1000) gathered.push(entry);
    if (isWaiting) return;
    isWaiting = true;
    clock.sleep(gatherMs, signal).then(
      () => {
        isWaiting = false;
        flush();
      },
      () => {}, // closed; `close` flushes
    );
  }
  return {
    note(asker, person, action, subject = '') {
      const entry: AuditEntry = {
        ...{ id: createId(), atMs: clock.nowMs(), personId: person?.id ?? null },
        ...{ personName: person?.name ?? '', action, subject: subject.slice(0, 200) },
        address: asker.address.slice(0, 60),
      };
      if (action === 'sign-in-failed') gather(entry);
      else write(entry);
    },
    list(beforeMs, limit) {
      flush();
      return store.all<AuditEntry>(
        `SELECT id, at_ms AS atMs, person_id AS personId, person_name AS personName, action, subject, address
         FROM audit WHERE at_ms < ? ORDER BY at_ms DESC, rowid DESC LIMIT ?`,
        ...[beforeMs, Math.max(1, Math.min(1000, Math.trunc(limit)))],
      );
    },
    tidy() {
      store.run('DELETE FROM audit WHERE at_ms < ?', clock.nowMs() - keptMs);
      for (const [is, most] of [
        ['=', mostFailures],
        ['<>', mostEntries],
      ] as const)
        store.run(
          `DELETE FROM audit WHERE action ${is} 'sign-in-failed' AND rowid <= (
             SELECT rowid FROM audit WHERE action ${is} 'sign-in-failed' ORDER BY rowid DESC LIMIT 1 OFFSET ?)`,
          most,
        );
    },
    flush,
  };
}
