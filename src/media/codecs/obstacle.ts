// What is said to a person about a track that no browser can show, and how such a description looks.
import type { Codec, TrackKind } from '../track.ts';
import type { CodecDescription } from './description.ts';

const subjects = { video: 'The picture', audio: 'The sound', subtitle: 'The subtitles' } as const;

/** A description that has nothing but the sentence why not. */
export function obstacle(
  codec: Codec,
  sentence: string,
  sound: { sampleRate: number; channels: number } = { sampleRate: 0, channels: 0 },
): CodecDescription {
  return {
    codec,
    codecString: null,
    sampleEntries: [],
    sampleRate: sound.sampleRate,
    channels: sound.channels,
    frameLength: 0,
    obstacle: sentence,
  };
}

/** `The sound is Dolby Digital (AC-3), which browsers cannot decode.` */
export function undecodable(kind: TrackKind, format: string): string {
  const [verb, able] = kind === 'subtitle' ? ['are', 'show'] : ['is', 'decode'];
  return `${subjects[kind]} ${verb} ${format}, which browsers cannot ${able}.`;
}

/** `The picture's H.264 header is missing or damaged.` */
export function damagedHeader(kind: 'video' | 'audio', format: string): string {
  return `${subjects[kind]}'s ${format} header is missing or damaged.`;
}

/** A name out of a file, made fit for a sentence: printable, short. */
export function quoteName(name: string): string {
  const clean = name.replace(/[^\x20-\x7e]/g, '?').slice(0, 40);
  return clean.trim() === '' ? 'a format without a name' : `“${clean}”`;
}
