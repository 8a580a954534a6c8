// With whom a thing is shared, in the words of the wire: the household, and people by their ids and names. Nothing else
// of a person is told to others.
import type { Viewer } from '../accounts/permissions.ts';
import { householdAudience } from '../catalogue/catalogue.ts';
import { AppError } from '../errors.ts';
import { type Static, Type } from './schema.ts';
import type { Services } from './services.ts';

/** More than any household has people. */
const maxPeople = 200;

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
