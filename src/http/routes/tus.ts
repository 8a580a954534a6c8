// Resumable uploads: tus 1.0 at /api/v1/uploads by @tus/server over the library. The id of an upload is the id of
// its video; the answer to the last byte names the video's page in `Kinora-Video`.
import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Viewer } from '../../accounts/permissions.ts';
import { AppError, type ErrorKind, isAppError } from '../../errors.ts';
import { noteAct } from '../audit.ts';
import { createLinger } from '../linger.ts';
import { needs, viewerOf } from '../permission.ts';
import { quotaOf } from '../quota.ts';
import type { Services } from '../services.ts';
import type { TusServer } from '../tus-server.ts';
import { problems } from './problem-schema.ts';

const path = '/api/v1/uploads';

export function tusRoutes(app: FastifyInstance, services: Services): void {
  const { access, accounts, library, running } = services;
  let loading: Promise<TusServer> | null = null;
  const load = () => {
    loading ??= import('../tus-server.ts').then(({ createTusServer }) => createTusServer(path, services));
    return loading;
  };

  // Bodies are not Fastify's to read here, whatever they call themselves.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (_request, _payload, done) => done(null));

  const handler = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const viewer = viewerOf(request);
    const { id } = request.params as { id?: string };
    if (id !== undefined && request.method !== 'OPTIONS') await checkUploader(viewer, id);
    running.watch(
      reply,
      (now) => now?.personId === viewer.personId,
      () => reply.raw.destroy(),
    );
    const asked = toWebRequest(request);
    const tus = await load();
    const uploader = { ownerId: viewer.personId, quotaBytes: await quotaOf(accounts, viewer) };
    const answer = await tus.handle(asked, uploader);
    await noteAdded(request, answer);
    for (const [name, value] of answer.headers) {
      if (name !== 'content-length' && name !== 'content-type') reply.header(name, value);
    }
    if (answer.status >= 400) throw tus.failureOf(asked) ?? (await toAppError(answer));
    reply.header('Cache-Control', 'no-store');
    return reply.code(answer.status).send();
  };
  /** Nobody else takes up, asks for or ends an upload; to others there is none. */
  async function checkUploader(viewer: Viewer, id: string): Promise<void> {
    const isTheirs = await access.video(viewer, id, 'edit').then(
      ({ ownerId }) => access.isOwn(viewer, ownerId),
      (error: unknown) => {
        if (isAppError(error, 'not-found') || isAppError(error, 'forbidden')) return false;
        throw error;
      },
    );
    if (!isTheirs) throw new AppError('not-found', 'There is no such upload here.');
  }
  async function noteAdded(request: FastifyRequest, answer: Response): Promise<void> {
    const id = /^\/videos\/(\w+)$/.exec(answer.headers.get('kinora-video') ?? '')?.[1];
    if (id !== undefined) await noteAct(services, request, 'video-added', (await library.getVideo(id)).title);
  }
  const schema = {
    tags: ['uploads'],
    summary: 'Resumable uploads (tus 1.0)',
    response: problems(400, 404, 409, 412, 413, 415, 507),
  };
  const route = { handler, schema, config: needs('videos:add'), onSend: createLinger(services.clock) };
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
