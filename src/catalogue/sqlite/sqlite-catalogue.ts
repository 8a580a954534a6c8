// The catalogue in one SQLite file (node:sqlite, WAL): reads here and now on the main thread, writes in a thread of
// their own, acknowledged when the commit is on the disk.
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock } from '../../clock.ts';
import { AppError } from '../../errors.ts';
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
import { isEverything } from './facets.ts';
import { wantedOf } from './list-query.ts';
import type { Shelf } from './lists.ts';
import { openForReading } from './open-database.ts';
import { Reads } from './reads.ts';
import { Recent } from './recent.ts';
import { toVideo } from './video-rows.ts';
import { Writer } from './writer.ts';

/** Rows that a stream reads at once: about a millisecond of the main thread. */
const streamPage = 100;
/** A commit that takes longer than this means that the disk hangs. */
const pingTimeoutMs = 5000;

/**
 * Opens the catalogue, creating or upgrading its file. Throws `corrupt` for a damaged or foreign file, `conflict` for
 * one of a newer Kinora, `unavailable` where it cannot be opened.
 * @param options.file absolute path; its folder is created
 */
export async function openSqliteCatalogue(options: { file: string; clock: Clock }): Promise<Catalogue> {
  try {
    mkdirSync(dirname(options.file), { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw new AppError('unavailable', `The folder of ${options.file} cannot be made.`, { cause });
  }
  const writer = await Writer.start(options.file);
  try {
    return new SqliteCatalogue(writer, new Reads(openForReading(options.file), options.file), options.clock);
  } catch (error) {
    await writer.close();
    throw error;
  }
}

class SqliteCatalogue implements Catalogue {
  readonly #writer: Writer;
  readonly #reads: Reads;
  readonly #clock: Clock;
  /** How far arriving videos are. Written only at `close`: it changes all the time, wears an SD card, and after a
   * crash the blob store knows. */
  readonly #received = new Map<string, number>();
  readonly #recent: Recent;
  #closing: Promise<void> | null = null;

  constructor(writer: Writer, reads: Reads, clock: Clock) {
    this.#writer = writer;
    this.#reads = reads;
    this.#clock = clock;
    this.#recent = new Recent(reads, clock, () => writer.answers);
  }

  beginUpload(video: NewVideo): Promise<void> {
    return this.#writer.call('beginUpload', video);
  }

  async noteReceived(id: string, receivedBytes: number): Promise<void> {
    if (this.#received.has(id) || this.#reads.getVideo(id)?.status === 'arriving') {
      this.#received.set(id, receivedBytes);
    }
  }

  /** Nobody else counts: it is kept in memory with what came. */
  async reserveBytes(id: string, bytes: number): Promise<number> {
    const video = await this.getVideo(id);
    if (video?.status !== 'arriving') return video?.sizeBytes ?? 0;
    const reservedBytes = Math.max(video.receivedBytes, bytes);
    await this.noteReceived(id, reservedBytes);
    return Math.max(video.sizeBytes ?? 0, reservedBytes);
  }

  setUploadSize(id: string, sizeBytes: number): Promise<void> {
    return this.#writer.call('setUploadSize', id, sizeBytes);
  }

  finishUpload(id: string, arrival: Arrival): Promise<Video> {
    return this.#storeArrival(id, arrival);
  }

  replaceIndex(id: string, arrival: Arrival): Promise<Video> {
    return this.#storeArrival(id, arrival);
  }

  async forgetVideo(id: string): Promise<void> {
    await this.#writer.call('forgetVideo', id);
    this.#received.delete(id);
  }

  async getVideo(id: string): Promise<Video | null> {
    return this.#withProgress(this.#recent.video(id));
  }

  async listVideos(request: ListRequest) {
    const { items, next } = await this.#reads.listVideos(request);
    return { items: items.map((video) => this.#withProgress(video)), next };
  }

  async listArriving(): Promise<readonly Video[]> {
    return this.#reads.listArriving().map((video) => this.#withProgress(video));
  }

  /** What stays in its place is told once; what is moved to or from the bin meanwhile may be told twice or not at all. */
  async *streamVideos({
    query,
    inBin,
    sight,
  }: {
    query: string;
    inBin: boolean | 'both';
    sight?: Sight;
  }): AsyncGenerator<Video> {
    const wanted = wantedOf(sight ? { query, sight } : { query });
    const shelf: Shelf = inBin === 'both' ? 'both' : inBin ? 'bin' : 'library';
    const shelves: Shelf[] = shelf === 'both' && !isEverything(wanted) ? ['library', 'bin'] : [shelf];
    for (const each of shelves) {
      for (let before = Number.MAX_SAFE_INTEGER; ; ) {
        const rows = await this.#reads.page(wanted, each, before, streamPage);
        for (const row of rows) yield this.#withProgress(toVideo(row));
        if (rows.length < streamPage) break;
        before = rows.at(-1)!.sequence;
        await nextTurn();
      }
    }
  }

  async renameVideo(id: string, title: string): Promise<Video | null> {
    return this.#withProgress(await this.#writer.call('renameVideo', id, title));
  }

  async setBinned(id: string, binnedAtMs: number | null): Promise<Video | null> {
    return this.#withProgress(await this.#writer.call('setBinned', id, binnedAtMs));
  }

  startRemoval(id: string, binnedAtMs: number): Promise<boolean> {
    return this.#writer.call('startRemoval', id, binnedAtMs);
  }

  async listBinnedBefore(beforeMs: number, limit: number): Promise<readonly Video[]> {
    return this.#reads.listBinnedBefore(beforeMs, limit).map((video) => this.#withProgress(video));
  }

  /** Those in the library; the bin is not counted. */
  async countVideos(): Promise<number> {
    return this.#reads.countVideos();
  }

  addTask(task: Task): Promise<void> {
    return this.#writer.call('addTask', task);
  }

  async listTasks(limit: number): Promise<readonly Task[]> {
    return this.#reads.listTasks(limit);
  }

  claimTask(id: string, token: number): Promise<boolean> {
    return this.#writer.call('claimTask', id, token);
  }

  async finishTask(id: string, token: number, found: Arrival | null): Promise<boolean> {
    const isTaken = await this.#writer.call('finishTask', id, token, found);
    for (const video of this.#received.keys()) {
      if (this.#reads.getVideo(video)?.status !== 'arriving') this.#received.delete(video);
    }
    return isTaken;
  }

  async getProgress(personId: string, videoIds: readonly string[]): Promise<ReadonlyMap<string, Progress>> {
    return this.#reads.getProgress(personId, videoIds);
  }

  setProgress(personId: string, videoId: string, progress: Progress): Promise<void> {
    return this.#writer.call('setProgress', personId, videoId, progress);
  }

  async listBegun(personId: string, sight: Sight, limit: number): Promise<readonly Video[]> {
    return (await this.#reads.listBegun(personId, sight, limit)).map((video) => this.#withProgress(video));
  }

  async getMarks(personId: string, videoIds: readonly string[]): Promise<ReadonlyMap<string, Marks>> {
    return this.#reads.getMarks(personId, videoIds);
  }

  setMarks(personId: string, videoId: string, marks: Partial<Marks>): Promise<void> {
    return this.#writer.call('setMarks', personId, videoId, marks);
  }

  addFolder(folder: Folder): Promise<void> {
    return this.#writer.call('addFolder', folder);
  }

  async getFolder(id: string): Promise<Folder | null> {
    return this.#reads.sharing((sharing) => sharing.getFolder(id));
  }

  async listFolders(sight: Sight, parentId: string | null): Promise<readonly Folder[]> {
    return this.#reads.sharing((sharing) => sharing.listFolders(sight, parentId));
  }

  async ownFolders(ownerIds: readonly string[]): Promise<readonly Folder[]> {
    return this.#reads.sharing((sharing) => sharing.ownFolders(ownerIds));
  }

  async countInFolders(ids: readonly string[]) {
    return this.#reads.sharing((sharing) => sharing.countInFolders(ids));
  }

  async folderPath(id: string): Promise<readonly Folder[]> {
    return this.#reads.sharing((sharing) => sharing.folderPath(id));
  }

  renameFolder(id: string, name: string): Promise<Folder | null> {
    return this.#writer.call('renameFolder', id, name);
  }

  moveFolder(id: string, parentId: string | null): Promise<Folder | null> {
    return this.#writer.call('moveFolder', id, parentId);
  }

  removeFolder(id: string): Promise<void> {
    return this.#writer.call('removeFolder', id);
  }

  async moveVideo(id: string, folderId: string | null): Promise<Video | null> {
    return this.#withProgress(await this.#writer.call('moveVideo', id, folderId));
  }

  setAudiences(subject: Shared, id: string, audiences: readonly string[]): Promise<void> {
    return this.#writer.call('setAudiences', subject, id, audiences);
  }

  async getAudiences(subject: Shared, id: string): Promise<readonly string[] | null> {
    return this.#reads.sharing((sharing) => sharing.getAudiences(subject, id));
  }

  async getSharing(subject: Shared, id: string): Promise<Sharing | null> {
    return this.#recent.sharing(subject, id);
  }

  async getUsage(ownerId: string): Promise<Usage> {
    const usage = this.#reads.sharing((sharing) => sharing.getUsage(ownerId));
    let { bytes } = usage;
    // The rows of arriving ones are behind.
    for (const [id, receivedBytes] of this.#received) {
      const video = this.#reads.getVideo(id);
      if (video?.ownerId !== ownerId.toWellFormed() || video.status !== 'arriving') continue;
      bytes += Math.max(0, receivedBytes - Math.max(video.sizeBytes ?? 0, video.receivedBytes));
    }
    return { videos: usage.videos, bytes };
  }

  giveVideos(fromId: string, toId: string): Promise<number> {
    return this.#writer.call('giveVideos', fromId, toId);
  }

  /** In pieces; done again after a crash it goes on. */
  async forgetPerson(personId: string): Promise<void> {
    while (!(await this.#writer.call('forgetPerson', personId)));
  }

  addLink(link: GuestLink): Promise<void> {
    return this.#writer.call('addLink', link);
  }

  async getLink(id: string): Promise<GuestLink | null> {
    return this.#reads.getLink('id', id);
  }

  async findLink(secretHash: string): Promise<GuestLink | null> {
    return this.#reads.getLink('secret_hash', secretHash);
  }

  async listLinks(request: { createdBy?: string; subject?: Shared; subjectId?: string }) {
    return this.#reads.listLinks(request);
  }

  countVisit(id: string, visitId: string): Promise<boolean> {
    return this.#writer.call('countVisit', id, visitId);
  }

  removeLink(id: string): Promise<boolean> {
    return this.#writer.call('removeLink', id);
  }

  noteAudit(note: AuditNote): Promise<void> {
    return this.#writer.call('noteAudit', note);
  }

  async listAudit(beforeMs: number, limit: number): Promise<readonly AuditNote[]> {
    return this.#reads.listAudit(beforeMs, limit);
  }

  accessRevision(): number {
    return this.#recent.accessChanges();
  }

  async listCameras(): Promise<readonly StoredCamera[]> {
    return this.#reads.listCameras();
  }

  addCamera(camera: StoredCamera): Promise<void> {
    return this.#writer.call('addCamera', camera);
  }

  updateCamera(camera: Omit<StoredCamera, 'addedAtMs'>): Promise<boolean> {
    return this.#writer.call('updateCamera', camera);
  }

  removeCamera(id: string): Promise<boolean> {
    return this.#writer.call('removeCamera', id);
  }

  inspect({ repair }: { repair: boolean }): Promise<readonly Disagreement[]> {
    return this.#writer.call('inspect', repair);
  }

  async ping(): Promise<void> {
    this.#reads.countVideos();
    const answered = new AbortController();
    const timeout = this.#clock.sleep(pingTimeoutMs, answered.signal).then(
      () => {
        throw new AppError('unavailable', 'The catalogue does not answer.');
      },
      () => {},
    );
    try {
      await Promise.race([this.#writer.call('ping'), timeout]);
    } finally {
      answered.abort();
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    try {
      if (this.#received.size > 0) await this.#writer.call('noteReceived', this.#received);
    } finally {
      this.#reads.close();
      await this.#writer.close();
    }
  }

  async #storeArrival(id: string, arrival: Arrival): Promise<Video> {
    const video = await this.#writer.call('storeArrival', id, arrival);
    if (video.status !== 'arriving') this.#received.delete(id);
    return video;
  }

  #withProgress<Found extends Video | null>(video: Found): Found {
    if (video?.status !== 'arriving') return video;
    const receivedBytes = this.#received.get(video.id);
    return receivedBytes === undefined ? video : { ...video, receivedBytes };
  }
}
