// One question to the process that keeps the accounts: a POST over a connection that is kept, with a time limit, a
// bounded answer, and failures as the errors they were there.
import { Agent as HttpAgent, type IncomingMessage, request as requestHttp } from 'node:http';
import { Agent as HttpsAgent, request as requestHttps } from 'node:https';
import { AppError, type ErrorKind, errorStatus } from '../../errors.ts';
import type { Tracing } from '../../tracing/tracing.ts';
import { mostAnswerBytes, secretHeader, servicePath } from './service-methods.ts';

/** Connections at once for what is answered quickly, and as many for the rest; questions beyond wait in line. */
const mostConnections = 16;
/** Questions that wait at once; beyond it the answer is `unavailable` at once. */
const mostWaiting = 512;
/** Shorter than the 65 s after which the other side closes an idle connection. */
const idleMs = 30_000;

export type ServiceCaller = {
  /**
   * Asks and resolves to the answer's `result`. Throws the AppError that was thrown there; `unavailable` where the
   * process cannot be reached, takes longer than `timeoutMs`, or answers with what is none of its answers.
   * `isRead`: asked a second time where a kept connection turned out to be closed; does not wait behind the others.
   */
  ask(
    name: string,
    args: readonly unknown[],
    options: { readonly timeoutMs: number; readonly isRead: boolean },
  ): Promise<unknown>;
  /** Questions that are under way end with `unavailable`. Idempotent. */
  close(): void;
};

/** Thrown for everything that says "not there", so that it can be told from an `unavailable` of the accounts' own. */
export class ServiceAway extends AppError {
  /** It did not answer in time: it may be busy rather than gone. */
  readonly isSlow: boolean;

  constructor(cause?: unknown, isSlow = false) {
    super(
      'unavailable',
      'Accounts cannot be reached right now, so nobody can be let in. Try again in a moment.',
      { cause, retryAfterSeconds: 5 },
    );
    this.isSlow = isSlow;
  }
}

/** @param url origin of the process, `http:` or `https:`  @param tracing where traces are on, each question is a part of one */
export function createServiceCaller({
  url,
  secret,
  tracing = null,
}: {
  url: string;
  secret: string;
  tracing?: Tracing | null;
}): ServiceCaller {
  const options = { keepAlive: true, maxSockets: mostConnections, timeout: idleMs };
  const isTls = url.startsWith('https:');
  const createAgent = () => (isTls ? new HttpsAgent(options) : new HttpAgent(options));
  // Log-ins take their time on purpose (scrypt): who is logged in already must not wait for them.
  const agents = { read: createAgent(), act: createAgent() };
  const closing = new AbortController();
  let waiting = 0;

  function post(name: string, body: Buffer, agent: HttpAgent, signal: AbortSignal): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const request = (isTls ? requestHttps : requestHttp)(
        new URL(servicePath + name, url),
        {
          ...{ method: 'POST', agent, signal },
          headers: {
            'content-type': 'application/json',
            'content-length': body.length,
            accept: 'application/json',
            [secretHeader]: secret,
            ...tracing?.inject(),
          },
        },
        resolve,
      );
      request.once('error', (error) => reject(Object.assign(error, { isReused: request.reusedSocket })));
      request.end(body);
    });
  }

  async function once(name: string, body: Buffer, agent: HttpAgent, timeoutMs: number): Promise<unknown> {
    const inTime = AbortSignal.timeout(timeoutMs);
    const signal = AbortSignal.any([closing.signal, inTime]);
    let response: IncomingMessage;
    let answer: Record<string, unknown> | null;
    try {
      response = await post(name, body, agent, signal);
      answer = parse(await read(response));
    } catch (error) {
      throw inTime.aborted ? new ServiceAway(inTime.reason, true) : error;
    }
    if (response.statusCode === 200 && answer !== null && 'result' in answer) return answer.result;
    throw errorOf(answer, response.headers['retry-after']);
  }

  return {
    async ask(name, args, { timeoutMs, isRead }) {
      if (closing.signal.aborted || waiting >= mostWaiting) throw new ServiceAway();
      const body = Buffer.from(JSON.stringify(args));
      waiting++;
      try {
        const agent = isRead ? agents.read : agents.act;
        const send = () =>
          once(name, body, agent, timeoutMs).catch((error) => {
            if (error instanceof AppError || !isRead || !error.isReused) throw error;
            return once(name, body, agent, timeoutMs);
          });
        if (!tracing) return await send();
        const told = { 'http.request.method': 'POST', 'server.address': new URL(url).host };
        return await tracing.operation(`accounts.${name}`, 'client', told, send);
      } catch (error) {
        throw error instanceof AppError ? error : new ServiceAway(error);
      } finally {
        waiting--;
      }
    },
    close() {
      closing.abort();
      for (const agent of Object.values(agents)) agent.destroy();
    },
  };
}

async function read(response: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = [];
  let length = 0;
  for await (const piece of response as AsyncIterable<Buffer>) {
    length += piece.length;
    if (length > mostAnswerBytes) {
      response.destroy();
      throw new ServiceAway(new Error(`an answer of over ${mostAnswerBytes} bytes`));
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

/** A problem document (RFC 9457) back to the error it was made of; a stranger's answer to `unavailable`. */
function errorOf(problem: Record<string, unknown> | null, retryAfter: string | undefined): AppError {
  const kind = typeof problem?.type === 'string' ? problem.type.split('#')[1] : undefined;
  if (kind === undefined || !Object.hasOwn(errorStatus, kind) || typeof problem?.detail !== 'string')
    return new ServiceAway(new Error(String(problem?.detail ?? 'it is not a process of this program')));
  const when = retryAfter && /^\d{1,6}$/.test(retryAfter) ? { retryAfterSeconds: Number(retryAfter) } : {};
  return new AppError(kind as ErrorKind, problem.detail.slice(0, 2000), when);
}
