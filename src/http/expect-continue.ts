// `Expect: 100-continue` (RFC 9110 §10.1.1): who asks before sending a body is told to go on only once whoever it is may
// send it, so that a refusal costs no byte of it. Routes with a limit of their own check it in their `onRequest`.
import type { IncomingMessage } from 'node:http';
import type { FastifyInstance } from 'fastify';

const waiting = new WeakSet<IncomingMessage>();

/** Must be installed after all hooks that may refuse a request. */
export function installExpectContinue(app: FastifyInstance): void {
  app.server.on('checkContinue', (request, response) => {
    waiting.add(request);
    app.routing(request, response);
  });
  app.addHook('preParsing', (request, reply, payload, done) => {
    if (request.headers.expect !== undefined && waiting.delete(request.raw)) reply.raw.writeContinue();
    done(null, payload);
  });
}

/** Whether the client still waits for the word to send the body. */
export function isWaitingToSend(request: IncomingMessage): boolean {
  return waiting.has(request);
}
