// /api/v1/audit: who did what, newest first, in pages by time.
import type { FastifyInstance } from 'fastify';
import { auditActions } from '../../accounts/accounts.ts';
import { listAudit } from '../audit.ts';
import { needs } from '../permission.ts';
import { type Static, Type } from '../schema.ts';
import type { Services } from '../services.ts';
import { Nullable } from './person-schema.ts';
import { problems } from './problem-schema.ts';

const AuditQuery = Type.Object({
  limit: Type.Integer({ minimum: 1, maximum: 1000, default: 100 }),
  before: Type.Optional(
    Type.Integer({
      minimum: 0,
      description: 'Those before it, milliseconds since the epoch; now if left out',
    }),
  ),
});
const AuditList = Type.Object({
  items: Type.Array(
    Type.Object({
      id: Type.String(),
      atMs: Type.Integer({ description: 'Milliseconds since the epoch' }),
      personId: Nullable(Type.String({ description: 'null where nobody was logged in' })),
      personName: Type.String({ description: 'As it was then' }),
      action: Type.Enum([...auditActions]),
      subject: Type.String({ description: 'What it was done to' }),
      address: Type.String({ description: 'The client’s' }),
    }),
  ),
});

export function auditApiRoutes(app: FastifyInstance, services: Services): void {
  app.get<{ Querystring: Static<typeof AuditQuery> }>(
    '/api/v1/audit',
    {
      schema: {
        ...{ tags: ['people'], summary: 'Who did what, newest first', querystring: AuditQuery },
        response: { 200: AuditList, ...problems(400) },
      },
      config: needs('audit:read'),
    },
    async (request, reply) => {
      const { limit, before } = request.query;
      // What was noted in this very millisecond is part of now.
      const entries = await listAudit(services, before ?? services.clock.nowMs() + 1, limit);
      reply.header('Cache-Control', 'no-store');
      const items = entries.map(({ id, atMs, personId, personName, action, subject, address }) => {
        return { id, atMs, personId, personName, action, subject, address };
      });
      return { items };
    },
  );
}
