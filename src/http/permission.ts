// What a route needs of whoever asks: declared with the route (`config: needs('videos:watch')`), checked before it by
// `identity.ts`, and walked by `test/http/permissions.test.ts`. A route without one stops the program at its start.
import type { FastifyRequest } from 'fastify';
import type { RoutePermission, Viewer } from '../accounts/permissions.ts';
import { AppError } from '../errors.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    permission?: RoutePermission;
  }
  interface FastifyRequest {
    /** null where nobody is logged in: on `public`, `link`, `key` and `service` routes only. */
    viewer: Viewer | null;
  }
}

/** The `config` of a route that needs this. */
export function needs(permission: RoutePermission): { readonly permission: RoutePermission } {
  return { permission };
}

/** Who asks, on a route that lets nobody else in. Throws `unauthorized`. */
export function viewerOf(request: FastifyRequest): Viewer {
  if (!request.viewer) throw new AppError('unauthorized', 'Please log in first.');
  return request.viewer;
}
