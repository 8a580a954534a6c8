// A camera that a request names, for whoever may see it.
import type { FastifyRequest } from 'fastify';
import type { CameraInfo } from '../cameras/cameras.ts';
import { AppError } from '../errors.ts';
import { viewerOf } from './permission.ts';
import type { Services } from './services.ts';

/** Throws `not-found` where there is none, and in the same words where it may not be seen. */
export async function seenCamera(
  { access, cameras }: Pick<Services, 'access' | 'cameras'>,
  request: FastifyRequest,
  id: string,
): Promise<CameraInfo> {
  await access.camera(viewerOf(request), id);
  const camera = cameras.get(id);
  if (!camera) throw new AppError('not-found', `There is no camera “${id}”.`);
  return camera;
}
