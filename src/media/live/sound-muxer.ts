// Makes a camera's sound alone into fragmented MP4, for players that show its pictures beside it. Pictures are looked
// at for their times only: they tell which moment of theirs the sound's time zero is. Memory: the sound of some
// hundredths of a second.
import { type FragmentSample, writeFragment } from './fragment.ts';
import { writeInitSegment } from './init-segment.ts';
import type { LiveFragment, LiveInit, LiveUnit } from './live-muxer.ts';
import { LiveTimeline } from './live-timeline.ts';
import { describeLiveTrack, type LiveTrack, liveContentType } from './live-track.ts';
import { opusFrameTicks, SoundTimes } from './sound-times.ts';

/** A sample with the time of day that its viewers are told. */
export type DatedUnit = LiveUnit & {
  /** Milliseconds since the epoch. */
  readonly takenAtMs: number;
};

/** Sound is collected for so long: a listener is late by it, and each fragment has a hundred bytes of headers. */
const fragmentMs = 40;

/** How much a new picture tells about the time zero; the others before it tell the rest, so that no late one counts. */
const newestWeight = 1 / 16;
/** Further off than this, somebody has set the time of day. */
const setMs = 500;

/** Where no picture has come in so long, the arrival of the sound tells its time: it is late by what it waited. */
const pictureWaitMs = 2000;

export class SoundMuxer {
  readonly #onFragment: (fragment: LiveFragment) => void;
  readonly #timeline = new LiveTimeline();
  #track: LiveTrack | null = null;
  #init: LiveInit | null = null;
  #times = new SoundTimes(1);
  #held: FragmentSample[] = [];
  #firstSoundMs: number | null = null;
  #originMs: number | null = null;
  #sequence = 0;
  #inits = 0;

  constructor(onFragment: (fragment: LiveFragment) => void) {
    this.#onFragment = onFragment;
  }

  /** What the newest fragments belong to; null before the first. */
  get init(): LiveInit | null {
    return this.#init;
  }

  /**
   * The time zero of the stream in milliseconds since the epoch, on the clock that dates the pictures; null while it
   * is not known. It changes where the time of day is set, and by the jitter of pictures.
   */
  get originMs(): number | null {
    return this.#originMs;
  }

  /** Takes the next sample in the order of coming. */
  push(unit: DatedUnit): void {
    if (unit.codec === 'aac' || unit.codec === 'opus') this.#takeSound(unit);
    else if (unit.codec === 'jpeg' || unit.codec === 'avc' || unit.codec === 'hevc') this.#takePicture(unit);
  }

  /** What comes next does not follow what came before. */
  interrupt(): void {
    this.#held = [];
  }

  #takePicture({ codec, ptsMicros, takenAtMonotonicMs, takenAtMs }: DatedUnit): void {
    const { micros } = this.#timeline.place('video', ptsMicros, takenAtMonotonicMs, codec !== 'jpeg');
    const seenMs = takenAtMs - micros / 1000;
    const known = this.#originMs;
    const isKnown = known !== null && Math.abs(seenMs - known) <= setMs;
    this.#originMs = isKnown ? known + (seenMs - known) * newestWeight : seenMs;
  }

  #takeSound(unit: DatedUnit): void {
    if (unit.config) this.#describe(unit.codec, unit.config);
    const track = this.#track;
    if (track?.codec !== unit.codec) return;
    const durationTicks = track.frameTicks || opusFrameTicks(unit.data);
    const { micros } = this.#timeline.place('audio', unit.ptsMicros, unit.takenAtMonotonicMs);
    this.#firstSoundMs ??= unit.takenAtMonotonicMs;
    if (this.#originMs === null && unit.takenAtMonotonicMs - this.#firstSoundMs >= pictureWaitMs)
      this.#originMs = unit.takenAtMs - micros / 1000;
    const decodeTicks = this.#times.next(micros, durationTicks);
    if (decodeTicks === null || durationTicks === 0) return;
    const last = this.#held.at(-1);
    // Times within a run follow from the durations before: what is further away begins another one.
    if (last && decodeTicks !== last.decodeTicks + last.durationTicks) this.#emit(unit, track);
    this.#held.push({ data: unit.data, decodeTicks, offsetTicks: 0, durationTicks, isKey: true });
    const start = this.#held[0]!.decodeTicks;
    if ((decodeTicks + durationTicks - start) * 1000 >= fragmentMs * track.timescale) this.#emit(unit, track);
  }

  /** Begins another init where the configuration is another one. */
  #describe(codec: string, config: Uint8Array): void {
    const known = this.#track;
    if (known?.codec === codec && Buffer.compare(known.config, config) === 0) return;
    const track = describeLiveTrack(codec, config);
    if (track?.kind !== 'audio') return;
    this.#track = track;
    this.#times = new SoundTimes(track.timescale);
    this.#held = [];
    const tracks = [track];
    const bytes = writeInitSegment(tracks);
    this.#init = { number: ++this.#inits, bytes, tracks, contentType: liveContentType(tracks) };
  }

  #emit({ takenAtMonotonicMs }: DatedUnit, track: LiveTrack): void {
    const samples = this.#held;
    this.#held = [];
    const sequence = ++this.#sequence;
    this.#onFragment({
      ...{ init: this.#init!, sequence, part: writeFragment(sequence, [{ track: 1, samples }]) },
      ...{ startMicros: (samples[0]!.decodeTicks * 1e6) / track.timescale, takenAtMonotonicMs },
      // Each can be begun at.
      ...{ isKey: true, hasPicture: false },
    });
  }
}
