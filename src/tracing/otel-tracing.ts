// Traces by OpenTelemetry's own parts, sent as OTLP/HTTP JSON in batches. This file is loaded where traces are on, and
// only then. Bound: 2,048 spans wait (OTEL_BSP_MAX_QUEUE_SIZE); more are dropped while a collector is away.
import { AsyncLocalStorage } from 'node:async_hooks';
import { hostname } from 'node:os';
import {
  type Context,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  trace,
} from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  BatchSpanProcessor,
  ParentBasedSampler,
  type Sampler,
  type SpanExporter,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import type { Logger } from 'pino';
import { isAppError } from '../errors.ts';
import { version } from '../version.ts';
import type { OtelSettings } from './otel-settings.ts';
import { formatTraceParent, parseTraceParent } from './traceparent.ts';
import type { Tracing } from './tracing.ts';

/** A collector that does not answer must not hold up the end of the program. */
const mostClosingMs = 2000;
/** `ExportResultCode.SUCCESS` of OpenTelemetry's core. */
const delivered = 0;

export function createOtelTracing(
  settings: OtelSettings,
  { log, roles }: { readonly log: Pick<Logger, 'warn' | 'info'>; readonly roles: Iterable<string> },
): Tracing {
  const { batch } = settings;
  const provider = new TracerProvider({
    resource: resourceFromAttributes({
      'host.name': hostname(),
      'process.pid': process.pid,
      'kinora.roles': [...roles].join(','),
      'service.version': version,
      ...settings.resource,
      'service.name': settings.serviceName,
    }),
    sampler: samplerOf(settings.sampler),
    spanLimits: { attributeValueLengthLimit: 500 },
    spanProcessors: [
      new BatchSpanProcessor({
        exporter: telling(new OTLPTraceExporter(), log),
        scheduledDelayMillis: batch.delayMs,
        maxQueueSize: batch.queueSize,
        maxExportBatchSize: Math.min(batch.batchSize, batch.queueSize),
        exportTimeoutMillis: 10_000,
      }),
    ],
  });
  const tracer = provider.getTracer('kinora', version);
  const running = new AsyncLocalStorage<Context>();
  let closing: Promise<void> | null = null;

  return {
    request(method, traceparent, attributes) {
      const parent = settings.propagates ? parseTraceParent(traceparent) : null;
      const from = parent ? remote(parent) : ROOT_CONTEXT;
      const span = tracer.startSpan(
        method,
        { kind: SpanKind.SERVER, attributes: { 'http.request.method': method, ...attributes } },
        from,
      );
      const here = trace.setSpan(from, span);
      return {
        run: (work) => running.run(here, work),
        end({ route, status }) {
          // HTTP semantic conventions: `{method} {http.route}`; of a server's errors only its own are errors.
          span.updateName(`${method} ${route}`);
          span.setAttributes({ 'http.route': route, 'http.response.status_code': status });
          if (status >= 500) {
            span.setAttribute('error.type', String(status));
            span.setStatus({ code: SpanStatusCode.ERROR });
          }
          span.end();
        },
      };
    },

    operation(name, kind, attributes, work) {
      const parent = running.getStore();
      if (!parent) return work();
      const span = tracer.startSpan(
        name,
        { kind: kind === 'client' ? SpanKind.CLIENT : SpanKind.INTERNAL, attributes },
        parent,
      );
      const result = running.run(trace.setSpan(parent, span), work);
      // A span that is never ended is never sent.
      if (result instanceof Promise)
        result.then(
          () => span.end(),
          (error: unknown) => fail(span, error),
        );
      return result;
    },

    inject() {
      const span = settings.propagates ? trace.getSpan(running.getStore() ?? ROOT_CONTEXT) : undefined;
      if (!span) return {};
      const { traceId, spanId, traceFlags } = span.spanContext();
      const isSampled = (traceFlags & TraceFlags.SAMPLED) !== 0;
      return { traceparent: formatTraceParent({ traceId, spanId, isSampled }) };
    },

    close() {
      closing ??= (async () => {
        const timer = new AbortController();
        const late = new Promise<void>((resolve) => {
          const handle = setTimeout(resolve, mostClosingMs);
          timer.signal.addEventListener('abort', () => clearTimeout(handle));
        });
        await Promise.race([provider.shutdown().catch(() => {}), late]);
        timer.abort();
      })();
      return closing;
    },
  };
}

function remote({ traceId, spanId, isSampled }: NonNullable<ReturnType<typeof parseTraceParent>>): Context {
  const traceFlags = isSampled ? TraceFlags.SAMPLED : TraceFlags.NONE;
  return trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags, isRemote: true });
}

/** The kind of the error, not its words: those may name things. */
function fail(span: Span, error: unknown): void {
  span.setAttribute('error.type', isAppError(error) ? error.kind : 'internal');
  span.setStatus({ code: SpanStatusCode.ERROR });
  span.end();
}

function samplerOf({ name, isParentBased, ratio }: OtelSettings['sampler']): Sampler {
  const root =
    name === 'always_off'
      ? new AlwaysOffSampler()
      : name === 'always_on'
        ? new AlwaysOnSampler()
        : new TraceIdRatioBasedSampler(ratio);
  return isParentBased ? new ParentBasedSampler({ root }) : root;
}

/** Says once that spans are not delivered, and once that they are again. */
function telling(exporter: SpanExporter, log: Pick<Logger, 'warn' | 'info'>): SpanExporter {
  let isAway = false;
  return {
    export(spans, done) {
      exporter.export(spans, (result) => {
        const isLost = result.code !== delivered;
        if (isLost && !isAway)
          log.warn({ err: result.error }, 'traces are not delivered: the collector does not take them');
        if (!isLost && isAway) log.info('traces are delivered again');
        isAway = isLost;
        done(result);
      });
    },
    shutdown: () => exporter.shutdown(),
    ...(exporter.forceFlush && { forceFlush: () => exporter.forceFlush!() }),
  };
}
