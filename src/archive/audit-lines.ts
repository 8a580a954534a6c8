// One person's lines of the two audit logs (what is done with accounts, what is done with videos), newest first.
import type { Accounts } from '../accounts/accounts.ts';
import type { AuditNote } from '../catalogue/audit-note.ts';
import type { Catalogue } from '../catalogue/catalogue.ts';

export type AuditLine = {
  readonly at: string;
  readonly action: string;
  readonly subject: string;
  readonly address: string;
};

type Log = (beforeMs: number, limit: number) => Promise<readonly AuditNote[]>;

/** Read at a time, and then only those of the person are kept. */
const pageLimit = 1000;

/** In pieces of at most `limit`. One log after the other. */
export async function* auditOf(
  logs: { readonly accounts: Pick<Accounts, 'listAudit'>; readonly catalogue: Pick<Catalogue, 'listAudit'> },
  personId: string,
  limit: number,
): AsyncGenerator<AuditLine[], void> {
  let lines: AuditLine[] = [];
  const both: Log[] = [
    (beforeMs, count) => logs.accounts.listAudit(beforeMs, count),
    (beforeMs, count) => logs.catalogue.listAudit(beforeMs, count),
  ];
  for (const log of both) {
    for await (const note of readAll(log)) {
      if (note.personId !== personId) continue;
      const { atMs, action, subject, address } = note;
      lines.push({ at: new Date(atMs).toISOString(), action, subject, address });
      if (lines.length < limit) continue;
      yield lines;
      lines = [];
    }
  }
  if (lines.length > 0) yield lines;
}

async function* readAll(log: Log): AsyncGenerator<AuditNote, void> {
  let beforeMs = Number.MAX_SAFE_INTEGER;
  /** Those of the last moment of the page before: the next page begins with that moment again. */
  let seen = new Set<string>();
  for (;;) {
    const page = await log(beforeMs, pageLimit);
    const fresh = page.filter(({ id }) => !seen.has(id));
    yield* fresh;
    const last = page.at(-1);
    // More lines of one moment than a page has cannot be told apart by their moment.
    if (!last || fresh.length === 0) return;
    beforeMs = last.atMs + 1;
    seen = new Set(page.filter(({ atMs }) => atMs === last.atMs).map(({ id }) => id));
  }
}
