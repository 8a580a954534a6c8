// POST (or PUT) /api/v1/cameras/:id/push: a camera or a phone sends its pictures to us, for as long as it likes. The
// body is read as it comes, with back-pressure; nothing of it is stored.
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { householdId, permits } from '../../accounts/permissions.ts';
import { createLinger } from '../linger.ts';
import { needs } from '../permission.ts';
import { type Static, Type } from '../schema.ts';
import type { Services } from '../services.ts';
import { problems } from './problem-schema.ts';
import { untilGone } from './until-gone.ts';

const IdParams = Type.Object({ id: Type.String({ maxLength: 64 }) });
const KeyQuery = Type.Object({
  key: Type.Optional(
    Type.String({ maxLength: 2048, description: 'The camera’s key, for senders that can set no header' }),
  ),
});
const Received = Type.Object({
  samples: Type.Integer({ description: 'Pictures and pieces of sound taken' }),
});

export async function cameraPushRoutes(
  app: FastifyInstance,
  { cameras, clock, running }: Services,
): Promise<void> {
  // In a scope of their own: bodies are streams here, whatever their type.
  await app.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', (_request, _body, done) => done(null));

    for (const method of ['POST', 'PUT'] as const) {
      scope.route<{ Params: Static<typeof IdParams>; Querystring: Static<typeof KeyQuery> }>({
        method,
        url: '/api/v1/cameras/:id/push',
        schema: {
          tags: ['cameras'],
          summary: 'Send a camera’s pictures: JPEG as multipart, or fragmented MP4; as long as it goes on',
          params: IdParams,
          querystring: KeyQuery,
          response: { 200: Received, ...problems(400, 401, 404, 409, 415) },
        },
        config: needs('key'),
        onSend: createLinger(clock),
        handler: async (request, reply) => {
          const { viewer } = request;
          const isManager = viewer !== null && permits(viewer, 'cameras:manage');
          // Whoever comes with the key goes on for as long as it holds (`Cameras.receive`).
          if (isManager)
            running.watch(
              reply,
              (now) => now !== null && permits(now, 'cameras:manage'),
              () => reply.raw.destroy(),
            );
          const stream = {
            sender: !isManager ? 'stranger' : viewer.personId === householdId ? 'household' : 'manager',
            type: request.headers['content-type'] ?? '',
            key: keyIn(request) ?? request.query.key ?? null,
            // Leaving the body unread must not destroy the request before it is answered.
            body: request.raw.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>,
          } as const;
          const { id } = request.params;
          return { samples: await untilGone(request, (signal) => cameras.receive(id, stream, signal)) };
        },
      });
    }
  });
}

/**
 * The key as `Authorization: Bearer` (RFC 6750 §2.1, though a key of ours may have spaces), or as the password of
 * basic credentials (`curl -u x:KEY`).
 */
function keyIn({ headers }: FastifyRequest): string | null {
  const [, scheme = '', credentials = ''] = /^(\S{1,20}) +(.*)$/.exec(headers.authorization ?? '') ?? [];
  if (/^bearer$/i.test(scheme)) return credentials;
  if (!/^basic$/i.test(scheme)) return null;
  const pair = Buffer.from(credentials, 'base64').toString('utf8');
  return pair.slice(pair.indexOf(':') + 1);
}
