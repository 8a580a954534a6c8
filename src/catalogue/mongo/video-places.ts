// Videos in folders. A video and its folder are two documents, and the folder may go, or be given away, while the video
// is put into it:
//
// 1. The folder is seen to be there and the owner's.
// 2. The video is written as lying in it, and as unsettled.
// 3. The folder is looked for again. Whoever removes it says so first and looks for its videos then (`tree-journal.ts`),
//    so one of the two sees the other.
// 4. Still there: the video is settled. Else it goes back to where it lay, or is not begun.
//
// After a crash between 2 and 4 the next start finds what is unsettled: a video whose folder is not there lies at the
// top. Not settled, it lies where it says all the same.
import { AppError } from '../../errors.ts';
import type { Collections, VideoDoc } from './documents.ts';
import type { FolderTree } from './folder-tree.ts';
import type { TreeJournal } from './tree-journal.ts';

/** Throws `not-found` where the folder is not there, or another's than this owner's. */
export function assertFolderOf(tree: FolderTree, ownerId: string, folderId: string | null): void {
  if (folderId !== null && tree.get(folderId)?.ownerId !== ownerId) {
    throw new AppError('not-found', 'There is no such folder.');
  }
}

/** Steps 3 and 4 of a video that lies well; false where its folder went. */
export async function settle(
  { videos }: Collections,
  journal: TreeJournal,
  { _id, folderId, ownerId }: Pick<VideoDoc, '_id' | 'folderId' | 'ownerId'>,
): Promise<boolean> {
  if (folderId !== null && (await journal.current()).get(folderId)?.ownerId !== ownerId) {
    // Given away with its owner's other things: the video comes after it.
    const now = await videos.findOne({ _id }, { projection: { folderId: 1, ownerId: 1 } });
    if (now?.folderId === folderId && now.ownerId === ownerId) return false;
  }
  await videos.updateOne({ _id, folderId, isUnsettled: true }, { $set: { isUnsettled: false } });
  return true;
}

/** What a crash left unsettled. Does no harm to what is under way elsewhere. */
export async function settleAll(collections: Collections, journal: TreeJournal): Promise<void> {
  const { videos } = collections;
  const found = await videos
    .find({ isUnsettled: true }, { projection: { _id: 1, folderId: 1, ownerId: 1 } })
    .toArray();
  for (const video of found) {
    const { _id, folderId } = video;
    if (folderId === null || (await journal.current()).get(folderId)) {
      await videos.updateOne({ _id, folderId, isUnsettled: true }, { $set: { isUnsettled: false } });
    } else {
      const top = { $set: { folderId: null, isUnsettled: false }, $inc: { revision: 1 } };
      await videos.updateOne({ _id, folderId }, top);
    }
  }
}
