// /videos/:id/share, /folders/:id/share, /cameras/:id/share: with whom one thing is shared, as a plain form. The API's
// way to the same is `shares-api.ts`.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Person } from '../../accounts/accounts.ts';
import { householdId, type Viewer } from '../../accounts/permissions.ts';
import { householdAudience, type Shared } from '../../catalogue/catalogue.ts';
import { AppError } from '../../errors.ts';
import type { FormError } from '../../web/form-fields.ts';
import { type SharedThrough, sharedAddress, sharePage } from '../../web/pages/share-page.ts';
import { needs, viewerOf } from '../permission.ts';
import type { Services } from '../services.ts';
import { audiencesNow, findShared, maxPeople, type SharedThing, shareKinds, shareWith } from '../shares.ts';
import { formErrorOf, formOf, type PageTools } from './page-form.ts';

type ById = {
  Params: { id: string };
  Querystring: Readonly<Record<string, string | string[] | undefined>>;
};

export function sharePageRoutes(
  app: FastifyInstance,
  services: Services,
  { viewOf, headers }: PageTools,
): void {
  const { accounts, clock, library, links } = services;

  for (const { subject, permission } of shareKinds) {
    const url = `/${subject}s/:id/share`;
    const config = needs(permission);

    app.get<ById>(url, { config }, async (request, reply) => {
      const thing = await find(viewerOf(request), subject, request.params.id);
      return send(request, reply, thing, { audiences: await audiencesNow(services, thing), error: null });
    });

    app.post<ById>(url, { config }, async (request, reply) => {
      const thing = await find(viewerOf(request), subject, request.params.id);
      const form = formOf(request);
      const people = form.getAll('person').slice(0, maxPeople);
      const isHousehold = form.has('household');
      try {
        await shareWith(services, request, thing, { isHousehold, people });
      } catch (error) {
        const audiences = [...(isHousehold ? [householdAudience] : []), ...people];
        return send(request, reply, thing, { audiences, error: formErrorOf(reply, error) });
      }
      return reply.redirect(`${sharedAddress(subject, thing.id)}/share?saved`, 303);
    });
  }

  /** Throws as `findShared`, and where there is nobody to share with. */
  async function find(viewer: Viewer, subject: Shared, id: string): Promise<SharedThing> {
    const thing = await findShared(services, viewer, subject, id);
    if (viewer.personId === householdId)
      throw new AppError(
        'not-found',
        'This Kinora has no accounts: everybody who reaches it sees everything.',
      );
    return thing;
  }

  async function send(
    request: FastifyRequest,
    reply: FastifyReply,
    thing: SharedThing,
    { audiences, error }: { readonly audiences: readonly string[]; readonly error: FormError | null },
  ): Promise<FastifyReply> {
    const viewer = viewerOf(request);
    const { subject, id, name, ownerId } = thing;
    const everybody = (await accounts.listPeople()).filter(({ isDisabled }) => !isDisabled);
    // Those see it anyway: whose it is, and of a camera the owners.
    const isTheHouses = ownerId === null || ownerId === householdId;
    const people = everybody.filter(
      (person) => person.id !== ownerId && !(isTheHouses && person.role === 'owner'),
    );
    const held = await audiencesNow(services, thing);
    const leading = await links.list(viewer, { subject, subjectId: id });
    const page = sharePage(viewOf(request), {
      ...{ subject, id, name, isTheHouses, error },
      isHousehold: audiences.includes(householdAudience),
      people: people.map((person) => ({
        ...{ id: person.id, name: person.name, role: person.role },
        isChosen: audiences.includes(person.id),
      })),
      now: { isHousehold: held.includes(householdAudience), names: namesOf(people, held) },
      through: await sharedThrough(thing, everybody),
      linkCount: leading.filter(({ expiresAtMs }) => expiresAtMs === null || expiresAtMs > clock.nowMs())
        .length,
      isSaved: error === null && (request.query as ById['Querystring']).saved !== undefined,
    });
    return reply.headers({ ...headers, 'cache-control': 'private, no-store' }).send(page);
  }

  /** The folders around it that are shared, from the outermost on. */
  async function sharedThrough(
    { folderId }: SharedThing,
    everybody: readonly Person[],
  ): Promise<readonly SharedThrough[]> {
    if (folderId === null) return [];
    const through: SharedThrough[] = [];
    for (const folder of await library.folderPath(folderId)) {
      const audiences = (await library.getAudiences('folder', folder.id)) ?? [];
      const names = namesOf(everybody, audiences);
      const isHousehold = audiences.includes(householdAudience);
      if (isHousehold || names.length > 0)
        through.push({ folderId: folder.id, name: folder.name, isHousehold, names });
    }
    return through;
  }
}

function namesOf(
  people: readonly Pick<Person, 'id' | 'name'>[],
  audiences: readonly string[],
): readonly string[] {
  return people.filter(({ id }) => audiences.includes(id)).map(({ name }) => name);
}
