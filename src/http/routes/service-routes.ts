// What the other processes of this Kinora ask of this one, as its roles have it.
import type { CameraService } from '../../cameras/cluster/camera-service.ts';
import type { Services } from '../services.ts';
import { serviceRoutes } from './service.ts';
import { serviceCameraRoutes } from './service-cameras.ts';

/** Nothing where the processes share no secret: then there are no others. */
export async function installServiceRoutes(
  app: Parameters<typeof serviceCameraRoutes>[0],
  {
    accounts,
    config,
    clock,
    cameraService,
  }: Pick<Services, 'accounts' | 'config' | 'clock'> & { readonly cameraService: CameraService | null },
): Promise<void> {
  const secret = config.auth.serviceSecret;
  if (secret === null) return;
  if (config.roles.has('auth')) serviceRoutes(app, { accounts, config });
  if (cameraService) await serviceCameraRoutes(app, { service: cameraService, secret, clock });
}
