// How many bytes of videos a viewer may have.
import type { Accounts } from '../accounts/accounts.ts';
import { householdId, type Viewer } from '../accounts/permissions.ts';

/** null where not limited, as the household is not. */
export async function quotaOf(accounts: Accounts, viewer: Viewer): Promise<number | null> {
  if (viewer.personId === householdId) return null;
  return (await accounts.getPerson(viewer.personId))?.quotaBytes ?? null;
}
