// What a crash left of arriving videos, taken up or taken back (`design/writes.md`, "A video arrives"). Whoever it was
// may only have paused, in another process: before anything is taken back its writer is fenced off.
import type { Logger } from 'pino';
import type { BlobReader, BlobStore } from '../blobs/blob-store.ts';
import type { Catalogue, Video } from '../catalogue/catalogue.ts';
import { isAppError } from '../errors.ts';
import { discard } from './arrival.ts';
import { scanBlob } from './careful-scan.ts';
import type { Lock } from './locks.ts';
import type { VideoMaker } from './video-maker.ts';

export type RecoveryTools = {
  readonly blobs: BlobStore;
  readonly catalogue: Catalogue;
  readonly maker: VideoMaker;
  readonly log: Logger;
};

/** What stands of an arriving video: `sealed` and `whole` only want finishing, `part` can be gone on with. */
export type Standing =
  | { readonly kind: 'nothing' | 'part'; readonly receivedBytes: number }
  | { readonly kind: 'sealed' | 'whole'; readonly receivedBytes: number };

/** Looks at what the blob store has of an arriving video. */
export async function standingOf(video: Video, blobs: BlobStore): Promise<Standing> {
  const sealed = await openIfThere(() => blobs.open(video.blobId));
  if (sealed) {
    await sealed.close();
    return { kind: 'sealed', receivedBytes: sealed.sizeBytes };
  }
  const part = await openIfThere(() => blobs.openUnfinished(video.blobId));
  if (!part) return { kind: 'nothing', receivedBytes: 0 };
  await part.close();
  const receivedBytes = part.sizeBytes;
  return { kind: receivedBytes > 0 && receivedBytes === video.sizeBytes ? 'whole' : 'part', receivedBytes };
}

/**
 * Recovers one arriving video, whose lock is held. `finish` is work that may take a while (a scan), null where nothing
 * is left to do; `isGone` where it was removed.
 */
export async function recoverArrival(
  video: Video,
  tools: RecoveryTools,
  lock: Lock,
): Promise<{ finish: (() => Promise<void>) | null; isGone: boolean }> {
  const { blobs, catalogue, log } = tools;
  const standing = await standingOf(video, blobs);
  if (standing.kind === 'sealed' || standing.kind === 'whole') {
    return {
      finish: async () => {
        await finishStored(video, tools, lock);
        log.info({ video: video.id }, 'finished a video that had arrived whole before its process stopped');
      },
      isGone: false,
    };
  }
  // A form is never gone on with; a tus client comes back for its own.
  if (video.uploadMetadata === null) {
    const isGone = await discardStopped(video, tools, lock);
    if (isGone) log.info({ video: video.id, title: video.title }, 'removed what a stopped form upload left');
    return { finish: null, isGone };
  }
  if (video.receivedBytes !== standing.receivedBytes)
    await catalogue.noteReceived(video.id, standing.receivedBytes);
  return { finish: null, isGone: false };
}

/** Takes back what nobody writes any more. False where it was sealed at the last moment: then it stays, to be finished. */
export async function discardStopped(video: Video, tools: RecoveryTools, lock: Lock): Promise<boolean> {
  try {
    // Whoever only paused writes, seals and so finishes nothing more.
    await (await tools.blobs.append(video.blobId, lock.token)).close();
  } catch (error) {
    if (isAppError(error, 'conflict')) return false;
    throw error;
  }
  lock.assertHeld();
  await discard(tools, video);
  return true;
}

/** Steps 4 to 6 for a video all of whose bytes are stored. Throws `unsupported-media` after removing it. */
export async function finishStored(video: Video, tools: RecoveryTools, lock: Lock): Promise<Video> {
  const { blobs, maker, log } = tools;
  if (!(await isSealed(video, blobs))) {
    const writer = await blobs.append(video.blobId, lock.token);
    try {
      await writer.seal();
    } finally {
      await writer.close();
    }
  }
  const reader = await blobs.open(video.blobId);
  try {
    return await maker.keep(video, reader.sizeBytes, await scanBlob(reader, log), lock);
  } catch (error) {
    if (isAppError(error, 'unsupported-media')) {
      lock.assertHeld();
      await discard(tools, video);
    }
    throw error;
  } finally {
    await reader.close();
  }
}

async function isSealed(video: Video, blobs: BlobStore): Promise<boolean> {
  const reader = await openIfThere(() => blobs.open(video.blobId));
  await reader?.close();
  return reader !== null;
}

async function openIfThere(open: () => Promise<BlobReader>): Promise<BlobReader | null> {
  try {
    return await open();
  } catch (error) {
    if (isAppError(error, 'not-found')) return null;
    throw error;
  }
}
