// /api/auth/*: what better-auth answers itself (JSON log-in, passkeys, the way back from an OpenID provider), handed on
// to the accounts as text. Where somebody may come in is decided there; here are the size, the type and the headers.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { askerOf } from '../local-request.ts';
import { atDoor } from '../permission.ts';
import type { Services } from '../services.ts';

/** A passkey's answer is the largest: some kilobytes. */
const bodyLimitBytes = 65_536;

/** Headers that are handed on. The rest is ours to know: where it comes from is in the `Asker`. */
const passedOn = ['accept', 'accept-language', 'content-type', 'cookie', 'origin', 'referer', 'user-agent'];

/** Of an answer, those that this server sets by itself (RFC 9110 §7.6.1). */
const ownHeaders = new Set(['connection', 'content-length', 'date', 'keep-alive', 'transfer-encoding']);

export function authApiRoutes(app: FastifyInstance, { accounts, config: settings }: Services): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(
    'application/json',
    { parseAs: 'string', bodyLimit: bodyLimitBytes },
    (_request, body, done) => done(null, body),
  );

  const handler = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const headers: Record<string, string> = {};
    for (const name of passedOn) {
      const value = request.headers[name];
      if (typeof value === 'string') headers[name] = value;
    }
    const answer = await accounts.handle(askerOf(request, settings), {
      ...{ method: request.method, path: request.url, headers },
      body: typeof request.body === 'string' ? request.body : null,
    });
    for (const [name, value] of answer.headers) {
      if (!ownHeaders.has(name.toLowerCase())) reply.header(name, value);
    }
    return reply.header('Cache-Control', 'no-store').code(answer.status).send(answer.body);
  };
  app.route({ method: ['GET', 'POST'], url: '/api/auth/*', config: atDoor(), handler });
}
