// Where the server listens and how that ends: the port, the address that people open, the drain.
import type { FastifyInstance } from 'fastify';
import { AppError } from '../errors.ts';
import type { Services } from './services.ts';

/** How many ports after 5000 are tried where the port was not set (AirPlay holds 5000 on a Mac). */
const portsToTry = 20;

/** What a machine without IPv6 says to `::`. */
const noIpv6 = ['EAFNOSUPPORT', 'EADDRNOTAVAIL', 'EINVAL'];

/** Begins to listen. Resolves to the address to open on this machine. @throws AppError `conflict` where the port is taken. */
export async function listen(
  app: FastifyInstance,
  { config, log }: Pick<Services, 'config' | 'log'>,
): Promise<string> {
  const { port, isPortFixed } = config.server;
  let { host } = config.server;
  const last = isPortFixed ? port : port + portsToTry;
  for (let candidate = port; ; candidate++) {
    try {
      await app.listen({ host, port: candidate });
      break;
    } catch (error) {
      const { code = '' } = error as NodeJS.ErrnoException;
      if (code === 'EADDRINUSE' && candidate < last) continue;
      if (host === '::' && noIpv6.includes(code)) {
        host = '0.0.0.0';
        candidate--;
        continue;
      }
      throw new AppError('conflict', listenFailure(code, host, candidate, error as Error), { cause: error });
    }
  }
  const address = app.server.address();
  const taken = typeof address === 'object' && address ? address.port : port;
  const shown = ['localhost', '0.0.0.0', '::'].includes(host)
    ? 'localhost'
    : host.includes(':')
      ? `[${host}]`
      : host;
  const url = `http://${shown}:${taken}`;
  if (taken !== port && port !== 0) log.info(`port ${port} is taken, so this takes ${taken}`);
  log.info({ url }, `Kinora is ready: open ${url}`);
  return url;
}

function listenFailure(code: string | undefined, host: string, port: number, error: Error): string {
  if (code === 'EADDRINUSE')
    return `port ${port} is taken by another program: set KINORA_PORT to a free one, or 0`;
  if (code === 'EACCES') return `port ${port} is not allowed for this user: take one above 1023`;
  return `cannot listen on ${host} port ${port}: ${error.message}`;
}

/** No new connections; running answers finish within the drain time, then are cut. */
export async function drain(
  app: FastifyInstance,
  { config, clock, log }: Pick<Services, 'config' | 'clock' | 'log'>,
): Promise<void> {
  const timer = new AbortController();
  const finished = app.close();
  const isDone = await Promise.race([
    finished.then(() => true),
    clock.sleep(config.server.drainMs, timer.signal).then(
      () => false,
      () => false,
    ),
  ]);
  timer.abort();
  if (!isDone) {
    log.warn('some answers were still running and are cut');
    app.server.closeAllConnections();
    await finished;
  }
}
