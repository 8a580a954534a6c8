// Which camera drivers there are. Names map to files that are loaded when a camera needs them; anything that looks
// like a path is a module of the user's.
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { AppError } from '../errors.ts';
import type { DriverModule } from './driver.ts';
import { withSound } from './with-sound.ts';

const builtIn: Readonly<Record<string, () => Promise<DriverModule>>> = {
  emulated: () => import('./drivers/emulated.ts'),
  file: () => import('./drivers/file.ts'),
  images: () => import('./drivers/images.ts'),
  mjpeg: () => import('./drivers/mjpeg.ts'),
  // The webcam under the name of the old examples.
  opencv: () => import('./drivers/v4l2.ts'),
  pi: () => import('./drivers/pi.ts'),
  push: () => import('./drivers/push.ts'),
  rtsp: () => import('./drivers/rtsp.ts'),
  test: () => import('./drivers/test.ts'),
  v4l2: () => import('./drivers/v4l2.ts'),
};

/** The names of the built-in drivers. */
export const driverNames: readonly string[] = Object.keys(builtIn);

/** Whether a driver's name is the path of a module: it has a slash, or ends as a script does. */
export function isModulePath(name: string): boolean {
  return /[/\\]/.test(name) || /\.[cm]?[jt]s$/.test(name);
}

/**
 * Loads a driver by its name, or a module by its path (relative ones from the working folder).
 * Throws `bad-request` with one sentence: no such driver, the module cannot be loaded or has no `samples`.
 */
export async function loadDriver(name: string): Promise<DriverModule> {
  if (Object.hasOwn(builtIn, name)) return withSound(await builtIn[name]!());
  if (isModulePath(name)) return withSound(await loadModule(name));
  throw new AppError(
    'bad-request',
    `There is no camera driver “${name.slice(0, 60)}”; there are ${driverNames.join(', ')}, or the path of a module such as ./my-camera.ts.`,
  );
}

async function loadModule(path: string): Promise<DriverModule> {
  let loaded: Record<string, unknown>;
  try {
    loaded = await import(pathToFileURL(resolve(path)).href);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message.split('\n')[0] : String(cause);
    throw new AppError('bad-request', `The camera module ${path} cannot be loaded: ${reason}`, { cause });
  }
  const samples = loaded.samples ?? loaded.default;
  if (typeof samples !== 'function') {
    throw new AppError(
      'bad-request',
      `The camera module ${path} exports no function “samples”, nor one as default.`,
    );
  }
  return {
    samples: samples as DriverModule['samples'],
    ...(typeof loaded.checkOptions === 'function' && {
      checkOptions: loaded.checkOptions as NonNullable<DriverModule['checkOptions']>,
    }),
    ...(typeof loaded.maxPauseMs === 'function' && {
      maxPauseMs: loaded.maxPauseMs as NonNullable<DriverModule['maxPauseMs']>,
    }),
  };
}
