// An index as bytes and back. Layout, little-endian: magic (8), version (4), CRC-32 of all that follows it (4), then the
// video's fields, its chapters and remarks, and each track's fields with its columns. See `index-columns.ts`.
import { crc32 } from 'node:zlib';
import { AppError } from '../errors.ts';
import { readSamples, writeSamples } from './index-columns.ts';
import { LittleEndianReader, LittleEndianWriter } from './little-endian.ts';
import { type Chapter, type Container, codecs, type Edit, type MediaIndex, type Track } from './track.ts';

const magic = 'KinoraIx';
/** Raised with every change of the layout; a file of another version is built anew (`kinora check --repair`). */
const indexVersion = 2;
const headBytes = 16;
const containers: readonly Container[] = ['matroska', 'webm', 'mp4', 'mov'];
const kinds = ['video', 'audio', 'subtitle'] as const;
/** A week of pictures and sound; what a file of a few bytes could make us allocate stays under half a gigabyte. */
const maxSamples = 2 ** 24;

/** Writes an index. Throws AppError `too-large` for more samples than an index may have (2^24). */
export function encodeIndex(index: MediaIndex): Uint8Array {
  const samples = index.tracks.reduce((sum, track) => sum + track.samples.count, 0);
  if (samples > maxSamples)
    throw new AppError('too-large', 'This video has too many pictures to be indexed.');
  // Most films need 7 bytes a sample; what is not written is not touched either.
  const writer = new LittleEndianWriter(64 * 1024 + 12 * samples);
  for (const character of magic) writer.u8(character.charCodeAt(0));
  writer.u32(indexVersion);
  writer.u32(0); //                                              the CRC, once all is written
  writer.u8(containers.indexOf(index.container));
  writer.u8(index.isProgressive ? 1 : 0);
  writer.f64(index.sizeBytes);
  writer.f64(index.durationMs);
  writer.u32(index.chapters.length);
  for (const chapter of index.chapters) {
    writer.f64(chapter.startMs);
    writer.f64(chapter.endMs ?? Number.NaN);
    writer.text(chapter.title);
  }
  writer.u32(index.remarks.length);
  for (const remark of index.remarks) writer.text(remark);
  writer.u32(index.tracks.length);
  for (const track of index.tracks) writeTrack(writer, track);
  const bytes = writer.written();
  new DataView(bytes.buffer).setUint32(12, crc32(bytes.subarray(headBytes)), true);
  return bytes;
}

/**
 * Reads an index. It keeps referring to `bytes`, which must not change afterwards.
 * Throws AppError `corrupt` where they are no index of this version, cut off or damaged.
 */
export function decodeIndex(bytes: Uint8Array): MediaIndex {
  // Columns are used where they lie, which asks for their alignment.
  const aligned = bytes.byteOffset % 8 === 0 ? bytes : bytes.slice();
  const reader = new LittleEndianReader(aligned, 0);
  for (const character of magic) {
    if (reader.u8() !== character.charCodeAt(0)) throw new AppError('corrupt', 'this is no index of a video');
  }
  const version = reader.u32();
  if (version !== indexVersion)
    throw new AppError('corrupt', `the index of this video is of version ${version}, not ${indexVersion}`);
  if (reader.u32() !== crc32(aligned.subarray(headBytes)))
    throw new AppError('corrupt', 'the index of this video is damaged (its checksum differs)');
  const container = pick(containers, reader.u8());
  const isProgressive = reader.u8() === 1;
  const sizeBytes = reader.f64();
  const durationMs = reader.f64();
  const chapters: Chapter[] = [];
  for (let left = reader.count(20); left > 0; left--) {
    const startMs = reader.f64();
    const endMs = reader.f64();
    chapters.push({ startMs, endMs: Number.isNaN(endMs) ? null : endMs, title: reader.text() });
  }
  const remarks: string[] = [];
  for (let left = reader.count(4); left > 0; left--) remarks.push(reader.text());
  const tracks: Track[] = [];
  let samples = 0;
  for (let left = reader.count(100); left > 0; left--) {
    const track = readTrack(reader, maxSamples - samples);
    samples += track.samples.count;
    tracks.push(track);
  }
  if (reader.remaining > 0) throw new AppError('corrupt', 'the index of this video is longer than it says');
  return { container, sizeBytes, durationMs, tracks, chapters, isProgressive, remarks };
}

function pick<Value>(values: readonly Value[], at: number): Value {
  const value = values[at];
  if (value === undefined) throw new AppError('corrupt', 'the index of this video names what does not exist');
  return value;
}

/** Which of the fields that may be null are there. */
const hasCodecString = 1;
const hasMatrix = 2;
const hasObstacle = 4;
const isDefault = 8;

function writeTrack(writer: LittleEndianWriter, track: Track): void {
  writer.u8(kinds.indexOf(track.kind));
  writer.u8(
    (track.codecString === null ? 0 : hasCodecString) |
      (track.matrix ? hasMatrix : 0) |
      (track.obstacle === null ? 0 : hasObstacle) |
      (track.isDefault ? isDefault : 0),
  );
  writer.text(track.codec);
  writer.text(track.codecName);
  if (track.codecString !== null) writer.text(track.codecString);
  if (track.obstacle !== null) writer.text(track.obstacle);
  writer.text(track.language);
  writer.text(track.name);
  const { number, width, height, displayWidth, displayHeight, channels, sampleRate, timescale } = track;
  for (const value of [number, width, height, displayWidth, displayHeight, channels, sampleRate, timescale])
    writer.f64(value);
  if (track.matrix) for (let i = 0; i < 9; i++) writer.f64(track.matrix[i] ?? 0);
  writer.u32(track.edits.length);
  for (const edit of track.edits) {
    writer.f64(edit.durationSeconds);
    writer.f64(edit.mediaTime);
    writer.f64(edit.rate);
  }
  writer.u32(track.sampleEntries.length);
  for (const entry of track.sampleEntries) writer.blob(entry);
  writeSamples(writer, track.samples);
}

function readTrack(reader: LittleEndianReader, mostSamples: number): Track {
  const kind = pick(kinds, reader.u8());
  const flags = reader.u8();
  const codecText = reader.text();
  const codec = pick(codecs, codecs.indexOf(codecText as Track['codec']));
  const codecName = reader.text();
  const codecString = flags & hasCodecString ? reader.text() : null;
  const obstacle = flags & hasObstacle ? reader.text() : null;
  const language = reader.text();
  const name = reader.text();
  const number = reader.f64();
  const width = reader.f64();
  const height = reader.f64();
  const displayWidth = reader.f64();
  const displayHeight = reader.f64();
  const channels = reader.f64();
  const sampleRate = reader.f64();
  const timescale = reader.f64();
  if (!(timescale > 0)) throw new AppError('corrupt', 'the index of this video has no timescale');
  const matrix = flags & hasMatrix ? Array.from({ length: 9 }, () => reader.f64()) : null;
  const edits: Edit[] = [];
  for (let left = reader.count(24); left > 0; left--)
    edits.push({ durationSeconds: reader.f64(), mediaTime: reader.f64(), rate: reader.f64() });
  const sampleEntries: Uint8Array[] = [];
  for (let left = reader.count(4); left > 0; left--) sampleEntries.push(reader.blob());
  const samples = readSamples(reader, sampleEntries.length, mostSamples);
  return {
    ...{ number, kind, codec, codecName, codecString, language, name, isDefault: (flags & isDefault) !== 0 },
    ...{ width, height, displayWidth, displayHeight, matrix, channels, sampleRate, timescale },
    ...{ sampleEntries, samples, edits, obstacle },
  };
}
