// The driver `file`: any video, in a loop, at its own pace, with its sound. Its time goes on over the loop.
import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { AppError } from '../../errors.ts';
import { openCameraInput } from '../../workers/camera-input.ts';
import type { InputFailure } from '../../workers/camera-messages.ts';
import { selfContainedFormats } from '../../workers/file-formats.ts';
import type { CameraSample, DriverContext, DriverOptions } from '../driver.ts';
import { checkNames, textOption } from '../options.ts';

function pathOf(options: DriverOptions): string {
  checkNames('file', options, ['path']);
  const path = textOption(options, 'path');
  if (path === null)
    throw new AppError('bad-request', 'The camera driver file needs the option path, a video file.');
  return resolve(path);
}

/** Throws `bad-request`. */
export function checkOptions(options: DriverOptions): void {
  pathOf(options);
}

/** Yields the file's samples. Throws `unavailable` with one sentence where it is none, or cannot be read. */
export async function* samples(
  options: DriverOptions,
  { signal, clock }: DriverContext,
): AsyncGenerator<CameraSample, void, void> {
  const path = pathOf(options);
  if (signal.aborted) return;
  // A pipe or a device would be waited for without end.
  const found = await stat(path).catch(() => null);
  if (!found?.isFile()) throw new AppError('unavailable', `There is no video file ${path}.`);
  yield* openCameraInput(
    {
      kind: 'demux',
      // With its scheme, so that no name can be taken for another one.
      url: `file:${path}`,
      format: null,
      formats: selfContainedFormats,
      protocols: 'file',
      options: {},
      pace: 'loop',
    },
    { signal, clock, describe: (failure) => sentenceOf(failure, path) },
  );
}

function sentenceOf({ code }: InputFailure, path: string): string {
  switch (code) {
    case 'ENOENT':
      return `There is no video file ${path}.`;
    case 'EACCES':
    case 'EPERM':
      return `This program may not read the file ${path}.`;
    case 'NO_PICTURE':
      return `There are no pictures in the file ${path} that can be shown.`;
    case 'INVALIDDATA':
    // What is refused because it names other files.
    case 'EINVAL':
      return `The file ${path} is damaged or no video.`;
    default:
      return `The file ${path} cannot be read (${code}).`;
  }
}
