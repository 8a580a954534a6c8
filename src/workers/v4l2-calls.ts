// The calls of Video4Linux2 that reading a camera takes (linux/videodev2.h): a webcam's JPEG pictures need no engine, and
// are copied once. Layouts are those of 64-bit machines.
import { systemClock } from '../clock.ts';
import type { DeviceMode, InputFailure } from './camera-messages.ts';
import type { Libc } from './libc.ts';
import { errnoName, ReadError } from './read-error.ts';

/** _IOC of asm-generic/ioctl.h: direction, size of the argument, 'V', number. */
const write = 1;
const read = 2;
const both = 3;
const call = (direction: number, number: number, sizeBytes: number) =>
  ((direction << 30) | (sizeBytes << 16) | (0x56 << 8) | number) >>> 0;

const sizes = {
  capability: 104,
  fmtdesc: 64,
  format: 208,
  request: 20,
  buffer: 88,
  parameters: 204,
  frameSize: 44,
  frameInterval: 52,
};
const calls = {
  queryCapability: call(read, 0, sizes.capability),
  listFormats: call(both, 2, sizes.fmtdesc),
  getFormat: call(both, 4, sizes.format),
  setFormat: call(both, 5, sizes.format),
  requestBuffers: call(both, 8, sizes.request),
  queryBuffer: call(both, 9, sizes.buffer),
  queue: call(both, 15, sizes.buffer),
  dequeue: call(both, 17, sizes.buffer),
  streamOn: call(write, 18, 4),
  streamOff: call(write, 19, 4),
  getParameters: call(both, 21, sizes.parameters),
  setParameters: call(both, 22, sizes.parameters),
  listFrameSizes: call(both, 74, sizes.frameSize),
  listFrameIntervals: call(both, 75, sizes.frameInterval),
};

const videoCapture = 1; // V4L2_BUF_TYPE_VIDEO_CAPTURE, V4L2_CAP_VIDEO_CAPTURE
const streaming = 0x0400_0000; // V4L2_CAP_STREAMING
const hasDeviceCaps = 0x8000_0000; // V4L2_CAP_DEVICE_CAPS
const mapped = 1; // V4L2_MEMORY_MMAP
const discrete = 1; // V4L2_FRMSIZE_TYPE_DISCRETE, V4L2_FRMIVAL_TYPE_DISCRETE
const damaged = 0x40; // V4L2_BUF_FLAG_ERROR
const monotonic = 0x2000; // V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC

/** Four let the driver fill one while one is read and two wait. */
const bufferCount = 4;
/** More of anything than a device really lists: a driver that never says “no more”. */
const maxListed = 64;
/** Larger buffers than a camera's picture: refused. */
const maxBufferBytes = 128 * 1024 * 1024;
/** Waiting for a picture comes round this often, to see whether to stop. */
const waitMs = 200;

/** A fourcc of linux/videodev2.h as text: `MJPG`, `YUYV`. */
export type Fourcc = string;

export type V4l2Picture = {
  /** The device's own memory: to be copied before `release`. */
  readonly bytes: Buffer;
  readonly atMicros: number;
  release(): void;
};

export type V4l2Device = {
  formats(): Fourcc[];
  /** What it can do in these formats. */
  modes(nameOf: (fourcc: Fourcc) => string | null): DeviceMode[];
  /** Asks for a format, 0 for what it has; answers what it took. */
  setFormat(fourcc: Fourcc, width: number, height: number): V4l2Format;
  /** Asks for a rate; the device takes the nearest. */
  setRate(fps: number): void;
  start(): void;
  /** The next picture; null where none came for a moment. Throws a `ReadError` where the device is gone. */
  next(): Promise<V4l2Picture | null>;
  close(): void;
};

export type V4l2Format = {
  readonly fourcc: Fourcc;
  readonly width: number;
  readonly height: number;
  readonly bytesPerLine: number;
};

/** Opens a device. Throws a `ReadError` where it is not there, not allowed, or no camera. */
export function openV4l2(libc: Libc, path: string): V4l2Device {
  const fd = libc.open(path, 2 | 0o4000 | 0o2000000); // O_RDWR | O_NONBLOCK | O_CLOEXEC
  if (fd < 0) throw new ReadError('open', errnoName(libc.errno()), 'open');
  let stage: InputFailure['stage'] = 'open';
  const buffers: { bytes: Buffer; free: () => void }[] = [];
  let isOn = false;

  const ask = (request: number, argument: Buffer): boolean => libc.ioctl(fd, request, argument) >= 0;
  const must = (request: number, argument: Buffer, what: string): Buffer => {
    if (!ask(request, argument)) throw new ReadError(stage, errnoName(libc.errno()), what);
    return argument;
  };
  const typed = (sizeBytes: number, typeAt = 0): Buffer => {
    const argument = Buffer.alloc(sizeBytes);
    argument.writeUInt32LE(videoCapture, typeAt);
    return argument;
  };
  const bufferArgument = (index: number): Buffer => {
    const argument = typed(sizes.buffer, 4);
    argument.writeUInt32LE(index, 0);
    argument.writeUInt32LE(mapped, 60); //   memory
    return argument;
  };
  /** Asks with index 0, 1, ... until the device says there is no more. */
  const list = <Item>(request: number, make: () => Buffer, take: (answer: Buffer) => Item): Item[] => {
    const items: Item[] = [];
    for (let index = 0; index < maxListed; index += 1) {
      const argument = make();
      argument.writeUInt32LE(index, 0);
      if (!ask(request, argument)) break;
      items.push(take(argument));
    }
    return items;
  };
  const currentFormat = (): V4l2Format => formatOf(must(calls.getFormat, typed(sizes.format), 'its format'));
  const currentFps = (): number => {
    const parameters = typed(sizes.parameters);
    if (!ask(calls.getParameters, parameters)) return 0;
    return rateOf(parameters, 12);
  };
  const ratesOf = (pixelFormat: number, width: number, height: number): number[] =>
    list(
      calls.listFrameIntervals,
      () => {
        const argument = Buffer.alloc(sizes.frameInterval);
        argument.writeUInt32LE(pixelFormat, 4);
        argument.writeUInt32LE(width, 8);
        argument.writeUInt32LE(height, 12);
        return argument;
      },
      // Discrete, or the shortest interval of a range: both stand in the same place.
      (answer) => rateOf(answer, 20),
    );
  const formats = (): Fourcc[] =>
    list(
      calls.listFormats,
      () => typed(sizes.fmtdesc, 4),
      (answer) => answer.toString('latin1', 44, 48),
    );

  const device: V4l2Device = {
    formats,
    modes(nameOf) {
      const modes = formats().flatMap((fourcc): DeviceMode[] => {
        const format = nameOf(fourcc);
        if (format === null) return [];
        const pixelFormat = Buffer.from(fourcc, 'latin1').readUInt32LE();
        const found = list(
          calls.listFrameSizes,
          () => {
            const argument = Buffer.alloc(sizes.frameSize);
            argument.writeUInt32LE(pixelFormat, 4);
            return argument;
          },
          (answer) => {
            // Of a range of sizes the largest.
            const at = answer.readUInt32LE(8) === discrete ? [12, 16] : [16, 28];
            return { width: answer.readUInt32LE(at[0]!), height: answer.readUInt32LE(at[1]!) };
          },
        );
        return found.map(({ width, height }) => ({
          format,
          width,
          height,
          maxFps: Math.max(0, ...ratesOf(pixelFormat, width, height)),
        }));
      });
      if (modes.length > 0) return modes;
      // One that lists nothing has one.
      const { fourcc, width, height } = currentFormat();
      return [{ format: nameOf(fourcc) ?? fourcc, width, height, maxFps: currentFps() }];
    },
    setFormat(fourcc, width, height) {
      const argument = must(calls.getFormat, typed(sizes.format), 'its format');
      if (width > 0 && height > 0) {
        argument.writeUInt32LE(width, 8);
        argument.writeUInt32LE(height, 12);
      }
      argument.write(fourcc, 16, 'latin1'); //   pixelformat
      argument.writeUInt32LE(0, 20); //          field: any
      argument.writeUInt32LE(0, 24); //          bytesperline: the driver says
      argument.writeUInt32LE(0, 28); //          sizeimage
      return formatOf(must(calls.setFormat, argument, 'setting its format'));
    },
    setRate(fps) {
      const parameters = typed(sizes.parameters);
      if (!ask(calls.getParameters, parameters)) return;
      parameters.writeUInt32LE(1000, 12);
      parameters.writeUInt32LE(Math.round(fps * 1000), 16);
      // One that has a single rate refuses, and sends that.
      ask(calls.setParameters, parameters);
    },
    start() {
      const request = Buffer.alloc(sizes.request);
      request.writeUInt32LE(bufferCount, 0);
      request.writeUInt32LE(videoCapture, 4);
      request.writeUInt32LE(mapped, 8);
      const count = Math.min(must(calls.requestBuffers, request, 'its buffers').readUInt32LE(0), 32);
      for (let index = 0; index < count; index += 1) {
        const argument = must(calls.queryBuffer, bufferArgument(index), 'a buffer');
        const length = argument.readUInt32LE(72);
        if (length === 0 || length > maxBufferBytes)
          throw new ReadError('open', 'EINVAL', 'size of its buffers');
        buffers.push(libc.map(fd, length, argument.readUInt32LE(64)));
        must(calls.queue, bufferArgument(index), 'queueing a buffer');
      }
      must(calls.streamOn, typed(4), 'switching it on');
      isOn = true;
      stage = 'read';
    },
    async next() {
      const descriptor = Buffer.alloc(8);
      descriptor.writeInt32LE(fd, 0);
      descriptor.writeInt16LE(1, 4); //          POLLIN
      const ready = await libc.poll(descriptor, waitMs);
      const argument = bufferArgument(0);
      if (!ask(calls.dequeue, argument)) {
        const code = errnoName(libc.errno());
        if (code === 'EAGAIN' || code === 'EINTR') {
          // Ready and yet nothing there: a driver in trouble must not be asked without a pause.
          if (ready !== 0) await systemClock.sleep(5);
          return null;
        }
        throw new ReadError('read', code, 'taking a picture');
      }
      const index = argument.readUInt32LE(0);
      const buffer = buffers[index];
      if (!buffer) throw new ReadError('read', 'EINVAL', 'a buffer that is none');
      const release = () => void must(calls.queue, bufferArgument(index), 'queueing a buffer');
      const flags = argument.readUInt32LE(12);
      if (flags & damaged) {
        release();
        return null;
      }
      const seconds = Number(argument.readBigInt64LE(24));
      const micros = Number(argument.readBigInt64LE(32));
      const hasTime = (flags & monotonic) !== 0 && Number.isSafeInteger(seconds * 1e6 + micros);
      return {
        bytes: buffer.bytes.subarray(0, Math.min(argument.readUInt32LE(8), buffer.bytes.length)),
        atMicros: hasTime ? seconds * 1e6 + micros : Math.round(performance.now() * 1000),
        release,
      };
    },
    close() {
      if (isOn) ask(calls.streamOff, typed(4));
      isOn = false;
      for (const buffer of buffers.splice(0)) buffer.free();
      libc.close(fd);
    },
  };

  const capability = must(calls.queryCapability, Buffer.alloc(sizes.capability), 'what it is');
  const all = capability.readUInt32LE(84);
  const able = all & hasDeviceCaps ? capability.readUInt32LE(88) : all;
  if ((able & videoCapture) === 0 || (able & streaming) === 0) {
    libc.close(fd);
    throw new ReadError('open', 'ENOTTY', 'no camera');
  }
  return device;
}

function formatOf(argument: Buffer): V4l2Format {
  return {
    width: argument.readUInt32LE(8),
    height: argument.readUInt32LE(12),
    fourcc: argument.toString('latin1', 16, 20),
    bytesPerLine: argument.readUInt32LE(24),
  };
}

/** The rate of an interval, numerator first; 0 where it is none. */
function rateOf(bytes: Buffer, at: number): number {
  const [numerator, denominator] = [bytes.readUInt32LE(at), bytes.readUInt32LE(at + 4)];
  return numerator > 0 ? Math.round((denominator / numerator) * 100) / 100 : 0;
}
