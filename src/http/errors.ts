// Every failure of a route becomes one answer here: a problem document for programs, a page for people.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { AppError, type ErrorKind, errorStatus } from '../errors.ts';
import { errorPage } from '../web/error-page.ts';
import { problemOf } from './problem.ts';
import type { Services } from './services.ts';

export function installErrors(app: FastifyInstance, { log }: Pick<Services, 'log'>): void {
  app.setErrorHandler((error, request, reply) => {
    const known = toAppError(error);
    if (errorStatus[known.kind] === 500) {
      log.error(
        { err: known.cause ?? known, method: request.method, route: request.routeOptions.url },
        known.message,
      );
    }
    return sendError(request, reply, known);
  });
  app.setNotFoundHandler((request, reply) =>
    sendError(request, reply, new AppError('not-found', 'There is nothing at this address.')),
  );
}

/** Answers with an error in the form the client reads. */
function sendError(request: FastifyRequest, reply: FastifyReply, error: AppError): FastifyReply {
  const problem = problemOf(error);
  reply.code(problem.status).header('Cache-Control', 'no-store').header('Vary', 'Accept, Cookie');
  // RFC 9110 §15.5.2. Browsers ask for nothing by it.
  if (error.kind === 'unauthorized') reply.header('WWW-Authenticate', 'Bearer realm="Kinora"');
  if (error.retryAfterSeconds !== null) reply.header('Retry-After', String(error.retryAfterSeconds));
  else if (error.kind === 'unavailable' || error.kind === 'no-room') reply.header('Retry-After', '10');
  return wantsPage(request)
    ? reply
        .type('text/html; charset=utf-8')
        .send(errorPage(problem, request.headers.cookie, request.viewer ?? null))
    : reply.type('application/problem+json').send(JSON.stringify(problem));
}

/** Whether a person's browser asked for a page (and not an API route, a picture or a video). */
export function wantsPage(request: FastifyRequest): boolean {
  return !request.url.startsWith('/api/') && (request.headers.accept ?? '').includes('text/html');
}

const kindOfStatus = new Map<number, ErrorKind>([
  [400, 'bad-request'],
  [401, 'unauthorized'],
  [403, 'forbidden'],
  [404, 'not-found'],
  [406, 'bad-request'],
  [409, 'conflict'],
  [413, 'too-large'],
  [415, 'unsupported-media'],
  [429, 'too-many'],
  [503, 'unavailable'],
]);

/** What Fastify and its plugins throw, in our terms; anything else is a bug of ours and says nothing of itself. */
function toAppError(error: unknown): AppError {
  if (error instanceof AppError) return error;
  const { statusCode, message } = error as { statusCode?: number; message?: string };
  const kind = statusCode === undefined ? undefined : kindOfStatus.get(statusCode);
  if (kind) return new AppError(kind, message ?? '', { cause: error });
  return new AppError('internal', 'Something went wrong here; the log of the server says what.', {
    cause: error,
  });
}
