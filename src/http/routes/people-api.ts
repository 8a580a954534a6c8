// /api/v1/people and /api/v1/invites: the owner's view of who belongs to the house, and of who may come to it.
import type { FastifyInstance } from 'fastify';
import { roles } from '../../accounts/permissions.ts';
import { type Legacy, leave } from '../../archive/leave.ts';
import { AppError } from '../../errors.ts';
import { askerOf, originOf } from '../local-request.ts';
import { assertMayMake, needs, viewerOf } from '../permission.ts';
import { type Static, Type } from '../schema.ts';
import type { Services } from '../services.ts';
import { IdParams, InviteBody, inviteBody, PersonBody, personBody, Quota } from './person-schema.ts';
import { problems } from './problem-schema.ts';

const dayMs = 86_400_000;

const PersonList = Type.Object({ items: Type.Array(PersonBody) });
const ChangesBody = Type.Object(
  {
    name: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })),
    role: Type.Optional(Type.Enum([...roles])),
    quotaBytes: Type.Optional(Quota),
    isDisabled: Type.Optional(
      Type.Boolean({ description: 'Logs nobody in any more; sessions and tokens end' }),
    ),
  },
  { additionalProperties: false, minProperties: 1 },
);
const RemovalQuery = Type.Object({
  videos: Type.String({
    ...{ maxLength: 64, default: 'household' },
    description: 'Who gets the videos: `household` (the owners), `bin` (its owners’ bin), or a person’s id',
  }),
});
const ResetBody = Type.Object({
  url: Type.String({ description: 'Where a new password is chosen; holds for a day, once' }),
});
const InviteList = Type.Object({ items: Type.Array(InviteBody) });
const NewInviteBody = Type.Object(
  {
    role: Type.Enum([...roles]),
    quotaBytes: Type.Optional(Quota),
    note: Type.Optional(Type.String({ maxLength: 200, description: 'For whom' })),
    days: Type.Optional(Type.Integer({ minimum: 1, maximum: 30, description: 'How long it holds; 7' })),
  },
  { additionalProperties: false },
);
const MadeInvite = Type.Object({
  ...InviteBody.properties,
  url: Type.String({ description: 'Where the account is made, once; shown this once and kept as a hash' }),
});

export function peopleApiRoutes(app: FastifyInstance, services: Services): void {
  const { accounts, catalogue, clock, config: settings, library } = services;
  const tags = ['people'];
  const config = needs('people:manage');

  app.get(
    '/api/v1/people',
    { schema: { tags, summary: 'Everybody with an account', response: { 200: PersonList } }, config },
    async (_request, reply) => {
      reply.header('Cache-Control', 'no-store');
      return { items: (await accounts.listPeople()).map(personBody) };
    },
  );

  app.get<{ Params: Static<typeof IdParams> }>(
    '/api/v1/people/:id',
    {
      schema: {
        ...{ tags, summary: 'One person', params: IdParams },
        response: { 200: PersonBody, ...problems(404) },
      },
      config,
    },
    async (request, reply) => {
      const person = await accounts.getPerson(request.params.id);
      if (!person) throw new AppError('not-found', 'There is no such person here.');
      reply.header('Cache-Control', 'no-store');
      return personBody(person);
    },
  );

  app.patch<{ Params: Static<typeof IdParams>; Body: Static<typeof ChangesBody> }>(
    '/api/v1/people/:id',
    {
      schema: {
        ...{ tags, summary: 'Change name, role or quota, or turn an account off; holds at once' },
        ...{ params: IdParams, body: ChangesBody },
        response: { 200: PersonBody, ...problems(400, 404, 409) },
      },
      config,
    },
    async (request) => {
      const viewer = viewerOf(request);
      const { personId } = viewer;
      const asker = askerOf(request, settings);
      if (request.body.role) assertMayMake(viewer, request.body.role);
      return personBody(await accounts.changePerson(asker, personId, request.params.id, request.body));
    },
  );

  app.delete<{ Params: Static<typeof IdParams>; Querystring: Static<typeof RemovalQuery> }>(
    '/api/v1/people/:id',
    {
      schema: {
        ...{ tags, summary: 'Remove an account; the videos go to somebody else or into the bin' },
        ...{ params: IdParams, querystring: RemovalQuery },
        response: { 204: Type.Null(), ...problems(400, 404, 409) },
      },
      config,
    },
    async (request, reply) => {
      const { videos } = request.query;
      const legacy: Legacy = videos === 'household' || videos === 'bin' ? videos : { to: videos };
      const leaving = { accounts, library, catalogue, asker: askerOf(request, settings) };
      const { personId } = viewerOf(request);
      await leave({ ...leaving, byId: personId }, { personId: request.params.id, videos: legacy });
      return reply.code(204).send();
    },
  );

  app.post<{ Params: Static<typeof IdParams> }>(
    '/api/v1/people/:id/reset',
    {
      schema: {
        ...{ tags, summary: 'A link to choose a new password, to hand over by hand', params: IdParams },
        response: { 201: ResetBody, ...problems(404) },
      },
      config,
    },
    async (request, reply) => {
      assertMayMake(viewerOf(request));
      const asker = askerOf(request, settings);
      const token = await accounts.makeResetToken(asker, viewerOf(request).personId, request.params.id);
      reply.code(201).header('Cache-Control', 'no-store');
      return { url: `${originOf(request, settings)}/reset?token=${encodeURIComponent(token)}` };
    },
  );

  app.get(
    '/api/v1/invites',
    { schema: { tags, summary: 'Invites that hold', response: { 200: InviteList } }, config },
    async (_request, reply) => {
      reply.header('Cache-Control', 'no-store');
      return { items: (await accounts.listInvites()).map(inviteBody) };
    },
  );

  app.post<{ Body: Static<typeof NewInviteBody> }>(
    '/api/v1/invites',
    {
      schema: {
        ...{
          tags,
          summary: 'Invite somebody: a link to make an account with that role',
          body: NewInviteBody,
        },
        response: { 201: MadeInvite, ...problems(400) },
      },
      config,
    },
    async (request, reply) => {
      const { role, note = '', days = 7 } = request.body;
      assertMayMake(viewerOf(request), role);
      const { quotaBytes = settings.auth.quotaBytes } = request.body;
      const { invite, secret } = await accounts.invite(
        askerOf(request, settings),
        viewerOf(request).personId,
        { role, quotaBytes, note, expiresAtMs: clock.nowMs() + days * dayMs },
      );
      reply.code(201).header('Cache-Control', 'no-store');
      const url = `${originOf(request, settings)}/sign-up?invite=${encodeURIComponent(secret)}`;
      return { ...inviteBody(invite), url };
    },
  );

  app.delete<{ Params: Static<typeof IdParams> }>(
    '/api/v1/invites/:id',
    {
      schema: {
        ...{ tags, summary: 'Take an invite back', params: IdParams },
        response: { 204: Type.Null() },
      },
      config,
    },
    async (request, reply) => {
      await accounts.removeInvite(request.params.id);
      return reply.code(204).send();
    },
  );
}
