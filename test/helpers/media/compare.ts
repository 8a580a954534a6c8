// Holds what a view decodes to against what the original decodes to: the differences in words, none where they agree.
import type { DecodedStream } from './media-spec.ts';

/** No more differences than this are listed: the first ones tell. */
const mostListed = 5;

export type Tolerance = {
  /** Times may differ by so much. */
  readonly toleranceUs: number;
  /** So many samples of sound may be there or not at the end. */
  readonly tailSamples: number;
};

/** Pictures: as many, the same pixels in the same order, at times that differ by no more than `toleranceUs`. */
export function comparePictures(
  original: DecodedStream,
  view: DecodedStream,
  { toleranceUs }: Tolerance,
): string[] {
  const found: string[] = [];
  if (original.frames.length !== view.frames.length)
    found.push(`${view.frames.length} pictures instead of ${original.frames.length}`);
  const count = Math.min(original.frames.length, view.frames.length);
  for (let i = 0; i < count && found.length < mostListed; i += 1) {
    const [expected, got] = [original.frames[i]!, view.frames[i]!];
    if (expected.digest !== got.digest)
      found.push(`picture ${i} differs (number ${got.number} instead of ${expected.number})`);
    if (Math.abs(expected.timeUs - got.timeUs) > toleranceUs)
      found.push(`picture ${i} at ${got.timeUs} us instead of ${expected.timeUs}`);
  }
  return found;
}

/** Sound (decoded with `pcm`): as many samples, each the same, the first at the same time. */
export function compareSound(
  original: DecodedStream,
  view: DecodedStream,
  { toleranceUs, tailSamples }: Tolerance,
): string[] {
  const found: string[] = [];
  if (original.sampleRate !== view.sampleRate || original.channels !== view.channels)
    return [
      `${view.sampleRate} Hz x ${view.channels} instead of ${original.sampleRate} x ${original.channels}`,
    ];
  if (!original.pcm || !view.pcm) return ['no samples to compare'];
  if (Math.abs(original.pcm.length - view.pcm.length) > tailSamples * view.channels)
    found.push(
      `${view.pcm.length / view.channels} samples instead of ${original.pcm.length / original.channels}`,
    );
  const [expectedUs, gotUs] = [original.frames[0]?.timeUs ?? 0, view.frames[0]?.timeUs ?? 0];
  if (Math.abs(expectedUs - gotUs) > toleranceUs)
    found.push(`sound starts at ${gotUs} us instead of ${expectedUs}`);
  const count = Math.min(original.pcm.length, view.pcm.length);
  let differing = 0;
  let first = -1;
  for (let i = 0; i < count; i += 1) {
    if (original.pcm[i] === view.pcm[i]) continue;
    differing += 1;
    if (first < 0) first = Math.floor(i / original.channels);
  }
  if (differing > 0) found.push(`${differing} samples differ, the first is ${first}`);
  return found;
}

/**
 * How far a stretch of sound that was decoded by itself is from the whole's at `atSample`: the rms of the difference
 * over the rms of the sound, leaving out `settleSamples` at its beginning and looking at every `stride`th. Infinity as
 * soon as it is known to be over `most`, NaN where nothing overlaps.
 */
export function soundError(
  whole: DecodedStream,
  part: DecodedStream,
  atSample: number,
  { settleSamples, stride, most }: { settleSamples: number; stride: number; most: number },
): number {
  const { channels } = whole;
  const [expected, got] = [whole.pcm!, part.pcm!];
  const from = Math.max(settleSamples, -atSample);
  const to = Math.min(got.length / channels, expected.length / channels - atSample);
  if (to <= from) return Number.NaN;
  let power = 1e-9;
  for (let i = from; i < to; i += stride) power += expected[(i + atSample) * channels]! ** 2;
  const mostError = most ** 2 * power;
  let error = 0;
  for (let i = from; i < to && error <= mostError; i += stride)
    error += (got[i * channels]! - expected[(i + atSample) * channels]!) ** 2;
  return error > mostError ? Number.POSITIVE_INFINITY : Math.sqrt(error / power);
}
