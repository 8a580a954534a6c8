// Makes a camera's samples into fragmented MP4, a fragment for each picture with the sound that came before it.
// Sound alone goes out where pictures are rare. Memory: the sound of some hundredths of a second, and at the start the
// samples of `soundWaitMs`.
import { DecodeTimes } from './decode-times.ts';
import { type FragmentRun, type FragmentSample, writeFragment } from './fragment.ts';
import { writeInitSegment } from './init-segment.ts';
import { LiveTimeline } from './live-timeline.ts';
import { describeLiveTrack, type LiveTrack, liveContentType } from './live-track.ts';
import { opusFrameTicks, SoundTimes } from './sound-times.ts';

/** A sample as it came from the camera; the hub's samples look like this. */
export type LiveUnit = {
  readonly codec: string;
  readonly data: Uint8Array;
  /** On the camera's own clock. */
  readonly ptsMicros: number;
  readonly isKey: boolean;
  /** On every key frame and every sample of sound. */
  readonly config?: Uint8Array;
  /** When it came. */
  readonly takenAtMonotonicMs: number;
};

export type LiveInit = {
  /** Counts from 1: another number is another stream to a player. */
  readonly number: number;
  readonly bytes: Buffer;
  readonly tracks: readonly LiveTrack[];
  readonly contentType: string;
};

export type LiveFragment = {
  readonly init: LiveInit;
  /** Counts from 1. */
  readonly sequence: number;
  /** moof and mdat. The same buffer for everybody. */
  readonly part: Buffer;
  /** Whether it begins with a key frame. */
  readonly isKey: boolean;
  /** Whether a picture is in it; else it is sound alone. */
  readonly hasPicture: boolean;
  /** Decode time of its first picture (else sound) on the common clock. */
  readonly startMicros: number;
  readonly takenAtMonotonicMs: number;
};

/** A stream begins without sound if none has come so long after the first picture; sound that comes later is added. */
const soundWaitMs = 200;
/** Samples held meanwhile: more than any camera sends in that time. */
const maxWaiting = 100;

/** Sound that waits for a picture goes out alone after this long: what a listener is late by at most. */
const maxSoundMs = 60;

/** A stream whose sound has been silent for so long goes on without: players stop where one track ends. */
const soundLossMs = 3000;

/** The guess of the time between two pictures until two have come, ticks of 90 kHz. */
const firstIntervalTicks = 3000;
const longestIntervalTicks = 90_000 * 10;

export type LiveMuxerSetup = {
  readonly onFragment: (fragment: LiveFragment) => void;
  /** Whether the camera is known to have no sound: then nothing waits for it. */
  readonly isSilent?: boolean;
};

export class LiveMuxer {
  readonly #setup: LiveMuxerSetup;
  readonly #timeline = new LiveTimeline();
  #video: LiveTrack | null = null;
  #audio: LiveTrack | null = null;
  #init: LiveInit | null = null;
  /** From the first key frame on, until it is known whether there is sound. */
  #waiting: LiveUnit[] = [];
  #needsKey = true;
  #decodeTimes = new DecodeTimes(0);
  #soundTimes = new SoundTimes(1);
  #sound: FragmentSample[] = [];
  #soundSinceMs = 0;
  #lastSoundMs = Number.NEGATIVE_INFINITY;
  #lastDecode = Number.NaN;
  #intervalTicks = firstIntervalTicks;
  #sequence = 0;
  #inits = 0;

  constructor(setup: LiveMuxerSetup) {
    this.#setup = setup;
  }

  /** What the newest fragments belong to; null before the first. */
  get init(): LiveInit | null {
    return this.#init;
  }

  /** Takes the next sample in the order of coming. Other codecs are passed over. */
  push(unit: LiveUnit): void {
    if (unit.codec === 'avc' || unit.codec === 'hevc') this.#takePicture(unit);
    else if (unit.codec === 'aac' || unit.codec === 'opus') this.#takeSound(unit);
  }

  /** What comes next does not follow what came before (the camera was started again): goes on at a key frame. */
  interrupt(): void {
    this.#needsKey = true;
    this.#sound = [];
    this.#waiting = [];
  }

  #takePicture(unit: LiveUnit): void {
    if (unit.isKey && unit.config) {
      const track = sameOrDescribed(this.#video, unit.codec, unit.config);
      // With a configuration that cannot be read nobody could show what follows.
      if (track?.kind !== 'video') {
        this.#needsKey = true;
        return;
      }
      this.#video = track;
    }
    if (!this.#video || this.#video.codec !== unit.codec) return;
    if (this.#needsKey && !unit.isKey) return;
    this.#needsKey = false;
    if (!this.#init) {
      this.#waiting.push(unit);
      const waitedMs = unit.takenAtMonotonicMs - this.#waiting[0]!.takenAtMonotonicMs;
      if (
        this.#audio ||
        this.#setup.isSilent ||
        waitedMs >= soundWaitMs ||
        this.#waiting.length >= maxWaiting
      )
        this.#begin();
      return;
    }
    if (unit.isKey) this.#renewInit(unit.takenAtMonotonicMs);
    this.#writePicture(unit);
  }

  #takeSound(unit: LiveUnit): void {
    if (unit.config) {
      const track = sameOrDescribed(this.#audio, unit.codec, unit.config);
      if (track?.kind === 'audio') this.#audio = track;
    }
    if (!this.#audio || this.#audio.codec !== unit.codec || this.#needsKey) return;
    this.#lastSoundMs = unit.takenAtMonotonicMs;
    if (!this.#init) {
      this.#waiting.push(unit);
      this.#begin();
    } else this.#writeSound(unit);
  }

  #begin(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#startInit(this.#audio);
    for (const unit of waiting) {
      if (unit.codec === this.#video?.codec) this.#writePicture(unit);
      else this.#writeSound(unit);
    }
  }

  /** At a key frame: another init where a configuration changed, or sound came or went. */
  #renewInit(nowMs: number): void {
    const [video, audio = null] = this.#init!.tracks;
    const sound = nowMs - this.#lastSoundMs <= soundLossMs ? this.#audio : null;
    if (video !== this.#video || audio !== sound) this.#startInit(sound);
  }

  #startInit(sound: LiveTrack | null): void {
    const tracks = sound ? [this.#video!, sound] : [this.#video!];
    const [oldVideo, oldSound] = this.#init?.tracks ?? [];
    const bytes = writeInitSegment(tracks);
    this.#init = { number: ++this.#inits, bytes, tracks, contentType: liveContentType(tracks) };
    if (oldVideo !== this.#video) this.#decodeTimes = new DecodeTimes(this.#video!.reorderDepth);
    if (sound && oldSound !== sound) this.#soundTimes = new SoundTimes(sound.timescale);
    this.#sound = [];
  }

  #writePicture(unit: LiveUnit): void {
    const mayReorder = this.#video!.reorderDepth !== 0;
    const { micros } = this.#timeline.place('video', unit.ptsMicros, unit.takenAtMonotonicMs, mayReorder);
    const times = this.#decodeTimes.next(Math.round(micros * 0.09), this.#intervalTicks);
    const step = times.decode - this.#lastDecode;
    if (step > 0 && step <= longestIntervalTicks) this.#intervalTicks = step;
    this.#lastDecode = times.decode;
    const decodeTicks = Math.max(0, times.decode);
    this.#emit(unit, decodeTicks / 0.09, {
      ...{ data: unit.data, decodeTicks, offsetTicks: times.presentation - decodeTicks },
      // Told by the next one's decode time; until that is there, what the last one took.
      ...{ durationTicks: this.#intervalTicks, isKey: unit.isKey },
    });
  }

  #writeSound(unit: LiveUnit): void {
    const track = this.#init!.tracks[1];
    if (!track || track !== this.#audio) return;
    const durationTicks = track.frameTicks || opusFrameTicks(unit.data);
    const { micros } = this.#timeline.place('audio', unit.ptsMicros, unit.takenAtMonotonicMs);
    const decodeTicks = this.#soundTimes.next(micros, durationTicks);
    if (decodeTicks === null || durationTicks === 0) return;
    if (this.#sound.length === 0) this.#soundSinceMs = unit.takenAtMonotonicMs;
    this.#sound.push({ data: unit.data, decodeTicks, offsetTicks: 0, durationTicks, isKey: true });
    const heldTicks = decodeTicks + durationTicks - this.#sound[0]!.decodeTicks;
    const isLong = heldTicks * 1000 > maxSoundMs * track.timescale;
    if (isLong || unit.takenAtMonotonicMs - this.#soundSinceMs >= maxSoundMs) this.#emit(unit, micros, null);
  }

  #emit(unit: LiveUnit, startMicros: number, picture: FragmentSample | null): void {
    const runs: FragmentRun[] = [];
    if (picture) runs.push({ track: 1, samples: [picture] });
    if (this.#sound.length > 0) runs.push({ track: 2, samples: this.#sound });
    this.#sound = [];
    const sequence = ++this.#sequence;
    this.#setup.onFragment({
      ...{ init: this.#init!, sequence, part: writeFragment(sequence, runs), startMicros },
      ...{ isKey: picture?.isKey ?? false, hasPicture: picture !== null },
      takenAtMonotonicMs: unit.takenAtMonotonicMs,
    });
  }
}

/** The track as it is known where the configuration is the same, byte for byte; else described anew, or null. */
function sameOrDescribed(known: LiveTrack | null, codec: string, config: Uint8Array): LiveTrack | null {
  if (known?.codec === codec) {
    if (known.config === config || Buffer.compare(known.config, config) === 0) return known;
  }
  return describeLiveTrack(codec, config);
}
