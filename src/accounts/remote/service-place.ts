// One address where accounts are kept: a question is a POST to it, with a time limit and a bounded answer. Questions that
// may be asked twice go over connections that are kept; the others over one of their own each, so that none of them is
// lost on a connection to a process that is gone (behind a Kubernetes Service nothing tells of that).
import { Agent as HttpAgent, type IncomingMessage, request as requestHttp } from 'node:http';
import { Agent as HttpsAgent, request as requestHttps } from 'node:https';
import type { Socket } from 'node:net';
import { AppError, type ErrorKind, errorStatus } from '../../errors.ts';
import { mostAnswerBytes, secretHeader, servicePath } from './service-methods.ts';

/** Connections at once for what is answered quickly, and as many for the rest; questions beyond wait in line. */
const mostConnections = 16;
/** Shorter than the 65 s after which the other side closes an idle connection. */
const idleMs = 30_000;
/** Thrown for everything that says "not there", so that it can be told from an `unavailable` of the accounts' own. */
export class ServiceAway extends AppError {
  /** It did not answer in time: it may be busy rather than gone. */
  readonly isSlow: boolean;
  /** The question did not get there. */
  readonly isUnsent: boolean;

  constructor(cause?: unknown, { isSlow = false, isUnsent = false } = {}) {
    super(
      'unavailable',
      'Accounts cannot be reached right now, so nobody can be let in. Try again in a moment.',
      { cause, retryAfterSeconds: 5 },
    );
    this.isSlow = isSlow;
    this.isUnsent = isUnsent;
  }
}

export type Question = {
  readonly name: string;
  readonly body: Buffer;
  readonly headers: Readonly<Record<string, string>>;
  /** Over a connection that is kept. */
  readonly isRead: boolean;
  readonly timeoutMs: number;
  /** How long a new connection may take to be made; null: as long as the question takes. */
  readonly connectMs: number | null;
  /** How long a kept connection may be silent before it is taken for dead; null: as long as the question takes. */
  readonly keptMs: number | null;
  /** The same for a new one. */
  readonly freshMs: number | null;
};

export type ServicePlace = {
  readonly url: string;
  /** Resolves to the answer's `result`. Throws the AppError that was thrown there, or `ServiceAway`. */
  ask(question: Question, signal: AbortSignal): Promise<unknown>;
  /** Its kept connections are not to be trusted: the next question makes a new one. */
  distrust(): void;
  close(): void;
};

/** @param url origin of the process, `http:` or `https:` */
export function createServicePlace(url: string, secret: string): ServicePlace {
  const isTls = url.startsWith('https:');
  const createAgent = (keepAlive: boolean) => {
    const options = { keepAlive, maxSockets: mostConnections, timeout: idleMs };
    return isTls ? new HttpsAgent(options) : new HttpAgent(options);
  };
  // Log-ins take their time on purpose (scrypt): who is logged in already must not wait for them.
  const agents = { read: createAgent(true), act: createAgent(false) };

  function post(question: Question, signal: AbortSignal): Promise<IncomingMessage> {
    const { name, body, headers, isRead, connectMs, keptMs, freshMs } = question;
    return new Promise((resolve, reject) => {
      const request = (isTls ? requestHttps : requestHttp)(new URL(servicePath + name, url), {
        ...{ method: 'POST', agent: isRead ? agents.read : agents.act, signal },
        headers: {
          'content-type': 'application/json',
          'content-length': body.length,
          accept: 'application/json',
          [secretHeader]: secret,
          ...headers,
        },
      });
      let isSent = false;
      let timer: NodeJS.Timeout | undefined;
      const stopWaiting = () => {
        clearTimeout(timer);
        timer = undefined;
      };
      const giveUpIn = (ms: number | null, isSlow: boolean) => {
        stopWaiting();
        if (ms === null) return;
        const mine = setTimeout(() => {
          // Where this process was busy itself, what came meanwhile is read first.
          setImmediate(() => {
            if (timer === mine) request.destroy(Object.assign(new Error('no answer in time'), { isSlow }));
          });
        }, ms);
        timer = mine;
      };
      request.once('socket', (socket: Socket) => {
        const sent = () => {
          isSent = true;
          giveUpIn(request.reusedSocket ? keptMs : freshMs, true);
        };
        if (!socket.connecting) return sent();
        giveUpIn(connectMs, false);
        socket.once('connect', sent);
      });
      request.once('response', (response) => {
        stopWaiting();
        resolve(response);
      });
      request.once('error', (error: Error & { isSlow?: boolean }) => {
        stopWaiting();
        reject(new ServiceAway(error, { isSlow: error.isSlow ?? false, isUnsent: !isSent }));
      });
      request.end(body);
    });
  }

  return {
    url,
    async ask(question, closing) {
      const inTime = AbortSignal.timeout(question.timeoutMs);
      let response: IncomingMessage;
      let answer: Record<string, unknown> | null;
      try {
        response = await post(question, AbortSignal.any([closing, inTime]));
        answer = parse(await read(response));
      } catch (error) {
        if (inTime.aborted) throw new ServiceAway(inTime.reason, { isSlow: true });
        throw error instanceof AppError ? error : new ServiceAway(error);
      }
      if (response.statusCode === 200 && answer !== null && 'result' in answer) return answer.result;
      throw errorOf(answer, response.headers['retry-after']);
    },
    distrust() {
      for (const sockets of Object.values(agents.read.freeSockets))
        for (const socket of [...(sockets ?? [])]) socket.destroy();
    },
    close() {
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
