// Resumable uploads: tus 1.0 at /api/v1/uploads by @tus/server over the library. The id of an upload is the id of
// its video; the answer to the last byte names the video's page in `Kinora-Video`.
import { Readable } from 'node:stream';
import { Server, type ServerOptions } from '@tus/server';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { AppError, type ErrorKind, errorStatus } from '../../errors.ts';
import { createLinger } from '../linger.ts';
import type { Services } from '../services.ts';
import { createTusLocker } from '../tus-locker.ts';
import { LibraryTusStore } from '../tus-store.ts';

const path = '/api/v1/uploads';

/** How long the request that is taken over from gets to store what it has in hand, milliseconds. */
const handOverMs = 100;

export function tusRoutes(app: FastifyInstance, { library, config, clock, metrics }: Services): void {
  const { maxUploadBytes, unfinishedMs } = config.data;
  /** What the library threw, by request: the package keeps but a status and a text of it. */
  const failures = new WeakMap<object, AppError>();
  const options: ServerOptions & { datastore: LibraryTusStore } = {
    path,
    datastore: new LibraryTusStore(library, metrics, unfinishedMs),
    locker: createTusLocker(clock),
    ...(Number.isFinite(maxUploadBytes) && { maxSize: maxUploadBytes }),
    relativeLocation: true,
    lockDrainTimeout: handOverMs,
    disableTerminationForFinishedUploads: true,
    // Pages of other sites may not upload: no Access-Control-Allow-Origin at all.
    allowedOrigins: () => false,
    exposedHeaders: ['Kinora-Video'],
    onUploadFinish: async (_request, upload) => ({ headers: { 'Kinora-Video': `/videos/${upload.id}` } }),
    onResponseError: (request, error) => {
      if (error instanceof AppError) {
        failures.set(request, error);
        return { status_code: errorStatus[error.kind], body: error.message };
      }
      if ('status_code' in error) return undefined;
      failures.set(
        request,
        new AppError('internal', 'Something went wrong here; the log of the server says what.', {
          cause: error,
        }),
      );
      return undefined;
    },
  };
  const tus = new Server(options);

  // Bodies are not Fastify's to read here, whatever they call themselves.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (_request, _payload, done) => done(null));

  const handler = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const asked = toWebRequest(request);
    const answer = await tus.handleWeb(asked);
    for (const [name, value] of answer.headers) {
      if (name !== 'content-length' && name !== 'content-type') reply.header(name, value);
    }
    if (answer.status >= 400) throw failures.get(asked) ?? (await toAppError(answer));
    reply.header('Cache-Control', 'no-store');
    return reply.code(answer.status).send();
  };
  const route = { handler, onSend: createLinger(clock) };
  app.route({ method: ['POST', 'OPTIONS'], url: path, ...route });
  app.route({ method: ['HEAD', 'PATCH', 'DELETE', 'OPTIONS'], url: `${path}/:id`, ...route });
}

/** The request in the form the package takes. Its body is pulled from the socket as it is read. */
function toWebRequest({ raw, headers, method, url }: FastifyRequest): Request {
  const fields = new Headers();
  for (const [name, value] of Object.entries(headers)) {
    if (typeof value === 'string') fields.set(name, value);
  }
  const hasBody = method === 'POST' || method === 'PATCH';
  // The address is only looked at for its path; the package's own links are relative.
  return new Request(`http://localhost${url}`, {
    method,
    headers: fields,
    ...(hasBody && { body: Readable.toWeb(raw) as ReadableStream, duplex: 'half' }),
  } as RequestInit);
}

const kinds = new Map<number, ErrorKind>([
  [403, 'bad-request'],
  [404, 'not-found'],
  [409, 'conflict'],
  [410, 'gone'],
  [412, 'precondition'],
  [413, 'too-large'],
  [415, 'unsupported-media'],
  [500, 'unavailable'],
]);

/** An error of the protocol itself as one of ours, so that it is told in the same form. */
async function toAppError(answer: Response): Promise<AppError> {
  const text = (await answer.text()).trim();
  return new AppError(
    kinds.get(answer.status) ?? 'bad-request',
    text || 'This is not a request of the tus protocol.',
  );
}
