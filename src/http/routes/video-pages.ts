// /videos/:id as a page, and the plain forms on it: name, place, one's own marks, the bin. With whom it is shared is
// `share-pages.ts`, its guest links are `link-pages.ts`.
import type { FastifyInstance } from 'fastify';
import type { Viewer } from '../../accounts/permissions.ts';
import type { Folder, Marks, Video } from '../../catalogue/catalogue.ts';
import { AppError, isAppError } from '../../errors.ts';
import { videoPage } from '../../web/pages/video-page.ts';
import { noteAct } from '../audit.ts';
import { needs, viewerOf } from '../permission.ts';
import type { Services } from '../services.ts';
import { ownerNamesOf } from './owner-names.ts';
import { type ById, fieldOf, first, formOf, type PageTools, type Query } from './page-form.ts';

/** Fills its rows at every width: the grid there has 1, 2, 3, 4 or 6 columns. */
const othersLimit = 12;
/** Videos of a folder among which the next ones are looked for. */
const besideLimit = 200;

const noMarks: Marks = { isFavourite: false, isWatched: false };

export function videoPageRoutes(
  app: FastifyInstance,
  services: Services,
  { viewOf, headers }: PageTools,
): void {
  const { access, catalogue, library } = services;

  app.get<ById & Query>('/videos/:id', { config: needs('videos:watch') }, async (request, reply) => {
    const viewer = viewerOf(request);
    const view = viewOf(request);
    const { id } = await access.video(viewer, request.params.id, 'watch');
    const video = await library.getVideo(id);
    const isOwn = access.isOwn(viewer, video.ownerId);
    const isPlayer = video.status === 'ready' && video.binnedAtMs === null;
    const folder = await folderOf(viewer, video);
    const others = isPlayer ? await othersOf(viewer, video, folder) : [];
    const all = [video, ...others];
    const ids = all.map((one) => one.id);
    const marks = await library.getMarks(viewer.personId, ids);
    const progress = await library.getProgress(viewer.personId, ids);
    const page = videoPage(view, {
      ...{ video, folder, others, isOwn, progress: progress.get(id), othersProgress: progress },
      ...{ marks: marks.get(id) ?? noMarks, othersMarks: marks },
      startSeconds: secondsOf(first(request.query.t), video),
      ownerNames: await ownerNamesOf(
        services,
        viewer,
        all.map(({ ownerId }) => ownerId),
      ),
      ownFolders: isOwn && view.can('videos:edit') ? await catalogue.ownFolders([video.ownerId]) : [],
      isShared: isOwn && ((await catalogue.getSharing('video', id))?.audiences.length ?? 0) > 0,
    });
    return reply.headers(headers).send(page);
  });

  /** The folder it lies in, where it may be seen. */
  async function folderOf(viewer: Viewer, { folderId }: Video): Promise<Folder | null> {
    if (folderId === null) return null;
    try {
      return await access.folder(viewer, folderId, 'watch');
    } catch (error) {
      if (isAppError(error, 'not-found')) return null;
      throw error;
    }
  }

  /** What to watch next: what lies beside it by name, else the newest. */
  async function othersOf(viewer: Viewer, video: Video, folder: Folder | null): Promise<readonly Video[]> {
    const list = { after: null, query: '', sight: access.sight(viewer) };
    const isNext = (other: Video) => other.id !== video.id && other.status === 'ready';
    if (folder !== null) {
      const beside = await library.listVideos({
        ...{ ...list, limit: besideLimit, folderId: folder.id, sort: 'title' },
      });
      const at = beside.items.findIndex(({ id }) => id === video.id);
      const following = [...beside.items.slice(at + 1), ...beside.items.slice(0, Math.max(0, at))];
      const next = following.filter(isNext).slice(0, othersLimit);
      if (next.length > 0) return next;
    }
    const { items } = await library.listVideos({ ...list, limit: othersLimit * 2 });
    return items.filter(isNext).slice(0, othersLimit);
  }

  app.post<ById>('/videos/:id/rename', { config: needs('videos:edit') }, async (request, reply) => {
    const { id } = await access.video(viewerOf(request), request.params.id, 'edit');
    await library.renameVideo(id, (formOf(request).get('title') ?? '').trim());
    return reply.redirect(`/videos/${id}`, 303);
  });
  app.post<ById>('/videos/:id/move', { config: needs('videos:edit') }, async (request, reply) => {
    const viewer = viewerOf(request);
    const { id } = await access.video(viewer, request.params.id, 'edit');
    const folderId = fieldOf(formOf(request), 'folder') || null;
    if (folderId !== null) await access.folder(viewer, folderId, 'edit');
    await library.moveVideo(id, folderId);
    return reply.redirect(`/videos/${id}`, 303);
  });
  app.post<ById>('/videos/:id/marks', { config: needs('videos:watch') }, async (request, reply) => {
    const viewer = viewerOf(request);
    const { id } = await access.video(viewer, request.params.id, 'watch');
    const form = formOf(request);
    const isOn = (name: string) => (form.has(name) ? form.get(name) === '1' : undefined);
    const [isFavourite, isWatched] = [isOn('favourite'), isOn('watched')];
    await library.setMarks(viewer.personId, id, {
      ...(isFavourite !== undefined && { isFavourite }),
      ...(isWatched !== undefined && { isWatched }),
    });
    return reply.redirect(`/videos/${id}`, 303);
  });

  app.post<ById>('/videos/:id/delete', { config: needs('videos:delete') }, async (request, reply) => {
    const { id, title } = await access.video(viewerOf(request), request.params.id, 'delete');
    await library.binVideo(id);
    await noteAct(services, request, 'video-binned', title);
    return reply.redirect(`/videos?binned=${id}`, 303);
  });
  app.post<ById>('/videos/:id/restore', { config: needs('videos:delete') }, async (request, reply) => {
    const { id, title } = await access.video(viewerOf(request), request.params.id, 'delete');
    await library.restoreVideo(id);
    await noteAct(services, request, 'video-restored', title);
    return reply.redirect(`/videos/${id}`, 303);
  });
  app.post<ById>('/videos/:id/remove', { config: needs('videos:delete') }, async (request, reply) => {
    const { id, title, binnedAtMs } = await access.video(viewerOf(request), request.params.id, 'delete');
    // The page offers it in the bin alone; nothing else should go without a way back.
    if (binnedAtMs === null)
      throw new AppError('conflict', 'Only what is in the bin can be removed for good.');
    await library.removeVideo(id);
    await noteAct(services, request, 'video-removed', title);
    return reply.redirect('/videos?bin', 303);
  });
}

/** `?t=83` or `?t=83.5`; null where absent, not a number or past the end. */
function secondsOf(text: string, video: Video): number | null {
  if (!/^\d{1,7}(\.\d{1,3})?$/.test(text)) return null;
  const seconds = Number(text);
  return video.durationMs !== null && seconds * 1000 >= video.durationMs ? null : seconds;
}
