// The pages over fake services, with just enough of the other routes (API, pictures, one real video where there is
// one) that a browser finds everything it asks for. For `test/web` and `npm run look`.
import { type FastifyInstance, fastify } from 'fastify';
import { household } from '../../src/accounts/permissions.ts';
import type { Marks } from '../../src/catalogue/catalogue.ts';
import { AppError, isAppError } from '../../src/errors.ts';
import { installGuard } from '../../src/http/guard.ts';
import { problemOf } from '../../src/http/problem.ts';
import { eventRoutes } from '../../src/http/routes/events.ts';
import { pageRoutes } from '../../src/http/routes/pages.ts';
import { errorPage } from '../../src/web/error-page.ts';
import { createFakeServices, type FakeOptions } from './fake-services.ts';
import { type FakeUploads, fakeUploadRoutes } from './fake-uploads.ts';
import { installFakeViewer } from './fake-viewer.ts';

export type FakeSite = {
  readonly app: FastifyInstance;
  readonly url: string;
  readonly services: ReturnType<typeof createFakeServices>;
  readonly uploads: FakeUploads;
  close(): Promise<void>;
};

export type FakeSiteOptions = FakeOptions & {
  /** Served as every video. */
  readonly movie?: { readonly bytes: Uint8Array; readonly type: string };
};

/** Listens on a free port of the loopback address. */
export async function startFakeSite(options: FakeSiteOptions = {}): Promise<FakeSite> {
  const services = createFakeServices(options);
  const app = fastify({ forceCloseConnections: true });
  installGuard(app, services.config);
  installFakeViewer(app, services.config.auth.mode === 'none' ? household : services.accounts);
  app.setErrorHandler((error, request, reply) => {
    const known = isAppError(error) ? error : new AppError('internal', 'Something went wrong here.');
    const problem = problemOf(known);
    if (!request.headers.accept?.includes('text/html')) return reply.code(problem.status).send(problem);
    return reply
      .code(problem.status)
      .type('text/html; charset=utf-8')
      .send(errorPage(problem, request.headers.cookie, request.viewer ?? null));
  });
  app.setNotFoundHandler(() => {
    throw new AppError('not-found', 'There is nothing at this address.');
  });
  await pageRoutes(app, services);
  apiRoutes(app, services);
  eventRoutes(app, services);
  pictureRoutes(app, services, options);
  const uploads = fakeUploadRoutes(app);
  await app.listen({ host: '127.0.0.1', port: 0 });
  const address = app.server.address();
  if (address === null || typeof address === 'string') throw new Error('The fake site has no port.');
  return { app, services, uploads, url: `http://127.0.0.1:${address.port}`, close: () => app.close() };
}

type ById = { Params: { id: string } };

function apiRoutes(app: FastifyInstance, services: ReturnType<typeof createFakeServices>): void {
  const { library, cameras } = services;
  app.get<ById>('/api/v1/videos/:id', (request) => library.getVideo(request.params.id));
  app.put<ById & { Body: { positionMs: number } }>('/api/v1/videos/:id/progress', async (request, reply) => {
    await library.setProgress('household', request.params.id, request.body.positionMs);
    return reply.code(204).send();
  });
  app.put<ById & { Body: Partial<Marks> }>('/api/v1/videos/:id/marks', async (request, reply) => {
    await library.setMarks(request.viewer?.personId ?? 'household', request.params.id, request.body);
    return reply.code(204).send();
  });
  app.get('/api/v1/cameras', async () => ({ items: cameras.list() }));
}

function pictureRoutes(
  app: FastifyInstance,
  services: ReturnType<typeof createFakeServices>,
  options: FakeSiteOptions,
): void {
  const jpeg = options.jpeg;
  app.get('/cameras/:id/snapshot.jpg', (_request, reply) => {
    if (!jpeg) throw new AppError('unavailable', 'No picture.');
    return reply.type('image/jpeg').send(Buffer.from(jpeg));
  });
  app.get('/cameras/:id/stream.mjpeg', (_request, reply) => {
    if (!jpeg) throw new AppError('unavailable', 'No picture.');
    reply.hijack();
    reply.raw.writeHead(200, { 'content-type': 'multipart/x-mixed-replace; boundary=b' });
    reply.raw.write(`--b\r\ncontent-type: image/jpeg\r\ncontent-length: ${jpeg.length}\r\n\r\n`);
    reply.raw.write(Buffer.from(jpeg));
    reply.raw.write('\r\n--b\r\n');
    reply.raw.on('close', () => reply.raw.end());
  });
  wallRoute(app, services, jpeg);
  for (const path of ['video.mp4', 'original']) {
    app.get(`/videos/:id/${path}`, (request, reply) => {
      const movie = options.movie;
      if (!movie) throw new AppError('unplayable', 'The fake library holds no bytes.');
      reply.headers({ 'content-type': movie.type, 'accept-ranges': 'bytes' });
      const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '');
      if (!range) return reply.send(Buffer.from(movie.bytes));
      const start = Number(range[1]);
      const end = range[2] ? Number(range[2]) + 1 : movie.bytes.length;
      reply.code(206).header('content-range', `bytes ${start}-${end - 1}/${movie.bytes.length}`);
      return reply.send(Buffer.from(movie.bytes.subarray(start, end)));
    });
  }
  app.post('/upload', (_request, reply) => reply.redirect('/videos', 303));
}

/** The wall's stream: each camera's state and, but for those that only start, one picture; then nothing more. */
function wallRoute(
  app: FastifyInstance,
  { cameras }: ReturnType<typeof createFakeServices>,
  jpeg: Uint8Array | undefined,
): void {
  app.get<{ Querystring: { show: string } }>('/cameras/wall.multipart', (request, reply) => {
    reply.hijack();
    const { raw } = reply;
    raw.writeHead(200, { 'content-type': 'multipart/mixed; boundary=b' });
    const send = (type: string, more: string, body: Uint8Array) => {
      raw.write(`--b\r\ncontent-type: ${type}\r\ncontent-length: ${body.length}\r\n${more}\r\n`);
      raw.write(Buffer.from(body));
      raw.write('\r\n');
    };
    for (const tile of request.query.show.split(',')) {
      const camera = cameras.get(tile.split(':')[0]!);
      if (!camera) continue;
      const { id, message, stateSinceMs, lastPictureAtMs } = camera;
      // What is looked at runs.
      const state = camera.state === 'off' ? 'live' : camera.state;
      if (jpeg && state !== 'starting') {
        const takenAt = ((lastPictureAtMs ?? 0) / 1000).toFixed(3);
        send('image/jpeg', `x-camera: ${id}\r\nx-sequence: 1\r\nx-timestamp: ${takenAt}\r\n`, jpeg);
      }
      send('application/json', '', Buffer.from(JSON.stringify({ id, state, message, stateSinceMs })));
    }
    raw.on('close', () => raw.end());
  });
}
