// Whose a thing is, by name: what people are told of each other in lists and on pages.
import { householdId, type Viewer } from '../../accounts/permissions.ts';
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
