// Folders, shares and marks in memory, for the fake library: who sees what, by the rules of the real one.
import type { Folder, Marks, Shared, Sharing, Sight, Video } from '../../src/catalogue/catalogue.ts';
import { householdAudience } from '../../src/catalogue/sharing.ts';
import { AppError } from '../../src/errors.ts';
import { createId } from '../../src/ids.ts';

export type FakeSharing = ReturnType<typeof createFakeSharing>;

/** `videos` is the live list. Where nobody said anything, a thing is the whole household's. */
export function createFakeSharing(videos: readonly Video[], nowMs: () => number) {
  const folders: Folder[] = [];
  const audiences = new Map<string, readonly string[]>();
  const marks = new Map<string, Marks>();
  let revision = 0;

  const folderOf = (id: string): Folder => {
    const folder = folders.find((candidate) => candidate.id === id);
    if (!folder) throw new AppError('not-found', 'There is no such folder here.');
    return folder;
  };
  const pathOf = (id: string | null): Folder[] => {
    const folder = folders.find((candidate) => candidate.id === id);
    return folder ? [...pathOf(folder.parentId), folder] : [];
  };
  const audiencesOf = (subject: Shared, id: string) =>
    audiences.get(`${subject} ${id}`) ?? (subject === 'video' ? [householdAudience] : null);
  const sharingOf = (subject: Shared, id: string): Sharing | null => {
    if (subject === 'camera') {
      const named = audiencesOf('camera', id);
      return named && { ownerId: null, audiences: named };
    }
    const thing = (subject === 'video' ? videos : folders).find((candidate) => candidate.id === id);
    if (!thing) return null;
    const around = pathOf('folderId' in thing ? thing.folderId : thing.parentId);
    const named = [audiencesOf(subject, id), ...around.map((folder) => audiencesOf('folder', folder.id))];
    return { ownerId: thing.ownerId, audiences: named.flatMap((list) => list ?? []) };
  };
  const isSeen = (sight: Sight | undefined, subject: 'video' | 'folder', id: string): boolean => {
    const sharing = sharingOf(subject, id);
    if (!sight || !sharing) return !sight;
    return (
      sight.ownerIds.includes(sharing.ownerId ?? '') ||
      sharing.audiences.some((audience) => sight.audiences.includes(audience))
    );
  };
  const changeFolder = (id: string, part: Partial<Folder>): Folder => {
    const changed = { ...folderOf(id), ...part };
    folders[folders.findIndex((folder) => folder.id === id)] = changed;
    revision += 1;
    return changed;
  };

  return {
    /** The live list, for tests that add some. */
    folders,
    isSeen: (sight: Sight | undefined, video: Video) => isSeen(sight, 'video', video.id),
    /** The part of the catalogue that `createAccess` asks. */
    catalogue: {
      getVideo: async (id: string) => videos.find((video) => video.id === id) ?? null,
      getFolder: async (id: string) => folders.find((folder) => folder.id === id) ?? null,
      getSharing: async (subject: Shared, id: string) => sharingOf(subject, id),
      accessRevision: () => revision,
    },
    /** The part of the library. */
    library: {
      async addFolder({ ownerId, parentId, name }: Pick<Folder, 'ownerId' | 'parentId' | 'name'>) {
        if (!name.trim()) throw new AppError('bad-request', 'A folder has a name.');
        const folder = { id: createId(), ownerId, parentId, name, createdAtMs: nowMs() };
        folders.push(folder);
        return folder;
      },
      getFolder: async (id: string) => folderOf(id),
      listFolders: async (sight: Sight, parentId: string | null) =>
        folders
          .filter((folder) => folder.parentId === parentId && isSeen(sight, 'folder', folder.id))
          .sort((one, other) => one.name.localeCompare(other.name)),
      folderPath: async (id: string) => pathOf(id),
      renameFolder: async (id: string, name: string) => changeFolder(id, { name }),
      moveFolder: async (id: string, parentId: string | null) => changeFolder(id, { parentId }),
      async binFolder(id: string) {
        const { parentId } = folderOf(id);
        for (const folder of [...folders]) if (folder.parentId === id) changeFolder(folder.id, { parentId });
        folders.splice(folders.indexOf(folderOf(id)), 1);
        revision += 1;
      },
      getAudiences: async (subject: Shared, id: string) => audiencesOf(subject, id),
      async setAudiences(subject: Shared, id: string, list: readonly string[]) {
        audiences.set(`${subject} ${id}`, list);
        revision += 1;
      },
      async getMarks(personId: string, ids: readonly string[]) {
        const found = ids.flatMap((id) => {
          const own = marks.get(`${personId} ${id}`);
          return own ? [[id, own] as const] : [];
        });
        return new Map(found);
      },
      async setMarks(personId: string, videoId: string, part: Partial<Marks>) {
        const before = marks.get(`${personId} ${videoId}`) ?? { isFavourite: false, isWatched: false };
        marks.set(`${personId} ${videoId}`, { ...before, ...part });
      },
    },
  };
}
