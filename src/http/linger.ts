// An answer before the request's body has ended, such as a refusal in the first kilobyte of two gigabytes. Closing
// at once would reset the connection, and the client would see that instead of the answer (RFC 9112 §9.6); so the
// answer goes out whole, and what still comes in is read and thrown away for a bounded while before the end.
import { once } from 'node:events';
import { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Clock } from '../clock.ts';
import { isWaitingToSend } from './expect-continue.ts';

/** A client that has the answer stops soon; one that sends on for this much longer is cut. */
const lingerMs = 5000;
/** What a client may have under way in buffers and windows when the answer is sent, with room to spare. */
const lingerBytes = 64 * 1024 * 1024;

/**
 * An `onSend` hook: where the request's body is still coming, the connection ends after the answer, and the
 * answer's end is held back until the body has ended, `lingerBytes` of it have been thrown away, or 5 s are over.
 */
export function createLinger(clock: Clock) {
  return async (request: FastifyRequest, reply: FastifyReply, payload: unknown): Promise<unknown> => {
    const { raw } = request;
    // `complete`: all of it has come in, read or not; then nothing of it can be in the way of the answer.
    if (raw.complete || raw.destroyed || !hasBody(request)) return payload;
    // None of it comes before it is asked for, and now it never is.
    if (isWaitingToSend(raw)) {
      reply.header('Connection', 'close');
      return payload;
    }
    const isSendable =
      payload === null ||
      payload === undefined ||
      typeof payload === 'string' ||
      payload instanceof Uint8Array;
    if (!isSendable) return payload;
    const bytes = Buffer.from(payload ?? '');
    reply.header('Connection', 'close');
    if (reply.statusCode !== 204) reply.header('Content-Length', bytes.length);
    raw.unpipe();
    if (bytes.length === 0) {
      await drain(raw, clock);
      return payload;
    }
    return Readable.from(answerThenDrain(bytes, raw, clock));
  };
}

function hasBody(request: FastifyRequest): boolean {
  return (
    request.headers['transfer-encoding'] !== undefined || Number(request.headers['content-length'] ?? 0) > 0
  );
}

async function* answerThenDrain(bytes: Buffer, source: Readable, clock: Clock): AsyncGenerator<Buffer> {
  yield bytes;
  await drain(source, clock);
}

/** Reads and throws away. Resolves at the stream's end, its failure, the limit of bytes or of time. */
async function drain(source: Readable, clock: Clock): Promise<void> {
  const over = new AbortController();
  let drainedBytes = 0;
  const count = (chunk: Uint8Array) => {
    drainedBytes += chunk.length;
    if (drainedBytes > lingerBytes) over.abort();
  };
  const { signal } = over;
  source.on('data', count);
  source.resume();
  try {
    await Promise.race([
      once(source, 'end', { signal }),
      once(source, 'close', { signal }),
      clock.sleep(lingerMs, signal),
    ]);
  } catch {
    // Over its limit, or the client has gone: either way there is nobody to wait for.
  } finally {
    over.abort();
    source.off('data', count);
    source.pause();
  }
}
