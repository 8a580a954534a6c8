// What a route needs of whoever asks: declared with the route (`config: needs('videos:watch')`), checked before it by
// `identity.ts`, and walked by `test/http/permissions.test.ts`. A route without one stops the program at its start.
import type { FastifyRequest } from 'fastify';
import { mayMakeOwners, type Role, type RoutePermission, type Viewer } from '../accounts/permissions.ts';
import { AppError } from '../errors.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    permission?: RoutePermission;
    /** See `IdentifyOptions`. */
    mayBeOld?: boolean;
    /** See `atDoor`. */
    isDoor?: boolean;
  }
  interface FastifyRequest {
    /** null where nobody is logged in: on `public`, `link`, `key` and `service` routes only. */
    viewer: Viewer | null;
    /** When the session or token that tells so ends, milliseconds since the epoch; Infinity where it does not. */
    viewerEndsAtMs: number;
  }
}

/** The `config` of a route that needs this. */
export function needs(permission: RoutePermission): { readonly permission: RoutePermission } {
  return { permission };
}

/**
 * A way in by what people know or have, open to anybody; refused where a proxy says who people are (KINORA_AUTH=header): what is
 * made or set here would be whoever the proxy names so later.
 */
export function atDoor() {
  return { permission: 'public', isDoor: true } as const;
}

/** As `needs`, for bytes that follow what plays already: it goes on for a while where nobody can be asked who it is. */
export function needsForBytes(permission: RoutePermission) {
  return { permission, mayBeOld: true } as const;
}

/** Throws `forbidden` for a token. `role`: what somebody is to become; left out where it is a way into an account. */
export function assertMayMake(viewer: Viewer, role?: Role): void {
  if ((role === undefined || role === 'owner') && !mayMakeOwners(viewer))
    throw new AppError(
      'forbidden',
      'A token makes no owners and resets no passwords: this takes an owner who is logged in.',
    );
}

/** Who asks, on a route that lets nobody else in. Throws `unauthorized`. */
export function viewerOf(request: FastifyRequest): Viewer {
  if (!request.viewer) throw new AppError('unauthorized', 'Please log in first.');
  return request.viewer;
}
