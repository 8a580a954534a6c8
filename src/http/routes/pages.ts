// The pages and their plain forms. Every form answers 303 to a page, so that it works without scripts and a reload
// repeats nothing.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Viewer } from '../../accounts/permissions.ts';
import type { Progress, Video } from '../../catalogue/catalogue.ts';
import { AppError, isAppError } from '../../errors.ts';
import { isId } from '../../ids.ts';
import { loadAssets } from '../../web/assets.ts';
import { watchedShare } from '../../web/cards.ts';
import { createFormatsByLanguage } from '../../web/formats.ts';
import { cameraPage, camerasPage } from '../../web/pages/camera-pages.ts';
import { homePage } from '../../web/pages/home-page.ts';
import { uploadPage } from '../../web/pages/upload-page.ts';
import { videoPage } from '../../web/pages/video-page.ts';
import { videosPage } from '../../web/pages/videos-page.ts';
import { createView, tvCookieFor, type View } from '../../web/view.ts';
import { noteAct } from '../audit.ts';
import { needs, viewerOf } from '../permission.ts';
import { pageHeaders } from '../policy.ts';
import type { Services } from '../services.ts';
import { accountPageRoutes } from './account-pages.ts';
import { assetRoutes } from './assets.ts';
import { cameraPageRoutes } from './camera-pages.ts';
import { linkPageRoutes } from './link-pages.ts';
import { linkRoutes } from './links.ts';
import { logInPageRoutes } from './log-in-pages.ts';
import { myDataRoutes } from './my-data.ts';
import { peoplePageRoutes } from './people-pages.ts';
import { televisionPageRoutes } from './television-pages.ts';

/** Cards in one page of the library: fills the largest screen once and a phone several times. */
const pageLimit = 60;
/** Where the first page looks for what was begun, and how much of it and of the newest it shows. */
const begunAmong = 200;
const begunLimit = 4;
/** Fills its rows at every width: the grid there has 1, 2, 3, 4 or 6 columns. */
const newestLimit = 12;
const othersLimit = 12;
/** Bytes of a form without files: a title of 500 characters, percent-encoded, and its name. */
const formLimitBytes = 16_384;

type ById = { Params: { id: string } };
type Query = Readonly<Record<string, string | string[] | undefined>>;

/** Adds the pages, their forms and their assets. */
export async function pageRoutes(app: FastifyInstance, services: Services): Promise<void> {
  const { access, clock, config, library, cameras } = services;
  const assets = await loadAssets();
  const headers = pageHeaders(assets.styleHashes);
  const formatsFor = createFormatsByLanguage();

  const viewOf = (request: FastifyRequest): View =>
    createView({
      assets,
      formats: formatsFor(request.headers['accept-language']),
      cookieHeader: request.headers.cookie,
      nowMs: clock.nowMs(),
      viewer: request.viewer ?? null,
    });
  const seenCameras = (viewer: Viewer) => access.cameras(viewer, cameras.list());
  const progressOf = (viewer: Viewer, videos: readonly Video[]) =>
    library.getProgress(
      viewer.personId,
      videos.map((video) => video.id),
    );

  await app.register(async (scope) => {
    scope.addContentTypeParser(
      'application/x-www-form-urlencoded',
      { parseAs: 'string', bodyLimit: formLimitBytes },
      (_request, body, done) => done(null, new URLSearchParams(String(body))),
    );
    scope.addHook('onRequest', async (request, reply) => {
      keepTv(request, reply);
    });

    scope.get('/', { config: needs('videos:watch') }, async (request, reply) => {
      const viewer = viewerOf(request);
      const sight = access.sight(viewer);
      const { items } = await library.listVideos({ limit: begunAmong, after: null, query: '', sight });
      const progress = await progressOf(viewer, items);
      const page = homePage(viewOf(request), {
        begun: begunOf(items, progress).slice(0, begunLimit),
        newest: items.slice(0, newestLimit),
        progress,
        cameras: await seenCameras(viewer),
      });
      return reply.headers(headers).send(page);
    });

    scope.get<{ Querystring: Query }>(
      '/videos',
      { config: needs('videos:watch') },
      async (request, reply) => {
        const viewer = viewerOf(request);
        const query = first(request.query.q).slice(0, 200).trim();
        const after = first(request.query.after) || null;
        const isBin = request.query.bin !== undefined;
        const page = await library.listVideos({
          ...{ limit: pageLimit, after, query, inBin: isBin, sight: access.sight(viewer) },
          // What others put into the bin is theirs to see to.
          ...(isBin && { whose: 'own' }),
        });
        const binned = await justBinned(viewer, first(request.query.binned));
        return reply.headers(headers).send(
          videosPage(viewOf(request), {
            ...{ page, query, isBin, binned, progress: await progressOf(viewer, page.items) },
            ...{ isFirst: after === null, binMs: config.data.binMs },
          }),
        );
      },
    );

    scope.get<ById & { Querystring: Query }>(
      '/videos/:id',
      { config: needs('videos:watch') },
      async (request, reply) => {
        const viewer = viewerOf(request);
        const { id } = await access.video(viewer, request.params.id, 'watch');
        const video = await library.getVideo(id);
        const sight = access.sight(viewer);
        const { items } = await library.listVideos({ limit: othersLimit * 2, after: null, query: '', sight });
        const others = items.filter((other) => other.id !== video.id && other.status === 'ready');
        const progress = await progressOf(viewer, [video, ...others]);
        return reply.headers(headers).send(
          videoPage(viewOf(request), {
            ...{ video, progress: progress.get(video.id), othersProgress: progress },
            startSeconds: secondsOf(first(request.query.t), video),
            others: video.status === 'ready' && video.binnedAtMs === null ? others.slice(0, othersLimit) : [],
          }),
        );
      },
    );

    scope.post<ById>('/videos/:id/rename', { config: needs('videos:edit') }, async (request, reply) => {
      const { id } = await access.video(viewerOf(request), request.params.id, 'edit');
      await library.renameVideo(id, formField(request, 'title').trim());
      return reply.redirect(`/videos/${id}`, 303);
    });
    scope.post<ById>('/videos/:id/delete', { config: needs('videos:delete') }, async (request, reply) => {
      const { id, title } = await access.video(viewerOf(request), request.params.id, 'delete');
      await library.binVideo(id);
      await noteAct(services, request, 'video-binned', title);
      return reply.redirect(`/videos?binned=${id}`, 303);
    });
    scope.post<ById>('/videos/:id/restore', { config: needs('videos:delete') }, async (request, reply) => {
      const { id, title } = await access.video(viewerOf(request), request.params.id, 'delete');
      await library.restoreVideo(id);
      await noteAct(services, request, 'video-restored', title);
      return reply.redirect(`/videos/${id}`, 303);
    });

    scope.post<ById>('/videos/:id/remove', { config: needs('videos:delete') }, async (request, reply) => {
      const { id, title, binnedAtMs } = await access.video(viewerOf(request), request.params.id, 'delete');
      // The page offers it in the bin alone; nothing else should go without a way back.
      if (binnedAtMs === null)
        throw new AppError('conflict', 'Only what is in the bin can be removed for good.');
      await library.removeVideo(id);
      await noteAct(services, request, 'video-removed', title);
      return reply.redirect('/videos?bin', 303);
    });

    scope.get('/upload', { config: needs('videos:add') }, async (request, reply) =>
      reply.headers(headers).send(uploadPage(viewOf(request))),
    );

    scope.get('/cameras', { config: needs('cameras:watch') }, async (request, reply) =>
      reply.headers(headers).send(camerasPage(viewOf(request), await seenCameras(viewerOf(request)))),
    );
    scope.get<ById>('/cameras/:id', { config: needs('cameras:watch') }, async (request, reply) => {
      const viewer = viewerOf(request);
      const { id } = request.params;
      await access.camera(viewer, id);
      const camera = cameras.get(id);
      if (!camera) throw new AppError('not-found', `There is no camera “${id}”.`);
      const others = (await seenCameras(viewer)).filter((other) => other.id !== camera.id);
      return reply.headers(headers).send(cameraPage(viewOf(request), camera, others));
    });

    cameraPageRoutes(scope, services, { viewOf, headers });
    linkPageRoutes(scope, services, { viewOf, headers });
    await linkRoutes(scope, services, { viewOf, headers });

    const tools = { viewOf, headers };
    logInPageRoutes(scope, services, tools);
    televisionPageRoutes(scope, services, tools);
    accountPageRoutes(scope, services, tools);
    peoplePageRoutes(scope, services, tools);
    await myDataRoutes(scope, services, tools);
  });
  assetRoutes(app, assets);

  /** The video that was put in the bin a moment ago, to offer undoing it. */
  async function justBinned(viewer: Viewer, id: string): Promise<Video | null> {
    if (!isId(id)) return null;
    try {
      const video = await access.video(viewer, id, 'delete');
      return video.binnedAtMs === null ? null : video;
    } catch (error) {
      if (isAppError(error, 'not-found') || isAppError(error, 'forbidden')) return null;
      throw error;
    }
  }
}

/** `?tv` turns television mode on and keeps it, `?tv=0` off; the same request already shows it. */
function keepTv(request: FastifyRequest, reply: FastifyReply): void {
  const wanted = (request.query as Query).tv;
  if (request.method !== 'GET' || wanted === undefined) return;
  const cookie = tvCookieFor(first(wanted) !== '0');
  reply.header('set-cookie', cookie);
  request.headers.cookie = `${cookie.split(';', 1)[0]}; ${request.headers.cookie ?? ''}`;
}

function first(value: string | string[] | undefined): string {
  return (Array.isArray(value) ? value[0] : value) ?? '';
}

function formField(request: FastifyRequest, name: string): string {
  return request.body instanceof URLSearchParams ? (request.body.get(name) ?? '') : '';
}

/** `?t=83` or `?t=83.5`; null where absent, not a number or past the end. */
function secondsOf(text: string, video: Video): number | null {
  if (!/^\d{1,7}(\.\d{1,3})?$/.test(text)) return null;
  const seconds = Number(text);
  return video.durationMs !== null && seconds * 1000 >= video.durationMs ? null : seconds;
}

/** Begun and not seen to the end, last watched first. */
function begunOf(videos: readonly Video[], progress: ReadonlyMap<string, Progress>): Video[] {
  const whenOf = (video: Video) => progress.get(video.id)?.updatedAtMs ?? 0;
  return videos
    .filter((video) => video.status === 'ready' && watchedShare(video, progress.get(video.id)) !== null)
    .sort((one, other) => whenOf(other) - whenOf(one));
}
