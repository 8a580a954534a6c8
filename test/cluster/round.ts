// A small balancer of the tests: plain requests to the replicas in turns, as any client in front of them would send them.
import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import type { Replica } from '../helpers/cluster/replica.ts';

/** Whom a client asks next, and what it says of itself. */
export type Round = {
  readonly cookie: string;
  next(): Pick<Replica, 'url' | 'isRunning' | 'pid'>;
};

/** Which replicas are asked: those that run, but for those that are being started. */
export type Balancer = {
  /** Another one each time, of these. */
  round(replicas: () => readonly Replica[], cookie: string): Round;
  /** The same one as long as it can be asked, else another. */
  home(replica: Replica, replicas: () => readonly Replica[], cookie: string): Round;
  kill(replica: Replica): Promise<void>;
  /** Resolves when it is asked again. */
  start(replica: Replica): Promise<void>;
};

export function createBalancer(): Balancer {
  const out = new Set<Replica>();
  const isThere = (replica: Replica) => replica.isRunning && !out.has(replica);
  const roundOf = (replicas: () => readonly Replica[]) => {
    let number = 0;
    return () => {
      const found = replicas().filter(isThere);
      return found[number++ % found.length];
    };
  };
  const known = (replica: Replica | undefined): Replica => {
    if (!replica) throw new Error('no replica runs');
    return replica;
  };
  return {
    round(replicas, cookie) {
      const next = roundOf(replicas);
      return { cookie, next: () => known(next()) };
    },
    home(replica, replicas, cookie) {
      const next = roundOf(replicas);
      return { cookie, next: () => known(isThere(replica) ? replica : next()) };
    },
    async kill(replica) {
      await replica.kill();
      out.add(replica);
    },
    async start(replica) {
      out.add(replica);
      await replica.start();
      out.delete(replica);
    },
  };
}

export type Sent = {
  readonly outgoing: ClientRequest;
  /** Rejects where the connection ends before there is an answer. */
  readonly answer: Promise<IncomingMessage>;
};

/**
 * A connection of its own for each request: who is killed takes nobody else's along. One without a method is a GET, and
 * sent; of others the body is the caller's to write and end.
 */
export function send(
  url: string,
  options: { readonly method?: string; readonly headers?: Readonly<Record<string, string>> } = {},
): Sent {
  const outgoing = request(url, { agent: false, ...options });
  const answer = new Promise<IncomingMessage>((resolve, reject) => {
    outgoing.once('response', resolve);
    outgoing.once('error', reject);
    outgoing.once('close', () => reject(new Error('closed without an answer')));
  });
  answer.catch(() => {});
  outgoing.on('error', () => {});
  if (options.method === undefined) outgoing.end();
  return { outgoing, answer };
}

/** Whether the process that answered is gone: it may be seen a little after its sockets are. */
export async function isGone(replica: Pick<Replica, 'isRunning' | 'pid'>, pid: number): Promise<boolean> {
  for (let tries = 0; tries < 40; tries += 1) {
    if (!replica.isRunning || replica.pid !== pid) return true;
    await pause(25);
  }
  return false;
}
