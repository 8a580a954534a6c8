// Work for a request that is given up when the client goes.
import type { FastifyRequest } from 'fastify';
import { AppError } from '../../errors.ts';

/** Runs `work` with a signal that aborts when the request's connection closes before it is done. */
export async function untilGone<Result>(
  request: FastifyRequest,
  work: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const gone = new AbortController();
  const onClose = () => gone.abort(new AppError('unavailable', 'The client has gone.'));
  const { socket } = request.raw;
  socket.once('close', onClose);
  try {
    return await work(gone.signal);
  } finally {
    socket.off('close', onClose);
  }
}
