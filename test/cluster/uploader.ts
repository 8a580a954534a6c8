// Somebody who uploads by tus (1.0), each piece to another replica and at the pace of a line. What breaks off is taken up
// where the next replica says; less than was acknowledged is a fault.
import { setTimeout as pause } from 'node:timers/promises';
import type { Film } from './films.ts';
import { type Round, send } from './round.ts';

export type Uploaded = {
  readonly id: string;
  /** Pieces that did not end well, and were taken up again. */
  readonly broken: number;
  readonly faults: readonly string[];
  /** From the first request to the last answer. */
  readonly tookMs: number;
};

export type Uploading = {
  readonly round: Round;
  readonly film: Film;
  readonly pieceBytes: number;
  /** Of each piece: how long it takes to send. */
  readonly pieceMs: number;
  /** Given up after. */
  readonly mostMs?: number;
  /** An answer that is no success, and a connection that breaks, is a fault. */
  readonly isStrict?: boolean;
  /** Told of the replica a piece goes to, while it is being sent. */
  readonly onPiece?: (url: string, offset: number, id: string) => void;
};

const path = '/api/v1/uploads';
/** Each piece is written in so many writes. */
const writes = 8;
/** One that says nothing for so long is asked no more. */
const silentMs = 30_000;

export async function upload(uploading: Uploading): Promise<Uploaded> {
  const { round, film, pieceBytes, pieceMs, mostMs = 180_000, isStrict = false, onPiece } = uploading;
  const faults: string[] = [];
  const begunAtMs = performance.now();
  let broken = 0;
  const common = { cookie: round.cookie, 'tus-resumable': '1.0.0' };

  const ask = async (
    way: string,
    method: string,
    headers: Record<string, string>,
    body: Buffer = Buffer.alloc(0),
  ) => {
    const { url } = round.next();
    const { outgoing, answer } = send(`${url}${way}`, {
      method,
      headers: { ...common, ...headers, 'content-length': String(body.length) },
    });
    outgoing.setTimeout(silentMs, () => outgoing.destroy(new Error(`no answer within ${silentMs} ms`)));
    if (method === 'PATCH') onPiece?.(url, Number(headers['upload-offset']), way.split('/').at(-1)!);
    const step = Math.ceil(body.length / writes);
    for (let at = 0; at < body.length && !outgoing.destroyed; at += step) {
      outgoing.write(body.subarray(at, at + step));
      await pause(pieceMs / writes);
    }
    outgoing.end();
    const response = await answer;
    response.resume();
    return { url, status: response.statusCode ?? 0, headers: response.headers };
  };
  /** Null where it failed, which a client meets by asking again. */
  const attempt = async (what: string, ...asked: Parameters<typeof ask>) => {
    const failed = async (why: string) => {
      broken += 1;
      if (isStrict) faults.push(`${what}: ${why}`);
      if (performance.now() - begunAtMs > mostMs)
        throw new Error(`not uploaded within ${mostMs} ms: ${what}: ${why}`);
      await pause(250);
      return null;
    };
    try {
      const answer = await ask(...asked);
      return answer.status < 300 ? answer : failed(`${answer.status} from ${answer.url}`);
    } catch (error) {
      return failed((error as Error).message);
    }
  };

  const name = `filename ${Buffer.from(film.name).toString('base64')}`;
  const making = { 'upload-length': String(film.bytes.length), 'upload-metadata': name };
  let made = await attempt('creation', path, 'POST', making);
  while (!made) made = await attempt('creation', path, 'POST', making);
  const id = String(made.headers.location).split('/').at(-1)!;

  let [offset, acknowledged, isKnown] = [0, 0, true];
  while (offset < film.bytes.length) {
    if (!isKnown) {
      const seen = await attempt('where it stands', `${path}/${id}`, 'HEAD', {});
      if (!seen) continue;
      offset = Number(seen.headers['upload-offset']);
      isKnown = true;
      if (offset < acknowledged) faults.push(`${acknowledged} bytes were acknowledged, ${offset} are there`);
      continue;
    }
    const piece = film.bytes.subarray(offset, offset + pieceBytes);
    const octets = { 'content-type': 'application/offset+octet-stream', 'upload-offset': String(offset) };
    const answer = await attempt(`the piece at ${offset}`, `${path}/${id}`, 'PATCH', octets, piece);
    isKnown = answer !== null;
    if (answer) offset = acknowledged = Number(answer.headers['upload-offset']);
  }
  return { id, broken, faults, tookMs: performance.now() - begunAtMs };
}
