// The server of a process without the role `web`: what the other processes ask of it, and what those who run it ask.
// No pages, no videos.
import type { CameraService } from '../cameras/cluster/camera-service.ts';
import { createBaseServer } from './base-server.ts';
import { createIdentities } from './identities.ts';
import { installIdentity } from './identity.ts';
import { drain, listen, stopListening } from './listen.ts';
import { installOperations } from './routes/operations.ts';
import { installServiceRoutes } from './routes/service-routes.ts';
import type { Server } from './server.ts';
import type { Services } from './services.ts';

export type RoleServerParts = Pick<
  Services,
  'config' | 'clock' | 'log' | 'accounts' | 'metrics' | 'tracing' | 'ending'
> & {
  readonly cameraService?: CameraService | null;
  /** Those this process has, for readiness. */
  readonly stores?: Partial<Pick<Services, 'catalogue' | 'blobs'>>;
};

/** Builds it; it does not listen yet. */
export async function createRoleServer(parts: RoleServerParts): Promise<Server> {
  const { accounts, config, clock, metrics, cameraService = null, stores = {} } = parts;
  const { catalogue, blobs } = stores;
  const app = createBaseServer(parts);
  installIdentity(app, parts, createIdentities(parts));
  await app.register(async (scope) => {
    installOperations(scope, {
      ...{ metrics, ending: parts.ending },
      needed: {
        ...(catalogue && { catalogue: () => catalogue.ping() }),
        ...(blobs && { blobs: () => blobs.room() }),
        ...(config.roles.has('auth') && { accounts: () => accounts.ping() }),
      },
    });
    await installServiceRoutes(scope, { accounts, config, clock, cameraService });
  });
  await app.ready();
  let closing: Promise<void> | null = null;
  return {
    listen: () => listen(app, parts),
    close() {
      closing ??= stopListening(app, parts).then(() => drain(app, parts));
      return closing;
    },
  };
}
