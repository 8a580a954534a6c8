// Every request as a span, where traces are on: method, route and status. Addresses, queries and people are not told.
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { RequestSpan, Tracing } from '../tracing/tracing.ts';

/** Asked every few seconds by machines: traces of them would bury the others. */
const untold = /^\/(livez|readyz|metrics)\b/;
/** Between processes of ours; told as part of what they are asked for, and not where a process asks by itself. */
const betweenProcesses = /^\/service\//;

const spans = new WeakMap<FastifyRequest, RequestSpan>();

/** `isBelieved`: who may say that a trace began before: a trusted proxy, a process of ours. */
export function installRequestTraces(
  app: FastifyInstance,
  tracing: Tracing,
  isBelieved: (request: FastifyRequest) => boolean,
): void {
  app.addHook('onRequest', (request, _reply, done) => {
    const { traceparent } = request.headers;
    const parent = typeof traceparent === 'string' && isBelieved(request) ? traceparent : null;
    if (untold.test(request.url) || (parent === null && betweenProcesses.test(request.url))) return done();
    const span = tracing.request(request.method, parent, {
      'url.scheme': request.protocol,
      'network.protocol.version': request.raw.httpVersion,
    });
    spans.set(request, span);
    span.run(done);
  });
  // The body came from the socket's events, which know of no request: what follows belongs to it again.
  app.addHook('preValidation', (request, _reply, done) => {
    const span = spans.get(request);
    if (span) span.run(done);
    else done();
  });
  app.addHook('onResponse', (request, reply, done) => {
    spans.get(request)?.end({ route: request.routeOptions.url ?? 'none', status: reply.statusCode });
    done();
  });
}
