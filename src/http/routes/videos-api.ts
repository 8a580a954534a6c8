// /api/v1/videos: the list in pages and whole (NDJSON, CSV), and one video's facts, title, bin and progress.
import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { videoSorts } from '../../catalogue/catalogue.ts';
import { AppError } from '../../errors.ts';
import { noteAct } from '../audit.ts';
import { needs, viewerOf } from '../permission.ts';
import { type Static, Type } from '../schema.ts';
import type { Services } from '../services.ts';
import { problems } from './problem-schema.ts';
import { csvColumns, csvLine, FolderId, IdParams, VideoBody, videoBody } from './video-schema.ts';

const ListQuery = Type.Object({
  limit: Type.Integer({ minimum: 1, maximum: 1000, default: 50 }),
  after: Type.Optional(Type.String({ maxLength: 200, description: 'The `next` of the page before' })),
  q: Type.String({ maxLength: 200, default: '', description: 'Beginnings of words of the title' }),
  bin: Type.Boolean({ default: false, description: 'What is in one’s own bin instead' }),
  folder: Type.Optional(
    Type.String({ maxLength: 64, description: 'Only what lies directly in this folder; `top`: in none' }),
  ),
  whose: Type.Optional(
    Type.Enum(['own', 'others'], { description: 'Only one’s own, or only what others share' }),
  ),
  marked: Type.Optional(Type.Enum(['favourite', 'watched', 'unwatched'], { description: 'By oneself' })),
  sort: Type.Enum([...videoSorts], { default: 'newest' }),
});
const ListBody = Type.Object({
  items: Type.Array(VideoBody),
  next: Type.Union([Type.String(), Type.Null()], { description: 'For `after`; null on the last page' }),
});
const ProgressBody = Type.Object({ positionMs: Type.Integer({ minimum: 0, maximum: 1e12 }) });

/** Lines of a streamed listing are sent in pieces of about this many characters. */
const pieceLength = 32_768;

export function videosApiRoutes(app: FastifyInstance, services: Services): void {
  const { access, library, running } = services;
  /** All that this viewer sees, for as long as that stays the same. */
  const everything = (request: FastifyRequest, reply: FastifyReply, query: string) => {
    const sight = access.sight(viewerOf(request));
    const isSame = (now: typeof sight) => JSON.stringify(now) === JSON.stringify(sight);
    running.watch(
      reply,
      (viewer) => viewer !== null && isSame(access.sight(viewer)),
      () => reply.raw.destroy(),
    );
    return library.streamVideos({ query, sight });
  };
  const tags = ['videos'];

  app.get<{ Querystring: Static<typeof ListQuery> }>(
    '/api/v1/videos',
    {
      schema: {
        tags,
        summary: 'List videos; `Accept: application/x-ndjson` or `text/csv` streams them all',
        querystring: ListQuery,
        response: { 200: ListBody, ...problems(400, 404) },
      },
      config: needs('videos:watch'),
    },
    async (request, reply) => {
      reply.header('Vary', 'Accept, Cookie').header('Cache-Control', 'private, no-cache');
      const { limit, after, q, bin } = request.query;
      const accept = request.headers.accept ?? '';
      if (accept.includes('application/x-ndjson')) return streamNdjson(reply, everything(request, reply, q));
      if (accept.includes('text/csv')) return streamCsv(reply, everything(request, reply, q));
      const viewer = viewerOf(request);
      const { folder, whose, marked, sort } = request.query;
      const folderId = folder === 'top' || folder === undefined ? null : folder;
      if (folderId !== null) await access.folder(viewer, folderId, 'watch');
      const page = await library.listVideos({
        ...{ limit, after: after ?? null, query: q, inBin: bin, sort, sight: access.sight(viewer) },
        ...(folder !== undefined && { folderId }),
        // What others put into the bin is theirs to see to.
        ...(bin ? { whose: 'own' } : whose && { whose }),
        ...(marked && { marked: { personId: viewer.personId, as: marked } }),
      });
      return { items: page.items.map(videoBody), next: page.next };
    },
  );

  const whole = Type.Object({ q: Type.String({ maxLength: 200, default: '' }) });
  for (const [ending, stream] of [
    ['ndjson', streamNdjson],
    ['csv', streamCsv],
  ] as const) {
    app.get<{ Querystring: Static<typeof whole> }>(
      `/api/v1/videos.${ending}`,
      {
        schema: { tags, summary: `All videos, streamed as ${ending.toUpperCase()}`, querystring: whole },
        config: needs('videos:watch'),
      },
      (request, reply) => stream(reply, everything(request, reply, request.query.q)),
    );
  }

  app.get<{ Params: Static<typeof IdParams> }>(
    '/api/v1/videos/:id',
    {
      schema: {
        tags,
        summary: 'One video',
        params: IdParams,
        response: { 200: VideoBody, ...problems(404) },
      },
      config: needs('videos:watch'),
    },
    async (request, reply) => {
      reply.header('Cache-Control', 'private, no-cache');
      const { id } = await access.video(viewerOf(request), request.params.id, 'watch');
      return videoBody(await library.getVideo(id));
    },
  );

  const Change = Type.Object(
    {
      title: Type.Optional(Type.String({ minLength: 1, maxLength: 500 })),
      folderId: Type.Optional(FolderId),
    },
    { additionalProperties: false },
  );
  app.patch<{ Params: Static<typeof IdParams>; Body: Static<typeof Change> }>(
    '/api/v1/videos/:id',
    {
      schema: {
        tags,
        summary: 'Give it another title, put it into another folder',
        params: IdParams,
        body: Change,
        response: { 200: VideoBody, ...problems(400, 403, 404) },
      },
      config: needs('videos:edit'),
    },
    async (request) => {
      const viewer = viewerOf(request);
      const { title, folderId } = request.body;
      const video = await access.video(viewer, request.params.id, 'edit');
      if (title === undefined && folderId === undefined)
        throw new AppError('bad-request', 'Say what is to change: “title”, “folderId”.');
      if (folderId) await access.folder(viewer, folderId, 'edit');
      if (title !== undefined) await library.renameVideo(video.id, title);
      if (folderId !== undefined) await library.moveVideo(video.id, folderId || null);
      return videoBody(await library.getVideo(video.id));
    },
  );

  app.delete<{ Params: Static<typeof IdParams> }>(
    '/api/v1/videos/:id',
    {
      schema: {
        tags,
        summary: 'Put it in the bin; one that still arrives, or is in the bin, is gone at once',
        params: IdParams,
        response: { 204: Type.Null(), ...problems(404) },
      },
      config: needs('videos:delete'),
    },
    async (request, reply) => {
      const video = await access.video(viewerOf(request), request.params.id, 'delete');
      if (video.status === 'arriving') await library.cancelArrival(video.id);
      else if (video.binnedAtMs !== null) await library.removeVideo(video.id);
      else await library.binVideo(video.id);
      const isToStay = video.status !== 'arriving' && video.binnedAtMs === null;
      await noteAct(services, request, isToStay ? 'video-binned' : 'video-removed', video.title);
      return reply.code(204).send();
    },
  );

  app.post<{ Params: Static<typeof IdParams> }>(
    '/api/v1/videos/:id/restore',
    {
      schema: {
        tags,
        summary: 'Take it out of the bin',
        params: IdParams,
        response: { 200: VideoBody, ...problems(404) },
      },
      config: needs('videos:delete'),
    },
    async (request) => {
      const { id, title } = await access.video(viewerOf(request), request.params.id, 'delete');
      const restored = await library.restoreVideo(id);
      await noteAct(services, request, 'video-restored', title);
      return videoBody(restored);
    },
  );

  const ProgressAnswer = Type.Object({
    positionMs: Type.Integer(),
    updatedAt: Type.Union([Type.String({ format: 'date-time' }), Type.Null()]),
  });
  app.get<{ Params: Static<typeof IdParams> }>(
    '/api/v1/videos/:id/progress',
    {
      schema: {
        tags,
        summary: 'Where one was',
        params: IdParams,
        response: { 200: ProgressAnswer, ...problems(404) },
      },
      config: needs('videos:watch'),
    },
    async (request, reply) => {
      reply.header('Cache-Control', 'private, no-cache');
      const viewer = viewerOf(request);
      const { id } = await access.video(viewer, request.params.id, 'watch');
      const progress = (await library.getProgress(viewer.personId, [id])).get(id);
      return {
        positionMs: progress?.positionMs ?? 0,
        updatedAt: progress ? new Date(progress.updatedAtMs).toISOString() : null,
      };
    },
  );

  app.put<{ Params: Static<typeof IdParams>; Body: Static<typeof ProgressBody> }>(
    '/api/v1/videos/:id/progress',
    {
      schema: {
        tags,
        summary: 'Remember where one is',
        params: IdParams,
        body: ProgressBody,
        response: { 204: Type.Null(), ...problems(400, 404) },
      },
      config: needs('videos:watch'),
    },
    async (request, reply) => {
      const viewer = viewerOf(request);
      const { id } = await access.video(viewer, request.params.id, 'watch');
      await library.setProgress(viewer.personId, id, request.body.positionMs);
      return reply.code(204).send();
    },
  );
}

type Videos = ReturnType<Services['library']['streamVideos']>;

function streamNdjson(reply: FastifyReply, videos: Videos): FastifyReply {
  const line = (video: Parameters<typeof videoBody>[0]) => `${JSON.stringify(videoBody(video))}\n`;
  return streamLines(reply, 'application/x-ndjson', pieces('', videos, line));
}

function streamCsv(reply: FastifyReply, videos: Videos): FastifyReply {
  const line = (video: Parameters<typeof videoBody>[0]) => {
    const body = videoBody(video);
    return csvLine(csvColumns.map((column) => body[column]));
  };
  return streamLines(
    reply,
    'text/csv; charset=utf-8; header=present',
    pieces(csvLine(csvColumns), videos, line),
  );
}

function streamLines(reply: FastifyReply, type: string, lines: AsyncIterable<string>): FastifyReply {
  // Pieces are large already: one waiting in the stream is enough.
  return reply.type(type).send(Readable.from(lines, { highWaterMark: 1, objectMode: true }));
}

async function* pieces<Item>(
  head: string,
  items: AsyncIterable<Item>,
  line: (item: Item) => string,
): AsyncGenerator<string> {
  let piece = head;
  for await (const item of items) {
    piece += line(item);
    if (piece.length >= pieceLength) {
      yield piece;
      piece = '';
    }
  }
  if (piece !== '') yield piece;
}
