// /videos/:id/share, /folders/:id/share, /cameras/:id/share: with whom one thing is shared, as a plain form. The API's
// way to the same is `shares-api.ts`.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { AuditAction, Person } from '../../accounts/accounts.ts';
import { householdId, type Permission, type Viewer } from '../../accounts/permissions.ts';
import { householdAudience, type Shared } from '../../catalogue/catalogue.ts';
import { AppError } from '../../errors.ts';
import type { FormError } from '../../web/form-fields.ts';
import { type SharedThrough, sharedAddress, sharePage } from '../../web/pages/share-page.ts';
import { noteAct } from '../audit.ts';
import { needs, viewerOf } from '../permission.ts';
import type { Services } from '../services.ts';
import { audiencesOf } from '../shares.ts';
import { formErrorOf, formOf, type PageTools } from './page-form.ts';

type ById = {
  Params: { id: string };
  Querystring: Readonly<Record<string, string | string[] | undefined>>;
};

/** What is shared; `folderId`: the folder around it, where there is one. `ownerId` null: the house's. */
type Found = {
  readonly id: string;
  readonly name: string;
  readonly ownerId: string | null;
  readonly folderId: string | null;
};

type Kind = {
  readonly subject: Shared;
  readonly permission: Permission;
  readonly action: AuditAction;
  readonly find: (viewer: Viewer, id: string) => Promise<Found>;
};

/** Most people that a form names. */
const maxPeople = 200;

export function sharePageRoutes(
  app: FastifyInstance,
  services: Services,
  { viewOf, headers }: PageTools,
): void {
  const { access, accounts, cameras, clock, library, links } = services;
  const kinds: readonly Kind[] = [
    {
      ...{ subject: 'video', permission: 'videos:share', action: 'video-shared' },
      async find(viewer, id) {
        const video = await access.video(viewer, id, 'share');
        return { id: video.id, name: video.title, ownerId: video.ownerId, folderId: video.folderId };
      },
    },
    {
      ...{ subject: 'folder', permission: 'videos:share', action: 'folder-shared' },
      async find(viewer, id) {
        const folder = await access.folder(viewer, id, 'share');
        return { id: folder.id, name: folder.name, ownerId: folder.ownerId, folderId: folder.parentId };
      },
    },
    {
      ...{ subject: 'camera', permission: 'cameras:manage', action: 'camera-shared' },
      async find(_viewer, id) {
        const camera = cameras.get(id);
        if (!camera) throw new AppError('not-found', 'There is no such camera here.');
        return { id: camera.id, name: camera.name, ownerId: null, folderId: null };
      },
    },
  ];
  for (const kind of kinds) install(kind);

  function install({ subject, permission, action, find }: Kind): void {
    const url = `/${subject}s/:id/share`;
    const config = needs(permission);

    app.get<ById>(url, { config }, async (request, reply) => {
      const found = await find(viewerOf(request), request.params.id);
      // A camera that nobody said anything of is the household's.
      const byDefault = subject === 'camera' ? [householdAudience] : [];
      const audiences = (await library.getAudiences(subject, found.id)) ?? byDefault;
      return send(request, reply, { subject, found, audiences, error: null });
    });

    app.post<ById>(url, { config }, async (request, reply) => {
      const viewer = viewerOf(request);
      const found = await find(viewer, request.params.id);
      const form = formOf(request);
      const people = form.getAll('person').slice(0, maxPeople);
      const isHousehold = form.has('household');
      try {
        const audiences = await audiencesOf(services, viewer, { isHousehold, people });
        await library.setAudiences(subject, found.id, audiences);
      } catch (error) {
        const audiences = [...(isHousehold ? [householdAudience] : []), ...people];
        return send(request, reply, { subject, found, audiences, error: formErrorOf(reply, error) });
      }
      await noteAct(services, request, action, found.name);
      return reply.redirect(`${sharedAddress(subject, found.id)}/share?saved`, 303);
    });
  }

  async function send(
    request: FastifyRequest,
    reply: FastifyReply,
    {
      subject,
      found,
      audiences,
      error,
    }: { subject: Shared; found: Found; audiences: readonly string[]; error: FormError | null },
  ): Promise<FastifyReply> {
    const viewer = viewerOf(request);
    const { id, name, ownerId } = found;
    const everybody = await accounts.listPeople();
    // Those see it anyway: whose it is, and of a camera the owners.
    const isTheHouses = ownerId === null || ownerId === householdId;
    const people = everybody.filter(
      (person) => !person.isDisabled && person.id !== ownerId && !(isTheHouses && person.role === 'owner'),
    );
    const held = await links.list(viewer, { subject, subjectId: id });
    const page = sharePage(viewOf(request), {
      ...{ subject, id, name, isTheHouses, error },
      isHousehold: audiences.includes(householdAudience),
      people: people.map((person) => ({
        ...{ id: person.id, name: person.name, role: person.role },
        isChosen: audiences.includes(person.id),
      })),
      through: await sharedThrough(found, everybody),
      linkCount: held.filter(({ expiresAtMs }) => expiresAtMs === null || expiresAtMs > clock.nowMs()).length,
      isSaved: error === null && (request.query as ById['Querystring']).saved !== undefined,
    });
    return reply.headers({ ...headers, 'cache-control': 'private, no-store' }).send(page);
  }

  /** The folders around it that are shared, from the outermost on. */
  async function sharedThrough(
    { folderId }: Found,
    everybody: readonly Person[],
  ): Promise<readonly SharedThrough[]> {
    if (folderId === null) return [];
    const through: SharedThrough[] = [];
    for (const folder of await library.folderPath(folderId)) {
      const audiences = (await library.getAudiences('folder', folder.id)) ?? [];
      const names = everybody.filter(({ id }) => audiences.includes(id)).map(({ name }) => name);
      const isHousehold = audiences.includes(householdAudience);
      if (isHousehold || names.length > 0)
        through.push({ folderId: folder.id, name: folder.name, isHousehold, names });
    }
    return through;
  }
}
