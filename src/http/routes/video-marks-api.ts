// /api/v1/videos/:id/marks and /api/v1/videos/bulk: a person's own marks, and the same done to many videos at once.
import type { FastifyInstance } from 'fastify';
import type { Viewer } from '../../accounts/permissions.ts';
import { AppError } from '../../errors.ts';
import { assertMayDo, type BulkWork, bulkActions, doBulk, maxBulkIds } from '../bulk.ts';
import { needs, viewerOf } from '../permission.ts';
import { type Static, Type } from '../schema.ts';
import type { Services } from '../services.ts';
import { audiencesOf, SharesChange } from '../shares.ts';
import { problems } from './problem-schema.ts';
import { FolderId, IdParams } from './video-schema.ts';

const MarksBody = Type.Object({ isFavourite: Type.Boolean(), isWatched: Type.Boolean() });
const MarksChange = Type.Object(
  { isFavourite: Type.Optional(Type.Boolean()), isWatched: Type.Optional(Type.Boolean()) },
  { additionalProperties: false },
);

const BulkBody = Type.Object(
  {
    ids: Type.Array(Type.String({ maxLength: 64 }), { minItems: 1, maxItems: maxBulkIds }),
    action: Type.Enum([...bulkActions], {
      description: '`share` adds to whom they are shared with; `remove` takes what is in the bin',
    }),
    folderId: Type.Optional(FolderId),
    shares: Type.Optional(SharesChange),
  },
  { additionalProperties: false },
);
const BulkAnswer = Type.Object({
  results: Type.Array(
    Type.Object({
      id: Type.String(),
      isDone: Type.Boolean(),
      reason: Type.Union([Type.String(), Type.Null()], { description: 'Why it was not done, a sentence' }),
    }),
  ),
});

export function videoMarksApiRoutes(app: FastifyInstance, services: Services): void {
  const { access, library } = services;
  const tags = ['videos'];

  app.get<{ Params: Static<typeof IdParams> }>(
    '/api/v1/videos/:id/marks',
    {
      schema: {
        ...{ tags, summary: 'One’s own marks', params: IdParams },
        response: { 200: MarksBody, ...problems(404) },
      },
      config: needs('videos:watch'),
    },
    async (request) => {
      const viewer = viewerOf(request);
      return marksOf(viewer, (await access.video(viewer, request.params.id, 'watch')).id);
    },
  );

  app.put<{ Params: Static<typeof IdParams>; Body: Static<typeof MarksChange> }>(
    '/api/v1/videos/:id/marks',
    {
      schema: {
        ...{ tags, summary: 'Mark it as a favourite, as watched; what is left out stays' },
        ...{ params: IdParams, body: MarksChange },
        response: { 200: MarksBody, ...problems(400, 404) },
      },
      config: needs('videos:watch'),
    },
    async (request) => {
      const viewer = viewerOf(request);
      const { id } = await access.video(viewer, request.params.id, 'watch');
      await library.setMarks(viewer.personId, id, request.body);
      return marksOf(viewer, id);
    },
  );

  async function marksOf({ personId }: Viewer, id: string): Promise<Static<typeof MarksBody>> {
    const marks = (await library.getMarks(personId, [id])).get(id);
    return { isFavourite: marks?.isFavourite ?? false, isWatched: marks?.isWatched ?? false };
  }

  app.post<{ Body: Static<typeof BulkBody> }>(
    '/api/v1/videos/bulk',
    {
      schema: {
        ...{ tags, summary: 'The same with many videos; the answer says for each what happened' },
        body: BulkBody,
        response: { 200: BulkAnswer, ...problems(400, 403, 404) },
      },
      config: needs('videos:watch'),
    },
    async (request) => {
      const { ids, action, folderId, shares } = request.body;
      assertMayDo(viewerOf(request), action);
      let work: BulkWork;
      if (action === 'move') {
        if (folderId === undefined) throw new AppError('bad-request', 'Say where to: “folderId”.');
        work = { action, folderId: folderId || null };
      } else if (action === 'share') {
        if (!shares) throw new AppError('bad-request', 'Say with whom: “shares”.');
        work = { action, audiences: await audiencesOf(services, viewerOf(request), shares) };
      } else work = { action };
      return { results: [...(await doBulk(services, request, ids, work))] };
    },
  );
}
