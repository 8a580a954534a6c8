// A film of two hours as Matroska has it, without a picture in it: 24 pictures a second with two B-frames, sound in
// frames of 1024 samples, every sample in a Block of its own, with sizes a hundredth of real ones.
import { closeSync, openSync, writeSync } from 'node:fs';
import { ids } from '../../src/media/matroska/elements.ts';
import {
  aacTrack,
  ebmlHeader,
  element,
  info,
  simpleBlock,
  tracks,
  uint,
  videoTrack,
} from '../../test/helpers/matroska-writer.ts';

const seconds = 7200;
const picturesPerSecond = 24;

/** Writes it, some 100 MB. Returns the number of its samples. */
export function writeLongFilm(path: string): number {
  const fd = openSync(path, 'w');
  const filler = new Uint8Array(1200).fill(0x55);
  const frame = (bytes: number) => filler.subarray(0, bytes);
  const whole = [info(), tracks(videoTrack(), aacTrack())];
  writeSync(fd, ebmlHeader());
  writeSync(fd, element(ids.segment, whole, { size: 'unknown', sizeWidth: 8 }));
  let sound = 0;
  for (let second = 0; second < seconds; second++) {
    const blocks: Uint8Array[] = [];
    for (let i = 0; i < picturesPerSecond; i++) {
      // Decoded I P B B: the third one is shown after the two that follow.
      const shown = i - (i % 4) + [0, 3, 1, 2][i % 4]!;
      const time = Math.round((shown * 1000) / picturesPerSecond);
      blocks.push(
        simpleBlock({ time, key: i === 0, frames: [frame(i === 0 ? 1200 : 200 + ((i * 37) % 200))] }),
      );
      for (; (sound * 1024) / 48_000 < second + (i + 1) / picturesPerSecond; sound++) {
        const soundTime = Math.floor((sound * 1024) / 48) - second * 1000;
        blocks.push(
          simpleBlock({ track: 2, time: soundTime, key: true, frames: [frame(40 + (sound % 60))] }),
        );
      }
    }
    writeSync(fd, element(ids.cluster, [uint(ids.timestamp, second * 1000), ...blocks]));
  }
  closeSync(fd);
  return seconds * picturesPerSecond + sound;
}
