// /api/v1/me/tokens: tokens for programs that ask in one's name, narrowed to what they need. A token is shown once, in
// the answer that made it; it makes no other tokens (`self` is never a token's).
import type { FastifyInstance } from 'fastify';
import { AppError } from '../../errors.ts';
import { askerOf } from '../local-request.ts';
import { needs, viewerOf } from '../permission.ts';
import { type Static, Type } from '../schema.ts';
import type { Services } from '../services.ts';
import { accountOf, IdParams, Nullable, Scopes, TokenBody, tokenBody } from './person-schema.ts';
import { problems } from './problem-schema.ts';

const TokenList = Type.Object({ items: Type.Array(TokenBody) });
const NewTokenBody = Type.Object(
  {
    name: Type.String({ minLength: 1, maxLength: 100, description: 'What it is for' }),
    scopes: Scopes,
    expiresAtMs: Type.Optional(
      Nullable(Type.Integer({ minimum: 0, description: 'Milliseconds since the epoch; null: never' })),
    ),
  },
  { additionalProperties: false },
);
const MadeToken = Type.Object({
  ...TokenBody.properties,
  secret: Type.String({ description: 'The token itself, for `Authorization: Bearer`; kept as a hash' }),
});

export function tokensApiRoutes(app: FastifyInstance, services: Services): void {
  const { accounts, clock, config: settings } = services;
  const tags = ['account'];
  const config = needs('self');

  app.get(
    '/api/v1/me/tokens',
    { schema: { tags, summary: 'One’s tokens', response: { 200: TokenList, ...problems(409) } }, config },
    async (request, reply) => {
      const tokens = await accounts.listTokens(accountOf(viewerOf(request)));
      reply.header('Cache-Control', 'no-store');
      return { items: tokens.map(tokenBody) };
    },
  );

  app.post<{ Body: Static<typeof NewTokenBody> }>(
    '/api/v1/me/tokens',
    {
      schema: {
        ...{ tags, summary: 'Make a token', body: NewTokenBody },
        response: { 201: MadeToken, ...problems(400, 403, 409) },
      },
      config,
    },
    async (request, reply) => {
      const { name, scopes, expiresAtMs = null } = request.body;
      if (expiresAtMs !== null && expiresAtMs <= clock.nowMs())
        throw new AppError('bad-request', 'A token expires later than now.');
      const { token, secret } = await accounts.addToken(
        askerOf(request, settings),
        accountOf(viewerOf(request)),
        { name, scopes: [...new Set(scopes)], expiresAtMs },
      );
      reply.code(201).header('Cache-Control', 'no-store');
      return { ...tokenBody(token), secret };
    },
  );

  app.delete<{ Params: Static<typeof IdParams> }>(
    '/api/v1/me/tokens/:id',
    {
      schema: {
        ...{ tags, summary: 'End a token, at once', params: IdParams },
        response: { 204: Type.Null(), ...problems(404, 409) },
      },
      config,
    },
    async (request, reply) => {
      const personId = accountOf(viewerOf(request));
      if (!(await accounts.removeToken(askerOf(request, settings), personId, request.params.id)))
        throw new AppError('not-found', 'There is no such token of yours.');
      return reply.code(204).send();
    },
  );
}
