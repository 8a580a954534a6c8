// A catalogue as plain lists in memory, with the rules of the port written down as simply as they can be: what every
// adapter is compared with, whatever is done to it.
import {
  type Folder,
  householdAudience,
  type ListRequest,
  type Marks,
  type NewVideo,
  type Sight,
} from '../../src/catalogue/catalogue.ts';
import { beginningsOf, queryWords, titleKey, titleWords } from '../../src/catalogue/search-words.ts';

export type ModelVideo = NewVideo & {
  binnedAtMs: number | null;
  durationMs: number | null;
  receivedBytes: number;
};
export type ModelFolder = Folder & { audiences: readonly string[] };

/** What a refused call is refused as. */
export type Refusal = 'not-found' | 'conflict';

const nobody: Marks = { isFavourite: false, isWatched: false };

export class ModelCatalogue {
  /** In the order they came. */
  videos: ModelVideo[] = [];
  folders: ModelFolder[] = [];
  /** By person and video. */
  marks = new Map<string, Marks>();

  video(id: string): ModelVideo | undefined {
    return this.videos.find((video) => video.id === id);
  }

  folder(id: string | null): ModelFolder | undefined {
    return this.folders.find((folder) => folder.id === id);
  }

  /** From the folder itself to the top. */
  around(id: string | null): ModelFolder[] {
    const folder = this.folder(id);
    return folder ? [folder, ...this.around(folder.parentId)] : [];
  }

  audiencesOf(thing: { audiences: readonly string[] }, outer: string | null): string[] {
    return [...new Set([thing, ...this.around(outer)].flatMap(({ audiences }) => audiences))].sort();
  }

  isSeen(ownerId: string, audiences: readonly string[], sight: Sight): boolean {
    return sight.ownerIds.includes(ownerId) || audiences.some((each) => sight.audiences.includes(each));
  }

  marksOf(personId: string, videoId: string): Marks {
    return this.marks.get(`${personId} ${videoId}`) ?? nobody;
  }

  list(request: Omit<ListRequest, 'limit' | 'after'>): string[] {
    const { query, inBin = false, sight, folderId, whose, marked, sort = 'newest' } = request;
    const words = queryWords(query);
    const found = this.videos.filter((video) => {
      const beginnings = beginningsOf(titleWords(video.title));
      const isOwn = sight?.ownerIds.includes(video.ownerId) ?? false;
      const marks = marked ? this.marksOf(marked.personId, video.id) : nobody;
      return (
        (video.binnedAtMs !== null) === inBin &&
        words.every((word) => beginnings.has(word)) &&
        (!sight || this.isSeen(video.ownerId, this.audiencesOf(video, video.folderId), sight)) &&
        (folderId === undefined || video.folderId === folderId) &&
        (whose === undefined || (whose === 'own') === isOwn) &&
        (marked?.as !== 'favourite' || marks.isFavourite) &&
        (marked?.as !== 'watched' || marks.isWatched) &&
        (marked?.as !== 'unwatched' || !marks.isWatched)
      );
    });
    const number = (value: number | null) => value ?? -1;
    // What is alike stays in the order it came, or in the other where the newest is first.
    if (sort === 'title') {
      found.sort((a, b) => Buffer.compare(Buffer.from(titleKey(a.title)), Buffer.from(titleKey(b.title))));
    } else if (sort !== 'oldest') {
      found.reverse();
      if (sort === 'longest') found.sort((a, b) => number(b.durationMs) - number(a.durationMs));
      if (sort === 'largest') found.sort((a, b) => number(b.sizeBytes) - number(a.sizeBytes));
    }
    return found.map(({ id }) => id);
  }

  listFolders(sight: Sight, parentId: string | null): string[] {
    const isSeen = (folder: ModelFolder | undefined) =>
      folder !== undefined && this.isSeen(folder.ownerId, this.audiencesOf(folder, folder.parentId), sight);
    return this.folders
      .filter((folder) => isSeen(folder))
      .filter((folder) =>
        parentId === null ? !isSeen(this.folder(folder.parentId)) : folder.parentId === parentId,
      )
      .map(({ id }) => id)
      .sort();
  }

  usage(ownerId: string): { videos: number; bytes: number } {
    const own = this.videos.filter((video) => video.ownerId === ownerId);
    return {
      videos: own.length,
      bytes: own.reduce(
        (sum, { sizeBytes, receivedBytes }) => sum + Math.max(sizeBytes ?? 0, receivedBytes),
        0,
      ),
    };
  }

  // --- What is done to it; a refusal comes back as a word.

  beginUpload(video: NewVideo): Refusal | undefined {
    if (video.folderId !== null && this.folder(video.folderId)?.ownerId !== video.ownerId) return 'not-found';
    this.videos.push({ ...video, binnedAtMs: null, durationMs: null, receivedBytes: 0 });
    return undefined;
  }

  forgetVideo(id: string): void {
    this.videos = this.videos.filter((video) => video.id !== id);
  }

  addFolder(folder: Folder): Refusal | undefined {
    if (folder.parentId !== null && this.folder(folder.parentId)?.ownerId !== folder.ownerId)
      return 'not-found';
    this.folders.push({ ...folder, audiences: [] });
    return undefined;
  }

  moveFolder(id: string, parentId: string | null): Refusal | undefined {
    const folder = this.folder(id);
    if (!folder) return undefined;
    if (parentId !== null && this.folder(parentId)?.ownerId !== folder.ownerId) return 'not-found';
    if (this.around(parentId).includes(folder)) return 'conflict';
    this.#change(id, { parentId });
    return undefined;
  }

  removeFolder(id: string): void {
    const parentId = this.folder(id)?.parentId ?? null;
    this.folders = this.folders.filter((folder) => folder.id !== id);
    for (const folder of this.folders) if (folder.parentId === id) this.#change(folder.id, { parentId });
    this.videos = this.videos.map((video) =>
      video.folderId === id ? { ...video, folderId: parentId } : video,
    );
  }

  moveVideo(id: string, folderId: string | null): Refusal | undefined {
    const video = this.video(id);
    if (!video) return undefined;
    if (folderId !== null && this.folder(folderId)?.ownerId !== video.ownerId) return 'not-found';
    this.changeVideo(id, { folderId });
    return undefined;
  }

  share(subject: 'video' | 'folder', id: string, audiences: readonly string[]): void {
    const sorted = [...new Set(audiences)].sort();
    if (subject === 'video') this.changeVideo(id, { audiences: sorted });
    else this.#change(id, { audiences: sorted });
  }

  give(fromId: string, toId: string): void {
    const given = <Thing extends { ownerId: string }>(thing: Thing): Thing =>
      thing.ownerId === fromId ? { ...thing, ownerId: toId } : thing;
    this.folders = this.folders.map(given);
    this.videos = this.videos.map(given);
  }

  forgetPerson(personId: string): void {
    for (const key of this.marks.keys()) if (key.startsWith(`${personId} `)) this.marks.delete(key);
    if (personId === householdAudience) return;
    const without = <Thing extends { audiences: readonly string[] }>(thing: Thing): Thing => ({
      ...thing,
      audiences: thing.audiences.filter((each) => each !== personId),
    });
    this.folders = this.folders.map(without);
    this.videos = this.videos.map(without);
  }

  changeVideo(id: string, changes: Partial<ModelVideo>): void {
    this.videos = this.videos.map((video) => (video.id === id ? { ...video, ...changes } : video));
  }

  #change(id: string, changes: Partial<ModelFolder>): void {
    this.folders = this.folders.map((folder) => (folder.id === id ? { ...folder, ...changes } : folder));
  }
}
