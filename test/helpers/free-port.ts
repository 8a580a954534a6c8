// A port that nobody listens on just now, for programs that cannot be told to take any, and for those that come back to
// theirs: below the ports that the kernel gives to outgoing connections (ip_local_port_range begins at 32768), any of
// which may take it in between.
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';

export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(10_000, 32_000);
    const server = createServer().listen(port, '127.0.0.1');
    try {
      await once(server, 'listening');
    } catch {
      continue;
    }
    server.close();
    await once(server, 'close');
    return port;
  }
}
