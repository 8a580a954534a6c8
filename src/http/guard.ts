// What every request passes before its route: pages of other sites may not change anything here, and every
// answer carries the headers that keep hostile content harmless.
import type { FastifyInstance } from 'fastify';
import { AppError } from '../errors.ts';
import type { Services } from './services.ts';

const safeMethods = new Set(['GET', 'HEAD', 'OPTIONS']);

/** Pages load nothing from elsewhere and run nothing that is written into them. Routes may set a stricter one. */
export const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data: blob:",
  "media-src 'self' blob:",
  "connect-src 'self'",
  "font-src 'self'",
  "manifest-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'self'",
].join('; ');

export function installGuard(app: FastifyInstance, _services: Services): void {
  app.addHook('onRequest', (request, reply, done) => {
    // On the raw response, so that hijacked answers (ranges, streams) carry them as well.
    const { raw } = reply;
    raw.setHeader('Content-Security-Policy', contentSecurityPolicy);
    raw.setHeader('X-Content-Type-Options', 'nosniff');
    raw.setHeader('Referrer-Policy', 'same-origin');
    raw.setHeader('Cross-Origin-Resource-Policy', 'same-origin');
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
