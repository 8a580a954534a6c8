// Work for a request that is given up when the client goes.
import type { FastifyReply, FastifyRequest } from 'fastify';
import { AppError } from '../../errors.ts';
import type { Services } from '../services.ts';

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

/** As `untilGone`, and given up too, with `unauthorized`, as soon as the viewer may not see the camera any more. */
export function whileSeen<Result>(
  { access, running }: Pick<Services, 'access' | 'running'>,
  reply: FastifyReply,
  cameraId: string,
  work: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  return untilGone(reply.request, (gone) => {
    const over = new AbortController();
    running.watch(
      reply,
      (viewer) => viewer !== null && access.camera(viewer, cameraId),
      () => over.abort(new AppError('unauthorized', 'You may not see this camera any more.')),
    );
    return work(AbortSignal.any([gone, over.signal]));
  });
}
