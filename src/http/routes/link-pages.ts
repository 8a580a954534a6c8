// The pages on which guest links are made, listed and ended: /videos/:id/links, /folders/:id/links, /cameras/:id/links
// and /account/links. A new link's secret travels once, in a cookie of its own page, to the page that shows it.
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { NewLink } from '../../accounts/guest-links.ts';
import type { Permission } from '../../accounts/permissions.ts';
import type { GuestLink } from '../../catalogue/catalogue.ts';
import { AppError, errorStatus, isAppError } from '../../errors.ts';
import { formatDuration } from '../../web/formats.ts';
import {
  emptyLinkForm,
  type LinkFormValues,
  type LinkSubject,
  lastings,
  linkListPage,
  ownLinksPage,
  subjectAddress,
} from '../../web/pages/link-list-page.ts';
import { askerOf, originOf } from '../local-request.ts';
import { needs, viewerOf } from '../permission.ts';
import type { Services } from '../services.ts';
import type { ById, PageTools } from './page-form.ts';

const madeCookie = 'kinora.link';
/** From the form to the page that shows the link. */
const madeSeconds = 60;

const kinds: readonly { readonly subject: GuestLink['subject']; readonly permission: Permission }[] = [
  { subject: 'video', permission: 'videos:share' },
  { subject: 'folder', permission: 'videos:share' },
  { subject: 'camera', permission: 'cameras:manage' },
];

/** Into the scope of the pages, which reads forms. */
export function linkPageRoutes(app: FastifyInstance, services: Services, tools: PageTools): void {
  const { access, cameras, clock, config, links } = services;
  const { viewOf } = tools;
  const headers = {
    ...tools.headers,
    'cache-control': 'private, no-store',
    'referrer-policy': 'no-referrer',
  };

  const describe = async (
    request: FastifyRequest,
    subject: GuestLink['subject'],
    id: string,
  ): Promise<LinkSubject> => {
    const viewer = viewerOf(request);
    if (subject === 'video') {
      const { title, durationMs, playback, indexId } = await access.video(viewer, id, 'share');
      const canBeCut = playback.viewType !== null && indexId !== null;
      return { subject, id, name: title, durationMs: canBeCut ? durationMs : null };
    }
    if (subject === 'folder') {
      const { name } = await access.folder(viewer, id, 'share');
      return { subject, id, name, durationMs: null };
    }
    const camera = cameras.get(id);
    if (!camera) throw new AppError('not-found', 'There is no such camera here.');
    return { subject, id, name: camera.name, durationMs: null };
  };

  for (const { subject, permission } of kinds) {
    const url = `/${subject}s/:id/links`;

    app.get<ById>(url, { config: needs(permission) }, async (request, reply) => {
      const of = await describe(request, subject, request.params.id);
      const secret = madeSecret(request);
      const address = `${subjectAddress(of)}/links`;
      // Shown once: a reload has it no more.
      if (secret !== null) reply.header('set-cookie', madeCookieFor(request, address, null));
      const madeUrl = secret === null ? null : `${originOf(request, config)}/l/${secret}`;
      const page = await linkListPage(viewOf(request), {
        ...{ of, madeUrl, values: stretchOf(request), error: null },
        links: await links.list(viewerOf(request), { subject, subjectId: of.id }),
      });
      return reply.headers(headers).send(page);
    });

    app.post<ById>(url, { config: needs(permission) }, async (request, reply) => {
      const of = await describe(request, subject, request.params.id);
      const form = request.body instanceof URLSearchParams ? request.body : new URLSearchParams();
      try {
        const wanted = linkOfForm(form, of, clock.nowMs());
        const { secret } = await links.make(viewerOf(request), wanted, askerOf(request, config).address);
        const address = `${subjectAddress(of)}/links`;
        return reply.header('set-cookie', madeCookieFor(request, address, secret)).redirect(address, 303);
      } catch (error) {
        if (!isAppError(error)) throw error;
        const page = await linkListPage(viewOf(request), {
          ...{ of, madeUrl: null, values: valuesOf(form), error: error.message },
          links: await links.list(viewerOf(request), { subject, subjectId: of.id }),
        });
        return reply.code(errorStatus[error.kind]).headers(headers).send(page);
      }
    });
  }

  app.get('/account/links', { config: needs('videos:share') }, async (request, reply) => {
    const own = await links.list(viewerOf(request));
    const named = await Promise.all(own.map(async (link) => ({ link, name: await links.nameOf(link) })));
    return reply.headers(headers).send(ownLinksPage(viewOf(request), named));
  });

  app.post<ById>('/account/links/:id/end', { config: needs('videos:share') }, async (request, reply) => {
    await links.end(viewerOf(request), request.params.id, askerOf(request, config).address);
    const back = request.body instanceof URLSearchParams ? (request.body.get('back') ?? '') : '';
    const isOurs = /^\/(videos|folders|cameras)\/[\w%.~-]{1,200}\/links$/.test(back);
    return reply.redirect(isOurs ? back : '/account/links', 303);
  });

  function madeCookieFor(request: FastifyRequest, path: string, secret: string | null): string {
    const secure = originOf(request, config).startsWith('https:') ? '; Secure' : '';
    const age = secret === null ? 0 : madeSeconds;
    return `${madeCookie}=${secret ?? ''}; Path=${path}; Max-Age=${age}; HttpOnly; SameSite=Strict${secure}`;
  }
}

/** The secret of the link made just now; null where there is none. */
function madeSecret(request: FastifyRequest): string | null {
  const [, secret] = /(?:^|;\s*)kinora\.link=([\w-]{27})(?:;|$)/.exec(request.headers.cookie ?? '') ?? [];
  return secret ?? null;
}

/** The form with a stretch that the player's page asks for: `?start=83`, seconds. */
function stretchOf({ query }: FastifyRequest): LinkFormValues {
  const { start, end } = query as Record<string, unknown>;
  const time = (value: unknown) =>
    typeof value === 'string' && /^\d{1,6}$/.test(value) ? formatDuration(Number(value) * 1000) : '';
  return { ...emptyLinkForm, start: time(start), end: time(end) };
}

/** What was sent, to be shown again; never the password. */
function valuesOf(form: URLSearchParams): LinkFormValues {
  const text = (name: string) => (form.get(name) ?? '').slice(0, 200);
  return {
    ...{ note: text('note'), lasts: text('lasts'), start: text('start'), end: text('end') },
    ...{ visits: text('visits'), download: text('download') },
  };
}

/** Throws `bad-request` for what cannot be read; what can be is checked where links are made. */
function linkOfForm(form: URLSearchParams, { subject, id }: LinkSubject, nowMs: number): NewLink {
  const { note, lasts, start, end, visits, download } = valuesOf(form);
  const lasting = lastings.find(({ seconds }) => seconds === lasts);
  if (!lasting) throw new AppError('bad-request', 'Choose how long the link is to last.');
  if (visits.trim() !== '' && !/^\d{1,5}$/.test(visits.trim()))
    throw new AppError('bad-request', 'The number of visitors is a whole number, or left empty.');
  return {
    ...{ subject, subjectId: id, note, password: form.get('password') || null },
    ...{ startSeconds: secondsOf(start), endSeconds: secondsOf(end) },
    expiresAtMs: lasting.seconds === '' ? null : nowMs + Number(lasting.seconds) * 1000,
    maxVisits: visits.trim() === '' ? null : Number(visits),
    allowsDownload: download === '1',
  };
}

/** `1:02:09`, `1:05`, `83.5`; null where empty. */
function secondsOf(text: string): number | null {
  const trimmed = text.trim();
  if (trimmed === '') return null;
  const [, hours = '0', minutes = '0', seconds] =
    /^(?:(?:(\d{1,3}):)?(\d{1,4}):)?(\d{1,6}(?:\.\d{1,3})?)$/.exec(trimmed) ?? [];
  if (seconds === undefined)
    throw new AppError('bad-request', 'Write a moment as 1:05 (a minute and 5 seconds) or 1:02:09.');
  return Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds);
}
