// The audit log of accounts. Refused log-ins are gathered and written once a second, so that somebody who tries
// passwords does not make the disk sync for each; everything else is kept when the method resolves.
import type { Logger } from 'pino';
import type { Clock } from '../../clock.ts';
import { createId } from '../../ids.ts';
import type { Asker, AuditAction, AuditEntry } from '../accounts.ts';
import type { AccountData } from './account-data.ts';

/** A year and a month: enough to look back at a whole year. */
const keptMs = 396 * 86_400_000;
/** Past these the oldest go, refused log-ins apart, so that trying passwords pushes nothing else out. */
const mostEntries = 50_000;
const mostFailures = 10_000;
const gatherMs = 1000;
/** More than this in a second is noise, and the limits of attempts let no more through. */
const mostGathered = 1000;

type From = Pick<Asker, 'address'>;
type Who = { readonly id: string; readonly name: string } | null;

export type AuditLog = {
  note(asker: From, person: Who, action: AuditAction, subject?: string): Promise<void>;
  /** A line that is written with something else. */
  entryOf(asker: From, person: Who, action: AuditAction, subject?: string): AuditEntry;
  list(beforeMs: number, limit: number): Promise<readonly AuditEntry[]>;
  /** Removes what is too old or too much. */
  tidy(): Promise<void>;
  /** Writes what was gathered. */
  flush(): Promise<void>;
};

export function createAuditLog(
  { audit }: Pick<AccountData, 'audit'>,
  tools: { readonly clock: Clock; readonly log: Logger; readonly signal: AbortSignal },
): AuditLog {
  const { clock, log, signal } = tools;
  let gathered: AuditEntry[] = [];
  let isWaiting = false;

  async function flush(): Promise<void> {
    if (gathered.length === 0) return;
    const entries = gathered;
    gathered = [];
    try {
      await audit.add(entries);
    } catch (error) {
      gathered = [...entries, ...gathered].slice(0, mostGathered); // with the next ones
      throw error;
    }
  }
  function gather(entry: AuditEntry): void {
    if (gathered.length < mostGathered) gathered.push(entry);
    if (isWaiting) return;
    isWaiting = true;
    clock
      .sleep(gatherMs, signal)
      .then(
        () => {
          isWaiting = false;
          return flush();
        },
        () => {}, // closed; `close` flushes
      )
      .catch((error: unknown) => log.warn({ err: error }, 'refused log-ins could not be noted yet'));
  }
  const entryOf: AuditLog['entryOf'] = (asker, person, action, subject = '') => ({
    ...{ id: createId(), atMs: clock.nowMs(), personId: person?.id ?? null },
    ...{ personName: person?.name ?? '', action, subject: subject.slice(0, 200) },
    address: asker.address.slice(0, 60),
  });
  return {
    entryOf,
    async note(asker, person, action, subject) {
      const entry = entryOf(asker, person, action, subject);
      if (action === 'sign-in-failed') gather(entry);
      else await audit.add([entry]);
    },
    async list(beforeMs, limit) {
      await flush();
      return audit.list(beforeMs, Math.max(1, Math.min(1000, Math.trunc(limit))));
    },
    tidy: () => audit.tidy(clock.nowMs() - keptMs, mostFailures, mostEntries),
    flush,
  };
}
