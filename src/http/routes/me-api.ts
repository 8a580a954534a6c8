// /api/v1/me: one's own account, and the sessions one is logged in with.
import type { FastifyInstance } from 'fastify';
import { permissions, permits } from '../../accounts/permissions.ts';
import { AppError } from '../../errors.ts';
import { askerOf } from '../local-request.ts';
import { needs, viewerOf } from '../permission.ts';
import { type Static, Type } from '../schema.ts';
import type { Services } from '../services.ts';
import {
  accountOf,
  IdParams,
  Nullable,
  PersonBody,
  personBody,
  Quota,
  SessionBody,
  sessionBody,
} from './person-schema.ts';
import { problems } from './problem-schema.ts';

const MeBody = Type.Object({
  id: Type.String(),
  name: Type.String(),
  role: PersonBody.properties.role,
  permissions: Type.Array(Type.Enum([...permissions])),
  email: Nullable(Type.String()),
  userName: Nullable(Type.String()),
  quotaBytes: Quota,
  usage: Type.Object({ videos: Type.Integer(), bytes: Type.Integer() }),
});
const NameBody = Type.Object(
  { name: Type.String({ minLength: 1, maxLength: 200 }) },
  { additionalProperties: false },
);
const SessionList = Type.Object({ items: Type.Array(SessionBody) });

export function meApiRoutes(app: FastifyInstance, { accounts, config: settings, library }: Services): void {
  const tags = ['account'];
  const config = needs('self');

  app.get(
    '/api/v1/me',
    { schema: { tags, summary: 'Who one is, and what one may do', response: { 200: MeBody } }, config },
    async (request, reply) => {
      const viewer = viewerOf(request);
      const person = await accounts.getPerson(viewer.personId);
      const { videos, bytes } = await library.getUsage(viewer.personId);
      reply.header('Cache-Control', 'no-store');
      return {
        ...{ id: viewer.personId, name: viewer.name, role: viewer.role },
        permissions: permissions.filter((permission) => permits(viewer, permission)),
        ...{ email: person?.email ?? null, userName: person?.userName ?? null },
        ...{ quotaBytes: person?.quotaBytes ?? null, usage: { videos, bytes } },
      };
    },
  );

  app.patch<{ Body: Static<typeof NameBody> }>(
    '/api/v1/me',
    {
      schema: {
        ...{ tags, summary: 'Be called by another name', body: NameBody },
        response: { 200: PersonBody, ...problems(400, 409) },
      },
      config,
    },
    async (request) => {
      const id = accountOf(viewerOf(request));
      const { name } = request.body;
      return personBody(await accounts.changePerson(askerOf(request, settings), id, id, { name }));
    },
  );

  app.get(
    '/api/v1/me/sessions',
    {
      schema: { tags, summary: 'Where one is logged in', response: { 200: SessionList, ...problems(409) } },
      config,
    },
    async (request, reply) => {
      const viewer = viewerOf(request);
      const sessions = await accounts.listSessions(accountOf(viewer), viewer.sessionId);
      reply.header('Cache-Control', 'no-store');
      return { items: sessions.map(sessionBody) };
    },
  );

  app.delete(
    '/api/v1/me/sessions',
    {
      schema: {
        ...{ tags, summary: 'Log out everywhere but here' },
        response: { 204: Type.Null(), ...problems(409) },
      },
      config,
    },
    async (request, reply) => {
      const viewer = viewerOf(request);
      const id = accountOf(viewer);
      await accounts.endSessions(askerOf(request, settings), id, null, viewer.sessionId);
      return reply.code(204).send();
    },
  );

  app.delete<{ Params: Static<typeof IdParams> }>(
    '/api/v1/me/sessions/:id',
    {
      schema: {
        ...{ tags, summary: 'Log out one of them', params: IdParams },
        response: { 204: Type.Null(), ...problems(404, 409) },
      },
      config,
    },
    async (request, reply) => {
      const viewer = viewerOf(request);
      const personId = accountOf(viewer);
      const { id } = request.params;
      const sessions = await accounts.listSessions(personId, viewer.sessionId);
      // One of somebody else's is none.
      if (!sessions.some((session) => session.id === id))
        throw new AppError('not-found', 'There is no such session of yours.');
      await accounts.endSessions(askerOf(request, settings), personId, id, null);
      return reply.code(204).send();
    },
  );
}
