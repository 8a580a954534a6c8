// What every server of the program begins with, whatever its role: limits, errors, the headers of every answer.
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import { type FastifyBaseLogger, type FastifyServerOptions, fastify, LogController } from 'fastify';
import { createServiceSecret, secretHeader } from '../service-secret.ts';
import { installEnding } from './ending.ts';
import { installErrors } from './errors.ts';
import { installGuard } from './guard.ts';
import { defaultLimits, installLimits, type Limits, serverOptions } from './limits.ts';
import { isLoopbackAddress } from './local-request.ts';
import { installRequestTraces } from './request-traces.ts';
import { schemaController } from './schema-compilers.ts';
import type { Services } from './services.ts';
import { createProxyCheck } from './trusted-proxies.ts';

export function createBaseServer(
  services: Pick<Services, 'config' | 'clock' | 'log' | 'metrics' | 'tracing' | 'ending'>,
  limits: Limits = defaultLimits,
) {
  const { trustedProxies } = services.config.server;
  const isProxy = createProxyCheck(trustedProxies);
  const app = fastify({
    loggerInstance: services.log as FastifyBaseLogger,
    schemaController: schemaController as FastifyServerOptions['schemaController'] & object,
    logController: new LogController({ disableRequestLogging: true }),
    ...serverOptions(limits),
    // JSON and forms only: uploads are streamed and never held.
    bodyLimit: 1_000_000,
    // What clients say of where they are is believed of these alone.
    trustProxy: trustedProxies.length > 0 && isProxy,
    routerOptions: { maxParamLength: 200, ignoreTrailingSlash: true },
    forceCloseConnections: 'idle',
    // Routes are put together without waiting for anything; a machine where a dozen processes start takes its time.
    pluginTimeout: 60_000,
    // One that comes on a kept connection in the last moment is still answered.
    return503OnClosing: false,
  }).withTypeProvider<TypeBoxTypeProvider>();

  const { tracing } = services;
  if (tracing) {
    const { serviceSecret } = services.config.auth;
    const ours = serviceSecret === null ? null : createServiceSecret(serviceSecret);
    installRequestTraces(
      app,
      tracing,
      ({ raw, headers }) =>
        isProxy(raw.socket.remoteAddress) || (ours?.isRight(headers[secretHeader]) ?? false),
    );
  }
  installLimits(app, {
    ...{ limits, clock: services.clock, log: services.log },
    isTrusted: (address) => isLoopbackAddress(address) || isProxy(address),
  });
  app.addHook('onResponse', (request, reply, done) => {
    const route = request.routeOptions.url ?? 'none';
    services.metrics.answered(request.method, route, reply.statusCode, reply.elapsedTime / 1000);
    if (reply.statusCode >= 500)
      services.log.warn(
        { method: request.method, route, status: reply.statusCode },
        'answered with an error',
      );
    done();
  });
  if (services.ending) installEnding(app, services.ending);
  installErrors(app, services);
  installGuard(app, services.config);
  return app;
}
