// Videos out of a tar archive into one person's library, as the archive comes: a Kinora's "my data", or any archive with
// videos in it. Each goes the way of an upload (quota, sniffing). Memory: a chunk, one piece of names, and what
// `double-check.ts` and the report hold; nothing grows with what an archive claims. See `design/archives.md`.
import { AppError, isAppError } from '../errors.ts';
import type { ArrivingVideo, Library } from '../library/library.ts';
import {
  type ArchivedVideo,
  type ArchivePlace,
  headName,
  maxRecordBytes,
  pieceName,
  readHead,
  readPiece,
  recordsFolder,
} from './archive-format.ts';
import { DoubleCheck, VideosBySize } from './double-check.ts';
import { ImportPlaces } from './import-places.ts';
import { readTar, type TarEntry } from './tar-reader.ts';

export type ImportReport = {
  /** Videos that came in. */
  readonly videos: number;
  /** Those that were here already, byte for byte. */
  readonly doubles: number;
  /** What was left out, the first of them with the reason. */
  readonly skippedCount: number;
  readonly skipped: readonly { readonly name: string; readonly reason: string }[];
  /** Why it ended before its time, a sentence; null where it was read to its end. */
  readonly failure: string | null;
};

export type Importer = {
  readonly library: Library;
  readonly personId: string;
  readonly quotaBytes: number | null;
  readonly nowMs: number;
  /** Ends it between two chunks, with its reason. */
  readonly signal: AbortSignal;
};

/** Entries of any kind: more than any home has files in one archive. */
export const maxEntries = 100_000;
/** Reasons that are listed. */
const maxSkipped = 200;

/**
 * Takes in what can be taken in. Throws what reading the source throws, the signal's reason, and `bad-request` where
 * nothing came in before the archive turned out to be none; past that the report says why it ended.
 */
export async function importArchive(
  source: AsyncIterable<Uint8Array>,
  importer: Importer,
): Promise<ImportReport> {
  const work = await ArchiveImport.begin(importer);
  try {
    for await (const entry of readTar(source)) await work.take(entry);
  } catch (error) {
    const isArchives = isAppError(error, 'bad-request') && !importer.signal.aborted;
    if (!isArchives || work.isEmpty) throw error;
    return work.report(error.message);
  }
  if (work.isEmpty && work.report(null).skippedCount === 0)
    throw new AppError('bad-request', 'There is nothing in this archive.');
  return work.report(null);
}

type Piece = {
  readonly place: ArchivePlace;
  readonly videos: ReadonlyMap<string, ArchivedVideo>;
};

class ArchiveImport {
  readonly #importer: Importer;
  readonly #places: ImportPlaces;
  readonly #library: VideosBySize;
  readonly #bin: VideosBySize;
  readonly #skipped: { name: string; reason: string }[] = [];
  #skippedCount = 0;
  #entryCount = 0;
  #videos = 0;
  #doubles = 0;
  #isKinoras = false;
  #piece: Piece | null = null;

  static async begin(importer: Importer): Promise<ArchiveImport> {
    const { library, personId } = importer;
    return new ArchiveImport(
      importer,
      await VideosBySize.of(library, personId, false),
      await VideosBySize.of(library, personId, true),
    );
  }

  private constructor(importer: Importer, inLibrary: VideosBySize, inBin: VideosBySize) {
    this.#importer = importer;
    this.#places = new ImportPlaces(importer.library, importer.personId);
    this.#library = inLibrary;
    this.#bin = inBin;
  }

  get isEmpty(): boolean {
    return this.#videos + this.#doubles === 0;
  }

  report(failure: string | null): ImportReport {
    return {
      ...{ videos: this.#videos, doubles: this.#doubles },
      ...{ skippedCount: this.#skippedCount, skipped: [...this.#skipped], failure },
    };
  }

  async take(entry: TarEntry): Promise<void> {
    this.#importer.signal.throwIfAborted();
    this.#entryCount += 1;
    if (this.#entryCount > maxEntries) {
      throw new AppError(
        'bad-request',
        `This archive has more than ${maxEntries} entries; the rest was not read.`,
      );
    }
    if (this.#entryCount === 1 && entry.name === headName && entry.kind === 'file') {
      readHead(await textOf(entry));
      this.#isKinoras = true;
      return;
    }
    if (this.#isKinoras && entry.name.startsWith(recordsFolder)) {
      if (pieceName.test(entry.name)) await this.#takePiece(entry);
      return;
    }
    if (entry.kind === 'folder') return;
    if (entry.kind === 'other')
      return this.#skip(entry, 'It is no file of its own: a link, a device, or a file with holes.');
    if (leadsOut(entry.name)) return this.#skip(entry, 'Its name leads out of the archive.');
    if (entry.sizeBytes === 0) return this.#skip(entry, 'It is empty.');
    try {
      await this.#takeVideo(entry);
    } catch (error) {
      // What the archive itself did wrong ends it; what one video did is its own.
      if (!isAppError(error) || isOfTheArchive(error)) throw error;
      this.#skip(entry, error.message);
    }
  }

  async #takePiece(entry: TarEntry): Promise<void> {
    const { place, videos } = readPiece(await textOf(entry), this.#importer.nowMs);
    this.#piece = { place, videos: new Map(videos.map((video) => [video.file, video])) };
    // A folder with nothing in it is made as well.
    if (!place.isBin && place.path.length > 0) await this.#places.folderAt(place.path);
  }

  async #takeVideo(entry: TarEntry): Promise<void> {
    const told = this.#piece?.videos.get(entry.name) ?? null;
    const isBinned = told !== null && this.#piece!.place.isBin;
    const bySize = isBinned ? this.#bin : this.#library;
    const check = await DoubleCheck.open(this.#importer.library, bySize.of(entry.sizeBytes));
    let arrival: ArrivingVideo | null = null;
    try {
      if (check.possibleId === null) arrival = await this.#begin(entry, told);
      for await (const chunk of bytesOf(entry)) {
        this.#importer.signal.throwIfAborted();
        if (arrival === null) {
          await check.compare(chunk);
          if (check.possibleId !== null) continue;
          arrival = await this.#begin(entry, told);
          for await (const equal of check.equal()) await arrival.write(equal);
        }
        await arrival.write(chunk);
      }
      if (arrival === null) {
        this.#doubles += 1;
        if (check.possibleId !== null) bySize.remove(check.possibleId, entry.sizeBytes);
        return;
      }
      const { id } = await arrival.finish();
      arrival = null;
      this.#videos += 1;
      await this.#place(id, entry, told, isBinned);
    } finally {
      check.close();
      await arrival?.cancel();
    }
  }

  #begin(entry: TarEntry, told: ArchivedVideo | null): Promise<ArrivingVideo> {
    const { library, personId, quotaBytes } = this.#importer;
    return library.beginArrival({
      ...{ ownerId: personId, folderId: null, audiences: [], quotaBytes, uploadMetadata: null },
      fileName: told?.fileName ?? segmentsOf(entry.name).at(-1) ?? '',
      sizeBytes: entry.sizeBytes,
      ...(told && { title: told.title, addedAtMs: Date.parse(told.addedAt) }),
    });
  }

  /** Once it is here: where it lay, and what the person had marked. A crash before this leaves it at the top. */
  async #place(id: string, entry: TarEntry, told: ArchivedVideo | null, isBinned: boolean): Promise<void> {
    const { library, personId } = this.#importer;
    const path = told ? this.#piece!.place.path : segmentsOf(entry.name).slice(0, -1);
    const folderId = isBinned ? null : await this.#places.folderAt(path);
    if (folderId !== null) await library.moveVideo(id, folderId);
    if (told?.positionMs) await library.setProgress(personId, id, told.positionMs);
    if (told?.isFavourite || told?.isWatched) {
      await library.setMarks(personId, id, { isFavourite: told.isFavourite, isWatched: told.isWatched });
    }
    if (isBinned) await library.binVideo(id);
  }

  #skip(entry: TarEntry, reason: string): void {
    this.#skippedCount += 1;
    if (this.#skipped.length < maxSkipped) this.#skipped.push({ name: entry.name.slice(0, 300), reason });
  }
}

/** Failures of the archive's own form, told from those of one video. */
const ofTheArchive = new WeakSet<AppError>();

async function* bytesOf(entry: TarEntry): AsyncGenerator<Uint8Array, void> {
  try {
    yield* entry.bytes();
  } catch (error) {
    if (isAppError(error)) ofTheArchive.add(error);
    throw error;
  }
}

function isOfTheArchive(error: AppError): boolean {
  return ofTheArchive.has(error) || error.kind === 'unavailable' || error.kind === 'unauthorized';
}

async function textOf(entry: TarEntry): Promise<string> {
  if (entry.sizeBytes > maxRecordBytes)
    throw new AppError('bad-request', `What this archive says in ${entry.name.slice(0, 100)} is too long.`);
  const chunks: Buffer[] = [];
  for await (const chunk of entry.bytes()) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString('utf8');
}

/** The names on the way to it; `.` is no name. */
function segmentsOf(name: string): string[] {
  return name.split('/').filter((segment) => segment !== '' && segment !== '.');
}

function leadsOut(name: string): boolean {
  return (
    name.startsWith('/') || /^[a-z]:/i.test(name) || name.includes('\0') || name.split(/[/\\]/).includes('..')
  );
}
