// The port to what is known about videos, cameras and people's progress; never bytes. Operations are whole
// operations of the domain, each atomic in its adapter; every write is idempotent (ids are made by the caller).
// Adapters: `sqlite/`, later `mongo/`; both pass `test/contracts/catalogue.ts`.
import type { Codec, Container, TrackKind } from '../media/track.ts';
import type { AuditNote } from './audit-note.ts';
import type { Folder, GuestLink, Marks, Shared, Sharing, Sight, Usage } from './sharing.ts';

export type { AuditNote } from './audit-note.ts';
export type { Folder, GuestLink, Marks, Shared, Sharing, Sight, Usage } from './sharing.ts';
export { householdAudience } from './sharing.ts';

/** `arriving`: bytes are coming. `ready`: plays. `converting`: will play. `unplayable`: kept, `reason` says why not. */
export type VideoStatus = 'arriving' | 'ready' | 'converting' | 'unplayable';

/** What a person may want to know of a track; the samples are in the index blob. */
export type TrackSummary = {
  readonly number: number;
  readonly kind: TrackKind;
  readonly codec: Codec;
  readonly codecName: string;
  readonly codecString: string | null;
  readonly language: string;
  readonly name: string;
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  readonly sampleRate: number;
  /** Why this track is left out of the view, a sentence; null where it is in. */
  readonly obstacle: string | null;
};

/** How the video can be played: which of the two sources the player lists, and their types. */
export type Playback = {
  /** Media type with codecs of `/videos/:id/video.mp4`; null where there is no view. */
  readonly viewType: string | null;
  /** Media type with codecs of the original where some browser takes its container; else null. */
  readonly originalType: string | null;
};

export type Video = {
  readonly id: string;
  /** The person it belongs to; `household` for what came before there were accounts. */
  readonly ownerId: string;
  /** Where it lies; null at the top. */
  readonly folderId: string | null;
  readonly title: string;
  /** The name the file came with, as text; never used as a path. */
  readonly fileName: string;
  readonly status: VideoStatus;
  /** A sentence for `unplayable` and `converting`, and for a `ready` one that plays with something missing; else null. */
  readonly reason: string | null;
  /** Whole size: as announced while arriving (null where not announced), exact afterwards. */
  readonly sizeBytes: number | null;
  /** Bytes stored so far; equals sizeBytes once arrived. */
  readonly receivedBytes: number;
  readonly durationMs: number | null;
  /** `matroska`, `mp4`, ... or what `media/sniff` calls it (`avi`, `mpegts`); null while not known. */
  readonly container: Container | string | null;
  readonly tracks: readonly TrackSummary[];
  readonly playback: Playback;
  readonly blobId: string;
  /** The blob that holds the index; null where there is none. */
  readonly indexId: string | null;
  /** The tus client's metadata header as it came, where it arrives that way, so that any replica can go on. */
  readonly uploadMetadata: string | null;
  readonly addedAtMs: number;
  /** When it was put in the bin; null where it is not. */
  readonly binnedAtMs: number | null;
};

export type NewVideo = Pick<
  Video,
  | 'id'
  | 'ownerId'
  | 'folderId'
  | 'title'
  | 'fileName'
  | 'sizeBytes'
  | 'blobId'
  | 'uploadMetadata'
  | 'addedAtMs'
> & {
  /** Whom it is shared with from the start. */
  readonly audiences: readonly string[];
};

/** What is known when the last byte has landed and the index is stored. */
export type Arrival = Pick<
  Video,
  'status' | 'reason' | 'durationMs' | 'container' | 'tracks' | 'playback' | 'indexId'
> & { readonly sizeBytes: number };

export type ListRequest = {
  /** 1..1000 */
  readonly limit: number;
  /** The `next` of the page before; null for the first. Throws `bad-request` when it is not one of ours. */
  readonly after: string | null;
  /** Words; a video matches when each is the beginning of a word of its title (case and accents aside). Empty: all. */
  readonly query: string;
  /** The bin instead of the library. */
  readonly inBin?: boolean;
  /** Who looks: nothing else is listed. Left out: everything (for the program itself, never for a request). */
  readonly sight?: Sight;
  /** Only what lies in this folder itself, null for the top; left out: wherever it lies. */
  readonly folderId?: string | null;
  /** Only what belongs to `sight.ownerIds`, or only what is others'. */
  readonly whose?: 'own' | 'others';
  /** Only what this person marked so (or not: `unwatched`). */
  readonly marked?: { readonly personId: string; readonly as: 'favourite' | 'watched' | 'unwatched' };
  readonly sort?: VideoSort;
};

/** `title` goes by the words people read, case and accents aside; the others largest or newest first. */
export const videoSorts = ['newest', 'oldest', 'title', 'longest', 'largest'] as const;
export type VideoSort = (typeof videoSorts)[number];

export type VideoPage = { readonly items: readonly Video[]; readonly next: string | null };

export type Progress = { readonly positionMs: number; readonly updatedAtMs: number };

/** A camera that was added in the page or over the API (those of the settings file are not in the catalogue). */
export type StoredCamera = {
  readonly id: string;
  readonly name: string;
  readonly driver: string;
  /** The driver's own options; plain JSON values, passwords sealed (`cameras/secret-box.ts`). */
  readonly options: Readonly<Record<string, unknown>>;
  readonly addedAtMs: number;
};

/** Work to be done once for a video, by whichever process comes to it; it holds the lease `task:ID` meanwhile. */
export type Task = {
  /** Used once: added again, also after its end, nothing happens. */
  readonly id: string;
  /** What is to be done, in the library's words. */
  readonly kind: string;
  readonly videoId: string;
  readonly addedAtMs: number;
};

/** Something of the catalogue that does not hold together. */
export type Disagreement = {
  /** What it is about: `folder 0123...`. */
  readonly subject: string;
  /** A clause without a full stop. */
  readonly message: string;
  readonly isRepaired: boolean;
};

export type Catalogue = {
  /** A video begins to arrive. Again with the same id: nothing happens. Throws `not-found` for a folder that is not there or another's. */
  beginUpload(video: NewVideo): Promise<void>;
  /** Tells watchers of the page how far it is; may be lost in a crash (the blob store knows the truth). */
  noteReceived(id: string, receivedBytes: number): Promise<void>;
  /**
   * Counts one that arrives as at least so many bytes of its owner's (`getUsage`), before they come; what it counts as
   * then. Known to all processes when it resolves; ends when it has arrived or is forgotten, if not by `noteReceived`.
   */
  reserveBytes(id: string, bytes: number): Promise<number>;
  /** The announced size became known (tus deferred length). */
  setUploadSize(id: string, sizeBytes: number): Promise<void>;
  /** The last byte landed and its index is stored: makes it what it is, durable when it resolves. */
  finishUpload(id: string, arrival: Arrival): Promise<Video>;
  /** A newer index replaces the old (repair). */
  replaceIndex(id: string, arrival: Arrival): Promise<Video>;
  /** Removes the row, its shares, marks and links. Nothing there: nothing happens. The caller has removed the blobs before. */
  forgetVideo(id: string): Promise<void>;
  /** null where there is none; includes those in the bin. */
  getVideo(id: string): Promise<Video | null>;
  /** In the order asked; without one, newest first. The pages make up the whole, also while videos come and go. */
  listVideos(request: ListRequest): Promise<VideoPage>;
  /** All that still arrive, in no order (recovery at start). */
  listArriving(): Promise<readonly Video[]>;
  /** Every video, in pages, in constant memory (check, NDJSON, CSV); the bin too where asked. */
  streamVideos(request: { query: string; inBin: boolean | 'both'; sight?: Sight }): AsyncIterable<Video>;
  /** null where there is none. */
  renameVideo(id: string, title: string): Promise<Video | null>;
  /** `binnedAtMs` null takes it out again. null where there is none. Where its removal began (`startRemoval`) nothing changes. */
  setBinned(id: string, binnedAtMs: number | null): Promise<Video | null>;
  /**
   * From here on it goes for good: sets `binnedAtMs` to 0 where it is still what is given. False where it is not (it
   * was taken out, put in anew, or another began). With 0: whether a removal was begun, which is then gone on with.
   */
  startRemoval(id: string, binnedAtMs: number): Promise<boolean>;
  /** Those put in the bin before that moment, at most `limit`. */
  listBinnedBefore(beforeMs: number, limit: number): Promise<readonly Video[]>;
  countVideos(): Promise<number>;

  /** Nothing happens where there is no such video; with a video go its tasks. */
  addTask(task: Task): Promise<void>;
  /** Those not ended, oldest first. */
  listTasks(limit: number): Promise<readonly Task[]>;
  /** Before its work begins. False where it is not there, has ended, or somebody with a later token claimed it. */
  claimTask(id: string, token: number): Promise<boolean>;
  /**
   * Ends it and makes the video what was found, at once; null changes nothing of the video. False, with nothing done,
   * unless this token claimed it last. Again with the token that ended it: true.
   */
  finishTask(id: string, token: number, found: Arrival | null): Promise<boolean>;

  /** Where a person was in a video. `personId` is `household` until there are accounts. */
  getProgress(personId: string, videoIds: readonly string[]): Promise<ReadonlyMap<string, Progress>>;
  setProgress(personId: string, videoId: string, progress: Progress): Promise<void>;

  /** Begun and not watched to the end, last watched first, of what can be seen. */
  listBegun(personId: string, sight: Sight, limit: number): Promise<readonly Video[]>;
  /** Only videos with a mark are in the answer. */
  getMarks(personId: string, videoIds: readonly string[]): Promise<ReadonlyMap<string, Marks>>;
  /** What is left out stays. Nothing happens where there is no such video. Watched ones are no longer begun. */
  setMarks(personId: string, videoId: string, marks: Partial<Marks>): Promise<void>;

  /** Again with the same id: nothing happens. Throws `not-found` for a parent that is not there, or is another's. */
  addFolder(folder: Folder): Promise<void>;
  getFolder(id: string): Promise<Folder | null>;
  /** Directly in `parentId` (null: at the top) of what can be seen; by name. At the top also those whose parent cannot be seen. */
  listFolders(sight: Sight, parentId: string | null): Promise<readonly Folder[]>;
  /** Every folder of these owners, wherever it lies, in no order (to choose from). */
  ownFolders(ownerIds: readonly string[]): Promise<readonly Folder[]>;
  /** What lies directly in each: videos (the bin's not counted) and folders. Those with nothing in them may be left out. */
  countInFolders(
    ids: readonly string[],
  ): Promise<ReadonlyMap<string, { readonly videos: number; readonly folders: number }>>;
  /** From the top to the folder itself. Empty where there is none. */
  folderPath(id: string): Promise<readonly Folder[]>;
  renameFolder(id: string, name: string): Promise<Folder | null>;
  /** Throws `conflict` where it would lie within itself, `not-found` for a parent that is not there or another's. */
  moveFolder(id: string, parentId: string | null): Promise<Folder | null>;
  /** What lies in it moves to where it lay. The caller has seen to its videos before. */
  removeFolder(id: string): Promise<void>;
  /** null for the top. Throws `not-found` for a folder that is not there or another's than the video's. null where there is no such video. */
  moveVideo(id: string, folderId: string | null): Promise<Video | null>;

  /** Replaces whom it is shared with. Nothing happens where it is not there (cameras need not be). */
  setAudiences(subject: Shared, id: string, audiences: readonly string[]): Promise<void>;
  /** Of the thing itself, not of the folders around it; null where there is none, and for a camera that nobody ever said anything of. */
  getAudiences(subject: Shared, id: string): Promise<readonly string[] | null>;
  /** null where there is none (a camera without a word about it has null too: see `accounts/access.ts`). */
  getSharing(subject: Shared, id: string): Promise<Sharing | null>;

  getUsage(ownerId: string): Promise<Usage>;
  /** Gives a person's videos and folders to another, at most 1000 videos at a time; resolves to how many are left. */
  giveVideos(fromId: string, toId: string): Promise<number>;
  /** Forgets a person's progress, marks, links and what was shared with them. Their videos stay. */
  forgetPerson(personId: string): Promise<void>;

  /** Again: nothing happens. Throws `conflict` where another has the id or the secret. */
  addLink(link: GuestLink): Promise<void>;
  getLink(id: string): Promise<GuestLink | null>;
  findLink(secretHash: string): Promise<GuestLink | null>;
  /** Of one person, or of one thing, or both; newest first. */
  listLinks(request: {
    createdBy?: string;
    subject?: Shared;
    subjectId?: string;
  }): Promise<readonly GuestLink[]>;
  /** Counts a visitor; false where the link is not there or has had all its visits. `visitId` twice counts once. */
  countVisit(id: string, visitId: string): Promise<boolean>;
  /** False where there was none. */
  removeLink(id: string): Promise<boolean>;

  /** Again with the same id: nothing happens. */
  noteAudit(note: AuditNote): Promise<void>;
  /** Newest first, those before `beforeMs`. */
  listAudit(beforeMs: number, limit: number): Promise<readonly AuditNote[]>;

  /**
   * Changes whenever who may see what may have changed; a change made by another process shows within 2 s. For those
   * who let somebody in and must ask again.
   */
  accessRevision(): number;

  listCameras(): Promise<readonly StoredCamera[]>;
  /** Throws `conflict` where another camera has the id. */
  addCamera(camera: StoredCamera): Promise<void>;
  /** Replaces name, driver and options; when it was added stays. False where there is none. */
  updateCamera(camera: Omit<StoredCamera, 'addedAtMs'>): Promise<boolean>;
  /** False where there was none. Its shares and links go with it. */
  removeCamera(id: string): Promise<boolean>;

  /**
   * What does not hold together within the catalogue: things in folders that are not there, links to nothing, counts
   * and a search that are not what the videos say. With `repair` it is put right. Nothing else may be writing.
   */
  inspect(request: { repair: boolean }): Promise<readonly Disagreement[]>;

  /** Throws `unavailable` when the store cannot be reached (readiness). */
  ping(): Promise<void>;
  close(): Promise<void>;
};
