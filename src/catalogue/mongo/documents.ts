// The documents of the catalogue in MongoDB, every field explained, and the indexes by which they are found (which one
// serves what is told in design/catalogue.md). Only ever added to: an older program beside a newer one leaves what it
// does not know as it is, and reads what lacks a field of its own as said there.
import type { Collection, Db } from 'mongodb';
import { ensureIndexes, type WantedIndex } from '../../mongo/indexes.ts';
import type { Shared } from '../catalogue.ts';
import type { CounterDoc } from './sequences.ts';

/** Collection `videos`: one for each video, from its first byte on. */
export type VideoDoc = {
  /** The video's id, made by the caller. */
  readonly _id: string;
  /** Of the form of this document: 1. */
  readonly v: number;
  /** Grows with every change that depends on what was read before: such a change is made only to what was read. */
  readonly revision: number;
  /** The order in which they began to arrive; see `sequences.ts`. */
  readonly sequence: number;
  /** The person it belongs to. */
  readonly ownerId: string;
  /** The folder it lies in; null at the top. */
  readonly folderId: string | null;
  /** True from when it was put into the folder until the folder was seen to be there still; see `video-places.ts`. */
  readonly isUnsettled: boolean;
  /** Whom it is itself shared with, in order, each once. */
  readonly audiences: readonly string[];
  readonly title: string;
  /** What titles are sorted by (`titleKey`). */
  readonly titleKey: string;
  /** Every beginning of the title's words (`beginningsOf`): what the search looks up. */
  readonly beginnings: readonly string[];
  /** The name the file came with. */
  readonly fileName: string;
  readonly status: string;
  /** A sentence for people; null where all is well. */
  readonly reason: string | null;
  /** As announced while arriving, bytes; null where not announced; exact afterwards. */
  readonly sizeBytes: number | null;
  /** `sizeBytes`, or -1: what is sorted by. */
  readonly sizeKey: number;
  /** While it arrives this is a second behind; the blob store knows. */
  readonly receivedBytes: number;
  /** What its owner has of it: what was announced or came, where that is more. */
  readonly storedBytes: number;
  /** Milliseconds, with fractions; null where not known. */
  readonly durationMs: number | null;
  /** `durationMs`, or -1: what is sorted by. */
  readonly lengthKey: number;
  /** matroska, mp4, ...; null while not known. */
  readonly container: string | null;
  /** JSON: the list of TrackSummary. As text, since names of cameras and programs are in it as they came. */
  readonly tracks: string;
  /** JSON: Playback. */
  readonly playback: string;
  /** The blob of the original. */
  readonly blobId: string;
  /** The blob of the index; null where there is none. */
  readonly indexId: string | null;
  /** The tus client's metadata header; null where it came another way. */
  readonly uploadMetadata: string | null;
  /** Milliseconds since the epoch. */
  readonly addedAtMs: number;
  /** Milliseconds since the epoch; null where it is not in the bin, 0 where its removal began. */
  readonly binnedAtMs: number | null;
  /** Whether `binnedAtMs` is set: the first column of the lists' indexes. */
  readonly inBin: boolean;
  /** The call that began its removal; null where none did. */
  readonly removal: string | null;
  /** Whose favourite it is. */
  readonly favouriteOf: readonly string[];
  /** Who watched it. */
  readonly watchedBy: readonly string[];
  /** Work to be done for it, and the last that was done. */
  readonly tasks: readonly TaskPart[];
  /** When the oldest task that has not ended was added; null where there is none. */
  readonly openTaskAtMs: number | null;
};

export type TaskPart = {
  readonly id: string;
  readonly kind: string;
  readonly addedAtMs: number;
  /** Of the lease with which it was claimed last; 0 where it never was. */
  readonly token: number;
  readonly isEnded: boolean;
};

/** Collection `folders`. Only `tree-journal.ts` writes it. */
export type FolderDoc = {
  /** The folder's id, made by the caller. */
  readonly _id: string;
  /** The revision of the tree that changed it last; 0 before it is part of the tree, and then it has nothing else. */
  readonly treeRevision: number;
  readonly ownerId: string;
  /** null at the top. */
  readonly parentId: string | null;
  readonly name: string;
  /** Whom it is itself shared with, in order, each once. */
  readonly audiences: readonly string[];
  readonly createdAtMs: number;
};

/** Collection `shares`: whom cameras are shared with; of a camera without one nobody ever said anything. */
export type CameraShareDoc = {
  /** The camera's id; also of those of the settings file. */
  readonly _id: string;
  /** As in `VideoDoc`. */
  readonly revision: number;
  readonly audiences: readonly string[];
};

/** Collection `progress`: where a person was in a video. */
export type ProgressDoc = {
  /** JSON: the person's id and the video's. */
  readonly _id: string;
  readonly personId: string;
  readonly videoId: string;
  /** Milliseconds from the start, with fractions. */
  readonly positionMs: number;
  /** Milliseconds since the epoch, as the caller says; an older position never replaces a newer. */
  readonly updatedAtMs: number;
  /** Whether the position is past the start. */
  readonly isBegun: boolean;
  /** Whether the person watched it, as the video's document says: kept here so that the list of what was begun need not pass over all that was watched. */
  readonly isWatched: boolean;
};

/** Collection `links`: guest links. */
export type LinkDoc = {
  /** Made by the caller. */
  readonly _id: string;
  /** As in `VideoDoc`. */
  readonly revision: number;
  /** The order in which they were made. */
  readonly sequence: number;
  /** SHA-256 of the secret, hex. */
  readonly secretHash: string;
  readonly subject: Shared;
  readonly subjectId: string;
  readonly startSeconds: number | null;
  readonly endSeconds: number | null;
  readonly createdBy: string;
  readonly createdAtMs: number;
  readonly note: string;
  readonly expiresAtMs: number | null;
  readonly passwordHash: string | null;
  readonly maxVisits: number | null;
  /** How many it has let in. */
  readonly visits: number;
  readonly allowsDownload: boolean;
  /** The last visitors; those before are in `linkVisits`. */
  readonly recent: readonly string[];
};

/** Collection `linkVisits`: visitors of links but the last, so that each counts once. */
export type LinkVisitDoc = {
  /** JSON: the link's id and the visitor's. */
  readonly _id: string;
  readonly linkId: string;
};

/** Collection `cameras`: those added in the page or over the API. */
export type CameraDoc = {
  readonly _id: string;
  readonly name: string;
  readonly driver: string;
  /** JSON: the driver's own options, passwords sealed. As text, since their names may be anything. */
  readonly options: string;
  readonly addedAtMs: number;
};

/** Collection `catalogueAudit`: what was done to videos, folders, links and cameras. */
export type AuditDoc = {
  readonly _id: string;
  /** The order in which it was noted. */
  readonly sequence: number;
  readonly atMs: number;
  readonly personId: string | null;
  readonly personName: string;
  readonly action: string;
  readonly subject: string;
  readonly address: string;
};

/** What is done to the tree of folders, whole: whoever finds it half done can end it. */
export type TreeOperation =
  | {
      readonly kind: 'add';
      readonly id: string;
      readonly ownerId: string;
      readonly parentId: string | null;
      readonly name: string;
      readonly createdAtMs: number;
    }
  | { readonly kind: 'rename'; readonly id: string; readonly name: string }
  | { readonly kind: 'move'; readonly id: string; readonly parentId: string | null }
  | { readonly kind: 'share'; readonly id: string; readonly audiences: readonly string[] }
  /** What lies in it moves to `parentId`. */
  | { readonly kind: 'remove'; readonly id: string; readonly parentId: string | null }
  | { readonly kind: 'give'; readonly fromId: string; readonly toId: string };

/** Collection `folderTree`: one document, by which the changes of all folders are one after the other. */
export type TreeDoc = {
  readonly _id: 'folders';
  /** Grows by one with each change. */
  readonly revision: number;
  /** The change with that revision while it is being done; null afterwards. */
  readonly pending: TreeOperation | null;
  /** The calls that made the last changes, so that one whose answer was lost knows its own. */
  readonly calls: readonly string[];
  /** Folders that went lately, and with which revision... */
  readonly removed: readonly { readonly id: string; readonly revision: number }[];
  /** ...all of them since this one. */
  readonly removedSince: number;
};

export type Collections = {
  readonly videos: Collection<VideoDoc>;
  readonly folders: Collection<FolderDoc>;
  readonly folderTree: Collection<TreeDoc>;
  readonly shares: Collection<CameraShareDoc>;
  readonly progress: Collection<ProgressDoc>;
  readonly links: Collection<LinkDoc>;
  readonly linkVisits: Collection<LinkVisitDoc>;
  readonly cameras: Collection<CameraDoc>;
  readonly audit: Collection<AuditDoc>;
  readonly counters: Collection<CounterDoc>;
};

export function collectionsOf(db: Db): Collections {
  return {
    videos: db.collection('videos'),
    folders: db.collection('folders'),
    folderTree: db.collection('folderTree'),
    shares: db.collection('shares'),
    progress: db.collection('progress'),
    links: db.collection('links'),
    linkVisits: db.collection('linkVisits'),
    cameras: db.collection('cameras'),
    audit: db.collection('catalogueAudit'),
    counters: db.collection('counters'),
  };
}

/** Lists are of the library or of the bin, newest first, of what has one value of a field. */
const listed = (name: string, field: string): WantedIndex => ({
  name,
  keys: { inBin: 1, [field]: 1, sequence: -1 },
});

const wanted: Readonly<Record<string, readonly WantedIndex[]>> = {
  videos: [
    { name: 'shelf', keys: { inBin: 1, sequence: -1 } },
    listed('owner', 'ownerId'),
    listed('audience', 'audiences'),
    listed('folder', 'folderId'),
    listed('word', 'beginnings'),
    listed('favourite', 'favouriteOf'),
    listed('watched', 'watchedBy'),
    { name: 'by-title', keys: { inBin: 1, titleKey: 1, sequence: 1 } },
    { name: 'by-length', keys: { inBin: 1, lengthKey: -1, sequence: -1 } },
    { name: 'by-size', keys: { inBin: 1, sizeKey: -1, sequence: -1 } },
    { name: 'usage', keys: { ownerId: 1, storedBytes: 1 } },
    { name: 'status', keys: { status: 1 } },
    { name: 'binned', keys: { binnedAtMs: 1, sequence: 1 } },
    { name: 'task', keys: { 'tasks.id': 1 } },
    { name: 'open-task', keys: { openTaskAtMs: 1 } },
    { name: 'unsettled', keys: { isUnsettled: 1 } },
  ],
  folders: [{ name: 'changed', keys: { treeRevision: 1 } }],
  progress: [
    { name: 'begun', keys: { personId: 1, isBegun: 1, isWatched: 1, updatedAtMs: -1, videoId: -1 } },
    { name: 'video', keys: { videoId: 1 } },
  ],
  links: [
    { name: 'secret', keys: { secretHash: 1 }, options: { unique: true } },
    { name: 'person', keys: { createdBy: 1 } },
    { name: 'subject', keys: { subjectId: 1, subject: 1 } },
  ],
  linkVisits: [{ name: 'link', keys: { linkId: 1 } }],
  catalogueAudit: [{ name: 'time', keys: { atMs: -1, sequence: -1 } }],
};

/** Makes the indexes that are missing; again, and by many at once, does no harm. Throws `unavailable`. */
export function ensureCatalogueIndexes(db: Db): Promise<void> {
  return ensureIndexes(db, wanted);
}
