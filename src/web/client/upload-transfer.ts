// One file on its way by tus 1.0: resumes where it was after a pause, a lost connection or a reload (the client
// notes where each file goes in localStorage under a fingerprint of the file).
import { DetailedError, Upload } from 'tus-js-client';
import { forgetFolder, type UploadPlace } from './upload-place.ts';

export type TransferEvents = {
  onProgress(sentBytes: number, wholeBytes: number): void;
  /** The connection is gone; it is tried again for as long as the page is open. */
  onLost(): void;
  /** It cannot go on. The sentence says why. */
  onFailure(sentence: string): void;
  onDone(videoId: string): void;
};

export type Transfer = {
  /** Everybody in the household will see it: said when it was begun, maybe on another day. */
  readonly isShared: boolean;
  pause(): Promise<void>;
  resume(): void;
  /** Stops it and removes what has arrived. */
  cancel(): Promise<void>;
};

const endpoint = '/api/v1/uploads';
/** Then every 15 s for an hour: a Pi that restarts is back in one minute, a router in three. */
const retryDelays = [500, 1000, 2000, 5000, 10_000, ...Array.from({ length: 240 }, () => 15_000)];
/** Answers that another attempt may change: locked by the connection before, busy, too many, the server's own. */
const passing = new Set([409, 423, 429]);

export async function startTransfer(
  file: File,
  place: UploadPlace,
  events: TransferEvents,
): Promise<Transfer> {
  const upload = new Upload(file, {
    endpoint,
    retryDelays,
    metadata: {
      ...{ filename: file.name, filetype: file.type },
      ...(place.folder && { folder: place.folder }),
      ...(place.share && { share: place.share }),
    },
    removeFingerprintOnSuccess: true,
    onProgress: (sent, whole) => events.onProgress(sent, whole ?? file.size),
    onShouldRetry(error) {
      const status = statusOf(error);
      const isPassing = status === 0 || passing.has(status) || (status >= 500 && status !== 507);
      if (isPassing) events.onLost();
      return isPassing;
    },
    onError(error) {
      const isRefused = upload.url === null && statusOf(error) === 404;
      // The folder was removed meanwhile: the next try puts the file at the top.
      if (isRefused && place.folder) forgetFolder();
      events.onFailure(sentenceOf(error));
    },
    onSuccess: () => events.onDone(upload.url?.split('/').at(-1) ?? ''),
  });
  const [previous] = await upload.findPreviousUploads();
  if (previous) upload.resumeFromPreviousUpload(previous);
  upload.start();
  return {
    isShared: Boolean(previous ? previous.metadata.share : place.share),
    pause: () => upload.abort(),
    resume: () => upload.start(),
    cancel: () => upload.abort(true).catch(() => {}),
  };
}

/** 0 where no answer came. */
function statusOf(error: Error | DetailedError): number {
  return error instanceof DetailedError ? (error.originalResponse?.getStatus() ?? 0) : 0;
}

/** The server's own words where it gave any (RFC 9457 `detail`), else what its status means. */
function sentenceOf(error: Error | DetailedError): string {
  const response = error instanceof DetailedError ? error.originalResponse : null;
  try {
    const problem = JSON.parse(response?.getBody() ?? '');
    if (typeof problem.detail === 'string') return problem.detail;
  } catch {
    // No problem document: the status has to do.
  }
  const sentences: Readonly<Record<number, string>> = {
    413: 'It is larger than this server takes.',
    415: 'This is no video or sound.',
    507: 'There is no room left on the disk.',
  };
  return sentences[response?.getStatus() ?? 0] ?? 'It did not arrive.';
}
