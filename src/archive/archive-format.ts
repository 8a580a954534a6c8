// What stands beside the videos in an archive of "my data", as JSON: `kinora.json` first, then for each stretch of
// videos a piece that names them, right before their bytes, so that whoever reads holds one piece at a time. What comes
// from elsewhere is checked field by field, and nothing but what is checked is kept. See `design/archives.md`.
import { AppError } from '../errors.ts';

/** The version of this form; another one is refused. */
export const archiveVersion = 1;
export const headName = 'kinora.json';
/** `kinora/videos-00001.json` and so on. */
export const pieceName = /^kinora\/videos-\d{5,9}\.json$/;
/** Everything that is not a video. */
export const recordsFolder = 'kinora/';
/** Most bytes of one such file: a piece has some hundred videos. */
export const maxRecordBytes = 4 * 1024 * 1024;
/** Most videos one piece names. */
export const videosInPiece = 200;

export type ArchiveHead = {
  readonly kinora: typeof archiveVersion;
  /** The program's own version. */
  readonly madeBy: string;
  readonly madeAt: string;
  readonly person: {
    readonly name: string;
    readonly userName: string | null;
    readonly email: string | null;
    readonly role: string;
    readonly createdAt: string | null;
  };
  readonly tokens: readonly {
    readonly name: string;
    readonly scopes: readonly string[];
    readonly createdAt: string;
    readonly expiresAt: string | null;
  }[];
};

/** Where the videos of a piece lie. */
export type ArchivePlace = {
  /** From the top; empty for the top itself. */
  readonly path: readonly string[];
  readonly isBin: boolean;
};

export type ArchivedVideo = {
  /** Its name in the archive. */
  readonly file: string;
  readonly title: string;
  readonly fileName: string;
  readonly addedAt: string;
  readonly isFavourite: boolean;
  readonly isWatched: boolean;
  /** Where the person was in it; null where not begun. */
  readonly positionMs: number | null;
};

/** What is only told, never taken in again. */
export type ToldOfVideo = {
  readonly id: string;
  readonly status: string;
  readonly sizeBytes: number | null;
  readonly durationMs: number | null;
  readonly sharedWith: readonly string[];
  readonly links: readonly ArchivedLink[];
};

/** A guest link without its secret. */
export type ArchivedLink = {
  readonly note: string;
  readonly createdAt: string;
  readonly expiresAt: string | null;
  readonly visits: number;
};

export type ArchivePiece = {
  readonly place: ArchivePlace;
  readonly videos: readonly ArchivedVideo[];
};

/** Checks a `kinora.json`. Throws `bad-request`. */
export function readHead(text: string): void {
  const head = objectOf(parse(text));
  if (head?.kinora === archiveVersion) return;
  if (typeof head?.kinora === 'number') {
    throw new AppError('bad-request', 'This archive was made by a newer Kinora. Update this one first.');
  }
  throw wrong(headName);
}

/** Checks a piece; videos that say nothing usable are left out. Throws `bad-request`. */
export function readPiece(text: string, nowMs: number): ArchivePiece {
  const piece = objectOf(parse(text));
  const place = objectOf(piece?.place);
  const { path, isBin } = place ?? {};
  if (
    !Array.isArray(path) ||
    path.length > maxDepth ||
    !path.every(isName) ||
    !Array.isArray(piece?.videos)
  ) {
    throw wrong('kinora/');
  }
  if (piece.videos.length > videosInPiece) throw wrong('kinora/');
  const videos = piece.videos.flatMap((video) => readVideo(objectOf(video), nowMs) ?? []);
  return { place: { path, isBin: isBin === true }, videos };
}

/** Deeper than folders can lie here; the library's own limit is the lower one. */
const maxDepth = 64;
const maxTextLength = 4000;

function readVideo(video: Readonly<Record<string, unknown>> | null, nowMs: number): ArchivedVideo | null {
  if (!video || !isName(video.file) || !isName(video.title) || !isName(video.fileName)) return null;
  const addedAtMs = typeof video.addedAt === 'string' ? Date.parse(video.addedAt.slice(0, 40)) : Number.NaN;
  const { positionMs } = video;
  const isPosition = typeof positionMs === 'number' && positionMs >= 0 && positionMs <= 1e12;
  return {
    ...{ file: video.file, title: video.title, fileName: video.fileName },
    // Never in the future, and a year people have cameras in.
    addedAt: new Date(addedAtMs >= 0 && addedAtMs <= nowMs ? addedAtMs : nowMs).toISOString(),
    isFavourite: video.isFavourite === true,
    isWatched: video.isWatched === true,
    positionMs: isPosition ? positionMs : null,
  };
}

function isName(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= maxTextLength;
}

function objectOf(value: unknown): Readonly<Record<string, unknown>> | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, unknown>>)
    : null;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new AppError('bad-request', 'What this archive says of its videos cannot be read.', { cause });
  }
}

function wrong(what: string): AppError {
  return new AppError(
    'bad-request',
    `What this archive says in ${what} is not in the form of Kinora's archives.`,
  );
}
