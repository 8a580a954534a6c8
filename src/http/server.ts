// The HTTP server: one Fastify instance with every route, its limits, its errors and its end.
import type { FastifyInstance } from 'fastify';
import { createAccel } from './accel.ts';
import { createBaseServer } from './base-server.ts';
import { installExpectContinue } from './expect-continue.ts';
import { createIdentities, type Identities } from './identities.ts';
import { type DeclaredRoute, installIdentity } from './identity.ts';
import { defaultLimits, type Limits } from './limits.ts';
import { drain, listen, stopListening } from './listen.ts';
import { installOpenApi } from './openapi.ts';
import { apiDocsRoutes } from './routes/api-docs.ts';
import { auditApiRoutes } from './routes/audit-api.ts';
import { authApiRoutes } from './routes/auth-api.ts';
import { cameraLiveRoutes } from './routes/camera-live.ts';
import { cameraPushRoutes } from './routes/camera-push.ts';
import { cameraStreamRoutes } from './routes/camera-streams.ts';
import { cameraWallRoutes } from './routes/camera-wall.ts';
import { camerasApiRoutes } from './routes/cameras-api.ts';
import { eventRoutes } from './routes/events.ts';
import { foldersApiRoutes } from './routes/folders-api.ts';
import { linksApiRoutes } from './routes/links-api.ts';
import { meApiRoutes } from './routes/me-api.ts';
import { operationsRoutes } from './routes/operations.ts';
import { pageRoutes } from './routes/pages.ts';
import { peopleApiRoutes } from './routes/people-api.ts';
import { installServiceRoutes } from './routes/service-routes.ts';
import { sharesApiRoutes } from './routes/shares-api.ts';
import { tokensApiRoutes } from './routes/tokens-api.ts';
import { tusRoutes } from './routes/tus.ts';
import { uploadRoutes } from './routes/uploads.ts';
import { videoBytesRoutes } from './routes/video-bytes.ts';
import { videoMarksApiRoutes } from './routes/video-marks-api.ts';
import { videosApiRoutes } from './routes/videos-api.ts';
import { createRunning } from './running.ts';
import type { Services } from './services.ts';

export type Server = {
  /** Begins to listen. Resolves to the address people open. @throws AppError `conflict` where the port is taken. */
  listen(): Promise<string>;
  /** No new connections; running answers finish within the drain time, then are cut. Idempotent. */
  close(): Promise<void>;
};

/** Builds the server with every route. It does not listen yet. `routes` are told for the test that walks them. */
export async function createServer(
  parts: Omit<Services, 'running' | 'accel'>,
  limits: Limits = defaultLimits,
): Promise<Server & { readonly routes: readonly DeclaredRoute[] }> {
  const { config, accounts, access, clock, log } = parts;
  const identities = createIdentities({ config, accounts, clock });
  const running = createRunning({
    ...{ clock, log, identify: async (request) => identities.find(request, true) },
    revision: () => `${accounts.revision()} ${access.revision()}`,
  });
  const services: Services = { ...parts, running, accel: createAccel(parts.config) };
  const { app, routes } = await buildFastify(services, identities, limits);
  let closing: Promise<void> | null = null;
  return {
    routes,
    listen: () => listen(app, services),
    close() {
      closing ??= (async () => {
        await stopListening(app, services);
        // Streams that never end by themselves go first: their players come back to whoever answers then.
        await services.cameras.close();
        running.close();
        await drain(app, services);
      })();
      return closing;
    },
  };
}

/** The Fastify instance alone, for tests that inject requests or listen by themselves. */
async function buildFastify(
  services: Services,
  identities: Identities,
  limits: Limits,
): Promise<{ readonly app: FastifyInstance; readonly routes: readonly DeclaredRoute[] }> {
  const app = createBaseServer(services, limits);
  const routes = installIdentity(app, services, identities);
  installExpectContinue(app);
  await installOpenApi(app);

  const parts = [
    operationsRoutes,
    videosApiRoutes,
    eventRoutes,
    videoMarksApiRoutes,
    foldersApiRoutes,
    sharesApiRoutes,
    camerasApiRoutes,
    linksApiRoutes,
    authApiRoutes,
    meApiRoutes,
    tokensApiRoutes,
    peopleApiRoutes,
    auditApiRoutes,
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
  await app.register(async (scope) => {
    const { cameraService = null } = services;
    // Beside a database alone: a process of its own tells others nothing.
    if (services.config.cluster.mongoUrl !== null)
      await installServiceRoutes(scope, { ...services, cameraService });
  });
  for (const install of parts) await app.register(async (scope) => void (await install(scope, services)));
  await app.ready();
  return { app, routes };
}
