// Where a request comes from: the client's address, the address it sees us by, and whether it is this very machine.
import { isIP } from 'node:net';
import type { FastifyRequest } from 'fastify';
import type { Asker } from '../accounts/accounts.ts';
import type { Config } from '../config.ts';
import { hostNameOf } from './hosts.ts';

/** Any of these: there was something in between. */
const forwardingHeaders = [
  ...['forwarded', 'via', 'x-real-ip', 'x-forwarded', 'x-client-ip', 'true-client-ip', 'cf-connecting-ip'],
  ...['x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto', 'x-forwarded-port', 'x-forwarded-server'],
];

/** Longest User-Agent that is kept. */
const maxUserAgent = 400;

/** For the calls to `Accounts`. The client's address is a proxy's word only where that proxy is trusted (`server.ts`). */
export function askerOf(request: FastifyRequest, config: Config): Asker {
  const { headers, ip, raw } = request;
  return {
    address: plainAddress(isIP(ip) === 0 ? (raw.socket.remoteAddress ?? '') : ip),
    userAgent: headers['user-agent']?.slice(0, maxUserAgent) ?? null,
    origin: originOf(request, config),
    cookieHeader: headers.cookie ?? null,
    isThisMachine: isThisMachine(request, config),
  };
}

/** An IPv4 client of a listener on `::` (RFC 4291 §2.5.5.2) is the same as of one on `0.0.0.0`. */
function plainAddress(address: string): string {
  return /^::ffff:(\d{1,3}(?:\.\d{1,3}){3})$/i.exec(address)?.[1] ?? address;
}

/** The address that people see, without a path: KINORA_URL where it is set, else as the request says. */
export function originOf(request: FastifyRequest, { server }: Config): string {
  if (server.publicUrl !== null) return new URL(server.publicUrl).origin;
  const scheme = request.protocol === 'https' ? 'https' : 'http';
  return `${scheme}://${request.host || 'localhost'}`;
}

/**
 * Whether somebody sits at this very machine: a loopback connection by a loopback name, from no page of elsewhere and
 * through nothing in between. Where KINORA_URL is set a proxy stands in front, and nobody is.
 */
export function isThisMachine({ headers, raw }: FastifyRequest, { server }: Config): boolean {
  return (
    server.publicUrl === null &&
    isLoopbackAddress(raw.socket.remoteAddress ?? '') &&
    isLoopbackHost(headers.host) &&
    (headers.origin === undefined || isLoopbackOrigin(headers.origin)) &&
    !forwardingHeaders.some((name) => headers[name] !== undefined)
  );
}

/** Whether a connection is from this machine. */
export function isLoopbackAddress(address: string): boolean {
  return address === '::1' || /^(::ffff:)?127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/i.test(address);
}

function isLoopbackHost(header: string | undefined): boolean {
  const host = hostNameOf(header ?? '');
  return host !== null && (host === 'localhost' || isLoopbackAddress(host));
}

function isLoopbackOrigin(origin: string): boolean {
  const [, host] = /^https?:\/\/([^/?#@\s]{1,300})$/i.exec(origin) ?? [];
  return isLoopbackHost(host);
}
