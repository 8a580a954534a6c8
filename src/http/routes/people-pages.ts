// The owner's pages of people and invitations. Changes hold at once; links with a secret are shown once, on the page that
// made them.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Person } from '../../accounts/accounts.ts';
import { roles } from '../../accounts/permissions.ts';
import { leave } from '../../archive/leave.ts';
import { AppError } from '../../errors.ts';
import type { FormError } from '../../web/form-fields.ts';
import {
  type InvitePage,
  inviteDays,
  invitePage,
  type PersonForm,
  peoplePage,
  personPage,
  secretLinkPage,
} from '../../web/pages/people-page.ts';
import { qrCode } from '../../web/qr-code.ts';
import { reachableOrigin } from '../house-addresses.ts';
import { askerOf } from '../local-request.ts';
import { assertMayMake, needs, viewerOf } from '../permission.ts';
import type { Services } from '../services.ts';
import { type ById, fieldOf, first, formErrorOf, formOf, type PageTools, type Query } from './page-form.ts';

const people = { config: needs('people:manage') };
const dayMs = 86_400_000;
const gigabyte = 1_000_000_000;

const notices: Readonly<Record<string, string>> = {
  saved: 'Saved. It holds at once.',
  removed: 'The account is removed.',
  'taken-back': 'The invitation is taken back.',
};

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
    return send(reply, peoplePage(viewOf(request), { people: rows, invites, takesInvites, hasDoor, notice }));
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
