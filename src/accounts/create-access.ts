// Who may see and do what, by the catalogue's word on whose a thing is and whom it is shared with. What a video's
// bytes need is remembered until the catalogue's revision moves: bounded, and a look-up for each range.
import type { Catalogue, Shared, Sight } from '../catalogue/catalogue.ts';
import { householdAudience } from '../catalogue/sharing.ts';
import { AppError } from '../errors.ts';
import { isId } from '../ids.ts';
import type { Access, Act } from './access.ts';
import { householdId, permits, type Viewer } from './permissions.ts';

/** Of viewers and videos together; some 100 bytes each. */
const maxRemembered = 20_000;

type Asked = Pick<Catalogue, 'getVideo' | 'getFolder' | 'getSharing' | 'accessRevision'>;

export function createAccess({ catalogue }: { readonly catalogue: Asked }): Access {
  /** Those who may watch: `person role video`. */
  const watchers = new Set<string>();
  let seen = catalogue.accessRevision();

  const isShared = async (viewer: Viewer, subject: Shared, id: string): Promise<boolean> => {
    const sharing = await catalogue.getSharing(subject, id);
    const audiences = audiencesOf(viewer);
    return (sharing?.audiences ?? []).some((audience) => audiences.includes(audience));
  };

  const check = async (
    viewer: Viewer,
    subject: 'video' | 'folder',
    { id, ownerId }: { readonly id: string; readonly ownerId: string },
    { act, isSeenByOthers }: { readonly act: Act; readonly isSeenByOthers: boolean },
  ): Promise<void> => {
    if (ownerIdsOf(viewer).includes(ownerId)) return;
    if (!isSeenByOthers || !(await isShared(viewer, subject, id))) throw nothing(subject);
    if (act !== 'watch') throw new AppError('forbidden', notOwn[subject]);
  };

  const video: Access['video'] = async (viewer, id, act) => {
    const found = isId(id) ? await catalogue.getVideo(id) : null;
    if (!found) throw nothing('video');
    // What was put into the bin is gone for all but whose it is.
    await check(viewer, 'video', found, { act, isSeenByOthers: found.binnedAtMs === null });
    return found;
  };

  return {
    video,
    async watchable(viewer, id) {
      const revision = catalogue.accessRevision();
      if (revision !== seen || watchers.size >= maxRemembered) watchers.clear();
      seen = revision;
      const key = `${viewer.personId} ${viewer.role} ${id}`;
      if (watchers.has(key)) return;
      await video(viewer, id, 'watch');
      // An answer from before a change is not remembered after it.
      if (catalogue.accessRevision() === revision && seen === revision) watchers.add(key);
    },
    async folder(viewer, id, act) {
      const found = isId(id) ? await catalogue.getFolder(id) : null;
      if (!found) throw nothing('folder');
      await check(viewer, 'folder', found, { act, isSeenByOthers: true });
      return found;
    },
    async camera(viewer, id) {
      if (!seesEveryCamera(viewer) && !(await isCameraShared(viewer, id)))
        throw new AppError('not-found', `There is no camera “${id}”.`);
    },
    async cameras(viewer, list) {
      if (seesEveryCamera(viewer)) return list;
      const isSeen = await Promise.all(list.map(({ id }) => isCameraShared(viewer, id)));
      return list.filter((_, index) => isSeen[index]);
    },
    isOwn: (viewer, ownerId) => ownerIdsOf(viewer).includes(ownerId),
    sight: (viewer): Sight => ({ ownerIds: ownerIdsOf(viewer), audiences: audiencesOf(viewer) }),
    revision: () => catalogue.accessRevision(),
  };

  async function isCameraShared(viewer: Viewer, id: string): Promise<boolean> {
    const sharing = await catalogue.getSharing('camera', id);
    // One that nobody said anything of is the household's.
    const audiences = sharing?.audiences ?? [householdAudience];
    const own = audiencesOf(viewer);
    return audiences.some((audience) => own.includes(audience));
  }
}

/** Whose things are one's own: what belongs to the household belongs to its owners. */
function ownerIdsOf({ personId, role }: Viewer): string[] {
  return role === 'owner' && personId !== householdId ? [personId, householdId] : [personId];
}

/** As whom one is shared with. Children see what was shared with them by name. */
function audiencesOf({ personId, role }: Viewer): string[] {
  return role === 'child' || personId === householdAudience ? [personId] : [personId, householdAudience];
}

/** By the role: a token narrows what is done, not what there is. */
function seesEveryCamera(viewer: Viewer): boolean {
  return permits({ ...viewer, scopes: null }, 'cameras:manage');
}

const notOwn = {
  video: 'This video is somebody else’s: it can be watched, and no more.',
  folder: 'This folder is somebody else’s: it can be looked into, and no more.',
} as const;

function nothing(subject: 'video' | 'folder'): AppError {
  return new AppError('not-found', `There is no such ${subject} here.`);
}
