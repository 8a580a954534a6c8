// A webcam's raw pictures as JPEG, and its H.264 in the form players take. Needs the engine.
import { AV_CODEC_ID_H264, type AVPixelFormat } from 'node-av/constants';
import { avGetPixFmtFromName, avImageGetBufferSize, Frame } from 'node-av/lib';
import { createAccessUnits } from './access-units.ts';
import { recordMaker } from './engine.ts';
import { createJpegEncoder } from './jpeg-maker.ts';
import { ReadError } from './read-error.ts';
import type { WireSample } from './sample-wire.ts';
import type { V4l2Format } from './v4l2-calls.ts';

type Convert = (bytes: Buffer, atMicros: number) => WireSample | null;

export function convertH264(): Convert {
  const units = createAccessUnits('avc', null, recordMaker(AV_CODEC_ID_H264));
  return (bytes, ptsMicros) => {
    const unit = units.convert(bytes, false);
    return unit && { codec: 'avc', ptsMicros, ...unit };
  };
}

/** `name` is FFmpeg's for the pixel format. Throws a `ReadError` where lines are padded: such pictures would lean. */
export function convertRaw({ width, height, bytesPerLine }: V4l2Format, name: string): Convert {
  const format = avGetPixFmtFromName(name) as AVPixelFormat;
  const sizeBytes = avImageGetBufferSize(format, width, height, 1);
  const lineBytes = avImageGetBufferSize(format, width, 1, 1);
  if (!(sizeBytes > 0)) throw new ReadError('open', 'EINVAL', 'the size of its pictures');
  const isPacked = !['nv12', 'yuv420p'].includes(name);
  const expected = isPacked ? lineBytes : width;
  if (bytesPerLine > 0 && bytesPerLine !== expected) throw new ReadError('open', 'EINVAL', 'padded lines');
  const encoder = createJpegEncoder();
  return (bytes, ptsMicros) => {
    if (bytes.length < sizeBytes) return null;
    using frame = Frame.fromVideoBuffer(bytes.subarray(0, sizeBytes), { width, height, format });
    const data = encoder.encode(frame);
    return data && { codec: 'jpeg', data, ptsMicros, isKey: true };
  };
}
