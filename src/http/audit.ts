// The audit log: what is done here is noted in the catalogue, what is done to accounts by the accounts themselves; whoever
// reads it gets both as one.
import type { FastifyRequest } from 'fastify';
import { type AuditAction, type AuditEntry, auditActions } from '../accounts/accounts.ts';
import { createId } from '../ids.ts';
import { askerOf } from './local-request.ts';
import type { Services } from './services.ts';

/** A title may be long; a line of the log is to be read. */
const maxSubject = 200;

/** Notes what the viewer of this request has done. A log that cannot be written is said in the program's own. */
export async function noteAct(
  { catalogue, clock, config, log }: Pick<Services, 'catalogue' | 'clock' | 'config' | 'log'>,
  request: FastifyRequest,
  action: AuditAction,
  subject: string,
): Promise<void> {
  const { viewer } = request;
  try {
    await catalogue.noteAudit({
      ...{ id: createId(), atMs: clock.nowMs(), action, subject: subject.slice(0, maxSubject) },
      ...{ personId: viewer?.personId ?? null, personName: viewer?.name ?? '' },
      address: askerOf(request, config).address,
    });
  } catch (error) {
    log.error({ err: error, action }, 'what was done could not be noted in the audit log');
  }
}

/** The newest of both logs before `beforeMs`, newest first. */
export async function listAudit(
  { accounts, catalogue }: Pick<Services, 'accounts' | 'catalogue'>,
  beforeMs: number,
  limit: number,
): Promise<readonly AuditEntry[]> {
  const [people, things] = await Promise.all([
    accounts.listAudit(beforeMs, limit),
    catalogue.listAudit(beforeMs, limit),
  ]);
  const known = things.filter((note): note is AuditEntry =>
    (auditActions as readonly string[]).includes(note.action),
  );
  return [...people, ...known].sort((one, other) => other.atMs - one.atMs).slice(0, limit);
}
