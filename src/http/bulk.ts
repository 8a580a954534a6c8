// The same done to many videos at once, by whoever may: each is asked about by itself, and the answer says for each what
// happened. The API and the pages' selection both come here.
import type { FastifyRequest } from 'fastify';
import type { AuditAction } from '../accounts/accounts.ts';
import { type Permission, permits, type Viewer } from '../accounts/permissions.ts';
import { AppError, isAppError } from '../errors.ts';
import { noteAct } from './audit.ts';
import { viewerOf } from './permission.ts';
import type { Services } from './services.ts';

export const bulkActions = ['move', 'share', 'bin', 'restore', 'remove', 'favourite', 'unfavourite'] as const;
export type BulkAction = (typeof bulkActions)[number];

export type BulkWork =
  | { readonly action: 'move'; readonly folderId: string | null }
  /** Added to whom they are shared with already. */
  | { readonly action: 'share'; readonly audiences: readonly string[] }
  | { readonly action: Exclude<BulkAction, 'move' | 'share'> };

/** `reason`: why it was not done, a sentence. */
export type BulkResult = { readonly id: string; readonly isDone: boolean; readonly reason: string | null };

export const maxBulkIds = 1000;
/** Done side by side, so that one turn of the disk serves many. */
const atOnce = 50;

const neededFor: Readonly<Record<BulkAction, Permission>> = {
  move: 'videos:edit',
  share: 'videos:share',
  bin: 'videos:delete',
  restore: 'videos:delete',
  remove: 'videos:delete',
  favourite: 'videos:watch',
  unfavourite: 'videos:watch',
};
const auditFor: Readonly<Partial<Record<BulkAction, AuditAction>>> = {
  share: 'video-shared',
  bin: 'video-binned',
  restore: 'video-restored',
  remove: 'video-removed',
};

/** Throws `forbidden` where somebody of this role may do no such thing at all. */
export function assertMayDo(viewer: Viewer, action: BulkAction): void {
  if (!permits(viewer, neededFor[action]))
    throw new AppError('forbidden', 'You may not do this. The owner of this Kinora can change that.');
}

/** Throws what holds for all of them: `forbidden`, and `not-found` for a folder that is not there. */
export async function doBulk(
  services: Services,
  request: FastifyRequest,
  ids: readonly string[],
  work: BulkWork,
): Promise<readonly BulkResult[]> {
  const viewer = viewerOf(request);
  assertMayDo(viewer, work.action);
  if (work.action === 'move' && work.folderId !== null)
    await services.access.folder(viewer, work.folderId, 'edit');
  const titles: string[] = [];
  const one = async (id: string): Promise<BulkResult> => {
    try {
      titles.push(await doOne(services, viewer, id, work));
      return { id, isDone: true, reason: null };
    } catch (error) {
      if (!isAppError(error)) throw error;
      return { id, isDone: false, reason: error.message };
    }
  };
  const all = [...new Set(ids)].slice(0, maxBulkIds);
  const results: BulkResult[] = [];
  for (let first = 0; first < all.length; first += atOnce)
    results.push(...(await Promise.all(all.slice(first, first + atOnce).map(one))));
  await note(services, request, work.action, titles);
  return results;
}

/** Resolves to its title. */
async function doOne(
  { access, library }: Services,
  viewer: Viewer,
  id: string,
  work: BulkWork,
): Promise<string> {
  switch (work.action) {
    case 'move': {
      const { title } = await access.video(viewer, id, 'edit');
      await library.moveVideo(id, work.folderId);
      return title;
    }
    case 'share': {
      const { title } = await access.video(viewer, id, 'share');
      const before = (await library.getAudiences('video', id)) ?? [];
      await library.setAudiences('video', id, [...new Set([...before, ...work.audiences])]);
      return title;
    }
    case 'favourite':
    case 'unfavourite': {
      const { title } = await access.video(viewer, id, 'watch');
      await library.setMarks(viewer.personId, id, { isFavourite: work.action === 'favourite' });
      return title;
    }
    default: {
      const { title, binnedAtMs } = await access.video(viewer, id, 'delete');
      if (work.action === 'bin') await library.binVideo(id);
      else if (work.action === 'restore') await library.restoreVideo(id);
      else if (binnedAtMs === null)
        throw new AppError('conflict', 'Only what is in the bin can be removed for good.');
      else await library.removeVideo(id);
      return title;
    }
  }
}

async function note(
  services: Services,
  request: FastifyRequest,
  action: BulkAction,
  titles: readonly string[],
): Promise<void> {
  const noted = auditFor[action];
  if (!noted || titles.length === 0) return;
  const [only] = titles;
  const subject = titles.length === 1 ? only! : `${titles.length} videos: ${titles.slice(0, 10).join(', ')}`;
  await noteAct(services, request, noted, subject);
}
