// The driver `images`: a folder of JPEG pictures, in the order of their names, at a rate, in a loop.
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError } from '../../errors.ts';
import type { DriverContext, DriverOptions } from '../driver.ts';
import { checkNames, numberOption, textOption } from '../options.ts';

/** Pictures are kept in memory up to this; a folder that is larger is read from disk each time round. */
const maxKeptBytes = 32 * 1024 * 1024;

/** Most pictures of one folder that are listed: bounds the memory of the list. */
const maxPictures = 100_000;

function settingsOf(options: DriverOptions): { path: string; fps: number } {
  checkNames('images', options, ['path', 'fps']);
  const path = textOption(options, 'path');
  if (path === null)
    throw new AppError('bad-request', 'The camera driver images needs the option path, a folder.');
  return { path, fps: numberOption(options, 'fps', { min: 0.01, max: 120, otherwise: 10 }) };
}

/** Throws `bad-request`. */
export function checkOptions(options: DriverOptions): void {
  settingsOf(options);
}

/** A slow series of pictures is not silent between two of them. */
export function maxPauseMs(options: DriverOptions): number {
  return 10_000 + (2 * 1000) / settingsOf(options).fps;
}

/** Yields the pictures of the folder. Throws where there is none. */
export async function* samples(
  options: DriverOptions,
  context: DriverContext,
): AsyncGenerator<Uint8Array, void, void> {
  const { path, fps } = settingsOf(options);
  yield* loopFolder(path, fps, context);
}

/** The pictures of `folder` at `fps` a second, again and again; a picture that comes late does not delay the next. */
export async function* loopFolder(
  folder: string,
  fps: number,
  { signal, clock }: DriverContext,
): AsyncGenerator<Uint8Array, void, void> {
  const names = await listPictures(folder);
  const kept = new Map<string, Uint8Array>();
  let keptBytes = 0;
  let dueMs = clock.monotonicMs();
  for (let number = 0; !signal.aborted; number = (number + 1) % names.length) {
    const name = names[number]!;
    let jpeg = kept.get(name);
    if (!jpeg) {
      jpeg = await readPicture(join(folder, name));
      if (keptBytes + jpeg.length <= maxKeptBytes) {
        kept.set(name, jpeg);
        keptBytes += jpeg.length;
      }
    }
    if (signal.aborted) return;
    yield jpeg;
    dueMs = Math.max(dueMs + 1000 / fps, clock.monotonicMs() - 1000 / fps);
    const pauseMs = dueMs - clock.monotonicMs();
    if (pauseMs > 0) await clock.sleep(pauseMs, signal).catch(ignoreAbort(signal));
  }
}

function ignoreAbort(signal: AbortSignal): (error: unknown) => void {
  return (error) => {
    if (!signal.aborted) throw error;
  };
}

async function listPictures(folder: string): Promise<string[]> {
  let names: string[];
  try {
    names = await readdir(folder);
  } catch (cause) {
    throw new AppError('unavailable', `The folder ${folder} cannot be read.`, { cause });
  }
  const pictures = names.filter((name) => /\.jpe?g$/i.test(name)).slice(0, maxPictures);
  if (pictures.length === 0)
    throw new AppError('unavailable', `There is no JPEG picture in the folder ${folder}.`);
  return pictures.sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
}

async function readPicture(path: string): Promise<Uint8Array> {
  try {
    // The hub's limit would refuse it as well, but only once it is in memory.
    if ((await stat(path)).size > maxKeptBytes) throw new Error('too large');
    return await readFile(path);
  } catch (cause) {
    throw new AppError('unavailable', `The picture ${path} cannot be read.`, { cause });
  }
}
