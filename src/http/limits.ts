// How much time and how many connections a client gets: slow heads, slow and stalled bodies, connections in all and of
// one address, requests piled up on one connection; and what is said to bytes that are no request. Whoever only takes an
// answer slowly is not looked at here (`send.ts` and the streams bound those).
import { type ServerResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import { networkOf } from '../accounts/link-attempts.ts';
import type { Clock } from '../clock.ts';
import { AppError } from '../errors.ts';

export type Limits = {
  /** For a request's head, from its first byte or the connection's beginning. Node's own, on its own clock. */
  readonly headMs: number;
  /** How often Node looks for slow heads. */
  readonly headCheckMs: number;
  /** For a body that is read whole before anything is done with it: JSON and forms, at most 1 MB. */
  readonly smallBodyMs: number;
  /** A body that is taken as it comes (uploads) must bring so many bytes in each such time. */
  readonly idleMs: number;
  readonly idleBytes: number;
  /** Head and body of a request that was answered before its body had ended, from then on. */
  readonly afterAnswerMs: number;
  /** Open at once, and of those from one address (IPv6: one /64). This machine and trusted proxies are not counted so. */
  readonly connections: number;
  readonly connectionsOfAddress: number;
  /** Fields of one head. */
  readonly fields: number;
  /** Requests of one connection that wait for their answer. */
  readonly waiting: number;
};

export const defaultLimits: Limits = {
  ...{ headMs: 20_000, headCheckMs: 5000 },
  // A form of some kilobytes takes no second on the slowest line that shows a video.
  smallBodyMs: 30_000,
  // nginx's own time for bodies; a line that brings less than 17 bytes a second has been cut.
  ...{ idleMs: 60_000, idleBytes: 1024, afterAnswerMs: 10_000 },
  // A wall of televisions, a family behind one router: a browser opens six. Each costs some 20 KB.
  ...{ connections: 8192, connectionsOfAddress: 512 },
  // Browsers send 20, proxies add 10.
  fields: 100,
  // No browser sends a second one before it has the first answer; tools that do are content with a few.
  waiting: 16,
};

/** What Fastify and Node are told when the server is made. */
export function serverOptions({ headMs, headCheckMs }: Limits) {
  return {
    // Uploads may take hours; slow heads may not.
    requestTimeout: 0,
    keepAliveTimeout: 65_000,
    http: {
      ...{ headersTimeout: headMs, connectionsCheckingInterval: headCheckMs, maxHeaderSize: 16_384 },
      // Strict, whatever flags Node was started with: what a proxy reads otherwise than we do is refused.
      insecureHTTPParser: false,
    },
    clientErrorHandler: refuseBytes,
  };
}

/** The answers of a connection that are not sent to their end yet. */
const unanswered = new WeakMap<Socket, Set<ServerResponse>>();
/** What comes on these is not looked at: nobody can say where the next request begins. */
const refused = new WeakSet<Socket>();

export type LimitsSetup = {
  readonly limits: Limits;
  readonly clock: Clock;
  readonly log: Pick<Logger, 'warn'>;
  /** Whose connections stand for many people. */
  readonly isTrusted: (address: string) => boolean;
};

/** Must be installed before all other hooks. */
export function installLimits(app: FastifyInstance, setup: LimitsSetup): void {
  const { limits, clock } = setup;
  countConnections(app, setup);
  // None are dropped in silence (Node's own limit does that, and it could be the one a check looks for).
  app.server.maxHeadersCount = 0;

  app.addHook('onRequest', (request, reply, done) => {
    const { socket } = request.raw;
    if (refused.has(socket)) return void reply.hijack();
    const answers = unanswered.get(socket) ?? new Set();
    unanswered.set(socket, answers);
    const mine = reply.raw;
    answers.add(mine);
    mine.once('close', () => answers.delete(mine));
    const fault = headFault(request, limits.fields);
    if (fault) {
      refused.add(socket);
      mine.setHeader('Connection', 'close');
      done(fault);
    } else if (answers.size > limits.waiting) {
      refused.add(socket);
      socket.destroy();
      done(new AppError('too-many', 'Too many requests at once on one connection.'));
    } else {
      if (request.headers.upgrade !== undefined) {
        // Nothing here upgrades, so it is answered as if it had not asked (RFC 9110 §7.8). Node, though, has stopped
        // reading there: it drops what came with it, and would take a body that comes later for the next request.
        refused.add(socket);
        mine.setHeader('Connection', 'close');
      }
      done();
    }
  });

  // Between these two the body is read whole, where it is one that is.
  app.addHook('preParsing', (request, _reply, payload, done) => {
    if (hasBody(request)) watchBody(request, setup);
    done(null, payload);
  });
  app.addHook('preValidation', (request, _reply, done) => {
    bodies.get(request.raw)?.streamed();
    done();
  });
  app.addHook('onResponse', (request, _reply, done) => {
    const { raw } = request;
    if (!raw.complete && !raw.socket.destroyed) {
      const over = new AbortController();
      const stop = () => over.abort();
      for (const event of ['end', 'close'] as const) raw.once(event, stop);
      void clock.sleep(limits.afterAnswerMs, over.signal).then(
        () => raw.complete || raw.socket.destroy(),
        () => {},
      );
    }
    done();
  });
}

type Body = { streamed(): void };
const bodies = new WeakMap<object, Body>();

function hasBody({ raw, headers }: FastifyRequest): boolean {
  return (
    !raw.complete && (headers['transfer-encoding'] !== undefined || Number(headers['content-length']) > 0)
  );
}

/** First the time for the whole of it; from `streamed` on that enough comes all the time. */
function watchBody({ raw }: FastifyRequest, { limits, clock }: LimitsSetup): void {
  const over = new AbortController();
  const stop = () => {
    if (over.signal.aborted) return;
    over.abort();
    bodies.delete(raw);
    for (const event of ['end', 'close'] as const) raw.off(event, stop);
  };
  for (const event of ['end', 'close'] as const) raw.on(event, stop);
  const { socket } = raw;
  const cut = () => {
    stop();
    if (raw.complete || socket.destroyed) return;
    refuse(socket, 408);
  };
  let isStreamed = false;
  const watch = async () => {
    await clock.sleep(limits.smallBodyMs, over.signal);
    if (!isStreamed) return cut();
    for (;;) {
      const before = socket.bytesRead;
      await clock.sleep(limits.idleMs, over.signal);
      // What lies here unread waits for us, not for the client.
      if (socket.bytesRead - before < limits.idleBytes && raw.readableLength === 0) return cut();
    }
  };
  bodies.set(raw, {
    streamed() {
      isStreamed = true;
    },
  });
  void watch().catch((error: unknown) => {
    if (!over.signal.aborted) throw error;
  });
}

/** What Node lets pass and proxies may read in another way; null where nothing is wrong. */
function headFault({ raw }: FastifyRequest, maxFields: number): AppError | undefined {
  const { rawHeaders, httpVersionMajor, httpVersionMinor } = raw;
  if (rawHeaders.length > maxFields * 2) return new AppError('bad-request', 'Too many header fields.');
  let hosts = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]!;
    if (name.length === 4 && name.toLowerCase() === 'host') hosts += 1;
  }
  // RFC 9112 §3.2.
  if (hosts > 1) return new AppError('bad-request', 'A request has one Host field.');
  // RFC 9112 §3.2.2: of a whole address its host would count, and every check here looks at the field.
  const { url = '' } = raw;
  if (url[0] !== '/' && url !== '*' && hostOf(url) !== raw.headers.host)
    return new AppError('bad-request', 'The address names another host than the Host field.');
  // RFC 9112 §6.1: a server of HTTP/1.0 in between would have taken the body for the next request.
  const isOld = httpVersionMajor === 1 && httpVersionMinor === 0;
  if (isOld && raw.headers['transfer-encoding'] !== undefined)
    return new AppError('bad-request', 'HTTP/1.0 knows no Transfer-Encoding.');
  // RFC 9112 §6.1: the only coding here.
  const coding = raw.headers['transfer-encoding'];
  if (coding !== undefined && coding.toLowerCase() !== 'chunked')
    return new AppError('bad-request', 'The only transfer coding known here is chunked.');
  return undefined;
}

/** The host of `http://host/path` as it is written; null where it is no such address. */
function hostOf(url: string): string | null {
  return /^https?:\/\/([^/?#@]+)/i.exec(url)?.[1] ?? null;
}

function countConnections(app: FastifyInstance, { limits, log, isTrusted }: LimitsSetup): void {
  const { server } = app;
  const ofAddress = new Map<string, number>();
  let open = 0;
  server.maxConnections = limits.connections;
  // Nearly full: who is between two requests can come again.
  const crowded = Math.floor(limits.connections * 0.9);
  server.on('connection', (socket: Socket) => {
    open += 1;
    socket.once('close', () => {
      open -= 1;
    });
    if (open > crowded) server.closeIdleConnections();
    const { remoteAddress } = socket;
    if (remoteAddress === undefined || isTrusted(remoteAddress)) return;
    const network = networkOf(remoteAddress);
    const count = (ofAddress.get(network) ?? 0) + 1;
    if (count > limits.connectionsOfAddress) {
      socket.destroy();
      return;
    }
    if (count === limits.connectionsOfAddress)
      log.warn({ network, count }, 'no more connections for this address');
    ofAddress.set(network, count);
    socket.once('close', () => {
      const left = (ofAddress.get(network) ?? 1) - 1;
      if (left > 0) ofAddress.set(network, left);
      else ofAddress.delete(network);
    });
  });
  server.on('drop', () => log.warn({ open }, 'no more connections at all'));
}

/** Bytes that are no request, or a head that never ended: said in a line, where no answer is under way, and the end. */
function refuseBytes(this: FastifyInstance, error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed) return;
  refuse(socket, statusOf(error.code));
}

function statusOf(code: string | undefined): 400 | 408 | 431 {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return 408;
  return code === 'HPE_HEADER_OVERFLOW' ? 431 : 400;
}

/** Says why and ends the connection. Says nothing where an answer is under way: it would be taken for a part of that. */
function refuse(socket: Socket, status: 400 | 408 | 431): void {
  refused.add(socket);
  const answers = [...(unanswered.get(socket) ?? [])];
  const isFree = answers.length === 0 || (answers.length === 1 && !answers[0]!.headersSent);
  if (isFree && socket.writable) writeRefusal(socket, status);
  socket.destroy();
}

/** As a problem document (RFC 9457) of its own bytes: nothing else of the server is in order here. */
function writeRefusal(socket: Socket, status: 400 | 408 | 431): void {
  const title = STATUS_CODES[status] ?? '';
  const body = JSON.stringify({ type: 'about:blank', title, status, detail: sentences[status] });
  socket.write(
    `HTTP/1.1 ${status} ${title}\r\nContent-Type: application/problem+json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n` +
      `Cache-Control: no-store\r\nConnection: close\r\n\r\n${body}`,
  );
}

const sentences = {
  400: 'What was sent is no request that HTTP allows.',
  408: 'The request did not arrive in time.',
  431: 'The head of the request is too large.',
} as const;
