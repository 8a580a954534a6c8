// The HTTP server: one Fastify instance with every route, its limits, its errors and its end.
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyServerOptions,
  fastify,
  LogController,
} from 'fastify';
import { AppError } from '../errors.ts';
import { installErrors } from './errors.ts';
import { installGuard } from './guard.ts';
import { installOpenApi } from './openapi.ts';
import { apiDocsRoutes } from './routes/api-docs.ts';
import { cameraLiveRoutes } from './routes/camera-live.ts';
import { cameraPushRoutes } from './routes/camera-push.ts';
import { cameraStreamRoutes } from './routes/camera-streams.ts';
import { cameraWallRoutes } from './routes/camera-wall.ts';
import { camerasApiRoutes } from './routes/cameras-api.ts';
import { operationsRoutes } from './routes/operations.ts';
import { pageRoutes } from './routes/pages.ts';
import { tusRoutes } from './routes/tus.ts';
import { uploadRoutes } from './routes/uploads.ts';
import { videoBytesRoutes } from './routes/video-bytes.ts';
import { videosApiRoutes } from './routes/videos-api.ts';
import { schemaController } from './schema-compilers.ts';
import type { Services } from './services.ts';

/** How many ports after 5000 are tried where the port was not set (AirPlay holds 5000 on a Mac). */
const portsToTry = 20;

export type Server = {
  /** Begins to listen. Resolves to the address people open. @throws AppError `conflict` where the port is taken. */
  listen(): Promise<string>;
  /** No new connections; running answers finish within the drain time, then are cut. Idempotent. */
  close(): Promise<void>;
};

/** Builds the server with every route. It does not listen yet. */
export async function createServer(services: Services): Promise<Server> {
  const app = await buildFastify(services);
  let closing: Promise<void> | null = null;
  return {
    listen: () => listen(app, services),
    close() {
      closing ??= drain(app, services);
      return closing;
    },
  };
}

/** The Fastify instance alone, for tests that inject requests or listen by themselves. */
async function buildFastify(services: Services): Promise<FastifyInstance> {
  const app = fastify({
    loggerInstance: services.log as FastifyBaseLogger,
    schemaController: schemaController as FastifyServerOptions['schemaController'] & object,
    logController: new LogController({ disableRequestLogging: true }),
    // Uploads may take hours; slow heads may not.
    requestTimeout: 0,
    keepAliveTimeout: 65_000,
    http: { headersTimeout: 20_000, maxHeaderSize: 16_384 },
    // JSON and forms only: uploads are streamed and never held.
    bodyLimit: 1_000_000,
    routerOptions: { maxParamLength: 200, ignoreTrailingSlash: true },
    forceCloseConnections: 'idle',
    return503OnClosing: true,
  }).withTypeProvider<TypeBoxTypeProvider>();

  app.addHook('onResponse', (request, reply, done) => {
    const route = request.routeOptions.url ?? 'none';
    services.metrics.answered(request.method, route, reply.statusCode, reply.elapsedTime / 1000);
    if (reply.statusCode >= 500)
      services.log.warn(
        { method: request.method, route, status: reply.statusCode },
        'answered with an error',
      );
    done();
  });
  installErrors(app, services);
  installGuard(app);
  await installOpenApi(app);

  const routes = [
    operationsRoutes,
    videosApiRoutes,
    camerasApiRoutes,
    tusRoutes,
    uploadRoutes,
    videoBytesRoutes,
    cameraStreamRoutes,
    cameraLiveRoutes,
    cameraPushRoutes,
    cameraWallRoutes,
    pageRoutes,
    apiDocsRoutes,
  ];
  for (const install of routes) await app.register(async (scope) => void (await install(scope, services)));
  await app.ready();
  return app;
}

async function listen(app: FastifyInstance, { config, log }: Services): Promise<string> {
  const { host, port, isPortFixed } = config.server;
  const last = isPortFixed ? port : port + portsToTry;
  for (let candidate = port; ; candidate++) {
    try {
      await app.listen({ host, port: candidate });
      break;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EADDRINUSE' && candidate < last) continue;
      throw new AppError('conflict', listenFailure(code, host, candidate, error as Error), { cause: error });
    }
  }
  const address = app.server.address();
  const taken = typeof address === 'object' && address ? address.port : port;
  const shown = ['localhost', '0.0.0.0', '::'].includes(host)
    ? 'localhost'
    : host.includes(':')
      ? `[${host}]`
      : host;
  const url = `http://${shown}:${taken}`;
  if (taken !== port && port !== 0) log.info(`port ${port} is taken, so this takes ${taken}`);
  log.info({ url }, `Kinora is ready: open ${url}`);
  return url;
}

function listenFailure(code: string | undefined, host: string, port: number, error: Error): string {
  if (code === 'EADDRINUSE')
    return `port ${port} is taken by another program: set KINORA_PORT to a free one, or 0`;
  if (code === 'EACCES') return `port ${port} is not allowed for this user: take one above 1023`;
  return `cannot listen on ${host} port ${port}: ${error.message}`;
}

async function drain(app: FastifyInstance, { config, cameras, clock, log }: Services): Promise<void> {
  const timer = new AbortController();
  // Streams that never end by themselves: their players come back to whoever answers then.
  await cameras.close();
  const finished = app.close();
  const isDone = await Promise.race([
    finished.then(() => true),
    clock.sleep(config.server.drainMs, timer.signal).then(
      () => false,
      () => false,
    ),
  ]);
  timer.abort();
  if (!isDone) {
    log.warn('some answers were still running and are cut');
    app.server.closeAllConnections();
    await finished;
  }
}
