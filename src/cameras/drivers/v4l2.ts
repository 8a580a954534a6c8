// The driver `v4l2`: USB and laptop cameras on Linux. Motion-JPEG and H.264 of the device pass through untouched, raw
// pictures are encoded once. `opencv` is another name for it, the one of the old examples.
import type { Clock } from '../../clock.ts';
import { AppError } from '../../errors.ts';
import { openCameraInput } from '../../workers/camera-input.ts';
import type { DeviceMode, InputFailure, V4l2Source } from '../../workers/camera-messages.ts';
import { listDeviceModes } from '../../workers/device-modes.ts';
import type { CameraSample, DriverContext, DriverOptions } from '../driver.ts';
import { checkNames, choiceOption, numberOption, textOption } from '../options.ts';

function sourceOf(options: DriverOptions): V4l2Source {
  checkNames('v4l2', options, ['device', 'format', 'width', 'height', 'fps']);
  const device = deviceOf(options);
  const format = choiceOption(options, 'format', ['any', 'mjpeg', 'h264', 'yuyv422']);
  const width = numberOption(options, 'width', { min: 16, max: 16_384, otherwise: 0 });
  const height = numberOption(options, 'height', { min: 16, max: 16_384, otherwise: 0 });
  const fps = numberOption(options, 'fps', { min: 0.1, max: 1000, otherwise: 0 });
  if ((width === 0) !== (height === 0)) {
    throw new AppError('bad-request', 'The options width and height are given both or not at all.');
  }
  return { kind: 'v4l2', device, format, width: Math.round(width), height: Math.round(height), fps };
}

/** A video device only: its name goes to FFmpeg, which would open anything. */
function deviceOf(options: DriverOptions): string {
  const given = typeof options.device === 'number' ? String(options.device) : textOption(options, 'device');
  const device = given === null ? '/dev/video0' : /^\d{1,3}$/.test(given) ? `/dev/video${given}` : given;
  if (!/^\/dev\/(video\d{1,3}|v4l\/by-(id|path)\/[\w:.+-]{1,200})$/.test(device)) {
    throw new AppError(
      'bad-request',
      `The option device is “${device.slice(0, 60)}”; it takes a video device such as /dev/video0, or its number.`,
    );
  }
  return device;
}

/** Throws `bad-request`. */
export function checkOptions(options: DriverOptions): void {
  sourceOf(options);
}

/** Yields the device's pictures. Throws `unavailable` with one sentence where it is not there, busy or unplugged. */
export async function* samples(
  options: DriverOptions,
  { signal, clock }: DriverContext,
): AsyncGenerator<CameraSample, void, void> {
  const source = sourceOf(options);
  yield* openCameraInput(source, {
    signal,
    clock,
    describe: (failure) => sentenceOf(failure, source.device),
    missing: noV4l2,
  });
}

const noV4l2 =
  'Webcams are read on 64-bit Linux with the packages koffi and node-av, of which one is missing here or this is none.';

/**
 * The sizes and rates the device offers, the best first. Throws `bad-request` where `device` is none,
 * `unavailable` where it cannot be asked (not there, or no engine on this machine).
 */
export async function listV4l2Modes(
  device: string,
  context: { readonly signal: AbortSignal; readonly clock: Clock },
): Promise<readonly DeviceMode[]> {
  return listDeviceModes(deviceOf({ device }), context);
}

function sentenceOf({ stage, code }: InputFailure, device: string): string {
  switch (code) {
    case 'ENOENT':
      return `There is no camera at ${device}.`;
    case 'EACCES':
    case 'EPERM':
      return `This program may not open ${device}; its user needs the group “video”.`;
    case 'EBUSY':
      return `The camera ${device} is in use by another program.`;
    case 'ENODEV':
    case 'ENXIO':
    case 'EIO':
      return stage === 'open' ? `There is no camera at ${device}.` : `The camera ${device} was unplugged.`;
    case 'EINVAL':
    case 'ENOTTY':
      return stage === 'open'
        ? `${device} is no camera that can be read in this format or size.`
        : `The camera ${device} was unplugged.`;
    case 'ERR_MODULE_NOT_FOUND':
      return noV4l2;
    default:
      return `The camera ${device} cannot be ${stage === 'open' ? 'opened' : 'read'} (${code}).`;
  }
}
