// Whether the program is about to end: it still answers, says that it is not ready, and asks its clients to come back
// on another connection, which a balancer then opens to another replica.
import type { FastifyInstance } from 'fastify';

export type Ending = {
  /** True from the first signal to end. */
  readonly isBegun: boolean;
  begin(): void;
};

export function createEnding(): Ending {
  let isBegun = false;
  return {
    get isBegun() {
      return isBegun;
    },
    begin() {
      isBegun = true;
    },
  };
}

/** No connection is kept for another request once the end has begun (RFC 9112 §9.6). */
export function installEnding(app: FastifyInstance, ending: Ending): void {
  app.addHook('onRequest', (request, reply, done) => {
    // On the raw response, so that streams and files carry it as well; HTTP/2 has no such header.
    if (ending.isBegun && request.raw.httpVersionMajor === 1) reply.raw.setHeader('Connection', 'close');
    done();
  });
}
