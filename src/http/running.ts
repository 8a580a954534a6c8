// Answers that go on for long (a stream, a film): each is asked again, within 5 s of any change, whether it may still.
import type { FastifyRequest } from 'fastify';

export type Running = {
  /**
   * Asks `mayGoOn` now and then for as long as the answer runs: it throws or resolves to false where the viewer (as it
   * is by then; null where logged out) may no longer. Then `end` is called, once. Forgets itself when the response closes.
   */
  watch(
    request: FastifyRequest,
    mayGoOn: (viewer: FastifyRequest['viewer']) => Promise<unknown>,
    end: () => void,
  ): void;
  close(): void;
};
