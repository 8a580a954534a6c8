// From what a walk over a Matroska file found to the index: codecs described, times made, and a sentence for
// whatever was wrong.
import { AppError } from '../../errors.ts';
import { describeMatroskaCodec } from '../codecs/from-matroska.ts';
import type { MediaIndex, SampleTable, Track } from '../track.ts';
import type { TrackSamples } from './blocks.ts';
import type { SegmentWalk } from './segment.ts';
import { blockTimes, type FileClock, frameLengths, soundTimes } from './track-times.ts';

/** Films that begin later than this on their own clock (cut from a running stream) are shown from 0. */
const maxStartSeconds = 10;

/** What the walk's end was like. */
export type ScanEnd = { readonly sizeBytes: number; readonly isCutOff: boolean; readonly stoppedAt: number };

/** Throws AppError `unsupported-media` where there is no track to play. */
export function finishTracks(walk: SegmentWalk, end: ScanEnd): MediaIndex {
  const { blocks, scaleNs, progress } = walk;
  const remarks = [...walk.remarks];
  if (progress.container === null) {
    throw new AppError('unsupported-media', 'This is not a Matroska or WebM file.');
  }
  if (blocks.tracks.length === 0) {
    throw new AppError('unsupported-media', 'This Matroska file lists no picture and no sound.');
  }
  let dropped = 0;
  for (const { columns } of blocks.tracks) dropped += columns.dropBeyond(end.sizeBytes);
  const isShort =
    end.stoppedAt > end.sizeBytes || (end.isCutOff && walk.isInside && end.stoppedAt < end.sizeBytes);
  const isMissingEnd = Number.isFinite(walk.segmentEnd) && walk.segmentEnd > end.sizeBytes;
  if (dropped > 0 || isShort || isMissingEnd)
    remarks.push('This file ends too early: its last part is missing.');
  if (blocks.damagedBlocks > 0) remarks.push('Some of its frames are damaged and were left out.');
  if (blocks.clockJumps > 0) remarks.push('Its clock jumps; the parts were put one after the other.');

  const clock = { scaleNs, shiftTicks: startShift(blocks.tracks, scaleNs) };
  if (clock.shiftTicks < 0)
    remarks.push('Its clock does not begin at zero; it is shown from its first picture.');
  const finished = blocks.tracks.map((track) => finishTrack(track, clock));
  if (finished.some(({ lacksKeys }) => lacksKeys))
    remarks.push('It marks no key frames; seeking may not work.');

  const ends = (playable: boolean) =>
    finished.filter(({ track }) => track.kind !== 'subtitle' && (!playable || track.obstacle === null));
  const measured = ends(true).length > 0 ? ends(true) : ends(false).length > 0 ? ends(false) : finished;
  const endSeconds = measured.reduce((latest, { endSeconds }) => Math.max(latest, endSeconds), 0);
  const shiftMs = (clock.shiftTicks * scaleNs) / 1e6;
  return {
    container: progress.container,
    sizeBytes: end.sizeBytes,
    durationMs: endSeconds * 1000,
    tracks: finished.map(({ track }) => track),
    chapters: walk.chapters.map(({ startMs, endMs, title }) => ({
      startMs: Math.max(0, startMs + shiftMs),
      endMs: endMs === null ? null : Math.max(0, endMs + shiftMs),
      title,
    })),
    isProgressive: false,
    remarks,
  };
}

/** What is added to all times: the earliest one becomes 0 where it is negative or far off. */
function startShift(tracks: readonly TrackSamples[], scaleNs: number): number {
  let earliest = Number.POSITIVE_INFINITY;
  for (const { columns } of tracks) earliest = Math.min(earliest, earliestOf(columns.ticks, columns.count));
  const isUsual = earliest >= 0 && (earliest * scaleNs) / 1e9 <= maxStartSeconds;
  return isUsual || earliest === Number.POSITIVE_INFINITY ? 0 : -earliest;
}

function earliestOf(ticks: Float64Array, count: number): number {
  let earliest = Number.POSITIVE_INFINITY;
  for (let sample = 0; sample < count; sample += 1) {
    const said = ticks[sample]!;
    // NaN in a lace compares false.
    if (said < earliest) earliest = said;
  }
  return earliest;
}

type FinishedTrack = { readonly track: Track; readonly endSeconds: number; readonly lacksKeys: boolean };

function finishTrack(found: TrackSamples, clock: FileClock): FinishedTrack {
  const { entry, columns, firstFrame } = found;
  const description = describeMatroskaCodec({ ...entry.codec, firstFrame });
  const { count } = columns;
  // The scan is over: its columns become the index's, without a copy.
  const ticks = columns.ticks.subarray(0, count);
  if (clock.shiftTicks !== 0)
    for (let sample = 0; sample < count; sample += 1) ticks[sample]! += clock.shiftTicks;
  const lengths = entry.kind === 'audio' ? frameLengths(found, description) : null;
  const times =
    lengths === null
      ? blockTimes(found, ticks, clock)
      : soundTimes(found, ticks, clock, description.sampleRate, lengths);
  const lacksKeys = entry.kind === 'video' && count > 0 && columns.keyCount === 0;
  const obstacle = entry.obstacle ?? description.obstacle;
  const samples: SampleTable = {
    count,
    sizes: columns.sizes.subarray(0, count),
    offsets: columns.offsets.subarray(0, count),
    dts: times.dts,
    cts: times.cts,
    keys: lacksKeys ? Uint32Array.of(0) : keyColumn(found),
    descriptions: null,
    lastDuration: times.lastDuration,
  };
  const track: Track = {
    number: entry.number,
    kind: entry.kind,
    codec: description.codec,
    codecName: entry.codec.codecId,
    codecString: description.codecString,
    language: entry.language,
    name: entry.name,
    isDefault: entry.isDefault,
    width: entry.codec.width,
    height: entry.codec.height,
    displayWidth: entry.codec.displayWidth,
    displayHeight: entry.codec.displayHeight,
    matrix: entry.matrix,
    channels: description.channels || entry.codec.channels,
    sampleRate: description.sampleRate || entry.codec.sampleRate,
    timescale: times.timescale,
    sampleEntries: obstacle === null ? description.sampleEntries : [],
    samples,
    edits: times.edits,
    obstacle,
  };
  return { track, endSeconds: times.endSeconds, lacksKeys };
}

/** Every frame of sound and of text can be begun with; so can a film of key frames only. */
function keyColumn({ entry, columns }: TrackSamples): Uint32Array | null {
  if (entry.kind !== 'video' || columns.keyCount === columns.count) return null;
  return columns.keys.subarray(0, columns.keyCount);
}
