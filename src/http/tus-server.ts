// The tus 1.0 protocol by @tus/server over the library. Loaded by the first request that speaks it: the package and
// what it brings are fifty modules that most starts never need.
import { AsyncLocalStorage } from 'node:async_hooks';
import { Server, type ServerOptions } from '@tus/server';
import { AppError, errorStatus } from '../errors.ts';
import type { Services } from './services.ts';
import { createTusLocker } from './tus-locker.ts';
import { LibraryTusStore } from './tus-store.ts';
import type { UploadPlace } from './upload-place.ts';

/** How long the request that is taken over from gets to store what it has in hand, milliseconds. */
const handOverMs = 100;

export type TusServer = {
  /** Answers one request. Whether it is the uploader's own upload was asked before. */
  handle(request: Request, place: UploadPlace): Promise<Response>;
  /** What the library threw over a request that was answered with an error; null where it was not the library. */
  failureOf(request: Request): AppError | null;
};

/** `path` is where uploads are made. */
export function createTusServer(path: string, { library, config, clock, metrics }: Services): TusServer {
  const { maxUploadBytes, unfinishedMs } = config.data;
  /** The package tells its store nothing of the request that it works for. */
  const places = new AsyncLocalStorage<UploadPlace>();
  /** What the library threw, by request: the package keeps but a status and a text of it. */
  const failures = new WeakMap<object, AppError>();
  const options: ServerOptions & { datastore: LibraryTusStore } = {
    path,
    datastore: new LibraryTusStore(library, metrics, unfinishedMs, () => {
      const place = places.getStore();
      if (!place) throw new Error('an upload outside of a request');
      return place;
    }),
    locker: createTusLocker(clock, library),
    ...(Number.isFinite(maxUploadBytes) && { maxSize: maxUploadBytes }),
    relativeLocation: true,
    lockDrainTimeout: handOverMs,
    disableTerminationForFinishedUploads: true,
    // Pages of other sites may not upload: no Access-Control-Allow-Origin at all.
    allowedOrigins: () => false,
    exposedHeaders: ['Kinora-Video'],
    onUploadFinish: async (_request, upload) => ({ headers: { 'Kinora-Video': `/videos/${upload.id}` } }),
    onResponseError: (request, error) => {
      if (error instanceof AppError) {
        failures.set(request, error);
        return { status_code: errorStatus[error.kind], body: error.message };
      }
      if ('status_code' in error) return undefined;
      failures.set(
        request,
        new AppError('internal', 'Something went wrong here; the log of the server says what.', {
          cause: error,
        }),
      );
      return undefined;
    },
  };
  const tus = new Server(options);
  return {
    handle: (request, place) => places.run(place, () => tus.handleWeb(request)),
    failureOf: (request) => failures.get(request) ?? null,
  };
}
