// What is known about videos, folders, cameras, links and people's progress, from a catalogue to another, by the port's
// own operations: each does no harm when it is done again, so a move that was stopped begins anew and does what is left.
import type { BlobStore } from '../blobs/blob-store.ts';
import { type Catalogue, type Folder, householdAudience, type Video } from '../catalogue/catalogue.ts';
import { moveBlob, moveUnfinished } from './move-blobs.ts';

/** Videos at a time; progress and marks are asked for so many at once. */
const pageSize = 200;
const auditPage = 500;

export type Side = { readonly catalogue: Catalogue; readonly blobs: BlobStore };

export type MoveTools = {
  readonly from: Side;
  readonly to: Side;
  /** Everybody who may own something or have seen something, `household` among them. */
  readonly personIds: readonly string[];
  /** Cameras of the settings file: what was said about who sees them is kept too. */
  readonly cameraIds: readonly string[];
  /** Told of each video that is there, with its bytes. */
  onVideo(video: Video, bytes: number): void;
  /** Told of what stays behind, with the reason. */
  onLeft(video: Video, reason: string): void;
};

/** Folders, then videos with their bytes, then what hangs on them. Throws as the stores do. */
export async function moveCatalogue(tools: MoveTools): Promise<void> {
  await moveFolders(tools);
  for (const inBin of [false, true]) {
    for await (const page of pagesOf(tools.from.catalogue, inBin)) {
      for (const video of page) await moveVideo(video, tools);
      await movePersonal(page, tools);
    }
  }
  for (const video of await tools.from.catalogue.listArriving()) await moveArriving(video, tools);
  await moveCameras(tools);
  await moveRest(tools);
}

async function moveFolders({ from, to, personIds }: MoveTools): Promise<void> {
  const folders = await from.catalogue.ownFolders(personIds);
  const inside = Map.groupBy(folders, ({ parentId }) => parentId);
  const walk = async (folder: Folder): Promise<void> => {
    await to.catalogue.addFolder(folder);
    const audiences = await from.catalogue.getAudiences('folder', folder.id);
    await to.catalogue.setAudiences('folder', folder.id, audiences ?? []);
    for (const one of inside.get(folder.id) ?? []) await walk(one);
  };
  for (const folder of inside.get(null) ?? []) await walk(folder);
}

async function* pagesOf(catalogue: Catalogue, inBin: boolean): AsyncGenerator<readonly Video[]> {
  let after: string | null = null;
  do {
    // The oldest first: who comes first is listed last, here and there.
    const page = await catalogue.listVideos({ limit: pageSize, after, query: '', inBin, sort: 'oldest' });
    yield page.items;
    after = page.next;
  } while (after !== null);
}

/** Its bytes first: a row that is there says that they are, and were compared. */
async function moveVideo(video: Video, tools: MoveTools): Promise<void> {
  const { from, to } = tools;
  // Its removal had begun: some of it is gone.
  if (video.binnedAtMs === 0) return tools.onLeft(video, 'it is being removed');
  if (video.status === 'arriving') return;
  const there = await to.catalogue.getVideo(video.id);
  if (there === null || there.status === 'arriving') {
    let bytes = await moveBlob(video.blobId, from.blobs, to.blobs);
    if (video.indexId !== null) bytes += await moveBlob(video.indexId, from.blobs, to.blobs);
    await beginLike(video, tools);
    await to.catalogue.finishUpload(video.id, { ...video, sizeBytes: video.sizeBytes ?? bytes });
    tools.onVideo(video, bytes);
  }
  if (video.binnedAtMs !== null) await to.catalogue.setBinned(video.id, video.binnedAtMs);
}

async function moveArriving(video: Video, tools: MoveTools): Promise<void> {
  const { from, to } = tools;
  const bytes = await moveUnfinished(video.blobId, from.blobs, to.blobs);
  await beginLike(video, tools);
  await to.catalogue.noteReceived(video.id, bytes);
  tools.onVideo(video, bytes);
}

async function beginLike(video: Video, { from, to }: MoveTools): Promise<void> {
  const audiences = (await from.catalogue.getAudiences('video', video.id)) ?? [];
  await to.catalogue.beginUpload({ ...video, audiences });
}

async function movePersonal(page: readonly Video[], { from, to, personIds }: MoveTools): Promise<void> {
  const ids = page.filter(({ binnedAtMs }) => binnedAtMs !== 0).map(({ id }) => id);
  for (const personId of personIds) {
    for (const [videoId, marks] of await from.catalogue.getMarks(personId, ids))
      await to.catalogue.setMarks(personId, videoId, marks);
    for (const [videoId, progress] of await from.catalogue.getProgress(personId, ids))
      await to.catalogue.setProgress(personId, videoId, progress);
  }
}

async function moveCameras({ from, to, cameraIds }: MoveTools): Promise<void> {
  const known = new Set((await to.catalogue.listCameras()).map(({ id }) => id));
  const cameras = await from.catalogue.listCameras();
  for (const camera of cameras) if (!known.has(camera.id)) await to.catalogue.addCamera(camera);
  for (const id of new Set([...cameraIds, ...cameras.map((camera) => camera.id)])) {
    const audiences = await from.catalogue.getAudiences('camera', id);
    if (audiences !== null) await to.catalogue.setAudiences('camera', id, audiences);
  }
}

/** Links, what was done, and work that waits. */
async function moveRest({ from, to }: MoveTools): Promise<void> {
  // The newest come first, and the order in which they are added is kept.
  for (const link of (await from.catalogue.listLinks({})).toReversed()) await to.catalogue.addLink(link);
  for (const task of await from.catalogue.listTasks(100_000)) await to.catalogue.addTask(task);
  let beforeMs = Number.MAX_SAFE_INTEGER;
  for (;;) {
    const notes = await from.catalogue.listAudit(beforeMs, auditPage);
    for (const note of notes) await to.catalogue.noteAudit(note);
    const last = notes.at(-1);
    if (last === undefined || notes.length < auditPage) return;
    // Those of the same moment are asked for again: none may fall between two pages.
    beforeMs = last.atMs + 1 < beforeMs ? last.atMs + 1 : last.atMs;
  }
}

/** Everybody whom rows may belong to: those with an account, the household, and owners who have none any more. */
export async function everybodyOf(
  catalogue: Catalogue,
  people: readonly string[],
): Promise<readonly string[]> {
  const ids = new Set([householdAudience, ...people]);
  for await (const { ownerId } of catalogue.streamVideos({ query: '', inBin: 'both' })) ids.add(ownerId);
  for (const { ownerId } of await catalogue.listArriving()) ids.add(ownerId);
  return [...ids];
}
