// The bytes of a video made ready to be sent: the original as it came, or a view of it. What was computed is kept in
// the view cache, blobs are shared between those who read them, and entity tags follow the ids of blob and index.
import type { Video } from '../catalogue/catalogue.ts';
import { AppError, isAppError } from '../errors.ts';
import type { MediaIndex } from '../media/track.ts';
import { buildClipView } from '../media/views/clip.ts';
import { buildMp4View } from '../media/views/progressive.ts';
import type { IndexSource } from './index-source.ts';
import type { Clip, OpenedBytes } from './library.ts';
import type { ReaderPool } from './reader-pool.ts';
import type { Cached, ViewCache } from './view-cache.ts';

/** Part of every view's entity tag: to be raised when the same index gives other bytes. */
const viewVersion = 1;

/** What is generated of a view: it is followed by `start`..`end` of the blob. */
type View = ReturnType<typeof buildMp4View>;

export type OpenTools = {
  readonly indexes: IndexSource;
  readonly cache: ViewCache;
  readonly readers: ReaderPool;
};

/** Opens the view or a clip of it. Throws `unplayable`, `conflict`, `bad-request`, `corrupt`. */
export async function openView(video: Video, clip: Clip | null, tools: OpenTools): Promise<OpenedBytes> {
  if (clip) assertClip(clip);
  try {
    return await openIndexed(video, clip, tools);
  } catch (error) {
    // An index of an older format, a damaged or a missing one is made again, once; the original is what counts.
    const isIndexAtFault = isAppError(error, 'corrupt') || isAppError(error, 'not-found');
    if (!isIndexAtFault) throw error;
    return openIndexed(await tools.indexes.renew(video, error), clip, tools);
  }
}

async function openIndexed(
  video: Video,
  clip: Clip | null,
  { indexes, cache, readers }: OpenTools,
): Promise<OpenedBytes> {
  assertHere(video);
  if (isItsOwnView(video)) {
    if (clip)
      throw new AppError(
        'bad-request',
        'Clips can be cut out of videos, not out of a file of sound like this.',
      );
    return openOriginal(video, readers);
  }
  const { indexId } = video;
  if (video.status !== 'ready' || video.playback.viewType === null || indexId === null) {
    throw new AppError(
      'unplayable',
      video.reason ?? 'This video cannot be shown as MP4; the original can be downloaded.',
    );
  }
  const stretch = clip ? `-${clip.startSeconds}-${clip.endSeconds ?? ''}` : '';
  const view = await cache.get(`${indexId}:view${stretch}`, async () => {
    // A clip is seldom alone, so its index stays; a whole view's header stays itself.
    if (clip)
      return weigh(buildClipView(await indexes.readKept(indexId), clip.startSeconds, clip.endSeconds));
    return weigh(wholeView(await indexes.read(indexId)));
  });
  return open(video, view, `"v${viewVersion}-${indexId}${stretch}"`, readers);
}

/** Sound that browsers play as it came (MP3, WAV, ...): it has no index, and one source under both addresses. */
function isItsOwnView({ status, indexId, playback }: Video): boolean {
  return status === 'ready' && indexId === null && (playback.viewType ?? playback.originalType) !== null;
}

/** Opens the file as it came. Throws `conflict` while it arrives. */
export async function openOriginal(video: Video, readers: ReaderPool): Promise<OpenedBytes> {
  assertHere(video);
  const whole = { header: nothing, start: 0, end: video.sizeBytes ?? 0, contentType: typeOfOriginal(video) };
  return open(video, whole, `"o-${video.blobId}"`, readers);
}

const nothing = new Uint8Array(0);

function assertHere(video: Video): void {
  if (video.status === 'arriving') throw new AppError('conflict', 'This video is still arriving.');
}

function assertClip({ startSeconds, endSeconds }: Clip): void {
  const isStart = Number.isFinite(startSeconds) && startSeconds >= 0;
  const isEnd = endSeconds === null || (Number.isFinite(endSeconds) && endSeconds > startSeconds);
  if (!isStart || !isEnd) {
    throw new AppError(
      'bad-request',
      'A clip needs a start of 0 or more seconds, and an end that comes after it.',
    );
  }
}

/** A progressive MP4 that browsers can play all of is its own view, byte for byte. */
function wholeView(index: MediaIndex): View {
  const isItself = index.isProgressive && index.tracks.every((track) => track.obstacle === null);
  if (!isItself) return buildMp4View(index);
  const { contentType } = buildMp4View(index);
  return { header: nothing, start: 0, end: index.sizeBytes, contentType };
}

function weigh(view: View): Cached<View> {
  // 500: the object, its key and its place in the map.
  return { value: view, sizeBytes: view.header.byteLength + 500 };
}

async function open(video: Video, view: View, etag: string, readers: ReaderPool): Promise<OpenedBytes> {
  const { reader, release } = await readers.open(video.blobId);
  if (view.end > reader.sizeBytes) {
    release();
    throw new AppError('corrupt', 'The stored file is shorter than it was when it arrived.');
  }
  return {
    header: view.header,
    reader,
    start: view.start,
    end: view.end,
    contentType: view.contentType,
    fileName: video.fileName,
    etag,
    lastModifiedMs: reader.modifiedAtMs,
    release,
  };
}

/** Media types of what is stored, by container, without codecs. Nothing that a browser would run as a page. */
const types = new Map([
  ['matroska', 'video/x-matroska'],
  ['webm', 'video/webm'],
  ['mp4', 'video/mp4'],
  ['mov', 'video/quicktime'],
]);

function typeOfOriginal(video: Video): string {
  const { originalType, viewType } = video.playback;
  if (originalType !== null) return originalType;
  if (viewType !== null && isItsOwnView(video)) return viewType;
  return types.get(video.container ?? '') ?? 'application/octet-stream';
}
