// Reads a wall's stream from a plain socket, or does not, and takes it apart into pictures and states.
import { once } from 'node:events';
import { connect } from 'node:net';
import { numberIn } from './push-driver.ts';

export type WallPart =
  | { readonly kind: 'picture'; readonly id: string; readonly sequence: number; readonly number: number }
  | { readonly kind: 'state'; readonly value: Readonly<Record<string, unknown>> };

export type WallViewer = {
  head(): string;
  readonly parts: WallPart[];
  /** Numbers of the pictures of one camera so far (see `numberedJpeg`), in order. */
  numbers(id: string): number[];
  /** Names of one camera's states so far, in order. */
  states(id: string): string[];
  readonly isClosed: boolean;
  resume(): void;
  close(): void;
};

/** Opens the stream. `isStalled`: does not read until `resume`. */
export async function viewWall(
  port: number,
  query: string,
  { isStalled = false }: { isStalled?: boolean } = {},
): Promise<WallViewer> {
  const socket = connect({ port, host: '127.0.0.1' });
  if (isStalled) socket.pause();
  const parts: WallPart[] = [];
  let head = '';
  let isClosed = false;
  let pieces: Buffer[] = [];
  let heldBytes = 0;
  let neededBytes = 1;
  const use = () => {
    let rest = Buffer.concat(pieces);
    for (;;) {
      const end = rest.indexOf('\r\n\r\n');
      neededBytes = rest.length + 1;
      if (end < 0) break;
      const text = rest.toString('latin1', 0, end);
      if (head === '') {
        head = text;
        rest = rest.subarray(end + 4);
        continue;
      }
      const length = Number(/Content-Length: (\d+)/.exec(text)?.[1]);
      if (rest.length < end + 4 + length) {
        neededBytes = end + 4 + length;
        break;
      }
      const body = rest.subarray(end + 4, end + 4 + length);
      if (text.includes('image/jpeg')) {
        const [, id = ''] = /X-Camera: (.*)/.exec(text) ?? [];
        const sequence = Number(/X-Sequence: (\d+)/.exec(text)?.[1]);
        parts.push({ kind: 'picture', id: id.trim(), sequence, number: numberIn(body) });
      } else parts.push({ kind: 'state', value: JSON.parse(body.toString()) });
      rest = rest.subarray(end + 4 + length);
    }
    pieces = [rest];
    heldBytes = rest.length;
  };
  socket.on('data', (piece: Buffer) => {
    pieces.push(piece);
    heldBytes += piece.length;
    // Large pictures come in many pieces: they are joined when there is enough of them.
    if (heldBytes >= neededBytes) use();
  });
  socket.on('close', () => {
    isClosed = true;
  });
  socket.on('error', () => {});
  await once(socket, 'connect');
  socket.write(`GET /cameras/wall.multipart?${query} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`);
  return {
    head: () => head,
    parts,
    numbers: (id) => parts.flatMap((part) => (part.kind === 'picture' && part.id === id ? part.number : [])),
    states: (id) =>
      parts.flatMap((part) =>
        part.kind === 'state' && part.value.id === id ? String(part.value.state) : [],
      ),
    get isClosed() {
      return isClosed;
    },
    resume: () => void socket.resume(),
    close: () => void socket.destroy(),
  };
}
