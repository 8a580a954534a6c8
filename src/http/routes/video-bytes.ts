// The bytes of videos: the playable view (whole or a clip of it) and the original, with ranges and conditions.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { AppError } from '../../errors.ts';
import type { Clip, OpenedBytes } from '../../library/library.ts';
import { contentDisposition } from '../content-disposition.ts';
import { originalPolicy, represent } from '../opened-representation.ts';
import { needsForBytes, viewerOf } from '../permission.ts';
import { sendRepresentation } from '../send.ts';
import type { Services } from '../services.ts';
import { problems } from './problem-schema.ts';

/** The bytes under one entity tag never change, but a browser asks again, since the video may have been removed. */
const cacheControl = 'private, no-cache';

/** Longer than any film, and far below where seconds as doubles lose milliseconds. */
const maxSeconds = 1e9;

type Params = { Params: { id: string } };

/** For the OpenAPI document only: ids and clips are checked by the library, whose sentences say more. */
function describeBytes(summary: string) {
  return {
    tags: ['bytes'],
    summary: `${summary}; ranges and conditions as RFC 9110 says`,
    response: problems(404, 409),
  };
}

export function videoBytesRoutes(app: FastifyInstance, services: Services): void {
  const { access, library } = services;
  const config = needsForBytes('videos:watch');
  const method = ['GET', 'HEAD'];

  app.route<Params & { Querystring: Record<string, unknown> }>({
    method,
    url: '/videos/:id/video.mp4',
    exposeHeadRoute: false,
    schema: describeBytes(
      'The playable view, or with `?start=&end=` in seconds that stretch as a file of its own',
    ),
    config,
    async handler(request, reply) {
      await access.watchable(viewerOf(request), request.params.id);
      const opened = await library.openView(request.params.id, clipOf(request.query));
      return send(request, reply, opened, null, services);
    },
  });

  app.route<Params & { Querystring: Record<string, unknown> }>({
    method,
    url: '/videos/:id/original',
    exposeHeadRoute: false,
    schema: describeBytes('The file as it came'),
    config,
    async handler(request, reply) {
      await access.watchable(viewerOf(request), request.params.id);
      const opened = await library.openOriginal(request.params.id);
      // A player does not look at the disposition; a link to the original is a download.
      const kind = 'inline' in request.query ? 'inline' : 'attachment';
      reply.raw.setHeader('Content-Security-Policy', originalPolicy);
      return send(request, reply, opened, contentDisposition(kind, opened.fileName), services);
    },
  });
}

async function send(
  request: FastifyRequest<Params>,
  reply: FastifyReply,
  opened: OpenedBytes,
  disposition: string | null,
  { accel, access, config, clock, log, metrics, running }: Services,
): Promise<FastifyReply> {
  try {
    reply.hijack();
    const { id } = request.params;
    running.watch(
      reply,
      (viewer) => viewer !== null && access.watchable(viewer, id),
      () => reply.raw.destroy(),
    );
    const { maxPartialBytes } = config.server;
    const representation = represent(opened, { disposition, cacheControl });
    const { bytesSent } = await sendRepresentation(request.raw, reply.raw, representation, {
      maxPartialBytes,
      clock,
      log,
      accel,
    });
    metrics.sent(bytesSent);
  } finally {
    opened.release();
  }
  return reply;
}

/** `?start=&end=` in seconds with decimals; null where neither is given. Throws `bad-request`. */
function clipOf(query: Record<string, unknown>): Clip | null {
  if (query.start === undefined && query.end === undefined) return null;
  const startSeconds = secondsOf(query.start, 'start') ?? 0;
  const endSeconds = secondsOf(query.end, 'end');
  if (endSeconds !== null && endSeconds <= startSeconds) {
    throw new AppError('bad-request', 'A clip ends after its start.');
  }
  return { startSeconds, endSeconds };
}

/** Cut to milliseconds, so that nobody can ask for endlessly many clips that are all the same. */
function secondsOf(value: unknown, name: string): number | null {
  if (value === undefined || value === '') return null;
  if (typeof value !== 'string' || !/^\d{1,10}(\.\d{1,20})?$/.test(value) || Number(value) > maxSeconds) {
    throw new AppError('bad-request', `"${name}" is a number of seconds, such as 12.5.`);
  }
  return Math.round(Number(value) * 1000) / 1000;
}
