// What was done, for owners: in pages that lose nothing, by person and kind, and as lines of JSON.
import { once } from 'node:events';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { AuditEntry } from '../../accounts/accounts.ts';
import { auditKinds, auditPage } from '../../web/pages/audit-page.ts';
import { listAudit } from '../audit.ts';
import { needs } from '../permission.ts';
import type { Services } from '../services.ts';
import { first, type PageTools, type Query } from './page-form.ts';

/** Lines of the audit log on one page, and read from the store at a time. */
const auditLimit = 100;
const auditSlice = 500;
/** A filter that finds little gives up the page after so many lines, and offers to go on from there. */
const auditScan = 5000;

/** Into the scope of the pages. */
export function auditPageRoutes(
  app: FastifyInstance,
  services: Services,
  { viewOf, headers }: PageTools,
): void {
  const { accounts } = services;
  const pageHeaders = { ...headers, 'cache-control': 'no-store' };

  type Filter = { readonly personId: string; readonly kind: string };
  const filterOf = (request: FastifyRequest): Filter => {
    const query = request.query as Query['Querystring'];
    return { personId: first(query.person).slice(0, 100), kind: first(query.kind).slice(0, 40) };
  };
  const matches = ({ personId, kind }: Filter) => {
    const actions = auditKinds.find(({ value }) => value === kind)?.actions;
    return (entry: AuditEntry) =>
      (personId === '' || entry.personId === personId) && (!actions || actions.includes(entry.action));
  };

  app.get<Query>('/audit', { config: needs('audit:read') }, async (request, reply) => {
    const filter = filterOf(request);
    const isShown = matches(filter);
    const entries: AuditEntry[] = [];
    let [seen, before, isLast] = [0, Number.NaN, true];
    for await (const entry of readAudit(services, momentOf(first(request.query.before)))) {
      // Those of the same moment are not torn apart: the next page begins before a moment.
      if ((entries.length >= auditLimit || seen >= auditScan) && entry.atMs < before) {
        isLast = false;
        break;
      }
      [seen, before] = [seen + 1, entry.atMs];
      if (isShown(entry)) entries.push(entry);
    }
    const query = new URLSearchParams({ person: filter.personId, kind: filter.kind, before: String(before) });
    const page = { entries, people: await accounts.listPeople(), ...filter };
    const olderAt = isLast ? null : `/audit?${query}`;
    return reply.headers(pageHeaders).send(auditPage(viewOf(request), { ...page, olderAt }));
  });

  app.get<Query>('/audit.ndjson', { config: needs('audit:read') }, async (request, reply) => {
    const isShown = matches(filterOf(request));
    reply.hijack();
    const { raw } = reply;
    raw.writeHead(200, {
      'content-type': 'application/x-ndjson; charset=utf-8',
      'content-disposition': 'attachment; filename="kinora-audit.ndjson"',
      'cache-control': 'no-store',
    });
    for await (const entry of readAudit(services, Number.MAX_SAFE_INTEGER)) {
      if (raw.destroyed) return;
      if (isShown(entry) && !raw.write(`${JSON.stringify(entry)}\n`))
        await Promise.race([once(raw, 'drain'), once(raw, 'close')]);
    }
    raw.end();
  });
}

/** The log before a moment, newest first, read in slices. */
async function* readAudit(services: Services, beforeMs: number): AsyncGenerator<AuditEntry> {
  for (let before = beforeMs; ; ) {
    const slice = await listAudit(services, before, auditSlice);
    const oldest = slice.at(-1)?.atMs ?? 0;
    const isWhole = slice.length < auditSlice;
    // The slice may end amid those of one moment: these come with the next one, unless it holds nothing else.
    const edge = isWhole || slice[0]?.atMs === oldest ? -1 : oldest;
    for (const entry of slice) if (entry.atMs > edge) yield entry;
    if (isWhole) return;
    before = edge < 0 ? oldest : edge + 1;
  }
}

function momentOf(text: string): number {
  return /^\d{1,16}$/.test(text) ? Number(text) : Number.MAX_SAFE_INTEGER;
}
