// An HTTP camera on a free port whose answer a test writes by hand, byte by byte where it wants.

import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';

export type MjpegCamera = {
  readonly url: string;
  readonly port: number;
  /** Connections open now. */
  readonly connections: number;
  /** The request heads that came in. */
  readonly requests: readonly string[];
  close(): Promise<void>;
};

/** Calls `answer` with each connection's socket once the head of its request is there. */
export async function startMjpegCamera(answer: (socket: Socket, head: string) => void): Promise<MjpegCamera> {
  const sockets = new Set<Socket>();
  const requests: string[] = [];
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    // The program hangs up whenever it likes.
    socket.on('error', () => {});
    let head = '';
    const read = (chunk: Buffer) => {
      head += chunk.toString('latin1');
      if (!head.includes('\r\n\r\n')) return;
      socket.off('data', read);
      socket.resume();
      requests.push(head);
      answer(socket, head);
    };
    socket.on('data', read);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  return {
    url: `http://127.0.0.1:${port}/video`,
    port,
    get connections() {
      return sockets.size;
    },
    requests,
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      if (server.listening) await once(server, 'close');
    },
  };
}
