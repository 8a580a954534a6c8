// Writes about folders, each one change of the tree (`tree-journal.ts`), and what is read of them.
import { isDeepStrictEqual } from 'node:util';
import { AppError } from '../../errors.ts';
import type { Folder, Sight } from '../catalogue.ts';
import { titleKey } from '../search-words.ts';
import type { Collections, TreeOperation } from './documents.ts';
import { type FolderTree, type TreeFolder, toFolder } from './folder-tree.ts';
import { audiencesOf, text, textOrNull, texts } from './text.ts';
import type { TreeJournal } from './tree-journal.ts';
import { assertFolderOf } from './video-places.ts';

export type FolderWrites = ReturnType<typeof createFolderWrites>;

export function createFolderWrites(journal: TreeJournal, accessChanged: () => Promise<void>) {
  /** Does it where the folder is there and it is not so already; what it is then. */
  async function change(
    id: string,
    decide: (folder: TreeFolder, tree: FolderTree) => TreeOperation | null,
    isAboutAccess: boolean,
  ): Promise<Folder | null> {
    const { tree, isChanged } = await journal.change((now) => {
      const folder = now.get(id);
      return folder ? decide(folder, now) : null;
    });
    if (isChanged && isAboutAccess) await accessChanged();
    const folder = tree.get(id);
    return folder ? toFolder(folder) : null;
  }

  return {
    async addFolder(given: Folder): Promise<void> {
      const [id, ownerId, parentId] = [text(given.id), text(given.ownerId), textOrNull(given.parentId)];
      const rest = { name: text(given.name), createdAtMs: Math.round(given.createdAtMs) };
      await journal.change((tree) => {
        if (tree.get(id)) return null;
        assertFolderOf(tree, ownerId, parentId);
        return { kind: 'add', id, ownerId, parentId, ...rest };
      });
    },

    renameFolder(folderId: string, given: string): Promise<Folder | null> {
      const [id, name] = [text(folderId), text(given)];
      return change(id, (folder) => (folder.name === name ? null : { kind: 'rename', id, name }), false);
    },

    moveFolder(folderId: string, place: string | null): Promise<Folder | null> {
      const [id, parentId] = [text(folderId), textOrNull(place)];
      return change(
        id,
        (folder, tree) => {
          assertFolderOf(tree, folder.ownerId, parentId);
          if (tree.around(parentId).some((around) => around.id === id)) {
            throw new AppError('conflict', 'A folder cannot lie within itself.');
          }
          return folder.parentId === parentId ? null : { kind: 'move', id, parentId };
        },
        true,
      );
    },

    async removeFolder(folderId: string): Promise<void> {
      const id = text(folderId);
      await change(id, ({ parentId }) => ({ kind: 'remove', id, parentId }), true);
    },

    async share(folderId: string, audiences: readonly string[]): Promise<void> {
      const [id, wanted] = [text(folderId), audiencesOf(audiences)];
      await change(
        id,
        (folder) =>
          isDeepStrictEqual(folder.audiences, wanted) ? null : { kind: 'share', id, audiences: wanted },
        true,
      );
    },

    /** All folders at once, so that a folder and those in it always have one owner. */
    async give(fromId: string, toId: string): Promise<void> {
      await journal.change((tree) => {
        const isAny = [...tree.all()].some(({ ownerId }) => ownerId === fromId);
        return isAny ? { kind: 'give', fromId, toId } : null;
      });
    },

    /** No folder is shared with a person any more. */
    async unshare(personId: string): Promise<void> {
      while (true) {
        const { isChanged } = await journal.change((tree) => {
          for (const { id, audiences } of tree.all()) {
            if (!audiences.includes(personId)) continue;
            return { kind: 'share', id, audiences: audiences.filter((each) => each !== personId) };
          }
          return null;
        });
        if (!isChanged) return;
      }
    },
  };
}

/** Directly in `parentId` of what can be seen, by name; at the top also those whose parent cannot be seen. */
export function foldersSeen(tree: FolderTree, sight: Sight, parentId: string | null): Folder[] {
  const isSeen = (folder: TreeFolder) => tree.isSeen(folder, folder.parentId, sight);
  const found =
    parentId === null
      ? [...topFolders(tree, sight)]
      : tree.get(parentId)
        ? tree.childrenOf(parentId).filter(isSeen)
        : [];
  const named = found.map((folder) => ({ folder, key: titleKey(folder.name) }));
  named.sort(
    (a, b) =>
      compare(a.key, b.key) || compare(a.folder.name, b.folder.name) || compare(a.folder.id, b.folder.id),
  );
  return named.map(({ folder }) => toFolder(folder));
}

function* topFolders(tree: FolderTree, sight: Sight): Generator<TreeFolder> {
  for (const folder of tree.all()) {
    const parent = tree.get(folder.parentId);
    if (parent && tree.isSeen(parent, parent.parentId, sight)) continue;
    if (tree.isSeen(folder, folder.parentId, sight)) yield folder;
  }
}

export async function countInFolders(
  { videos }: Collections,
  tree: FolderTree,
  given: readonly string[],
): Promise<Map<string, { videos: number; folders: number }>> {
  const ids = texts(given);
  const counted = await videos
    .aggregate<{ _id: string; videos: number }>([
      { $match: { inBin: false, folderId: { $in: ids } } },
      { $group: { _id: '$folderId', videos: { $sum: 1 } } },
    ])
    .toArray();
  const counts = new Map<string, { videos: number; folders: number }>();
  for (const id of ids) {
    const within = counted.find(({ _id }) => _id === id)?.videos ?? 0;
    const folders = tree.childrenOf(id).length;
    if (within + folders > 0) counts.set(id, { videos: within, folders });
  }
  return counts;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
