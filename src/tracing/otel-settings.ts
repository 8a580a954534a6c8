// The standard OTEL_* variables, as far as they mean something here (OpenTelemetry's "Environment Variable
// Specification"). Those of the exporter itself (endpoint, headers, time limit, compression) are read by it.

export type SamplerName = 'always_on' | 'always_off' | 'traceidratio';

export type OtelSettings = {
  readonly serviceName: string;
  /** Beside the service's name: OTEL_RESOURCE_ATTRIBUTES. */
  readonly resource: Readonly<Record<string, string>>;
  readonly sampler: {
    readonly name: SamplerName;
    /** A parent that was taken is gone on with, one that was not is not. */
    readonly isParentBased: boolean;
    /** Of `traceidratio`: 0 to 1. */
    readonly ratio: number;
  };
  /** Whether traces are taken over from others and passed on. */
  readonly propagates: boolean;
  readonly batch: { readonly delayMs: number; readonly queueSize: number; readonly batchSize: number };
};

type Environment = Readonly<Record<string, string | undefined>>;

const samplers: Readonly<Record<string, readonly [SamplerName, boolean]>> = {
  always_on: ['always_on', false],
  always_off: ['always_off', false],
  traceidratio: ['traceidratio', false],
  parentbased_always_on: ['always_on', true],
  parentbased_always_off: ['always_off', true],
  parentbased_traceidratio: ['traceidratio', true],
};

/** What would not reach anybody if it were ignored without a word. */
const endpoints = ['OTEL_EXPORTER_OTLP_ENDPOINT', 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'];

/**
 * `settings` is null where traces are off: no endpoint and no exporter named, or OTEL_SDK_DISABLED. `warnings` are
 * sentences on values that are not known here; the default holds then.
 */
export function readOtel(environment: Environment): {
  readonly settings: OtelSettings | null;
  readonly warnings: readonly string[];
} {
  const warnings: string[] = [];
  const get = (name: string) => environment[name]?.trim() || undefined;
  const warn = (name: string, what: string) => {
    // The values hold no secrets (headers do, and are not read here), but may be long.
    warnings.push(`${name} is "${get(name)?.slice(0, 60)}", which is not known here: ${what}`);
  };
  if (get('OTEL_SDK_DISABLED')?.toLowerCase() === 'true') return { settings: null, warnings };
  const exporter = get('OTEL_TRACES_EXPORTER');
  if (exporter === 'none' || !(exporter || endpoints.some(get))) return { settings: null, warnings };
  if (exporter !== undefined && exporter !== 'otlp') {
    warn('OTEL_TRACES_EXPORTER', 'otlp and none are, so there are no traces');
    return { settings: null, warnings };
  }
  for (const name of ['OTEL_EXPORTER_OTLP_TRACES_PROTOCOL', 'OTEL_EXPORTER_OTLP_PROTOCOL'])
    if (get(name) && get(name) !== 'http/json') warn(name, 'traces go by http/json');
  for (const name of endpoints) {
    const value = get(name);
    if (value === undefined) continue;
    if (!/^https?:\/\//i.test(value) || !URL.canParse(value)) {
      warn(name, 'an address such as http://collector:4318 is needed, so there are no traces');
      return { settings: null, warnings };
    }
  }

  const number = (name: string, byDefault: number, least: number, most: number) => {
    const text = get(name);
    if (text === undefined) return byDefault;
    const value = Number(text);
    if (/^\d{1,9}(\.\d{1,9})?$/.test(text) && value >= least && value <= most) return value;
    warn(name, `a number from ${least} to ${most} is, so it is ${byDefault}`);
    return byDefault;
  };
  const samplerText = get('OTEL_TRACES_SAMPLER') ?? 'parentbased_always_on';
  const known = Object.hasOwn(samplers, samplerText) ? samplers[samplerText] : undefined;
  if (!known) warn('OTEL_TRACES_SAMPLER', 'parentbased_always_on holds');
  const [name, isParentBased] = known ?? (['always_on', true] as const);
  const ratio = name === 'traceidratio' ? number('OTEL_TRACES_SAMPLER_ARG', 1, 0, 1) : 1;

  const propagators = (get('OTEL_PROPAGATORS') ?? 'tracecontext,baggage').split(',').map((one) => one.trim());
  // There is no baggage here to pass on.
  if (propagators.some((one) => !['tracecontext', 'baggage', 'none'].includes(one)))
    warn('OTEL_PROPAGATORS', 'tracecontext, baggage and none are');

  const resource = readResource(get('OTEL_RESOURCE_ATTRIBUTES'));
  if (!resource)
    warn('OTEL_RESOURCE_ATTRIBUTES', 'key=value pairs with commas between are, so it is left out');
  return {
    settings: {
      serviceName: get('OTEL_SERVICE_NAME') ?? resource?.['service.name'] ?? 'kinora',
      resource: resource ?? {},
      sampler: { name, isParentBased, ratio },
      propagates: propagators.includes('tracecontext'),
      batch: {
        delayMs: number('OTEL_BSP_SCHEDULE_DELAY', 5000, 1, 600_000),
        queueSize: number('OTEL_BSP_MAX_QUEUE_SIZE', 2048, 1, 100_000),
        batchSize: number('OTEL_BSP_MAX_EXPORT_BATCH_SIZE', 512, 1, 100_000),
      },
    },
    warnings,
  };
}

/** `key=value,key=value`, the values percent-encoded (W3C Baggage); null where it is none of that. */
function readResource(text: string | undefined): Record<string, string> | null {
  const found: Record<string, string> = {};
  for (const pair of text?.split(',') ?? []) {
    const [, key, value] = /^\s*([^=\s]{1,255})\s*=\s*([^\s]{0,1000})\s*$/.exec(pair) ?? [];
    if (key === undefined || value === undefined) return null;
    try {
      found[key] = decodeURIComponent(value);
    } catch {
      return null;
    }
  }
  return found;
}
