// /api/v1/links: guest links made, listed and ended by programs. A link's address is in the answer that made it, and in
// no other.
import type { FastifyInstance } from 'fastify';
import type { GuestLink } from '../../catalogue/catalogue.ts';
import { askerOf, originOf } from '../local-request.ts';
import { needs, viewerOf } from '../permission.ts';
import { type Static, type TSchema, Type } from '../schema.ts';
import type { Services } from '../services.ts';
import { problems } from './problem-schema.ts';

const Nullable = <Schema extends TSchema>(schema: Schema) => Type.Union([schema, Type.Null()]);
const subjects = ['video', 'folder', 'camera'] as const;

const LinkBody = Type.Object({
  id: Type.String(),
  subject: Type.Enum([...subjects]),
  subjectId: Type.String(),
  startSeconds: Nullable(Type.Number({ description: 'A stretch of a video' })),
  endSeconds: Nullable(Type.Number()),
  note: Type.String(),
  createdAtMs: Type.Integer(),
  expiresAtMs: Nullable(Type.Integer({ description: 'Milliseconds since the epoch' })),
  hasPassword: Type.Boolean(),
  maxVisits: Nullable(Type.Integer()),
  visits: Type.Integer({ description: 'How many visitors were let in' }),
  allowsDownload: Type.Boolean(),
});

const MadeBody = Type.Object({
  ...LinkBody.properties,
  url: Type.String({ description: 'Shown this once; kept as a hash' }),
});

/** Bounds are checked where links are made, which says them in a sentence. */
const NewLinkBody = Type.Object({
  subject: Type.Enum([...subjects]),
  subjectId: Type.String({ minLength: 1, maxLength: 64 }),
  startSeconds: Type.Optional(Nullable(Type.Number())),
  endSeconds: Type.Optional(Nullable(Type.Number())),
  note: Type.Optional(Type.String({ maxLength: 200 })),
  expiresAtMs: Type.Optional(
    Nullable(Type.Integer({ description: 'Cameras need one, at most 31 days from now' })),
  ),
  password: Type.Optional(Nullable(Type.String({ description: '4 to 200 characters' }))),
  maxVisits: Type.Optional(Nullable(Type.Integer({ description: '1 to 10,000' }))),
  allowsDownload: Type.Optional(Type.Boolean()),
});

const ListQuery = Type.Object({
  subject: Type.Optional(Type.Enum([...subjects])),
  subjectId: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })),
});

const IdParams = Type.Object({ id: Type.String({ maxLength: 64 }) });

export function linksApiRoutes(app: FastifyInstance, { config: settings, links }: Services): void {
  const tags = ['links'];
  const config = needs('videos:share');

  app.get<{ Querystring: Static<typeof ListQuery> }>(
    '/api/v1/links',
    {
      config,
      schema: {
        tags,
        summary: 'One’s own guest links; with `subject` and `subjectId` those to one thing',
        querystring: ListQuery,
        response: { 200: Type.Object({ items: Type.Array(LinkBody) }), ...problems(400, 403, 404) },
      },
    },
    async (request, reply) => {
      const { subject, subjectId } = request.query;
      const of = subject && subjectId ? { subject, subjectId } : undefined;
      reply.header('Cache-Control', 'private, no-store');
      return { items: (await links.list(viewerOf(request), of)).map(linkBody) };
    },
  );

  app.post<{ Body: Static<typeof NewLinkBody> }>(
    '/api/v1/links',
    {
      config,
      schema: {
        tags,
        summary: 'Make a guest link to something of one’s own; cameras need `cameras:manage`',
        body: NewLinkBody,
        response: { 201: MadeBody, ...problems(400, 403, 404, 409, 429) },
      },
    },
    async (request, reply) => {
      const { body } = request;
      const wanted = {
        ...{ subject: body.subject, subjectId: body.subjectId, note: body.note ?? '' },
        ...{ startSeconds: body.startSeconds ?? null, endSeconds: body.endSeconds ?? null },
        ...{ expiresAtMs: body.expiresAtMs ?? null, password: body.password ?? null },
        ...{ maxVisits: body.maxVisits ?? null, allowsDownload: body.allowsDownload ?? false },
      };
      const { address } = askerOf(request, settings);
      const { link, secret } = await links.make(viewerOf(request), wanted, address);
      reply.code(201).header('Cache-Control', 'no-store').header('Location', `/api/v1/links/${link.id}`);
      return { ...linkBody(link), url: `${originOf(request, settings)}/l/${secret}` };
    },
  );

  app.delete<{ Params: Static<typeof IdParams> }>(
    '/api/v1/links/:id',
    {
      config,
      schema: {
        tags,
        summary: 'End a guest link: it leads nowhere at once, and what runs over it ends within 5 s',
        params: IdParams,
        response: { 204: Type.Null(), ...problems(403, 404) },
      },
    },
    async (request, reply) => {
      await links.end(viewerOf(request), request.params.id, askerOf(request, settings).address);
      return reply.code(204).send();
    },
  );
}

function linkBody(link: GuestLink): Static<typeof LinkBody> {
  const { passwordHash, secretHash: _secret, createdBy: _maker, ...shown } = link;
  return { ...shown, hasPassword: passwordHash !== null };
}
