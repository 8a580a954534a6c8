// Resumable uploads: tus 1.0 at /api/v1/uploads by @tus/server over the library. The id of an upload is the id of
// its video; the answer to the last byte names the video's page in `Kinora-Video`.
import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Viewer } from '../../accounts/permissions.ts';
import type { Video } from '../../catalogue/catalogue.ts';
import { AppError, type ErrorKind, isAppError } from '../../errors.ts';
import { noteAct } from '../audit.ts';
import { createLinger } from '../linger.ts';
import { needs, viewerOf } from '../permission.ts';
import { quotaOf } from '../quota.ts';
import type { Services } from '../services.ts';
import type { TusServer } from '../tus-server.ts';
import { type UploadPlace, uploadPlace, type WantedPlace } from '../upload-place.ts';
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

  const placeOf = new WeakMap<FastifyRequest, UploadPlace>();

  /** Whose and where, and whether it fits: before a byte of the body is asked for. */
  const onRequest = async (request: FastifyRequest): Promise<void> => {
    if (request.method === 'OPTIONS') return;
    const viewer = viewerOf(request);
    const { id } = request.params as { id?: string };
    const { headers } = request;
    if (id === undefined) {
      const place = await uploadPlace(services, viewer, wantedPlace(headers['upload-metadata']));
      placeOf.set(request, place);
      await assertFits(place, headers['upload-length'] ?? headers['content-length']);
      return;
    }
    const { ownerId, folderId, sizeBytes, status } = await ownUpload(viewer, id);
    const quotaBytes = ownerId === viewer.personId ? await quotaOf(accounts, viewer) : null;
    const place = { ownerId, folderId, audiences: [], quotaBytes };
    placeOf.set(request, place);
    // One of known size counts as a whole already.
    if (status === 'arriving' && sizeBytes === null) await assertFits(place, headers['content-length']);
  };
  async function assertFits({ ownerId, quotaBytes }: UploadPlace, length: unknown): Promise<void> {
    const sizeBytes = Number(length ?? 0);
    if (Number.isSafeInteger(sizeBytes) && sizeBytes > 0)
      await library.assertQuota({ ownerId, quotaBytes, sizeBytes });
  }
  const handler = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const viewer = viewerOf(request);
    running.watch(
      reply,
      (now) => now?.personId === viewer.personId,
      () => reply.raw.destroy(),
    );
    const asked = toWebRequest(request);
    const tus = await load();
    const answer = await tus.handle(asked, placeOf.get(request) ?? nowhere(viewer));
    await noteAdded(request, answer);
    for (const [name, value] of answer.headers) {
      if (name !== 'content-length' && name !== 'content-type') reply.header(name, value);
    }
    if (answer.status >= 400) throw tus.failureOf(asked) ?? (await toAppError(answer));
    reply.header('Cache-Control', 'no-store');
    return reply.code(answer.status).send();
  };
  /** Nobody else takes up, asks for or ends an upload; to others there is none. */
  async function ownUpload(viewer: Viewer, id: string): Promise<Video> {
    try {
      return await access.video(viewer, id, 'edit');
    } catch (error) {
      if (!isAppError(error, 'not-found') && !isAppError(error, 'forbidden')) throw error;
      throw new AppError('not-found', 'There is no such upload here.');
    }
  }
  async function noteAdded(request: FastifyRequest, answer: Response): Promise<void> {
    const id = /^\/videos\/(\w+)$/.exec(answer.headers.get('kinora-video') ?? '')?.[1];
    if (id !== undefined) await noteAct(services, request, 'video-added', (await library.getVideo(id)).title);
  }
  const schema = {
    tags: ['uploads'],
    summary: 'Resumable uploads (tus 1.0)',
    response: problems(400, 403, 404, 409, 412, 413, 415, 507),
  };
  const route = {
    handler,
    schema,
    onRequest,
    config: needs('videos:add'),
    onSend: createLinger(services.clock),
  };
  app.route({ method: ['POST', 'OPTIONS'], url: path, ...route });
  app.route({ method: ['HEAD', 'PATCH', 'DELETE', 'OPTIONS'], url: `${path}/:id`, ...route });
}

/** OPTIONS makes nothing. */
function nowhere({ personId }: Viewer): UploadPlace {
  return { ownerId: personId, folderId: null, audiences: [], quotaBytes: null };
}

/** `folder` and `share` of an Upload-Metadata header (tus 1.0, "Creation"): pairs of a key and base64, by commas. */
function wantedPlace(header: string | string[] | undefined): WantedPlace {
  const pairs = String(header ?? '')
    .split(',')
    .map((pair) => pair.trim().split(' '));
  const textOf = (wanted: string) => {
    const value = pairs.find(([key]) => key === wanted)?.[1];
    return value === undefined ? undefined : Buffer.from(value, 'base64').toString('utf8');
  };
  return { folder: textOf('folder'), share: textOf('share') };
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
