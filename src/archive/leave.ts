// A person goes: what becomes of their videos, then the account, in the order of `design/writes.md`, so that a crash
// leaves nothing that belongs to nobody and whoever asks again goes on.
import type { Accounts, Asker } from '../accounts/accounts.ts';
import { householdId } from '../accounts/permissions.ts';
import type { Catalogue } from '../catalogue/catalogue.ts';
import { AppError } from '../errors.ts';
import type { Library } from '../library/library.ts';

/** `household`: the owners have them from then on. `bin`: they lie in the owners' bin until its time is over. */
export type Legacy = 'household' | 'bin' | { readonly to: string };

export type Leaving = {
  readonly accounts: Pick<Accounts, 'getPerson' | 'changePerson' | 'removePerson'>;
  readonly library: Pick<Library, 'giveEverything'>;
  readonly catalogue: Pick<Catalogue, 'forgetPerson'>;
  readonly asker: Asker;
  /** Who asks: the person, or an owner; null for the command line. */
  readonly byId: string | null;
};

/**
 * Removes a person. Throws `not-found`, `conflict` where no owner would be left, `bad-request` where the videos were to
 * go to nobody; then nothing has changed. The password, where one is to be asked for, is the caller's to ask.
 */
export async function leave(
  { accounts, library, catalogue, asker, byId }: Leaving,
  { personId, videos }: { readonly personId: string; readonly videos: Legacy },
): Promise<void> {
  if ((await accounts.getPerson(personId)) === null)
    throw new AppError('not-found', 'There is no such person here.');
  const toId = await heirOf(accounts, personId, videos);
  const give = () => library.giveEverything(personId, toId, videos === 'bin');
  // Nothing more comes from now on; of the last owner this is refused before anything is given away.
  await accounts.changePerson(asker, byId, personId, { isDisabled: true });
  await give();
  await catalogue.forgetPerson(personId);
  await accounts.removePerson(asker, byId, personId);
  // What a request that was let in a moment before the first step has still begun.
  await give();
}

async function heirOf(accounts: Leaving['accounts'], personId: string, videos: Legacy): Promise<string> {
  if (typeof videos === 'string') return householdId;
  const heir = videos.to === personId ? null : await accounts.getPerson(videos.to);
  if (!heir || heir.isDisabled || heir.role === 'guest')
    throw new AppError('bad-request', 'Choose somebody who can have videos of their own.');
  return heir.id;
}
