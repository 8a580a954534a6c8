// /api/v1/videos/:id/marks and /api/v1/videos/bulk: a person's own marks, and the same done to many videos at once.
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { AuditAction } from '../../accounts/accounts.ts';
import { type Permission, permits, type Viewer } from '../../accounts/permissions.ts';
import { AppError, isAppError } from '../../errors.ts';
import { noteAct } from '../audit.ts';
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

const actions = ['move', 'share', 'bin', 'restore', 'remove'] as const;
type Action = (typeof actions)[number];

const neededFor: Readonly<Record<Action, Permission>> = {
  move: 'videos:edit',
  share: 'videos:share',
  bin: 'videos:delete',
  restore: 'videos:delete',
  remove: 'videos:delete',
};
const auditFor: Readonly<Partial<Record<Action, AuditAction>>> = {
  share: 'video-shared',
  bin: 'video-binned',
  restore: 'video-restored',
  remove: 'video-removed',
};

const maxIds = 1000;
/** Done side by side, so that one turn of the disk serves many. */
const atOnce = 50;

const BulkBody = Type.Object(
  {
    ids: Type.Array(Type.String({ maxLength: 64 }), { minItems: 1, maxItems: maxIds }),
    action: Type.Enum([...actions], {
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
      const viewer = viewerOf(request);
      const { action } = request.body;
      if (!permits(viewer, neededFor[action])) {
        throw new AppError('forbidden', 'You may not do this. The owner of this Kinora can change that.');
      }
      const work = await workFor(viewer, request.body);
      const ids = [...new Set(request.body.ids)];
      const titles: string[] = [];
      const results: Static<typeof BulkAnswer>['results'] = [];
      for (let first = 0; first < ids.length; first += atOnce) {
        const slice = ids.slice(first, first + atOnce);
        results.push(...(await Promise.all(slice.map((id) => one(id, work, titles)))));
      }
      await note(request, action, titles);
      return { results };
    },
  );

  type Work = (id: string) => Promise<string>;

  /** What is done to each; resolves to its title. Throws what holds for all of them. */
  async function workFor(viewer: Viewer, body: Static<typeof BulkBody>): Promise<Work> {
    const { action, folderId } = body;
    if (action === 'move') {
      if (folderId === undefined) throw new AppError('bad-request', 'Say where to: “folderId”.');
      if (folderId) await access.folder(viewer, folderId, 'edit');
      return async (id) => {
        const { title } = await access.video(viewer, id, 'edit');
        await library.moveVideo(id, folderId || null);
        return title;
      };
    }
    if (action === 'share') {
      if (!body.shares) throw new AppError('bad-request', 'Say with whom: “shares”.');
      const added = await audiencesOf(services, viewer, body.shares);
      return async (id) => {
        const { title } = await access.video(viewer, id, 'share');
        const before = (await library.getAudiences('video', id)) ?? [];
        await library.setAudiences('video', id, [...new Set([...before, ...added])]);
        return title;
      };
    }
    return async (id) => {
      const { title, binnedAtMs } = await access.video(viewer, id, 'delete');
      if (action === 'bin') await library.binVideo(id);
      else if (action === 'restore') await library.restoreVideo(id);
      else if (binnedAtMs === null)
        throw new AppError('conflict', 'Only what is in the bin can be removed for good.');
      else await library.removeVideo(id);
      return title;
    };
  }

  async function note(request: FastifyRequest, action: Action, titles: readonly string[]): Promise<void> {
    const noted = auditFor[action];
    if (!noted || titles.length === 0) return;
    const [only] = titles;
    const subject =
      titles.length === 1 ? only! : `${titles.length} videos: ${titles.slice(0, 10).join(', ')}`;
    await noteAct(services, request, noted, subject);
  }
}

async function one(
  id: string,
  work: (id: string) => Promise<string>,
  titles: string[],
): Promise<Static<typeof BulkAnswer>['results'][number]> {
  try {
    titles.push(await work(id));
    return { id, isDone: true, reason: null };
  } catch (error) {
    if (!isAppError(error)) throw error;
    return { id, isDone: false, reason: error.message };
  }
}
