// The times of one track's samples: Block times turned into decode and presentation times, sound to the sample where
// its codec allows, and the edits that hide what decoders need and viewers should not see.
import type { CodecDescription } from '../codecs/description.ts';
import type { Edit } from '../track.ts';
import { audioTimes, type FrameLengths } from './audio-times.ts';
import type { TrackSamples } from './blocks.ts';
import { decodeOrder } from './decode-order.ts';

/** A last picture of unknown length is shown this long. */
const usualPictureSeconds = 0.04;

/** The file's clock: ticks of Blocks to seconds, and what is added to every tick so that none is below 0. */
export type FileClock = { readonly scaleNs: number; readonly shiftTicks: number };

export type Times = {
  readonly timescale: number;
  readonly dts: Float64Array;
  readonly cts: Int32Array | null;
  readonly lastDuration: number;
  readonly edits: readonly Edit[];
  /** Presented end. */
  readonly endSeconds: number;
};

/** How long each frame of sound is in samples; null where the codec does not say. */
export function frameLengths(
  { entry, columns }: TrackSamples,
  description: CodecDescription,
): FrameLengths | null {
  const { frameLength, sampleRate, codec, channels } = description;
  if (sampleRate <= 0) return null;
  const { lengths, sizes } = columns;
  if (lengths !== null) {
    // A frame that does not tell is taken to be as long as the one before.
    for (let sample = 0; sample < columns.count; sample += 1) {
      if (lengths[sample] === 0) lengths[sample] = sample > 0 ? lengths[sample - 1]! : frameLength || 960;
    }
    return lengths.subarray(0, columns.count);
  }
  const pcmBytes = codec === 'pcm' ? channels * Math.ceil(entry.codec.bitDepth / 8) : 0;
  if (pcmBytes > 0) return sizes.subarray(0, columns.count).map((bytes) => Math.floor(bytes / pcmBytes));
  return frameLength > 0 ? frameLength : null;
}

/** Sound to the sample. `ticks` is used up: the times are made where they are. */
export function soundTimes(
  { entry, columns }: TrackSamples,
  ticks: Float64Array,
  { scaleNs }: FileClock,
  sampleRate: number,
  lengths: FrameLengths,
): Times {
  const { count } = columns;
  const end = audioTimes(ticks, { sampleRate, tickSeconds: scaleNs / 1e9, lengths });
  const mediaTime = Math.round((entry.codecDelayNs * sampleRate) / 1e9);
  // DiscardPadding (RFC 9559 §5.1.3.5.7) matters on the last Block, where it cuts what the encoder had to add.
  const discard =
    count > 0 && columns.discardCount === count ? Math.round((columns.discardNs * sampleRate) / 1e9) : 0;
  const presentedEnd = discard > 0 && end - discard > mediaTime ? end - discard : end;
  const endSeconds = Math.max(0, presentedEnd - mediaTime) / sampleRate;
  const isCut = presentedEnd !== end;
  return {
    timescale: sampleRate,
    dts: ticks,
    cts: null,
    lastDuration: count === 0 ? 0 : typeof lengths === 'number' ? lengths : lengths[count - 1]!,
    edits: mediaTime > 0 || isCut ? [{ durationSeconds: isCut ? endSeconds : 0, mediaTime, rate: 1 }] : [],
    endSeconds,
  };
}

/** Ticks per second for times that come from Blocks: those of the file where that is a whole and sensible number. */
function blockTimescale(scaleNs: number): number {
  const perSecond = 1e9 / scaleNs;
  if (Number.isInteger(perSecond) && perSecond >= 1000 && perSecond <= 1_000_000) return perSecond;
  // Finer would not leave room for a pause of an hour in the 32 bits of stts (ISO/IEC 14496-12 §8.6.1.2).
  return scaleNs < 1_000_000 ? 1_000_000 : 1000;
}

/**
 * Pictures, text, and sound whose frames have no length of their own: as the Blocks say. `ticks` is used up: the times
 * are made where they are.
 */
export function blockTimes(
  { entry, columns }: TrackSamples,
  ticks: Float64Array,
  { scaleNs, shiftTicks }: FileClock,
): Times {
  const timescale = blockTimescale(scaleNs);
  const perTick = (scaleNs * timescale) / 1e9;
  const defaultDuration = (entry.defaultDurationNs * timescale) / 1e9;
  const { count } = columns;
  const pts = ticks;
  let base = 0;
  for (let sample = 0; sample < count; sample += 1) {
    const said = ticks[sample]!;
    const isLaced = Number.isNaN(said);
    if (!isLaced) base = sample;
    // Frames in a lace have no time of their own: they follow the first one at the track's pace.
    if (isLaced) pts[sample] = pts[base]! + Math.round((sample - base) * defaultDuration);
    // Ticks are whole; most files' are milliseconds, as are the times here.
    else if (perTick !== 1) pts[sample] = Math.round(said * perTick);
  }
  // Text is shown in any order; pictures and sound are decoded before they are shown.
  const { dts, cts, delay } = decodeOrder(pts);
  const lastPts = count > 0 ? dts[count - 1]! : 0;
  const isLastSaid = Math.round((columns.durationTicks + shiftTicks) * perTick) === lastPts;
  const saidDuration = isLastSaid ? Math.round(columns.blockDuration * perTick) : 0;
  const usual = count > 1 ? lastPts - dts[count - 2]! : usualPictureSeconds * timescale;
  const lastDuration = count === 0 ? 0 : saidDuration || Math.round(defaultDuration) || Math.round(usual);
  const mediaTime = delay + Math.round((entry.codecDelayNs * timescale) / 1e9);
  return {
    timescale,
    dts,
    cts,
    lastDuration,
    edits: mediaTime > 0 ? [{ durationSeconds: 0, mediaTime, rate: 1 }] : [],
    endSeconds: count === 0 ? 0 : Math.max(0, lastPts + lastDuration + delay - mediaTime) / timescale,
  };
}
