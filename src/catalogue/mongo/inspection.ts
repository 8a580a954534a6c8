// Holds the catalogue against itself: what lies in what, links, progress, and the fields that follow from others. With
// `repair` it is put right. Memory: all folders, and some hundred videos at a time.
import { isDeepStrictEqual } from 'node:util';
import type { Disagreement } from '../catalogue.ts';
import type { Collections, FolderDoc, VideoDoc } from './documents.ts';
import { forgetLinks } from './link-writes.ts';
import type { TreeJournal } from './tree-journal.ts';
import { binned, sized, titled } from './video-docs.ts';

/** Videos read at once. */
const pieceLength = 500;

type Tell = (subject: string, message: string) => void;

/** Nothing else may be writing. */
export async function inspectCatalogue(
  collections: Collections,
  journal: TreeJournal,
  repair: boolean,
): Promise<Disagreement[]> {
  const found: Disagreement[] = [];
  const tell: Tell = (subject, message) => found.push({ subject, message, isRepaired: repair });
  await journal.recover();
  const folders = await inspectFolders(collections, tell, repair);
  await inspectVideos(collections, folders, tell, repair);
  await inspectLinks(collections, folders, tell, repair);
  await inspectLeftovers(collections, tell, repair);
  // What was put right is known to every process from the next change on; here at once.
  if (repair && found.length > 0) await journal.renew();
  return found;
}

async function inspectFolders(
  { folders }: Collections,
  tell: Tell,
  repair: boolean,
): Promise<ReadonlyMap<string, FolderDoc>> {
  const docs = await folders.find({}).toArray();
  const all = new Map<string, FolderDoc>();
  for (const doc of docs) if (doc.treeRevision > 0) all.set(doc._id, doc);
  const atTop = async (doc: FolderDoc, message: string) => {
    tell(`folder ${doc._id}`, message);
    if (repair) await folders.updateOne({ _id: doc._id }, { $set: { parentId: null } });
  };
  for (const doc of docs) {
    if (doc.treeRevision > 0) continue;
    tell(`folder ${doc._id}`, 'was begun and never added');
    if (repair) await folders.deleteOne({ _id: doc._id, treeRevision: 0 });
  }
  for (const doc of all.values()) {
    if (!Array.isArray(doc.audiences) || doc.audiences.some((each) => typeof each !== 'string')) {
      tell(`folder ${doc._id}`, 'whom it is shared with cannot be read');
      if (repair) await folders.updateOne({ _id: doc._id }, { $set: { audiences: [] } });
    }
    if (doc.parentId !== null && all.get(doc.parentId)?.ownerId !== doc.ownerId)
      await atTop(doc, "lies in one that is not there, or another person's");
    else if (isInCircle(all, doc)) await atTop(doc, 'lies within itself');
  }
  return all;
}

function isInCircle(all: ReadonlyMap<string, FolderDoc>, folder: FolderDoc): boolean {
  const met = new Set<string>();
  for (let next = folder.parentId; next !== null && !met.has(next); next = all.get(next)?.parentId ?? null) {
    if (next === folder._id) return true;
    met.add(next);
  }
  return false;
}

async function inspectVideos(
  { videos }: Collections,
  folders: ReadonlyMap<string, FolderDoc>,
  tell: Tell,
  repair: boolean,
): Promise<void> {
  for (let last = ''; ; ) {
    const docs = await videos
      .find({ _id: { $gt: last } }, { projection: { favouriteOf: 0, watchedBy: 0 } })
      .sort({ _id: 1 })
      .limit(pieceLength)
      .toArray();
    for (const doc of docs) {
      const mended = inspectVideo(doc, folders, tell);
      if (repair && Object.keys(mended).length > 0)
        await videos.updateOne({ _id: doc._id }, { $set: mended, $inc: { revision: 1 } });
    }
    if (docs.length < pieceLength) return;
    last = docs.at(-1)!._id;
  }
}

/** The fields that should be others. */
function inspectVideo(doc: VideoDoc, folders: ReadonlyMap<string, FolderDoc>, tell: Tell): Partial<VideoDoc> {
  const mended: Record<string, unknown> = {};
  const mend = (fields: Partial<VideoDoc>, message: string) => {
    tell(`video ${doc._id}`, message);
    Object.assign(mended, fields);
  };
  const differs = (fields: Partial<VideoDoc>) =>
    Object.entries(fields).some(([name, value]) => !isDeepStrictEqual(doc[name as keyof VideoDoc], value));
  if (doc.folderId !== null && folders.get(doc.folderId)?.ownerId !== doc.ownerId)
    mend(
      { folderId: null, isUnsettled: false },
      "lies in a folder that is not there, or in another person's",
    );
  if (!Array.isArray(doc.audiences) || doc.audiences.some((each) => typeof each !== 'string'))
    mend({ audiences: [] }, 'whom it is shared with cannot be read');
  const { titleKey, beginnings } = titled(doc.title);
  if (differs({ titleKey })) mend({ titleKey }, 'has another place among the titles than its title says');
  if (differs({ beginnings })) mend({ beginnings }, 'is not found by the words of its title');
  const shelf = binned(doc.binnedAtMs);
  if (differs(shelf)) mend(shelf, 'is not listed where it is, in the bin or in the library');
  const keys = { ...sized(doc.sizeBytes), lengthKey: doc.durationMs ?? -1 };
  if (differs(keys)) mend(keys, 'has another place among lengths or sizes than its own say');
  const storedBytes = Math.max(doc.sizeBytes ?? 0, doc.receivedBytes);
  // While it arrives, what was announced may have been more.
  if (doc.status === 'arriving' ? doc.storedBytes < storedBytes : doc.storedBytes !== storedBytes)
    mend({ storedBytes }, 'what its owner has of it is counted wrong');
  const open = doc.tasks.filter(({ isEnded }) => !isEnded).map(({ addedAtMs }) => addedAtMs);
  const openTaskAtMs = open.length > 0 ? Math.min(...open) : null;
  if (differs({ openTaskAtMs })) mend({ openTaskAtMs }, 'has work to be done that is not listed');
  return mended;
}

/** Of some ids, those that are no video's. */
async function notThere({ videos }: Collections, ids: readonly string[]): Promise<string[]> {
  const there = new Set<string>();
  for (let first = 0; first < ids.length; first += pieceLength) {
    const some = ids.slice(first, first + pieceLength);
    const docs = await videos.find({ _id: { $in: some } }, { projection: { _id: 1 } }).toArray();
    for (const { _id } of docs) there.add(_id);
  }
  return ids.filter((id) => !there.has(id));
}

async function inspectLinks(
  collections: Collections,
  folders: ReadonlyMap<string, FolderDoc>,
  tell: Tell,
  repair: boolean,
): Promise<void> {
  const { links } = collections;
  const docs = await links.find({}, { projection: { subject: 1, subjectId: 1 } }).toArray();
  const ids = docs.filter(({ subject }) => subject === 'video').map(({ subjectId }) => subjectId);
  const gone = new Set(await notThere(collections, [...new Set(ids)]));
  for (const { _id, subject, subjectId } of docs) {
    if (subject === 'video' ? !gone.has(subjectId) : subject !== 'folder' || folders.has(subjectId)) continue;
    tell(`link ${_id}`, `leads to a ${subject} that is not there`);
    if (repair) await forgetLinks(collections, { _id });
  }
}

/** What a crash, or a call that came too late, left of what is not there any more. Nobody sees it. */
async function inspectLeftovers(collections: Collections, tell: Tell, repair: boolean): Promise<void> {
  const { progress, linkVisits, links } = collections;
  for (let last = ''; ; ) {
    const docs = await progress
      .find({ _id: { $gt: last } }, { projection: { videoId: 1 } })
      .sort({ _id: 1 })
      .limit(pieceLength)
      .toArray();
    for (const id of await notThere(collections, [...new Set(docs.map(({ videoId }) => videoId))])) {
      tell(`progress in video ${id}`, 'is of a video that is not there');
      if (repair) await progress.deleteMany({ videoId: id });
    }
    if (docs.length < pieceLength) break;
    last = docs.at(-1)!._id;
  }
  const visited = (
    await linkVisits.aggregate<{ _id: string }>([{ $group: { _id: '$linkId' } }]).toArray()
  ).map(({ _id }) => _id);
  for (const id of visited) {
    if (await links.findOne({ _id: id }, { projection: { _id: 1 } })) continue;
    tell(`visits of link ${id}`, 'are of a link that is not there');
    if (repair) await linkVisits.deleteMany({ linkId: id });
  }
}
