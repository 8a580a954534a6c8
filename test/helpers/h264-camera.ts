// A camera for tests out of made media: its samples as a driver of H.264 or H.265 yields them (access units with
// length prefixes, avcC or hvcC, sound with its configuration), in the order of decoding and merged by time.
import { readFileSync } from 'node:fs';
import type { CameraSample } from '../../src/cameras/driver.ts';
import { createMediaScan } from '../../src/media/scan.ts';
import type { Track } from '../../src/media/track.ts';
import { type MediaSpec, makeMedia } from './media/media.ts';

export type MadeCamera = {
  /** The file the samples are from. */
  readonly path: string;
  /** In the order they are to be given; the first picture and the first sound carry their configuration. */
  readonly samples: readonly CameraSample[];
};

/** Makes the media (an MP4) and takes it apart. Presentation times start near zero. */
export async function makeCamera(spec: Omit<MediaSpec, 'container'>): Promise<MadeCamera> {
  const path = await makeMedia({ container: 'mp4', ...spec });
  return { path, samples: samplesOf(readFileSync(path)) };
}

type Timed = { readonly atSeconds: number; readonly sample: CameraSample };

function samplesOf(file: Buffer): CameraSample[] {
  const scan = createMediaScan();
  scan.push(file);
  const result = scan.finish();
  if (result.kind !== 'index') throw new Error('the made file has no index');
  const timed = result.index.tracks.flatMap((track) => samplesOfTrack(track, file));
  return timed.sort((a, b) => a.atSeconds - b.atSeconds).map(({ sample }) => sample);
}

function samplesOfTrack(track: Track, file: Buffer): Timed[] {
  const { samples, timescale } = track;
  const codec = track.codec as CameraSample['codec'];
  const config = configOf(codec, Buffer.from(track.sampleEntries[0]!));
  const keys = samples.keys && new Set(samples.keys);
  // What the edit list leaves out (reordering, an encoder's delay) lies before the file's time zero.
  const zero = track.edits.find((edit) => edit.mediaTime >= 0)?.mediaTime ?? 0;
  return Array.from({ length: samples.count }, (_, i) => {
    const start = samples.offsets[i]!;
    const presentation = samples.dts[i]! + (samples.cts?.[i] ?? 0) - zero;
    return {
      atSeconds: samples.dts[i]! / timescale,
      sample: {
        ...{ codec, data: file.subarray(start, start + samples.sizes[i]!) },
        ...{ ptsMicros: (presentation / timescale) * 1e6, isKey: keys === null || keys.has(i) },
        ...(i === 0 && { config }),
      },
    };
  });
}

function configOf(codec: string, entry: Buffer): Buffer {
  const names: Record<string, string> = { avc: 'avcC', hevc: 'hvcC' };
  if (names[codec]) {
    const at = entry.indexOf(names[codec], 0, 'latin1');
    return Buffer.from(entry.subarray(at + 4, at - 4 + entry.readUInt32BE(at - 4)));
  }
  if (codec !== 'aac') throw new Error(`no configuration is taken from ${codec}`);
  // DecoderSpecificInfo (tag 5) stands right before SLConfigDescriptor (tag 6, length 1, 2).
  const end = entry.lastIndexOf(Buffer.from([0x06, 0x01, 0x02]));
  for (let length = 2; length < 16; length += 1)
    if (entry[end - length - 2] === 0x05 && entry[end - length - 1] === length)
      return Buffer.from(entry.subarray(end - length, end));
  throw new Error('no AudioSpecificConfig in the made file');
}
