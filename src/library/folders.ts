// Folders with their limits: names people can read, trees that can be walked. The catalogue keeps whose they are.
import type { Catalogue, Folder } from '../catalogue/catalogue.ts';
import type { Clock } from '../clock.ts';
import { AppError } from '../errors.ts';
import { createId } from '../ids.ts';
import type { Locks } from './locks.ts';
import { plainText } from './titles.ts';

/** Longest name of a folder, UTF-16 units. */
const maxFolderNameLength = 200;
/** How deep folders may lie: whoever may see a video is asked of every folder around it. */
const maxFolderDepth = 20;
/** Most folders directly in one: a list of them is one answer. */
const maxFoldersInOne = 1000;

export type Folders = ReturnType<typeof createFolders>;

export function createFolders({
  catalogue,
  clock,
  locks,
}: {
  catalogue: Catalogue;
  clock: Clock;
  locks: Locks;
}) {
  const get = async (id: string): Promise<Folder> => {
    const folder = await catalogue.getFolder(id);
    if (folder === null) throw noFolder();
    return folder;
  };

  const ownSight = (folder: Pick<Folder, 'ownerId'>) => ({ ownerIds: [folder.ownerId], audiences: [] });

  /** Levels from the folder down, itself included; stops counting past the limit. */
  const heightOf = async (folder: Folder): Promise<number> => {
    let level = [folder];
    let height = 0;
    while (level.length > 0 && height <= maxFolderDepth) {
      height += 1;
      const below: Folder[] = [];
      for (const { id, ownerId } of level) {
        below.push(...(await catalogue.listFolders(ownSight({ ownerId }), id)));
      }
      level = below;
    }
    return height;
  };

  /** Throws where a folder of that height, and one more, has no place there. */
  const assertPlace = async (ownerId: string, parentId: string | null, height: number): Promise<void> => {
    const path = parentId === null ? [] : await catalogue.folderPath(parentId);
    if (parentId !== null && path.at(-1)?.ownerId !== ownerId) throw noFolder();
    if (path.length + height > maxFolderDepth) {
      throw new AppError('bad-request', `Folders can lie in one another ${maxFolderDepth} deep, no deeper.`);
    }
    const siblings = await catalogue.listFolders(ownSight({ ownerId }), parentId);
    if (siblings.length >= maxFoldersInOne) {
      throw new AppError('bad-request', `There are ${maxFoldersInOne} folders in one place at most.`);
    }
  };

  return {
    get,
    /** Throws `not-found` where it is not there, or another's. */
    async assertOwn(ownerId: string, folderId: string | null): Promise<void> {
      if (folderId !== null && (await catalogue.getFolder(folderId))?.ownerId !== ownerId) throw noFolder();
    },
    async add({ ownerId, parentId, name }: Pick<Folder, 'ownerId' | 'parentId' | 'name'>): Promise<Folder> {
      const plain = checkedName(name);
      // Nobody else changes the tree between the look and the step.
      return locks.run(`folders:${ownerId}`, async () => {
        await assertPlace(ownerId, parentId, 1);
        const folder = { id: createId(), ownerId, parentId, name: plain, createdAtMs: clock.nowMs() };
        await catalogue.addFolder(folder);
        return folder;
      });
    },
    async rename(id: string, name: string): Promise<Folder> {
      const folder = await catalogue.renameFolder(id, checkedName(name));
      if (folder === null) throw noFolder();
      return folder;
    },
    async move(id: string, parentId: string | null): Promise<Folder> {
      const { ownerId } = await get(id);
      return locks.run(`folders:${ownerId}`, async (lock) => {
        const folder = await get(id);
        if (folder.parentId !== parentId) {
          // The catalogue says `conflict` where it would lie within itself, before anything is too deep.
          const path = parentId === null ? [] : await catalogue.folderPath(parentId);
          if (!path.some((around) => around.id === id))
            await assertPlace(folder.ownerId, parentId, await heightOf(folder));
        }
        lock.assertHeld();
        const moved = await catalogue.moveFolder(id, parentId);
        if (moved === null) throw noFolder();
        return moved;
      });
    },
  };
}

function noFolder(): AppError {
  return new AppError('not-found', 'There is no such folder here.');
}

function checkedName(name: string): string {
  // Bounded before it is looked at: whoever sends a megabyte waits for nothing.
  const plain = plainText(name.slice(0, maxFolderNameLength * 4));
  if (plain === '' || plain.length > maxFolderNameLength) {
    throw new AppError('bad-request', `A folder's name has between 1 and ${maxFolderNameLength} characters.`);
  }
  return plain;
}
