// GET /api/v1/events: what becomes of videos, as server-sent events (HTML Standard, "Server-sent events"), the same from
// every replica. A page that was away is told everything anew, so nothing has to be remembered for it.
import type { FastifyInstance } from 'fastify';
import { AppError } from '../../errors.ts';
import { needs, viewerOf } from '../permission.ts';
import { type Static, Type } from '../schema.ts';
import type { Services } from '../services.ts';
import { createEventsHub, maxFollowed } from './events-hub.ts';
import { problems } from './problem-schema.ts';

/** How soon a browser comes back, to another replica maybe, milliseconds. */
const comeBackMs = 2000;

const eventHeaders = {
  'Content-Type': 'text/event-stream; charset=utf-8',
  'Cache-Control': 'no-store',
  // nginx would gather them.
  'X-Accel-Buffering': 'no',
};

const EventsQuery = Type.Object({
  videos: Type.Optional(
    Type.String({
      maxLength: 20 * maxFollowed,
      description: `Ids of at most ${maxFollowed} videos, by commas; left out: the newest ${maxFollowed} of those seen`,
    }),
  ),
});

export function eventRoutes(app: FastifyInstance, services: Services): void {
  const { access, running } = services;
  const hub = createEventsHub(services);
  app.addHook('preClose', async () => hub.close());
  app.route<{ Querystring: Static<typeof EventsQuery> }>({
    method: ['GET', 'HEAD'],
    url: '/api/v1/events',
    schema: {
      tags: ['videos'],
      summary: 'What becomes of videos, as server-sent events',
      description:
        '`event: video` with `id`, `title`, `status`, `reason`, `sizeBytes`, `receivedBytes`: all at first, then each that changes, within 2 s, arriving ones once a second. `event: gone` with `id`: it is not there any more, or may not be seen.',
      querystring: EventsQuery,
      response: {
        200: { description: 'Events', content: { 'text/event-stream': { schema: Type.Any() } } },
        ...problems(400, 429),
      },
    },
    config: needs('videos:watch'),
    handler: async (request, reply) => {
      const viewer = viewerOf(request);
      const sight = JSON.stringify(access.sight(viewer));
      const ids = request.query.videos?.split(',').filter((id) => id !== '') ?? null;
      if (ids && (ids.length === 0 || ids.length > maxFollowed))
        throw new AppError('bad-request', `Between 1 and ${maxFollowed} videos can be followed.`);
      if (request.method === 'HEAD') return reply.headers(eventHeaders).send();
      hub.listen(viewer, ids && [...new Set(ids)], reply.raw);
      reply.hijack();
      for (const [name, value] of Object.entries(reply.getHeaders()))
        if (value !== undefined) reply.raw.setHeader(name, value);
      reply.raw.writeHead(200, eventHeaders);
      reply.raw.write(`retry: ${comeBackMs}\n\n`);
      running.watch(
        reply,
        (now) => now?.personId === viewer.personId && JSON.stringify(access.sight(now)) === sight,
        () => reply.raw.destroy(),
      );
      return reply;
    },
  });
}
