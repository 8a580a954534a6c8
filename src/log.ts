// The structured log: JSON lines for machines, a readable form on a terminal. Nothing secret is ever logged:
// headers that carry credentials are not part of any line, and addresses go through `withoutPassword`.
import { type Logger, pino } from 'pino';
import type { Config } from './config.ts';

/** Makes the program's log on standard output. */
export async function createLog(settings: Config['log']): Promise<Logger> {
  const options = { level: settings.level, base: null, timestamp: pino.stdTimeFunctions.isoTime };
  if (settings.format === 'json') return pino(options, pino.destination({ fd: 1, sync: true }));
  const { default: pretty } = await import('pino-pretty');
  return pino(
    options,
    pretty({
      sync: true,
      translateTime: 'SYS:HH:MM:ss',
      ignore: 'pid,hostname',
      singleLine: true,
      colorize: process.stdout.isTTY,
    }),
  );
}

/** An address without its user name and password, for logs and pages; text that is no address stays as it is. */
export function withoutPassword(address: string): string {
  return address.replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/?#]*@/i, '$1');
}
