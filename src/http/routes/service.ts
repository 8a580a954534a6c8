// What the process with the role `auth` answers to the other processes of this Kinora, and to nobody else: the methods
// of the port to people by their names, for whoever has the shared secret.
import { createHash, timingSafeEqual } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import {
  isServiceMethod,
  mostArguments,
  mostQuestionBytes,
  type RevisionAnswer,
  secretHeader,
  servicePath,
} from '../../accounts/remote/service-methods.ts';
import { AppError } from '../../errors.ts';
import { needs } from '../permission.ts';
import { Type } from '../schema.ts';
import type { Services } from '../services.ts';

const Arguments = Type.Array(Type.Unknown(), { maxItems: mostArguments });

/** Needs `config.auth.serviceSecret`. */
export function serviceRoutes(
  app: FastifyInstance,
  { accounts, config }: Pick<Services, 'accounts' | 'config'>,
): void {
  const { serviceSecret } = config.auth;
  if (serviceSecret === null) throw new Error('the service of the accounts has no secret');
  const right = digest(serviceSecret);

  app.post<{ Params: { method: string }; Body: unknown[] }>(
    `${servicePath}:method`,
    {
      config: needs('service'),
      schema: { hide: true, body: Arguments },
      bodyLimit: mostQuestionBytes,
      // Before a byte of the body is read.
      onRequest(request, reply, done) {
        const given = request.headers[secretHeader];
        if (typeof given === 'string' && timingSafeEqual(digest(given), right)) return done();
        // No kind of the program's errors: the asker must not take it for an answer about a person.
        reply
          .code(403)
          .type('application/problem+json')
          .send(
            JSON.stringify({
              ...{ type: '/service#secret', title: 'Not one of ours', status: 403 },
              detail: 'KINORA_AUTH_SECRET is not the one of the process with the role auth.',
            }),
          );
      },
    },
    async ({ params: { method }, body }, reply) => {
      reply.header('Cache-Control', 'no-store');
      if (method === 'revision') {
        const result: RevisionAnswer = { revision: await accounts.sharedRevision() };
        return { result };
      }
      if (!isServiceMethod(method))
        throw new AppError(
          'not-found',
          'The accounts have no such method; the processes are of different versions.',
        );
      const call = accounts[method] as (...args: unknown[]) => Promise<unknown>;
      return { result: (await call.apply(accounts, body)) ?? null };
    },
  );
}

/** Of one length, so that comparing tells nothing of where they differ. */
function digest(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}
