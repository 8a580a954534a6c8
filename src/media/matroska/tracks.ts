// TrackEntry (RFC 9559 §5.1.4.1): what a file says of each of its tracks, read from the Tracks element held whole.
import { AppError } from '../../errors.ts';
import type { MatroskaCodec } from '../codecs/description.ts';
import type { TrackKind } from '../track.ts';
import { children, readFloat, readString, readUint } from './ebml.ts';
import { ids } from './elements.ts';
import { encodingObstacle } from './encodings.ts';
import { namedRotation, noVideo, orientationMatrix, readVideo } from './picture.ts';

/** More than any real film has, so that a file made to hurt cannot make us hold columns for thousands. */
export const maxTracks = 128;

export type TrackEntry = {
  readonly number: number;
  readonly kind: TrackKind;
  /** What there is to know of the codec before any frame has arrived (`firstFrame` is null). */
  readonly codec: MatroskaCodec;
  readonly language: string;
  readonly name: string;
  readonly isDefault: boolean;
  /** DefaultDuration; 0 where absent. */
  readonly defaultDurationNs: number;
  readonly codecDelayNs: number;
  /** SeekPreRoll: what a decoder must be given before the point that is sought. */
  readonly seekPreRollNs: number;
  /** The tkhd matrix of a rotated picture; null for an upright one. */
  readonly matrix: readonly number[] | null;
  /** Why frames cannot be taken as they lie in the file (encrypted, compressed, stripped); null where they can. */
  readonly obstacle: string | null;
};

/** Stands for a track that has not been described yet. */
export function unknownEntry(number: number): TrackEntry {
  const { rotation: _, isMirrored: __, ...size } = noVideo;
  return {
    number,
    kind: 'video',
    codec: { codecId: '', codecPrivate: null, ...size, ...noAudio, codecDelayNs: 0, firstFrame: null },
    language: 'und',
    name: '',
    isDefault: false,
    defaultDurationNs: 0,
    codecDelayNs: 0,
    seekPreRollNs: 0,
    matrix: null,
    obstacle: null,
  };
}

/** TrackType (RFC 9559 §5.1.4.1.3); the others (logo, buttons, control, metadata) are nothing to play. */
const kinds: { [type: number]: TrackKind } = { 1: 'video', 2: 'audio', 17: 'subtitle' };

/** The playable tracks of a Tracks element. Throws AppError where there are too many. */
export function readTracks(tracks: Uint8Array): TrackEntry[] {
  const entries: TrackEntry[] = [];
  for (const { id, data } of children(tracks)) {
    if (id !== ids.trackEntry) continue;
    const entry = readTrackEntry(data);
    // A number that was used before would mix two tracks' frames: the first one keeps it.
    if (!entry || entries.some(({ number }) => number === entry.number)) continue;
    if (entries.length === maxTracks) {
      throw new AppError('unsupported-media', `This file has more than ${maxTracks} tracks.`);
    }
    entries.push(entry);
  }
  return entries;
}

function readTrackEntry(trackEntry: Uint8Array): TrackEntry | null {
  let number = 0;
  let type = 0;
  let isDefault = true;
  let defaultDurationNs = 0;
  let codecDelayNs = 0;
  let seekPreRollNs = 0;
  let name = '';
  let language = 'eng'; // RFC 9559 §5.1.4.1.19: the default where it is absent
  let languageBcp47 = '';
  let codecId = '';
  let codecPrivate: Uint8Array | null = null;
  let video = noVideo;
  let audio = noAudio;
  let obstacle: string | null = null;
  for (const { id, data } of children(trackEntry)) {
    switch (id) {
      case ids.trackNumber:
        number = readUint(data);
        break;
      case ids.trackType:
        type = readUint(data);
        break;
      case ids.flagDefault:
        isDefault = readUint(data) !== 0;
        break;
      case ids.defaultDuration:
        defaultDurationNs = boundedNs(data);
        break;
      case ids.codecDelay:
        codecDelayNs = boundedNs(data);
        break;
      case ids.seekPreRoll:
        seekPreRollNs = boundedNs(data);
        break;
      case ids.name:
        name = readString(data);
        break;
      case ids.language:
        language = readString(data);
        break;
      case ids.languageBcp47:
        languageBcp47 = readString(data);
        break;
      case ids.codecId:
        codecId = readString(data);
        break;
      case ids.codecPrivate:
        codecPrivate = data.slice();
        break;
      case ids.video:
        video = readVideo(data);
        break;
      case ids.audio:
        audio = readAudio(data);
        break;
      case ids.contentEncodings:
        obstacle = encodingObstacle(data);
        break;
    }
  }
  const kind = kinds[type];
  if (!kind || number === 0) return null;
  const picture = kind === 'video' ? video : noVideo;
  const { rotation, isMirrored, ...size } = picture;
  return {
    number,
    kind,
    codec: {
      codecId,
      codecPrivate,
      ...size,
      ...(kind === 'audio' ? audio : noAudio),
      codecDelayNs,
      bitDepth: kind === 'audio' ? audio.bitDepth : video.bitDepth,
      firstFrame: null,
    },
    language: canonicalLanguage(languageBcp47 || language),
    name,
    isDefault,
    defaultDurationNs,
    codecDelayNs,
    seekPreRollNs,
    matrix: kind === 'video' ? orientationMatrix(rotation + namedRotation(name), isMirrored, size) : null,
    obstacle,
  };
}

/** A length that is absurd (over an hour for one frame) is as good as none. */
function boundedNs(data: Uint8Array): number {
  const value = readUint(data);
  return value <= 3.6e12 ? value : 0;
}

const noAudio = { channels: 0, sampleRate: 0, outputSampleRate: 0, bitDepth: 0 };

function readAudio(audio: Uint8Array): typeof noAudio {
  const found = { ...noAudio, channels: 1, sampleRate: 8000 }; // the defaults of RFC 9559 §5.1.4.1.29
  for (const { id, data } of children(audio)) {
    if (id === ids.channels) found.channels = Math.min(readUint(data), 255);
    else if (id === ids.samplingFrequency) found.sampleRate = boundedRate(data);
    else if (id === ids.outputSamplingFrequency) found.outputSampleRate = boundedRate(data);
    else if (id === ids.bitDepth) found.bitDepth = Math.min(readUint(data), 255);
  }
  return found;
}

/** Hz; nothing real is above 10 MHz or below 1. */
function boundedRate(data: Uint8Array): number {
  const rate = readFloat(data);
  return rate >= 1 && rate <= 1e7 ? Math.round(rate) : 0;
}

/** BCP 47 from an ISO 639-2 code or a tag: `ger` becomes `de`; what is no language becomes `und`. */
export function canonicalLanguage(tag: string): string {
  try {
    return Intl.getCanonicalLocales(tag)[0] ?? 'und';
  } catch {
    return 'und';
  }
}
