// The door of guest links: which link a request is about, whether its visitor was let in, and the cookie that says so.
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { GuestLink } from '../../catalogue/catalogue.ts';
import { AppError } from '../../errors.ts';
import { originOf } from '../local-request.ts';
import type { Services } from '../services.ts';

/** Its path is the link's own, so that a browser sends it nowhere else (`__Host-` would ask for `/`). */
const passCookie = 'kinora.pass';
/** What browsers keep a cookie at most (RFC 6265bis §5.5), for links that end later or never. */
const maxAgeSeconds = 400 * 86_400;
/** A link's pass has 60 characters. */
const maxPassChars = 200;

export type BySecret = { Params: { secret: string } };

/** A request's link and whether its visitor was let in already. */
export type Visitor = { readonly link: GuestLink; readonly hasPass: boolean };

export type LinkEntry = {
  /** Throws `not-found` where the link leads nowhere (any more). */
  visitor(request: FastifyRequest): Promise<Visitor>;
  /** The link, for somebody who was let in. Throws `unauthorized` for others. */
  entered(request: FastifyRequest): Promise<GuestLink>;
  /** The Set-Cookie value that keeps a pass. */
  cookie(request: FastifyRequest, link: GuestLink, pass: string): string;
  /**
   * Ends a running answer as soon as the link does: ended by somebody, expired, or it leads to this no longer.
   * `mayGoOn` throws or is false where that is so.
   */
  watch(reply: FastifyReply, link: GuestLink, mayGoOn: () => Promise<unknown>, end: () => void): void;
};

export function secretOf(request: FastifyRequest): string {
  return (request.params as { secret: string }).secret;
}

export function createLinkEntry({ links, clock, config, running }: Services): LinkEntry {
  const visitor = async (request: FastifyRequest): Promise<Visitor> => {
    const link = await links.find(secretOf(request));
    if (!link) throw new AppError('not-found', 'This link has ended, or never was. Ask for a new one.');
    return { link, hasPass: await links.isPass(link, passOf(request)) };
  };
  return {
    visitor,
    async entered(request) {
      const { link, hasPass } = await visitor(request);
      if (!hasPass) throw new AppError('unauthorized', 'Open the link itself first.');
      return link;
    },
    cookie(request, link, pass) {
      const leftSeconds =
        link.expiresAtMs === null ? maxAgeSeconds : Math.ceil((link.expiresAtMs - clock.nowMs()) / 1000);
      const isSecure = originOf(request, config).startsWith('https:');
      return [
        `${passCookie}=${pass}`,
        `Path=/l/${secretOf(request)}`,
        `Max-Age=${Math.max(1, Math.min(maxAgeSeconds, leftSeconds))}`,
        ...['HttpOnly', 'SameSite=Lax', ...(isSecure ? ['Secure'] : [])],
      ].join('; ');
    },
    watch(reply, link, mayGoOn, end) {
      running.watch(reply, mayGoOn, end);
      if (link.expiresAtMs === null) return;
      const over = new AbortController();
      reply.raw.once('close', () => over.abort());
      void endAt(link.expiresAtMs, over.signal).catch((error: unknown) => {
        if (!over.signal.aborted) throw error;
      });
      async function endAt(atMs: number, signal: AbortSignal): Promise<void> {
        // A day at a time: longer ones are cut by timers, and wall time may be set.
        for (let leftMs = atMs - clock.nowMs(); leftMs > 0; leftMs = atMs - clock.nowMs())
          await clock.sleep(Math.min(leftMs, 86_400_000), signal);
        end();
      }
    },
  };
}

/** The pass a browser sent; null where there is none. */
function passOf(request: FastifyRequest): string | null {
  for (const pair of (request.headers.cookie ?? '').slice(0, 8192).split(';')) {
    const at = pair.indexOf('=');
    if (at > 0 && pair.slice(0, at).trim() === passCookie)
      return pair.slice(at + 1, at + 2 + maxPassChars).trim();
  }
  return null;
}
