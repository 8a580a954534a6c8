// Who asks, and whether they may: after the guard and before each route. A route that does not say what it needs stops
// the program at its start.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Identity } from '../accounts/accounts.ts';
import {
  isPermission,
  type Permission,
  permits,
  type RoutePermission,
  type Viewer,
} from '../accounts/permissions.ts';
import { AppError, isAppError } from '../errors.ts';
import { wantsPage } from './errors.ts';
import type { Identities } from './identities.ts';
import { askerOf } from './local-request.ts';
import { logInPath } from './next-path.ts';
import type { Services } from './services.ts';

export type DeclaredRoute = {
  readonly method: string;
  readonly url: string;
  readonly permission: RoutePermission;
};

/** Must be installed before all routes, those of plugins too. The list grows with each of them. */
export function installIdentity(
  app: FastifyInstance,
  { accounts, config, log }: Pick<Services, 'accounts' | 'config' | 'log'>,
  identities: Identities,
): readonly DeclaredRoute[] {
  const routes: DeclaredRoute[] = [];
  app.decorateRequest('viewer', null);
  app.decorateRequest('viewerEndsAtMs', Number.POSITIVE_INFINITY);
  app.addHook('onRoute', ({ method, url, config: declared }) => {
    const permission = declared?.permission;
    if (!permission) throw new Error(`the route ${method} ${url} does not say what it needs`);
    for (const each of [method].flat()) routes.push({ method: each, url, permission });
  });

  app.addHook('onRequest', (request, reply, done) => {
    const { permission: needed, mayBeOld, isDoor } = request.routeOptions.config;
    if (isDoor && config.auth.mode === 'header') {
      done(new AppError('forbidden', 'People come in by the log-in in front of this Kinora.'));
      return;
    }
    if (needed === 'service') {
      done();
      return;
    }
    // Where nothing is, the page that says so has the bar of who asks.
    const door = needed !== undefined && isPermission(needed) ? needed : null;
    if (door !== null) {
      // For every answer without a word on it; a route may say more.
      reply.raw.setHeader('Cache-Control', 'private, no-cache');
      reply.raw.setHeader('Vary', 'Cookie');
    }
    const go = (identity: Identity | null): void => {
      if (identity) {
        request.viewer = identity.viewer;
        request.viewerEndsAtMs = identity.expiresAtMs;
      }
      if (door === null) done();
      else if (!identity) void turnAway(request, reply).catch(done);
      else if (!permits(identity.viewer, door)) done(notAllowed(identity.viewer, door));
      else if (identity.isRenewable && request.method === 'GET' && wantsPage(request))
        void renew(request, reply).then(() => done(), done);
      else done();
    };
    const fail = (error: Error): void => {
      // What is open to anybody stays so while nobody can be told from anybody.
      if (door === null && isAppError(error)) go(null);
      else done(error);
    };
    try {
      const found = identities.find(request, mayBeOld);
      // Hot path: nothing is awaited where it is known.
      if (found instanceof Promise) found.then(go, fail);
      else go(found);
    } catch (error) {
      fail(error as Error);
    }
  });
  return routes;

  /** Nobody is logged in: a person is shown the way, a program is told. */
  async function turnAway(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const isRead = request.method === 'GET' || request.method === 'HEAD';
    if (config.auth.mode === 'header')
      throw new AppError('unauthorized', 'The log-in in front of this Kinora did not say who you are.');
    if (!isRead || !wantsPage(request) || request.headers.authorization !== undefined)
      throw new AppError('unauthorized', 'Please log in first.');
    const { hasOwner } = await accounts.doors();
    reply.header('Cache-Control', 'no-store').header('Vary', 'Accept, Cookie');
    reply.redirect(hasOwner ? logInPath(request.url) : '/sign-up', 303);
  }

  /** Prolongs the session with the page; one that cannot be prolonged now is next time. */
  async function renew(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    identities.forget(request);
    try {
      for (const cookie of await accounts.renew(askerOf(request, config))) reply.header('Set-Cookie', cookie);
    } catch (error) {
      if (!isAppError(error)) throw error;
      log.warn({ err: error }, 'a session could not be prolonged');
    }
  }
}

function notAllowed(viewer: Viewer, needed: Permission): AppError {
  return new AppError('forbidden', whyNot(viewer, needed));
}

function whyNot(viewer: Viewer, needed: Permission): string {
  if (!permits({ ...viewer, scopes: null }, needed))
    return 'Your account may not do this. The owner of this Kinora can change that.';
  if (needed === 'self') return 'This takes a person who is logged in; a token is not enough.';
  return `This token does not have “${needed}”.`;
}
