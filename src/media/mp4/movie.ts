// Reads the table of contents of MP4 and QuickTime files (moov, ISO/IEC 14496-12 §8.2) up to the sample tables,
// which are expanded later, when the size of the file is known.
import { AppError } from '../../errors.ts';
import { describeSampleEntry, type SampleEntryDescription } from '../codecs/from-sample-entry.ts';
import type { Chapter, Edit, TrackKind } from '../track.ts';
import { type Box, BoxBytes } from './box-reader.ts';
import { readChapters } from './chapters.ts';
import { SampleColumns } from './sample-columns.ts';

/** More tracks than this are not looked at. Real files have a few dozen at most. */
const maxTracks = 100;
/** Sample entries and edits beyond these are not looked at, each costs an object. */
const maxSampleEntries = 1000;
const maxEdits = 10_000;

/** Defaults of a track's fragments: trex (§8.8.3). */
export type FragmentDefaults = {
  readonly entryNumber: number;
  readonly duration: number;
  readonly size: number;
  readonly flags: number;
};

/** A track as moov tells of it; its samples are still to be gathered in `columns`. */
export type TrackDraft = {
  readonly number: number;
  readonly kind: TrackKind;
  readonly description: SampleEntryDescription | null;
  readonly sampleEntries: readonly Uint8Array[];
  readonly entryCount: number;
  readonly obstacle: string | null;
  readonly isDefault: boolean;
  readonly matrix: readonly number[] | null;
  /** From tkhd, in pixels; 0 where not said. */
  readonly displayWidth: number;
  readonly displayHeight: number;
  readonly timescale: number;
  readonly language: string;
  readonly name: string;
  readonly edits: readonly Edit[];
  readonly stbl: Box | null;
  readonly fragmentDefaults: FragmentDefaults;
  readonly columns: SampleColumns;
};

export type Movie = {
  readonly file: BoxBytes;
  readonly tracks: readonly TrackDraft[];
  readonly chapters: readonly Chapter[];
  /** There is an mvex: samples follow in fragments. */
  readonly expectsFragments: boolean;
};

/** `content`: a copy of what is in the moov box, kept by the result. Throws AppError where it cannot be used. */
export function readMovie(content: Uint8Array, remark: (sentence: string) => void): Movie {
  const file = new BoxBytes(content);
  const moov: Box = { type: 'moov', boxStart: 0, start: 0, end: content.length };
  if (file.child(moov, 'cmov'))
    throw new AppError('unplayable', 'The table of contents of this video is compressed (cmov).');
  const mvhd = file.child(moov, 'mvhd', 24);
  const movieTimescale =
    (mvhd && file.view.getUint32(mvhd.start + (content[mvhd.start] === 1 ? 20 : 12))) || 1000;
  const mvex = file.child(moov, 'mvex');
  const defaults = mvex ? readFragmentDefaults(file, mvex) : new Map<number, FragmentDefaults>();
  const traks = file.children(moov.start, moov.end).filter(({ type }) => type === 'trak');
  if (traks.length > maxTracks) remark(`only the first ${maxTracks} of ${traks.length} tracks are shown`);
  const chapterTracks = new Set<number>();
  const drafts: TrackDraft[] = [];
  for (const trak of traks.slice(0, maxTracks)) {
    for (const number of chapterReferences(file, trak)) chapterTracks.add(number);
    const draft = readTrack(file, trak, movieTimescale, defaults);
    if (!draft) continue;
    if (!draft.description) remark('the file does not say how one of its tracks is coded');
    drafts.push(draft);
  }
  return {
    file,
    tracks: drafts.filter(({ kind, number }) => kind !== 'subtitle' || !chapterTracks.has(number)),
    chapters: readChapters(file, moov),
    expectsFragments: mvex !== null,
  };
}

const noDefaults: FragmentDefaults = { entryNumber: 0, duration: 0, size: 0, flags: 0 };

function readFragmentDefaults(file: BoxBytes, mvex: Box): Map<number, FragmentDefaults> {
  const found = new Map<number, FragmentDefaults>();
  for (const { type, start, end } of file.children(mvex.start, mvex.end)) {
    if (type !== 'trex' || end - start < 24) continue;
    found.set(file.view.getUint32(start + 4), {
      entryNumber: Math.max(0, file.view.getUint32(start + 8) - 1),
      duration: file.view.getUint32(start + 12),
      size: file.view.getUint32(start + 16),
      flags: file.view.getUint32(start + 20),
    });
  }
  return found;
}

/** Tracks that hold chapter titles for this one (QuickTime File Format, "Chapter Lists"). */
function chapterReferences(file: BoxBytes, trak: Box): number[] {
  const chap = file.descend(trak, 'tref', 'chap');
  const numbers: number[] = [];
  if (chap) for (let at = chap.start; at + 4 <= chap.end; at += 4) numbers.push(file.view.getUint32(at));
  return numbers;
}

const kindOfHandler: { [handler: string]: TrackKind } = {
  vide: 'video',
  soun: 'audio',
  subt: 'subtitle',
  sbtl: 'subtitle',
  text: 'subtitle',
  clcp: 'subtitle',
};

/** Null for tracks that are neither picture, sound nor text (timecode, hints, metadata). */
function readTrack(
  file: BoxBytes,
  trak: Box,
  movieTimescale: number,
  fragmentDefaults: Map<number, FragmentDefaults>,
): TrackDraft | null {
  const { view, bytes } = file;
  const mdia = file.child(trak, 'mdia');
  const hdlr = mdia && file.child(mdia, 'hdlr', 12);
  const kind = hdlr && kindOfHandler[file.type(hdlr.start + 8)];
  if (!mdia || !kind) return null;

  const header = readTrackHeader(file, trak);
  const mdhd = file.child(mdia, 'mdhd', 20);
  const isLong = mdhd !== null && bytes[mdhd.start] === 1 && mdhd.end - mdhd.start >= 32;
  // version 0: 4 flags, 4 + 4 times, timescale, duration, language; version 1: the times take 8 each
  const timescale = mdhd ? view.getUint32(mdhd.start + (isLong ? 20 : 12)) : 0;
  const languageAt = mdhd ? mdhd.start + (isLong ? 32 : 20) : 0;
  const packedLanguage = mdhd && languageAt + 2 <= mdhd.end ? view.getUint16(languageAt) : 0x7fff;
  const elng = file.child(mdia, 'elng', 5);

  const minf = file.child(mdia, 'minf');
  const stbl = minf && file.child(minf, 'stbl');
  const entries = readSampleEntries(file, stbl, kind);
  const dref = minf && file.descend(minf, 'dinf', 'dref');
  const edts = file.child(trak, 'edts');
  const udta = file.child(trak, 'udta');
  const name = udta && file.child(udta, 'name');
  let { obstacle } = entries;
  if (timescale === 0) obstacle ??= 'The file does not say how fast this track runs.';
  if (dref && refersElsewhere(file, dref)) obstacle ??= 'The data of this track is in another file.';

  return {
    ...header,
    ...entries,
    obstacle,
    kind,
    timescale: timescale || 1000,
    language: elng
      ? canonicalLanguage(file.text(elng.start + 4, elng.end))
      : languageFromPacked(packedLanguage),
    name: name ? file.text(name.start, name.end) : '',
    edits: edts ? readEdits(file, edts, movieTimescale) : [],
    stbl,
    fragmentDefaults: fragmentDefaults.get(header.number) ?? noDefaults,
    columns: new SampleColumns(),
  };
}

/** The unity matrix (§8.3.2). */
const unity = [0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000];

function readTrackHeader(file: BoxBytes, trak: Box) {
  const { view, bytes } = file;
  const tkhd = file.child(trak, 'tkhd', 84);
  const isLong = tkhd !== null && bytes[tkhd.start] === 1;
  if (!tkhd || (isLong && tkhd.end - tkhd.start < 96))
    return { number: 0, isDefault: true, matrix: null, displayWidth: 0, displayHeight: 0 };
  const matrixAt = tkhd.start + (isLong ? 52 : 40);
  const matrix = Array.from(unity, (_, i) => view.getInt32(matrixAt + 4 * i));
  const isUnity = matrix.every((value, i) => value === unity[i]);
  return {
    number: view.getUint32(tkhd.start + (isLong ? 20 : 12)), // track_ID
    isDefault: (view.getUint32(tkhd.start) & 1) === 1, // track_enabled
    // All zero is what some writers leave; it would show nothing.
    matrix: isUnity || matrix.every((value) => value === 0) ? null : matrix,
    displayWidth: view.getUint32(matrixAt + 36) / 65_536, // width, 16.16
    displayHeight: view.getUint32(matrixAt + 40) / 65_536,
  };
}

/** The sample entries of stsd (§8.5.2) described; each is copied. */
function readSampleEntries(file: BoxBytes, stbl: Box | null, kind: TrackKind) {
  const stsd = stbl && file.child(stbl, 'stsd', 8);
  const boxes = stsd ? file.children(stsd.start + 8, stsd.end).slice(0, maxSampleEntries) : [];
  // Sixteen bytes: size, type, reserved, data_reference_index; shorter ones are no entries.
  const described = boxes
    .filter(({ boxStart, end }) => end - boxStart >= 16)
    .map(({ boxStart, end }) => describeSampleEntry(file.bytes.slice(boxStart, end)));
  const description = described[0] ?? null;
  let obstacle = described.find((each) => each.obstacle !== null)?.obstacle ?? null;
  if (!description) obstacle = 'The file does not say how this track is coded.';
  else if (description.kind !== null && description.kind !== kind)
    obstacle ??= 'The file contradicts itself on what kind of track this is.';
  return {
    description,
    sampleEntries: obstacle === null ? described.flatMap(({ sampleEntries }) => sampleEntries) : [],
    entryCount: described.length,
    obstacle,
  };
}

/** Whether a data reference (§8.7.2) names another file. Writers disagree on the flag, so a location must be there. */
function refersElsewhere(file: BoxBytes, dref: Box): boolean {
  return file
    .children(dref.start + 8, dref.end)
    .some(
      ({ type, start, end }) =>
        type === 'url ' &&
        end - start > 5 &&
        (file.view.getUint32(start) & 1) === 0 &&
        file.text(start + 4, end) !== '',
    );
}

/** The edit list (§8.6.6). */
function readEdits(file: BoxBytes, edts: Box, movieTimescale: number): Edit[] {
  const elst = file.child(edts, 'elst', 8);
  if (!elst) return [];
  const { view } = file;
  const isLong = file.bytes[elst.start] === 1;
  const entryBytes = isLong ? 20 : 12;
  const room = Math.floor((elst.end - elst.start - 8) / entryBytes);
  const count = Math.min(view.getUint32(elst.start + 4), room, maxEdits);
  const edits: Edit[] = [];
  for (let i = 0; i < count; i += 1) {
    const at = elst.start + 8 + i * entryBytes;
    const durationSeconds = (isLong ? file.u64(at) : view.getUint32(at)) / movieTimescale;
    const mediaTime = isLong ? file.i64(at + 8) : view.getInt32(at + 4);
    const rate = view.getInt32(at + entryBytes - 4) / 65_536;
    // A length of 0 means "to the end", which only makes sense at the end.
    if (durationSeconds === 0 && (i < count - 1 || mediaTime < 0)) continue;
    edits.push({ durationSeconds, mediaTime: mediaTime < 0 ? -1 : mediaTime, rate });
  }
  return edits;
}

/**
 * Three letters of five bits (§8.4.2), ISO 639-2; QuickTime's own numbers stand below 0x400, and the
 * commonest, 0, is as often nothing said as English.
 */
function languageFromPacked(packed: number): string {
  if (packed < 0x400 || packed === 0x7fff) return 'und';
  const letters = [packed >> 10, packed >> 5, packed].map((bits) => String.fromCharCode(0x60 + (bits & 31)));
  return canonicalLanguage(letters.join(''));
}

/** BCP 47 wants the shortest code: `en` for `eng`. */
function canonicalLanguage(code: string): string {
  try {
    return Intl.getCanonicalLocales(code)[0] ?? 'und';
  } catch (error) {
    if (error instanceof RangeError) return 'und';
    throw error;
  }
}
