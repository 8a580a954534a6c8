// /videos and /folders/:id: lists of videos as pages, the forms of folders, and what is done to many picked at once.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { householdId, type Viewer } from '../../accounts/permissions.ts';
import type { ListRequest } from '../../catalogue/catalogue.ts';
import { AppError, isAppError } from '../../errors.ts';
import type { FolderCard } from '../../web/cards.ts';
import { type ListAddress, listAddressOf, listHref, returnAddressOf } from '../../web/list-address.ts';
import type { OpenFolder } from '../../web/pages/folder-head.ts';
import { type VideosPage, videosPage } from '../../web/pages/videos-page.ts';
import { noteAct } from '../audit.ts';
import { type BulkAction, type BulkWork, bulkActions, doBulk, maxBulkIds } from '../bulk.ts';
import { seenFolderPath } from '../folder-path.ts';
import { needs, viewerOf } from '../permission.ts';
import type { Services } from '../services.ts';
import { audiencesOf, maxPeople } from '../shares.ts';
import { listNoticeOf, noticeFields } from './list-notices.ts';
import { namesOfSharers, otherPeople, ownerNamesOf } from './owner-names.ts';
import { fieldOf, formOf, type PageTools } from './page-form.ts';

/** Cards in one page of the library: fills the largest screen once and a phone several times. */
const pageLimit = 60;
/** While picking: what is picked is not kept from page to page. */
const pickLimit = 300;
/** Folders shown above the videos; more are found by their videos. */
const maxFolders = 500;

type ById = { Params: { id: string } };

export function listPageRoutes(
  app: FastifyInstance,
  services: Services,
  { viewOf, headers }: PageTools,
): void {
  const { access, catalogue, config, library } = services;

  app.get('/videos', { config: needs('videos:watch') }, (request, reply) => send(request, reply, null));

  app.get<ById>('/folders/:id', { config: needs('videos:watch') }, async (request, reply) =>
    send(request, reply, await openFolder(viewerOf(request), request.params.id)),
  );

  async function send(
    request: FastifyRequest,
    reply: FastifyReply,
    folder: OpenFolder | null,
  ): Promise<FastifyReply> {
    const viewer = viewerOf(request);
    const query = new URL(request.url, 'http://localhost').searchParams;
    const list = listAddressOf(folder?.folder.id ?? null, query);
    const after = query.get('after') || null;
    const page = await library.listVideos(requestOf(viewer, list, after));
    const ids = page.items.map(({ id }) => id);
    const isWhole = after === null && list.query === '' && list.show === 'all' && !list.isBin;
    const folders = isWhole && !list.isSelecting ? await foldersIn(viewer, list.folderId) : [];
    const owners = [...page.items, ...folders.map((card) => card.folder)].map(({ ownerId }) => ownerId);
    const ownerNames = await ownerNamesOf(services, viewer, owners);
    const content: VideosPage = {
      ...{ list, page, folder, ownerNames, isFirst: after === null, binMs: config.data.binMs },
      progress: await library.getProgress(viewer.personId, ids),
      marks: await library.getMarks(viewer.personId, ids),
      notice: await listNoticeOf(services, viewer, query),
      folders: folders.map((card) => ({ ...card, ownerName: ownerNames.get(card.folder.ownerId) })),
      ownFolders:
        list.isSelecting || folder?.isOwn ? await catalogue.ownFolders(access.sight(viewer).ownerIds) : [],
      hasOthers: viewer.personId !== householdId,
      others: list.isSelecting ? await otherPeople(services, viewer) : [],
      sharers: page.items.length === 0 ? await namesOfSharers(services, viewer) : [],
    };
    return reply.headers(headers).send(videosPage(viewOf(request), content));
  }

  function requestOf(viewer: Viewer, list: ListAddress, after: string | null): ListRequest {
    const { show } = list;
    const marked = show === 'favourites' ? 'favourite' : show === 'unwatched' ? 'unwatched' : null;
    return {
      ...{
        limit: list.isSelecting ? pickLimit : pageLimit,
        after,
        query: list.query,
        sort: list.sort,
        sight: access.sight(viewer),
      },
      ...{ inBin: list.isBin },
      ...(list.folderId !== null && { folderId: list.folderId }),
      // What others put into the bin is theirs to see to.
      ...((list.isBin || show === 'mine') && { whose: 'own' }),
      ...(show === 'shared' && { whose: 'others' }),
      ...(marked && { marked: { personId: viewer.personId, as: marked } }),
    };
  }

  async function foldersIn(viewer: Viewer, parentId: string | null): Promise<FolderCard[]> {
    const all = await library.listFolders(access.sight(viewer), parentId);
    const folders = all.slice(0, maxFolders);
    const counts = await catalogue.countInFolders(folders.map(({ id }) => id));
    return folders.map((folder) => ({ folder, ...(counts.get(folder.id) ?? { videos: 0, folders: 0 }) }));
  }

  async function openFolder(viewer: Viewer, id: string): Promise<OpenFolder> {
    const folder = await access.folder(viewer, id, 'watch');
    const path = await seenFolderPath(services, viewer, folder.id);
    return { folder, path, isOwn: access.isOwn(viewer, folder.ownerId) };
  }

  app.post('/folders', { config: needs('videos:edit') }, async (request, reply) => {
    const viewer = viewerOf(request);
    const form = formOf(request);
    const parentId = fieldOf(form, 'parent') || null;
    const parent = parentId === null ? null : await access.folder(viewer, parentId, 'edit');
    const folder = await library.addFolder({
      ...{ ownerId: parent?.ownerId ?? viewer.personId, parentId, name: fieldOf(form, 'name', 500) },
    });
    return reply.redirect(`/folders/${folder.id}`, 303);
  });
  app.post<ById>('/folders/:id/rename', { config: needs('videos:edit') }, async (request, reply) => {
    const { id } = await access.folder(viewerOf(request), request.params.id, 'edit');
    await library.renameFolder(id, fieldOf(formOf(request), 'name', 500));
    return reply.redirect(`/folders/${id}`, 303);
  });
  app.post<ById>('/folders/:id/move', { config: needs('videos:edit') }, async (request, reply) => {
    const viewer = viewerOf(request);
    const { id } = await access.folder(viewer, request.params.id, 'edit');
    const parentId = fieldOf(formOf(request), 'parent') || null;
    if (parentId !== null) await access.folder(viewer, parentId, 'edit');
    await library.moveFolder(id, parentId);
    return reply.redirect(`/folders/${id}`, 303);
  });
  app.post<ById>('/folders/:id/delete', { config: needs('videos:delete') }, async (request, reply) => {
    const { id, name, parentId } = await access.folder(viewerOf(request), request.params.id, 'delete');
    await library.binFolder(id);
    await noteAct(services, request, 'folder-removed', name);
    const isAround = parentId !== null && (await catalogue.getFolder(parentId)) !== null;
    return reply.redirect(`${isAround ? `/folders/${parentId}` : '/videos'}?done=folder`, 303);
  });

  app.post('/videos/selection', { config: needs('videos:watch') }, async (request, reply) => {
    const form = formOf(request);
    const from = returnAddressOf(form.get('from') ?? '');
    const ids = form.getAll('id').slice(0, maxBulkIds + 1);
    if (ids.length === 0) return reply.redirect(listHref(from, { done: 'nothing' }), 303);
    if (ids.length > maxBulkIds)
      throw new AppError('bad-request', `At most ${maxBulkIds} videos can be picked at once.`);
    const work = await workOf(viewerOf(request), form);
    try {
      const results = await doBulk(services, request, ids, work);
      return reply.redirect(listHref(from, noticeFields(work.action, results)), 303);
    } catch (error) {
      if (isAppError(error, 'not-found'))
        throw new AppError('not-found', 'The folder to move them to is gone.');
      throw error;
    }
  });

  async function workOf(viewer: Viewer, form: URLSearchParams): Promise<BulkWork> {
    const action = bulkActions.find((candidate) => candidate === form.get('action'));
    if (!action) throw new AppError('bad-request', 'Say what is to be done with them.');
    if (action === 'move') return { action, folderId: fieldOf(form, 'folder') || null };
    if (action === 'share') {
      const people = form.getAll('person').slice(0, maxPeople);
      const isHousehold = form.has('household');
      if (!isHousehold && people.length === 0)
        throw new AppError('bad-request', 'Say with whom they are to be shared.');
      return { action, audiences: await audiencesOf(services, viewer, { isHousehold, people }) };
    }
    return { action: action as Exclude<BulkAction, 'move' | 'share'> };
  }
}
