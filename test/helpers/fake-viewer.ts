// Who asks, where a test has routes without the checks of `http/identity.ts`.
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { type Accounts, sessionCookie } from '../../src/accounts/accounts.ts';
import type { Viewer } from '../../src/accounts/permissions.ts';

/** One cookie of a Cookie header. */
export function cookieIn(header: string | null, name: string): string | null {
  for (const pair of (header ?? '').split(';')) {
    const [key, ...value] = pair.trim().split('=');
    if (key === name) return value.join('=');
  }
  return null;
}

/**
 * Who asks, for a site of fakes: the session of the fake accounts, or whoever `viewer` says. What a route needs is not
 * checked here: that is `http/identity.ts`.
 */
export function installFakeViewer(app: FastifyInstance, viewer: Accounts | Viewer | null): void {
  app.decorateRequest('viewer', null);
  app.addHook('onRequest', async (request: FastifyRequest) => {
    if (viewer === null || 'personId' in viewer) request.viewer = viewer;
    else {
      const cookie = cookieIn(request.headers.cookie ?? null, sessionCookie);
      const bearer = /^Bearer (\S+)$/.exec(request.headers.authorization ?? '')?.[1] ?? null;
      request.viewer = (await viewer.identify({ cookie, bearer }))?.viewer ?? null;
    }
  });
}
