// Many videos at once: a folder with all that is in it into the bin, and everything of a person who goes. Each step can
// be done again (`design/writes.md`), so whoever asks a second time after a crash goes on where it stopped.
import type { Catalogue, Folder, ListRequest, Video } from '../catalogue/catalogue.ts';
import { AppError, isAppError } from '../errors.ts';

export type GivingTools = {
  readonly catalogue: Catalogue;
  /** Puts one into the bin. Throws `conflict` while it arrives, `not-found`. */
  binVideo(id: string): Promise<unknown>;
  /** Gives up one that is arriving. Throws `conflict` where it has arrived meanwhile, `not-found`. */
  cancelArrival(id: string): Promise<void>;
};

/** Videos read at a time. */
const pageLimit = 500;

/** Puts all videos in the folder and in its folders into the bin, then removes the folders, the innermost first. */
export async function binFolder(tools: GivingTools, folder: Folder): Promise<void> {
  const sight = { ownerIds: [folder.ownerId], audiences: [] };
  // From the top down; the deepest stand last.
  const folders = [folder];
  for (let at = 0; at < folders.length; at += 1) {
    folders.push(...(await tools.catalogue.listFolders(sight, folders[at]!.id)));
  }
  for (const { id } of folders.toReversed()) {
    await binAll(tools, { sight, folderId: id });
    await tools.catalogue.removeFolder(id);
  }
}

/** Steps 1 to 3 of "A person goes" (`design/writes.md`). */
export async function giveEverything(
  tools: GivingTools,
  fromId: string,
  toId: string,
  isIntoBin: boolean,
): Promise<void> {
  const { catalogue } = tools;
  if (fromId === toId) throw new AppError('bad-request', 'Videos are given to somebody else.');
  for (const video of await catalogue.listArriving()) {
    if (video.ownerId === fromId) await unlessGone(tools.cancelArrival(video.id));
  }
  if (isIntoBin) {
    const sight = { ownerIds: [fromId], audiences: [] };
    for (const folder of await catalogue.listFolders(sight, null)) await binFolder(tools, folder);
    await binAll(tools, { sight });
  }
  while ((await catalogue.giveVideos(fromId, toId)) > 0);
}

/** Those that arrive stay where they are. */
async function binAll(tools: GivingTools, where: Pick<ListRequest, 'sight' | 'folderId'>): Promise<void> {
  let after: string | null = null;
  do {
    const request: ListRequest = { limit: pageLimit, after, query: '', whose: 'own', ...where };
    const page: { items: readonly Video[]; next: string | null } = await tools.catalogue.listVideos(request);
    for (const video of page.items) {
      if (video.status !== 'arriving') await unlessGone(tools.binVideo(video.id));
    }
    after = page.next;
  } while (after !== null);
}

/** What somebody else did meanwhile to one video is no reason to leave the others. */
async function unlessGone(work: Promise<unknown>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (!isAppError(error, 'not-found') && !isAppError(error, 'conflict')) throw error;
  }
}
