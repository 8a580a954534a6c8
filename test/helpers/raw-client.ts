// A client that sends bytes as they are, whether they are a request or not, and keeps all that comes back.
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

export type RawClient = {
  readonly socket: Socket;
  /** All that has come, bytes as characters. */
  text(): string;
  /** Status codes of the answers so far, in order; interim ones too. */
  statuses(): number[];
  readonly isClosed: boolean;
  send(text: string | Uint8Array): void;
  close(): void;
};

/** Connects. Nothing is sent; what comes is read unless `isPaused`. */
export async function connectRaw(
  port: number,
  { localAddress, isPaused = false }: { readonly localAddress?: string; readonly isPaused?: boolean } = {},
): Promise<RawClient> {
  const socket = connect({ port, host: '127.0.0.1', ...(localAddress && { localAddress }) });
  const pieces: Buffer[] = [];
  let isClosed = false;
  if (isPaused) socket.pause();
  socket.on('data', (piece: Buffer) => pieces.push(piece));
  socket.on('error', () => {});
  socket.on('close', () => {
    isClosed = true;
  });
  await once(socket, 'connect');
  const text = () => Buffer.concat(pieces).toString('latin1');
  return {
    socket,
    text,
    // Bodies of ours do not end in a line feed, so a status line may stand right behind one.
    statuses: () => [...text().matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, code]) => Number(code)),
    get isClosed() {
      return isClosed;
    },
    send: (bytes) => void socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes),
    close: () => void socket.destroy(),
  };
}
