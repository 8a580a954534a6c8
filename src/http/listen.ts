// Where the server listens and how that ends: the port or the sockets it was handed, the address that people open, the
// drain.
import { once } from 'node:events';
import { createServer, Server } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import type { FastifyInstance, FastifyListenOptions } from 'fastify';
import { AppError } from '../errors.ts';
import { takeSockets } from '../systemd.ts';
import type { Services } from './services.ts';

/** How many ports after 5000 are tried where the port was not set (AirPlay holds 5000 on a Mac). */
const portsToTry = 20;

/** What a machine without IPv6 says to `::`. */
const noIpv6 = ['EAFNOSUPPORT', 'EADDRNOTAVAIL', 'EINVAL'];

/** How long a connection that was made before the end may take to bring its request. */
const lastRequestsMs = 1000;

/** Beside a server's own: of further sockets that were handed over. */
const moreListeners = new WeakMap<FastifyInstance, readonly Server[]>();

/** Begins to listen. Resolves to the address to open on this machine. @throws AppError `conflict` where the port is taken. */
export async function listen(
  app: FastifyInstance,
  { config, log }: Pick<Services, 'config' | 'log'>,
): Promise<string> {
  const sockets = takeSockets();
  if (sockets.length > 0) return listenOnSockets(app, sockets, { config, log });
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

/** Listens on sockets that systemd opened (socket activation); where and as whom is said in kinora.socket. */
async function listenOnSockets(
  app: FastifyInstance,
  [first, ...more]: readonly number[],
  { config, log }: Pick<Services, 'config' | 'log'>,
): Promise<string> {
  try {
    // Fastify passes on what Node's `listen` takes; its types do not know of descriptors.
    const options: FastifyListenOptions & { fd?: number } = {
      host: '::',
      ...(first !== undefined && { fd: first }),
    };
    await app.listen(options);
    for (const fd of more) {
      // One server has one listener; connections of the others are handed to it.
      const listener = createServer((socket) => void app.server.emit('connection', socket));
      listener.listen({ fd });
      await once(listener, 'listening');
      moreListeners.set(app, [...(moreListeners.get(app) ?? []), listener]);
    }
  } catch (error) {
    const what = `cannot listen on the sockets that systemd handed over: ${(error as Error).message}`;
    throw new AppError('conflict', what, { cause: error });
  }
  const address = app.server.address();
  const url =
    typeof address === 'object' && address
      ? `http://localhost:${address.port}`
      : (config.server.publicUrl ?? 'http://localhost');
  log.info({ url, sockets: more.length + 1 }, `Kinora is ready: open ${url}`);
  return url;
}

function listenFailure(code: string | undefined, host: string, port: number, error: Error): string {
  if (code === 'EADDRINUSE')
    return `port ${port} is taken by another program: set KINORA_PORT to a free one, or 0`;
  if (code === 'EACCES') return `port ${port} is not allowed for this user: take one above 1023`;
  return `cannot listen on ${host} port ${port}: ${error.message}`;
}

/**
 * Takes no new connections. Those that were made before may still bring a request, which is their last (`Ending`): were
 * they cut at once, one that is on its way would be lost, and a balancer repeats no POST. Resolves when none is left, or
 * after `lastRequestsMs`.
 */
export async function stopListening(
  app: FastifyInstance,
  { config, clock }: Pick<Services, 'config' | 'clock'>,
): Promise<void> {
  const { drainWaitMs } = config.server;
  // Nobody routes requests here who would have to be told.
  if (drainWaitMs === 0) return;
  // Just after connections were taken from the kernel's queue: those in it when it is closed are refused unheard.
  await setImmediate();
  const listeners = [app.server, ...(moreListeners.get(app) ?? [])];
  const timer = new AbortController();
  // Not the HTTP server's own `close`, which cuts those that wait for a request.
  const ended = listeners.map(
    (listener) => new Promise((resolve) => Server.prototype.close.call(listener, resolve)),
  );
  moreListeners.delete(app);
  const late = clock.sleep(Math.min(lastRequestsMs, drainWaitMs), timer.signal).catch(() => {});
  await Promise.race([Promise.all(ended), late]);
  timer.abort();
}

/** Running answers finish within the drain time, then are cut. */
export async function drain(
  app: FastifyInstance,
  { config, clock, log }: Pick<Services, 'config' | 'clock' | 'log'>,
): Promise<void> {
  const timer = new AbortController();
  const others = (moreListeners.get(app) ?? []).map((listener) => new Promise((end) => listener.close(end)));
  const finished = Promise.all([app.close(), ...others]);
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
