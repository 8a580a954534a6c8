// Whose an upload becomes, where it will lie and who sees it from the start: what the client asks for, checked.
import { householdId, permits, type Viewer } from '../accounts/permissions.ts';
import { householdAudience } from '../catalogue/catalogue.ts';
import { AppError } from '../errors.ts';
import type { NewArrival } from '../library/library.ts';
import type { Services } from './services.ts';

export type UploadPlace = Pick<NewArrival, 'ownerId' | 'folderId' | 'audiences' | 'quotaBytes'>;

/** In the words of the form's fields and the tus metadata. Left out or empty: the top, and nobody else. */
export type WantedPlace = { readonly folder?: string | undefined; readonly share?: string | undefined };

/** Throws `not-found`, `forbidden` (the folder, sharing), `bad-request`. */
export async function uploadPlace(
  { access, accounts }: Pick<Services, 'access' | 'accounts'>,
  viewer: Viewer,
  { folder, share }: WantedPlace,
): Promise<UploadPlace> {
  if (share && share !== 'household')
    throw new AppError(
      'bad-request',
      'An upload can be shared with the “household”; with people once it is here.',
    );
  if (share && !permits(viewer, 'videos:share'))
    throw new AppError('forbidden', 'You may not share videos. The owner of this Kinora can change that.');
  // Asked anew for each upload: who was removed meanwhile leaves nothing behind that is nobody's.
  const person = viewer.personId === householdId ? null : await accounts.getPerson(viewer.personId);
  if (viewer.personId !== householdId && (person === null || person.isDisabled))
    throw new AppError('unauthorized', 'Your account is not here any more.');
  const into = folder ? await access.folder(viewer, folder, 'edit') : null;
  // What an owner puts into a folder of the household's is the household's.
  const ownerId = into?.ownerId ?? viewer.personId;
  return {
    ...{ ownerId, folderId: into?.id ?? null, audiences: share ? [householdAudience] : [] },
    quotaBytes: ownerId === viewer.personId ? (person?.quotaBytes ?? null) : null,
  };
}
