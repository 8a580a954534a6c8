// What those who run it ask: /livez (the process), /readyz (what it depends on), /metrics.
import type { FastifyInstance } from 'fastify';
import { needs } from '../permission.ts';
import { Type } from '../schema.ts';
import type { Services } from '../services.ts';

const Health = Type.Object({
  status: Type.Union([Type.Literal('ok'), Type.Literal('unavailable')]),
  missing: Type.Array(Type.String(), { description: 'What cannot be reached' }),
});

export function operationsRoutes(app: FastifyInstance, { accounts, catalogue, blobs, metrics }: Services): void {
  const tags = ['operations'];
  app.get(
    '/livez',
    {
      schema: { tags, summary: 'The process answers', response: { 200: Health } },
      config: needs('public'),
    },
    () => ({ status: 'ok' as const, missing: [] }),
  );

  app.get(
    '/readyz',
    {
      schema: { tags, summary: 'Everything it needs answers', response: { 200: Health, 503: Health } },
      config: needs('public'),
    },
    async (_request, reply) => {
      const checks = {
        catalogue: () => catalogue.ping(),
        blobs: () => blobs.room(),
        accounts: () => accounts.ping(),
      };
      const missing: string[] = [];
      for (const [name, check] of Object.entries(checks)) {
        try {
          await check();
        } catch {
          missing.push(name);
        }
      }
      reply.header('Cache-Control', 'no-store').code(missing.length === 0 ? 200 : 503);
      return { status: missing.length === 0 ? ('ok' as const) : ('unavailable' as const), missing };
    },
  );

  app.get(
    '/metrics',
    { schema: { tags, summary: 'Prometheus metrics' }, config: needs('metrics:read') },
    async (_request, reply) =>
      reply
        .type(metrics.contentType)
        .header('Cache-Control', 'no-store')
        .send(await metrics.read()),
  );
}
