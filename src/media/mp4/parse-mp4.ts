// Reads an MP4 or QuickTime file from its first byte to its last and makes the index (ISO/IEC 14496-12). Held in
// memory: the table of contents (moov, 64 MiB at most), one fragment's (moof), and the columns of the samples;
// media data is stepped over.
import { AppError } from '../../errors.ts';
import type { ByteFeed, Parser } from '../feed.ts';
import type { Container, MediaIndex, Track } from '../track.ts';
import { BoxBytes, isPadding } from './box-reader.ts';
import { FragmentReader } from './fragments.ts';
import { type Movie, readMovie, type TrackDraft } from './movie.ts';
import { presentedSeconds, startAtZero } from './presentation.ts';
import { expandSampleTable } from './sample-table.ts';

/** A moov or moof beyond this is refused. Twenty hours of video at 60 pictures a second with sound take 60 MB. */
export const maxMoovBytes = 64 * 1024 * 1024;
/** Remarks beyond this say nothing new. */
const maxRemarks = 20;

/** Brands of still pictures (ISO/IEC 23008-12 §10.2, AV1 Image File Format §6.2). */
const stillBrands = ['heic', 'heix', 'heim', 'heis', 'mif1', 'avif'];

const noBoxes = 'This file is damaged: what stands where its parts should begin makes no sense.';
const noVideo = 'This is a still picture, not a video.';
const noMoov =
  'This file has no table of contents (moov): it was not written to its end, or part of it is missing.';

/** What has been seen at the top of the file. */
type Progress = {
  movie: Movie | null;
  fragments: FragmentReader | null;
  brand: string | null;
  moovPosition: number;
  firstMdatPosition: number;
  fragmentCount: number;
  remarks: Set<string>;
};

/**
 * A push parser of MP4 and QuickTime: see `feed.ts`. Throws AppError `unsupported-media` where the bytes are no such
 * file or hold neither pictures nor sound, and `unplayable` where they do but its table of contents cannot be read.
 */
export function* parseMp4(feed: ByteFeed): Parser<MediaIndex> {
  const progress: Progress = {
    movie: null,
    fragments: null,
    brand: null,
    moovPosition: Number.POSITIVE_INFINITY,
    firstMdatPosition: Number.POSITIVE_INFINITY,
    fragmentCount: 0,
    remarks: new Set(),
  };
  const remark = (sentence: string) => {
    if (progress.remarks.size < maxRemarks) progress.remarks.add(sentence);
  };

  for (;;) {
    yield 16;
    if (feed.available < 8) break;
    const header = new BoxBytes(feed.bytes.subarray(feed.at, feed.at + Math.min(16, feed.available)));
    const position = feed.position;
    const type = header.type(4);
    let size = header.view.getUint32(0);
    let headerBytes = 8;
    if (size === 1 && feed.available >= 16) {
      size = header.u64(8); // largesize
      headerBytes = 16;
    }
    const reachesEnd = size === 0;
    if (!/^[\x20-\x7e\xa9]{4}$/.test(type) || (!reachesEnd && size < headerBytes && !isPadding(type))) {
      if (!progress.movie) throw new AppError(position === 0 ? 'unsupported-media' : 'unplayable', noBoxes);
      remark('what comes after the video in the file makes no sense and was left out');
      break;
    }
    if (!reachesEnd && size < headerBytes) {
      remark('padding of the file has a wrong size');
      size = headerBytes;
    }
    feed.skip(headerBytes);
    const contentBytes = reachesEnd ? Number.POSITIVE_INFINITY : size - headerBytes;

    if (type === 'ftyp' && progress.brand === null && contentBytes < 4096) {
      yield contentBytes;
      if (feed.available < contentBytes) break;
      const content = new BoxBytes(feed.take(contentBytes));
      progress.brand = contentBytes >= 4 ? content.type(0) : '';
    } else if (type === 'moov' && progress.movie) {
      remark('the file has a second table of contents, which was left out');
      feed.skip(contentBytes);
    } else if (type === 'moov' || (type === 'moof' && progress.movie)) {
      // A box to the end of the file has a size only when the file has; ask for the most that may be.
      const needBytes = Math.min(contentBytes, maxMoovBytes + 1);
      yield needBytes;
      const wholeBytes = reachesEnd ? feed.available : contentBytes;
      if (wholeBytes > maxMoovBytes)
        throw new AppError('unplayable', 'The table of contents of this video is larger than 64 MiB.');
      if (feed.available < wholeBytes) {
        if (!progress.movie)
          throw new AppError('unplayable', 'This file ends in the middle of its table of contents.');
        remark('the file ends in the middle of a fragment');
        break;
      }
      const content = feed.take(wholeBytes);
      if (type === 'moov') {
        // A copy, also of a Buffer, whose slice() would be none.
        progress.movie = readMovie(new Uint8Array(content), remark);
        progress.moovPosition = position;
      } else {
        readFragment(progress, content, position, remark);
      }
    } else {
      if (type === 'mdat') progress.firstMdatPosition = Math.min(progress.firstMdatPosition, position);
      if (type === 'meta' && !progress.movie && stillBrands.includes(progress.brand ?? ''))
        throw new AppError('unsupported-media', noVideo);
      if (feed.position + contentBytes > Number.MAX_SAFE_INTEGER) {
        if (!reachesEnd) remark('the file is shorter than it says');
        break;
      }
      feed.skip(contentBytes);
    }
  }
  if (feed.position > feed.sizeBytes) remark('the file is shorter than it says');
  // The rest is of no use, but where bytes are still arriving, their number is.
  while (!feed.ended && feed.sizeBytes === Number.POSITIVE_INFINITY) {
    feed.skip(feed.available);
    yield 1;
  }
  return finishIndex(progress, feed.sizeBytes, remark);
}

function readFragment(
  progress: Progress,
  content: Uint8Array,
  position: number,
  remark: (s: string) => void,
) {
  const movie = progress.movie!;
  if (!progress.fragments) {
    // A file may have samples in moov as well, which come first. Where their data is has gone by mostly; the size of
    // the file is not known yet.
    const sizeBytes = position + 4 * 1024 * 1024;
    for (const track of movie.tracks) expandTrack(movie, track, sizeBytes, remark);
    progress.fragments = new FragmentReader(movie.tracks, remark);
  }
  progress.fragments.read(content, position);
  progress.fragmentCount += 1;
}

function expandTrack(movie: Movie, track: TrackDraft, sizeBytes: number, remark: (sentence: string) => void) {
  if (!track.stbl) return;
  expandSampleTable(movie.file, track.stbl, track.columns, {
    sizeBytes,
    entryCount: track.entryCount,
    joinsChunks: track.description?.codec === 'pcm',
    remark,
  });
}

function finishIndex(progress: Progress, sizeBytes: number, remark: (sentence: string) => void): MediaIndex {
  const { movie, brand } = progress;
  if (!movie) {
    if (stillBrands.includes(brand ?? '')) throw new AppError('unsupported-media', noVideo);
    throw new AppError('unplayable', noMoov);
  }
  if (!progress.fragments) for (const track of movie.tracks) expandTrack(movie, track, sizeBytes, remark);
  const isFragmented = movie.expectsFragments || progress.fragmentCount > 0;
  const tracks = movie.tracks.map((draft) => finishTrack(draft, sizeBytes, remark));
  if (!tracks.some(({ kind }) => kind !== 'subtitle'))
    throw new AppError('unsupported-media', 'This file holds neither pictures nor sound.');
  const shifted = isFragmented ? startAtZero(tracks, remark) : tracks;
  const container: Container = brand === null || brand === 'qt  ' ? 'mov' : 'mp4';
  const playable = shifted.filter(({ kind, obstacle }) => kind !== 'subtitle' && obstacle === null);
  const timed = playable.length > 0 ? playable : shifted;
  return {
    container,
    sizeBytes,
    durationMs: Math.round(1000 * Math.max(0, ...timed.map(presentedSeconds))),
    tracks: shifted,
    chapters: movie.chapters,
    isProgressive:
      container === 'mp4' &&
      !isFragmented &&
      progress.moovPosition < progress.firstMdatPosition &&
      progress.remarks.size === 0,
    remarks: [...progress.remarks],
  };
}

function finishTrack(draft: TrackDraft, sizeBytes: number, remark: (sentence: string) => void): Track {
  const { samples, missingCount } = draft.columns.finish(sizeBytes);
  if (missingCount > 0) remark('the file ends early: some pictures or sound that it tells of are not in it');
  const { description, kind } = draft;
  const isVideo = kind === 'video';
  const aspect = description?.pixelAspect
    ? description.pixelAspect.horizontal / description.pixelAspect.vertical
    : 1;
  const width = description?.width ?? 0;
  const height = description?.height ?? 0;
  const hasDisplaySize = draft.displayWidth >= 1 && draft.displayHeight >= 1;
  return {
    number: draft.number,
    kind,
    codec: description?.codec ?? 'other',
    codecName: description?.codecName ?? '',
    codecString: description?.codecString ?? null,
    language: draft.language,
    name: draft.name,
    isDefault: draft.isDefault,
    width: isVideo ? width : 0,
    height: isVideo ? height : 0,
    displayWidth: isVideo ? Math.round(hasDisplaySize ? draft.displayWidth : width * aspect) : 0,
    displayHeight: isVideo ? Math.round(hasDisplaySize ? draft.displayHeight : height) : 0,
    matrix: draft.matrix,
    channels: kind === 'audio' ? (description?.channels ?? 0) : 0,
    sampleRate: kind === 'audio' ? (description?.sampleRate ?? 0) : 0,
    timescale: draft.timescale,
    sampleEntries: draft.sampleEntries,
    samples,
    edits: draft.edits,
    obstacle: draft.obstacle,
  };
}
