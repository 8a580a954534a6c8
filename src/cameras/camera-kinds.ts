// What a camera sends, learned from its own samples: which pictures, their size, which sound.
import { readJpegSize } from '../media/codecs/jpeg-size.ts';
import { avcPictureFormat, hevcPictureFormat } from '../media/codecs/parameter-sets.ts';
import type { CameraSample } from './driver.ts';

/** What a camera sends, as far as it has shown it since the program's start. */
export type CameraKinds = {
  /** Whole JPEG pictures. */
  readonly pictures: boolean;
  readonly video: 'avc' | 'hevc' | null;
  readonly sound: 'aac' | 'opus' | 'pcma' | 'pcmu' | null;
  /** Of the picture, in pixels; null where it is not known. */
  readonly width: number | null;
  readonly height: number | null;
};

export const noKinds: CameraKinds = { pictures: false, video: null, sound: null, width: null, height: null };

/**
 * `kinds` with what this sample shows; the very same object where that is nothing new. Costs a few comparisons, and
 * for a JPEG a walk over its first markers.
 */
export function learnKinds(kinds: CameraKinds, sample: CameraSample): CameraKinds {
  switch (sample.codec) {
    case 'jpeg': {
      const size = readJpegSize(sample.data);
      const width = size?.width ?? kinds.width;
      const height = size?.height ?? kinds.height;
      if (kinds.pictures && width === kinds.width && height === kinds.height) return kinds;
      return { ...kinds, pictures: true, width, height };
    }
    case 'avc':
    case 'hevc': {
      if (kinds.video === sample.codec && !sample.config) return kinds;
      const readFormat = sample.codec === 'avc' ? avcPictureFormat : hevcPictureFormat;
      const size = sample.config ? readFormat(sample.config) : null;
      const width = size?.width ?? kinds.width;
      const height = size?.height ?? kinds.height;
      if (kinds.video === sample.codec && width === kinds.width && height === kinds.height) return kinds;
      return { ...kinds, video: sample.codec, width, height };
    }
    default:
      return kinds.sound === sample.codec ? kinds : { ...kinds, sound: sample.codec };
  }
}
