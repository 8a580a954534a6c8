// The pages and their plain forms. Every form answers 303 to a page, so that it works without scripts and a reload
// repeats nothing.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Viewer } from '../../accounts/permissions.ts';
import type { Video } from '../../catalogue/catalogue.ts';
import { loadAssets } from '../../web/assets.ts';
import { createFormatsByLanguage } from '../../web/formats.ts';
import { cameraPage, camerasPage } from '../../web/pages/camera-pages.ts';
import { homePage } from '../../web/pages/home-page.ts';
import { createView, tvCookieFor, type View } from '../../web/view.ts';
import { needs, viewerOf } from '../permission.ts';
import { pageHeaders } from '../policy.ts';
import { seenCamera } from '../seen-camera.ts';
import type { Services } from '../services.ts';
import { accountPageRoutes } from './account-pages.ts';
import { assetRoutes } from './assets.ts';
import { auditPageRoutes } from './audit-pages.ts';
import { cameraPageRoutes } from './camera-pages.ts';
import { linkPageRoutes } from './link-pages.ts';
import { linkRoutes } from './links.ts';
import { listPageRoutes } from './list-pages.ts';
import { logInPageRoutes } from './log-in-pages.ts';
import { myDataRoutes } from './my-data.ts';
import { namesOfSharers, ownerNamesOf } from './owner-names.ts';
import { type ById, first, type Query } from './page-form.ts';
import { peoplePageRoutes } from './people-pages.ts';
import { settingsPageRoutes } from './settings-pages.ts';
import { sharePageRoutes } from './share-pages.ts';
import { televisionPageRoutes } from './television-pages.ts';
import { uploadPageRoutes } from './upload-page.ts';
import { videoPageRoutes } from './video-pages.ts';

/** How much the first page shows of what was begun and of what others share. */
const begunLimit = 4;
const sharedLimit = 6;
/** Fills its rows at every width: the grid there has 1, 2, 3, 4 or 6 columns. */
const newestLimit = 12;
/** Bytes of a form without files: the ids of a thousand picked videos. */
const formLimitBytes = 65_536;

/** Adds the pages, their forms and their assets. */
export async function pageRoutes(app: FastifyInstance, services: Services): Promise<void> {
  const { access, clock, library, cameras } = services;
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
      const list = { after: null, query: '', sight };
      const [begun, { items: newest }, { items: others }] = await Promise.all([
        library.listBegun(viewer.personId, sight, begunLimit),
        library.listVideos({ ...list, limit: newestLimit }),
        library.listVideos({ ...list, limit: newestLimit, whose: 'others' }),
      ]);
      // Where most is others' anyway, once is enough.
      const isSaid = others.every(({ id }) => newest.some((video) => video.id === id));
      const shared = isSaid ? [] : others.slice(0, sharedLimit);
      const all = [...begun, ...newest, ...shared];
      const ids = all.map(({ id }) => id);
      const page = homePage(viewOf(request), {
        ...{ begun, newest, shared },
        progress: await progressOf(viewer, all),
        marks: await library.getMarks(viewer.personId, ids),
        ownerNames: await ownerNamesOf(
          services,
          viewer,
          all.map(({ ownerId }) => ownerId),
        ),
        cameras: await seenCameras(viewer),
        sharers: newest.length === 0 ? await namesOfSharers(services, viewer) : [],
      });
      return reply.headers(headers).send(page);
    });

    scope.get('/cameras', { config: needs('cameras:watch') }, async (request, reply) =>
      reply.headers(headers).send(camerasPage(viewOf(request), await seenCameras(viewerOf(request)))),
    );
    scope.get<ById>('/cameras/:id', { config: needs('cameras:watch') }, async (request, reply) => {
      const viewer = viewerOf(request);
      const camera = await seenCamera(services, request, request.params.id);
      const others = (await seenCameras(viewer)).filter((other) => other.id !== camera.id);
      return reply.headers(headers).send(cameraPage(viewOf(request), camera, others));
    });

    cameraPageRoutes(scope, services, { viewOf, headers });
    linkPageRoutes(scope, services, { viewOf, headers });
    await linkRoutes(scope, services, { viewOf, headers });

    const tools = { viewOf, headers };
    uploadPageRoutes(scope, services, tools);
    sharePageRoutes(scope, services, tools);
    videoPageRoutes(scope, services, tools);
    listPageRoutes(scope, services, tools);
    logInPageRoutes(scope, services, tools);
    televisionPageRoutes(scope, services, tools);
    accountPageRoutes(scope, services, tools);
    peoplePageRoutes(scope, services, tools);
    auditPageRoutes(scope, services, tools);
    settingsPageRoutes(scope, services, tools);
    await myDataRoutes(scope, services, tools);
  });
  assetRoutes(app, assets);
}

/** `?tv` turns television mode on and keeps it, `?tv=0` off; the same request already shows it. */
function keepTv(request: FastifyRequest, reply: FastifyReply): void {
  const wanted = (request.query as Query['Querystring']).tv;
  if (request.method !== 'GET' || wanted === undefined) return;
  const cookie = tvCookieFor(first(wanted) !== '0');
  reply.header('set-cookie', cookie);
  request.headers.cookie = `${cookie.split(';', 1)[0]}; ${request.headers.cookie ?? ''}`;
}
