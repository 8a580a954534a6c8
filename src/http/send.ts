// Answers a GET or HEAD with a representation: `response-plan.ts` decides, `body-transfer.ts` moves the bytes, and
// this ties both to the request, its end and its failures.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Logger } from 'pino';
import { type Clock, systemClock } from '../clock.ts';
import { createId } from '../ids.ts';
import type { Accel } from './accel.ts';
import { BodyTransfer } from './body-transfer.ts';
import type { Representation } from './representation.ts';
import { type PlanFacts, planResponse } from './response-plan.ts';
import { createSendPool, type SendPool } from './send-pool.ts';

export type SendOptions = {
  /** Most bytes in one partial answer; Infinity for no cap. */
  readonly maxPartialBytes: number;
  /** Ends the answer where it is, by breaking the connection. */
  readonly signal?: AbortSignal | undefined;
  readonly log?: Pick<Logger, 'warn'> | undefined;
  readonly clock?: Clock;
  /** Shared by all answers; left out, the one of the server that took the connection. */
  readonly pool?: SendPool;
  /** Where a web server in front sends the bytes of stored files. */
  readonly accel?: Accel | null;
};

export type SendResult = {
  /** Bytes of the body handed to the system, or to the web server in front. */
  readonly bytesSent: number;
  /** False when the client went away, was cut off, or the bytes could not be read. */
  readonly completed: boolean;
};

/** A pool belongs to a listening server, and goes with it. */
const pools = new WeakMap<object, SendPool>();

/**
 * Answers with status 200, 206, 304, 412 or 416 as RFC 9110 says, and sends the body. Takes the raw request and
 * response (in Fastify after `reply.hijack()`); headers set on the response before stay, but for those it sets. The
 * representation's readers are read until this resolves, and left open. It never throws for a client that left;
 * bytes that cannot be read break the connection, so that no short body looks whole, and are logged.
 */
export async function sendRepresentation(
  request: IncomingMessage,
  response: ServerResponse,
  representation: Representation,
  options: SendOptions,
): Promise<SendResult> {
  const clock = options.clock ?? systemClock;
  const facts: PlanFacts = {
    contentType: representation.contentType,
    sizeBytes: representation.sizeBytes,
    etag: representation.etag,
    lastModifiedMs: representation.lastModifiedMs,
    cacheControl: representation.cacheControl,
    contentDisposition: representation.contentDisposition,
    nowMs: clock.nowMs(),
    maxPartialBytes: options.maxPartialBytes,
    createBoundary: () => createId() + createId(),
  };
  const method = request.method ?? 'GET';
  let plan = planResponse(method, request.headers, facts);
  if (response.destroyed) return { bytesSent: 0, completed: false };
  const { accel } = options;
  if (accel) {
    const ownBytes = accel.ownBytes(request, plan, representation);
    if (ownBytes !== null) {
      const maxPartialBytes = Math.min(ownBytes, options.maxPartialBytes);
      plan = planResponse(method, request.headers, { ...facts, maxPartialBytes });
    }
    const handedOver = accel.handOver(request, plan, representation);
    if (handedOver) {
      response.writeHead(plan.status, handedOver.headers);
      response.end();
      return { bytesSent: handedOver.sizeBytes, completed: true };
    }
  }
  response.writeHead(plan.status, plan.headers);
  const transfer = new BodyTransfer(response, options.pool ?? poolOf(request, clock));
  const onAbort = () => response.destroy();
  if (options.signal?.aborted) onAbort();
  else options.signal?.addEventListener('abort', onAbort, { once: true });
  try {
    await transfer.run(representation.pieces, plan.slices);
  } catch (error) {
    options.log?.warn({ err: error }, 'stored bytes could not be read, so the answer was broken off');
    response.destroy();
  } finally {
    options.signal?.removeEventListener('abort', onAbort);
  }
  return { bytesSent: transfer.bytesSent, completed: transfer.isCompleted };
}

function poolOf(request: IncomingMessage, clock: Clock): SendPool {
  const server = (request.socket as { server?: object }).server ?? request.socket;
  let pool = pools.get(server);
  if (!pool) {
    pool = createSendPool({ clock });
    pools.set(server, pool);
  }
  return pool;
}
