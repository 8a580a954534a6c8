// Reads a webcam: JPEG and H.264 as the device sends them, raw pictures made JPEG once. Runs in the camera's process
// only; the engine is loaded for what has to be encoded. Memory: the device's four buffers and one picture.
import type { DeviceMode, V4l2Source } from './camera-messages.ts';
import type { CameraReader, SendSample } from './camera-output.ts';
import { withHuffmanTables } from './huffman-tables.ts';
import { loadLibc } from './libc.ts';
import { ReadError } from './read-error.ts';
import type { WireSample } from './sample-wire.ts';
import { type Fourcc, openV4l2, type V4l2Device, type V4l2Format } from './v4l2-calls.ts';

/** Formats by the device's name for them and by ours (FFmpeg's), the ones to be preferred first. */
const formatNames = new Map<Fourcc, string>([
  ['MJPG', 'mjpeg'],
  ['JPEG', 'mjpeg'],
  ['YUYV', 'yuyv422'],
  ['UYVY', 'uyvy422'],
  ['NV12', 'nv12'],
  ['YU12', 'yuv420p'],
  ['RGB3', 'rgb24'],
  ['BGR3', 'bgr24'],
  ['GREY', 'gray'],
  // Last: its quality is whatever the device was left at; taken only where it is asked for or there is nothing else.
  ['H264', 'h264'],
]);

/** Turns one picture of the device into what is sent; null where it is nothing. */
type Convert = (bytes: Buffer, atMicros: number) => WireSample | null;

/** null where this machine has no such calls. */
export function createV4l2Reader(source: V4l2Source, onOpened: () => void): CameraReader | null {
  const libc = loadLibc();
  if (!libc) return null;
  let isStopping = false;
  return {
    async run(send) {
      const device = openV4l2(libc, source.device);
      try {
        const format = chooseFormat(device, source);
        if (source.fps > 0) device.setRate(source.fps);
        const convert = await createConvert(format);
        device.start();
        onOpened();
        while (!isStopping) await passOne(device, convert, send);
      } finally {
        device.close();
      }
    },
    stop() {
      isStopping = true;
    },
  };
}

/** What a device offers; null where this machine has no such calls. Throws a `ReadError` where it cannot be opened. */
export function listV4l2Device(path: string): DeviceMode[] | null {
  const libc = loadLibc();
  if (!libc) return null;
  const device = openV4l2(libc, path);
  try {
    return device.modes((fourcc) => formatNames.get(fourcc) ?? null);
  } finally {
    device.close();
  }
}

async function passOne(device: V4l2Device, convert: Convert, send: SendSample): Promise<void> {
  const picture = await device.next();
  if (!picture) return;
  const sample = picture.bytes.length > 0 ? convert(picture.bytes, picture.atMicros) : null;
  picture.release();
  if (sample) await send(sample);
}

function chooseFormat(device: V4l2Device, { format, width, height }: V4l2Source): V4l2Format {
  const offered = device.formats();
  const wanted = [...formatNames].filter(
    ([fourcc, name]) => offered.includes(fourcc) && (format === 'any' || name === format),
  );
  if (wanted.length === 0) throw new ReadError('open', 'EINVAL', 'no format of it can be read');
  const chosen = device.setFormat(wanted[0]![0], width, height);
  if (formatNames.get(chosen.fourcc) === undefined)
    throw new ReadError('open', 'EINVAL', 'it takes no format that can be read');
  return chosen;
}

async function createConvert(format: V4l2Format): Promise<Convert> {
  const name = formatNames.get(format.fourcc)!;
  if (name === 'mjpeg') {
    return (bytes, ptsMicros) => ({
      codec: 'jpeg',
      data: withHuffmanTables(bytes),
      ptsMicros,
      isKey: true,
    });
  }
  const { convertH264, convertRaw } = await import('./v4l2-encode.ts');
  return name === 'h264' ? convertH264() : convertRaw(format, name);
}
