// The catalogue in MongoDB: any number of processes at once, each operation one document compared and set, or numbered
// steps that whoever comes next can end (`tree-journal.ts`, `video-places.ts`, `video-writes.ts`, `person-writes.ts`,
// `camera-writes.ts`, `link-writes.ts`). Every write can be done twice. No clock decides anything.
import type { Db } from 'mongodb';
import type { Logger } from 'pino';
import type { Clock } from '../../clock.ts';
import { AppError } from '../../errors.ts';
import { type Changes, createChanges } from '../../mongo/changes.ts';
import { withFailures } from '../../mongo/failure.ts';
import type {
  Arrival,
  AuditNote,
  Catalogue,
  Disagreement,
  Folder,
  GuestLink,
  ListRequest,
  Marks,
  NewVideo,
  Progress,
  Shared,
  Sharing,
  Sight,
  StoredCamera,
  Task,
  Usage,
  Video,
} from '../catalogue.ts';
import { type CameraWrites, createCameraWrites } from './camera-writes.ts';
import { type Collections, collectionsOf, ensureCatalogueIndexes } from './documents.ts';
import { toFolder } from './folder-tree.ts';
import { countInFolders, createFolderWrites, type FolderWrites, foldersSeen } from './folder-writes.ts';
import { inspectCatalogue } from './inspection.ts';
import { createLinkWrites, type LinkWrites } from './link-writes.ts';
import { Lists } from './lists.ts';
import { createPersonWrites, type PersonWrites } from './person-writes.ts';
import { Received } from './received.ts';
import { Sequence } from './sequences.ts';
import { text, texts } from './text.ts';
import { TreeJournal } from './tree-journal.ts';
import { toVideo, videoFields } from './video-docs.ts';
import { settleAll } from './video-places.ts';
import { createVideoWrites, type VideoWrites } from './video-writes.ts';
import { type Touched, WriteOrder } from './write-order.ts';

/**
 * Opens the catalogue: makes its indexes where they are missing, and ends what a process that died left half done.
 * Throws `unavailable`.
 * @param options.changes what tells of changes in other processes; one of its own where there is none
 */
export async function openMongoCatalogue(options: {
  db: Db;
  clock: Clock;
  log: Pick<Logger, 'debug'>;
  changes?: Changes;
}): Promise<Catalogue> {
  return withFailures(async () => {
    await ensureCatalogueIndexes(options.db);
    const collections = collectionsOf(options.db);
    const journal = new TreeJournal(collections);
    await journal.recover();
    await settleAll(collections, journal);
    const changes = options.changes ?? createChanges(options);
    return new MongoCatalogue(options.db, collections, journal, changes, options.clock, !options.changes);
  });
}

/** Everything; what changes a lot alone waits for all, and all for it. */
const all: Touched = { key: 'all', isShared: true };
const allAlone: Touched = { key: 'all' };
/** What lies in what. */
const tree: Touched = { key: 'tree', isShared: true };
const treeAlone: Touched = { key: 'tree' };

class MongoCatalogue implements Catalogue {
  readonly #db: Db;
  readonly #collections: Collections;
  readonly #journal: TreeJournal;
  readonly #changes: Changes;
  readonly #ownsChanges: boolean;
  readonly #order = new WriteOrder();
  readonly #received: Received;
  readonly #lists: Lists;
  readonly #videos: VideoWrites;
  readonly #folders: FolderWrites;
  readonly #people: PersonWrites;
  readonly #links: LinkWrites;
  readonly #cameras: CameraWrites;
  readonly #sequences: Record<'videos' | 'links' | 'audit', Sequence>;
  #closing: Promise<void> | null = null;

  constructor(
    db: Db,
    collections: Collections,
    journal: TreeJournal,
    changes: Changes,
    clock: Clock,
    ownsChanges: boolean,
  ) {
    this.#db = db;
    this.#collections = collections;
    this.#journal = journal;
    this.#changes = changes;
    this.#ownsChanges = ownsChanges;
    const accessChanged = () => changes.bump('access');
    this.#received = new Received(collections, clock);
    this.#lists = new Lists(collections, journal);
    this.#videos = createVideoWrites(collections, journal, accessChanged);
    this.#folders = createFolderWrites(journal, accessChanged);
    this.#people = createPersonWrites(collections, this.#folders, accessChanged);
    this.#links = createLinkWrites(collections, accessChanged);
    this.#cameras = createCameraWrites(collections, accessChanged, () => changes.bump('cameras'));
    const sequence = (name: string) => new Sequence(collections.counters, name);
    this.#sequences = { videos: sequence('videos'), links: sequence('links'), audit: sequence('audit') };
  }

  beginUpload(video: NewVideo): Promise<void> {
    return this.#numbered('videos', this.#ofVideo(video.id, video.folderId !== null), (number) =>
      this.#videos.beginUpload(video, number),
    );
  }

  async noteReceived(id: string, receivedBytes: number): Promise<void> {
    this.#assertOpen();
    this.#received.note(text(id), receivedBytes);
  }

  reserveBytes(id: string, bytes: number): Promise<number> {
    return this.#write(this.#ofVideo(id), () => this.#videos.reserveBytes(id, bytes));
  }

  setUploadSize(id: string, sizeBytes: number): Promise<void> {
    return this.#write(this.#ofVideo(id), () => this.#videos.setUploadSize(id, sizeBytes));
  }

  finishUpload(id: string, arrival: Arrival): Promise<Video> {
    return this.#write(this.#ofVideo(id), async () => {
      const video = await this.#videos.storeArrival(id, arrival);
      this.#received.forget(id);
      return video;
    });
  }

  replaceIndex(id: string, arrival: Arrival): Promise<Video> {
    return this.finishUpload(id, arrival);
  }

  forgetVideo(id: string): Promise<void> {
    return this.#write(this.#ofVideo(id), async () => {
      await this.#videos.forgetVideo(id);
      this.#received.forget(id);
    });
  }

  getVideo(id: string): Promise<Video | null> {
    return this.#read(async () => {
      const doc = await this.#collections.videos.findOne({ _id: text(id) }, { projection: videoFields });
      return this.#received.upToDate(doc && toVideo(doc));
    });
  }

  listVideos(request: ListRequest) {
    return this.#read(async () => {
      const { items, next } = await this.#lists.page(request);
      return { items: items.map((video) => this.#received.upToDate(video)), next };
    });
  }

  listArriving(): Promise<readonly Video[]> {
    return this.#read(async () => {
      const found = this.#collections.videos.find({ status: 'arriving' }, { projection: videoFields });
      return (await found.toArray()).map((doc) => this.#received.upToDate(toVideo(doc)));
    });
  }

  async *streamVideos(request: { query: string; inBin: boolean | 'both'; sight?: Sight }) {
    const videos = this.#lists.stream(request);
    while (true) {
      const { done, value } = await this.#read(() => videos.next());
      if (done) return;
      yield this.#received.upToDate(value);
    }
  }

  renameVideo(id: string, title: string): Promise<Video | null> {
    return this.#writeVideo(id, () => this.#videos.renameVideo(id, title));
  }

  setBinned(id: string, binnedAtMs: number | null): Promise<Video | null> {
    return this.#writeVideo(id, () => this.#videos.setBinned(id, binnedAtMs));
  }

  startRemoval(id: string, binnedAtMs: number): Promise<boolean> {
    return this.#write(this.#ofVideo(id), () => this.#videos.startRemoval(id, binnedAtMs));
  }

  listBinnedBefore(beforeMs: number, limit: number): Promise<readonly Video[]> {
    return this.#read(async () => {
      const found = this.#collections.videos
        .find({ binnedAtMs: { $lt: beforeMs } }, { projection: videoFields })
        .sort({ binnedAtMs: 1, sequence: 1 })
        .limit(limit);
      return (await found.toArray()).map((doc) => this.#received.upToDate(toVideo(doc)));
    });
  }

  /** Those in the library; the bin is not counted. */
  countVideos(): Promise<number> {
    return this.#read(() => this.#collections.videos.countDocuments({ inBin: false }));
  }

  addTask(task: Task): Promise<void> {
    return this.#write(this.#ofVideo(task.videoId), () => this.#videos.addTask(task));
  }

  listTasks(limit: number): Promise<readonly Task[]> {
    return this.#read(async () => {
      const docs = await this.#collections.videos
        .find({ openTaskAtMs: { $gte: 0 } }, { projection: { tasks: 1 } })
        .sort({ openTaskAtMs: 1 })
        .limit(limit)
        .toArray();
      const open = docs.flatMap(({ _id, tasks }) =>
        tasks
          .filter(({ isEnded }) => !isEnded)
          .map(({ id, kind, addedAtMs }) => ({ id, kind, videoId: _id, addedAtMs })),
      );
      open.sort((a, b) => a.addedAtMs - b.addedAtMs || (a.id < b.id ? -1 : 1));
      return open.slice(0, limit);
    });
  }

  claimTask(id: string, token: number): Promise<boolean> {
    return this.#write([all, { key: `task ${id}` }], () => this.#videos.claimTask(id, token));
  }

  finishTask(id: string, token: number, found: Arrival | null): Promise<boolean> {
    return this.#write([all, { key: `task ${id}` }], () => this.#videos.finishTask(id, token, found));
  }

  getProgress(personId: string, videoIds: readonly string[]): Promise<ReadonlyMap<string, Progress>> {
    return this.#read(() => this.#people.getProgress(personId, videoIds));
  }

  setProgress(personId: string, videoId: string, progress: Progress): Promise<void> {
    return this.#write(this.#ofVideo(videoId), () => this.#people.setProgress(personId, videoId, progress));
  }

  listBegun(personId: string, sight: Sight, limit: number): Promise<readonly Video[]> {
    return this.#read(async () => {
      const found = await this.#lists.begun(personId, sight, limit);
      return found.map((video) => this.#received.upToDate(video));
    });
  }

  getMarks(personId: string, videoIds: readonly string[]): Promise<ReadonlyMap<string, Marks>> {
    return this.#read(() => this.#people.getMarks(personId, videoIds));
  }

  setMarks(personId: string, videoId: string, marks: Partial<Marks>): Promise<void> {
    return this.#write(this.#ofVideo(videoId), () => this.#people.setMarks(personId, videoId, marks));
  }

  addFolder(folder: Folder): Promise<void> {
    return this.#write([all, treeAlone], () => this.#folders.addFolder(folder));
  }

  getFolder(id: string): Promise<Folder | null> {
    return this.#read(async () => {
      const folder = (await this.#journal.current()).get(text(id));
      return folder ? toFolder(folder) : null;
    });
  }

  listFolders(sight: Sight, parentId: string | null): Promise<readonly Folder[]> {
    return this.#read(async () => foldersSeen(await this.#journal.current(), sight, parentId));
  }

  ownFolders(ownerIds: readonly string[]): Promise<readonly Folder[]> {
    return this.#read(async () => {
      const owners = new Set(texts(ownerIds));
      const folders = [...(await this.#journal.current()).all()];
      return folders.filter(({ ownerId }) => owners.has(ownerId)).map(toFolder);
    });
  }

  countInFolders(ids: readonly string[]) {
    return this.#read(async () => countInFolders(this.#collections, await this.#journal.current(), ids));
  }

  folderPath(id: string): Promise<readonly Folder[]> {
    return this.#read(async () => (await this.#journal.current()).around(text(id)).map(toFolder).reverse());
  }

  renameFolder(id: string, name: string): Promise<Folder | null> {
    return this.#write([all, treeAlone], () => this.#folders.renameFolder(id, name));
  }

  moveFolder(id: string, parentId: string | null): Promise<Folder | null> {
    return this.#write([all, treeAlone], () => this.#folders.moveFolder(id, parentId));
  }

  removeFolder(id: string): Promise<void> {
    return this.#write([all, treeAlone], () => this.#folders.removeFolder(id));
  }

  moveVideo(id: string, folderId: string | null): Promise<Video | null> {
    return this.#writeVideo(id, () => this.#videos.moveVideo(id, folderId), true);
  }

  setAudiences(subject: Shared, id: string, audiences: readonly string[]): Promise<void> {
    if (subject === 'video') return this.#write(this.#ofVideo(id), () => this.#videos.share(id, audiences));
    if (subject === 'folder') return this.#write([all, treeAlone], () => this.#folders.share(id, audiences));
    return this.#write(this.#ofCamera(id), () => this.#cameras.share(id, audiences));
  }

  getAudiences(subject: Shared, id: string): Promise<readonly string[] | null> {
    return this.#read(async () => {
      if (subject === 'camera') return this.#cameras.getAudiences(id);
      if (subject === 'folder') return (await this.#journal.current()).get(text(id))?.audiences ?? null;
      const fields = { projection: { audiences: 1 } };
      return (await this.#collections.videos.findOne({ _id: text(id) }, fields))?.audiences ?? null;
    });
  }

  getSharing(subject: Shared, id: string): Promise<Sharing | null> {
    return this.#read(async () => {
      if (subject === 'camera') {
        const audiences = await this.#cameras.getAudiences(id);
        return audiences && { ownerId: null, audiences };
      }
      if (subject === 'folder') {
        const folders = await this.#journal.current();
        const folder = folders.get(text(id));
        return folder ? { ownerId: folder.ownerId, audiences: inOrder(folders.audiencesAround(id)) } : null;
      }
      return this.#sharingOfVideo(text(id));
    });
  }

  getUsage(ownerId: string): Promise<Usage> {
    return this.#read(async () => {
      // What came in since it was written last counts as well.
      await this.#received.write();
      const sum = { _id: null, videos: { $sum: 1 }, bytes: { $sum: '$storedBytes' } };
      const [usage] = await this.#collections.videos
        .aggregate<Usage>([{ $match: { ownerId: text(ownerId) } }, { $group: sum }])
        .toArray();
      return { videos: usage?.videos ?? 0, bytes: usage?.bytes ?? 0 };
    });
  }

  giveVideos(fromId: string, toId: string): Promise<number> {
    return this.#write([allAlone], () => this.#people.giveVideos(fromId, toId));
  }

  forgetPerson(personId: string): Promise<void> {
    return this.#write([allAlone], () => this.#people.forgetPerson(personId));
  }

  addLink(link: GuestLink): Promise<void> {
    return this.#numbered('links', [all, { key: `link ${link.id}` }], (number) =>
      this.#links.addLink(link, number),
    );
  }

  getLink(id: string): Promise<GuestLink | null> {
    return this.#read(() => this.#links.getLink(id));
  }

  findLink(secretHash: string): Promise<GuestLink | null> {
    return this.#read(() => this.#links.findLink(secretHash));
  }

  listLinks(request: { createdBy?: string; subject?: Shared; subjectId?: string }) {
    return this.#read(() => this.#links.listLinks(request));
  }

  countVisit(id: string, visitId: string): Promise<boolean> {
    return this.#write([all, { key: `link ${id}` }], () => this.#links.countVisit(id, visitId));
  }

  removeLink(id: string): Promise<boolean> {
    return this.#write([all, { key: `link ${id}` }], () => this.#links.removeLink(id));
  }

  noteAudit(note: AuditNote): Promise<void> {
    return this.#numbered('audit', [all, { key: `audit ${note.id}` }], (number) =>
      this.#links.noteAudit(note, number),
    );
  }

  listAudit(beforeMs: number, limit: number): Promise<readonly AuditNote[]> {
    return this.#read(() => this.#links.listAudit(beforeMs, limit));
  }

  accessRevision(): number {
    return this.#changes.revision('access');
  }

  listCameras(): Promise<readonly StoredCamera[]> {
    return this.#read(() => this.#cameras.listCameras());
  }

  addCamera(camera: StoredCamera): Promise<void> {
    return this.#write(this.#ofCamera(camera.id), () => this.#cameras.addCamera(camera));
  }

  updateCamera(camera: Omit<StoredCamera, 'addedAtMs'>): Promise<boolean> {
    return this.#write(this.#ofCamera(camera.id), () => this.#cameras.updateCamera(camera));
  }

  removeCamera(id: string): Promise<boolean> {
    return this.#write(this.#ofCamera(id), () => this.#cameras.removeCamera(id));
  }

  inspect({ repair }: { repair: boolean }): Promise<readonly Disagreement[]> {
    return this.#write([allAlone], async () => {
      await this.#received.write();
      return inspectCatalogue(this.#collections, this.#journal, repair);
    });
  }

  async ping(): Promise<void> {
    await this.#read(() => this.#db.command({ ping: 1 }));
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** Lets the writes before it finish. The connection is the caller's. */
  async #close(): Promise<void> {
    await this.#order.run([allAlone], async () => {});
    await this.#received.close();
    if (this.#ownsChanges) await this.#changes.close();
  }

  async #sharingOfVideo(id: string): Promise<Sharing | null> {
    const fields = { projection: { ownerId: 1, folderId: 1, audiences: 1 } };
    // As with lists: nobody is let in by a folder that was not shared any more when the video came into it.
    for (let folders = await this.#journal.current(); ; ) {
      const video = await this.#collections.videos.findOne({ _id: id }, fields);
      if (!video) return null;
      const now = video.folderId === null ? folders : await this.#journal.current();
      if (now.revision === folders.revision)
        return {
          ownerId: video.ownerId,
          audiences: inOrder([...video.audiences, ...now.audiencesAround(video.folderId)]),
        };
      folders = now;
    }
  }

  #ofVideo(id: string, isPlaced = false): Touched[] {
    return [all, ...(isPlaced ? [tree] : []), { key: `video ${id}` }];
  }

  #ofCamera(id: string): Touched[] {
    return [all, { key: `camera ${id}` }];
  }

  #assertOpen(): void {
    if (this.#closing) throw new AppError('unavailable', 'The catalogue is closed.');
  }

  async #read<Result>(work: () => Promise<Result>): Promise<Result> {
    this.#assertOpen();
    return withFailures(work);
  }

  async #write<Result>(touched: readonly Touched[], work: () => Promise<Result>): Promise<Result> {
    this.#assertOpen();
    return this.#order.run(touched, () => withFailures(work));
  }

  async #writeVideo(id: string, work: () => Promise<Video | null>, isPlaced = false): Promise<Video | null> {
    return this.#received.upToDate(await this.#write(this.#ofVideo(id, isPlaced), work));
  }

  /** What is added gets its number in the order of the calls, however long each takes. */
  async #numbered(
    name: 'videos' | 'links' | 'audit',
    touched: readonly Touched[],
    work: (number: Promise<number>) => Promise<void>,
  ): Promise<void> {
    this.#assertOpen();
    const number = this.#sequences[name].next();
    // It is waited for where it is needed, which may be never.
    number.catch(() => {});
    await this.#order.run(touched, () => withFailures(() => work(number)));
  }
}

function inOrder(audiences: readonly string[]): string[] {
  return [...new Set(audiences)].sort();
}
