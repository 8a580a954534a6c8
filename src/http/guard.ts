// What every request passes before its route: pages of other sites may not change anything here, and every
// answer carries the headers that keep hostile content harmless.
import type { FastifyInstance } from 'fastify';
import { AppError } from '../errors.ts';
import { guardHeaders } from './policy.ts';

const ownHeaders = Object.entries(guardHeaders);

const safeMethods = new Set(['GET', 'HEAD', 'OPTIONS']);

export function installGuard(app: FastifyInstance): void {
  app.addHook('onRequest', (request, reply, done) => {
    // On the raw response, so that hijacked answers (ranges, streams) carry them as well.
    const { raw } = reply;
    for (const [name, value] of ownHeaders) raw.setHeader(name, value);
    if (!safeMethods.has(request.method) && !isFromHere(request.headers)) {
      done(new AppError('forbidden', 'This request came from a page of another site.'));
    } else done();
  });
}

/**
 * Whether a browser sent this from a page of ours (Fetch Metadata, else Origin against Host). Programs such as
 * curl and tus clients send neither header and are let through: no browser can be made to leave both out.
 */
function isFromHere(headers: Record<string, string | string[] | undefined>): boolean {
  const site = headers['sec-fetch-site'];
  if (site === 'same-origin' || site === 'none') return true;
  if (site !== undefined) return false;
  const { origin, host } = headers;
  if (origin === undefined) return true;
  try {
    return typeof origin === 'string' && new URL(origin).host === host;
  } catch {
    return false;
  }
}
