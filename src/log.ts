// The structured log: JSON lines for machines, a readable form on a terminal. Nothing secret is ever logged:
// headers that carry credentials are not part of any line, and what cameras say goes through `cameras/secrets.ts`.
import { type Logger, pino } from 'pino';
import type { Config } from './config.ts';

/** `@fastify/multipart` logs a form's head at `trace`, with its cookies. */
const serializers = { busboyOptions: () => undefined };

/** Makes the program's log on standard output. */
export async function createLog(settings: Config['log']): Promise<Logger> {
  const options = {
    ...{ level: settings.level, base: null, timestamp: pino.stdTimeFunctions.isoTime },
    serializers,
  };
  if (settings.format === 'json') return pino(options, pino.destination({ fd: 1, sync: true }));
  const { default: pretty } = await import('pino-pretty');
  return pino(
    options,
    pretty({
      sync: true,
      translateTime: 'SYS:HH:MM:ss',
      // What the line's sentence says already.
      ignore: 'pid,hostname,url,setupCode',
      singleLine: true,
      colorize: process.stdout.isTTY,
    }),
  );
}
