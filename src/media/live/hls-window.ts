// The last half minute of a live stream as HLS segments and parts, cut from the fragments that live.mp4 sends too.
// Segments begin at key frames; where those are too far apart for the target duration, they are cut before. Memory:
// `maxBytes` at most, each byte once more than in the fragments.
import {
  type MediaPlaylist,
  type PlaylistPart,
  type PlaylistSegment,
  writeMediaPlaylist,
} from './hls-playlist.ts';
import type { LiveFragment, LiveInit } from './live-muxer.ts';

/** A part is about this long: short enough to be near, long enough that players do not ask more often. */
const partSeconds = 0.25;

/** A segment is not shorter than this, so that televisions without parts do not ask without end. */
const leastSegmentSeconds = 1.5;
const leastTargetSeconds = 2;

/** The first segment's length decides the target; a camera with rarer key frames is cut in between. */
const mostTargetSeconds = 6;

/** Segments that a playlist names, and those kept: a player may ask for one that has just left the playlist. */
const listedSegments = 8;
const keptSegments = 14;
/** Whole segments that the first playlist has. */
const firstSegments = 3;

const maxBytes = 64 * 1024 * 1024;
/** A playlist needs a few, whatever their size. */
const leastSegments = 4;

type Part = PlaylistPart & { bytes: Buffer };

type Segment = Omit<PlaylistSegment, 'seconds' | 'parts'> & {
  seconds: number | null;
  readonly initBytes: Buffer;
  readonly startMicros: number;
  readonly parts: Part[];
  /** All of it, once it is whole; its parts are slices of that. */
  bytes: Buffer | null;
  sizeBytes: number;
};

type OpenPart = { readonly startMicros: number; readonly isIndependent: boolean; readonly pieces: Buffer[] };

/** How long segments and parts are, decided once (rfc8216bis §6.2.1: a target duration never changes). */
type Plan = {
  readonly targetSeconds: number;
  readonly partTargetSeconds: number;
  readonly frameSeconds: number;
};

export type HlsWindowSetup = {
  /** Media sequence number of the first segment: names must not come again when the camera is switched on again. */
  readonly firstNumber: number;
  readonly nowMs: () => number;
  /** A part or a segment has been finished. */
  readonly onChange: () => void;
};

export class HlsWindow {
  readonly #setup: HlsWindowSetup;
  #plan: Plan | null = null;
  /** Until there is a plan. */
  #early: LiveFragment[] = [];
  #segments: Segment[] = [];
  #open: OpenPart | null = null;
  #init: LiveInit | null = null;
  #nextNumber: number;
  #discontinuities = 0;
  #lastMicros = 0;
  /** The last time from one picture to the next. */
  #stepMicros = 40_000;
  #sizeBytes = 0;

  constructor(setup: HlsWindowSetup) {
    this.#setup = setup;
    this.#nextNumber = setup.firstNumber;
  }

  /** Takes the next fragment; nothing until the first one with a key frame. */
  add(fragment: LiveFragment): void {
    if (!this.#plan && this.#early.length === 0 && !fragment.isKey) return;
    if (this.#plan) {
      this.#take(fragment, this.#plan);
      return;
    }
    this.#early.push(fragment);
    const plan = planOf(this.#early);
    if (!plan) return;
    this.#plan = plan;
    this.#stepMicros = plan.frameSeconds * 1e6;
    for (const early of this.#early) this.#take(early, plan);
    this.#early = [];
  }

  /**
   * Whether a playlist can be told. Players begin three target durations before the end (RFC 8216 §6.3.3); Chromium
   * gives up on a playlist that has fewer segments.
   */
  get isReady(): boolean {
    const third = this.#segments[firstSegments - 1];
    return third !== undefined && third.seconds !== null;
  }

  /** Seconds of the target duration; what it will be at most before it is decided. */
  get targetSeconds(): number {
    return this.#plan?.targetSeconds ?? mostTargetSeconds;
  }

  /** Throws nothing; call it once `isReady`. */
  playlist(): string {
    const listed = this.#segments.slice(-listedSegments);
    const gone = this.#segments.slice(0, -listedSegments);
    // The first one's own discontinuity is no longer in the text either (rfc8216bis §6.2.2).
    const before = [...gone, ...listed.slice(0, 1)].filter((segment) => segment.isDiscontinuity).length;
    const playlist: MediaPlaylist = {
      ...this.#plan!,
      discontinuities: this.#discontinuities + before,
      segments: listed,
    };
    return writeMediaPlaylist(playlist);
  }

  /**
   * Whether the playlist holds the segment `number`, or its part `part` (rfc8216bis §6.2.5.2): a part behind the last
   * one of a whole segment is the first one of the next. `never`: it is too far ahead to wait for.
   */
  holds(number: number, part: number | null): 'yes' | 'no' | 'never' {
    const last = this.#segments.at(-1);
    if (!last) return 'no';
    if (number > last.number + 2) return 'never';
    const found = this.#segments.find((segment) => segment.number === number);
    if (!found) return number < last.number ? 'yes' : 'no';
    if (found.seconds !== null) {
      if (part === null || part < found.parts.length) return 'yes';
      return this.holds(number + 1, 0);
    }
    return part !== null && part < found.parts.length ? 'yes' : 'no';
  }

  /** The init segment of that number; null where no segment needs it any more. */
  init(number: number): Buffer | null {
    return this.#segments.find((segment) => segment.init === number)?.initBytes ?? null;
  }

  /** A whole segment; null where it is not whole yet or not kept any more. */
  segment(number: number): Buffer | null {
    return this.#segments.find((segment) => segment.number === number)?.bytes ?? null;
  }

  part(number: number, part: number): Buffer | null {
    return this.#segments.find((segment) => segment.number === number)?.parts[part]?.bytes ?? null;
  }

  /** Whether that part is the one that comes next: the playlist's hint, worth waiting for. */
  isNext(number: number, part: number): boolean {
    const last = this.#segments.at(-1);
    if (!last) return false;
    if (last.seconds !== null) return number === last.number + 1 && part === 0;
    // Which it will be is known only when it comes: the open segment may end with the part that is being made.
    return (
      (number === last.number && part === last.parts.length) || (number === last.number + 1 && part === 0)
    );
  }

  /** Most bits a second of the segments kept, for BANDWIDTH; 0 where none is whole. */
  get peakBitsPerSecond(): number {
    let peak = 0;
    for (const { bytes, seconds } of this.#segments)
      if (bytes && seconds) peak = Math.max(peak, (bytes.length * 8) / seconds);
    return peak;
  }

  #take(fragment: LiveFragment, plan: Plan): void {
    const segment = this.#segments.at(-1) ?? null;
    if (!fragment.hasPicture) {
      if (segment?.seconds === null && fragment.init === this.#init) this.#append(segment, fragment.part);
      return;
    }
    const at = fragment.startMicros;
    const isOther = fragment.init !== this.#init;
    // A hole in the times: players are told, rather than left to wait for pictures that never were.
    const isHole = at - this.#lastMicros > Math.max(2_000_000, 3 * this.#stepMicros);
    if (!segment || isOther || isHole) {
      if (segment) this.#finishSegment(segment, this.#lastMicros + this.#stepMicros);
      this.#startSegment(fragment, segment !== null);
    } else {
      const seconds = (at - segment.startMicros) / 1e6;
      const isDue = fragment.isKey && seconds >= leastSegmentSeconds;
      // EXTINF rounded may not be more than the target (RFC 8216 §4.3.3.1), and this picture would make it more.
      const isFull = seconds + this.#stepMicros / 1e6 > plan.targetSeconds + 0.45;
      const open = this.#open;
      if (isDue || isFull) {
        this.#finishSegment(segment, at);
        this.#startSegment(fragment, false);
      } else if (open && (at + this.#stepMicros - open.startMicros) / 1e6 > plan.partTargetSeconds) {
        this.#finishPart(segment, at);
        this.#open = { startMicros: at, isIndependent: fragment.isKey, pieces: [] };
        this.#setup.onChange();
      }
      if (at > this.#lastMicros) this.#stepMicros = at - this.#lastMicros;
    }
    this.#lastMicros = at;
    this.#append(this.#segments.at(-1)!, fragment.part);
  }

  #append(segment: Segment, bytes: Buffer): void {
    this.#open?.pieces.push(bytes);
    segment.sizeBytes += bytes.length;
    this.#sizeBytes += bytes.length;
    // A segment without end (no pictures, only sound) or of monstrous pictures.
    if (segment.sizeBytes > maxBytes / 2 && segment.seconds === null) {
      this.#finishSegment(segment, this.#lastMicros + this.#stepMicros);
      this.#init = null;
    }
  }

  #startSegment(fragment: LiveFragment, isDiscontinuity: boolean): void {
    this.#init = fragment.init;
    this.#segments.push({
      ...{ number: this.#nextNumber++, init: fragment.init.number, initBytes: fragment.init.bytes },
      ...{ isDiscontinuity, takenAtMs: this.#setup.nowMs(), startMicros: fragment.startMicros },
      ...{ seconds: null, parts: [], bytes: null, sizeBytes: 0 },
    });
    this.#open = { startMicros: fragment.startMicros, isIndependent: fragment.isKey, pieces: [] };
    this.#trim();
    this.#setup.onChange();
  }

  #finishPart(segment: Segment, endMicros: number): void {
    const open = this.#open;
    this.#open = null;
    if (!open || open.pieces.length === 0) return;
    const bytes = open.pieces.length === 1 ? open.pieces[0]! : Buffer.concat(open.pieces);
    const seconds = Math.max(0.001, (endMicros - open.startMicros) / 1e6);
    segment.parts.push({ seconds, isIndependent: open.isIndependent, bytes });
  }

  #finishSegment(segment: Segment, endMicros: number): void {
    this.#finishPart(segment, endMicros);
    const bytes = Buffer.concat(segment.parts.map((part) => part.bytes));
    let at = 0;
    // The parts become slices of the whole, so that both cost the memory of one.
    for (const part of segment.parts) {
      part.bytes = bytes.subarray(at, at + part.bytes.length);
      at += part.bytes.length;
    }
    segment.bytes = bytes;
    segment.seconds = Math.max(0.001, (endMicros - segment.startMicros) / 1e6);
  }

  #trim(): void {
    while (
      this.#segments.length > keptSegments ||
      (this.#sizeBytes > maxBytes && this.#segments.length > leastSegments)
    ) {
      const gone = this.#segments.shift()!;
      this.#sizeBytes -= gone.sizeBytes;
      if (gone.isDiscontinuity) this.#discontinuities += 1;
    }
  }
}

/** Decides at the second key frame, or after `mostTargetSeconds` without one. */
function planOf(fragments: readonly LiveFragment[]): Plan | null {
  const pictures = fragments.filter(
    (fragment) => fragment.hasPicture && fragment.init === fragments[0]!.init,
  );
  const start = pictures[0]?.startMicros ?? 0;
  const second = pictures.find((fragment, i) => i > 0 && fragment.isKey);
  const last = pictures.at(-1);
  const seconds = ((second ?? last)!.startMicros - start) / 1e6;
  if (!second && seconds < mostTargetSeconds && fragments.length < 2000) return null;
  const keySeconds = Math.max(0.001, seconds);
  const segmentSeconds = keySeconds * Math.ceil(leastSegmentSeconds / keySeconds);
  const targetSeconds = Math.min(
    mostTargetSeconds,
    Math.max(leastTargetSeconds, Math.ceil(segmentSeconds - 0.05)),
  );
  const picturesUntil = pictures.filter(({ startMicros }) => startMicros < start + seconds * 1e6).length;
  const frameSeconds = keySeconds / Math.max(1, picturesUntil);
  const perPart = Math.max(1, Math.round(partSeconds / frameSeconds));
  // Room for clocks that jitter: parts may not be longer, and not shorter than 85 % of it (rfc8216bis §4.4.4.9).
  const partTargetSeconds = Math.ceil(perPart * frameSeconds * 1.06 * 1000) / 1000;
  return { targetSeconds, partTargetSeconds, frameSeconds };
}
