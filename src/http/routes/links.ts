// /l/SECRET: what somebody without an account sees of one video, a stretch of it, a folder or a camera. Everything of a
// link is below its own address, and what is below it is asked of the link alone; design/links.md says why so.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { GuestLink } from '../../catalogue/catalogue.ts';
import { AppError, errorStatus, isAppError } from '../../errors.ts';
import { linkCameraPage } from '../../web/pages/link-camera-page.ts';
import { linkDoorPage, linkErrorPage } from '../../web/pages/link-door-page.ts';
import { linkFolderPage } from '../../web/pages/link-folder-page.ts';
import { linkVideoPage } from '../../web/pages/link-video-page.ts';
import type { View } from '../../web/view.ts';
import { wantsPage } from '../errors.ts';
import { askerOf } from '../local-request.ts';
import { needs } from '../permission.ts';
import { problemOf } from '../problem.ts';
import type { Services } from '../services.ts';
import { linkBytesRoutes } from './link-bytes.ts';
import { linkCameraRoutes } from './link-camera.ts';
import { type BySecret, createLinkEntry, secretOf } from './link-entry.ts';
import type { PageTools, Query } from './page-form.ts';

type ById = { Params: { secret: string; id: string } };

/** Into the scope of the pages, which reads forms. */
export async function linkRoutes(app: FastifyInstance, services: Services, tools: PageTools): Promise<void> {
  const { cameras, config, links } = services;
  const entry = createLinkEntry(services);
  const headers = {
    ...tools.headers,
    'cache-control': 'private, no-store',
    'referrer-policy': 'no-referrer',
  };
  // Whoever looks is a visitor here, logged in or not.
  const viewOf = (request: FastifyRequest): View => ({
    ...tools.viewOf(request),
    ...{ viewer: null, can: () => false },
  });
  const homeOf = (request: FastifyRequest) => `/l/${encodeURIComponent(secretOf(request))}`;

  await app.register(async (scope) => {
    scope.addHook('onRequest', (_request, reply, done) => {
      // Of every answer below a link, the bytes too: nobody is told its address, and no search engine keeps it.
      reply.raw.setHeader('Referrer-Policy', 'no-referrer');
      reply.raw.setHeader('X-Robots-Tag', 'noindex, nofollow');
      done();
    });
    scope.setErrorHandler((error, request, reply) => {
      if (!isAppError(error) || !wantsPage(request)) throw error;
      // Somebody with the link of something inside, who was not let in yet.
      if (error.kind === 'unauthorized' && request.method === 'GET')
        return reply.redirect(homeOf(request), 303);
      reply.code(errorStatus[error.kind]).headers(headers);
      if (error.retryAfterSeconds !== null) reply.header('retry-after', error.retryAfterSeconds);
      return reply.send(linkErrorPage(viewOf(request), problemOf(error), homeOf(request)));
    });

    scope.get<BySecret & Query>('/l/:secret', { config: needs('link') }, async (request, reply) => {
      const { link, hasPass } = await entry.visitor(request);
      reply.headers(headers);
      return reply.send(hasPass ? await contentPage(request, link) : await doorPage(request, link, null));
    });

    scope.post<BySecret>('/l/:secret', { config: needs('link') }, async (request, reply) => {
      const { link, hasPass } = await entry.visitor(request);
      if (hasPass) return reply.redirect(homeOf(request), 303);
      const { address } = askerOf(request, config);
      const password = request.body instanceof URLSearchParams ? request.body.get('password') : null;
      try {
        const { pass } = await links.enter(link, { password, address });
        return reply.header('set-cookie', entry.cookie(request, link, pass)).redirect(homeOf(request), 303);
      } catch (error) {
        if (!isAppError(error, 'unauthorized') && !isAppError(error, 'too-many')) throw error;
        return sendDoorAgain(request, reply, link, error);
      }
    });

    scope.get<ById & Query>('/l/:secret/folders/:id', { config: needs('link') }, async (request, reply) => {
      const link = await entry.entered(request);
      return reply.headers(headers).send(await folderPage(request, link, request.params.id));
    });

    scope.get<ById>('/l/:secret/videos/:id', { config: needs('link') }, async (request, reply) => {
      const link = await entry.entered(request);
      return reply.headers(headers).send(await videoPage(request, link, request.params.id));
    });

    linkBytesRoutes(scope, services, entry);
    linkCameraRoutes(scope, services, entry);

    // Whatever else stands below a link is nothing, said in the words of links and with their headers.
    scope.all('/l/:secret/*', { config: needs('link') }, () => {
      throw new AppError('not-found', 'This link does not lead there.');
    });
  });

  async function doorPage(request: FastifyRequest, link: GuestLink, error: AppError | null): Promise<string> {
    const { expiresAtMs, subject } = link;
    const needsPassword = link.passwordHash !== null;
    // With a password even the name is behind it.
    const name = needsPassword ? null : await nameOf(link);
    const content = { home: homeOf(request), subject, name, needsPassword, expiresAtMs };
    return linkDoorPage(viewOf(request), content, error?.message ?? null);
  }

  async function sendDoorAgain(
    request: FastifyRequest,
    reply: FastifyReply,
    link: GuestLink,
    error: AppError,
  ) {
    if (!wantsPage(request)) throw error;
    reply.code(errorStatus[error.kind]).headers(headers);
    if (error.retryAfterSeconds !== null) reply.header('retry-after', error.retryAfterSeconds);
    return reply.send(await doorPage(request, link, error));
  }

  async function nameOf(link: GuestLink): Promise<string> {
    if (link.subject === 'video') return (await links.video(link, null)).title;
    if (link.subject === 'folder') return (await links.folder(link, null, null)).folder.name;
    return cameras.get(link.subjectId)?.name ?? '';
  }

  function contentPage(request: FastifyRequest, link: GuestLink): Promise<string> {
    if (link.subject === 'video') return videoPage(request, link, null);
    if (link.subject === 'folder') return folderPage(request, link, null);
    return cameraPage(request, link);
  }

  async function videoPage(
    request: FastifyRequest,
    link: GuestLink,
    videoId: string | null,
  ): Promise<string> {
    const video = await links.video(link, videoId);
    return linkVideoPage(viewOf(request), {
      home: homeOf(request),
      link,
      video,
      isInFolder: videoId !== null,
    });
  }

  async function folderPage(
    request: FastifyRequest,
    link: GuestLink,
    folderId: string | null,
  ): Promise<string> {
    const { after } = request.query as Query['Querystring'];
    const shown = await links.folder(link, folderId, typeof after === 'string' && after ? after : null);
    return linkFolderPage(viewOf(request), { home: homeOf(request), link, shown });
  }

  async function cameraPage(request: FastifyRequest, link: GuestLink): Promise<string> {
    const camera = cameras.get(link.subjectId);
    if (!camera) throw new AppError('not-found', 'This camera is not here any more.');
    return linkCameraPage(viewOf(request), { home: homeOf(request), link, camera });
  }
}
