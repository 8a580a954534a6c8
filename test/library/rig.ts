// A library over the real stores on a real disk, and what tests do with it again and again.
import { join } from 'node:path';
import { pino } from 'pino';
import { createDiskBlobs } from '../../src/blobs/disk.ts';
import { openSqliteCatalogue } from '../../src/catalogue/sqlite/sqlite-catalogue.ts';
import { type ErrorKind, isAppError } from '../../src/errors.ts';
import { createLibrary } from '../../src/library/create-library.ts';
import type { ArrivingVideo, Library, NewArrival } from '../../src/library/library.ts';
import { createFakeClock } from '../helpers/fake-clock.ts';
import { temporaryFolder } from '../helpers/temporary-folder.ts';

export const dayMs = 86_400_000;
export const kind = (wanted: ErrorKind) => (error: unknown) => isAppError(error, wanted);

/** Two seconds with sound. */
export const film = {
  container: 'matroska',
  video: { codec: 'h264', seconds: 2 },
  audio: { codec: 'aac' },
} as const;

export type Rig = Awaited<ReturnType<typeof openLibrary>>;

/** A library over a folder. `leave` ends it as a kill would: nothing is tidied. */
export async function openLibrary(
  folder: string,
  { maxUploadBytes = Number.POSITIVE_INFINITY, clock = createFakeClock(Date.now()) } = {},
) {
  const blobs = await createDiskBlobs({ folder, reserveBytes: 1, clock });
  const catalogue = await openSqliteCatalogue({ file: join(folder, 'kinora.sqlite'), clock });
  const config = { maxUploadBytes, binMs: 30 * dayMs, unfinishedMs: 7 * dayMs };
  const library = createLibrary({ blobs, catalogue, clock, log: pino({ level: 'silent' }), config });
  const leave = async () => {
    await library.close();
    await catalogue.close();
    await blobs.close();
  };
  return { library, blobs, catalogue, clock, leave };
}

export async function withLibrary(
  use: (rig: Rig & { folder: string }) => Promise<void>,
  options = {},
): Promise<void> {
  const folder = await temporaryFolder();
  const rig = await openLibrary(folder, options);
  await rig.library.start();
  try {
    await use({ ...rig, folder });
  } finally {
    await rig.leave();
  }
}

/** Anna's, at the top, without a limit. */
const annas = { ownerId: 'anna', folderId: null, audiences: [], quotaBytes: null };

export const byForm = (fileName: string, part: Partial<NewArrival> = {}): NewArrival => ({
  ...{ ...annas, fileName, sizeBytes: null, uploadMetadata: null },
  ...part,
});
export const byTus = (
  fileName: string,
  sizeBytes: number | null,
  part: Partial<NewArrival> = {},
): NewArrival => ({
  ...{ ...annas, fileName, sizeBytes, uploadMetadata: 'filename eA==' },
  ...part,
});

export async function writeAll(
  arrival: ArrivingVideo,
  bytes: Uint8Array,
  chunkBytes = 64 * 1024,
): Promise<void> {
  for (let at = 0; at < bytes.length; at += chunkBytes)
    await arrival.write(bytes.subarray(at, at + chunkBytes));
}

export async function add(
  library: Library,
  bytes: Uint8Array,
  fileName = 'film.mkv',
  part: Partial<NewArrival> = {},
) {
  const arrival = await library.beginArrival(byForm(fileName, part));
  await writeAll(arrival, bytes);
  return arrival.finish();
}

export async function readOriginal(library: Library, id: string): Promise<Buffer> {
  const opened = await library.openOriginal(id);
  const bytes = Buffer.alloc(opened.end);
  await opened.reader.read(bytes, 0);
  opened.release();
  return bytes;
}
