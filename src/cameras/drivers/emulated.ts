// The driver `emulated`: a street at night that this project drew (see `emulated/scene.ts`), for a first look and
// for machines without a camera; with a `path` it is the driver `images`.
import { fileURLToPath } from 'node:url';
import type { DriverContext, DriverOptions } from '../driver.ts';
import { checkNames, numberOption } from '../options.ts';
import { checkOptions as checkFolderOptions, loopFolder, maxPauseMs as maxFolderPauseMs } from './images.ts';

const scene = fileURLToPath(new URL('../emulated/', import.meta.url));

function fpsOf(options: DriverOptions): number {
  checkNames('emulated', options, ['path', 'fps']);
  return numberOption(options, 'fps', { min: 0.01, max: 120, otherwise: 10 });
}

/** Throws `bad-request`. */
export function checkOptions(options: DriverOptions): void {
  if (options.path === undefined) fpsOf(options);
  else checkFolderOptions(options);
}

/** A slow rate is no silence. */
export function maxPauseMs(options: DriverOptions): number {
  return options.path === undefined ? 10_000 + 2000 / fpsOf(options) : maxFolderPauseMs(options);
}

/** Yields the scene, at 10 pictures a second where `fps` says nothing else. */
export async function* samples(
  options: DriverOptions,
  context: DriverContext,
): AsyncGenerator<Uint8Array, void, void> {
  checkOptions(options);
  yield* loopFolder(typeof options.path === 'string' ? options.path : scene, fpsOf(options), context);
}
