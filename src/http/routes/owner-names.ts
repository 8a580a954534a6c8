// Whose a thing is, and who could share one, by name: what people are told of each other in lists and on pages.
import { householdId, type Role, type Viewer } from '../../accounts/permissions.ts';
import { isAppError } from '../../errors.ts';
import type { Services } from '../services.ts';

/** The names of these owners, the viewer's own things aside; none where nobody can be asked just now. */
export async function ownerNamesOf(
  { access, accounts }: Pick<Services, 'access' | 'accounts'>,
  viewer: Viewer,
  ownerIds: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const others = new Set(ownerIds.filter((id) => !access.isOwn(viewer, id)));
  const names = new Map<string, string>();
  if (others.size === 0 || viewer.personId === householdId) return names;
  if (others.has(householdId)) names.set(householdId, 'Household');
  try {
    for (const { id, name } of await accounts.listPeople()) if (others.has(id)) names.set(id, name);
  } catch (error) {
    if (!isAppError(error, 'unavailable')) throw error;
  }
  return names;
}

/** Somebody else of the house, as far as others are told. */
export type OtherPerson = { readonly id: string; readonly name: string; readonly role: Role };

/** Everybody else who can log in; none where everybody is the household, or nobody can be asked just now. */
export async function otherPeople(
  { accounts }: Pick<Services, 'accounts'>,
  viewer: Viewer,
): Promise<readonly OtherPerson[]> {
  if (viewer.personId === householdId) return [];
  try {
    return (await accounts.listPeople())
      .filter(({ id, isDisabled }) => id !== viewer.personId && !isDisabled)
      .map(({ id, name, role }) => ({ id, name, role }));
  } catch (error) {
    if (isAppError(error, 'unavailable')) return [];
    throw error;
  }
}

/** The names of those who could share something with the viewer. */
export async function namesOfSharers(
  services: Pick<Services, 'accounts'>,
  viewer: Viewer,
): Promise<readonly string[]> {
  return (await otherPeople(services, viewer))
    .filter(({ role }) => role === 'owner' || role === 'member')
    .map(({ name }) => name);
}
