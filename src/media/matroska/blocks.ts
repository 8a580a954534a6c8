// Blocks (RFC 9559 §10): which track, when, and where each of its frames lies. Only the head of a Block is read; of its
// frames at most the first bytes, where a codec tells its length or its configuration only there. This is the hot path
// of a scan: no allocation per Block.
import { AppError } from '../../errors.ts';
import { needsFirstFrame } from '../codecs/from-matroska.ts';
import type { ByteFeed } from '../feed.ts';
import { SampleColumns } from './columns.ts';
import type { ElementHeader } from './ebml.ts';
import { notAnElement, vintBytes, vintValue } from './ebml.ts';
import { type FrameLengthReader, frameLengthPeekBytes, frameLengthReader } from './frame-length.ts';
import { Lace, lacings } from './lacing.ts';
import { maxTracks, type TrackEntry, unknownEntry } from './tracks.ts';

/** A film of two hours has half a million, two days of a camera with sound 14 million. More would fill the memory. */
const maxSamples = 16_000_000;
/**
 * Laces of one-byte frames would take twenty times their own size in memory. A million frames are free; beyond that a
 * file must have this many bytes for each, which is less than the poorest sound with its Block heads.
 */
const freeSamples = 1_000_000;
const minBytesPerSample = 16;
/** What codecs tell at their start lies well within this. */
const maxFirstFrameBytes = 64 * 1024;
/** A single frame beyond this is damage: nothing could play it, and it would hide all that follows. */
const maxBlockBytes = 2 ** 30;
/** Laces are of small frames of sound; in a larger one the frames' own lengths are not looked for. */
const maxPeekedLaceBytes = 2 ** 20;
/** A Cluster that goes back in time further than any reordering, or ahead further than any pause, is a new clock. */
const maxBackSeconds = 10;
const maxAheadSeconds = 3600;
/** Where a new clock goes on: about one picture after the last one. */
const newClockGapSeconds = 0.04;

/** A track with what has been found of it so far. */
export type TrackSamples = {
  readonly entry: TrackEntry;
  readonly columns: SampleColumns;
  readonly lengthOf: FrameLengthReader | null;
  wantsFirstFrame: boolean;
  firstFrame: Uint8Array | null;
};

export class BlockReader {
  /** All tracks, in the order of the file. */
  tracks: TrackSamples[] = [];
  sampleCount = 0;
  /** Blocks whose head or lace made no sense. */
  damagedBlocks = 0;
  /** Times that the clock of the file jumped. */
  clockJumps = 0;
  /** End of the open BlockGroup; Infinity where none is open, so that one comparison tells both. */
  groupEnd = Number.POSITIVE_INFINITY;

  readonly #feed: ByteFeed;
  readonly #header: ElementHeader;
  readonly #lace = new Lace();
  #byNumber = new Map<number, TrackSamples>();
  /** Tracks that had Blocks before the Tracks element came, as some tools write it last; null once it was read. */
  #early: Map<number, TrackSamples> | null = new Map();
  #recent: TrackSamples | undefined;
  /** Seconds of one tick, for the limits above. */
  #tickSeconds = 0.001;
  #hasClusterTime = false;
  #clusterTicks = 0;
  /** Added to the file's own times since its clock jumped. */
  #clockShift = 0;
  #highestTicks = Number.NEGATIVE_INFINITY;
  #groupTrack: TrackSamples | null = null;
  #groupFirst = 0;
  #groupTicks = 0;
  #groupDuration = -1;
  #groupDiscardNs = 0;
  #groupHasReference = false;

  /** `header` holds the element at the feed's position whenever `read` is called. */
  constructor(feed: ByteFeed, header: ElementHeader) {
    this.#feed = feed;
    this.#header = header;
  }

  setTracks(entries: readonly TrackEntry[]): void {
    const early = this.#early;
    this.#early = null;
    this.#recent = undefined;
    this.tracks = entries.map((entry) => {
      const found = early?.get(entry.number);
      if (found) return { ...found, entry };
      const lengthOf = entry.obstacle === null ? frameLengthReader(entry.codec.codecId) : null;
      return {
        entry,
        columns: new SampleColumns({ keepsKeys: entry.kind === 'video', keepsLengths: lengthOf !== null }),
        lengthOf,
        wantsFirstFrame: entry.obstacle === null && needsFirstFrame(entry.codec.codecId),
        firstFrame: null,
      };
    });
    this.#byNumber = new Map(this.tracks.map((track) => [track.entry.number, track]));
  }

  setTickSeconds(tickSeconds: number): void {
    this.#tickSeconds = tickSeconds;
  }

  /** Timestamp of a Cluster (RFC 9559 §5.1.3.1); keeps time going forward where the file's clock jumps. */
  setClusterTime(ticks: number): void {
    const moved = ticks + this.#clockShift;
    const ahead = (moved - this.#clusterTicks) * this.#tickSeconds;
    if (this.#hasClusterTime && (ahead < -maxBackSeconds || ahead > maxAheadSeconds)) {
      const begin = Math.max(this.#highestTicks, this.#clusterTicks);
      const resumed = begin + Math.max(1, Math.round(newClockGapSeconds / this.#tickSeconds));
      this.#clockShift = resumed - ticks;
      this.#clusterTicks = resumed;
      this.clockJumps += 1;
      return;
    }
    this.#clusterTicks = moved;
    this.#hasClusterTime = true;
  }

  beginGroup(end: number): void {
    this.endGroup();
    this.groupEnd = end;
  }

  /** BlockDuration in ticks. */
  setGroupDuration(ticks: number): void {
    this.#groupDuration = ticks;
  }

  /** DiscardPadding in ns; negative is cut from the beginning. */
  setGroupDiscard(ns: number): void {
    this.#groupDiscardNs = ns;
  }

  setGroupReference(): void {
    this.#groupHasReference = true;
  }

  /** A BlockGroup is over: a Block in one is a key frame where it refers to no other (RFC 9559 §10.2). */
  endGroup(): void {
    this.groupEnd = Number.POSITIVE_INFINITY;
    const track = this.#groupTrack;
    if (track !== null) {
      const { columns } = track;
      if (!this.#groupHasReference) columns.markKeys(this.#groupFirst);
      if (this.#groupDuration >= 0 && !(this.#groupTicks < columns.durationTicks)) {
        columns.durationTicks = this.#groupTicks;
        columns.blockDuration = this.#groupDuration;
      }
      if (this.#groupDiscardNs !== 0) {
        columns.discardCount = columns.count;
        columns.discardNs = this.#groupDiscardNs;
      }
    }
    this.#groupTrack = null;
    this.#groupDuration = -1;
    this.#groupDiscardNs = 0;
    this.#groupHasReference = false;
  }

  /**
   * Reads the SimpleBlock or Block at the feed's position and moves past it. 0: done. More than 0: so many bytes
   * must be available first, and nothing has been done. `notAnElement`: it is damaged, and the feed has not moved.
   */
  read(isSimple: boolean): number {
    const feed = this.#feed;
    const { headerBytes, size } = this.#header;
    // A track number, the time and the flags are 4 bytes at least; an unknown size is negative.
    if (size < 4 || size > maxBlockBytes) return notAnElement;
    const available = feed.available;
    const least = headerBytes + Math.min(size, 12);
    if (available < least) return least;
    const { bytes } = feed;
    const at = feed.at + headerBytes;
    const first = bytes[at]!;
    const numberBytes = vintBytes(first);
    const headBytes = numberBytes + 3;
    if (numberBytes > 8 || headBytes > size) return notAnElement;
    const number = numberBytes === 1 ? first & 0x7f : vintValue(bytes, at, numberBytes);
    let track = this.#recent;
    if (track === undefined || track.entry.number !== number) {
      track = this.#byNumber.get(number) ?? this.#earlyTrack(number);
      if (track === undefined) {
        feed.skip(headerBytes + size);
        return 0;
      }
      this.#recent = track;
    }
    // Relative to the Cluster, signed 16 bits (RFC 9559 §10.1).
    const relative = ((bytes[at + numberBytes]! << 24) >> 16) | bytes[at + numberBytes + 1]!;
    const flags = bytes[at + numberBytes + 2]!;
    const framesAt = feed.position + headerBytes + headBytes;
    const framesBytes = size - headBytes;
    const lacing = (flags >> 1) & 3;

    // Everything that needs more bytes comes first, so that it can be asked for again from the beginning.
    const lace = this.#lace;
    let firstBytes = framesBytes;
    let firstAt = headerBytes + headBytes;
    if (lacing !== lacings.none) {
      const answer = lace.read(lacing, bytes, at + headBytes, framesBytes);
      if (answer > 0) return headerBytes + headBytes + answer;
      if (answer < 0) {
        this.damagedBlocks += 1;
        feed.skip(headerBytes + size);
        return 0;
      }
      firstAt += lace.headBytes;
      firstBytes = lace.sizes[0]!;
      if (track.lengthOf !== null && size <= maxPeekedLaceBytes && available < headerBytes + size) {
        return headerBytes + size;
      }
    } else if (track.lengthOf !== null) {
      const peek = firstAt + Math.min(firstBytes, frameLengthPeekBytes);
      if (available < peek) return peek;
    }
    if (track.wantsFirstFrame && firstBytes > 0) {
      const wanted = Math.min(firstBytes, maxFirstFrameBytes);
      if (available < firstAt + wanted) return firstAt + wanted;
      track.firstFrame = bytes.slice(feed.at + firstAt, feed.at + firstAt + wanted);
      track.wantsFirstFrame = false;
    }

    const ticks = this.#clusterTicks + relative;
    if (ticks > this.#highestTicks) this.#highestTicks = ticks;
    const { columns } = track;
    const firstSample = columns.count;
    if (lacing === lacings.none) this.#append(track, framesAt, framesBytes, ticks, feed.at + firstAt);
    else this.#appendLace(track, framesAt + lace.headBytes, ticks, feed.at + firstAt);
    if (isSimple) {
      if ((flags & 0x80) !== 0) columns.markKeys(firstSample);
    } else {
      this.#groupTrack = track;
      this.#groupFirst = firstSample;
      this.#groupTicks = ticks;
    }
    feed.skip(headerBytes + size);
    return 0;
  }

  /** Room for the Blocks of a track that is not described yet. */
  #earlyTrack(number: number): TrackSamples | undefined {
    if (this.#early === null) return undefined;
    let track = this.#early.get(number);
    if (track === undefined && this.#early.size < maxTracks) {
      const columns = new SampleColumns({ keepsKeys: true, keepsLengths: false });
      track = {
        entry: unknownEntry(number),
        columns,
        lengthOf: null,
        wantsFirstFrame: false,
        firstFrame: null,
      };
      this.#early.set(number, track);
    }
    return track;
  }

  /** One frame of `size` bytes; `at` is where it begins in the feed's window. Empty frames are no samples. */
  #append(track: TrackSamples, offset: number, size: number, ticks: number, at: number): void {
    if (size === 0) return;
    if (this.sampleCount >= freeSamples) this.#checkSampleCount(offset);
    this.sampleCount += 1;
    const { bytes } = this.#feed;
    const length = track.lengthOf === null ? 0 : track.lengthOf(bytes, at, Math.min(at + size, bytes.length));
    track.columns.append(offset, size, ticks, length);
  }

  #checkSampleCount(offset: number): void {
    if (this.sampleCount >= maxSamples) {
      throw new AppError('unsupported-media', 'This file has more than 16 million frames.');
    }
    if (this.sampleCount * minBytesPerSample > offset) {
      throw new AppError('unsupported-media', 'This file has more frames than a film of its size can have.');
    }
  }

  #appendLace(track: TrackSamples, firstOffset: number, firstTicks: number, firstAt: number): void {
    const { count, sizes } = this.#lace;
    let offset = firstOffset;
    let ticks = firstTicks;
    for (let frame = 0; frame < count; frame += 1) {
      const size = sizes[frame]!;
      this.#append(track, offset, size, ticks, firstAt + (offset - firstOffset));
      if (size > 0) ticks = Number.NaN;
      offset += size;
    }
  }
}
