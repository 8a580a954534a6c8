// What those who run it ask: /livez (the process), /readyz (what it depends on), /metrics.
import type { FastifyInstance } from 'fastify';
import type { Metrics } from '../../metrics/metrics.ts';
import type { Ending } from '../ending.ts';
import { needs } from '../permission.ts';
import { Type } from '../schema.ts';
import type { Services } from '../services.ts';

const Health = Type.Object({
  status: Type.Union([Type.Literal('ok'), Type.Literal('unavailable')]),
  missing: Type.Array(Type.String(), { description: 'What cannot be reached' }),
});

export function operationsRoutes(
  app: FastifyInstance,
  { accounts, catalogue, blobs, metrics, config, ending }: Services,
): void {
  const stores = { catalogue: () => catalogue.ping(), blobs: () => blobs.room() };
  const people = { accounts: () => accounts.ping() };
  // Without the process that keeps the accounts it still sends what runs, and says what is missing: it is not to be
  // taken out of service for that.
  if (config.auth.serviceUrl === null)
    installOperations(app, { metrics, ending, needed: { ...stores, ...people } });
  else installOperations(app, { metrics, ending, needed: stores, useful: people });
}

type Checks = Readonly<Record<string, () => Promise<unknown>>>;

/** `needed`: it is not ready without, nor once it is about to end. `useful`: only said. */
export function installOperations(
  app: FastifyInstance,
  {
    metrics,
    needed,
    useful = {},
    ending,
  }: { readonly metrics: Metrics; needed: Checks; useful?: Checks; ending?: Ending | undefined },
): void {
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
      const missing: string[] = [];
      for (const [name, check] of Object.entries({ ...needed, ...useful })) {
        try {
          await check();
        } catch {
          missing.push(name);
        }
      }
      const isEnding = ending?.isBegun === true;
      if (isEnding) missing.push('time: it is about to end');
      const isReady = !isEnding && !missing.some((name) => Object.hasOwn(needed, name));
      reply.header('Cache-Control', 'no-store').code(isReady ? 200 : 503);
      return { status: isReady ? ('ok' as const) : ('unavailable' as const), missing };
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
