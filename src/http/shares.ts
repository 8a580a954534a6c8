// With whom a thing is shared, in the words of the wire: the household, and people by their ids and names. Nothing else
// of a person is told to others. The API and the share pages both come here.
import type { FastifyRequest } from 'fastify';
import type { AuditAction } from '../accounts/accounts.ts';
import type { Permission, Viewer } from '../accounts/permissions.ts';
import { householdAudience, type Shared } from '../catalogue/catalogue.ts';
import { AppError } from '../errors.ts';
import { noteAct } from './audit.ts';
import { viewerOf } from './permission.ts';
import { type Static, Type } from './schema.ts';
import type { Services } from './services.ts';

/** More than any household has people. */
export const maxPeople = 200;

const PersonName = Type.Object({ id: Type.String(), name: Type.String() });

export const SharesBody = Type.Object({
  isHousehold: Type.Boolean({ description: 'Everybody of the household but children' }),
  people: Type.Array(PersonName),
  others: Type.Array(PersonName, { description: 'Whom it could be shared with as well' }),
});
export const SharesChange = Type.Object(
  {
    isHousehold: Type.Optional(Type.Boolean()),
    people: Type.Optional(
      Type.Array(Type.String({ maxLength: 64 }), { maxItems: maxPeople, description: 'Ids of people' }),
    ),
  },
  { additionalProperties: false },
);

/** What can be shared, and what sharing it needs; whose it is comes on top of that (`findShared`). */
export const shareKinds: readonly { readonly subject: Shared; readonly permission: Permission }[] = [
  { subject: 'video', permission: 'videos:share' },
  { subject: 'folder', permission: 'videos:share' },
  { subject: 'camera', permission: 'cameras:manage' },
];

const auditActionFor: Readonly<Record<Shared, AuditAction>> = {
  video: 'video-shared',
  folder: 'folder-shared',
  camera: 'camera-shared',
};

/** One thing that somebody may share. */
export type SharedThing = {
  readonly subject: Shared;
  readonly id: string;
  /** As people call it. */
  readonly name: string;
  /** null for a camera: it is the house's. */
  readonly ownerId: string | null;
  /** The folder around it; null where there is none. */
  readonly folderId: string | null;
};

/** Throws `not-found` where the viewer may not see it, `forbidden` where it is another's. */
export async function findShared(
  { access, cameras }: Pick<Services, 'access' | 'cameras'>,
  viewer: Viewer,
  subject: Shared,
  wantedId: string,
): Promise<SharedThing> {
  if (subject === 'camera') {
    const camera = cameras.get(wantedId);
    if (!camera) throw new AppError('not-found', 'There is no such camera here.');
    return { subject, id: camera.id, name: camera.name, ownerId: null, folderId: null };
  }
  if (subject === 'folder') {
    const { id, name, ownerId, parentId } = await access.folder(viewer, wantedId, 'share');
    return { subject, id, name, ownerId, folderId: parentId };
  }
  const { id, title, ownerId, folderId } = await access.video(viewer, wantedId, 'share');
  return { subject, id, name: title, ownerId, folderId };
}

/** With whom it is shared itself, folders around it aside. A camera that nobody said anything of is the household's. */
export async function audiencesNow(
  { library }: Pick<Services, 'library'>,
  { subject, id }: SharedThing,
): Promise<readonly string[]> {
  return (await library.getAudiences(subject, id)) ?? (subject === 'camera' ? [householdAudience] : []);
}

/** Shares it with these and nobody else, at once, and notes it in the audit log. Throws as `audiencesOf`. */
export async function shareWith(
  services: Services,
  request: FastifyRequest,
  { subject, id, name }: SharedThing,
  change: Static<typeof SharesChange>,
): Promise<void> {
  const audiences = await audiencesOf(services, viewerOf(request), change);
  await services.library.setAudiences(subject, id, audiences);
  await noteAct(services, request, auditActionFor[subject], name);
}

/**
 * As the catalogue keeps it. What is not said is shared with nobody; oneself is left out. Throws `bad-request` where
 * nothing is said, or for somebody who is not here.
 */
export async function audiencesOf(
  { accounts }: Pick<Services, 'accounts'>,
  viewer: Viewer,
  { isHousehold, people }: Static<typeof SharesChange>,
): Promise<string[]> {
  if (isHousehold === undefined && people === undefined)
    throw new AppError('bad-request', 'Say with whom: “isHousehold”, “people”.');
  const wanted = new Set(people);
  wanted.delete(viewer.personId);
  const known = new Set(wanted.size === 0 ? [] : (await accounts.listPeople()).map(({ id }) => id));
  for (const id of wanted)
    if (!known.has(id)) throw new AppError('bad-request', 'Somebody this was to be shared with is not here.');
  return [...(isHousehold ? [householdAudience] : []), ...wanted];
}

/** Of those that are kept. Who left since is not named. */
export async function sharesOf(
  { accounts }: Pick<Services, 'accounts'>,
  audiences: readonly string[],
  ownerId: string | null,
): Promise<Static<typeof SharesBody>> {
  const people = (await accounts.listPeople())
    .filter(({ id, isDisabled }) => id !== ownerId && !isDisabled)
    .map(({ id, name }) => ({ id, name }));
  return {
    isHousehold: audiences.includes(householdAudience),
    people: people.filter(({ id }) => audiences.includes(id)),
    others: people.filter(({ id }) => !audiences.includes(id)),
  };
}
