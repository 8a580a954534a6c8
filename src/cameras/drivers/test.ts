// The driver `test`: colour bars with the frame's number and the time drawn in, for people and for programs
// (`workers/test-picture.ts` says how to read them back), as H.264 or JPEG, with a ticking tone where asked.
import { AppError } from '../../errors.ts';
import { openCameraInput } from '../../workers/camera-input.ts';
import type { TestSource } from '../../workers/camera-messages.ts';
import type { CameraSample, DriverContext, DriverOptions } from '../driver.ts';
import { checkNames, choiceOption, flagOption, numberOption } from '../options.ts';

function sourceOf(options: DriverOptions): TestSource {
  checkNames('test', options, ['width', 'height', 'fps', 'codec', 'sound']);
  return {
    kind: 'test',
    width: evenOption(options, 'width', { min: 160, max: 3840, otherwise: 1280 }),
    height: evenOption(options, 'height', { min: 90, max: 2160, otherwise: 720 }),
    fps: numberOption(options, 'fps', { min: 0.2, max: 120, otherwise: 25 }),
    codec: choiceOption(options, 'codec', ['h264', 'jpeg']),
    hasSound: flagOption(options, 'sound', true),
  };
}

function evenOption(
  options: DriverOptions,
  name: string,
  range: { min: number; max: number; otherwise: number },
): number {
  const value = numberOption(options, name, range);
  if (value % 2 !== 0) {
    throw new AppError('bad-request', `The option ${name} is ${value}; it takes an even whole number.`);
  }
  return value;
}

/** Throws `bad-request`. */
export function checkOptions(options: DriverOptions): void {
  sourceOf(options);
}

/** Yields the picture and the tone, as they are made. */
export async function* samples(
  options: DriverOptions,
  { signal, clock }: DriverContext,
): AsyncGenerator<CameraSample, void, void> {
  yield* openCameraInput(sourceOf(options), {
    signal,
    clock,
    describe: ({ code }) => `The test picture cannot be made on this machine (${code}).`,
  });
}
