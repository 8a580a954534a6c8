// Writes about videos. Each is one document compared and set, but those that put a video into a folder
// (`video-places.ts`) and:
//
// forgetVideo: (1) its links go, (2) what people remember of it, (3) the video itself; after a crash it is still there,
// its removal begun, and whoever empties the bin goes on.
import { AppError } from '../../errors.ts';
import { createId } from '../../ids.ts';
import { isDuplicate } from '../../mongo/failure.ts';
import type { Arrival, NewVideo, Task, Video } from '../catalogue.ts';
import { changeDocument } from './change-document.ts';
import type { Collections, TaskPart, VideoDoc } from './documents.ts';
import { forgetLinks } from './link-writes.ts';
import { audiencesOf, text } from './text.ts';
import type { TreeJournal } from './tree-journal.ts';
import { arrived, binned, newDoc, sized, titled, toVideo } from './video-docs.ts';
import { assertFolderOf, settle } from './video-places.ts';

/** Tasks that ended, kept so that none is begun again. */
const mostEnded = 32;

export type VideoWrites = ReturnType<typeof createVideoWrites>;

export function createVideoWrites(
  collections: Collections,
  journal: TreeJournal,
  /** To be called after every write that changes who may see what. */
  accessChanged: () => Promise<void>,
) {
  const { videos } = collections;
  const change = (id: string, decide: (doc: VideoDoc) => Partial<VideoDoc> | null) =>
    changeDocument(videos, { _id: text(id) }, decide);
  const changeTask = async (
    id: string,
    decide: (task: TaskPart, doc: VideoDoc) => { task: TaskPart; rest?: Partial<VideoDoc> } | null,
  ) =>
    changeDocument(videos, { 'tasks.id': text(id) }, (doc) => {
      const task = doc.tasks.find((each) => each.id === id);
      const changed = task ? decide(task, doc) : null;
      if (!changed) return null;
      return {
        ...changed.rest,
        ...withTasks(doc.tasks.map((each) => (each.id === id ? changed.task : each))),
      };
    });

  async function storeArrival(id: string, arrival: Arrival): Promise<Video> {
    const changed = await change(id, () => arrived(arrival));
    if (!changed) throw new AppError('not-found', 'There is no such video.');
    return toVideo(changed.doc);
  }

  return {
    async beginUpload(video: NewVideo, sequence: Promise<number>): Promise<void> {
      const doc = newDoc(video, await sequence);
      if (doc.folderId !== null) {
        const tree = await journal.current();
        const isThere = async () => await videos.findOne({ _id: doc._id }, { projection: { _id: 1 } });
        if (tree.get(doc.folderId)?.ownerId !== doc.ownerId && (await isThere())) return;
        assertFolderOf(tree, doc.ownerId, doc.folderId);
      }
      try {
        await videos.insertOne(doc);
      } catch (error) {
        if (!isDuplicate(error)) throw error;
        // Ours seen twice, or another call's that was as quick: the one that is there is to be settled.
        const there = await videos.findOne({ _id: doc._id }, { projection: { isUnsettled: 1 } });
        if (!there?.isUnsettled) return;
      }
      let seen: Pick<VideoDoc, '_id' | 'folderId' | 'ownerId' | 'isUnsettled'> = doc;
      while (seen.isUnsettled && !(await settle(collections, journal, seen))) {
        const { _id, folderId } = seen;
        await videos.deleteOne({ _id, folderId, isUnsettled: true, status: 'arriving' });
        const now = await videos.findOne(
          { _id },
          { projection: { folderId: 1, ownerId: 1, isUnsettled: 1 } },
        );
        if (!now) throw new AppError('not-found', 'There is no such folder.');
        // Who removed the folder was quicker, and took it along with the others.
        seen = now;
      }
    },

    async reserveBytes(id: string, bytes: number): Promise<number> {
      const changed = await change(id, ({ status, storedBytes }) =>
        status === 'arriving' && bytes > storedBytes ? { storedBytes: bytes } : null,
      );
      return changed?.doc.storedBytes ?? 0;
    },

    async setUploadSize(id: string, sizeBytes: number): Promise<void> {
      await change(id, ({ status, receivedBytes, storedBytes, sizeBytes: before }) => {
        if (status !== 'arriving') return null;
        const bytes = Math.max(before === null ? storedBytes : receivedBytes, sizeBytes);
        return { ...sized(sizeBytes), storedBytes: bytes };
      });
    },

    storeArrival,

    async forgetVideo(id: string): Promise<void> {
      const _id = text(id);
      await forgetLinks(collections, { subject: 'video', subjectId: _id });
      await collections.progress.deleteMany({ videoId: _id });
      await videos.deleteOne({ _id });
      // Also where it was gone already: the answer of the first time may have been lost.
      await accessChanged();
    },

    async renameVideo(id: string, title: string): Promise<Video | null> {
      const fields = titled(text(title));
      const changed = await change(id, () => fields);
      return changed && toVideo(changed.doc);
    },

    async setBinned(id: string, binnedAtMs: number | null): Promise<Video | null> {
      const at = binnedAtMs === null ? null : Math.round(binnedAtMs);
      // Where its removal began, some of it may be gone already.
      const changed = await change(id, (doc) => (doc.binnedAtMs === 0 ? null : binned(at)));
      if (changed?.isWritten) await accessChanged();
      return changed && toVideo(changed.doc);
    },

    async startRemoval(id: string, binnedAtMs: number): Promise<boolean> {
      const seen = Math.round(binnedAtMs);
      const removal = createId();
      const changed = await change(id, (doc) =>
        doc.binnedAtMs === seen && seen !== 0 ? { ...binned(0), removal } : null,
      );
      if (!changed) return false;
      return changed.doc.binnedAtMs === 0 && (seen === 0 || changed.doc.removal === removal);
    },

    async moveVideo(id: string, folderId: string | null): Promise<Video | null> {
      const place = folderId === null ? null : text(folderId);
      const tree = place === null ? null : await journal.current();
      let from: string | null = null;
      const isUnsettled = place !== null;
      const changed = await change(id, (doc) => {
        if (tree) assertFolderOf(tree, doc.ownerId, place);
        if (doc.folderId === place) return null;
        from = doc.folderId;
        return { folderId: place, isUnsettled };
      });
      if (!changed) return null;
      if (changed.isWritten) await accessChanged();
      let { doc } = changed;
      while (doc.isUnsettled && !(await settle(collections, journal, doc))) {
        const { folderId, ownerId } = doc;
        const back = (await journal.current()).get(from)?.ownerId === ownerId ? from : null;
        const undone = await change(id, (now) =>
          now.folderId === folderId ? { folderId: back, isUnsettled: back !== null } : null,
        );
        if (!undone) return null;
        if (undone.doc.folderId === back) {
          await accessChanged();
          throw new AppError('not-found', 'There is no such folder.');
        }
        // Who removed the folder was quicker, and took it along with the others.
        doc = undone.doc;
      }
      return toVideo(doc);
    },

    async share(id: string, audiences: readonly string[]): Promise<void> {
      const wanted = audiencesOf(audiences);
      const changed = await change(id, () => ({ audiences: wanted }));
      if (changed?.isWritten) await accessChanged();
    },

    async addTask({ id, kind, videoId, addedAtMs }: Task): Promise<void> {
      const task = {
        ...{ id: text(id), kind: text(kind), addedAtMs: Math.round(addedAtMs) },
        ...{ token: 0, isEnded: false },
      };
      await change(videoId, ({ tasks }) =>
        tasks.some((each) => each.id === task.id) ? null : withTasks([...tasks, task]),
      );
    },

    async claimTask(id: string, token: number): Promise<boolean> {
      let isOurs = false;
      await changeTask(id, (task) => {
        isOurs = !task.isEnded && task.token <= token;
        return isOurs ? { task: { ...task, token } } : null;
      });
      return isOurs;
    },

    /** The task and its video are one document, so both change at once. */
    async finishTask(id: string, token: number, found: Arrival | null): Promise<boolean> {
      let isOurs = false;
      await changeTask(id, (task) => {
        isOurs = task.token === token && token !== 0;
        if (!isOurs || task.isEnded) return null;
        return { task: { ...task, isEnded: true }, ...(found && { rest: arrived(found) }) };
      });
      return isOurs;
    },
  };
}

function withTasks(all: readonly TaskPart[]): Pick<VideoDoc, 'tasks' | 'openTaskAtMs'> {
  const open = all.filter(({ isEnded }) => !isEnded);
  const ended = all.filter(({ isEnded }) => isEnded).slice(-mostEnded);
  const openTaskAtMs = open.length === 0 ? null : Math.min(...open.map(({ addedAtMs }) => addedAtMs));
  return { tasks: [...ended, ...open], openTaskAtMs };
}
