// The library: videos arriving, being indexed, being opened, described, binned. This file is what the rest of
// the program sees of it; `create-library.ts` puts it together.
import type { BlobReader } from '../blobs/blob-store.ts';
import type {
  Folder,
  ListRequest,
  Marks,
  Progress,
  Shared,
  Sight,
  Usage,
  Video,
  VideoPage,
} from '../catalogue/catalogue.ts';

/** One video while its bytes come in. Calls are made one after the other; one of finish, suspend, cancel ends it. */
export type ArrivingVideo = {
  readonly id: string;
  /** Bytes taken so far: where the next write goes. */
  readonly receivedBytes: number;
  /**
   * Takes the next bytes; the chunk may be reused afterwards. Throws `unsupported-media` as soon as the bytes
   * show that it is no video or sound, `too-large`, `no-room`. After `unsupported-media` nothing is left of it.
   */
  write(chunk: Uint8Array): Promise<void>;
  /** Resolves when everything taken so far survives a power cut. */
  sync(): Promise<void>;
  /** The last byte has been written: seals the blob, stores the index, and the video is what it is. */
  finish(): Promise<Video>;
  /** Keeps what has arrived, to be taken up later with `resumeArrival`. */
  suspend(): Promise<void>;
  /** Removes everything of it. */
  cancel(): Promise<void>;
};

export type NewArrival = {
  /** Whose it will be. */
  readonly ownerId: string;
  /** Where it is to lie; null at the top. A folder that is not the owner's is refused (`not-found`). */
  readonly folderId: string | null;
  /** Whom it is shared with from the start. */
  readonly audiences: readonly string[];
  /** Most bytes the owner may have; null where not limited. */
  readonly quotaBytes: number | null;
  /** As the client gave it: any text at all. */
  readonly fileName: string;
  /** Left out: made from the file name. Checked by nobody: bounded and made plain here. */
  readonly title?: string;
  /** When it was added elsewhere (an import), milliseconds since the epoch; left out: now. */
  readonly addedAtMs?: number;
  /** null where not announced. */
  readonly sizeBytes: number | null;
  /** The tus metadata header, where it arrives that way. */
  readonly uploadMetadata: string | null;
};

/** Bytes ready to be served: `header` followed by `start`..`end` (end-exclusive) of the blob behind `reader`. */
export type OpenedBytes = {
  readonly header: Uint8Array;
  readonly reader: BlobReader;
  readonly start: number;
  readonly end: number;
  readonly contentType: string;
  /** What the video's file was called when it came. */
  readonly fileName: string;
  /** Strong, with its quotes. */
  readonly etag: string;
  readonly lastModifiedMs: number;
  /** Must be called when the response is over; idempotent. */
  release(): void;
};

/** A stretch of a video in seconds; null ends at the end. */
export type Clip = { readonly startSeconds: number; readonly endSeconds: number | null };

/** Bytes that are about to come, and whose they will be. */
export type QuotaRequest = Pick<NewArrival, 'ownerId' | 'quotaBytes'> & { readonly sizeBytes: number };

export type Library = {
  /**
   * Throws `too-large` where it could never fit into the owner's quota, `no-room` where it does not now; both with the
   * figures, before a byte is taken. Of unannounced size: as soon as the bytes pass it, with `write`.
   */
  beginArrival(arrival: NewArrival): Promise<ArrivingVideo>;
  /** Throws as `beginArrival` where so much more does not fit; promises nothing. */
  assertQuota(request: QuotaRequest): Promise<void>;
  /**
   * Takes up an unfinished one. Throws `not-found`, `conflict` while another request is writing it; one of another
   * process is asked to leave it first.
   */
  resumeArrival(id: string, quotaBytes: number | null): Promise<ArrivingVideo>;
  /**
   * Resolves when no other process writes it: one that does is asked to stop, and has made safe what it had in hand.
   * Throws `conflict` where it does not within 20 s.
   */
  untilArrivalLeft(id: string): Promise<void>;
  /** The size became known (tus deferred length). Throws `not-found`, `conflict` when it is complete, and as `beginArrival`. */
  announceSize(id: string, sizeBytes: number, quotaBytes: number | null): Promise<void>;
  /** Removes an unfinished one (the client gave up), also while a request is writing it. Throws `not-found`, `conflict`. */
  cancelArrival(id: string): Promise<void>;

  /** Throws `not-found`. Progress of an arriving one is as of now. */
  getVideo(id: string): Promise<Video>;
  listVideos(request: ListRequest): Promise<VideoPage>;
  /** How far those are that somebody writes right now, here or elsewhere; a second old at most. */
  arrivingBytes(): Promise<ReadonlyMap<string, number>>;
  /**
   * Another number after every change of a video (but not of how far it is): here at once, of other processes within
   * 2 s. Who may see what is `Access.revision`.
   */
  revision(): number;
  streamVideos(request: { readonly query: string; readonly sight: Sight }): AsyncIterable<Video>;
  /** Throws `not-found`, `bad-request` (empty or over 500 characters). */
  renameVideo(id: string, title: string): Promise<Video>;
  /** Into the bin; it is gone for good after the set time. */
  binVideo(id: string): Promise<Video>;
  restoreVideo(id: string): Promise<Video>;
  /** Out of the bin and gone now. */
  removeVideo(id: string): Promise<void>;

  /** The playable view or a clip of it. Throws `not-found`, `unplayable`, `bad-request` (the clip is not in the video). */
  openView(id: string, clip: Clip | null): Promise<OpenedBytes>;
  /** The file as it came. Throws `not-found`, `conflict` while it arrives. */
  openOriginal(id: string): Promise<OpenedBytes>;

  getProgress(personId: string, videoIds: readonly string[]): Promise<ReadonlyMap<string, Progress>>;
  /** One who gets to the end (credits aside) has watched it. */
  setProgress(personId: string, videoId: string, positionMs: number): Promise<void>;
  /** Begun and not watched to the end, last watched first. */
  listBegun(personId: string, sight: Sight, limit: number): Promise<readonly Video[]>;
  getMarks(personId: string, videoIds: readonly string[]): Promise<ReadonlyMap<string, Marks>>;
  setMarks(personId: string, videoId: string, marks: Partial<Marks>): Promise<void>;

  /** null for the top. Throws `not-found`, also for a folder that is another's. */
  moveVideo(id: string, folderId: string | null): Promise<Video>;

  /** Throws `bad-request` (no name, over 200 characters, nested over 20 deep, over 1000 in one), `not-found` (the parent, or it is another's). */
  addFolder(folder: Pick<Folder, 'ownerId' | 'parentId' | 'name'>): Promise<Folder>;
  /** Throws `not-found`. */
  getFolder(id: string): Promise<Folder>;
  /** As the catalogue's. */
  listFolders(sight: Sight, parentId: string | null): Promise<readonly Folder[]>;
  /** From the top to the folder itself. Empty where there is none. */
  folderPath(id: string): Promise<readonly Folder[]>;
  /** Throws as `addFolder`. */
  renameFolder(id: string, name: string): Promise<Folder>;
  /** Throws as `addFolder`, `conflict` where it would lie within itself. */
  moveFolder(id: string, parentId: string | null): Promise<Folder>;
  /**
   * Puts all videos in it and in its folders into the bin, then removes the folders. Taken out, they lie where the
   * folder lay; so does what is still arriving. Throws `not-found`. Can be done again after a crash.
   */
  binFolder(id: string): Promise<void>;

  /** Whom it is shared with itself, not by the folders around it; null for a camera that nobody ever said anything of. */
  getAudiences(subject: Shared, id: string): Promise<readonly string[] | null>;
  setAudiences(subject: Shared, id: string, audiences: readonly string[]): Promise<void>;

  getUsage(ownerId: string): Promise<Usage>;
  /**
   * Of a person who goes: all videos and folders to another, or all videos into the other's bin. What is still arriving
   * is given up. Can be done again after a crash.
   */
  giveEverything(fromId: string, toId: string, isIntoBin: boolean): Promise<void>;

  /**
   * For the worker's part: takes up what a crash left (numbered steps in `design/writes.md`), then goes on to look for
   * that, does tasks, empties the bin and cleans up.
   */
  start(): Promise<void>;
  /** Idempotent. */
  close(): Promise<void>;
};
