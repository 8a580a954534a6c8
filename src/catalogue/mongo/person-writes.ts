// What people remember of videos, and what becomes of their things when they go.
//
// Marks are in the video's own document, so that lists find them; progress has documents of its own, which know whether
// the video is watched so that the list of what was begun need not pass over all that was. setMarks: (1) the video,
// (2) the progress says the same, (3) the video is read again, and 2 done again where another call was in between.
// After a crash between 1 and 2 a watched video may be passed over one by one until its position is written next.
//
// giveVideos: (1) all folders, one change of the tree, (2) 1000 videos; again until none is left. In between, videos may
// lie in folders of the new owner. forgetPerson: (1) folders, (2) cameras, (3) videos are no longer shared with the
// person, (4) links, (5) progress and marks go. Both can be done again after a crash and go on.
import { isDuplicate } from '../../mongo/failure.ts';
import { householdAudience, type Marks, type Progress } from '../catalogue.ts';
import type { Collections, VideoDoc } from './documents.ts';
import type { FolderWrites } from './folder-writes.ts';
import { forgetLinks } from './link-writes.ts';
import { text, texts } from './text.ts';

/** Videos that one call gives at most, and that one write changes. */
const mostAtOnce = 1000;
/** Times in a row that another call was in between. */
const attempts = 20;

const keyOf = (personId: string, videoId: string) => JSON.stringify([personId, videoId]);

export type PersonWrites = ReturnType<typeof createPersonWrites>;

export function createPersonWrites(
  collections: Collections,
  folders: FolderWrites,
  accessChanged: () => Promise<void>,
) {
  const { videos, progress } = collections;

  async function isWatched(personId: string, videoId: string): Promise<boolean> {
    return (await videos.findOne({ _id: videoId, watchedBy: personId }, { projection: { _id: 1 } })) !== null;
  }

  /** Steps 2 and 3. */
  async function tellProgress(personId: string, videoId: string): Promise<void> {
    let watched = await isWatched(personId, videoId);
    for (let attempt = 1; attempt <= attempts; attempt++) {
      await progress.updateOne({ _id: keyOf(personId, videoId) }, { $set: { isWatched: watched } });
      const now = await isWatched(personId, videoId);
      if (now === watched) return;
      watched = now;
    }
  }

  /** Changes all videos of a filter that no longer fit it then, some at a time. */
  async function changeAll(
    filter: Parameters<typeof videos.find>[0] & object,
    update: Parameters<typeof videos.updateMany>[1],
    most = Number.POSITIVE_INFINITY,
  ): Promise<void> {
    for (let changed = 0; changed < most; changed += mostAtOnce) {
      const found = await videos
        .find(filter, { projection: { _id: 1 } })
        .limit(mostAtOnce)
        .toArray();
      if (found.length === 0) return;
      await videos.updateMany({ $and: [{ _id: { $in: found.map(({ _id }) => _id) } }, filter] }, update);
    }
  }

  return {
    async getProgress(person: string, videoIds: readonly string[]): Promise<Map<string, Progress>> {
      if (videoIds.length === 0) return new Map();
      const keys = texts(videoIds).map((id) => keyOf(text(person), id));
      const found = await progress.find({ _id: { $in: keys } }).toArray();
      return new Map(
        found.map(({ videoId, positionMs, updatedAtMs }) => [videoId, { positionMs, updatedAtMs }]),
      );
    },

    async setProgress(person: string, video: string, { positionMs, updatedAtMs }: Progress): Promise<void> {
      const [personId, videoId] = [text(person), text(video)];
      // Of a video that was removed meanwhile there is nothing to remember.
      if (!(await videos.findOne({ _id: videoId }, { projection: { _id: 1 } }))) return;
      const _id = keyOf(personId, videoId);
      const atMs = Math.round(updatedAtMs);
      const fields = { positionMs, updatedAtMs: atMs, isBegun: positionMs > 0 };
      const set = () => progress.findOneAndUpdate({ _id, updatedAtMs: { $lte: atMs } }, { $set: fields });
      const before = await set();
      if (before && before.isWatched === (await isWatched(personId, videoId))) return;
      if (!before) {
        try {
          await progress.insertOne({ _id, personId, videoId, ...fields, isWatched: false });
        } catch (error) {
          if (!isDuplicate(error)) throw error;
          // A newer one, or one that was there a moment later.
          await set();
        }
      }
      await tellProgress(personId, videoId);
    },

    async getMarks(person: string, videoIds: readonly string[]): Promise<Map<string, Marks>> {
      if (videoIds.length === 0) return new Map();
      const [personId, ids] = [text(person), texts(videoIds)];
      const [favourites, watched] = await Promise.all(
        (['favouriteOf', 'watchedBy'] as const).map(async (field) => {
          const filter = { _id: { $in: ids }, [field]: personId };
          const found = await videos.find(filter, { projection: { _id: 1 } }).toArray();
          return new Set(found.map(({ _id }) => _id));
        }),
      );
      return new Map(
        [...favourites!.union(watched!)].map((id) => [
          id,
          { isFavourite: favourites!.has(id), isWatched: watched!.has(id) },
        ]),
      );
    },

    async setMarks(person: string, video: string, marks: Partial<Marks>): Promise<void> {
      const [personId, _id] = [text(person), text(video)];
      const fields = [
        ['favouriteOf', marks.isFavourite],
        ['watchedBy', marks.isWatched],
      ] as const;
      const some = (wanted: boolean) =>
        Object.fromEntries(fields.flatMap(([name, isSo]) => (isSo === wanted ? [[name, personId]] : [])));
      const [added, pulled] = [some(true), some(false)];
      const update = {
        ...(Object.keys(added).length > 0 && { $addToSet: added }),
        ...(Object.keys(pulled).length > 0 && { $pull: pulled }),
      };
      if (Object.keys(update).length === 0) return;
      const { matchedCount } = await videos.updateOne({ _id }, update);
      if (matchedCount > 0 && marks.isWatched !== undefined) await tellProgress(personId, _id);
    },

    /** How many videos are left. */
    async giveVideos(from: string, to: string): Promise<number> {
      const [fromId, toId] = [text(from), text(to)];
      if (fromId === toId) return 0;
      await folders.give(fromId, toId);
      const given = { $set: { ownerId: toId }, $inc: { revision: 1 } };
      await changeAll({ ownerId: fromId }, given, mostAtOnce);
      await accessChanged();
      return videos.countDocuments({ ownerId: fromId });
    },

    async forgetPerson(person: string): Promise<void> {
      const personId = text(person);
      // Everybody is nobody that could go.
      if (personId !== householdAudience) {
        await folders.unshare(personId);
        const unshared = { $pull: { audiences: personId }, $inc: { revision: 1 } };
        await collections.shares.updateMany({ audiences: personId }, unshared);
        await changeAll({ inBin: { $in: [false, true] }, audiences: personId }, unshared);
      }
      await forgetLinks(collections, { createdBy: personId });
      await accessChanged();
      await progress.deleteMany({ personId });
      for (const field of ['favouriteOf', 'watchedBy'] as const satisfies (keyof VideoDoc)[]) {
        await changeAll(
          { inBin: { $in: [false, true] }, [field]: personId },
          { $pull: { [field]: personId } },
        );
      }
    },
  };
}
