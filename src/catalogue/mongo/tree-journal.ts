// Changes of folders, one after the other in the whole cluster without anybody waiting for somebody who may be dead:
// a change is decided by one write to one document, and then done by whoever comes next.
//
// 1. Read the tree's document. A change that is pending there is ended first (3 and 4), whoever decided it.
// 2. Decide on the tree as it is at that revision, and write the change as pending with the next revision, only while
//    the document is as it was read. From here on it holds: readers see the tree as it will be.
// 3. Do it to the folders (and the videos that lie in one that goes). Each step can be done again, by many at once, and
//    much later by a process that slept: a folder takes a change only with a greater revision than it has.
// 4. Nothing is pending any more, only while the revision is still this one.
//
// A folder that is added is written before step 2 without anything in it, so that step 3 never makes one that went.
import { setTimeout as sleep } from 'node:timers/promises';
import { AppError } from '../../errors.ts';
import { createId } from '../../ids.ts';
import { isDuplicate } from '../../mongo/failure.ts';
import type { Collections, FolderDoc, TreeDoc, TreeOperation } from './documents.ts';
import { FolderTree } from './folder-tree.ts';

/** Calls kept so that one whose answer was lost knows its own: more than there are processes that decide at once. */
const mostCalls = 100;
/** Folders that went, kept so that readers who come again soon need not read all. */
const mostRemoved = 500;
/** Documents of one write: each takes some milliseconds. */
const pieceLength = 1000;
const attempts = 200;
/** A tree that changes while it is read is read again so often. */
const readings = 5;

export class TreeJournal {
  readonly #collections: Collections;
  #tree = FolderTree.empty;

  constructor(collections: Collections) {
    this.#collections = collections;
  }

  /** The folders as they are now, every change included that was acknowledged before the call, wherever. */
  async current(): Promise<FolderTree> {
    return this.#treeOf(await this.#read());
  }

  /**
   * @param decide what is to be done, from the tree as it is; null for nothing. Throws what refuses it. Called again when somebody else was quicker.
   * @returns the tree afterwards and whether anything was done
   */
  async change(
    decide: (tree: FolderTree) => TreeOperation | null,
  ): Promise<{ readonly tree: FolderTree; readonly isChanged: boolean }> {
    const call = createId();
    for (let attempt = 1; attempt <= attempts; attempt++) {
      const doc = await this.#read();
      const tree = await this.#treeOf(doc);
      if (doc.pending) {
        await this.#end(doc);
        if (doc.calls.at(-1) === call) return { tree, isChanged: true };
        continue;
      }
      if (doc.calls.includes(call)) return { tree, isChanged: true };
      // Somebody decided something while the folders were read.
      if (tree.revision !== doc.revision) continue;
      const operation = decide(tree);
      if (!operation) return { tree, isChanged: false };
      if (operation.kind === 'add') await this.#prepare(operation.id);
      const decided = next(doc, operation, call);
      const { matchedCount } = await this.#collections.folderTree.updateOne(
        { _id: 'folders', revision: doc.revision },
        { $set: decided },
      );
      if (matchedCount === 1) {
        await this.#end(decided);
        return { tree: this.#keep(tree.after(decided.revision, operation) ?? tree), isChanged: true };
      }
      if (attempt > 2) await sleep(Math.random() * Math.min(50, 2 * attempt));
    }
    throw new AppError('unavailable', 'Too many change folders at once.', { retryAfterSeconds: 1 });
  }

  /** Ends what a process that died left half done. */
  async recover(): Promise<void> {
    const doc = await this.#read();
    if (doc.pending) await this.#end(doc);
  }

  /** Folders were changed past this: everybody reads all of them anew. */
  async renew(): Promise<void> {
    const { revision } = await this.#read();
    const changed = { revision: revision + 1, removed: [], removedSince: revision + 1 };
    await this.#collections.folderTree.updateOne(
      { _id: 'folders', revision, pending: null },
      { $set: changed },
    );
  }

  async #read(): Promise<TreeDoc> {
    const { folderTree } = this.#collections;
    const found = await folderTree.findOne({ _id: 'folders' });
    if (found) return found;
    const first = { _id: 'folders' as const, revision: 1, pending: null };
    try {
      await folderTree.insertOne({ ...first, calls: [], removed: [], removedSince: 1 });
    } catch (error) {
      if (!isDuplicate(error)) throw error;
    }
    return this.#read();
  }

  async #treeOf(read: TreeDoc): Promise<FolderTree> {
    let doc = read;
    for (let reading = 1; this.#tree.revision < doc.revision; reading++) {
      const known = this.#tree;
      const done = doc.pending ? doc.revision - 1 : doc.revision;
      const isWhole = known.revision >= doc.removedSince;
      const from = isWhole ? known : FolderTree.empty;
      const tree =
        from.revision === done
          ? from
          : from.with(
              done,
              await this.#collections.folders.find({ treeRevision: { $gt: from.revision } }).toArray(),
              doc.removed.filter(({ revision }) => revision > from.revision && revision <= done),
            );
      const whole = doc.pending ? tree.after(doc.revision, doc.pending) : tree;
      // A change of a newer program: it holds once that has done it.
      if (!whole) return tree;
      // What changed meanwhile may be seen in part.
      const again = await this.#read();
      if (again.revision === doc.revision || reading === readings) return this.#keep(whole);
      doc = again;
    }
    return this.#tree;
  }

  #keep(tree: FolderTree): FolderTree {
    if (tree.revision > this.#tree.revision) this.#tree = tree;
    return tree;
  }

  async #prepare(id: string): Promise<void> {
    try {
      await this.#collections.folders.insertOne({ _id: id, treeRevision: 0 } as FolderDoc);
    } catch (error) {
      // Our own seen twice, or a call's that was broken off.
      if (!isDuplicate(error)) throw error;
    }
  }

  async #end({ revision, pending }: Pick<TreeDoc, 'revision' | 'pending'>): Promise<void> {
    if (pending) await this.#perform(revision, pending);
    await this.#collections.folderTree.updateOne({ _id: 'folders', revision }, { $set: { pending: null } });
  }

  async #perform(revision: number, operation: TreeOperation): Promise<void> {
    const { folders } = this.#collections;
    const older = { $gt: 0, $lt: revision };
    const set = (id: string, fields: Partial<FolderDoc>) =>
      folders.updateOne({ _id: id, treeRevision: older }, { $set: { ...fields, treeRevision: revision } });
    switch (operation.kind) {
      case 'add': {
        const { kind: _, id, ...fields } = operation;
        const whole = { ...fields, audiences: [], treeRevision: revision };
        await folders.updateOne({ _id: id, treeRevision: 0 }, { $set: whole });
        return;
      }
      case 'rename':
        await set(operation.id, { name: operation.name });
        return;
      case 'move':
        await set(operation.id, { parentId: operation.parentId });
        return;
      case 'share':
        await set(operation.id, { audiences: operation.audiences });
        return;
      case 'give':
        await folders.updateMany(
          { ownerId: operation.fromId, treeRevision: older },
          { $set: { ownerId: operation.toId, treeRevision: revision } },
        );
        return;
      case 'remove':
        await this.#remove(revision, operation.id, operation.parentId);
        return;
      default:
        throw new AppError('unavailable', 'A newer Kinora is changing folders.', { retryAfterSeconds: 1 });
    }
  }

  /** The folder's own document goes last, so that whoever comes next finds what is left to do. */
  async #remove(revision: number, id: string, parentId: string | null): Promise<void> {
    const { folders, links, linkVisits } = this.#collections;
    for (const link of await links
      .find({ subjectId: id, subject: 'folder' }, { projection: { _id: 1 } })
      .toArray()) {
      await links.deleteOne({ _id: link._id });
      await linkVisits.deleteMany({ linkId: link._id });
    }
    await this.moveVideos(id, parentId);
    await folders.updateMany(
      { parentId: id, treeRevision: { $gt: 0, $lt: revision } },
      { $set: { parentId, treeRevision: revision } },
    );
    await folders.deleteOne({ _id: id, treeRevision: { $lt: revision } });
  }

  /** All videos that lie directly in a folder, the bin's too; some at a time. */
  async moveVideos(fromId: string, toId: string | null): Promise<void> {
    const { videos } = this.#collections;
    const within = { inBin: { $in: [false, true] }, folderId: fromId };
    while (true) {
      const found = await videos
        .find(within, { projection: { _id: 1 } })
        .limit(pieceLength)
        .toArray();
      if (found.length === 0) return;
      const ids = found.map(({ _id }) => _id);
      await videos.updateMany(
        { _id: { $in: ids }, folderId: fromId },
        { $set: { folderId: toId }, $inc: { revision: 1 } },
      );
    }
  }
}

function next(doc: TreeDoc, operation: TreeOperation, call: string): TreeDoc {
  const revision = doc.revision + 1;
  const all = operation.kind === 'remove' ? [...doc.removed, { id: operation.id, revision }] : doc.removed;
  const removed = all.slice(-mostRemoved);
  const forgotten = all.at(-mostRemoved - 1);
  return {
    ...{ _id: 'folders', revision, pending: operation, calls: [...doc.calls, call].slice(-mostCalls) },
    ...{ removed, removedSince: forgotten?.revision ?? doc.removedSince },
  };
}
