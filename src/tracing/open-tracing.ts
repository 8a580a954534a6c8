// Traces where the standard OTEL_* variables ask for them, else null: then nothing of OpenTelemetry is loaded.
import type { Logger } from 'pino';
import { readOtel } from './otel-settings.ts';
import type { Tracing } from './tracing.ts';

/** @param environment usually `process.env`  @param roles of this process, told with every span */
export async function openTracing(
  environment: Readonly<Record<string, string | undefined>>,
  tools: { readonly log: Pick<Logger, 'warn' | 'info'>; readonly roles: Iterable<string> },
): Promise<Tracing | null> {
  const { settings, warnings } = readOtel(environment);
  for (const warning of warnings) tools.log.warn(warning);
  if (!settings) return null;
  const { createOtelTracing } = await import('./otel-tracing.ts');
  return createOtelTracing(settings, tools);
}
