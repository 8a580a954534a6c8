// Everything of one person's as a tar archive that is made while it is sent: nothing is written anywhere, and memory is
// one buffer, one piece of names, and a number for each video of one folder. See `design/archives.md`.
import type { Accounts } from '../accounts/accounts.ts';
import type { Viewer } from '../accounts/permissions.ts';
import { householdId } from '../accounts/permissions.ts';
import {
  type Catalogue,
  type Folder,
  type GuestLink,
  householdAudience,
  type ListRequest,
  type Video,
  type VideoPage,
} from '../catalogue/catalogue.ts';
import { isAppError } from '../errors.ts';
import type { Library, OpenedBytes } from '../library/library.ts';
import { version } from '../version.ts';
import {
  type ArchivedVideo,
  type ArchiveHead,
  type ArchivePlace,
  archiveVersion,
  headName,
  recordsFolder,
  type ToldOfVideo,
  videosInPiece,
} from './archive-format.ts';
import { auditOf } from './audit-lines.ts';
import { NamesInOnePlace, safeName } from './safe-names.ts';
import { tarEnd, tarHeader, tarPadding } from './tar-header.ts';

export type ExportSources = {
  readonly library: Library;
  readonly catalogue: Pick<Catalogue, 'listLinks' | 'listAudit'>;
  readonly accounts: Pick<Accounts, 'getPerson' | 'listPeople' | 'listTokens' | 'listAudit'>;
  readonly nowMs: number;
};

/** Read at a time: a disk is quick with it, and it is all that is held. */
const readBytes = 256 * 1024;
/** Lines of the audit log in one file. */
const linesInPiece = 1000;

/**
 * The bytes of the archive. Each chunk holds until the next is asked for. `ownerIds` are those whose videos belong to
 * the person: the own one, an owner's also the household's. Throws `corrupt` where a stored file is shorter than it was.
 */
export async function* exportArchive(
  sources: ExportSources,
  viewer: Viewer,
  ownerIds: readonly string[],
): AsyncGenerator<Uint8Array, void> {
  const { library, nowMs } = sources;
  const names = new Map((await sources.accounts.listPeople()).map(({ id, name }) => [id, name]));
  yield* record(headName, await headOf(sources, viewer), nowMs);
  const missing: string[] = [];
  const writer = new PieceWriter(sources, viewer, names, missing);
  for (const ownerId of ownerIds) {
    const sight = { ownerIds: [ownerId], audiences: [] };
    const roots = rootsOf(ownerId, viewer);
    const places: { folder: Folder | null; path: string[]; safePath: string }[] = [
      { folder: null, path: [], safePath: roots.library },
    ];
    for (let place = places.pop(); place; place = places.pop()) {
      const folderId = place.folder?.id ?? null;
      const used = new NamesInOnePlace();
      const below: typeof places = [];
      for (const folder of await library.listFolders(sight, folderId)) {
        const name = used.take(safeName(folder.name, 'Folder'), folder.id);
        below.push({ folder, path: [...place.path, folder.name], safePath: `${place.safePath}${name}/` });
      }
      places.push(...below.reverse());
      const where = { path: place.path, isBin: false };
      yield* writer.write(where, place.safePath, { sight, whose: 'own', folderId }, used);
    }
    const bin = { path: [], isBin: true };
    yield* writer.write(bin, roots.bin, { sight, whose: 'own', inBin: true }, new NamesInOnePlace());
  }
  if (missing.length > 0) yield* record(`${recordsFolder}missing.json`, { missing }, nowMs);
  let count = 0;
  for await (const lines of auditOf(sources, viewer.personId, linesInPiece)) {
    count += 1;
    yield* record(`${recordsFolder}audit-${String(count).padStart(5, '0')}.json`, { lines }, nowMs);
  }
  yield tarEnd();
}

/** Whose are whose stays visible in an owner's archive. */
function rootsOf(ownerId: string, viewer: Viewer): { readonly library: string; readonly bin: string } {
  return ownerId === householdId && viewer.personId !== householdId
    ? { library: 'household/', bin: 'household bin/' }
    : { library: 'videos/', bin: 'bin/' };
}

async function headOf({ accounts, nowMs }: ExportSources, viewer: Viewer): Promise<ArchiveHead> {
  const person = await accounts.getPerson(viewer.personId);
  const tokens = person === null ? [] : await accounts.listTokens(person.id);
  return {
    kinora: archiveVersion,
    madeBy: version,
    madeAt: moment(nowMs),
    person: {
      name: person?.name ?? viewer.name,
      userName: person?.userName ?? null,
      email: person?.email ?? null,
      role: viewer.role,
      createdAt: person === null ? null : moment(person.createdAtMs),
    },
    tokens: tokens.map(({ name, scopes, createdAtMs, expiresAtMs }) => ({
      ...{ name, scopes, createdAt: moment(createdAtMs) },
      expiresAt: expiresAtMs === null ? null : moment(expiresAtMs),
    })),
  };
}

/** Writes the videos of one place after the other, each stretch of them after a piece that names them. */
class PieceWriter {
  readonly #sources: ExportSources;
  readonly #personId: string;
  readonly #names: ReadonlyMap<string, string>;
  readonly #missing: string[];
  #count = 0;

  constructor(sources: ExportSources, viewer: Viewer, names: ReadonlyMap<string, string>, missing: string[]) {
    this.#sources = sources;
    this.#personId = viewer.personId;
    this.#names = names;
    this.#missing = missing;
  }

  async *write(
    place: ArchivePlace,
    safePath: string,
    where: Pick<ListRequest, 'sight' | 'whose' | 'folderId' | 'inBin'>,
    used: NamesInOnePlace,
  ): AsyncGenerator<Uint8Array, void> {
    const { library, nowMs } = this.#sources;
    let after: string | null = null;
    // A folder with nothing in it is told of as well.
    let isTold = place.path.length === 0;
    do {
      const page: VideoPage = await library.listVideos({ limit: videosInPiece, after, query: '', ...where });
      after = page.next;
      const videos = page.items.filter(({ status }) => status !== 'arriving');
      if (videos.length === 0 && isTold) continue;
      isTold = true;
      const told = await this.#tell(videos, safePath, used);
      this.#count += 1;
      const name = `${recordsFolder}videos-${String(this.#count).padStart(5, '0')}.json`;
      yield* record(name, { place, videos: told }, nowMs);
      for (const [index, video] of videos.entries()) yield* this.#bytesOf(video, told[index]!.file);
    } while (after !== null);
  }

  async #tell(
    videos: readonly Video[],
    safePath: string,
    used: NamesInOnePlace,
  ): Promise<(ArchivedVideo & ToldOfVideo)[]> {
    const { library, catalogue } = this.#sources;
    const ids = videos.map(({ id }) => id);
    const marks = await library.getMarks(this.#personId, ids);
    const progress = await library.getProgress(this.#personId, ids);
    const told: (ArchivedVideo & ToldOfVideo)[] = [];
    for (const video of videos) {
      const audiences = (await library.getAudiences('video', video.id)) ?? [];
      const links = await catalogue.listLinks({ subject: 'video', subjectId: video.id });
      told.push({
        file: `${safePath}${used.take(safeName(video.fileName, 'video'), video.id)}`,
        title: video.title,
        fileName: video.fileName || video.title,
        addedAt: moment(video.addedAtMs),
        isFavourite: marks.get(video.id)?.isFavourite ?? false,
        isWatched: marks.get(video.id)?.isWatched ?? false,
        positionMs: progress.get(video.id)?.positionMs ?? null,
        ...{ id: video.id, status: video.status, sizeBytes: video.sizeBytes, durationMs: video.durationMs },
        sharedWith: audiences.map((id) => this.#nameOf(id)),
        links: links.map(linkOf),
      });
    }
    return told;
  }

  #nameOf(audience: string): string {
    return audience === householdAudience
      ? 'the household'
      : (this.#names.get(audience) ?? 'somebody who left');
  }

  async *#bytesOf(video: Video, name: string): AsyncGenerator<Uint8Array, void> {
    const opened = await this.#open(video);
    if (opened === null) return;
    try {
      const sizeBytes = opened.end - opened.start;
      yield tarHeader({ name, sizeBytes, modifiedAtMs: video.addedAtMs });
      const buffer = Buffer.allocUnsafe(Math.min(readBytes, sizeBytes));
      for (let at = opened.start; at < opened.end; ) {
        const part = buffer.subarray(0, Math.min(buffer.length, opened.end - at));
        const count = await opened.reader.read(part, at);
        if (count === 0) throw new Error(`the original of ${video.id} is shorter than it was`);
        yield part.subarray(0, count);
        at += count;
      }
      yield tarPadding(sizeBytes);
    } finally {
      opened.release();
    }
  }

  /** null for one whose bytes are gone: the archive says so at its end. */
  async #open(video: Video): Promise<OpenedBytes | null> {
    try {
      return await this.#sources.library.openOriginal(video.id);
    } catch (error) {
      if (!isAppError(error)) throw error;
      this.#missing.push(video.title);
      return null;
    }
  }
}

function linkOf({ note, createdAtMs, expiresAtMs, visits }: GuestLink) {
  return {
    ...{ note, createdAt: moment(createdAtMs), visits },
    expiresAt: expiresAtMs === null ? null : moment(expiresAtMs),
  };
}

function* record(name: string, value: unknown, nowMs: number): Generator<Uint8Array, void> {
  const bytes = Buffer.from(`${JSON.stringify(value, null, 1)}\n`);
  yield tarHeader({ name, sizeBytes: bytes.length, modifiedAtMs: nowMs });
  yield bytes;
  yield tarPadding(bytes.length);
}

function moment(atMs: number): string {
  return new Date(atMs).toISOString();
}
