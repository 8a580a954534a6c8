// Questions to the processes that own cameras, over HTTP with the shared secret: an answer counts only where it proves
// to be of one of ours. Each has a time limit; answers are bounded.
import {
  Agent as HttpAgent,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  request as requestHttp,
} from 'node:http';
import { Agent as HttpsAgent, request as requestHttps } from 'node:https';
import type { Clock } from '../../clock.ts';
import { AppError, type ErrorKind, errorStatus } from '../../errors.ts';
import { createServiceSecret, proofHeader } from '../../service-secret.ts';

/** Below it: `owned/:id/samples`, `owned/:id/audience`, `owned/:id/push`, `calls/:name`. */
export const cameraServicePath = '/service/cameras/';

/** Connections at once to one process, besides those of relays and pushed bodies. */
const mostConnections = 8;
/** Shorter than the 65 s after which the other side closes an idle connection. */
const idleMs = 30_000;
const mostProblemBytes = 64 * 1024;

export type ServiceCalls = {
  /**
   * POST of JSON. Resolves to the answer's `result`. Throws the AppError that was thrown there; `unavailable` where
   * the process cannot be reached, answers with nonsense, more than `mostBytes`, or not within `timeoutMs`; or the
   * signal's reason.
   */
  ask(
    url: string,
    path: string,
    body: unknown,
    options: { readonly timeoutMs: number; readonly signal?: AbortSignal; readonly mostBytes?: number },
  ): Promise<unknown>;
  /** POST of a body that is sent on while it comes. As `ask`; takes as long as the body does. */
  send(
    url: string,
    path: string,
    body: { readonly type: string; readonly bytes: AsyncIterable<Uint8Array> },
    signal: AbortSignal,
  ): Promise<unknown>;
  /**
   * GET of a stream of that type, on a connection of its own that the signal ends. Throws as `ask` does where its head
   * is not there within `timeoutMs`.
   */
  open(
    url: string,
    path: string,
    type: string,
    options: { readonly timeoutMs: number; readonly signal: AbortSignal },
  ): Promise<IncomingMessage>;
  /** Questions that are under way end with `unavailable`. Idempotent. */
  close(): void;
};

/** The owner cannot be reached, or what answers is no process of this Kinora. */
export class OwnerAway extends AppError {
  /** For the log, in our own words; null where the cause says it. */
  readonly reason: string | null;

  constructor(cause?: unknown) {
    const isOurs = typeof cause === 'string';
    super('unavailable', 'The process that runs this camera cannot be reached right now.', {
      ...{ cause: isOurs ? undefined : cause, retryAfterSeconds: 5 },
    });
    this.reason = isOurs ? cause : null;
  }
}

export function createServiceCalls({ secret, clock }: { secret: string; clock: Clock }): ServiceCalls {
  const known = createServiceSecret(secret);
  const options = { keepAlive: true, maxSockets: mostConnections, timeout: idleMs };
  const agents = { http: new HttpAgent(options), https: new HttpsAgent(options) };
  const closing = new AbortController();

  /** The head of the answer, of one of ours. `write` sends the body. */
  const begin = async (
    url: string,
    path: string,
    { method, headers = {}, signal, isAlone, write }: Question,
  ): Promise<IncomingMessage> => {
    const isTls = url.startsWith('https:');
    const { headers: proving, isAnswer } = known.ask();
    const head = Promise.withResolvers<IncomingMessage>();
    const request = (isTls ? requestHttps : requestHttp)(
      new URL(cameraServicePath + path, url),
      {
        ...{ method, signal, headers: { ...headers, ...proving } },
        agent: isAlone ? false : agents[isTls ? 'https' : 'http'],
      },
      head.resolve,
    );
    // Also after the head: a connection that breaks later ends the answer, and this must not end the program.
    request.on('error', head.reject);
    const sent = (async () => {
      if (write) await write(request);
      else request.end();
    })();
    sent.catch((error) => {
      request.destroy();
      // Nothing where the answer is there already.
      head.reject(error);
    });
    const response = await head.promise;
    response.on('error', () => {});
    if (!isAnswer(response.headers[proofHeader])) {
      response.destroy();
      const isRefused = response.statusCode === 403;
      throw new OwnerAway(isRefused ? 'the secret is another one there' : 'it is no process of this program');
    }
    return response;
  };

  /** Ends with the time or the asker's signal; tells the one from the other. */
  const within = async <Answer>(
    timeoutMs: number | null,
    signal: AbortSignal | undefined,
    work: (signal: AbortSignal) => Promise<Answer>,
  ): Promise<Answer> => {
    const over = new AbortController();
    const done = new AbortController();
    if (timeoutMs !== null)
      void clock.sleep(timeoutMs, done.signal).then(
        () => over.abort(new OwnerAway(`no answer within ${timeoutMs} ms`)),
        () => {},
      );
    const signals = [over.signal, closing.signal, ...(signal ? [signal] : [])];
    const all = AbortSignal.any(signals);
    try {
      all.throwIfAborted();
      return await work(all);
    } catch (error) {
      if (signal?.aborted) throw signal.reason;
      if (over.signal.aborted) throw over.signal.reason;
      throw error instanceof AppError ? error : new OwnerAway(error);
    } finally {
      done.abort();
    }
  };

  return {
    ask(url, path, given, { timeoutMs, signal, mostBytes = 1_000_000 }) {
      return within(timeoutMs, signal, async (ended) => {
        const body = Buffer.from(JSON.stringify(given));
        const headers = { 'content-type': 'application/json', 'content-length': body.length };
        const response = await begin(url, path, {
          ...{ method: 'POST', headers, signal: ended },
          write: (request) => void request.end(body),
        });
        return resultOf(response, mostBytes);
      });
    },
    send(url, path, { type, bytes }, signal) {
      return within(null, signal, async (ended) => {
        // An answer before the body's end is the end of both.
        const over = new AbortController();
        const response = await begin(url, path, {
          ...{ method: 'POST', signal: AbortSignal.any([ended, over.signal]), isAlone: true },
          // An empty one is none of the types there are.
          headers: type === '' ? {} : { 'content-type': type },
          async write(request) {
            for await (const chunk of bytes) {
              if (request.destroyed || request.writableEnded) return;
              if (!request.write(chunk)) await drained(request, ended);
            }
            request.end();
          },
        });
        return resultOf(response, mostProblemBytes).finally(() => over.abort());
      });
    },
    open(url, path, type, { timeoutMs, signal }) {
      const over = new AbortController();
      const ended = AbortSignal.any([signal, over.signal]);
      return within(timeoutMs, signal, async (inTime) => {
        const give = () => over.abort(inTime.reason);
        inTime.addEventListener('abort', give, { once: true });
        try {
          const response = await begin(url, path, { method: 'GET', signal: ended, isAlone: true });
          if (response.statusCode !== 200) throw await problemOf(response);
          if (response.headers['content-type'] !== type) {
            response.destroy();
            throw new OwnerAway('it sends something else');
          }
          return response;
        } finally {
          inTime.removeEventListener('abort', give);
        }
      });
    },
    close() {
      closing.abort(new AppError('unavailable', 'The program ends.'));
      for (const agent of Object.values(agents)) agent.destroy();
    },
  };
}

type Question = {
  readonly method: 'GET' | 'POST';
  readonly headers?: OutgoingHttpHeaders;
  readonly signal: AbortSignal;
  /** A connection of its own. */
  readonly isAlone?: boolean;
  readonly write?: (request: ReturnType<typeof requestHttp>) => void | Promise<void>;
};

function drained(request: ReturnType<typeof requestHttp>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted || request.destroyed) return resolve();
    request.once('drain', resolve);
    request.once('close', resolve);
  });
}

async function resultOf(response: IncomingMessage, mostBytes: number): Promise<unknown> {
  if (response.statusCode !== 200) throw await problemOf(response);
  const answer = parse(await readWhole(response, mostBytes));
  if (answer === null || !('result' in answer)) throw new OwnerAway('an answer that is none');
  return answer.result;
}

async function readWhole(response: IncomingMessage, mostBytes: number): Promise<string> {
  const pieces: Buffer[] = [];
  let length = 0;
  for await (const piece of response as AsyncIterable<Buffer>) {
    length += piece.length;
    if (length > mostBytes) {
      response.destroy();
      throw new OwnerAway(`an answer of over ${mostBytes} bytes`);
    }
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString();
}

function parse(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

/** A problem document (RFC 9457) back to the error it was made of. */
async function problemOf(response: IncomingMessage): Promise<AppError> {
  const problem = parse(await readWhole(response, mostProblemBytes));
  const kind = typeof problem?.type === 'string' ? problem.type.split('#')[1] : undefined;
  if (kind === undefined || !Object.hasOwn(errorStatus, kind) || typeof problem?.detail !== 'string')
    return new OwnerAway(`an answer ${response.statusCode} that says nothing`);
  return new AppError(kind as ErrorKind, problem.detail.slice(0, 2000));
}
