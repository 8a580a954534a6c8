// What every request passes before its route: it calls us by a name of ours, pages of other sites may not change
// anything here, and every answer carries the headers that keep hostile content harmless.
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Config } from '../config.ts';
import { AppError } from '../errors.ts';
import { createHostCheck } from './hosts.ts';
import { bearerOf } from './identities.ts';
import { guardHeaders, httpsHeaders } from './policy.ts';

const safeMethods = new Set(['GET', 'HEAD', 'OPTIONS']);

export function installGuard(app: FastifyInstance, config: Pick<Config, 'server' | 'auth'>): void {
  const isKnownHost = createHostCheck(config.server);
  const publicOrigin = config.server.publicUrl === null ? null : new URL(config.server.publicUrl).origin;
  const isHttps = publicOrigin?.startsWith('https:') ?? false;
  const ownHeaders = Object.entries({ ...guardHeaders, ...(isHttps && httpsHeaders) });
  // Who brings a token brings it by hand: no browser adds one by itself, as it does cookies. Without accounts there are
  // no tokens, and the place in the network is what lets somebody in.
  const bringsToken = ({ headers }: FastifyRequest) =>
    config.auth.mode !== 'none' && bearerOf(headers.authorization) !== null;
  // Fastify reads this type as well; a form of another site can send it without being asked about (WHATWG Fetch §2.2.2).
  app.removeContentTypeParser('text/plain');

  app.addHook('onRequest', (request, reply, done) => {
    // On the raw response, so that hijacked answers (ranges, streams) carry them as well.
    const { raw } = reply;
    for (const [name, value] of ownHeaders) raw.setHeader(name, value);
    // Who sends none speaks HTTP/1.0, and is no browser.
    if (request.host !== '' && !isKnownHost(request.host)) done(misdirected(request.host));
    else if (
      safeMethods.has(request.method) ||
      bringsToken(request) ||
      isLink(request) ||
      isFromHere(request, publicOrigin)
    )
      done();
    else done(new AppError('forbidden', 'This request came from a page of another site.'));
  });
}

/**
 * A guest link's form: its pages tell nobody where they are (no-referrer), so browsers without Fetch Metadata send
 * `Origin: null`. The secret in its address is the proof.
 */
function isLink({ routeOptions }: FastifyRequest): boolean {
  return routeOptions.config.permission === 'link';
}

/**
 * Whether a browser sent this from a page of ours (Fetch Metadata, else Origin against Host); a page of a sibling (another
 * name of the same site, another port) is none of ours. Programs such as curl and tus clients send neither header and
 * are let through: no browser can be made to leave both out.
 */
function isFromHere({ headers, host }: FastifyRequest, publicOrigin: string | null): boolean {
  const site = headers['sec-fetch-site'];
  if (site === 'same-origin' || site === 'none') return true;
  if (site !== undefined) return false;
  const { origin } = headers;
  if (origin === undefined || origin === publicOrigin) return true;
  try {
    return new URL(origin).host === host;
  } catch {
    return false;
  }
}

function misdirected(host: string): AppError {
  const name = host.replace(/[^\w.:[\]-]/g, '').slice(0, 100);
  return new AppError(
    'misdirected',
    `Kinora does not know itself by the name “${name}”. If it is a name of yours, put it into KINORA_HOSTS.`,
  );
}
