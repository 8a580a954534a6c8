// The owner's pages: people, invitations, the audit log, and the settings page. Changes hold at once; links with a
// secret are shown once, on the page that made them.

import { once } from 'node:events';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { AuditEntry, Person } from '../../accounts/accounts.ts';
import { permits, roles } from '../../accounts/permissions.ts';
import { leave } from '../../archive/leave.ts';
import { AppError } from '../../errors.ts';
import { version } from '../../version.ts';
import type { FormError } from '../../web/form-fields.ts';
import { auditKinds, auditPage } from '../../web/pages/audit-page.ts';
import {
  type InvitePage,
  inviteDays,
  invitePage,
  type PersonForm,
  peoplePage,
  personPage,
  secretLinkPage,
} from '../../web/pages/people-page.ts';
import { type Door, settingsPage } from '../../web/pages/settings-page.ts';
import { qrCode } from '../../web/qr-code.ts';
import { themeCookieFor, themes, tvCookieFor } from '../../web/view.ts';
import { listAudit } from '../audit.ts';
import { houseAddresses, reachableOrigin } from '../house-addresses.ts';
import { askerOf } from '../local-request.ts';
import { assertMayMake, needs, viewerOf } from '../permission.ts';
import type { Services } from '../services.ts';
import { fieldOf, first, formErrorOf, formOf, type PageTools } from './page-form.ts';

type ById = { Params: { id: string } };
type Query = { Querystring: Readonly<Record<string, string | string[] | undefined>> };

const people = { config: needs('people:manage') };
const dayMs = 86_400_000;
const gigabyte = 1_000_000_000;

const notices: Readonly<Record<string, string>> = {
  saved: 'Saved. It holds at once.',
  removed: 'The account is removed.',
  'taken-back': 'The invitation is taken back.',
};

/** Lines of the audit log on one page, and read from the store at a time. */
const auditLimit = 100;
const auditSlice = 500;
/** A filter that finds little gives up the page after so many lines, and offers to go on from there. */
const auditScan = 5000;

/** Into the scope of the pages, which reads forms and refuses those of other sites. */
export function peoplePageRoutes(
  app: FastifyInstance,
  services: Services,
  { viewOf, headers }: PageTools,
): void {
  const { accounts, catalogue, config, library } = services;
  const pageHeaders = { ...headers, 'cache-control': 'no-store' };
  const send = (reply: FastifyReply, page: string) => reply.headers(pageHeaders).send(page);
  const asker = (request: FastifyRequest) => askerOf(request, config);
  const hasDoor = config.auth.mode === 'accounts';
  const takesInvites = hasDoor && config.auth.signUp !== 'closed';

  const personOf = async (id: string): Promise<Person> => {
    const person = await accounts.getPerson(id.slice(0, 100));
    if (!person) throw new AppError('not-found', 'There is no such person here.');
    return person;
  };

  app.get<Query>('/people', people, async (request, reply) => {
    const [list, invites] = await Promise.all([accounts.listPeople(), accounts.listInvites()]);
    const rows = await Promise.all(
      list.map(async (person) => ({ ...person, stored: await library.getUsage(person.id) })),
    );
    const done = first(request.query.done);
    const notice = Object.hasOwn(notices, done) ? notices[done]! : null;
    return send(reply, peoplePage(viewOf(request), { people: rows, invites, takesInvites, notice }));
  });

  const sendPerson = async (
    request: FastifyRequest<ById>,
    reply: FastifyReply,
    more: { readonly form?: PersonForm; readonly error?: FormError },
  ) => {
    const person = await personOf(request.params.id);
    const page = {
      ...{ person, stored: await library.getUsage(person.id), hasDoor, error: null },
      ...{ form: { role: person.role, quota: quotaText(person.quotaBytes) } },
      isSelf: viewerOf(request).personId === person.id,
      ...more,
    };
    return send(reply, personPage(viewOf(request), page));
  };
  app.get<ById>('/people/:id', people, (request, reply) => sendPerson(request, reply, {}));

  app.post<ById>('/people/:id', people, async (request, reply) => {
    const form = formOf(request);
    const typed = { role: fieldOf(form, 'role', 20), quota: fieldOf(form, 'quota', 12) };
    try {
      const { id } = await personOf(request.params.id);
      const changes = changesOf(typed);
      assertMayMake(viewerOf(request), changes.role);
      await accounts.changePerson(asker(request), viewerOf(request).personId, id, changes);
      return reply.redirect('/people?done=saved', 303);
    } catch (error) {
      return sendPerson(request, reply, {
        form: typed,
        error: formErrorOf(reply, error, { 'bad-request': 'quota' }),
      });
    }
  });

  app.post<ById>('/people/:id/switch', people, async (request, reply) => {
    const isDisabled = formOf(request).get('isDisabled') === '1';
    try {
      const { id } = await personOf(request.params.id);
      await accounts.changePerson(asker(request), viewerOf(request).personId, id, { isDisabled });
      return reply.redirect(`/people/${id}`, 303);
    } catch (error) {
      return sendPerson(request, reply, { error: formErrorOf(reply, error) });
    }
  });

  app.post<ById>('/people/:id/remove', people, async (request, reply) => {
    const byId = viewerOf(request).personId;
    try {
      const { id } = await personOf(request.params.id);
      if (id === byId) throw new AppError('conflict', 'Your own account is removed on its own page.');
      const videos = formOf(request).get('videos') === 'bin' ? 'bin' : 'household';
      await leave({ accounts, library, catalogue, asker: asker(request), byId }, { personId: id, videos });
      return reply.redirect('/people?done=removed', 303);
    } catch (error) {
      return sendPerson(request, reply, { error: formErrorOf(reply, error) });
    }
  });

  app.post<ById>('/people/:id/reset', people, async (request, reply) => {
    assertMayMake(viewerOf(request));
    const person = await personOf(request.params.id);
    const token = await accounts.makeResetToken(asker(request), viewerOf(request).personId, person.id);
    const address = `${reachableOrigin(request, config)}/reset?token=${encodeURIComponent(token)}`;
    return send(
      reply,
      secretLinkPage(viewOf(request), {
        title: 'A link to a new password',
        lead: `Hand it to ${person.name} alone: whoever opens it sets the password. It holds for a day, works once, and is shown this once.`,
        ...{ address, qr: await qrCode(address, 'The link, for a phone') },
      }),
    );
  });

  // --- Invitations.

  const sendInvite = (request: FastifyRequest, reply: FastifyReply, more: Partial<InvitePage>) => {
    const quota = quotaText(config.auth.quotaBytes);
    const page = { role: 'member', quota, note: '', days: '7', error: null, ...more };
    return send(reply, invitePage(viewOf(request), page));
  };
  app.get('/people/invite', people, async (request, reply) => sendInvite(request, reply, {}));
  app.post('/people/invite', people, async (request, reply) => {
    const form = formOf(request);
    const typed = { role: fieldOf(form, 'role', 20), quota: fieldOf(form, 'quota', 12) };
    const note = fieldOf(form, 'note', 100);
    const days = inviteDays.find((choice) => choice === form.get('days')) ?? '7';
    try {
      if (!takesInvites)
        throw new AppError('forbidden', 'New people are not taken here: KINORA_SIGN_UP is closed.');
      const changes = changesOf(typed);
      assertMayMake(viewerOf(request), changes.role);
      const { secret } = await accounts.invite(asker(request), viewerOf(request).personId, {
        ...{ ...changes, note, expiresAtMs: services.clock.nowMs() + Number(days) * dayMs },
      });
      const address = `${reachableOrigin(request, config)}/sign-up?invite=${encodeURIComponent(secret)}`;
      return send(
        reply,
        secretLinkPage(viewOf(request), {
          title: note ? `An invitation for ${note}` : 'An invitation',
          lead: 'Send this link, or let them point a phone’s camera at the picture. It makes one account, works once, and is shown this once.',
          ...{ address, qr: await qrCode(address, 'The invitation, for a phone') },
        }),
      );
    } catch (error) {
      return sendInvite(request, reply, {
        ...{ ...typed, note, days },
        error: formErrorOf(reply, error, { 'bad-request': 'quota' }),
      });
    }
  });
  app.post('/people/invites/remove', people, async (request, reply) => {
    await accounts.removeInvite(fieldOf(formOf(request), 'id'));
    return reply.redirect('/people?done=taken-back', 303);
  });

  // --- What was done.

  type Filter = { readonly personId: string; readonly kind: string };
  const filterOf = (request: FastifyRequest): Filter => {
    const query = request.query as Query['Querystring'];
    return { personId: first(query.person).slice(0, 100), kind: first(query.kind).slice(0, 40) };
  };
  const matches = ({ personId, kind }: Filter) => {
    const actions = auditKinds.find(({ value }) => value === kind)?.actions;
    return (entry: AuditEntry) =>
      (personId === '' || entry.personId === personId) && (!actions || actions.includes(entry.action));
  };

  app.get<Query>('/audit', { config: needs('audit:read') }, async (request, reply) => {
    const filter = filterOf(request);
    const isShown = matches(filter);
    const entries: AuditEntry[] = [];
    let [seen, before, isLast] = [0, Number.NaN, true];
    for await (const entry of readAudit(services, momentOf(first(request.query.before)))) {
      // Those of the same moment are not torn apart: the next page begins before a moment.
      if ((entries.length >= auditLimit || seen >= auditScan) && entry.atMs < before) {
        isLast = false;
        break;
      }
      [seen, before] = [seen + 1, entry.atMs];
      if (isShown(entry)) entries.push(entry);
    }
    const query = new URLSearchParams({ person: filter.personId, kind: filter.kind, before: String(before) });
    const page = { entries, people: await accounts.listPeople(), ...filter };
    return send(reply, auditPage(viewOf(request), { ...page, olderAt: isLast ? null : `/audit?${query}` }));
  });

  app.get<Query>('/audit.ndjson', { config: needs('audit:read') }, async (request, reply) => {
    const isShown = matches(filterOf(request));
    reply.hijack();
    const { raw } = reply;
    raw.writeHead(200, {
      'content-type': 'application/x-ndjson; charset=utf-8',
      'content-disposition': 'attachment; filename="kinora-audit.ndjson"',
      'cache-control': 'no-store',
    });
    for await (const entry of readAudit(services, Number.MAX_SAFE_INTEGER)) {
      if (raw.destroyed) return;
      if (isShown(entry) && !raw.write(`${JSON.stringify(entry)}\n`))
        await Promise.race([once(raw, 'drain'), once(raw, 'close')]);
    }
    raw.end();
  });

  // --- Settings.

  app.get('/settings', { config: needs('self') }, async (request, reply) => {
    const viewer = viewerOf(request);
    const isHouses = permits(viewer, 'settings:manage');
    const page = settingsPage(viewOf(request), {
      version,
      videoCount: isHouses ? await catalogue.countVideos() : (await library.getUsage(viewer.personId)).videos,
      room: isHouses ? await services.blobs.room() : null,
      reserveBytes: config.data.reserveBytes,
      door: isHouses ? await doorOf(request) : null,
    });
    return reply.headers(headers).send(page);
  });
  const doorOf = async (request: FastifyRequest): Promise<Door> => {
    const { mode, signUp } = config.auth;
    const addresses = houseAddresses(request, config);
    const [main] = addresses;
    return {
      ...{ mode, signUp, addresses },
      people: mode === 'none' ? 0 : (await accounts.listPeople()).length,
      qr: main === undefined ? null : await qrCode(main, `Opens ${main}`),
    };
  };
  app.post('/settings', { config: needs('self') }, async (request, reply) => {
    const form = formOf(request);
    const theme = themes.find((candidate) => candidate === form.get('theme'));
    if (theme) reply.header('set-cookie', themeCookieFor(theme));
    const tv = form.get('tv');
    if (tv) reply.header('set-cookie', tvCookieFor(tv === '1'));
    return reply.redirect('/settings', 303);
  });
}

/** The log before a moment, newest first, read in slices. */
async function* readAudit(services: Services, beforeMs: number): AsyncGenerator<AuditEntry> {
  for (let before = beforeMs; ; ) {
    const slice = await listAudit(services, before, auditSlice);
    const oldest = slice.at(-1)?.atMs ?? 0;
    const isWhole = slice.length < auditSlice;
    // The slice may end amid those of one moment: these come with the next one, unless it holds nothing else.
    const edge = isWhole || slice[0]?.atMs === oldest ? -1 : oldest;
    for (const entry of slice) if (entry.atMs > edge) yield entry;
    if (isWhole) return;
    before = edge < 0 ? oldest : edge + 1;
  }
}

/** Bytes as the field shows them: `50`, `2.5`; empty where not limited. */
function quotaText(bytes: number | null): string {
  return bytes === null ? '' : String(Math.round((bytes / gigabyte) * 1000) / 1000);
}

/** What was typed, checked. Throws `bad-request`. */
function changesOf({ role, quota }: PersonForm) {
  const known = roles.find((candidate) => candidate === role);
  if (!known) throw new AppError('bad-request', 'There is no such role.');
  if (quota === '') return { role: known, quotaBytes: null };
  const text = quota.replace(',', '.');
  if (!/^\d{1,7}(\.\d{1,3})?$/.test(text))
    throw new AppError(
      'bad-request',
      'Room is a number of gigabytes, such as 50 or 2.5. Leave it empty for no limit.',
    );
  return { role: known, quotaBytes: Math.round(Number(text) * gigabyte) };
}

function momentOf(text: string): number {
  return /^\d{1,16}$/.test(text) ? Number(text) : Number.MAX_SAFE_INTEGER;
}
