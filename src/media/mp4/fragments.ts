// Reads movie fragments (moof, ISO/IEC 14496-12 §8.8) and appends their samples to the tracks' columns.
import { AppError } from '../../errors.ts';
import { type Box, BoxBytes } from './box-reader.ts';
import type { TrackDraft } from './movie.ts';

// tf_flags (§8.8.7.1)
const hasBaseDataOffset = 0x1;
const hasDescriptionIndex = 0x2;
const hasDefaultDuration = 0x8;
const hasDefaultSize = 0x10;
const hasDefaultFlags = 0x20;
const baseIsMoof = 0x2_0000;
// tr_flags (§8.8.8.1)
const hasDataOffset = 0x1;
const hasFirstFlags = 0x4;
const hasDurations = 0x100;
const hasSizes = 0x200;
const hasFlags = 0x400;
const hasCts = 0x800;
/** sample_is_non_sync_sample (§8.8.3.1) */
const isNonSync = 0x1_0000;

/** Runs that give nothing per sample cost no bytes, so that their counts must be bounded; see `FragmentReader`. */
const maxImpliedSamples = 4_000_000;

/** The defaults that a traf sets for its runs. */
type TrafDefaults = { duration: number; size: number; flags: number };

export class FragmentReader {
  readonly #tracks: ReadonlyMap<number, TrackDraft>;
  readonly #remark: (sentence: string) => void;
  #impliedSamples = 0;

  constructor(tracks: readonly TrackDraft[], remark: (sentence: string) => void) {
    this.#tracks = new Map(tracks.map((track) => [track.number, track]));
    this.#remark = remark;
  }

  /** `content` is what is in the moof box that begins at `moofPosition` of the file; nothing of it is kept. */
  read(content: Uint8Array, moofPosition: number): void {
    const file = new BoxBytes(content);
    // Without a base of its own, a traf's data follows the one's before it (§8.8.7.1).
    let dataEnd = moofPosition;
    for (const box of file.children(0, content.length))
      if (box.type === 'traf') dataEnd = this.#readTraf(file, box, moofPosition, dataEnd);
  }

  #readTraf(file: BoxBytes, traf: Box, moofPosition: number, previousDataEnd: number): number {
    const { view } = file;
    const tfhd = file.child(traf, 'tfhd', 8);
    if (!tfhd) return previousDataEnd;
    const flags = view.getUint32(tfhd.start) & 0xff_ffff;
    const track = this.#tracks.get(view.getUint32(tfhd.start + 4));
    const fieldBytes =
      (flags & hasBaseDataOffset ? 8 : 0) +
      4 * bitCount(flags & (hasDescriptionIndex | hasDefaultDuration | hasDefaultSize | hasDefaultFlags));
    if (tfhd.end - tfhd.start < 8 + fieldBytes) {
      this.#remark('a fragment of the file is damaged and was left out');
      return previousDataEnd;
    }
    let at = tfhd.start + 8;
    let base = flags & baseIsMoof ? moofPosition : previousDataEnd;
    if (flags & hasBaseDataOffset) {
      base = file.u64(at);
      at += 8;
    }
    const trex = track?.fragmentDefaults ?? { entryNumber: 0, duration: 0, size: 0, flags: 0 };
    let { entryNumber } = trex;
    const defaults: TrafDefaults = { duration: trex.duration, size: trex.size, flags: trex.flags };
    const next = (flag: number, fallback: number) => {
      if ((flags & flag) === 0) return fallback;
      at += 4;
      return view.getUint32(at - 4);
    };
    entryNumber = next(hasDescriptionIndex, entryNumber + 1) - 1;
    defaults.duration = next(hasDefaultDuration, defaults.duration);
    defaults.size = next(hasDefaultSize, defaults.size);
    defaults.flags = next(hasDefaultFlags, defaults.flags);

    if (track) {
      const tfdt = file.child(traf, 'tfdt', 8);
      if (tfdt) {
        const isLong = file.bytes[tfdt.start] === 1 && tfdt.end - tfdt.start >= 12;
        const start = isLong ? file.u64(tfdt.start + 4) : view.getUint32(tfdt.start + 4);
        // The length of the sample before is what lies between; 2^52 keeps sums of times exact.
        if (start < 2 ** 52) track.columns.endDts = start;
      }
      track.columns.useDescription(Math.min(Math.max(0, entryNumber), Math.max(0, track.entryCount - 1)));
    }
    let dataEnd = base;
    for (const box of file.children(traf.start, traf.end))
      if (box.type === 'trun' && box.end - box.start >= 8)
        dataEnd = this.#readRun(file, box, track, base, dataEnd, defaults);
    return dataEnd;
  }

  /** One trun (§8.8.8); returns where its data ends. Samples of tracks that are not kept only move that on. */
  #readRun(
    file: BoxBytes,
    trun: Box,
    track: TrackDraft | undefined,
    base: number,
    previousEnd: number,
    defaults: TrafDefaults,
  ): number {
    const { view } = file;
    const flags = view.getUint32(trun.start) & 0xff_ffff;
    let count = view.getUint32(trun.start + 4);
    let at = trun.start + 8;
    let offset = previousEnd;
    if (flags & hasDataOffset && at + 4 <= trun.end) {
      offset = base + view.getInt32(at);
      at += 4;
    }
    let firstFlags = defaults.flags;
    if (flags & hasFirstFlags && at + 4 <= trun.end) {
      firstFlags = view.getUint32(at);
      at += 4;
    }
    const recordBytes = 4 * bitCount(flags & (hasDurations | hasSizes | hasFlags | hasCts));
    if (recordBytes > 0) {
      const room = Math.floor((trun.end - at) / recordBytes);
      if (count > room) this.#remark('a fragment of the file has fewer samples than it says');
      count = Math.min(count, room);
    } else {
      this.#impliedSamples += count;
      if (this.#impliedSamples > maxImpliedSamples)
        throw new AppError('unplayable', 'This video has more samples than we can keep.');
    }
    if (offset < 0) {
      this.#remark('a fragment of the file is damaged and was left out');
      return previousEnd;
    }
    if (!track) {
      for (let i = 0; i < count; i += 1)
        offset +=
          flags & hasSizes
            ? view.getUint32(at + i * recordBytes + (flags & hasDurations ? 4 : 0))
            : defaults.size;
      return offset;
    }

    const { columns } = track;
    columns.reserve(count);
    const isVideo = track.kind === 'video';
    let time = columns.endDts;
    let sample = columns.count;
    for (let i = 0; i < count; i += 1, sample += 1) {
      let { duration, size } = defaults;
      let sampleFlags = i === 0 ? firstFlags : defaults.flags;
      let cts = 0;
      if (flags & hasDurations) {
        duration = view.getUint32(at);
        at += 4;
      }
      if (flags & hasSizes) {
        size = view.getUint32(at);
        at += 4;
      }
      if (flags & hasFlags) {
        // first_sample_flags override the first one's own (§8.8.8.2 forbids both; readers take the override).
        if (i > 0 || (flags & hasFirstFlags) === 0) sampleFlags = view.getUint32(at);
        at += 4;
      }
      if (flags & hasCts) {
        cts = view.getInt32(at);
        at += 4;
      }
      columns.sizes[sample] = size;
      columns.offsets[sample] = offset;
      columns.dts[sample] = time;
      columns.cts[sample] = cts;
      columns.keys[sample] = isVideo && (sampleFlags & isNonSync) !== 0 ? 0 : 1;
      offset += size;
      time += duration;
    }
    columns.count = sample;
    columns.endDts = time;
    return offset;
  }
}

function bitCount(bits: number): number {
  let count = 0;
  for (let rest = bits; rest !== 0; rest &= rest - 1) count += 1;
  return count;
}
